# SPDX-License-Identifier: Apache-2.0
"""Transformations of a capture that leave the dialogue what it was, and one that loses a packet.

Each takes a pcapio.Capture and gives a new one; frames that are no whole TCP segment (fragments,
other protocols, cut packets) stay as they are. Times never run backwards.
"""
import struct

import pcapio
from pcapio import FIN, RST, SYN

URG = 0x20


def _like(capture, packets):
    return pcapio.Capture(capture.link, packets, capture.snaplen)


def drop(capture, index):
    """One packet was not captured."""
    return _like(capture, capture.packets[:index] + capture.packets[index + 1:])


def duplicate(capture):
    """A mirror port that delivers everything twice."""
    return _like(capture, [p for packet in capture.packets for p in (packet, packet.copy())])


def resegment(capture, size):
    """Payload in segments of size() bytes at most; `size` is called for each new segment."""
    out = []
    for packet in capture.packets:
        segment = pcapio.decode(capture.link, packet.data)
        if segment is None or segment.cut or not segment.payload or segment.flags & SYN:
            out.append(packet)
        else:
            out += [_packet(packet, frame) for frame in _pieces(segment, size)]
    return _like(capture, out)


def _pieces(segment, size):
    at, total = 0, len(segment.payload)
    while at < total:
        part = segment.payload[at:at + max(1, size())]
        last = at + len(part) == total
        flags = segment.flags if last else segment.flags & ~(FIN | RST)
        tcp, urgent = segment.tcp, struct.unpack("!H", segment.tcp[18:20])[0] - at
        if flags & URG and urgent > 0:  # the pointer counts from the piece that has it
            tcp = tcp[:18] + struct.pack("!H", urgent) + tcp[20:]
        elif at:
            flags &= ~URG
        yield pcapio.rebuild(segment, seq=segment.seq + at, payload=part, flags=flags, tcp=tcp)
        at += len(part)


def _packet(packet, frame):
    return packet.copy(data=frame, wire_len=len(frame))


def reorder(capture, rng, distance):
    """Packets change places, none by more than `distance`; the times stay with the places.

    A mirror port holds a packet back for milliseconds: nothing moves across a second of silence.
    """
    keyed, spell = [], 0
    for i, packet in enumerate(capture.packets):
        if i and packet.time - capture.packets[i - 1].time >= 10**9:
            spell += 1
        keyed.append((spell, i + rng.uniform(0, distance), i))
    return _like(capture, [capture.packets[i].copy(time=slot.time)
                           for (_, _, i), slot in zip(sorted(keyed), capture.packets)])


def vlan(capture, tags):
    """The same frames with VLAN tags put in; Ethernet only."""
    head = b"".join(struct.pack("!HH", 0x88A8 if i + 1 < len(tags) else 0x8100, tag)
                    for i, tag in enumerate(tags))
    return _like(capture, [packet.copy(data=packet.data[:12] + head + packet.data[12:],
                                       wire_len=packet.wire_len + len(head))
                           for packet in capture.packets])


def ipv6(capture):
    """IPv4 segments in IPv6, their addresses mapped into 3fff::/20 (RFC 9637), a /24 to a /48, so
    that networks stay as many as they were; Ethernet only."""
    out = []
    for packet in capture.packets:
        segment = pcapio.decode(capture.link, packet.data)
        if segment is None or segment.cut or segment.version == 6:
            out.append(packet)
            continue
        src, dst = _mapped(segment.src), _mapped(segment.dst)
        ip = pcapio.fresh_ip(src, dst, segment.ip[8], 0)
        head = segment.head[:-2] + struct.pack("!H", pcapio.ETHERTYPE_IPV6)
        out.append(_packet(packet, pcapio.rebuild(segment, head=head, ip=ip, src=src, dst=dst)))
    return _like(capture, out)


def _mapped(address):
    network = 0x3FFF0 << 28 | int.from_bytes(address[:3], "big") << 4
    return network.to_bytes(6, "big") + bytes(9) + address[3:]


# --- what a capture holds, for those who choose a transformation ---------------------------------

def tcp_segments(capture):
    for packet in capture.packets:
        segment = pcapio.decode(capture.link, packet.data)
        if segment is not None:
            yield segment


def is_whole(capture):
    """Every connection begins with its SYN and has no hole, reset, conflict, bad sum or reuse."""
    streams, cut = {}, False
    for segment in tcp_segments(capture):
        cut |= segment.cut or bool(segment.flags & RST) or not pcapio.sums_good(segment)
        stream = streams.setdefault(segment.key, {"base": None, "bytes": {}, "end": 0})
        if segment.flags & SYN:
            if stream["base"] not in (None, segment.seq):
                return False
            stream["base"] = segment.seq
        if stream["base"] is None:
            return False
        if not _lay(stream, segment):
            return False
    return not cut and all(len(s["bytes"]) == s["end"] for s in streams.values())


def _lay(stream, segment):
    """Puts the payload in its place; false where other bytes lie there already."""
    start = (segment.seq - stream["base"] - (0 if segment.flags & SYN else 1)) % 2**32
    if segment.payload and start >= 2**31:
        return segment.payload_len <= 1  # a keep-alive
    for at, byte in enumerate(segment.payload, start):
        if stream["bytes"].setdefault(at, byte) != byte:
            return False
    if segment.payload:
        stream["end"] = max(stream["end"], start + len(segment.payload))
    return True
