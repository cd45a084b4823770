# SPDX-License-Identifier: Apache-2.0
"""Puts frames into encapsulations, byte by byte after the RFCs and drafts.

    wrap(frame, words, up)   an Ethernet frame inside of what the words say, outermost first

    gre [KEY]        RFC 2784 and 2890: an IP packet; `gresum` with checksum, key and sequence number
    greeth [KEY]     the whole frame
    erspan1, erspan2 SESSION, erspan3 SESSION, erspan3o SESSION (with the platform's subheader)
    vxlan VNI        RFC 7348
    geneve VNI       RFC 8926, with an option
    ipip             IP in IPv4 (RFC 2003, RFC 4213)
    mpls L,L...      labels, then an IP packet (RFC 3032)
    pw L, pwcw L     a pseudowire without and with the control word (RFC 4448)
    pppoe SESSION    RFC 2516
    six              the next one, from the left, is carried in IPv6 instead of IPv4
    cut N            what lies inside of the next one is cut to N bytes of its frame
    frag N           the packet of the next one goes in fragments of N bytes
"""
import struct
import zlib

import pcapio

GRE, UDP, IPIP, IPV6 = 47, 17, 4, 41
MAC = (bytes.fromhex("0200000000fe"), bytes.fromhex("0200000000fd"))
ROUTERS = (("203.0.113.1", "203.0.113.2"), ("2001:db8:f::1", "2001:db8:f::2"))
WITH_NUMBER = ("gre", "gresum", "greeth", "erspan2", "erspan3", "erspan3o", "vxlan", "geneve", "mpls",
               "pw", "pwcw", "pppoe", "cut", "frag")


def parts(words):
    """[(kind, number or None, options)], outermost first."""
    out, options, words = [], {}, list(words)
    while words:
        kind, number = words.pop(0), None
        if kind in WITH_NUMBER and words and words[0][:1].isdigit():
            number = words.pop(0)
        if kind in ("cut", "frag"):
            options[kind] = int(number)
        elif kind == "six":
            options[kind] = True
        else:
            out.append((kind, number, options))
            options = {}
    return out


def wrap(frame, words, up):
    """The frames of one: several where the outside is cut into fragments."""
    frames = [frame]
    for kind, number, options in reversed(parts(words)):
        frames = [piece for one in frames for piece in around(one, kind, number, options, up)]
    return frames


def packet_of(frame):
    """Ethertype and packet of an untagged frame, without what pads it."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    body = frame[14:]
    if kind == pcapio.ETHERTYPE_IPV4:
        body = body[:struct.unpack_from("!H", body, 2)[0]]
    elif kind == pcapio.ETHERTYPE_IPV6:
        body = body[:40 + struct.unpack_from("!H", body, 4)[0]]
    return kind, body


def around(frame, kind, number, options, up):
    if "cut" in options:
        frame = frame[:options["cut"]]
    if kind in ("mpls", "pw", "pwcw", "pppoe"):
        return [link(frame, kind, number, up)]
    proto, body = inside(frame, kind, int(number or 0))
    family = options.get("six", False)
    ends = [pcapio.address(a) for a in ROUTERS[family]]
    src, dst = ends if up else ends[::-1]
    if proto == UDP:
        body = datagram(src, dst, body)
    ethertype = pcapio.ETHERTYPE_IPV6 if family else pcapio.ETHERTYPE_IPV4
    return [macs(up) + struct.pack("!H", ethertype) + piece
            for piece in pieces(src, dst, proto, body, options.get("frag", 0))]


def macs(up):
    return MAC[up] + MAC[not up]


def link(frame, kind, number, up):
    if kind == "pppoe":
        ethertype, body = packet_of(frame)
        protocol = 0x0021 if ethertype == pcapio.ETHERTYPE_IPV4 else 0x0057
        return macs(up) + struct.pack("!HBBHHH", 0x8864, 0x11, 0, int(number), len(body) + 2,
                                      protocol) + body
    labels = [int(n) for n in number.split(",")]
    stack = b"".join(struct.pack("!I", label << 12 | (at == len(labels) - 1) << 8 | 64)
                     for at, label in enumerate(labels))
    body = {"mpls": lambda: packet_of(frame)[1], "pw": lambda: frame,
            "pwcw": lambda: bytes(4) + frame}[kind]()
    return macs(up) + struct.pack("!H", 0x8847) + stack + body


def inside(frame, kind, number):
    """Protocol of IP, and what it carries."""
    ethertype, packet = packet_of(frame)
    if kind == "ipip":
        return (IPIP if ethertype == pcapio.ETHERTYPE_IPV4 else IPV6), packet
    if kind in ("gre", "greeth"):
        key = struct.pack("!I", number) if number else b""
        what, body = (ethertype, packet) if kind == "gre" else (0x6558, frame)
        return GRE, struct.pack("!HH", 0x2000 if number else 0, what) + key + body
    if kind == "gresum":
        whole = struct.pack("!HHHHII", 0xB000, ethertype, 0, 0, number, 1) + packet
        return GRE, whole[:4] + struct.pack("!H", pcapio.checksum(whole)) + whole[6:]
    if kind == "erspan1":
        return GRE, struct.pack("!HH", 0, 0x88BE) + frame
    if kind == "erspan2":
        return GRE, struct.pack("!HHIHHI", 0x1000, 0x88BE, 1, 0x1000 | 7, number, 3) + frame
    if kind in ("erspan3", "erspan3o"):
        more = kind[7:] == "o"
        head = struct.pack("!HHIHHIHH", 0x1000, 0x22EB, 1, 0x2000 | 7, number, 99, 0, 0x8000 | more)
        return GRE, head + (bytes(8) if more else b"") + frame
    if kind == "vxlan":
        return UDP, struct.pack("!HHHHII", 49152, 4789, 0, 0, 0x08000000, number << 8) + frame
    if kind == "geneve":
        option = struct.pack("!HBBI", 0x0101, 1, 1, 5)
        return UDP, struct.pack("!HHHHHHI", 49152, 6081, 0, 0, 0x0200, 0x6558, number << 8) \
            + option + frame
    raise ValueError("unknown tunnel %r" % kind)


def datagram(src, dst, body):
    body = body[:4] + struct.pack("!H", len(body)) + body[6:]
    if len(src) == 4:  # RFC 7348 section 5: no checksum
        return body
    value = pcapio.checksum(pcapio.pseudo_header(src, dst, len(body), UDP) + body) or 0xFFFF
    return body[:6] + struct.pack("!H", value) + body[8:]


def pieces(src, dst, proto, body, size):
    ident = zlib.crc32(body) & 0xFFFF  # of its own: RFC 6864 section 4.1; a checksum of sums is none
    cuts = range(0, len(body), size or len(body))
    for at in cuts:
        part = body[at:at + (size or len(body))]
        more = at + len(part) < len(body)
        if len(src) == 16:
            extra = struct.pack("!BBHI", proto, 0, at | more, ident) if size else b""
            yield struct.pack("!IHBB", 6 << 28, len(extra) + len(part), 44 if size else proto,
                              64) + src + dst + extra + part
            continue
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(part), ident, at // 8 | more << 13, 64,
                           proto, 0) + src + dst
        yield head[:10] + struct.pack("!H", pcapio.checksum(head)) + head[12:] + part
