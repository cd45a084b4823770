# SPDX-License-Identifier: Apache-2.0
"""Captures in which somebody on the path tries to fool the sensor, made packet by packet.

Every case is one SMTP session whose truth we know: what the client really received. `cases()` gives
them all, over IPv4 and over IPv6. What a correct sensor may say stands with each case:

  garbled   the client got eight X: the session is downgraded, the offer garbled or conflicting
  offered   the client got STARTTLS and used it: nothing above low
  both      two copies that the receiver could not tell apart: conflicting, and at least high
  unknown   the bytes that decide were not captured: unknown, and nothing above low
  crowded   more copies than are compared: at least high, whatever the reading says
  secret    the copies hold names and passwords: they are told of, and nothing of them is shown

`tell`: rules that must be among the findings. `quiet`: rules that must not be among them above low;
`quiet_all`: not at all.
"""
import random
import struct
import sys
from dataclasses import dataclass

import encap
import pcapio
import tlsfill
from pcapio import ACK, FIN, PSH, RST, SYN

URG = 0x20
MS = 10**6
WORD, MASK = b"STARTTLS", b"XXXXXXXX"
BANNER = b"220 mx.example.test ESMTP Postfix\r\n"
REPLY = (b"250-mx.example.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n"
         b"250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n"
         b"250 CHUNKING\r\n")
MASKED = REPLY.replace(WORD, MASK)
EHLO = b"EHLO out.sender.test\r\n"
MAIL = ((b"MAIL FROM:<alice@sender.test>\r\n", b"250 2.1.0 Ok\r\n"),
        (b"RCPT TO:<bob@example.test>\r\n", b"250 2.1.5 Ok\r\n"),
        (b"DATA\r\n", b"354 End data with <CR><LF>.<CR><LF>\r\n"),
        (b"Subject: hello\r\n\r\nHello.\r\n.\r\n", b"250 2.0.0 Ok: queued\r\n"),
        (b"QUIT\r\n", b"221 2.0.0 Bye\r\n"))


@dataclass
class Case:
    name: str
    truth: str                    # garbled, offered, both, unknown, secret, fragments
    capture: pcapio.Capture
    tell: tuple = ()
    quiet: tuple = ()
    quiet_all: tuple = ()
    sessions: int = 1


class Wire:
    """One connection on the wire; what is sent moves its sequence number unless told otherwise."""

    def __init__(self, family=4, timestamps=True, isn=(1000000, 5000000), mss=1400, ports=(40001, 25)):
        v6 = family == 6
        self.family, self.mss, self.timestamps, self.ports = family, mss, timestamps, ports
        self.address = [pcapio.address("2001:db8:1::10" if v6 else "192.0.2.10"),
                        pcapio.address("2001:db8:2::25" if v6 else "198.51.100.25")]
        self.seq, self.isn = [isn[0], isn[1]], isn
        self.ttl, self.ident, self.clock = [64, 57], [4000, 9000], [700000, 300000]
        self.now, self.packets = 1795082400 * 10**9, []
        self.out_of_sight, self.pause = False, 10 * MS
        self.macs, self.tags, self.sides = ("02000000000a", "020000000019"), (), []

    # --- frames ---

    def options(self, side, kind, md5):
        out = b""
        if kind == "syn":
            out += struct.pack("!BBH", 2, 4, self.mss) + b"\x01\x03\x03\x07"
        if self.timestamps:
            echo = (self.clock[1 - side] if kind != "first" else 0) & 0xFFFFFFFF
            out += b"\x01\x01\x08\x0a" + struct.pack("!II", self.clock[side] & 0xFFFFFFFF, echo)
        if md5:
            out += b"\x01\x01\x13\x12" + bytes(16)
        return out + b"\x01" * (-len(out) % 4)

    def tcp(self, side, data, flags, seq, ack, window=502, urgent=0, kind="", md5=False,
            bad_sum=False, options=None, offset=None, reserved=0):
        options = self.options(side, kind, md5) if options is None else options
        size = 20 + len(options)
        head = struct.pack("!HHIIBBHHH", self.ports[side], self.ports[1 - side], seq & 0xFFFFFFFF,
                           ack & 0xFFFFFFFF, ((offset or size // 4) << 4) | reserved, flags, window, 0,
                           urgent) + options
        whole = head + data
        value = pcapio.checksum(pcapio.pseudo_header(self.address[side], self.address[1 - side],
                                                     len(whole)) + whole)
        if bad_sum:
            value ^= 0x5555
        return whole[:16] + struct.pack("!H", value) + whole[18:]

    def ip(self, side, body, ttl=None, ident=None, proto=6, frag=0x4000, bad_ip=False, version=None,
           ihl=None, total=None, ip_options=b"", extension=b"", first_next=None):
        src, dst = self.address[side], self.address[1 - side]
        ttl = self.ttl[side] if ttl is None else ttl
        if ident is None:
            self.ident[side] += 1
            ident = self.ident[side]
        if self.family == 6:
            head = struct.pack("!IHBB", (version or 6) << 28,
                               len(extension) + len(body) if total is None else total,
                               proto if first_next is None else first_next, ttl) + src + dst
            return head + extension + body
        size = 20 + len(ip_options)
        head = struct.pack("!BBHHHBBH", (version or 4) << 4 | (ihl or size // 4), 0,
                           size + len(body) if total is None else total, ident & 0xFFFF, frag, ttl,
                           proto, 0) + src + dst + ip_options
        value = pcapio.checksum(head) ^ (0x1111 if bad_ip else 0)
        return head[:10] + struct.pack("!H", value) + head[12:] + body

    def frame(self, side, packet, tags=()):
        macs, tags = [bytes.fromhex(mac) for mac in self.macs], tags or self.tags
        self.sides.append(side)
        kind = 0x86DD if self.family == 6 else 0x0800
        tagged = b"".join(struct.pack("!HH", 0x8100, tag) for tag in tags)
        self.packets.append(pcapio.Packet(
            self.now, macs[1 - side] + macs[side] + tagged + struct.pack("!H", kind) + packet, 0))
        p = self.packets[-1]
        p.wire_len = len(p.data)
        self.now += MS // 2

    # --- speaking ---

    def segment(self, side, data=b"", flags=ACK | PSH, seq=None, ack=None, tags=(), ip=None, **tcp):
        """A frame without any effect on the state of the connection."""
        ip = ip or {}
        body = self.tcp(side, data, flags, self.seq[side] if seq is None else seq,
                        self.seq[1 - side] if ack is None else ack, **tcp)
        self.frame(side, self.ip(side, body, **ip), tags)

    def say(self, side, data, **how):
        for at in range(0, len(data), self.mss):
            part = data[at:at + self.mss]
            self.segment(side, part, **how)
            self.seq[side] += len(part)
        self.clock[side] += 10
        self.now += self.pause
        self.segment(1 - side, flags=ACK)

    def open(self):
        self.segment(0, flags=SYN, ack=0, kind="first" if not self.timestamps else "syn")
        self.seq[0] += 1
        self.now += 20 * MS
        self.segment(1, flags=SYN | ACK, kind="syn")
        self.seq[1] += 1
        self.segment(0, flags=ACK)
        return self

    def hello(self):
        self.say(1, BANNER)
        self.say(0, EHLO)
        return self

    def mail(self):
        """The client goes on in clear."""
        for command, answer in MAIL:
            self.say(0, command)
            self.say(1, answer)
        return self.close()

    def tls(self):
        """The client asks for TLS and gets it."""
        self.say(0, b"STARTTLS\r\n")
        self.say(1, b"220 2.0.0 Ready to start TLS\r\n")
        self.say(0, tlsfill.client_hello("mx.example.test"))
        self.say(1, tlsfill.record(22, tlsfill.filler("server hello", 90)) + tlsfill.change_cipher_spec()
                 + tlsfill.application("flight", 1800))
        self.say(0, tlsfill.change_cipher_spec() + tlsfill.application("finished", 53))
        self.say(1, tlsfill.application("ticket", 250))
        for i in range(4):
            self.say(0, tlsfill.application("command %d" % i, 60))
            self.say(1, tlsfill.application("answer %d" % i, 60))
        return self.close()

    def close(self):
        for side in (0, 1):
            self.segment(side, flags=FIN | ACK)
            self.seq[side] += 1
        self.segment(0, flags=ACK)
        return self

    def capture(self):
        return pcapio.Capture(pcapio.LINK_ETHERNET, self.packets)


def main(arguments):
    """evasion.py NAME FILE: writes the capture of one case."""
    name, path = arguments
    for one in cases():
        if one.name == name:
            pcapio.write(path, one.capture)
            return 0
    pcapio.warn("no case %r" % name)
    return 2


CASES = []


def case(truth, **more):
    """Registers a function that makes the packets of one case on a Wire it is given."""
    def register(make):
        CASES.append((make.__name__.replace("_", "-"), truth, make, more))
        return make
    return register


def cases():
    for name, truth, make, more in CASES:
        more = dict(more)
        families, options = more.pop("families", (4, 6)), more.pop("wire", {})
        for family in families:
            made = make(Wire(family, **options))
            wire = made if isinstance(made, Wire) else None
            capture = wire.capture() if wire else made
            yield Case("%s-ipv%d" % (name, family), truth, capture, **more)


# --- no attack at all ---

@case("offered")
def clean_offer(w):
    w.open().hello().say(1, REPLY)
    return w.tls()


@case("garbled", tell=("starttls-garbled",))
def acknowledges_half_the_space_ahead(w):
    """Of a FIN that was not read, the farthest number that is still ahead: no gap is that long."""
    w.open().hello().say(1, MASKED)
    for command, answer in MAIL:
        w.say(0, command)
        w.say(1, answer)
    w.segment(1, flags=FIN | ACK)
    w.seq[1] += 1
    w.segment(0, b"RSET\r\n", ack=w.seq[1] + 2**31 - 1)
    w.segment(1, flags=ACK)
    w.segment(0, flags=FIN | ACK)
    return w


@case("garbled", tell=("starttls-garbled",))
def clean_garbled(w):
    w.open().hello().say(1, MASKED)
    return w.mail()


# --- two copies, both of which a receiver could take ---

def two_copies(w, first, second, **how):
    w.open().hello()
    w.segment(1, first)
    w.segment(1, second, **how)
    w.seq[1] += len(first)
    w.now += 10 * MS
    w.segment(0, flags=ACK)
    return w.mail()


@case("both", tell=("conflicting-segments",))
def two_copies_offer_first(w):
    return two_copies(w, REPLY, MASKED)


@case("both", tell=("conflicting-segments",))
def two_copies_garbled_first(w):
    return two_copies(w, MASKED, REPLY)


@case("both", tell=("conflicting-segments",))
def second_copy_after_the_acknowledgement(w):
    w.open().hello().say(1, MASKED)
    w.now += 30 * MS
    w.segment(1, REPLY, seq=w.seq[1] - len(REPLY))
    return w.mail()


@case("both", tell=("conflicting-segments",))
def second_copy_longer(w):
    w.open().hello().say(1, MASKED)
    w.segment(1, REPLY + b"250 x\r\n", seq=w.seq[1] - len(REPLY))
    w.seq[1] += 7
    return w.mail()


@case("both", tell=("conflicting-segments",))
def second_copy_shorter(w):
    w.open().hello().say(1, MASKED)
    w.segment(1, REPLY[:120], seq=w.seq[1] - len(REPLY))
    return w.mail()


@case("both", tell=("conflicting-segments",))
def overlapping_tail_first(w):
    """The tail with the offer waits out of order when the whole reply without it comes."""
    w.open().hello()
    w.segment(1, REPLY[60:], seq=w.seq[1] + 60)
    w.segment(1, MASKED)
    w.seq[1] += len(REPLY)
    w.now += 10 * MS
    w.segment(0, flags=ACK)
    return w.mail()


@case("both", tell=("conflicting-segments",))
def overlapping_heads(w):
    w.open().hello()
    w.segment(1, REPLY[:110])
    w.segment(1, MASKED[80:], seq=w.seq[1] + 80)
    w.seq[1] += len(REPLY)
    w.now += 10 * MS
    w.segment(0, flags=ACK)
    return w.mail()


@case("both", tell=("conflicting-segments",))
def two_tails_out_of_order(w):
    """Two copies of the middle wait behind a hole; then the hole is filled."""
    w.open().hello()
    w.segment(1, REPLY[60:], seq=w.seq[1] + 60)
    w.segment(1, MASKED[60:], seq=w.seq[1] + 60)
    w.segment(1, REPLY[:60])
    w.seq[1] += len(REPLY)
    w.now += 10 * MS
    w.segment(0, flags=ACK)
    return w.mail()


@case("both", tell=("conflicting-segments",))
def one_byte_differs(w):
    return two_copies(w, REPLY, REPLY.replace(WORD, b"STARTTLX"))


def with_urgent(w, reply, at, cut=None):
    """Byte `at` of the reply is urgent; `cut`: said in a segment before the one that has it."""
    cut = len(reply) if cut is None else cut
    w.segment(1, reply[:cut], flags=ACK | PSH | URG, urgent=at + 1)
    if reply[cut:]:
        w.segment(1, reply[cut:], seq=w.seq[1] + cut)
    w.seq[1] += len(reply)
    w.now += 10 * MS
    w.segment(0, flags=ACK)
    return w


@case("both", tell=("conflicting-segments",))
def urgent_byte_of_the_offer(w):
    """The tap sees STARTTLS, the client STARTLS (RFC 6093: the urgent byte is not in line)."""
    w.open().hello()
    return with_urgent(w, REPLY, REPLY.index(WORD) + 5).mail()


@case("both", tell=("conflicting-segments",))
def urgent_pointer_ahead(w):
    w.open().hello()
    return with_urgent(w, REPLY, REPLY.index(WORD) + 5, cut=40).mail()


@case("both", tell=("conflicting-segments",))
def urgent_pointer_without_data(w):
    """Linux marks the byte all the same; it is yet to come."""
    w.open().hello()
    w.segment(1, flags=ACK | URG, urgent=REPLY.index(WORD) + 6)
    w.say(1, REPLY)
    return w.mail()


@case("both", tell=("conflicting-segments",))
def urgent_pointer_of_a_repetition(w):
    """All of its bytes are known, so the receiver takes nothing of it but the pointer."""
    w.open().hello()
    w.segment(1, BANNER, flags=ACK | PSH | URG, seq=w.seq[1] - len(BANNER),
              urgent=len(BANNER) + REPLY.index(WORD) + 6)
    w.say(1, REPLY)
    return w.mail()


@case("both", tell=("conflicting-segments",))
def urgent_pointer_before_all_data(w):
    w.open()
    w.segment(1, flags=ACK | URG, urgent=len(BANNER) + REPLY.index(WORD) + 6)
    w.hello().say(1, REPLY)
    return w.mail()


@case("crowded", tell=("conflicting-segments",))
def urgent_bytes_of_no_matter_first(w):
    """Eight harmless ones take all the room that there is for other readings: that is said aloud."""
    w.open()
    w.segment(1, BANNER[:6])
    for at in range(6, 22, 2):
        w.segment(1, BANNER[at:at + 2], flags=ACK | PSH | URG, urgent=1, seq=w.seq[1] + at)
    w.segment(1, BANNER[22:], seq=w.seq[1] + 22)
    w.seq[1] += len(BANNER)
    w.say(0, EHLO)
    return with_urgent(w, REPLY, REPLY.index(WORD) + 5).mail()


@case("any", tell=("conflicting-segments",))
def urgent_byte_too_many(w):
    """The tap sees STARTTTLS, the client STARTTLS, and uses it."""
    reply = REPLY.replace(WORD, b"STARTTTLS")
    w.open().hello()
    return with_urgent(w, reply, reply.index(b"STARTTTLS") + 5).tls()


@case("garbled", tell=("conflicting-segments",))
def urgent_byte_in_a_mask(w):
    reply = REPLY.replace(WORD, MASK + b"X")
    w.open().hello()
    return with_urgent(w, reply, reply.index(MASK)).mail()


@case("offered", quiet_all=("starttls-garbled",))
def urgent_byte_of_no_matter(w):
    w.open().hello()
    return with_urgent(w, REPLY, REPLY.index(b"ETRN")).tls()


@case("both", tell=("conflicting-segments",))
def two_answers_to_starttls(w):
    """The refusal wins the race; the server's own go-ahead comes after."""
    refusal, go = b"454 4.7.0 TLS is not available due to local\r\n", b"220 2.0.0 Ready to start TLS\r\n"
    w.open().hello().say(1, REPLY)
    w.say(0, b"STARTTLS\r\n")
    w.say(1, refusal)
    w.segment(1, go, seq=w.seq[1] - len(refusal))
    return w.mail()


@case("both", tell=("conflicting-segments",))
def two_commands(w):
    """Server's side: the client's own STARTTLS is on the tap, and a masked one."""
    w.open().hello().say(1, REPLY)
    w.say(0, b"XXXXXXXX\r\n")
    w.segment(0, b"STARTTLS\r\n", seq=w.seq[0] - 10)
    w.say(1, b"502 5.5.2 Error: command not recognized\r\n")
    return w.mail()


@case("both", tell=("conflicting-segments",))
def decoy_ttl_1(w):
    return _decoy_ttl(w, 1)


@case("both", tell=("conflicting-segments",))
def decoy_ttl_of_another_hop(w):
    return _decoy_ttl(w, 44)


def _decoy_ttl(w, ttl):
    w.open().hello()
    w.segment(1, REPLY, ip={"ttl": ttl})
    return _then_masked(w)


def _then_masked(w):
    w.say(1, MASKED)
    return w.mail()


# --- decoys that the receiver dropped ---

def decoy(w, ip=None, **how):
    w.open().hello()
    w.segment(1, REPLY, ip=ip, **how)
    return _then_masked(w)


@case("garbled")
def decoy_bad_checksum(w):
    return decoy(w, bad_sum=True)


@case("garbled", families=(4,))
def decoy_bad_ip_checksum(w):
    return decoy(w, ip={"bad_ip": True})


@case("garbled")
def decoy_ip_version(w):
    return decoy(w, ip={"version": 5})


@case("garbled", families=(4,))
def decoy_ip_header_length(w):
    return decoy(w, ip={"ihl": 4})


@case("garbled")
def decoy_longer_than_the_frame(w):
    return decoy(w, ip={"total": 1400})


@case("garbled")
def decoy_data_offset_short(w):
    return decoy(w, offset=4)


@case("garbled")
def decoy_old_timestamp(w):
    w.open().hello()
    w.clock[1] -= 2000000
    w.segment(1, REPLY)
    w.clock[1] += 2000000
    return _then_masked(w)


@case("garbled")
def decoy_md5(w):
    return decoy(w, md5=True)


@case("garbled")
def decoy_acknowledges_the_future(w):
    w.open().hello()
    w.segment(1, REPLY, ack=w.seq[0] + 100000)
    return _then_masked(w)


@case("garbled")
def decoy_without_ack(w):
    return decoy(w, flags=PSH)


@case("garbled")
def decoy_without_flags(w):
    return decoy(w, flags=0)


@case("garbled")
def decoy_far_outside_the_window(w):
    w.open().hello()
    w.segment(1, REPLY, seq=w.seq[1] + 10000000)
    return _then_masked(w)


@case("garbled")
def decoy_half_the_sequence_space_away(w):
    w.open().hello()
    w.segment(1, REPLY, seq=w.seq[1] + 2**31)
    return _then_masked(w)


@case("garbled")
def decoy_on_syn_ack(w):
    w.segment(0, flags=SYN, ack=0, kind="syn")
    w.seq[0] += 1
    w.segment(1, BANNER + REPLY, flags=SYN | ACK, kind="syn")
    w.seq[1] += 1
    w.segment(0, flags=ACK)
    w.hello()
    return _then_masked(w)


@case("garbled")
def decoy_with_syn(w):
    """A second SYN/ACK in the middle of the stream, carrying the offer."""
    w.open().hello()
    w.segment(1, REPLY, flags=SYN | ACK)
    return _then_masked(w)


@case("garbled")
def decoy_with_rst(w):
    w.open().hello()
    w.segment(1, REPLY, flags=RST | ACK, seq=w.seq[1] + 5000)
    return _then_masked(w)


@case("garbled")
def syn_with_data(w):
    w.segment(0, b"EHLO fake.test\r\nSTARTTLS\r\n", flags=SYN, ack=0, kind="syn")
    w.seq[0] += 1
    w.segment(1, flags=SYN | ACK, kind="syn")
    w.seq[1] += 1
    w.segment(0, flags=ACK)
    w.hello()
    return _then_masked(w)


# --- secrets in conflict: nothing of them may be shown ---

@case("secret")
def two_passwords(w):
    w.open().hello().say(1, REPLY.replace(b"250-DSN", b"250-AUTH LOGIN"))
    w.say(0, b"AUTH LOGIN\r\n")
    w.say(1, b"334 VXNlcm5hbWU6\r\n")
    w.say(0, b"cm9iZXJ0\r\n")
    w.segment(0, b"Z3JldGVs\r\n", seq=w.seq[0] - 10)
    w.say(1, b"334 UGFzc3dvcmQ6\r\n")
    w.say(0, b"c2VjcmV0\r\n")
    w.segment(0, b"Z2VoZWlt\r\n", seq=w.seq[0] - 10)
    done, forged = b"235 2.7.0 robert is in\r\n", b"235 2.7.0 gretel is in\r\n"
    w.say(1, done)
    w.segment(1, forged, seq=w.seq[1] - len(done))
    return w.mail()


@case("secret")
def two_recipients(w):
    w.open().hello().say(1, REPLY)
    w.say(0, b"MAIL FROM:<robert@sender.test>\r\n")
    w.segment(0, b"MAIL FROM:<gretel@sender.test>\r\n", seq=w.seq[0] - 32)
    w.say(1, b"250 2.1.0 robert ok\r\n")
    w.segment(1, b"250 2.1.0 gretel ok\r\n", seq=w.seq[1] - 21)
    return w.close()


# --- somebody pretends that it ended ---

def before_the_reply(w, flags, side=1, seq=None, ip=None, **how):
    w.open().hello()
    w.segment(side, flags=flags, seq=w.seq[side] if seq is None else w.seq[side] + seq, ip=ip, **how)
    w.now += 50 * MS
    return _then_masked(w)


@case("garbled")
def rst_bad_checksum(w):
    return before_the_reply(w, RST, bad_sum=True)


@case("garbled")
def rst_outside_the_window(w):
    return before_the_reply(w, RST, seq=5000000)


@case("garbled")
def rst_in_the_window(w):
    return before_the_reply(w, RST, seq=10)


@case("garbled", tell=("forged-reset",))
def rst_ttl_1(w):
    return before_the_reply(w, RST, ip={"ttl": 1})


@case("garbled", tell=("forged-reset",))
def rst_of_the_server_that_goes_on(w):
    return before_the_reply(w, RST | ACK)


@case("garbled", tell=("forged-reset",))
def rst_of_the_client_that_goes_on(w):
    return before_the_reply(w, RST, side=0)


@case("garbled", quiet_all=("forged-reset",))
def rst_that_overtakes(w):
    """The last bytes of the client were on their way when its RST came; they are sent again."""
    w.open().hello()
    _then_masked(w)
    w.packets = [p for p in w.packets if not pcapio.decode(1, p.data).flags & FIN]
    w.segment(0, flags=RST, ack=0)
    for _ in range(3):
        w.segment(0, b"NOOP\r\n")
        w.now += 20 * MS
    return w


def _behind_all(w, **how):
    """A STARTTLS that the server drops, where nothing true will ever stand."""
    w.open().hello().say(1, REPLY)
    w.say(0, b"NOOP\r\n")
    w.say(1, b"250 2.0.0 Ok\r\n")
    w.segment(0, b"STARTTLS\r\n", **how)
    w.now += 50 * MS
    return w.close()


@case("any", quiet_all=("starttls-unanswered",))
def behind_all_bad_checksum(w):
    return _behind_all(w, bad_sum=True)


@case("any", quiet_all=("starttls-unanswered",))
def behind_all_md5(w):
    return _behind_all(w, md5=True)


@case("any", quiet_all=("starttls-unanswered",))
def behind_all_without_ack(w):
    return _behind_all(w, flags=PSH)


@case("any", quiet_all=("starttls-unanswered",))
def behind_all_in_an_rst(w):
    """Text in an RST is for people; the RST is too old to be one."""
    return _behind_all(w, flags=RST | ACK, bad_sum=True)


def _refused(w, ahead):
    """An RST of the client, `ahead` of what it says then to a server that has ended."""
    w.open().hello().say(1, MASKED)
    w.segment(0, flags=RST, seq=w.seq[0] + ahead, ack=0)
    for at in (0, 10):
        w.segment(0, b"NOOP abc\r\n", seq=w.seq[0] + at)
        w.segment(1, flags=RST, ack=0)
    return w


@case("any", tell=("forged-reset",))
def rst_that_the_server_took(w):
    """The client knows nothing of it and says more; the server answers that with an RST."""
    return _refused(w, 0)


@case("any", quiet_all=("forged-reset",))
def rst_that_overtakes_an_answer(w):
    """What the client said last comes behind its RST: the server answers that in the same way."""
    return _refused(w, 20)


@case("any", quiet_all=("forged-reset",))
def rst_behind_what_is_sent_again(w):
    """A closed socket answers late segments by an RST that stands where they say; what the server had
    said beyond that is sent once more, and the client, which is gone as well, answers by an RST."""
    w.open().hello()
    for _ in range(3):
        w.say(0, b"NOOP\r\n")
        w.say(1, b"250 Ok\r\n")
    w.segment(1, flags=RST, seq=w.seq[1] - 16, ack=0)
    w.segment(1, b"250 Ok\r\n", seq=w.seq[1] - 8)
    w.segment(0, flags=RST, ack=0)
    return w


@case("any", quiet_all=("forged-reset",))
def rst_before_what_was_late(w):
    """The client's FIN and RST overtake its last words, and the server has closed meanwhile."""
    w.open().hello()
    w.segment(0, flags=FIN | ACK, seq=w.seq[0] + 6)
    w.segment(0, flags=RST, ack=0)
    w.segment(0, b"NOOP\r\n")
    w.segment(1, flags=RST, ack=0)
    return w


@case("garbled", tell=("forged-reset",))
def rst_and_long_silence(w):
    w.open().hello()
    w.segment(1, flags=RST, ip={"ttl": 44})
    w.now += 40 * 1000 * MS
    return _then_masked(w)


@case("garbled")
def rst_md5(w):
    return before_the_reply(w, RST, md5=True)


@case("garbled")
def rst_with_data(w):
    w.open().hello()
    w.segment(1, b"connection refused by policy", flags=RST | ACK, bad_sum=True)
    return _then_masked(w)


@case("garbled")
def fin_bad_checksum(w):
    return before_the_reply(w, FIN | ACK, bad_sum=True)


@case("garbled")
def fin_of_the_future(w):
    return before_the_reply(w, FIN | ACK, seq=3000)


@case("garbled")
def fin_without_ack(w):
    return before_the_reply(w, FIN)


@case("garbled")
def many_guessed_rsts(w):
    w.open().hello()
    for i in range(20):
        w.segment(1, flags=RST, seq=w.seq[1] - 40000 + 4001 * i)
    return _then_masked(w)


# --- the same bytes in other shapes ---

@case("garbled", tell=("starttls-garbled",), quiet=("conflicting-segments",))
def one_byte_a_segment(w):
    w.open().hello()
    for i in range(len(MASKED)):
        w.segment(1, MASKED[i:i + 1], seq=w.seq[1] + i)
    w.seq[1] += len(MASKED)
    w.segment(0, flags=ACK)
    return w.mail()


@case("garbled", tell=("starttls-garbled",), quiet=("conflicting-segments",))
def one_byte_a_segment_backwards(w):
    w.open().hello()
    for i in reversed(range(len(MASKED))):
        w.segment(1, MASKED[i:i + 1], seq=w.seq[1] + i)
    w.seq[1] += len(MASKED)
    w.segment(0, flags=ACK)
    return w.mail()


@case("garbled", tell=("starttls-garbled",), quiet=("conflicting-segments",))
def shuffled(w):
    w.open().hello()
    parts = [(i, MASKED[i:i + 7]) for i in range(0, len(MASKED), 7)]
    random.Random(7).shuffle(parts)
    for i, part in parts:
        w.segment(1, part, seq=w.seq[1] + i)
    w.seq[1] += len(MASKED)
    w.segment(0, flags=ACK)
    return w.mail()


@case("garbled", tell=("starttls-garbled",), wire={"isn": (1000000, 2**32 - 120)})
def sequence_numbers_wrap(w):
    w.open().hello()
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",), quiet=("conflicting-segments",))
def keep_alive_with_a_byte(w):
    w.open().hello()
    w.segment(1, b"\0", seq=w.seq[1] - 1, flags=ACK)
    w.segment(0, flags=ACK)
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",), quiet=("conflicting-segments",))
def retransmission_longer_than_the_first(w):
    w.open().hello()
    w.segment(1, MASKED[:100])
    w.segment(1, MASKED)
    w.seq[1] += len(MASKED)
    w.segment(0, flags=ACK)
    return w.mail()


@case("garbled", tell=("starttls-garbled",), quiet=("conflicting-segments",))
def every_packet_twice(w):
    w.open().hello()
    _then_masked(w)
    return pcapio.Capture(pcapio.LINK_ETHERNET, [p for one in w.packets for p in (one, one.copy())])


@case("garbled", tell=("starttls-garbled",), quiet=("conflicting-segments",))
def retransmitted_under_other_ids(w):
    w.open().hello()
    w.segment(1, MASKED)
    w.now += 200 * MS
    w.say(1, MASKED)
    return w.mail()


@case("offered", quiet=("conflicting-segments",))
def other_case_in_the_copy(w):
    """Two copies that mean the same."""
    w.open().hello()
    w.segment(1, REPLY)
    w.say(1, REPLY.replace(WORD, b"starttls"))
    return w.tls()


@case("garbled", tell=("starttls-garbled",))
def zero_window(w):
    w.open().hello()
    w.segment(0, flags=ACK, window=0)
    w.now += 500 * MS
    w.segment(0, flags=ACK)
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",))
def congestion_bits(w):
    w.open().hello()
    w.say(1, MASKED, flags=ACK | PSH | 0x40 | 0x80)
    return w.mail()


@case("garbled", tell=("starttls-garbled",))
def reserved_bits(w):
    w.open().hello()
    w.say(1, MASKED, reserved=0x0E)
    return w.mail()


@case("garbled", tell=("starttls-garbled",), wire={"mss": 1})
def mss_of_one(w):
    w.open().hello()
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",), wire={"timestamps": False})
def without_timestamps(w):
    w.open().hello()
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",))
def timestamps_wrap(w):
    w.clock[1] = 2**32 - 15
    w.open()
    w.say(1, BANNER)
    w.clock[1] %= 2**32
    w.say(0, EHLO)
    w.clock[1] = 20
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",))
def offloaded_length(w):
    w.open().hello()
    w.say(1, MASKED, ip={"total": 0})
    return w.mail()


@case("garbled", tell=("starttls-garbled",))
def tagged_frames(w):
    w.open().hello()
    w.say(1, MASKED, tags=(10, 20))
    return w.mail()


@case("garbled", tell=("starttls-garbled",))
def time_runs_backwards(w):
    w.open().hello()
    w.now -= 3600 * 1000 * MS
    return _then_masked(w)


# --- odd beginnings ---

@case("garbled", tell=("starttls-garbled",))
def split_handshake(w):
    w.segment(0, flags=SYN, ack=0, kind="syn")
    w.seq[0] += 1
    w.segment(1, flags=ACK)
    w.segment(1, flags=SYN, ack=0, kind="syn")
    w.seq[1] += 1
    w.segment(0, flags=SYN | ACK, seq=w.seq[0] - 1, kind="syn")
    w.segment(1, flags=ACK)
    w.hello()
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",))
def simultaneous_open(w):
    w.segment(0, flags=SYN, ack=0, kind="syn")
    w.segment(1, flags=SYN, ack=0, kind="syn")
    w.seq = [w.seq[0] + 1, w.seq[1] + 1]
    w.segment(0, flags=SYN | ACK, seq=w.seq[0] - 1, kind="syn")
    w.segment(1, flags=SYN | ACK, seq=w.seq[1] - 1, kind="syn")
    w.hello()
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",))
def two_syns(w):
    w.segment(0, flags=SYN, ack=0, seq=w.seq[0] + 77777, kind="syn")
    w.open().hello()
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",))
def second_syn_after_the_first(w):
    w.segment(0, flags=SYN, ack=0, kind="syn")
    w.segment(0, flags=SYN, ack=0, seq=w.seq[0] + 77777, kind="syn")
    w.seq[0] += 1
    w.segment(1, flags=SYN | ACK, kind="syn")
    w.seq[1] += 1
    w.segment(0, flags=ACK)
    w.hello()
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled", "conflicting-handshake"))
def two_syn_acks(w):
    """The first is forged; the client's acknowledgement confirms the second."""
    w.segment(0, flags=SYN, ack=0, kind="syn")
    w.seq[0] += 1
    w.segment(1, flags=SYN | ACK, seq=w.seq[1] + 123456, kind="syn", ip={"ttl": 44})
    w.segment(1, flags=SYN | ACK, kind="syn")
    w.seq[1] += 1
    w.segment(0, flags=ACK)
    w.hello()
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",), quiet=("conflicting-handshake",))
def syn_ack_sent_again(w):
    """The client's acknowledgement was lost: the same SYN/ACK comes once more."""
    w.open()
    w.segment(1, flags=SYN | ACK, seq=w.seq[1] - 1, kind="syn")
    w.segment(0, flags=ACK)
    w.hello()
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",))
def forged_syn_in_the_middle(w):
    """A SYN with another number while the session runs must not end it."""
    w.open().hello()
    w.segment(0, flags=SYN, ack=0, seq=w.seq[0] + 900000, kind="syn")
    w.segment(1, flags=ACK)
    return _then_masked(w)


@case("garbled", tell=("starttls-garbled",))
def handshake_not_captured(w):
    w.open().hello()
    _then_masked(w)
    return pcapio.Capture(pcapio.LINK_ETHERNET, w.packets[3:])


@case("garbled", tell=("starttls-garbled",))
def server_side_only(w):
    w.open().hello()
    _then_masked(w)
    w.packets = [p for p in w.packets if pcapio.decode(1, p.data).sport == 25]
    return w


@case("unknown")
def client_side_only(w):
    w.open().hello()
    _then_masked(w)
    w.packets = [p for p in w.packets if pcapio.decode(1, p.data).dport == 25]
    return w


@case("unknown")
def reply_not_captured(w):
    w.open().hello()
    before = len(w.packets)
    w.say(1, MASKED)
    del w.packets[before]
    return w.mail()


@case("unknown")
def reply_cut_by_the_snap_length(w):
    w.open().hello()
    before = len(w.packets)
    w.say(1, MASKED)
    w.packets[before].data = w.packets[before].data[:150]
    return w.mail()


@case("garbled", sessions=2)
def ports_used_again(w):
    w.open().hello().say(1, REPLY)
    w.tls()
    w.now += 70 * 1000 * MS
    again = Wire(w.family, isn=(3000000, 9000000))
    again.now = w.now
    again.open().hello()
    _then_masked(again)
    again.packets = w.packets + again.packets
    return again


# --- fragments ---

def fragments(w, data, cuts, order, decoys=(), decoy_first=True, late=False):
    """One TCP segment of the server as IP fragments; decoys: (from, to, bytes of another segment)."""
    w.open().hello()
    body = w.tcp(1, data, ACK | PSH, w.seq[1], w.seq[0])
    other = w.tcp(1, REPLY if data == MASKED else MASKED, ACK | PSH, w.seq[1], w.seq[0])
    edges = [0] + list(cuts) + [len(body)]
    parts = [(a, b, body[a:b]) for a, b in zip(edges, edges[1:])]
    parts = [parts[i] for i in order]
    false = [(a, min(b, len(other)), other[a:min(b, len(other))]) for a, b in decoys]
    w.ident[1] += 1
    ident = w.ident[1]
    sent = false + parts if decoy_first else parts[:-1] + false + parts[-1:]
    if late:
        sent = parts + false
    for start, end, piece in sent:
        more = end < len(body)
        if w.family == 4:
            w.frame(1, w.ip(1, piece, ident=ident, frag=start // 8 | (0x2000 if more else 0)))
        else:
            header = struct.pack("!BBHI", 6, 0, start | more, ident)
            w.frame(1, w.ip(1, piece, extension=header, first_next=44))
    w.seq[1] += len(data)
    w.now += 10 * MS
    w.segment(0, flags=ACK)
    return w.mail()


@case("garbled", tell=("starttls-garbled",))
def fragments_in_order(w):
    return fragments(w, MASKED, (64, 128), (0, 1, 2))


@case("garbled", tell=("starttls-garbled",))
def fragments_reversed(w):
    return fragments(w, MASKED, (64, 128), (2, 1, 0))


@case("fragments")
def fragments_overlap_decoy_first(w):
    return fragments(w, MASKED, (64, 128), (0, 1, 2), decoys=((64, 192),))


@case("fragments")
def fragments_overlap_decoy_second(w):
    return fragments(w, MASKED, (64, 128), (0, 1, 2), decoys=((64, 128),), decoy_first=False)


@case("garbled", tell=("starttls-garbled",))
def fragments_late_duplicate(w):
    return fragments(w, MASKED, (64, 128), (0, 1, 2), decoys=((64, 128),), late=True)


@case("garbled", tell=("starttls-garbled",), families=(6,))
def hop_by_hop_and_destination_options(w):
    w.open().hello()
    extension = bytes((60, 0, 1, 4, 0, 0, 0, 0)) + bytes((6, 0, 1, 4, 0, 0, 0, 0))
    w.say(1, MASKED, ip={"extension": extension, "first_next": 0})
    return w.mail()


@case("garbled", tell=("starttls-garbled",), families=(6,))
def atomic_fragment(w):
    w.open().hello()
    w.say(1, MASKED, ip={"extension": struct.pack("!BBHI", 6, 0, 0, 99), "first_next": 44})
    return w.mail()


@case("garbled", tell=("starttls-garbled",), families=(4,))
def ip_options(w):
    w.open().hello()
    w.say(1, MASKED, ip={"ip_options": b"\x94\x04\x00\x00"})
    return w.mail()


# --- found by review ---

LOW = {"ttl": 44}  # reaches the tap and not the receiver, for all that the sensor can know
PLAIN = REPLY.replace(b"250-STARTTLS\r\n", b"")


def finish_reply(w, first):
    w.seq[1] += len(first)
    w.now += 10 * MS
    w.segment(0, flags=ACK)
    return w.mail()


def tls_decoy(w):
    s = list(w.seq)

    def d(side, data):
        for at in range(0, len(data), w.mss):
            p = data[at:at + w.mss]
            w.segment(side, p, ip=LOW)
            w.seq[side] += len(p)
    return (s, d)


def noise(w, n):
    o = Wire(w.family, ports=(50000, 25), isn=(77, 99))
    o.now = w.now
    net = '2001:db8:9::' if w.family == 6 else '203.0.113.'
    o.address = [pcapio.address(net + '1'), pcapio.address(net + '2')]
    for i in range(n):
        o.segment(0, flags=ACK)
    w.packets += o.packets
    w.now = o.now


def same_print(w, payload_decoy, payload_true, md5=False):
    """decoy has the checksum field of the true segment"""
    w.ident[1] += 1
    ident = w.ident[1]
    true = w.tcp(1, payload_true, ACK | PSH, w.seq[1], w.seq[0])
    dec = bytearray(w.tcp(1, payload_decoy, ACK | PSH, w.seq[1], w.seq[0]))
    dec[16:18] = true[16:18]
    w.frame(1, w.ip(1, bytes(dec), ident=ident))
    w.frame(1, w.ip(1, true, ident=ident))
    return finish_reply(w, payload_true)


@case("both", tell=("conflicting-segments",))
def third_copy_hides_second(w):
    w.open().hello()
    w.segment(1, REPLY, ip=LOW)
    w.segment(1, MASKED)
    w.segment(1, REPLY.replace(b'VRFY', b'VRFX'), ip=LOW)
    return finish_reply(w, REPLY)


@case("both", tell=("conflicting-segments",))
def eight_harmless_copies_first(w):
    w.open().hello()
    w.segment(1, REPLY, ip=LOW)
    for i in range(8):
        w.segment(1, b'250-mX', ip=LOW)
    w.segment(1, MASKED)
    return finish_reply(w, REPLY)


@case("both", tell=("conflicting-segments",))
def one_byte_keepalive_like(w):
    w.open().hello()
    at = REPLY.index(WORD)
    w.segment(1, REPLY[:at])
    for i in range(8):
        w.segment(1, WORD[i:i + 1], seq=w.seq[1] + at + i, ip=LOW)
        w.segment(1, b'X', seq=w.seq[1] + at + i)
    w.segment(1, REPLY[at + 8:], seq=w.seq[1] + at + 8)
    return finish_reply(w, REPLY)


@case("both", tell=("conflicting-segments",))
def jumbo_copy(w):
    w.open().hello()
    w.segment(1, REPLY, ip=LOW)
    big = MASKED[:-len(b'250 CHUNKING\r\n')] + b'250-CHUNKING\r\n'
    pad = b'250-X-PAD%05d aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'
    w.segment(1, MASKED + b''.join(pad % i for i in range(160)))
    return finish_reply(w, REPLY)


@case("both", tell=("conflicting-segments",))
def held_longer_second(w):
    w.open().hello()
    w.segment(1, REPLY[60:150], seq=w.seq[1] + 60)
    w.segment(1, MASKED[60:], seq=w.seq[1] + 60)
    w.segment(1, REPLY[:60])
    return finish_reply(w, REPLY)


@case("both", tell=("conflicting-segments",))
def held_longer_second_offer(w):
    w.open().hello()
    w.segment(1, MASKED[60:150], seq=w.seq[1] + 60)
    w.segment(1, REPLY[60:], seq=w.seq[1] + 60, ip=LOW)
    w.segment(1, REPLY[:60])
    return finish_reply(w, REPLY)


@case("both", tell=("conflicting-segments",))
def two_held_differ(w):
    w.open().hello()
    w.segment(1, MASKED[30:40].swapcase(), seq=w.seq[1] + 30)
    w.segment(1, MASKED[80:], seq=w.seq[1] + 80)
    w.segment(1, REPLY, ip=LOW)
    return finish_reply(w, REPLY)


@case("both", tell=("conflicting-segments",))
def four_rsts_fill_the_tamper_list(w):
    w.open()
    parts = [BANNER[i:i + 7] for i in range(0, len(BANNER), 7)]
    for p in parts:
        w.segment(1, flags=RST | ACK, ip=LOW)
        w.say(1, p)
    w.say(0, EHLO)
    w.segment(1, REPLY, ip=LOW)
    w.segment(1, MASKED)
    return finish_reply(w, REPLY)


@case("garbled")
def decoy_with_the_fingerprint(w):
    w.open().hello()
    return same_print(w, REPLY, MASKED)


@case("garbled")
def forged_syn_that_fits(w):
    w.open().hello()
    w.say(1, MASKED)
    w.segment(0, flags=SYN, ack=0, seq=w.seq[0] - 1, kind='syn', ip=LOW)
    return w.mail()


@case("garbled")
def forged_syn_that_fits_before_reply(w):
    w.open()
    w.say(1, BANNER)
    w.segment(0, flags=SYN, ack=0, seq=w.seq[0] + len(EHLO) - 1, kind='syn', ip=LOW)
    w.say(0, EHLO)
    w.say(1, MASKED)
    return w.mail()


@case("garbled")
def forged_syn_and_synack(w):
    w.open().hello()
    w.segment(0, flags=SYN, ack=0, seq=w.seq[0] + 900000, kind='syn', ip=LOW)
    w.segment(1, flags=SYN | ACK, seq=w.seq[1] + 800000000, ack=w.seq[0] + 900001, kind='syn', ip=LOW)
    return _then_masked(w)


@case("garbled")
def three_syn_acks(w):
    w.segment(0, flags=SYN, ack=0, kind='syn')
    w.seq[0] += 1
    w.segment(1, flags=SYN | ACK, seq=w.seq[1] + 500000, kind='syn', ip=LOW)
    w.segment(1, flags=SYN | ACK, seq=w.seq[1] + 600000, kind='syn', ip=LOW)
    w.segment(1, flags=SYN | ACK, kind='syn')
    w.seq[1] += 1
    w.segment(0, flags=ACK)
    w.hello()
    return _then_masked(w)


@case("garbled")
def second_syn_slightly_lower(w):
    w.segment(0, flags=SYN, ack=0, kind='syn')
    w.segment(0, flags=SYN, ack=0, seq=w.seq[0] - 1000, kind='syn', ip=LOW)
    w.seq[0] += 1
    w.segment(1, flags=SYN | ACK, kind='syn')
    w.seq[1] += 1
    w.segment(0, flags=ACK)
    w.hello()
    return _then_masked(w)


@case("garbled")
def forged_fins(w):
    w.open().hello()
    w.segment(0, flags=FIN | ACK, ip={'ttl': 1})
    w.segment(1, flags=FIN | ACK, ip={'ttl': 1})
    w.now += 20 * MS
    return _then_masked(w)


@case("garbled")
def forged_fins_after_reply(w):
    w.open().hello()
    w.say(1, MASKED)
    w.segment(0, flags=FIN | ACK, ip={'ttl': 1})
    w.segment(1, flags=FIN | ACK, ip={'ttl': 1})
    w.now += 20 * MS
    return w.mail()


@case("garbled")
def decoy_ahead_and_a_pause(w):
    w.open()
    w.segment(1, b'x', seq=w.seq[1] + 900000, ip=LOW)
    w.now += 6000 * MS
    noise(w, 200)
    w.hello()
    return _then_masked(w)


@case("garbled")
def decoys_fill_the_held_list(w):
    w.open().hello()
    for i in range(257):
        w.segment(1, b'x', seq=w.seq[1] + 900000 + 2 * i, ip=LOW)
    return _then_masked(w)


@case("garbled", sessions=2)
def port_reuse_syn_not_captured_after_fin(w):
    w.open().hello().say(1, REPLY)
    w.tls()
    a = Wire(w.family, isn=(3000000, 9000000))
    a.now = w.now + 1000 * MS
    a.open()
    del a.packets[0]
    a.hello()
    _then_masked(a)
    a.packets = w.packets + a.packets
    return a


@case("garbled", sessions=2)
def port_reuse_syn_not_captured_after_rst(w):
    w.open().hello().say(1, PLAIN)
    w.segment(0, flags=RST | ACK)
    a = Wire(w.family, isn=(3000000, 9000000))
    a.now = w.now + 1000 * MS
    a.open()
    del a.packets[0]
    a.hello()
    _then_masked(a)
    a.packets = w.packets + a.packets
    return a


@case("decoy-tls", tell=("conflicting-segments",))
def decoy_of_a_whole_tls_session(w):
    w.open().hello()
    s, d = tls_decoy(w)
    d(1, REPLY)
    d(0, b'STARTTLS\r\n')
    d(1, b'220 2.0.0 Ready to start TLS\r\n')
    d(0, tlsfill.client_hello('mx.example.test'))
    d(1, tlsfill.record(22, tlsfill.filler('server hello', 90)) + tlsfill.change_cipher_spec()
      + tlsfill.application('flight', 1800))
    d(0, tlsfill.change_cipher_spec() + tlsfill.application('finished', 53))
    d(1, tlsfill.application('ticket', 250))
    d(0, tlsfill.application('c', 1200))
    d(1, tlsfill.application('a', 1200))
    w.seq = s
    return _then_masked(w)


@case("quiet")
def keepalive_out_of_order(w):
    w.open().hello()
    w.say(1, PLAIN)
    ka = w.seq[1] - 1
    w.say(0, MAIL[0][0])
    w.segment(1, MAIL[0][1])
    w.segment(1, b'\x00', seq=ka, flags=ACK)
    w.seq[1] += len(MAIL[0][1])
    w.now += 10 * MS
    w.segment(0, flags=ACK)
    for c, a in MAIL[1:]:
        w.say(0, c)
        w.say(1, a)
    return w.close()


@case("quiet")
def keepalive_client_out_of_order(w):
    w.open().hello()
    w.say(1, PLAIN)
    ka = w.seq[0] - 1
    w.segment(0, MAIL[0][0])
    w.segment(0, b'\x00', seq=ka, flags=ACK)
    w.seq[0] += len(MAIL[0][0])
    w.now += 10 * MS
    w.segment(1, flags=ACK)
    w.say(1, MAIL[0][1])
    for c, a in MAIL[1:]:
        w.say(0, c)
        w.say(1, a)
    return w.close()


@case("quiet")
def keepalive_out_of_order_tls(w):
    w.open().hello()
    w.say(1, REPLY)
    ka = w.seq[1] - 1
    w.say(0, b'STARTTLS\r\n')
    go = b'220 2.0.0 Ready to start TLS\r\n'
    w.segment(1, go)
    w.segment(1, b'\x00', seq=ka, flags=ACK)
    w.seq[1] += len(go)
    w.segment(0, flags=ACK)
    w.say(0, tlsfill.client_hello('mx.example.test'))
    w.say(1, tlsfill.record(22, tlsfill.filler('server hello', 90)) + tlsfill.change_cipher_spec()
          + tlsfill.application('flight', 1800))
    w.say(0, tlsfill.change_cipher_spec() + tlsfill.application('finished', 53))
    w.say(1, tlsfill.application('ticket', 250))
    w.say(0, tlsfill.application('c', 60))
    w.say(1, tlsfill.application('a', 60))
    return w.close()


@case("quiet")
def keepalive_server_starttls_first(w):
    r = b'250-mx.example.test\r\n250-STARTTLS\r\n250 SIZE\r\n'
    w.open().say(1, BANNER)
    ka = w.seq[1] - 1
    w.say(0, EHLO)
    w.segment(1, r)
    w.segment(1, b'\x00', seq=ka, flags=ACK)
    w.seq[1] += len(r)
    w.segment(0, flags=ACK)
    return w.mail()


@case("quiet")
def firewall_rst_after_clear_mail(w):
    w.open().hello()
    w.say(1, PLAIN)
    for c, a in MAIL[:4]:
        w.say(0, c)
        w.say(1, a)
    w.now += 300 * 1000 * MS
    w.segment(1, flags=RST, ip={'ttl': 254})
    w.now += 1 * MS
    w.segment(1, b'421 4.4.2 mx.example.test Error: timeout exceeded\r\n')
    w.seq[1] += 51
    w.segment(1, flags=FIN | ACK)
    return w


@case("quiet")
def syn_proxy_two_synacks_clear_mail(w):
    w.segment(0, flags=SYN, ack=0, kind='syn')
    w.seq[0] += 1
    w.segment(1, flags=SYN | ACK, seq=w.seq[1] + 123456, kind='syn', ip={'ttl': 255})
    w.segment(1, flags=SYN | ACK, kind='syn')
    w.seq[1] += 1
    w.segment(0, flags=ACK)
    w.hello()
    w.say(1, PLAIN)
    return w.mail()


@case("quiet")
def rst_in_bulk(w):
    w.open().hello()
    w.say(1, REPLY)
    w.tls_close = w.close
    w.close = lambda: w
    w.tls()
    w.close = w.tls_close
    w.segment(1, flags=RST | ACK, ip=LOW)
    for i in range(80):
        w.now += 1000 * MS
        w.say(0, tlsfill.application('x%d' % i, 500))
        w.say(1, tlsfill.application('y%d' % i, 50))
    return w.close()


@case("any", quiet=("conflicting-segments",))
def keepalive_client_refused(w):
    w.open().hello()
    w.say(1, REPLY)
    ka = w.seq[0] - 1
    w.segment(0, b'STARTTLS\r\n')
    w.segment(0, b'\x00', seq=ka, flags=ACK)
    w.seq[0] += 10
    w.segment(1, flags=ACK)
    w.say(1, b'454 4.7.0 TLS not available\r\n')
    return w.mail()


@case("secret")
def message_line_of_eight(w):
    w.open().hello().say(1, PLAIN)
    w.say(0, MAIL[0][0])
    w.say(1, MAIL[0][1])
    w.say(0, MAIL[1][0])
    w.say(1, MAIL[1][1])
    w.say(0, b'DATA\r\n')
    w.say(1, MAIL[2][1])
    m = b'Subject: x\r\n\r\nyour password:\r\nhunter22\r\n.\r\n'
    w.segment(0, m[12:], seq=w.seq[0] + 12)
    w.segment(0, m[12:].replace(b'hunter22', b'hunter23'), seq=w.seq[0] + 12)
    w.segment(0, m[:12])
    w.seq[0] += len(m)
    w.segment(1, flags=ACK)
    w.say(1, b'250 2.0.0 Ok\r\n')
    w.say(0, b'QUIT\r\n')
    w.say(1, b'221 bye\r\n')
    return w.close()


@case("secret")
def mail_local_part_of_eight_held(w):
    w.open().hello().say(1, REPLY)
    a = b'MAIL FROM:<'
    b = b'alice123'
    c = b'@sender.test>\r\n'
    w.segment(0, b, seq=w.seq[0] + len(a))
    w.segment(0, b'alice124', seq=w.seq[0] + len(a))
    w.segment(0, c, seq=w.seq[0] + len(a + b))
    w.segment(0, a)
    w.seq[0] += len(a + b + c)
    w.say(1, b'250 ok\r\n')
    w.say(0, b'QUIT\r\n')
    w.say(1, b'221 bye\r\n')
    return w.close()


@case("secret")
def reply_in_two_held(w):
    w.open().hello().say(1, REPLY)
    w.say(0, b'MAIL FROM:<alice.secret@sender.test>\r\n')
    a = b'250 2.1.0 alice.secret'
    b = b'@sender.test ok\r\n'
    w.segment(1, a[5:], seq=w.seq[1] + 5)
    w.segment(1, a[5:].replace(b'2.1.0', b'2.1.1').replace(b' ', b'_'), seq=w.seq[1] + 5)
    w.segment(1, a[:5])
    w.segment(1, b, seq=w.seq[1] + len(a))
    w.seq[1] += len(a + b)
    w.segment(0, flags=ACK)
    w.say(0, b'QUIT\r\n')
    w.say(1, b'221 bye\r\n')
    return w.close()


@case("secret")
def cut_before_at(w):
    w.open().hello().say(1, REPLY)
    w.say(0, b'MAIL FROM:<alice.secret@sender.test>\r\n')
    r = b'250 2.1.0 '
    r += b'x' * (96 - len(r) - 13) + b'<alice.secret@sender.test> ok\r\n'
    w.say(1, r)
    w.segment(1, r.replace(b'ok', b'OK'), seq=w.seq[1] - len(r), bad_sum=True)
    w.say(0, b'QUIT\r\n')
    w.say(1, b'221 bye\r\n')
    return w.close()


@case("secret")
def reply_sendmail_style(w):
    w.open().hello().say(1, REPLY)
    w.say(0, b'MAIL FROM:<x@sender.test>\r\n')
    w.say(1, b'250 ok\r\n')
    w.say(0, b'RCPT TO:<alicesecret@example.test>\r\n')
    r = b'550 5.1.1 alicesecret... User unknown\r\n'
    w.say(1, r)
    w.segment(1, r.replace(b'User', b'user'), seq=w.seq[1] - len(r), bad_sum=True)
    w.say(0, b'QUIT\r\n')
    w.say(1, b'221 bye\r\n')
    return w.close()


# --- two places in one mirror: before and after a router or a firewall ---

def two_places(w, near, far, macs=True, tags=((), ()), offset=(0, 0), step=1):
    """`near` and `far` speak the session as it is seen nearer to the client and farther from it. Each
    packet passes its sender's place first. The far place has other MAC addresses, tags, initial
    sequence numbers, and `step` hops less left of what the client sends."""
    a = Wire(w.family)
    b = Wire(w.family, isn=(a.isn[0] + offset[0], a.isn[1] + offset[1]))
    if macs:
        b.macs = ("02000000001a", "020000000029")
    a.tags, b.tags = tags
    a.ttl, b.ttl = [64, 57 - step], [64 - step, 57]
    near(a)
    far(b)
    for one, other, side in zip(a.packets, b.packets, a.sides):
        first, second = (one, other) if side == 0 else (other, one)
        second.time = first.time + MS // 5
        w.packets += [first, second]
    assert a.sides == b.sides
    return w


def in_clear(reply):
    def speak(w):
        w.open().hello().say(1, reply)
        w.mail()
    return speak


def with_tls(w):
    w.open().hello().say(1, REPLY)
    w.tls()


QUIET = ("conflicting-segments", "conflicting-handshake", "path-rewrites", "forged-reset")
FAR = (777000111, 1234567890)


@case("offered", quiet=QUIET)
def two_places_router(w):
    return two_places(w, with_tls, with_tls)


@case("offered", quiet=QUIET)
def two_places_router_ttl_alone(w):
    return two_places(w, with_tls, with_tls, macs=False)


@case("offered", quiet=QUIET)
def two_places_vlans(w):
    return two_places(w, with_tls, with_tls, macs=False, tags=((10,), (20,)), step=0)


@case("offered", quiet=QUIET)
def two_places_firewall_renumbers(w):
    return two_places(w, with_tls, with_tls, offset=FAR)


@case("offered", quiet=QUIET)
def two_places_firewall_renumbers_the_client(w):
    return two_places(w, with_tls, with_tls, offset=(FAR[0], 0))


@case("garbled", quiet=QUIET, tell=("starttls-garbled",))
def two_places_garbled_before_both(w):
    return two_places(w, in_clear(MASKED), in_clear(MASKED), offset=FAR)


@case("rewritten", tell=("path-rewrites",), quiet=("conflicting-segments",))
def two_places_firewall_garbles(w):
    return two_places(w, in_clear(MASKED), in_clear(REPLY))


@case("rewritten", tell=("path-rewrites",), quiet=("conflicting-segments", "conflicting-handshake"))
def two_places_firewall_renumbers_and_garbles(w):
    return two_places(w, in_clear(MASKED), in_clear(REPLY), offset=FAR)


@case("rewritten", tell=("path-rewrites",), quiet=("conflicting-segments",))
def two_places_vlans_garbled(w):
    return two_places(w, in_clear(MASKED), in_clear(REPLY), macs=False, tags=((10,), (20,)), step=0)


@case("rewritten", tell=("path-rewrites",), quiet=("conflicting-segments",))
def two_places_ttl_alone_garbled(w):
    return two_places(w, in_clear(MASKED), in_clear(REPLY), macs=False)


@case("rewritten", tell=("path-rewrites",), quiet=("conflicting-segments",))
def two_places_line_removed(w):
    return two_places(w, in_clear(REPLY.replace(b"250-STARTTLS\r\n", b"")), in_clear(REPLY))


@case("rewritten", tell=("path-rewrites",), quiet=("conflicting-segments",))
def two_places_line_removed_and_renumbered(w):
    return two_places(w, in_clear(REPLY.replace(b"250-STARTTLS\r\n", b"")), in_clear(REPLY),
                      offset=FAR)


@case("offered", tell=("path-rewrites",), quiet=QUIET)
def two_places_banner_masked(w):
    def speak(masked):
        def say(one):
            one.open()
            one.say(1, b"220 " + b"*" * (len(BANNER) - 6) + b"\r\n" if masked else BANNER)
            one.say(0, EHLO)
            one.say(1, REPLY)
            one.tls()
        return say
    return two_places(w, speak(True), speak(False))


def made_up(w):
    """A forger doubles the handshake with another TTL."""
    for ttl in (64, 61):
        w.segment(0, flags=SYN, ack=0, kind="syn", ip={"ttl": ttl})
    w.seq[0] += 1
    for ttl in (57, 44):
        w.segment(1, flags=SYN | ACK, kind="syn", ip={"ttl": ttl})
    w.seq[1] += 1
    w.segment(0, flags=ACK)
    return w


def made_up_reply(w):
    """The forged reply wins the race."""
    w.segment(1, MASKED, ip={"ttl": 44})
    w.segment(1, REPLY)
    w.seq[1] += len(REPLY)
    w.now += 10 * MS
    w.segment(0, flags=ACK)
    return w.mail()


@case("both", tell=("conflicting-segments",), quiet=("path-rewrites",))
def second_place_made_up(w):
    return made_up_reply(made_up(w).hello())


@case("both", tell=("conflicting-segments",), quiet=("path-rewrites",))
def second_place_made_up_with_its_banner(w):
    """The forger's place has a banner and a client as well, but no acknowledgement of the mail."""
    made_up(w)
    for side, data, other in ((1, BANNER, 44), (0, EHLO, 61)):
        w.segment(side, data)
        w.segment(side, data, ip={"ttl": other})
        w.seq[side] += len(data)
        w.now += 10 * MS
    return made_up_reply(w)


def forged_between_two_places(w, ttl):
    """Both places see the whole session, and at one a forger's copy of the reply besides."""
    two_places(w, in_clear(REPLY), in_clear(REPLY))
    at = next(i for i, packet in enumerate(w.packets) if REPLY in packet.data)
    forger = Wire(w.family)
    forger.macs, forger.ttl[1] = ("02000000001a", "020000000029"), ttl
    forger.seq = [forger.isn[0] + 1 + len(EHLO), forger.isn[1] + 1 + len(BANNER)]
    forger.segment(1, MASKED)
    forger.packets[0].time = w.packets[at + 1].time + MS // 20
    w.packets.insert(at + 2, forger.packets[0])
    return w


@case("both", tell=("conflicting-segments",), quiet=("path-rewrites",))
def two_places_and_a_forger(w):
    return forged_between_two_places(w, 44)


@case("both", tell=("conflicting-segments",), quiet=("path-rewrites",))
def two_places_and_a_forger_who_looks_like_one(w):
    return forged_between_two_places(w, 57)


# --- another way, and another distance ---

@case("garbled", tell=("path-discontinuity", "starttls-garbled"))
def garbled_reply_with_another_ttl(w):
    w.open().hello().say(1, MASKED, ip={"ttl": 120})
    return w.mail()


@case("garbled", tell=("path-discontinuity", "starttls-garbled"))
def garbled_reply_without_timestamps(w):
    w.open().hello().say(1, MASKED, options=b"")
    return w.mail()


@case("garbled", tell=("path-discontinuity", "starttls-garbled"))
def garbled_reply_from_another_mac(w):
    w.open().hello()
    usual, w.macs = w.macs, ("02000000000a", "0200000000ee")
    w.segment(1, MASKED)
    w.macs = usual
    w.seq[1] += len(MASKED)
    w.now += 10 * MS
    w.segment(0, flags=ACK)
    return w.mail()


@case("garbled", tell=("starttls-garbled",), quiet_all=("path-discontinuity",))
def route_changes_and_stays(w):
    w.open().hello()
    w.ttl[1], w.macs = 49, ("02000000000a", "0200000000ee")
    w.say(1, MASKED)
    return w.mail()


@case("garbled", tell=("starttls-garbled",), quiet_all=("path-discontinuity",))
def links_share_the_load(w):
    """Every other packet takes the other link."""
    frame = w.frame

    def alternate(side, packet, tags=()):
        w.macs = ("02000000000a", "0200000000ee" if len(w.packets) % 2 else "020000000019")
        frame(side, packet, tags)
    w.frame = alternate
    w.open().hello().say(1, MASKED)
    return w.mail()


def refused(w, took):
    w.pause = 40 * MS
    w.open().hello().say(1, REPLY)
    w.segment(0, b"STARTTLS\r\n")
    w.seq[0] += 10
    w.now += took
    answer = b"454 4.7.0 TLS not available\r\n"
    w.segment(1, answer)
    w.seq[1] += len(answer)
    w.now += 20 * MS
    w.segment(0, flags=ACK)
    return w.mail()


@case("any", tell=("reply-too-fast", "starttls-refused"))
def refusal_too_fast(w):
    return refused(w, 3 * MS)


@case("any", tell=("starttls-refused",), quiet_all=("reply-too-fast",))
def refusal_in_time(w):
    return refused(w, 38 * MS)


@case("any", tell=("starttls-refused",), quiet_all=("reply-too-fast",))
def refusal_beside_the_server(w):
    """Everything is fast where the server stands."""
    w.pause = MS
    w.open().hello().say(1, REPLY)
    w.say(0, b"STARTTLS\r\n")
    w.say(1, b"454 4.7.0 TLS not available\r\n")
    return w.mail()


# --- tunnels: what anybody can send from afar does not touch the connection outside ---

INSIDE = ("gre 7", "six greeth", "erspan2 9", "vxlan 42", "geneve 42", "ipip", "erspan2 9 vxlan 42")


def carried(packet, words, up):
    return [pcapio.Packet(packet.time, data, len(data))
            for data in encap.wrap(packet.data, words.split(), up)]


def among(w, speak, lies, words):
    """`speak` natively; just before each of its packets `lies` gives what comes in tunnels."""
    speak(w)
    packets, w.packets = w.packets, []
    for at, (packet, side) in enumerate(zip(packets, w.sides)):
        for lie, up in lies(w, at, packet):
            w.packets += carried(lie.copy(time=packet.time - MS // 10), words, up)
        w.packets.append(packet)
    return w


def forged_ends(w, at, packet):
    """RST and FIN of both sides, right where they stand; for the first packets there is nothing."""
    lies, segment = [], pcapio.decode(pcapio.LINK_ETHERNET, packet.data)
    side = 0 if segment.dport == 25 else 1
    for flags in (RST | ACK, RST, FIN | ACK) if at > 1 else ():
        for up, seq, ack in ((side == 0, segment.seq, segment.ack), (side == 1, segment.ack, segment.seq)):
            other = Wire(w.family, timestamps=False)
            other.segment(0 if up else 1, flags=flags, seq=seq, ack=ack)
            lies.append((other.packets[0], up))
    return lies


def forged_session(told):
    """Another session with the very same numbers."""
    def lies(w, at, packet):
        if at:
            return []
        other = Wire(w.family)
        told(other)
        return [(one, side == 0) for one, side in zip(other.packets, other.sides)]
    return lies


for _at, _words in enumerate(INSIDE):
    CASES += [
        ("tunnel-forged-ends-%d" % _at, "garbled", lambda w, words=_words: among(
            w, in_clear(MASKED), forged_ends, words),
         {"tell": ("starttls-garbled",), "quiet_all": ("forged-reset", "conflicting-segments")}),
        ("tunnel-forged-ends-of-tls-%d" % _at, "offered", lambda w, words=_words: among(
            w, with_tls, forged_ends, words), {"quiet_all": ("forged-reset", "handshake-aborted")}),
        ("tunnel-forged-clean-%d" % _at, "garbled", lambda w, words=_words: among(
            w, in_clear(MASKED), forged_session(with_tls), words),
         {"sessions": 2, "tell": ("starttls-garbled",), "quiet_all": (
             "path-rewrites", "conflicting-segments", "conflicting-handshake")}),
        ("tunnel-forged-garbled-%d" % _at, "offered", lambda w, words=_words: among(
            w, with_tls, forged_session(in_clear(MASKED)), words),
         {"sessions": 2, "quiet_all": ("path-rewrites", "starttls-garbled", "conflicting-segments")}),
        ("tunnel-copy-%d" % _at, "garbled", lambda w, words=_words: among(
            w, in_clear(MASKED), lambda _, at, packet, w=w: [(packet, w.sides[at] == 0)], words),
         {"tell": ("starttls-garbled",), "quiet_all": ("conflicting-segments", "path-rewrites")}),
        ("tunnel-copy-of-tls-%d" % _at, "offered", lambda w, words=_words: among(
            w, with_tls, lambda _, at, packet, w=w: [(packet, w.sides[at] == 0)], words),
         {"quiet_all": ("conflicting-segments", "path-rewrites")}),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
