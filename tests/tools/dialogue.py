#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles a readable dialogue into a capture; the same text always gives the same bytes.

The language is described in docs/dialogue-format.md.

    dialogue.py FILE [OUT.pcap]     compile one file (to stdout without OUT)
    dialogue.py --write DIR...      make DIR/input.pcap from DIR/dialogue.txt
    dialogue.py --check DIR...      compare DIR/input.pcap with its dialogue, byte by byte
"""
import re
import struct
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import dnsfill
import encap
import pcapio
import tlsfill
import tlsflight
from pcapio import ACK, FIN, PSH, RST, SYN

SIDES = ("C", "S")
OTHER = {"C": "S", "S": "C"}
MICROSECOND, MILLISECOND, SECOND = 10**3, 10**6, 10**9
UNITS = {"us": MICROSECOND, "ms": MILLISECOND, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
LINKS = {"ethernet": pcapio.LINK_ETHERNET, "sll": pcapio.LINK_SLL, "sll2": pcapio.LINK_SLL2,
         "raw": pcapio.LINK_RAW, "null": pcapio.LINK_NULL}
MAC = {"C": bytes.fromhex("02000000000a"), "S": bytes.fromhex("020000000019")}
ROUTER_ALERT = b"\x94\x04\x00\x00"
FAST_OPEN_COOKIE = b"\x22\x0a" + bytes.fromhex("c0ffee00c0ffee00")


class DialogueError(ValueError):
    """The text is no dialogue; the message names the line."""


def unescape(text):
    """Text of a line as bytes: \\xHH \\r \\n \\t \\0 \\\\, everything else as UTF-8."""
    simple = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
    out, at = b"", 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
        elif text[at + 1:at + 2] == "x":
            out += bytes.fromhex(text[at + 2:at + 4])
            at += 4
        elif text[at + 1:at + 2] in simple:
            out += simple[text[at + 1]]
            at += 2
        else:
            raise DialogueError("unknown escape in %r" % text)
    return out


def duration(text):
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)", text)
    if not match:
        raise DialogueError("not a duration: %r" % text)
    return round(float(match[1]) * UNITS[match[2]])


def endpoint(text):
    match = re.fullmatch(r"\[(.+)\]:(\d+)", text) or re.fullmatch(r"([\d.]+):(\d+)", text)
    if not match:
        raise DialogueError("not ADDR:PORT: %r" % text)
    return pcapio.address(match[1]), int(match[2])


def side_of(word):
    if word not in SIDES:
        raise DialogueError("C or S expected, not %r" % word)
    return word


@dataclass
class Connection:
    """One TCP connection as it stands."""
    seq: dict
    open: bool = False
    last_side: str = ""
    last: tuple = ()        # side, sequence number and payload of the newest segment
    acked: dict = field(default_factory=dict)
    away: dict = field(default_factory=dict)  # side: the first byte of it that nobody got


@dataclass
class Marks:
    """What happens to the next packet that is sent."""
    drop: bool = False
    dup: bool = False
    badsum: bool = False
    len0: bool = False
    frag: int = 0
    frag_reversed: bool = False
    hold: int = 0


class Compiler:
    """Walks the lines of a dialogue and writes packets."""

    def __init__(self):
        self.link = pcapio.LINK_ETHERNET
        self.ends = {"C": endpoint("192.0.2.10:40001"), "S": endpoint("198.51.100.25:25")}
        self.now = int(datetime(2026, 11, 21, 10, tzinfo=timezone.utc).timestamp()) * SECOND
        self.rtt = 20 * MILLISECOND
        self.vlans = []
        self.tunnel, self.beside = (), False
        self.mss = 0
        self.isn = {"C": 1000000, "S": 5000000}
        self.ttl = {"C": 64, "S": 57}
        self.ident = {"C": 4096, "S": 32768}
        self.shown = ("C", "S")
        self.snap = 0
        self.offload = set()
        self.options = b""
        self.exthdr = False
        self.name = "mx.example.test"
        self.resolver = pcapio.address("198.51.100.53")
        self.nosyn = self.fast_open = False
        self.pending = ("", b"")
        self.marks = Marks()
        self.held = []
        self.packets = []
        self.conn = self.fresh()
        self.blocks = {}        # name: lines
        self.block = None       # the one that is being written down

    # --- the script ------------------------------------------------------------------------------

    def compile(self, text):
        for number, line in enumerate(text.splitlines(), 1):
            try:
                self.line(line)
            except (DialogueError, ValueError, IndexError, KeyError, AttributeError,
                    TypeError, OSError, struct.error) as e:
                raise DialogueError("line %d: %r: %s" % (number, line, e)) from e
        if self.block is not None:
            raise DialogueError("a block without end")
        self.flush()
        self.release(everything=True)
        return pcapio.Capture(self.link, self.packets, self.snap or 262144)

    def line(self, line):
        if self.block is not None and line.strip() != "end":
            self.block.append(line)
            return
        match = re.fullmatch(r"(?:repeat (\d+) )?([CS])([:>]) ?(.*)", line)
        if match:
            text = unescape(match[4]) + (b"\r\n" if match[3] == ":" else b"")
            self.say(match[2], text * int(match[1] or 1))
            return
        words = line.split("#", 1)[0].split() if not line.startswith("overlap") else line.split()
        if not words:
            return
        self.flush()
        verb = getattr(self, "do_" + words[0], None)
        if verb is None:
            raise DialogueError("unknown word")
        if words[0] == "overlap":
            verb(line[len("overlap "):])
        else:
            verb(*words[1:])

    def say(self, side, data):
        if self.pending[0] not in ("", side):
            self.flush()
        self.pending = (side, self.pending[1] + data)

    def flush(self):
        side, data = self.pending
        self.pending = ("", b"")
        if data:
            self.send(side, data)

    # --- settings --------------------------------------------------------------------------------

    def do_client(self, text):
        self.ends["C"] = endpoint(text)

    def do_server(self, text):
        self.ends["S"] = endpoint(text)

    def do_ipv6(self):
        self.ends = {"C": (pcapio.address("2001:db8:1::10"), self.ends["C"][1]),
                     "S": (pcapio.address("2001:db8:2::25"), self.ends["S"][1])}

    def do_start(self, text):
        stamp = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
        self.now = int(stamp.timestamp()) * SECOND

    def do_rtt(self, text):
        self.rtt = duration(text)

    def do_vlan(self, *tags):
        self.vlans = [int(t) for t in tags]

    def do_tunnel(self, *words):
        """tunnel [beside] KIND [NUMBER]...; tunnel alone ends it."""
        self.beside = words[:1] == ("beside",)
        self.tunnel = words[self.beside:]
        encap.wrap(bytes(60), self.tunnel, True)  # or an error names this line

    def do_mss(self, size):
        self.mss = int(size)

    def do_isn(self, client, server):
        self.isn = {"C": int(client), "S": int(server)}
        self.conn = self.fresh()

    def do_ttl(self, client, server):
        self.ttl = {"C": int(client), "S": int(server)}

    def do_link(self, kind):
        self.link = LINKS[kind]

    def do_nosyn(self):
        self.nosyn = True

    def do_tfo(self):
        self.fast_open = True

    def do_onesided(self, side):
        self.shown = {"client": ("C",), "server": ("S",), "both": SIDES}[side]

    def do_snap(self, size):
        self.snap = int(size)

    def do_offload(self, side):
        self.offload = {side_of(side)}

    def do_ipopts(self):
        self.options = ROUTER_ALERT

    def do_exthdr(self):
        self.exthdr = True

    def do_sni(self, name):
        self.name = name

    def do_resolver(self, text):
        self.resolver = pcapio.address(text)

    # --- blocks ----------------------------------------------------------------------------------

    def do_block(self, name):
        self.block = self.blocks[name] = []

    def do_end(self):
        if self.block is None:
            raise DialogueError("end without block")
        self.block = None

    def do_play(self, name, *words):
        """play NAME [N] [every=DURATION] [clients=ADDR,ADDR...] [WORD=TEXT...]"""
        times = int(words[0]) if words and "=" not in words[0] else 1
        texts = dict(word.split("=", 1) for word in words[words[:1] == (str(times),):])
        clients = [pcapio.address(a) for a in texts.pop("clients", "").split(",") if a]
        every = duration(texts.pop("every", "0s"))
        lines = [self.filled(line, texts) for line in self.blocks[name]]
        for turn in range(times):
            if self.packets or self.held:
                self.now += every
                self.do_new()
            if clients:
                self.ends["C"] = (clients[turn % len(clients)], self.ends["C"][1])
            for line in lines:
                self.line(line)
            self.flush()

    @staticmethod
    def filled(line, texts):
        for word, text in texts.items():
            line = line.replace("{%s}" % word, text)
        if re.search(r"\{[a-z]+\}", line):
            raise DialogueError("play does not say what stands in %r" % line)
        return line

    # --- events ----------------------------------------------------------------------------------

    def do_wait(self, text):
        for side in SIDES:
            self.acknowledge(side)
        self.now += duration(text)

    def do_split(self):
        pass  # the segment has been closed by whoever read this line

    def do_drop(self):
        self.marks.drop = True

    def do_dup(self):
        self.marks.dup = True

    def do_swap(self):
        self.marks.hold = 1

    def do_hold(self, count):
        self.marks.hold = int(count)

    def do_badsum(self):
        self.marks.badsum = True

    def do_len0(self):
        self.marks.len0 = True

    def do_frag(self, size, order=""):
        if int(size) % 8:
            raise DialogueError("a fragment's length is a multiple of 8")
        self.marks.frag, self.marks.frag_reversed = int(size), order == "reversed"

    def do_retransmit(self):
        side, seq, payload = self.conn.last
        self.now += 200 * MILLISECOND
        self.segment(side, PSH | ACK, payload, seq=seq)

    def do_overlap(self, text):
        side, seq, payload = self.conn.last
        other = unescape(text)
        if len(other) > len(payload):
            raise DialogueError("longer than the segment it lies on")
        self.segment(side, PSH | ACK, other, seq=seq)

    def do_ack(self, side):
        self.segment(side_of(side), ACK, b"")

    def do_open(self):
        self.handshake()

    def do_syn(self):
        self.segment("C", SYN, b"", seq=self.isn["C"])

    def do_refuse(self):
        self.segment("S", RST | ACK, b"", seq=0, ack=self.isn["C"] + 1)

    def do_synack(self):
        self.handshake()
        self.segment("S", SYN | ACK, b"", seq=self.isn["S"])
        self.segment("C", ACK, b"")

    def do_fin(self, side):
        self.handshake()
        self.segment(side_of(side), FIN | ACK, b"")
        self.conn.seq[side] += 1
        self.segment(OTHER[side], ACK, b"")

    def do_away(self, side, count):
        side = side_of(side)
        self.handshake()
        self.conn.away.setdefault(side, self.conn.seq[side])
        self.conn.seq[side] += int(count)

    def do_close(self):
        self.do_fin("C")
        self.do_fin("S")

    def do_rst(self, side):
        self.handshake()
        self.segment(side_of(side), RST | ACK, b"")

    def do_new(self, how=""):
        if how not in ("", "same"):
            raise DialogueError("new or new same")
        address, port = self.ends["C"]
        self.ends["C"] = (address, port + (how == ""))
        self.nosyn = self.fast_open = False
        self.now += SECOND
        self.isn = {side: (isn + 640000) % 2**32 for side, isn in self.isn.items()}
        self.conn = self.fresh()

    def do_tls(self, *words):
        if words == ("handshake",):
            return [self.do_tls(*w.split()) for w in
                    ("C hello", "S hello", "C finished", "S app 255")]
        side, kind, *rest = words
        made = self.chosen(side_of(side), kind, rest)
        if made is None:
            made = self.records(side, kind, [int(n) for n in rest])
        self.send(side, made)
        return None

    def chosen(self, side, kind, rest):
        """Hellos and flights whose members the line names; None: of another kind."""
        def version():
            return int(rest[0], 16) if rest else 0x0303
        makers = {
            ("C", "offer"): lambda: tlsflight.client_offer(self.name, version(), rest[1:])
            if rest[1:] else tlsfill.client_offer(self.name, version()),
            ("C", "keys"): lambda: tlsflight.client_keys(version()),
            ("S", "select"): lambda: tlsfill.server_select(*[int(n, 16) for n in rest]),
            ("S", "flight"): lambda: tlsflight.server_flight(version(), int(rest[1], 16), rest[2:]),
            ("S", "finished12"): lambda: tlsflight.finished("server", version()),
            ("S", "retry"): lambda: tlsflight.server_retry(int(rest[0])),
            ("S", "resumed13"): tlsflight.server_resumed13,
        }
        if (side, kind) == ("S", "hello") and rest:
            return tlsfill.server_flight13(version(), int(rest[1]))
        return makers[side, kind]() if (side, kind) in makers else None

    def records(self, side, kind, numbers):
        label = "%s %d" % (side, self.conn.seq[side] - self.isn[side])
        makers = {
            ("C", "hello"): lambda: tlsfill.client_hello(self.name),
            ("C", "hello12"): lambda: tlsfill.client_hello(self.name, 0x0303),
            ("S", "hello"): tlsfill.server_flight13,
            ("S", "hello12"): tlsfill.server_flight12,
            ("C", "finished"): tlsfill.client_finished13,
            ("C", "finished12"): tlsfill.client_finished12,
            (side, "app"): lambda: tlsfill.application(label, *numbers),
            (side, "alert"): lambda: tlsfill.alert(*numbers),
        }
        if (side, kind) not in makers:
            raise DialogueError("unknown record")
        return makers[side, kind]()

    # --- DNS -------------------------------------------------------------------------------------

    def do_dns(self, side, ident, kind, owner, *words):
        """dns C ID TYPE NAME [FLAG...]; dns S ID TYPE NAME RCODE|RECORD... [FLAG...]"""
        flags = [w for w in words if w in dnsfill.FLAGS or w == "do"]
        rest = [w for w in words if w not in flags]
        answer = None if side_of(side) == "C" else ""
        if rest and rest[0] in dnsfill.RCODES:
            answer = rest.pop(0)
        if side == "C" and rest:
            raise DialogueError("a query has no records")
        text = dnsfill.message(int(ident), kind, owner, answer, [unescape(w) for w in rest], flags)
        ends = [(self.ends["C"][0], 40053), (self.resolver, dnsfill.PORT)]
        (src, sport), (dst, dport) = ends if side == "C" else ends[::-1]
        marks, self.marks = self.marks, Marks()
        self.now += MILLISECOND
        self.capture(side, dnsfill.datagram(src, dst, sport, dport, self.ttl[side], text), marks)

    # --- TCP -------------------------------------------------------------------------------------

    def fresh(self):
        return Connection({side: self.isn[side] + 1 for side in SIDES},
                          acked={side: self.isn[side] + 1 for side in SIDES})

    def handshake(self, data=b""):
        """Opens the connection before its first payload, unless `nosyn` says it was missed."""
        conn = self.conn
        if conn.open:
            return
        conn.open = True
        if self.nosyn:
            return
        isn = dict(self.isn)
        self.segment("C", SYN, data, seq=isn["C"], ack=0)
        conn.seq["C"] += len(data)
        conn.last = ("C", isn["C"] + 1, data) if data else ()
        self.segment("S", SYN | ACK, b"", seq=isn["S"])
        self.segment("C", ACK, b"")

    def send(self, side, data):
        """Payload of one side, cut into segments."""
        marks, self.marks = self.marks, Marks()  # they mean this segment, not the handshake
        if self.fast_open and side == "C" and not self.conn.open:
            self.handshake(data)
            return
        self.handshake()
        self.marks = marks
        size = self.mss or (1460 if len(self.ends[side][0]) == 4 else 1440)
        if self.marks.len0:  # the card cuts such a segment later
            size = len(data)
        for at in range(0, len(data), size):
            part = data[at:at + size]
            seq = self.conn.seq[side]
            self.conn.seq[side] += len(part)
            self.segment(side, PSH | ACK, part, seq=seq)
            self.conn.last = (side, seq, part)

    def acknowledge(self, side):
        """A pure ACK, if there is anything to acknowledge."""
        if self.conn.open and self.conn.acked[side] != self.conn.seq[OTHER[side]]:
            self.segment(side, ACK, b"")

    def tick(self, side):
        """The tap is close to the client: what the server says to it takes a round trip."""
        last = self.conn.last_side
        if last == "":
            return
        if last == side:
            self.now += 50 * MICROSECOND
        else:
            self.now += self.rtt if side == "S" else 200 * MICROSECOND

    def segment(self, side, flags, payload, seq=None, ack=None):
        conn, other = self.conn, OTHER[side]
        self.tick(side)
        conn.last_side = side
        seq = conn.seq[side] if seq is None else seq
        if ack is None:
            ack = conn.away.get(other, conn.seq[other]) if flags & ACK else 0
        if flags & ACK:
            conn.acked[side] = conn.seq[other]
        options = self.syn_options(side, bool(payload)) if flags & SYN else b""
        tcp = struct.pack("!HHIIBBHHH", self.ends[side][1], self.ends[other][1], seq % 2**32,
                          ack % 2**32, (20 + len(options)) // 4 << 4, flags, 65535, 0, 0) + options
        self.ident[side] += 1
        self.transmit(side, tcp, payload)

    def syn_options(self, side, with_data):
        mss = 1460 if len(self.ends[side][0]) == 4 else 1440
        options = struct.pack("!BBH", 2, 4, mss) + b"\x01\x03\x03\x07\x01\x01\x04\x02"
        if with_data:
            options += FAST_OPEN_COOKIE + b"\x01\x01"
        return options

    # --- frames ----------------------------------------------------------------------------------

    def transmit(self, side, tcp, payload):
        marks, self.marks = self.marks, Marks()
        src, dst = self.ends[side][0], self.ends[OTHER[side]][0]
        extension, first = self.extension_headers(src)
        ip = pcapio.fresh_ip(src, dst, self.ttl[side], self.ident[side],
                             self.options if len(src) == 4 else b"", extension, first)
        shell = pcapio.Segment(b"", ip, src, dst, *struct.unpack("!HHII", tcp[:12]), tcp[13],
                               tcp, payload, len(payload))
        datagram = pcapio.rebuild(shell)
        start = len(ip)
        if marks.badsum:
            datagram = self.patch(datagram, start + 16, lambda v: v ^ 0x5555)
        if side in self.offload:
            datagram = self.partial_sum(datagram, start, src, dst)
        if marks.len0:
            datagram = self.without_length(datagram, len(src) == 4)
        for piece in self.fragments(datagram, start, marks):
            self.capture(side, piece, marks)

    def extension_headers(self, src):
        if len(src) == 4 or not self.exthdr:
            return b"", pcapio.PROTO_TCP
        padding = b"\x01\x04\x00\x00\x00\x00"
        return (bytes((60, 0)) + padding + bytes((pcapio.PROTO_TCP, 0)) + padding), 0

    @staticmethod
    def patch(data, at, change):
        value = change(struct.unpack_from("!H", data, at)[0])
        return data[:at] + struct.pack("!H", value & 0xFFFF) + data[at + 2:]

    def partial_sum(self, datagram, start, src, dst):
        """What a stack leaves in the field when the card is to compute the checksum."""
        pseudo = pcapio.pseudo_header(src, dst, len(datagram) - start)
        return self.patch(datagram, start + 16, lambda _: pcapio.checksum(pseudo) ^ 0xFFFF)

    def without_length(self, datagram, is_ipv4):
        if not is_ipv4:
            return self.patch(datagram, 4, lambda _: 0)
        bare = self.patch(self.patch(datagram, 2, lambda _: 0), 10, lambda _: 0)
        header = bare[:(bare[0] & 15) * 4]
        return self.patch(bare, 10, lambda _: pcapio.checksum(header))

    def fragments(self, datagram, start, marks):
        if not marks.frag:
            return [datagram]
        build = self.fragment4 if datagram[0] >> 4 == 4 else self.fragment6
        body = datagram[start:]
        pieces = [build(datagram[:start], at, body[at:at + marks.frag], at + marks.frag < len(body))
                  for at in range(0, len(body), marks.frag)]
        return pieces[::-1] if marks.frag_reversed else pieces

    def fragment4(self, header, at, body, more):
        header = self.patch(header, 2, lambda _: len(header) + len(body))
        header = self.patch(header, 6, lambda _: at // 8 | (0x2000 if more else 0))
        header = self.patch(header, 10, lambda _: 0)
        return self.patch(header, 10, lambda _: pcapio.checksum(header)) + body

    def fragment6(self, header, at, body, more):
        if len(header) != 40:
            raise DialogueError("frag and exthdr do not go together")
        extra = struct.pack("!BBHI", pcapio.PROTO_TCP, 0, at | more, max(self.ident.values()))
        header = self.patch(header[:6] + bytes((pcapio.PROTO_FRAGMENT,)) + header[7:], 4,
                            lambda _: 8 + len(body))
        return header + extra + body

    def frame(self, side, datagram):
        is_ipv4 = datagram[0] >> 4 == 4
        kind = pcapio.ETHERTYPE_IPV4 if is_ipv4 else pcapio.ETHERTYPE_IPV6
        if self.link == pcapio.LINK_RAW:
            return datagram
        if self.link == pcapio.LINK_NULL:
            return struct.pack("<I", 2 if is_ipv4 else 30) + datagram
        address = MAC[side] + b"\0\0"
        if self.link == pcapio.LINK_SLL:
            return struct.pack("!HHH", 4 if side == "C" else 0, 1, 6) + address \
                + self.tags() + struct.pack("!H", kind) + datagram
        if self.link == pcapio.LINK_SLL2:
            return struct.pack("!HHIHBB", kind, 0, 2, 1, 4 if side == "C" else 0, 6) \
                + address + datagram
        return (MAC[OTHER[side]] + MAC[side] + self.tags() + struct.pack("!H", kind)
                + datagram).ljust(60, b"\0")

    def tags(self):
        kinds = [0x88A8] * (len(self.vlans) - 1) + [0x8100]
        return b"".join(struct.pack("!HH", kind, tag)
                        for kind, tag in zip(kinds, self.vlans)) if self.vlans else b""

    # --- the capture -----------------------------------------------------------------------------

    def capture(self, side, datagram, marks):
        if marks.drop or side not in self.shown:
            return
        frame = self.frame(side, datagram)
        if self.tunnel:
            carried = encap.wrap(frame, self.tunnel, side == "C")
            for one in [frame] + carried if self.beside else carried:
                self.take(one, marks)
                self.now += 5 * MICROSECOND
        else:
            self.take(frame, marks)

    def take(self, frame, marks):
        packet = pcapio.Packet(self.now, frame[:self.snap or len(frame)], len(frame))
        if marks.hold:
            self.held.append([marks.hold, packet])
            return
        self.record(packet)
        if marks.dup:
            self.now += 5 * MICROSECOND
            self.record(packet.copy(time=self.now))

    def record(self, packet):
        self.packets.append(packet)
        self.release()

    def release(self, everything=False):
        """Captures what was held back: late, so at the time of the packet it comes after."""
        waiting, self.held = self.held, []
        for left, packet in waiting:
            if left > 1 and not everything:
                self.held.append([left - 1, packet])
            else:
                late = self.packets[-1].time if self.packets else packet.time
                self.packets.append(packet.copy(time=max(late, packet.time)))


def compile_text(text):
    """The capture file of a dialogue, as bytes."""
    return pcapio.serialise(Compiler().compile(text))


def compile_folder(folder):
    return compile_text((Path(folder) / "dialogue.txt").read_text(encoding="utf-8"))


def check(folders):
    bad = 0
    for folder in map(Path, folders):
        if compile_folder(folder) != (folder / "input.pcap").read_bytes():
            print("FAIL %s: input.pcap is not what dialogue.txt says" % folder)
            bad += 1
    return bad


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if arguments[1] == "--write":
            for folder in map(Path, arguments[2:]):
                (folder / "input.pcap").write_bytes(compile_folder(folder))
        elif arguments[1] == "--check":
            return 1 if check(arguments[2:]) else 0
        else:
            data = compile_text(Path(arguments[1]).read_text(encoding="utf-8"))
            if len(arguments) > 2:
                Path(arguments[2]).write_bytes(data)
            else:
                sys.stdout.buffer.write(data)
    except DialogueError as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
