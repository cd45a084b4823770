#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Families of hostile traffic, each at a size and at twice that: does time grow with the size alone?

    families.py --stripwatch BIN [--longest BIN] [--rounds N] [--mb SIZE] [--families a,b]

For each family the CPU time of `stripwatch read -q` (medians of the rounds), what doubling the size
costs (the bar is 2.3), nanoseconds a byte and a packet, and how much dearer than the clean session of
the same run they are (bars 10 and 5; one or the other, as packets may be nearly empty or full). With
--longest (tests/hostile/longest.c) the packet that takes longest as well (bar 1 ms).
"""
import argparse
import os
import random
import re
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

CLIENT, SERVER = b"\xc0\x00\x02\x01", b"\xc0\x00\x02\x19"
ETHERNET = bytes.fromhex("020000000001020000000002") + b"\x08\x00"
HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
SYN, ACK, PSH = 2, 16, 24
BANNER, EHLO = b"220 mx.test ESMTP Postfix\r\n", b"EHLO a.test\r\n"
REPLY = b"250-mx.test\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 HELP\r\n"


class Wire:
    """Packets into a file; checksums are left out, as on a sending host."""

    def __init__(self, out):
        self.out, self.now, self.bytes, self.port = out, 0, 24, 40000
        out.write(HEADER)
        self.seq = [1000, 5000]

    def raw(self, ip):
        self.now += 10
        self.out.write(struct.pack("<IIII", 1795255200 + self.now // 1000000, self.now % 1000000,
                                   len(ip) + 14, len(ip) + 14) + ETHERNET + ip)
        self.bytes += len(ip) + 30

    def segment(self, side, data=b"", flags=PSH, seq=None, ident=1, frag=0):
        ports = (self.port, 25) if side == 0 else (25, self.port)
        tcp = struct.pack("!HHIIBBHHH", *ports, (self.seq[side] if seq is None else seq) & 0xFFFFFFFF,
                          self.seq[1 - side] & 0xFFFFFFFF, 0x50, flags, 64000, 0, 0) + data
        ends = CLIENT + SERVER if side == 0 else SERVER + CLIENT
        self.raw(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), ident, frag, 64, 6, 0) + ends + tcp)

    def say(self, side, data):
        for at in range(0, len(data), 1460):
            self.segment(side, data[at:at + 1460])
            self.seq[side] += len(data[at:at + 1460])

    def open(self):
        self.segment(0, flags=SYN)
        self.seq[0] += 1
        self.segment(1, flags=SYN | ACK)
        self.seq[1] += 1
        self.segment(0, flags=ACK)
        self.say(1, BANNER)
        self.say(0, EHLO)
        self.say(1, REPLY)
        return self


def clean(w, size):
    """Sessions of mail in clear, one after the other."""
    body = b"Subject: x\r\n\r\n" + b"The quick brown fox jumps over the lazy dog.\r\n" * 200 + b".\r\n"
    while w.bytes < size:
        w.port = 1024 + (w.port - 1023) % 60000
        w.open()
        for command, answer in ((b"MAIL FROM:<a@b.test>\r\n", b"250 ok\r\n"),
                                (b"RCPT TO:<c@d.test>\r\n", b"250 ok\r\n"),
                                (b"DATA\r\n", b"354 go\r\n"), (body, b"250 ok\r\n"),
                                (b"QUIT\r\n", b"221 bye\r\n")):
            w.say(0, command)
            w.say(1, answer)
        for side in (0, 1):
            w.segment(side, flags=ACK | 1)
            w.seq[side] += 1


def endless_line(w, size):
    w.open()
    while w.bytes < size:
        w.say(0, b"A" * 1460)


def one_byte(w, size):
    w.open()
    while w.bytes < size:
        w.say(0, b"N")


def one_byte_reversed(w, size):
    """Spells of 200 bytes, each from its end to its beginning."""
    w.open()
    while w.bytes < size:
        for at in range(199, -1, -1):
            w.segment(0, b"N", seq=w.seq[0] + at)
        w.seq[0] += 200


def one_byte_shuffled(w, size):
    rng = random.Random(1)
    w.open()
    while w.bytes < size:
        for at in rng.sample(range(200), 200):
            w.segment(0, b"N", seq=w.seq[0] + at)
        w.seq[0] += 200


def hole_a_segment(w, size):
    w.open()
    while w.bytes < size:
        w.seq[0] += 1
        w.segment(0, b"NOOP\r\n")
        w.seq[0] += 6


def overlaps(w, size):
    """Every segment overlaps the ones before, with other bytes."""
    rng = random.Random(1)
    w.open()
    while w.bytes < size:
        w.segment(0, bytes([65 + rng.randrange(26)]) * 400, seq=w.seq[0] + rng.randrange(2000))
        if rng.randrange(40) == 0:
            w.seq[0] += 100


def overlaps_of_the_reply(w, size):
    rng = random.Random(1)
    w.open()
    while w.bytes < size:
        w.segment(1, REPLY.replace(b"STARTTLS", bytes([65 + rng.randrange(26)]) * 8),
                  seq=w.seq[1] - len(REPLY))


def commands(verb, answer):
    def flood(w, size):
        w.open()
        if verb.startswith(b"RCPT"):
            w.say(0, b"MAIL FROM:<a@b.test>\r\n")
            w.say(1, b"250 ok\r\n")
        while w.bytes < size:
            w.say(0, verb)
            w.say(1, answer)
    return flood


def pipelined(w, size):
    w.open()
    while w.bytes < size:
        w.say(0, b"RSET\r\n" * 240)
        w.say(1, b"250 ok\r\n" * 180)


def lines_of_reply(w, size):
    w.open()
    w.say(0, EHLO)
    while w.bytes < size:
        w.say(1, b"250-X\r\n" * 200)


def bdat_of_nothing(w, size):
    w.open()
    w.say(0, b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n")
    w.say(1, b"250 ok\r\n250 ok\r\n")
    while w.bytes < size:
        w.say(0, b"BDAT 0\r\n" * 180)
        w.say(1, b"250 ok\r\n" * 180)


def tiny_records(w, size):
    w.open()
    w.say(0, b"STARTTLS\r\n")
    w.say(1, b"220 go\r\n")
    w.say(0, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03")
    w.say(1, b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x03")
    while w.bytes < size:
        w.say(0, b"\x17\x03\x03\x00\x01x" * 240)
        w.say(1, b"\x17\x03\x03\x00\x01x" * 240)


def fragments(w, size):
    rng = random.Random(1)
    while w.bytes < size:
        w.raw(struct.pack("!BBHHHBBH", 0x45, 0, 28, rng.randrange(65536),
                          0x2000 | rng.randrange(100), 64, 6, 0) + CLIENT + SERVER + b"\0" * 8)


def strange_replies(w, size):
    """Replies that nobody gave before, without STARTTLS, of sessions that end all at once."""
    rng = random.Random(1)
    while w.bytes < size:
        ends = []
        for _ in range(40):
            w.port = 1024 + (w.port - 1023) % 60000
            w.seq = [1000, 5000]
            reply = b"".join(b"250-" + bytes(65 + rng.randrange(26) for _ in range(8)) + b"\r\n"
                             for _ in range(60)) + b"250 HELP\r\n"
            w.segment(0, flags=SYN)
            w.seq[0] += 1
            w.segment(1, flags=SYN | ACK)
            w.seq[1] += 1
            for side, text in ((1, BANNER), (0, EHLO), (1, b"250-mx.test\r\n" + reply),
                               (0, b"QUIT\r\n"), (1, b"221 bye\r\n")):
                w.say(side, text)
            ends.append((w.port, list(w.seq)))
        for side in (0, 1, 0):
            for w.port, w.seq in ends:
                w.segment(side, flags=ACK | 1)
                w.seq[side] += 1


FAMILIES = {
    "clean": clean, "endless-line": endless_line, "one-byte": one_byte,
    "one-byte-reversed": one_byte_reversed, "one-byte-shuffled": one_byte_shuffled,
    "hole-a-segment": hole_a_segment, "overlaps": overlaps,
    "overlaps-of-the-reply": overlaps_of_the_reply, "rset": commands(b"RSET\r\n", b"250 ok\r\n"),
    "ehlo": commands(EHLO, REPLY), "rcpt": commands(b"RCPT TO:<c@d.test>\r\n", b"250 ok\r\n"),
    "auth": commands(b"AUTH PLAIN AAAA\r\n", b"535 no\r\n"), "pipelined": pipelined,
    "lines-of-reply": lines_of_reply, "bdat-0": bdat_of_nothing, "tiny-records": tiny_records,
    "fragments": fragments, "strange-replies": strange_replies,
}


def cpu(binary, path):
    child = subprocess.Popen([binary, "read", "-q", "--exit-zero", path], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, child.returncode


def measure(args, name, folder):
    took, packets, sizes, memory, codes, longest = [], 0, [], 0, set(), 0
    for factor in (1, 2):
        path = Path(folder) / "family.pcap"
        with open(path, "wb") as out:
            wire = Wire(out)
            FAMILIES[name](wire, args.mb * factor << 20)
            packets = wire.now // 10
            sizes.append(wire.bytes)
        runs = [cpu(args.stripwatch, path) for _ in range(args.rounds)]
        took.append(statistics.median(run[0] for run in runs))
        memory = max([memory] + [run[1] for run in runs])
        codes |= {run[2] for run in runs}
        if args.longest and factor == 1:
            out = subprocess.run([args.longest, path], capture_output=True, text=True, check=True)
            longest = float(re.search(r"longest ([0-9.]+) ms", out.stdout)[1])
        path.unlink()
    return longest, took[1] / took[0], 1e9 * took[1] / sizes[1], 1e9 * took[1] / packets, took[1], memory, codes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stripwatch", required=True)
    parser.add_argument("--longest")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mb", type=int, default=32)
    parser.add_argument("--families", default=",".join(FAMILIES))
    args = parser.parse_args()
    base, bad = None, 0
    with tempfile.TemporaryDirectory() as folder:
        for name in dict.fromkeys(["clean"] + args.families.split(",")):
            longest, ratio, byte, packet, seconds, memory, codes = measure(args, name, folder)
            base = base or (byte, packet)
            good = (ratio <= 2.3 and (byte <= 10 * base[0] or packet <= 5 * base[1]) and codes == {0}
                    and longest <= 1)
            bad += not good
            print("%-22s doubling %.2f  %6.2f ns a byte (%5.2f)  %7.0f ns a packet (%5.2f)  %.2f s  "
                  "%.0f MiB  %.3f ms%s" % (name, ratio, byte, byte / base[0], packet,
                                           packet / base[1], seconds, memory, longest,
                                           "" if good else "  BAD"), flush=True)
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
