# SPDX-License-Identifier: Apache-2.0
"""Captures of recorded exchanges: whole ones, and the same stream cut at every place.

Frames are Ethernet, IPv4 and TCP to port 25, with the three-way handshake, true sequence numbers
and checksums, and both FINs. Written for tens of thousands of sessions in one capture: what their
frames have in common is made once.
"""
import struct
from dataclasses import replace

import pcapio
from tlsrelay import CLIENT, CHANGE_CIPHER_SPEC, HANDSHAKE, SERVER

MILLISECOND = 10**6
START = 1781517600 * 10**9  # 2026-06-15 10:00:00 UTC, inside the validity of what is valid
MSS = 1460
WHOLE = 65000               # a flight in one segment, as a card that joins segments would give it
PORT = 25
SERVER_ADDRESS = bytes((198, 51, 100, 25))
MACS = {CLIENT: b"\x02\0\0\0\0\x01", SERVER: b"\x02\0\0\0\0\x02"}
ISN = {CLIENT: 1000000, SERVER: 3000000}
OTHER = {CLIENT: SERVER, SERVER: CLIENT}
CLIENTS = 60000             # sessions from one address
OPTIONS = struct.pack("!BBH", 2, 4, MSS)
RTT, GAP = 10 * MILLISECOND, MILLISECOND // 20


def client_of(number):
    """Address and port of a session: no two have the same."""
    return bytes((192, 0, 2, 10 + number // CLIENTS)), 1024 + number % CLIENTS


def folded(data):
    """The sum of RFC 1071 of whole bytes, modulo 65535."""
    if len(data) % 2:
        data += b"\0"
    return int.from_bytes(data, "big") % 65535


def field(total):
    return 0xFFFF - (total % 65535 or 65535)


class Writer:
    """Packets of one session after another, in their time."""

    def __init__(self):
        self.packets, self.now, self.forms = [], START, {}
        self.number = 0

    def session(self, exchange, mss=MSS):
        """Appends a session; gives its number, see client_of()."""
        number, self.number = self.number, self.number + 1
        self.ends = {CLIENT: client_of(number), SERVER: (SERVER_ADDRESS, PORT)}
        self.seq, self.last, self.ident = dict(ISN), CLIENT, {CLIENT: 0, SERVER: 0}
        self.now += 100 * MILLISECOND
        self.segment(CLIENT, pcapio.SYN, b"")
        self.segment(SERVER, pcapio.SYN | pcapio.ACK, b"")
        self.segment(CLIENT, pcapio.ACK, b"")
        for side, data in exchange.said:
            for at in range(0, len(data), mss):
                self.segment(side, pcapio.PSH | pcapio.ACK, data[at:at + mss])
        for side in (CLIENT, SERVER):
            self.segment(side, pcapio.FIN | pcapio.ACK, b"")
        self.segment(CLIENT, pcapio.ACK, b"")
        return number

    def segment(self, side, flags, payload):
        ends = self.ends[side], self.ends[OTHER[side]]
        ports = struct.pack("!HH", ends[0][1], ends[1][1])
        self.ident[side] += 1
        key = (side, ends[0][0], ends[1][0], flags, self.seq[side], self.seq[OTHER[side]],
               self.ident[side], payload)
        if key not in self.forms:
            self.forms[key] = self.form(*key)
        before, middle, total, after = self.forms[key]
        frame = before + ports + middle + struct.pack("!H", field(total + folded(ports))) + after
        self.now += GAP if side == self.last else (RTT if side == SERVER else 2 * GAP)
        self.last = side
        self.packets.append(pcapio.Packet(self.now, frame, len(frame)))
        self.seq[side] += len(payload) + bool(flags & (pcapio.SYN | pcapio.FIN))

    @staticmethod
    def form(side, src, dst, flags, seq, other, ident, payload):
        """A frame without ports and TCP checksum: what is before, between and behind them, and the
        sum. Most segments of two sessions that are cut in two places differ in nothing else."""
        options = OPTIONS if flags & pcapio.SYN else b""
        middle = struct.pack("!IIBBH", seq, other if flags & pcapio.ACK else 0,
                             (20 + len(options)) // 4 << 4, flags, 65535)
        length = 20 + len(options) + len(payload)
        total = (folded(middle) + folded(options) + folded(src + dst) + folded(payload)
                 + pcapio.PROTO_TCP + length)
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, ident & 0xFFFF, 0x4000, 64,
                         pcapio.PROTO_TCP, 0) + src + dst
        ip = ip[:10] + struct.pack("!H", field(folded(ip))) + ip[12:]
        before = MACS[OTHER[side]] + MACS[side] + b"\x08\x00" + ip
        after = (b"\0\0" + options + payload).ljust(60 - len(before) - 18, b"\0")
        return before, middle, total, after

    def capture(self):
        return pcapio.Capture(pcapio.LINK_ETHERNET, self.packets)


# --- records ---------------------------------------------------------------------------------------

def records(stream):
    """(offset, type, body) of each whole record."""
    at = 0
    while at + 5 <= len(stream):
        length = struct.unpack_from("!H", stream, at + 3)[0]
        if at + 5 + length > len(stream):
            return
        yield at, stream[at], stream[at + 5:at + 5 + length]
        at += 5 + length


def messages(stream):
    """(type, body, stream offset of its end) of each handshake message in clear. In TLS 1.3 a
    second hello comes behind a ChangeCipherSpec; what is behind another one is encrypted."""
    joined, ends, sealed, hello13 = b"", [], False, b""
    for at, kind, body in records(stream):
        if kind == CHANGE_CIPHER_SPEC:
            sealed = True
        elif kind != HANDSHAKE:
            break
        elif not sealed or (body[:1] in (b"\x01", b"\x02") and len(body) > 40):
            joined += body
            ends += range(at + 6, at + 6 + len(body))
    at = 0
    while at + 4 <= len(joined):
        length = int.from_bytes(joined[at + 1:at + 4], "big")
        if at + 4 + length > len(joined):
            break
        yield joined[at], joined[at + 4:at + 4 + length], ends[at + 3 + length]
        at += 4 + length


# --- cutting ---------------------------------------------------------------------------------------

def cut_at(exchange, side, offset):
    """The same exchange with the stream of `side` after STARTTLS in two pieces at `offset`."""
    out, at = [], 0
    for i, (who, data) in enumerate(exchange.said):
        if i < exchange.upgrade or who != side:
            out.append((who, data))
            continue
        inside = offset - at
        at += len(data)
        if 0 < inside < len(data):
            out += [(who, data[:inside]), (who, data[inside:])]
        else:
            out.append((who, data))
    return replace(exchange, said=out)


def cut_into(exchange, size):
    """All of it after STARTTLS in pieces of `size` bytes."""
    out = list(exchange.said[:exchange.upgrade])
    for side, data in exchange.said[exchange.upgrade:]:
        out += [(side, data[at:at + size]) for at in range(0, len(data), size)]
    return replace(exchange, said=out)


def places(exchange, side, step):
    """Where to cut: everywhere in the hello messages, and every `step` bytes behind them."""
    stream = exchange.stream(side)
    hellos = [end for kind, _, end in messages(stream) if kind in (1, 2)]
    dense = max(hellos, default=0)
    return [*range(1, min(dense + 6, len(stream))), *range(dense + 6, len(stream), step)]
