# SPDX-License-Identifier: Apache-2.0
"""Captures as Python values: read and write pcap files, take TCP/IP frames apart, build them.

Only what the tests need, in the standard library alone. A capture is a link type and a list of
packets; a frame is bytes. Nothing here is shared with the program under test, so that both are
not wrong in the same way.
"""
import ipaddress
import struct
import sys
from dataclasses import dataclass, field, replace

LINK_NULL, LINK_ETHERNET, LINK_RAW, LINK_LOOP = 0, 1, 101, 108
LINK_SLL, LINK_IPV4, LINK_IPV6, LINK_SLL2 = 113, 228, 229, 276
RAW_LINKS = (LINK_RAW, LINK_IPV4, LINK_IPV6, 12, 14)
ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0800, 0x86DD
VLAN_TYPES = (0x8100, 0x88A8, 0x9100)
PROTO_TCP, PROTO_FRAGMENT = 6, 44
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@dataclass
class Packet:
    time: int          # nanoseconds since 1970
    data: bytes        # as captured
    wire_len: int      # length on the wire

    def copy(self, **changes):
        return replace(self, **changes)


@dataclass
class Capture:
    link: int
    packets: list = field(default_factory=list)
    snaplen: int = 262144


class FormatError(ValueError):
    """The bytes are no capture that this reader knows."""


# --- files ---------------------------------------------------------------------------------------

_MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1),
}


def read(path):
    """Reads a pcap or pcapng file."""
    with open(path, "rb") as f:
        return parse(f.read())


def parse(data):
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return _parse_pcapng(data)
    if data[:4] not in _MAGIC:
        raise FormatError("no capture magic")
    order, unit = _MAGIC[data[:4]]
    snaplen, link = struct.unpack_from(order + "II", data, 16)
    capture = Capture(link & 0xFFFF, [], snaplen)
    at = 24
    while at + 16 <= len(data):
        sec, frac, caplen, wire = struct.unpack_from(order + "IIII", data, at)
        at += 16
        capture.packets.append(
            Packet(sec * 10**9 + frac * unit, data[at:at + caplen], wire))
        at += caplen
    return capture


def _parse_pcapng(data):
    order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
    links, units, packets, at = [], [], [], 0
    while at + 12 <= len(data):
        kind, total = struct.unpack_from(order + "II", data, at)
        if total < 12:
            raise FormatError("pcapng block too short")
        body = data[at + 8:at + total - 4]
        if kind == 1:
            links.append(struct.unpack_from(order + "H", body)[0])
            units.append(_pcapng_unit(body, order))
        elif kind == 6:
            iface, high, low, caplen, wire = struct.unpack_from(order + "IIIII", body)
            stamp = ((high << 32) | low) * units[iface] // 1000
            packets.append(Packet(stamp, body[20:20 + caplen], wire))
        elif kind == 3:
            wire = struct.unpack_from(order + "I", body)[0]
            packets.append(Packet(0, body[4:4 + wire], wire))
        at += total
    return Capture(links[0] if links else LINK_ETHERNET, packets)


def _pcapng_unit(body, order):
    """Length of one tick of this interface, in thousandths of a nanosecond."""
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 9:
            value = body[at + 4]
            ticks = 2 ** (value & 127) if value & 128 else 10 ** value
            return 10**12 // ticks
        if code == 0:
            break
        at += 4 + (length + 3) // 4 * 4
    return 10**6


def serialise(capture):
    """The capture as a little-endian microsecond pcap file."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, capture.snaplen, capture.link)]
    for p in capture.packets:
        sec, rest = divmod(p.time, 10**9)
        out.append(struct.pack("<IIII", sec, rest // 1000, len(p.data), p.wire_len))
        out.append(p.data)
    return b"".join(out)


def write(path, capture):
    with open(path, "wb") as f:
        f.write(serialise(capture))


# --- checksums -----------------------------------------------------------------------------------

def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def pseudo_header(src, dst, length, proto=PROTO_TCP):
    if len(src) == 4:
        return src + dst + struct.pack("!BBH", 0, proto, length)
    return src + dst + struct.pack("!IHBB", length, 0, 0, proto)


# --- taking frames apart -------------------------------------------------------------------------

@dataclass
class Segment:
    """One TCP segment and where its parts lie in the frame."""
    head: bytes        # everything before the IP header
    ip: bytes          # IP header with options or extension headers
    src: bytes
    dst: bytes
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    tcp: bytes         # TCP header with options
    payload: bytes     # as captured, padding removed
    payload_len: int   # on the wire

    @property
    def key(self):
        return (self.src, self.sport, self.dst, self.dport)

    @property
    def version(self):
        return self.ip[0] >> 4

    @property
    def cut(self):
        return len(self.payload) < self.payload_len


def ip_offset(link, data):
    """Where the IP header begins in this frame, or None."""
    if link in RAW_LINKS:
        return 0
    if link in (LINK_NULL, LINK_LOOP):
        return 4
    if link == LINK_SLL:
        return _after_tags(data, 14)
    if link == LINK_SLL2:
        return 20 if data[:2] in (b"\x08\x00", b"\x86\xdd") else None
    return _after_tags(data, 12)


def _after_tags(data, at):
    while len(data) >= at + 2:
        kind = struct.unpack_from("!H", data, at)[0]
        if kind in (ETHERTYPE_IPV4, ETHERTYPE_IPV6):
            return at + 2
        if kind not in VLAN_TYPES:
            return None
        at += 4
    return None


def decode(link, data):
    """The TCP segment in this frame, or None (other protocols, fragments, headers cut)."""
    at = ip_offset(link, data)
    if at is None or len(data) < at + 20:
        return None
    version = data[at] >> 4
    if version == 4:
        return _decode_ipv4(data, at)
    if version == 6 and len(data) >= at + 40:
        return _decode_ipv6(data, at)
    return None


def _decode_ipv4(data, at):
    total, _, frag = struct.unpack_from("!HHH", data, at + 2)
    header = (data[at] & 15) * 4
    if data[at + 9] != PROTO_TCP or frag & 0x3FFF:
        return None
    if total == 0:  # length left to the network card
        total = len(data) - at
    return _decode_tcp(data, at, at + header, at + total,
                       data[at + 12:at + 16], data[at + 16:at + 20])


def _decode_ipv6(data, at):
    length, proto = struct.unpack_from("!HB", data, at + 4)
    end = at + 40 + length if length else len(data)
    tcp = at + 40
    while proto in (0, 43, 60, PROTO_FRAGMENT) and tcp + 8 <= len(data):
        if proto == PROTO_FRAGMENT:
            if struct.unpack_from("!H", data, tcp + 2)[0] & 0xFFF9:
                return None
            size = 8
        else:
            size = (data[tcp + 1] + 1) * 8
        proto, tcp = data[tcp], tcp + size
    if proto != PROTO_TCP:
        return None
    return _decode_tcp(data, at, tcp, end, data[at + 8:at + 24], data[at + 24:at + 40])


def _decode_tcp(data, ip, tcp, end, src, dst):
    if tcp + 20 > min(len(data), end):
        return None
    sport, dport, seq, ack = struct.unpack_from("!HHII", data, tcp)
    header = (data[tcp + 12] >> 4) * 4
    body = tcp + header
    if header < 20 or body > min(len(data), end):
        return None
    return Segment(data[:ip], data[ip:tcp], src, dst, sport, dport, seq, ack, data[tcp + 13],
                   data[tcp:body], data[body:end], end - body)


def sums_good(segment):
    """Are the IP header checksum and the TCP checksum right? Only for whole segments."""
    tcp = segment.tcp + segment.payload
    if segment.version == 4 and checksum(segment.ip):
        return False
    return checksum(pseudo_header(segment.src, segment.dst, len(tcp)) + tcp) == 0


# --- building frames -----------------------------------------------------------------------------

def rebuild(segment, **changes):
    """The frame of a segment after changes: lengths and checksums are made right again."""
    s = replace(segment, **changes)
    offset = len(s.tcp) // 4 << 4
    tcp = struct.pack("!HHIIBB", s.sport, s.dport, s.seq & 0xFFFFFFFF, s.ack & 0xFFFFFFFF,
                      offset, s.flags) + s.tcp[14:16] + b"\0\0" + s.tcp[18:]
    total = len(tcp) + len(s.payload)
    value = checksum(pseudo_header(s.src, s.dst, total) + tcp + s.payload)
    tcp = tcp[:16] + struct.pack("!H", value) + tcp[18:]
    return s.head + ip_header(s, total) + tcp + s.payload


def ip_header(s, body):
    """The IP header of `s` with its length, addresses and checksum set for `body` bytes."""
    if s.version == 6:
        length = len(s.ip) - 40 + body
        return s.ip[:4] + struct.pack("!H", length) + s.ip[6:8] + s.src + s.dst + s.ip[40:]
    ip = bytearray(s.ip)
    struct.pack_into("!H", ip, 2, len(ip) + body)
    ip[12:16], ip[16:20] = s.src, s.dst
    ip[10:12] = b"\0\0"
    struct.pack_into("!H", ip, 10, checksum(bytes(ip)))
    return bytes(ip)


def fresh_ip(src, dst, ttl, ident, options=b"", extension=b"", next_header=PROTO_TCP):
    """An IP header without length and checksum; `ip_header` fills them in."""
    if len(src) == 4:
        head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 0, ident & 0xFFFF, 0x4000,
                           ttl, PROTO_TCP, 0)
        return head + src + dst + options
    return struct.pack("!IHBB", 6 << 28, 0, next_header, ttl) + src + dst + extension


def address(text):
    return ipaddress.ip_address(text).packed


def address_text(packed):
    return str(ipaddress.ip_address(packed))


def warn(text):
    print(text, file=sys.stderr)
