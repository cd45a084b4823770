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
    cut = frames("snap 60\nC: " + "a" * 100 + "\n").packets[-1]
    tally.equal("snap", "lengths", (len(cut.data), cut.wire_len), (60, 14 + 40 + 102))


def test_wrap(tally):
    got = [s for s in segments("isn 4294967294 7\nC> abcd\nsplit\nC> e\n") if s.payload]
    tally.equal("wrap", "sequence numbers", [s.seq for s in got], [4294967295, 3])


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


def test_errors(tally):
    for text in ("dns C 1 MX a.test 10:b\n", "dns S 1 WKS a.test\n", "nonsense\n", "C> \\q\n", "wait 5\n", "overlap x\n", "client here\n", "fin X\n"):
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
