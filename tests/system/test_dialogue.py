#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dialogue compiler: made captures are well-formed, and the committed ones are its product.

    test_dialogue.py

Sequence numbers and checksums are computed here from the RFCs, not taken from the compiler.
"""
import struct
import sys

import run
from run import PCAPS, Tally

import dialogue
import pcapio


def frames(text):
    return dialogue.Compiler().compile(text)


def segments(text):
    capture = frames(text)
    return [pcapio.decode(capture.link, p.data) for p in capture.packets]


def payloads(text):
    return [s.payload for s in segments(text) if s.payload]


def test_committed(tally):
    folders = sorted(p.parent for p in PCAPS.glob("*/dialogue.txt"))
    tally.check(folders, "dialogue", "no dialogue in tests/pcaps")
    for folder in folders:
        same = dialogue.compile_folder(folder) == (folder / "input.pcap").read_bytes()
        tally.check(same, folder.name, "input.pcap is not the product of dialogue.txt")


def test_handshake(tally):
    got = segments("S: 220 hi\nC: QUIT\n")
    flags = [s.flags for s in got]
    tally.equal("handshake", "flags", flags,
                [pcapio.SYN, pcapio.SYN | pcapio.ACK, pcapio.ACK] + [pcapio.PSH | pcapio.ACK] * 2)
    tally.equal("handshake", "first data byte", got[3].seq, got[1].seq + 1)
    tally.equal("handshake", "acknowledgement", got[4].ack, got[3].seq + len(b"220 hi\r\n"))
    tally.check(all(pcapio.sums_good(s) for s in got), "handshake", "checksum")
    again = segments("open\nsynack\nC: QUIT\n")
    tally.equal("synack", "flags and number", [(s.flags, s.seq, s.ack) for s in again[3:5]],
                [(s.flags, s.seq, s.ack) for s in again[1:3]])


def test_segments(tally):
    tally.equal("segments", "one side's lines", payloads("C: a\nC: b\nS: c\n"),
                [b"a\r\nb\r\n", b"c\r\n"])
    tally.equal("segments", "split", payloads("C> a\nsplit\nC> b\n"), [b"a", b"b"])
    tally.equal("segments", "mss", payloads("mss 2\nC> abcde\n"), [b"ab", b"cd", b"e"])
    tally.equal("segments", "escapes", payloads(r"C> \x00\xff\r\n\\\0"), [b"\0\xff\r\n\\\0"])
    tally.equal("segments", "repeat", payloads("repeat 3 S: x\n"), [b"x\r\n" * 3])


def test_events(tally):
    tally.equal("drop", "payloads", payloads("drop\nC> a\nsplit\nC> b\n"), [b"b"])
    tally.equal("dup", "payloads", payloads("dup\nC> a\n"), [b"a", b"a"])
    tally.equal("overlap", "payloads", payloads("C> abc\noverlap xyz\n"), [b"abc", b"xyz"])
    both = [s.seq for s in segments("C> abc\noverlap xyz\n") if s.payload]
    tally.equal("overlap", "sequence numbers", both[0], both[1])
    tally.equal("swap", "payloads", payloads("open\nswap\nC> a\nsplit\nC> b\n"), [b"b", b"a"])
    times = [p.time for p in frames("open\nswap\nC> a\nsplit\nC> b\n").packets]
    tally.equal("swap", "times", times, sorted(times))
    bad = [pcapio.sums_good(s) for s in segments("open\nbadsum\nC> a\nsplit\nC> b\n")]
    tally.equal("badsum", "sums", bad, [True, True, True, False, True])
    sides = {s.sport for s in segments("onesided server\nC: a\nS: b\n")}
    tally.equal("onesided", "ports", sides, {25})
    ports = [s.sport for s in segments("nosyn\nonesided client\nC: a\nS: b\nonesided both\nS: b\n")]
    tally.equal("onesided", "ports before and after", ports, [40001, 25])
    cut = frames("snap 60\nC: " + "a" * 100 + "\n").packets[-1]
    tally.equal("snap", "lengths", (len(cut.data), cut.wire_len), (60, 14 + 40 + 102))


def test_wrap(tally):
    got = [s for s in segments("isn 4294967294 7\nC> abcd\nsplit\nC> e\n") if s.payload]
    tally.equal("wrap", "sequence numbers", [s.seq for s in got], [4294967295, 3])


def test_blocks(tally):
    block = "block b\nC: a {x}\nclose\nend\n"
    tally.equal("block", "packets of one that is not played", len(frames(block).packets), 0)
    got = segments(block + "play b 3 every=2h clients=192.0.2.1,192.0.2.2 x=y\n")
    opened = [s for s in got if s.flags == pcapio.SYN]
    tally.equal("play", "clients", [s.src[3] for s in opened], [1, 2, 1])
    tally.equal("play", "ports", [s.sport for s in opened], [40001, 40002, 40003])
    tally.equal("play", "texts", [s.payload for s in got if s.payload], [b"a y\r\n"] * 3)
    capture = frames(block + "play b 3 every=2h x=y\n")
    begun = [p.time for p in capture.packets
             if pcapio.decode(capture.link, p.data).flags == pcapio.SYN]
    per_session = len(capture.packets) // 3
    ended = [capture.packets[i].time for i in (per_session - 1, 2 * per_session - 1)]
    hours = [b - e for b, e in zip(begun[1:], ended)]
    tally.equal("play", "times between", hours, [(2 * 3600 + 1) * 10**9] * 2)  # `new`: a second later
    again = segments(block + "play b x=1\nserver 203.0.113.7:25\nplay b x=2\n")
    tally.equal("play", "servers", [s.dst[3] for s in again if s.flags == pcapio.SYN], [25, 7])
    nested = "block c\nplay b x=1\nplay b x=2\nend\nplay c\n"
    tally.equal("play", "a block in a block", payloads(block + nested), [b"a 1\r\n", b"a 2\r\n"])


def test_fragments(tally):
    capture = frames("open\nfrag 8\nC> 0123456789\n")
    bodies = [p.data[34:] for p in capture.packets[3:]]
    # 20 bytes of TCP header and 10 of payload: three pieces of 8 and one of 6, padded to 60 bytes.
    tally.equal("frag", "pieces", len(bodies), 4)
    tally.equal("frag", "last bytes", bodies[3][:6], b"456789")


def test_frames(tally):
    for kind in dialogue.LINKS:
        got = segments("link %s\nipv6\nC: a\n" % kind)
        tally.check(all(s and pcapio.sums_good(s) for s in got), kind, "a frame is not right")
    tagged = frames("vlan 10 20\nC: a\n").packets[0].data
    tally.equal("vlan", "tags", tagged[12:20], bytes.fromhex("88a8000a81000014"))


def udp(text):
    """The datagrams of a dialogue: ports, message; the sum over pseudo header and datagram is 0."""
    out = []
    for packet in frames(text).packets:
        ip = packet.data[14:]
        body = ip[20:struct.unpack_from("!H", ip, 2)[0]]
        pseudo = ip[12:20] + struct.pack("!BBH", 0, 17, len(body))
        out.append((struct.unpack_from("!HH", body), pcapio.checksum(ip[:20]),
                    pcapio.checksum(pseudo + body), body[8:]))
    return out


def test_dns(tally):
    """Against the bytes of RFC 1035 sections 4.1 and 3.3.9, written out."""
    query, answer = udp("dns C 4660 MX a.test do\ndns S 4660 MX a.test 10:m.a.test ad\n")
    name = b"\x01a\x04test\0"
    tally.equal("dns", "query", query, ((40053, 53), 0, 0, bytes.fromhex(
        "123401000001000000000001") + name + b"\0\x0f\0\x01" + bytes.fromhex(
        "00002904d0000080000000")))
    tally.equal("dns", "answer", answer, ((53, 40053), 0, 0, bytes.fromhex(
        "123481a00001000100000000") + name + b"\0\x0f\0\x01" + name + bytes.fromhex(
        "000f000100000e10000c000a") + b"\x01m" + name))


def messages(text):
    """The messages of handshake that one side says: (version of the record, type, body)."""
    payload, out = b"".join(payloads(text)), []
    while payload:
        kind, version, size = struct.unpack_from("!BHH", payload)
        body, payload = payload[5:5 + size], payload[5 + size:]
        while kind == 22 and body:
            length = int.from_bytes(body[1:4], "big")
            out.append((version, body[0], body[4:4 + length]))
            body = body[4 + length:]
    return out


def test_offer(tally):
    """Against RFC 5246 section 7.4.1.2: what stands behind the random and an empty session id."""
    (version, kind, body), = messages("sni a.test\ntls C offer 0302 suites=c02f,000a scsv compression=1,0\n")
    name = bytes.fromhex("0000000b0009000006") + b"a.test"
    tally.equal("offer", "head", (version, kind, body[:2]), (0x0301, 1, b"\x03\x02"))
    tally.equal("offer", "members", body[34:], bytes.fromhex("000006c02f000a5600020100000f") + name)
    (_, _, body), = messages("tls C offer 0303 nosni suites=1301 versions=0304 groups=29 extension=15:01\n")
    tally.equal("offer", "extensions", body[34 + 33 + 2 + 2 + 2 + 2:], bytes.fromhex(
        "000a00040002001d" "000d00080006040308040401" "000f000101" "002b0003020304"))


def test_flight(tally):
    """Against RFC 5246 sections 7.4.1.3 to 7.4.5; certificates are read with openssl in test_tls.py."""
    got = messages("tls S flight 0303 009e chain=mx1.pem,ca.pem dhe=1023 compression=1 extension=15:01\n")
    tally.equal("flight", "messages", [(v, k) for v, k, _ in got], [(0x0303, k) for k in (2, 11, 12, 14)])
    tally.equal("flight", "server hello", got[0][2][67:], bytes.fromhex("009e010005000f000101"))
    chain, sizes = got[1][2], []
    tally.equal("flight", "list of certificates", int.from_bytes(chain[:3], "big"), len(chain) - 3)
    at = 3
    while at < len(chain):
        sizes.append(int.from_bytes(chain[at:at + 3], "big") - 4)
        tally.equal("flight", "DER", chain[at + 3:at + 5], b"\x30\x82")
        tally.equal("flight", "length in DER", int.from_bytes(chain[at + 5:at + 7], "big"), sizes[-1])
        at += 7 + sizes[-1]
    tally.equal("flight", "certificates", len(sizes), 2)
    prime = int.from_bytes(got[2][2][2:130], "big")
    tally.equal("flight", "prime", (got[2][2][:2], prime.bit_length(), prime % 2), (b"\0\x80", 1023, 1))
    tally.equal("flight", "length with a signature", len(got[2][2]), 130 + 3 + 130 + 2 + 258)
    tally.equal("flight", "done", got[3][2], b"")
    plain = messages("tls S flight 0301 c018 curve=23 twice\n")
    tally.equal("flight", "anonymous", [k for _, k, _ in plain], [2, 2, 12, 14])
    tally.equal("flight", "no extensions", plain[0][2][67:], bytes.fromhex("c01800"))
    tally.check(plain[0][2] != plain[1][2], "flight", "the second hello is the first")
    tally.equal("flight", "point", (plain[2][2][:5], len(plain[2][2])), (b"\x03\0\x17\x41\x04", 4 + 65))


def test_errors(tally):
    for text in ("dns C 1 MX a.test 10:b\n", "dns S 1 WKS a.test\n", "tls C offer 0303 suits=c02f\n",
                 "tls S flight 0303\n", "tls S flight 0303 c02f chain=none.pem\n", "tls S retry\n",
                 "block b\nC: a\n", "end\n", "play b\n", "block b\nC: {x}\nend\nplay b\n",
                 "block b\nend\nplay b x=1 2\n", "nonsense\n", "C> \\q\n", "wait 5\n", "overlap x\n", "client here\n", "fin X\n"):
        try:
            dialogue.compile_text(text)
            tally.check(False, "errors", "%r was taken" % text)
        except dialogue.DialogueError:
            tally.check(True, "errors")


def main():
    tally = Tally()
    for name, test in sorted(globals().items()):
        if name.startswith("test_"):
            test(tally)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
