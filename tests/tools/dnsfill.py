# SPDX-License-Identifier: Apache-2.0
"""DNS messages for dialogues (RFC 1035), in UDP datagrams."""
import struct
from ipaddress import ip_address

import pcapio

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52}
RCODES = {"NODATA": 0, "SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}
FLAGS = {"tc": 0x0200, "ad": 0x0020, "cd": 0x0010}
RD, QR, RA = 0x0100, 0x8000, 0x0080
CLASS_IN, OPT, DO = 1, 41, 0x8000
TTL = 3600
PORT, PROTO_UDP = 53, 17


def name(text):
    labels = [label.encode() for label in text.rstrip(".").split(".") if label]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def rdata(kind, value):
    """Of the text of a record: `10:mx.test`, an address, the text itself, `3:1:1:abcd...`."""
    if kind == "MX":
        preference, exchange = value.decode().split(":", 1)
        return struct.pack("!H", int(preference)) + name(exchange)
    if kind in ("A", "AAAA"):
        return ip_address(value.decode()).packed
    if kind == "TLSA":
        usage, selector, matching, data = value.decode().split(":")
        return bytes((int(usage), int(selector), int(matching))) + bytes.fromhex(data)
    return b"".join(bytes((len(part),)) + part
                    for part in (value[at:at + 255] for at in range(0, len(value), 255)))


def record(owner, kind, data, ttl=TTL):
    return name(owner) + struct.pack("!HHIH", kind, CLASS_IN, ttl, len(data)) + data


def message(ident, kind, owner, answer=None, records=(), flags=()):
    """A query or, with the word `answer` of RCODES or "", an answer with records as bytes."""
    bits = RD | sum(FLAGS[f] for f in flags if f in FLAGS)
    body = name(owner) + struct.pack("!HH", TYPES[kind], CLASS_IN)
    counts = [1, len(records), 0, 0]
    if answer is not None:
        bits |= QR | RA | RCODES.get(answer, 0)
        body += b"".join(record(owner, TYPES[kind], rdata(kind, r)) for r in records)
    if answer in ("NODATA", "NXDOMAIN"):
        zone = owner.split(".", 1)[-1]
        soa = name("ns." + zone) + name("admin." + zone) + struct.pack("!IIIII", 1, 60, 60, 60, 60)
        body += record(zone, TYPES["SOA"], soa)
        counts[2] = 1
    if "do" in flags:
        body += b"\0" + struct.pack("!HHIH", OPT, 1232, DO, 0)
        counts[3] = 1
    return struct.pack("!HHHHHH", ident, bits, *counts) + body


def datagram(src, dst, sport, dport, ttl, payload):
    """The IP datagram with its checksums."""
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", sport, dport, length, 0)
    value = pcapio.checksum(pcapio.pseudo_header(src, dst, length, PROTO_UDP) + udp + payload)
    body = udp[:6] + struct.pack("!H", value or 0xFFFF) + payload
    if len(src) == 16:
        return struct.pack("!IHBB", 6 << 28, length, PROTO_UDP, ttl) + src + dst + body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0x4000, ttl, PROTO_UDP, 0) + src + dst
    return head[:10] + struct.pack("!H", pcapio.checksum(head)) + head[12:] + body
