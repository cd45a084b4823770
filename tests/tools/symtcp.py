# SPDX-License-Identifier: Apache-2.0
"""Evasion cases in the manner of SymTCP and Geneva, played against the TCP of this very kernel.

A `Lab` is two network namespaces with a veth between them. In one a small mail server listens on a
socket of the kernel; in the other there is no address at all, so the kernel is silent there, and a
`Client` speaks TCP with frames of its own making. What it plays is a dialogue with insertions
(`plan`): decoys and damaged copies that the sensor may believe and the server does not, or the other
way round. What the server's program was given (`App.facts`) is the truth.

Everything is one process, bound to one processor, and each frame is dealt with by the other side
before the next one is made (`Lab.settle`): the same seed gives the same case.
"""
import ctypes
import errno
import fcntl
import os
import random
import re
import select
import socket
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import evasion
import pcapio
import tlsfill
from evasion import MS
from pcapio import ACK, FIN, PSH, RST, SYN

URG, ICMP = 0x20, 1
CLIENT, SERVER, PORT = "192.0.2.10", "198.51.100.25", 25
CLIENT_MAC, SERVER_MAC = "02:00:00:00:00:0a", "02:00:00:00:00:19"  # of evasion.Wire
NEW_USER, NEW_NET = 0x10000000, 0x40000000  # unshare(2)
SIOCETHTOOL = 0x8946
OFFLOADS = (0x17, 0x1F, 0x22, 0x24, 0x2C)  # SET of tx checksums, TSO, UFO, GSO, GRO: <linux/ethtool.h>
SYSCTLS = {"tcp_challenge_ack_limit": 2**31 - 1, "tcp_invalid_ratelimit": 0, "tcp_syncookies": 0,
           "tcp_timestamps": 1, "tcp_sack": 1, "tcp_window_scaling": 1, "tcp_fastopen": 1}


# --- the two namespaces --------------------------------------------------------------------------

class Refused(Exception):
    """This machine does not let us make network namespaces."""


def _unshare(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _become_root():
    """Root of a user namespace of our own, where we are not root already."""
    user, group = os.getuid(), os.getgid()
    _unshare(NEW_USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("0 %d 1" % user)
    Path("/proc/self/gid_map").write_text("0 %d 1" % group)


def _namespace():
    """Enters a new network namespace; gives a handle on it."""
    _unshare(NEW_NET)
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _enter(handle):
    if ctypes.CDLL(None, use_errno=True).setns(handle, NEW_NET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip(text):
    subprocess.run(["ip", *text.split()], check=True, stdout=subprocess.DEVNULL)


def _plain_frames(name):
    """Whole checksums in every frame, and frames no longer than on a wire."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for command in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP16x", name.encode(), ctypes.addressof(value))
            try:
                fcntl.ioctl(s, SIOCETHTOOL, request)
            except OSError as e:
                if e.errno != errno.EOPNOTSUPP:
                    raise


def _bare_ipv4():
    for path in Path("/proc/sys/net/ipv6/conf").glob("*/disable_ipv6"):
        path.write_text("1")


class Lab:
    """Lives as long as the process: the namespaces go with their last socket. Nothing of it can be
    seen from outside, and nothing goes out."""

    def __init__(self):
        try:
            if os.geteuid():
                _become_root()
            self._build()
        except (OSError, subprocess.CalledProcessError) as e:
            raise Refused(str(e)) from e

    def _build(self):
        self.pings = 0
        near = _namespace()
        _bare_ipv4()
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        os.close(_namespace())
        _bare_ipv4()
        for name, value in SYSCTLS.items():
            path = Path("/proc/sys/net/ipv4") / name
            if path.exists():
                path.write_text(str(value))
        _ip("link add far address %s type veth peer name near address %s netns /proc/%d/fd/%d" % (
            SERVER_MAC, CLIENT_MAC, os.getpid(), near))
        _ip("address add %s/32 dev far" % SERVER)
        _ip("link set far up")
        _plain_frames("far")
        _ip("route add %s/32 dev far" % CLIENT)
        _ip("neigh replace %s lladdr %s nud permanent dev far" % (CLIENT, CLIENT_MAC))
        self.listener = socket.create_server((SERVER, PORT), backlog=64)
        self.listener.setblocking(False)
        _enter(near)
        _ip("link set near up")
        os.close(near)
        self.wire.bind(("near", 3))  # ETH_P_ALL
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    def send(self, frame):
        self.wire.send(frame)

    def accept(self):
        try:
            return self.listener.accept()
        except BlockingIOError:
            return None, None

    def settle(self):
        """All that the far side said until it had dealt with everything that was sent.

        A ping goes last; what comes before its answer came before it on the other side.
        """
        out, asked = [], 0
        while asked < 5:
            asked, self.pings = asked + 1, self.pings + 1 & 0xFFFF
            self.wire.send(self.ping())
            while select.select([self.wire], [], [], 1)[0]:
                frame, where = self.wire.recvfrom(65536)
                if where[2] == socket.PACKET_OUTGOING:
                    continue
                if frame[23] != ICMP:
                    out.append(frame)
                elif frame[34] == 0 and frame[40:42] == struct.pack("!H", self.pings):
                    return out
        raise RuntimeError("the far side does not answer")

    def ping(self):
        body = struct.pack("!BBHHH", 8, 0, 0, 1, self.pings)
        body = body[:2] + struct.pack("!H", pcapio.checksum(body)) + body[4:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, ICMP, 0) + (
            pcapio.address(CLIENT) + pcapio.address(SERVER))
        head = head[:10] + struct.pack("!H", pcapio.checksum(head)) + head[12:]
        macs = bytes.fromhex((SERVER_MAC + CLIENT_MAC).replace(":", ""))
        return macs + b"\x08\x00" + head + body


# --- the server's program ------------------------------------------------------------------------

BANNER = b"220 mx.symtcp.test ESMTP Postfix\r\n"
OFFER = (b"250-mx.symtcp.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-STARTTLS\r\n"
         b"250-AUTH PLAIN LOGIN\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
ANSWERS = {b"HELO": b"250 mx.symtcp.test\r\n", b"EHLO": OFFER, b"MAIL": b"250 2.1.0 Ok\r\n",
           b"RCPT": b"250 2.1.5 Ok\r\n", b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
           b"RSET": b"250 2.0.0 Ok\r\n", b"NOOP": b"250 2.0.0 Ok\r\n",
           b"QUIT": b"221 2.0.0 Bye\r\n", b"AUTH": b"235 2.7.0 Authentication successful\r\n",
           b"VRFY": b"252 2.0.0 maybe\r\n"}
READY, NO_TLS = b"220 2.0.0 Ready to start TLS\r\n", b"454 4.7.0 TLS not available\r\n"


class App:
    """A mail server that notes what it was told; without a socket it tells nobody."""

    def __init__(self, sock, accepts_tls):
        self.sock, self.accepts_tls = sock, accepts_tls
        self.got, self.rest = b"", b""
        self.mode, self.ended = "lines", ""
        self.facts = {"helo": "", "asked": False, "mail_from": "", "rcpt_to": [], "mails": 0,
                      "auth": False, "tls": False}
        if sock:
            sock.setblocking(False)
            self.answer(BANNER)

    def answer(self, data):
        try:
            if self.sock:
                self.sock.send(data)
        except OSError:
            self.ended = self.ended or "reset"

    def run(self):
        """Reads what the kernel has for us."""
        while not self.ended:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                self.ended = "reset"
                return
            self.read(data)
            if not data and not self.ended:
                self.ended = "end"
                self.sock.close()

    def read(self, data):
        self.got += data
        self.rest += data
        while not self.ended and self.step():
            pass

    def step(self):
        if self.mode == "maybe-tls" and len(self.rest) >= 5:  # a record's header tells
            self.mode = "tls" if self.rest[:2] == bytes((tlsfill.HANDSHAKE, 3)) else "lines"
            self.facts["tls"] = self.mode == "tls"
        if self.mode == "maybe-tls":
            return False
        if self.mode == "text" and self.rest:  # a message counts when any of its text is there
            self.facts["mails"] = 1
        if self.mode == "tls":
            return self.records()
        line, found, rest = self.rest.partition(b"\n")
        if not found:
            return False
        self.rest = rest
        if self.mode == "text":
            self.text_line(line.rstrip(b"\r"))
        else:
            self.command(line.rstrip(b"\r"))
        return True

    def records(self):
        if len(self.rest) < 5 or len(self.rest) < 5 + struct.unpack("!H", self.rest[3:5])[0]:
            return False
        kind, size = self.rest[0], struct.unpack("!H", self.rest[3:5])[0]
        self.rest = self.rest[5 + size:]
        if kind == tlsfill.HANDSHAKE:
            self.answer(tlsfill.record(22, tlsfill.filler("server hello", 90)) +
                        tlsfill.change_cipher_spec() + tlsfill.application("flight", 700))
        elif kind == tlsfill.APPLICATION:
            self.answer(tlsfill.application("answer", 60))
        return True

    def text_line(self, line):
        if line == b".":
            self.mode = "lines"
            self.answer(b"250 2.0.0 Ok: queued\r\n")

    def command(self, line):
        verb = line[:4].upper() if line[4:5] in (b"", b" ") else line.split(b" ")[0].upper()
        facts, path = self.facts, re.search(rb"<(.*)>", line)
        if verb in (b"EHLO", b"HELO"):
            facts["helo"] = facts["helo"] or (line.split() + [b""])[1].decode("latin-1")
        elif verb == b"MAIL":
            facts["mail_from"] = facts["mail_from"] or (path[1].decode("latin-1") if path else "?")
        elif verb == b"RCPT":
            facts["rcpt_to"].append(path[1].decode("latin-1") if path else "?")
        elif verb == b"AUTH":
            facts["auth"] = True
        elif verb == b"DATA" and facts["rcpt_to"] and not facts["mails"]:
            self.mode = "text"
        elif verb == b"DATA":
            verb = b"DATA without RCPT"
        if verb == b"STARTTLS":
            facts["asked"] = True
            self.mode = "maybe-tls" if self.accepts_tls else "lines"
            self.answer(READY if self.accepts_tls else NO_TLS)
        else:
            self.answer(ANSWERS.get(verb, b"500 5.5.2 Error: command not recognized\r\n"))
        if verb == b"QUIT":
            self.ended = "quit"
            if self.sock:
                self.sock.close()

    def drop(self):
        """Ends the connection for the kernel, whatever state it is in."""
        if self.sock.fileno() >= 0:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()


def facts_of(data, accepts_tls):
    """What a server would note of these bytes."""
    app = App(None, accepts_tls)
    app.read(data)
    return app.facts


# --- the client ----------------------------------------------------------------------------------

class Client(evasion.Wire):
    """Plays one connection; `packets` is what a tap saw of it."""

    def __init__(self, lab, rng, number, start):
        super().__init__(timestamps=rng.random() < 0.8, ports=(10000 + number, PORT), mss=1400,
                         isn=(rng.choice((1000000, rng.getrandbits(32), 2**32 - 40)), 0))
        self.lab, self.now, self.app = lab, start, None
        self.accepts_tls = False
        self.reset = False
        self.clock = [rng.getrandbits(30), 0]
        self.known = False  # where the server's stream begins

    def frame(self, side, packet, tags=()):
        super().frame(side, packet, tags)
        self.lab.send(self.packets[-1].data)
        self.hear()

    def hear(self):
        """Lets the other side act until it is silent."""
        for _ in range(20):
            self.take(self.lab.settle())
            if not self.app:
                sock, peer = self.lab.accept()
                if sock and peer[1] != self.ports[0]:
                    sock.close()
                elif sock:
                    self.app = App(sock, self.accepts_tls)
                    continue
            before = self.app and (len(self.app.got), self.app.ended)
            if self.app:
                self.app.run()
            if not self.app or before == (len(self.app.got), self.app.ended):
                break
        self.take(self.lab.settle())

    def take(self, frames):
        for data in frames:
            s = pcapio.decode(pcapio.LINK_ETHERNET, data)
            if s is None or s.sport != PORT or s.dport != self.ports[0]:
                continue
            self.now += MS // 4
            self.packets.append(pcapio.Packet(self.now, data, len(data)))
            self.sides.append(1)
            self.reset |= bool(s.flags & RST)
            if s.flags & SYN:
                if not self.known:
                    self.seq[1], self.known = (s.seq + 1) & 0xFFFFFFFF, True
            elif s.seq == self.seq[1]:
                self.seq[1] = (s.seq + s.payload_len + bool(s.flags & FIN)) & 0xFFFFFFFF
            if self.timestamps and s.tcp[20:24] == b"\x01\x01\x08\x0a":
                self.clock[1] = struct.unpack("!I", s.tcp[24:28])[0]

    def say(self, side, data, **how):
        """Of the client, in order, and its acknowledgement of what came back."""
        for at in range(0, len(data), self.mss):
            part = data[at:at + self.mss]
            self.seq[0] += len(part)
            self.segment(0, part, seq=self.seq[0] - len(part), **how)

    def heard(self):
        self.clock[0] += 10
        self.now += self.pause
        if not self.reset:
            self.segment(0, flags=ACK)


# --- what is inserted ----------------------------------------------------------------------------

def ip(**how):
    return {"ip": how}


# Of each: its name and what it does to a segment. `ack` and `ts` move what the segment says of them.
FLAWS = {
    "sound": {},
    "bad checksum": {"bad_sum": True},
    "bad IP checksum": ip(bad_ip=True),
    "no ACK flag": {"flags": PSH},
    "no flags": {"flags": 0},
    "URG alone": {"flags": URG},
    "FIN without ACK": {"flags": FIN},
    "every flag": {"flags": 0x3F},
    "ACK one ahead": {"ack": 1},
    "ACK 5,000 ahead": {"ack": 5000},
    "ACK 70,000 ahead": {"ack": 70000},
    "ACK half the space ahead": {"ack": 2**31 - 1},
    "ACK 20 behind": {"ack": -20},
    "ACK 5,000 behind": {"ack": -5000},
    "ACK 100,000 behind": {"ack": -100000},
    "ACK a quarter of the space behind": {"ack": -2**30},
    "timestamp one old": {"ts": -1},
    "timestamp 5,000 old": {"ts": -5000},
    "timestamp half the space old": {"ts": -2**31 + 1},
    "timestamp 5 ahead": {"ts": 5},
    "timestamp far ahead": {"ts": 2**30},
    "timestamp echo ahead": {"echo": 2**20},
    "no timestamp": {"options": b""},
    "bare ACK": {"flags": ACK, "data": b""},
    "bare ACK, timestamp far ahead": {"flags": ACK, "ts": 2**30, "data": b""},
    "bare ACK 5,000 ahead": {"flags": ACK, "ack": 5000, "data": b""},
    "bare ACK, bad checksum": {"flags": ACK, "bad_sum": True, "data": b""},
    "MD5": {"md5": True},
    "broken options": {"options": b"\x01\x01\x08\x20\x00\x00\x00\x01"},
    "options of length zero": {"options": b"\x01\x01\x08\x00\x00\x00\x00\x01"},
    "SYN": {"flags": SYN},
    "SYN and ACK": {"flags": SYN | ACK},
    "SYN, PSH and ACK": {"flags": SYN | PSH | ACK},
    "SYN and FIN": {"flags": SYN | FIN},
    "SYN and RST": {"flags": SYN | RST},
    "RST": {"flags": RST},
    "RST and ACK": {"flags": RST | ACK},
    "RST with bad checksum": {"flags": RST | ACK, "bad_sum": True},
    "RST with an old timestamp": {"flags": RST | ACK, "ts": -5000},
    "RST with MD5": {"flags": RST | ACK, "md5": True},
    "FIN": {"flags": FIN | ACK | PSH},
    "FIN with bad checksum": {"flags": FIN | ACK, "bad_sum": True},
    "FIN with an old timestamp": {"flags": FIN | ACK, "ts": -5000},
    "FIN with MD5": {"flags": FIN | ACK, "md5": True},
    "urgent first byte": {"flags": ACK | PSH | URG, "urgent": 1},
    "urgent third byte": {"flags": ACK | PSH | URG, "urgent": 3},
    "urgent pointer zero": {"flags": ACK | PSH | URG, "urgent": 0},
    "urgent, nothing else": {"flags": ACK | URG, "urgent": 4, "data": b""},
    "urgent beyond": {"flags": ACK | PSH | URG, "urgent": 40},
    "urgent pointer without URG": {"urgent": 3},
    "data offset 4": {"offset": 4},
    "data offset beyond": {"offset": 15},
    "data offset one more": {"offset": 6, "options": b""},
    "reserved bits": {"reserved": 0xE},
    "window zero": {"window": 0},
    "TTL 1": ip(ttl=1),
    "another TTL": ip(ttl=40),
    "IP options": ip(ip_options=b"\x94\x04\x00\x00"),
    "IP source route": ip(ip_options=b"\x83\x07\x04\xc6\x33\x64\x19\x00"),
    "broken IP options": ip(ip_options=b"\x07\x40\x00\x00"),
    "IP version 5": ip(version=5),
    "IP header length 4": ip(ihl=4),
    "IP length short": ip(total=30),
    "IP length cuts data": {"cut": 6},
    "IP length beyond": ip(total=1400),
    "more fragments": ip(frag=0x2000),
}

# Where the decoy begins, counted from the next byte of the client.
PLACES = {"exact": 0, "1 before": -1, "12 before": -12, "1 ahead": 1, "4 ahead": 4, "100 ahead": 100,
          "30,000 ahead": 30000, "the last byte of the window": 64000, "70,000 ahead": 70000,
          "200,000 ahead": 200000, "70,000 before": -70000, "half the space ahead": 2**31 - 10}

OTHER = {b"EHLO mail.alpha.test\r\n": b"EHLO evil.omega.test\r\n",
         b"STARTTLS\r\n": b"NOOP abc\r\n", b"NOOP abc\r\n": b"STARTTLS\r\n",
         b"MAIL FROM:<ann@one.test>\r\n": b"MAIL FROM:<eve@two.test>\r\n",
         b"RCPT TO:<bob@three.test>\r\n": b"RCPT TO:<mal@seven.test>\r\n",
         b"RCPT TO:<cyd@four.test>\r\n": b"NOOP RCPT:<of@none.test>\r\n",
         b"AUTH PLAIN AGEAYg==\r\n": b"NOOP PLAIN AGEAYg==\r\n",
         b"DATA\r\n": b"NOOP\r\n", b"QUIT\r\n": b"RSET\r\n"}
STRAY = (b"STARTTLS\r\n", b"QUIT\r\n", b"RSET\r\n", b"EHLO stray.omega.test\r\n",
         b"MAIL FROM:<eve@two.test>\r\n", b"RCPT TO:<mal@seven.test>\r\n", b"DATA\r\n")

EHLO, NOOP, TLS, QUIT = (b"EHLO mail.alpha.test\r\n", b"NOOP abc\r\n", b"STARTTLS\r\n", b"QUIT\r\n")
ENVELOPE = (b"MAIL FROM:<ann@one.test>\r\n", b"RCPT TO:<bob@three.test>\r\n",
            b"RCPT TO:<cyd@four.test>\r\n", b"DATA\r\n")
TEXT = b"Subject: symtcp\r\n\r\nnothing\r\n.\r\n"
HELLO = tlsfill.client_hello("mx.symtcp.test")
FINISHED = tlsfill.change_cipher_spec() + tlsfill.application("finished", 53)
DIALOGUES = {  # name: accepts TLS, steps
    "encrypted": (True, (EHLO, TLS, HELLO, FINISHED, tlsfill.application("mail", 80))),
    "refused": (False, (EHLO, TLS, *ENVELOPE, TEXT, QUIT)),
    "in clear": (True, (EHLO, NOOP, *ENVELOPE, TEXT, QUIT)),
    "login": (True, (EHLO, NOOP, b"AUTH PLAIN AGEAYg==\r\n", *ENVELOPE[:2], QUIT)),
}


@dataclass
class Insertion:
    step: int        # index in the dialogue
    manner: str      # where about the true bytes: see Play
    flaw: str
    place: str
    decoy: bytes


@dataclass
class Plan:
    number: int
    seed: int
    dialogue: str
    insertions: list = field(default_factory=list)
    handshake: str = ""     # what is odd about it
    stubborn: bool = False  # goes on after a reset, and without answers
    pieces: bool = False    # each command in two segments

    def __str__(self):
        parts = [self.dialogue] + (["handshake: " + self.handshake] if self.handshake else [])
        parts += ["step %d %s: %s, %s, %r" % (i.step, i.manner, i.flaw, i.place, i.decoy[:40])
                  for i in self.insertions]
        return "; ".join(parts + ["stubborn"] * self.stubborn + ["in pieces"] * self.pieces)


MANNERS = ("before", "after", "before", "after", "instead", "middle", "late first half", "alone", "again")
HANDSHAKES = ("data in the SYN", "fast open with data", "a second SYN", "a second SYN with data",
              "another SYN before", "data before the SYN/ACK", "a wrong ACK first", "an RST first",
              "SYN with FIN", "SYN with RST first", "ACK with data")


def _decoy(rng, true):
    other = OTHER.get(true, bytes(true[:1] + b"X" * max(0, len(true) - 1)))
    return rng.choice((other, other, other, rng.choice(STRAY), other + rng.choice(STRAY),
                       other[:len(other) // 2], b"X", b"\r\n", b""))


def plan(number, seed):
    """Case `number` of `seed`: each is drawn by itself. Every 25th has nothing odd in it."""
    rng = random.Random("%d.%d" % (seed, number))
    out = Plan(number, seed, rng.choice(list(DIALOGUES)))
    if number % 25 == 0:
        return out
    steps = DIALOGUES[out.dialogue][1]
    for _ in range(rng.choice((1, 1, 2, 3))):
        step = min(rng.randrange(len(steps)), rng.randrange(len(steps)) + 1)
        place = "exact" if rng.random() < 0.55 else rng.choice(list(PLACES))
        manner, decoy = rng.choice(MANNERS), _decoy(rng, steps[step])
        if manner == "again":
            place, decoy = "exact", steps[step]
        out.insertions.append(Insertion(step, manner, rng.choice(list(FLAWS)), place, decoy))
    if rng.random() < 0.12:
        out.handshake = rng.choice(HANDSHAKES)
    out.stubborn, out.pieces = rng.random() < 0.5, rng.random() < 0.2
    return out


# --- playing a plan ------------------------------------------------------------------------------

class Play:
    """One case from its first frame to its last."""

    def __init__(self, lab, plan_, start):
        rng = random.Random("%d.%d wire" % (plan_.seed, plan_.number))
        self.plan, self.wire = plan_, Client(lab, rng, plan_.number, start)
        self.wire.accepts_tls, self.steps = DIALOGUES[plan_.dialogue]

    def run(self):
        w = self.wire
        self.handshake()
        w.heard()
        for number, true in enumerate(self.steps):
            heard = w.seq[1]
            self.step(true, [i for i in self.plan.insertions if i.step == number])
            if (w.reset or not w.app or heard == w.seq[1]) and not self.plan.stubborn:
                break
            w.heard()
        if not w.reset:
            w.seq[0] += 1
            w.segment(0, flags=FIN | ACK, seq=w.seq[0] - 1)
            w.segment(0, flags=ACK)
        if w.app:
            w.app.drop()
        w.lab.settle()
        return w

    # --- frames ---

    def insert(self, i, at):
        """The decoy of an insertion; `at` is the sequence number that its place counts from."""
        w, how = self.wire, dict(FLAWS[i.flaw])
        ack, move, echo = how.pop("ack", 0), how.pop("ts", 0), how.pop("echo", 0)
        data, cut = how.pop("data", i.decoy), how.pop("cut", 0)
        clock = list(w.clock)
        w.clock[0], w.clock[1] = w.clock[0] + move, w.clock[1] + echo
        if cut:
            how["ip"] = {"total": 20 + 20 + len(w.options(0, "", False)) + max(0, len(data) - cut)}
        w.segment(0, data, seq=at + PLACES[i.place], ack=w.seq[1] + ack, **how)
        w.clock[0] = clock[0]
        if echo:
            w.clock[1] = clock[1]

    def step(self, true, insertions):
        """A step with what is inserted before it, in its place, in it, and behind it."""
        w, start = self.wire, self.wire.seq[0]
        first = insertions[0].manner if insertions else ""
        for i in insertions:
            if i.manner in ("before", "alone"):
                self.insert(i, start)
        if first == "instead":  # the true bytes follow as a repetition
            self.insert(insertions[0], start)
            w.now += 30 * MS
        half = len(true) // 2
        if first == "middle":
            w.say(0, true[:half])
            self.insert(insertions[0], start + half)
            w.say(0, true[half:])
        elif first == "late first half":  # out of order, the decoy in the hole
            w.segment(0, true[half:], seq=start + half)
            self.insert(insertions[0], start)
            w.segment(0, true[:half], seq=start)
            w.seq[0] = start + len(true)
        elif self.plan.pieces:
            w.say(0, true[:half])
            w.say(0, true[half:])
        else:
            w.say(0, true)
        for i in insertions:
            if i.manner == "again":
                self.insert(i, start)
            elif i.manner == "after":  # over what was just said, or where the next bytes will be
                self.insert(i, start if len(i.decoy) % 2 else w.seq[0])

    # --- beginnings ---

    def handshake(self):
        w, odd = self.wire, self.plan.handshake
        isn = w.seq[0]
        syn = {"flags": SYN, "ack": 0, "kind": "first" if not w.timestamps else "syn"}
        data = b"EHLO syn.omega.test\r\n"
        cookie = (w.options(0, "syn", False) + b"\x01\x01\x22\x0a" + bytes(8))
        if odd == "another SYN before":
            w.segment(0, seq=isn + 50000, **syn)
            w.known = False
        elif odd == "SYN with RST first":
            w.segment(0, seq=isn, **dict(syn, flags=SYN | RST))
        elif odd == "SYN with FIN":
            syn["flags"] = SYN | FIN
        if odd == "data in the SYN":
            w.segment(0, data, seq=isn, **syn)
        elif odd == "fast open with data":
            w.segment(0, data, seq=isn, options=cookie, **dict(syn, kind=""))
        else:
            w.segment(0, seq=isn, **syn)
        if not w.known:  # it was not answered: once more, as it should be
            w.segment(0, seq=isn, **dict(syn, flags=SYN))
        w.seq[0] = isn + 1
        w.clock[0] += 10
        w.now += 20 * MS
        self.before_established(odd, isn, syn, data)
        if odd == "ACK with data":
            w.say(0, b"NOOP\r\n")
        else:
            w.segment(0, flags=ACK)

    def before_established(self, odd, isn, syn, data):
        w = self.wire
        if odd == "a second SYN":
            w.segment(0, seq=isn + 7, **syn)
        elif odd == "a second SYN with data":
            w.segment(0, data, seq=isn + 7, **syn)
        elif odd == "data before the SYN/ACK":
            w.segment(0, data, ack=w.seq[1] + 9)
        elif odd == "a wrong ACK first":
            w.segment(0, flags=ACK, ack=w.seq[1] + 1000)
        elif odd == "an RST first":
            w.segment(0, flags=RST, seq=isn + 1000)
