#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad and odd captures against the program: exit code, message, number of packets read.

Usage: test_input.py PATH-OF-STRIPWATCH. Every file is written here, byte by byte, into a directory
of its own; nothing outside it is read but the frames of tests/pcaps, which are given other times.
"""
import gzip
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import threading
import zlib

import run  # and the path of tests/tools
import pcapio
try:
    import check_schema
except ImportError:
    check_schema = None

MICRO, NANO = 0xA1B2C3D4, 0xA1B23C4D
ETHERNET, RAW, WIFI = 1, 101, 105
FRAME = bytes(12) + b"\x08\x06" + bytes(46)  # ARP: read, counted, and of no interest

# --- writing captures ----------------------------------------------------------------------------


def header(magic=MICRO, snaplen=65535, link=ETHERNET, order="<", version=(2, 4)):
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link)


def record(sec=1700000000, frac=0, data=FRAME, caplen=None, wire=None, order="<"):
    caplen = len(data) if caplen is None else caplen
    wire = caplen if wire is None else wire
    return struct.pack(order + "IIII", sec, frac, caplen, wire) + data


def pcap(*seconds, **kw):
    order = kw.get("order", "<")
    return header(**kw) + b"".join(record(s, order=order) for s in seconds)


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    total = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + total + body + total


def options(*items, order="<"):
    out = b""
    for code, value in items:
        out += struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
    return out + bytes(4)


def section(order="<"):
    body = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)
    return block(0x0A0D0D0A, body + options((4, b"made for a test"), order=order), order)


def interface(link=ETHERNET, snaplen=65535, extra=(), order="<"):
    body = struct.pack(order + "HHI", link, 0, snaplen)
    return block(1, body + options((2, b"eth0"), *extra, order=order), order)


def enhanced(ticks, iface=0, data=FRAME, order="<"):
    body = struct.pack(order + "IIIII", iface, ticks >> 32, ticks & 0xFFFFFFFF, len(data),
                       len(data))
    return block(6, body + data + bytes(-len(data) % 4) + options((1, b"a comment"), order=order),
                 order)


def pcapng(*seconds, order="<"):
    return section(order) + interface(order=order) + b"".join(
        enhanced(s * 10**6, order=order) for s in seconds)


# --- compressing without the tools ---------------------------------------------------------------


def zstd(text):
    """One frame of raw blocks (RFC 8878 section 3.1.1)."""
    out = struct.pack("<IBB", 0xFD2FB528, 0, 0x50)  # window of 1 MiB
    pieces = [text[i:i + 65536] for i in range(0, len(text), 65536)] or [b""]
    for i, piece in enumerate(pieces):
        last = i == len(pieces) - 1
        out += struct.pack("<I", len(piece) << 3 | last)[:3] + piece
    return out


def xxh32(data):
    """For inputs below 16 bytes, which is all that a frame descriptor has."""
    mask, p2, p3, p4, p5 = 0xFFFFFFFF, 2246822519, 3266489917, 668265263, 374761393
    assert len(data) < 4
    h = (p5 + len(data)) & mask
    for byte in data:
        h = (h + byte * p5) & mask
        h = ((h << 11 | h >> 21) * 2654435761) & mask
    h = (h ^ h >> 15) * p2 & mask
    h = (h ^ h >> 13) * p3 & mask
    return h ^ h >> 16


def lz4(text):
    """One frame of uncompressed blocks (LZ4 frame format 1.6.1)."""
    descriptor = bytes([0x60, 0x40])  # independent blocks of 64 KiB
    out = struct.pack("<I", 0x184D2204) + descriptor + bytes([xxh32(descriptor) >> 8 & 0xFF])
    for i in range(0, len(text), 65536):
        piece = text[i:i + 65536]
        out += struct.pack("<I", len(piece) | 0x80000000) + piece
    return out + bytes(4)


def gz(text):
    return gzip.compress(text, mtime=0)


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1:]


# --- running -------------------------------------------------------------------------------------


class Case:
    passed = failed = 0

    def __init__(self, program):
        self.program = program

    def run(self, *args, stdin=None, cwd=None, **kw):
        return subprocess.run([self.program, *args], input=stdin, capture_output=True, cwd=cwd,
                              timeout=60, env=dict(os.environ, LC_ALL="C"), **kw)

    def report(self, name, wrong):
        if wrong:
            Case.failed += 1
            print("FAIL %s: %s" % (name, "; ".join(wrong)))
        else:
            Case.passed += 1
            print("ok   %s" % name)

    def check(self, name, got, code, says=(), packets=None, json_lines=False):
        """`says`: what standard error must contain; () means that it is empty."""
        wrong = []
        err = got.stderr.decode("utf-8", "backslashreplace")
        if got.returncode != code:
            wrong.append("exit %d, not %d (%s)" % (got.returncode, code, err.strip()))
        if not says and err:
            wrong.append("says %r" % err)
        wrong += ["does not say %r but %r" % (s, err) for s in says if s not in err]
        if any(ord(c) < 32 and c != "\n" for c in err):
            wrong.append("control characters in messages")
        if packets is not None or json_lines:
            lines = [json.loads(line) for line in got.stdout.splitlines()]
            count = lines[-1]["stats"]["decoder"]["pkts"] if lines else None
            if packets is not None and count != packets:
                wrong.append("%s packets, not %d" % (count, packets))
        self.report(name, wrong)


PACKETS = pcap(1700000000, 1700000001, 1700000002)
TRUNCATED = PACKETS[:-1]

# name, bytes of the file, exit code, what is said besides the name of the file, packets read
FILES = [
    ("pcap", PACKETS, 0, None, 3),
    ("pcap of nanoseconds", pcap(1, 2, magic=NANO), 0, None, 2),
    ("pcap byte-swapped", pcap(1, 2, order=">"), 0, None, 2),
    ("pcap of nanoseconds byte-swapped", pcap(1, 2, magic=NANO, order=">"), 0, None, 2),
    ("pcap of raw IP", pcap(1, link=RAW), 0, None, 1),
    ("pcap with FCS bits in the link type", pcap(1, link=0x54000001), 0, None, 1),
    ("pcap of snap length 0", pcap(1, 2, snaplen=0), 0, None, 2),
    ("pcap of snap length 2^32-1", pcap(1, 2, snaplen=0xFFFFFFFF), 0, None, 2),
    ("pcap of old version 2.3", pcap(1, version=(2, 3)), 0, None, 1),
    ("pcap of future version 9.9", pcap(1, version=(9, 9)), 2, "9", None),
    ("header without packets", header(), 0, None, 0),
    ("empty file", b"", 2, "is empty", None),
    ("one byte", b"\xd4", 2, "is not a capture", None),
    ("magic alone", header()[:4], 2, "truncated", None),
    ("truncated header", header()[:23], 2, "truncated", None),
    ("text", b"From: a@example.test\r\n", 2, "is not a capture", None),
    ("zeros", bytes(1000), 2, "is not a capture", None),
    ("unknown link type", pcap(1, link=WIFI), 2, "link type 105 ", None),
    ("truncated record header", PACKETS + b"\0" * 15, 3, "after packet 3: truncated", 3),
    ("truncated packet", TRUNCATED, 3, "after packet 2: truncated", 2),
    ("truncated first packet", pcap(1)[:-1], 3, "after packet 0: truncated", 0),
    ("huge captured length", PACKETS + record(caplen=0xFFFFFFFF), 3, "after packet 3: invalid", 3),
    ("captured length of 2^31", PACKETS + record(caplen=1 << 31), 3, "after packet 3: invalid", 3),
    ("garbage after packets", PACKETS + b"\xff" * 64, 3, "after packet 3: ", 3),
    ("captured length above that of the wire", header() + record(wire=5), 0, None, 1),
    ("captured length 0", header() + record(data=b""), 0, None, 1),
    ("packet longer than the snap length", header(snaplen=20) + record() + record(), 0, None, 2),
    ("wire length of 2^32-1", header() + record(wire=0xFFFFFFFF), 0, None, 1),
    ("microseconds beyond a second", header() + record(frac=0xFFFFFFFF), 0, None, 1),
    ("times that run back", pcap(1700000009, 5, 1700000001, 1), 0, None, 4),
    ("times of 1970 and 2106", pcap(0, 0xFFFFFFFF), 0, None, 2),
    ("pcapng", pcapng(1700000000, 1700000001), 0, None, 2),
    ("pcapng byte-swapped", pcapng(1700000000, order=">"), 0, None, 1),
    ("pcapng of several interfaces", section() + interface() + interface(extra=[(9, b"\x09")]) +
     enhanced(10**15) + enhanced(10**18, iface=1), 0, None, 2),
    ("pcapng of two sections", pcapng(1, 2) + pcapng(3), 0, None, 3),
    ("pcapng without packets", section() + interface(), 0, None, 0),
    ("pcapng without interface", section(), 2, "", None),
    ("pcapng with unknown blocks", section() + interface() + block(0xBAD, b"what") +
     block(5, bytes(12)) + enhanced(1), 0, None, 1),
    ("pcapng before 1970", section() + interface(extra=[(14, struct.pack("<q", -10**9))]) +
     enhanced(1), 0, None, 1),
    ("pcapng at the end of time", section() + interface(extra=[(14, struct.pack("<q", 2**62))]) +
     enhanced(2**63), 0, None, 1),
    ("pcapng with packet of no interface", pcapng(1) + enhanced(2, iface=7), 3,
     "after packet 1: ", 1),
    ("truncated pcapng packet", pcapng(1, 2)[:-1], 3, "after packet 1: ", 1),
    ("truncated pcapng section", section()[:20], 2, "", None),
    ("pcapng block of length 0", pcapng(1) + struct.pack("<III", 6, 0, 0), 3,
     "after packet 1: ", 1),
    ("pcapng block of length 2^32-1", pcapng(1) + struct.pack("<II", 6, 0xFFFFFFFC), 3,
     "after packet 1: ", 1),
]

for _name, _pack in (("gzip", gz), ("zstd", zstd), ("lz4", lz4)):
    _long = _pack(pcap(*range(3000)))  # more than one buffer
    FILES += [
        (_name, _pack(PACKETS), 0, None, 3),
        (_name + " of pcapng", _pack(pcapng(1, 2)), 0, None, 2),
        (_name + " of several members", _pack(PACKETS[:100]) + _pack(PACKETS[100:]), 0, None, 3),
        (_name + " of nothing", _pack(b""), 2, "is empty", None),
        (_name + " of text", _pack(b"hello, world"), 2, "is not a capture", None),
        (_name + " truncated at once", _pack(PACKETS)[:5], 2, "ends in the middle", None),
        (_name + " truncated", _pack(PACKETS)[:-9], 3, "ends in the middle", None),
        (_name + " truncated far in", _long[:len(_long) // 2], 3, "ends in the middle", None),
        (_name + " of a truncated capture", _pack(TRUNCATED), 3, "after packet 2: truncated", 2),
        (_name + " followed by garbage", _pack(PACKETS) + b"garbage", 3, "after packet 3: ", 3),
    ]

FILES += [
    ("gzip corrupt in its checksum", flip(gz(PACKETS), -8), 3, "after packet 3: incorrect data", 3),
    ("gzip padded with zeros", gz(PACKETS) + bytes(512), 0, None, 3),
    ("zlib stream", zlib.compress(PACKETS), 2, "is not a capture", None),
    ("zstd with a window of 4 GiB", struct.pack("<IBB", 0xFD2FB528, 0, 22 << 3) + b"\1\0\0", 2,
     "too much memory", None),
    ("zstd corrupt block type", flip(zstd(PACKETS), 6), 2, "", None),
    ("zstd after a skippable frame", struct.pack("<II", 0x184D2A50, 4) + b"skip" + zstd(PACKETS), 0,
     None, 3),
    ("lz4 corrupt descriptor", flip(lz4(PACKETS), 6), 2, "", None),
    ("gzip bomb of zeros after a header", gz(header() + bytes(4 << 20)), 0, None, (4 << 20) // 16),
]


def test_files(case, root):
    """Each alone, by name; and again over standard input, which must not differ."""
    for name, data, code, says, packets in FILES:
        path = os.path.join(root, name.replace(" ", "-").replace("/", "-"))
        with open(path, "wb") as f:
            f.write(data)
        said = [path, says] if says is not None else []
        case.check(name, case.run("read", "--json", path), code, said, packets)
        said = ["stripwatch: -: ", says] if says is not None else []
        got = case.run("read", "--json", "-", stdin=data)
        case.check(name + " (stdin)", got, code, said, packets)


def write(root, name, data):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


def test_paths(case, root):
    good = write(root, "p/good.pcap", PACKETS)
    cut = write(root, "p/cut.pcap", TRUNCATED)
    text = write(root, "p/text", b"text\n")
    run = lambda *args, **kw: case.run("read", "--json", *args, **kw)
    case.check("missing file", run(root + "/none"), 2, ["/none: No such file"])
    case.check("missing file beside a good one", run(root + "/none", good), 3, ["/none: "], 3)
    case.check("text beside a good one", run(text, good), 3, ["p/text: is not a capture"], 3)
    case.check("cut one beside a good one", run(cut, good), 3, ["cut.pcap: after packet 2: "], 5)
    case.check("same file twice", run(good, good), 0, [], 6)
    case.check("--exit-zero", run("--exit-zero", cut), 0, ["cut.pcap: after packet 2: "], 2)
    case.check("--exit-zero and nothing readable", run("--exit-zero", text), 2, ["p/text: "])
    case.check("--fail-on none and a cut file", run("--fail-on", "none", cut), 3, ["cut.pcap"], 2)
    case.check("-r", case.run("-r", good, "--json", "-n"), 0, [], 3)
    loop = os.path.join(root, "loop")
    os.symlink("loop", loop)
    case.check("symlink loop", run(loop), 2, ["loop: Too many levels"])
    os.symlink(good, root + "/link")
    case.check("symlink", run(root + "/link"), 0, [], 3)
    case.check("device without end", run("/dev/zero"), 2, ["/dev/zero: is not a capture"])
    case.check("empty device", run("/dev/null"), 2, ["/dev/null: is empty"])
    hostile = write(root, "p2/\x1b]0;x\x07\n.pcap", b"text")
    case.check("hostile file name", run(hostile), 2, ["\\x1B]0;x\\x07\\x0A.pcap: is not a capture"])
    case.check("file named like an option", run("--", "-x", cwd=root), 2, ["-x: No such file"])
    sealed = write(root, "p3/sealed.pcap", PACKETS)
    os.chmod(sealed, 0)
    if not os.access(sealed, os.R_OK):
        case.check("unreadable file", run(sealed), 2, ["sealed.pcap: Permission denied"])
        case.check("unreadable file in a directory", run(root + "/p3"), 2,
                   ["sealed.pcap: Permission"])


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))


def test_directories(case, root):
    run = lambda *args: case.run("read", "--json", *args)
    for i in range(4):
        write(root, "d/%d.pcap" % i, pcap(100 - i, 200 + i))
    write(root, "d/README", b"text")
    write(root, "d/empty", b"")
    write(root, "d/.hidden.pcap", PACKETS)
    write(root, "d/sub/deep.pcap", PACKETS)
    write(root, "d/z.pcap.gz", gz(PACKETS))
    os.mkfifo(root + "/d/fifo")
    case.check("directory", run(root + "/d"), 0, ["2 files in directories passed over"], 11)
    case.check("directory, quiet", run("-q", root + "/d"), 0, [], 11)
    os.mkdir(root + "/none")
    case.check("empty directory", run(root + "/none"), 2, ["/none: no capture in this directory"])
    write(root, "texts/a", b"text")
    case.check("directory of text", run(root + "/texts"), 2,
               ["/texts: no capture in this directory"])
    case.check("directory of text beside captures", run(root + "/texts", root + "/d"), 3,
               ["/texts: no capture"], 11)
    write(root, "cut/a.pcap", TRUNCATED)
    case.check("directory with a cut file", run(root + "/cut/"), 3,
               ["cut/a.pcap: after packet 2: "], 2)
    for i in range(1500):
        write(root, "many/%04d.pcap" % i, pcap(i * 10, i * 10 + 9))
    case.check("rotated files and 24 descriptors",
               case.run("read", "--json", root + "/many", preexec_fn=few_descriptors), 0, [], 3000)
    for i in range(400):
        write(root, "wide/%04d.pcap" % i, pcap(i, 10000 + i))
    case.check("400 files that overlap", run(root + "/wide"), 0, [], 800)
    got = case.run("read", "--json", root + "/wide", preexec_fn=few_descriptors)
    case.check("400 files that overlap and 24 descriptors", got, 3, ["Too many open files"])


def test_fifo(case, root):
    path = root + "/fifo"
    os.mkfifo(path)

    def feed():
        with open(path, "wb") as f:
            f.write(gz(PACKETS))

    writer = threading.Thread(target=feed, daemon=True)  # a program that never opens it
    writer.start()
    case.check("FIFO", case.run("read", "--json", path), 0, [], 3)
    writer.join(5)


# --- a session that deserves an alert ------------------------------------------------------------


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def tcp(to_server, seq, ack, flags, payload=b""):
    ends = [(b"\xc0\x00\x02\x0a", 40001), (b"\xc6\x33\x64\x19", 587)]
    (src, sport), (dst, dport) = ends if to_server else ends[::-1]
    seg = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0) + payload
    seg = seg[:16] + struct.pack("!H", checksum(
        src + dst + struct.pack("!HH", 6, len(seg)) + seg)) + seg[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(seg), 1, 0, 64, 6, 0, src, dst)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return bytes(12) + b"\x08\x00" + ip + seg


def login_in_clear():
    """One second a packet: submission without STARTTLS, and a login accepted in clear."""
    out, seq = [], {True: 1000, False: 5000}

    def say(to_server, flags, payload=b""):
        out.append(tcp(to_server, seq[to_server], seq[not to_server] if flags != 2 else 0, flags,
                       payload))
        seq[to_server] += len(payload) + (flags & 3 != 0)

    say(True, 2), say(False, 18), say(True, 16)
    say(False, 24, b"220 mail.example.test ESMTP\r\n")
    say(True, 24, b"EHLO client.example.test\r\n")
    say(False, 24, b"250-mail.example.test\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n")
    say(True, 24, b"AUTH PLAIN AGEAYg==\r\n")
    say(False, 24, b"235 2.7.0 accepted\r\n")
    say(True, 24, b"QUIT\r\n")
    say(False, 24, b"221 bye\r\n")
    say(False, 17), say(True, 17), say(False, 16)
    return [record(1700000000 + i, data=frame) for i, frame in enumerate(out)]


def alerts(got):
    """(id, update) of each: one incident may be told of again when its severity rises."""
    lines = [json.loads(line) for line in got.stdout.splitlines()]
    return [(line["starttls"]["incident"]["id"], line["starttls"]["incident"]["update"])
            for line in lines if line["event_type"] == "alert"]


def test_alert(case, root):
    packets = login_in_clear()
    whole = write(root, "a/whole.pcap", header() + b"".join(packets))
    got = case.run("read", "--json", whole)
    case.check("alert", got, 1, [], len(packets))
    told = alerts(got)
    case.report("one incident, no update twice", [] if told and len({i for i, _ in told}) == 1 and
                len(set(told)) == len(told) else [str(told)])
    for args in (["--fail-on", "critical"], ["--fail-on", "none"], ["--exit-zero"]):
        case.check("alert and " + " ".join(args), case.run("read", "--json", *args, whole), 0)
    hidden = case.run("read", "--json", "--min-severity", "critical", whole)
    case.check("alert below --min-severity is still one", hidden, 1)
    case.report("and is not printed", [str(alerts(hidden))] if alerts(hidden) else [])
    ports = case.run("read", "--json", "--ports", "25", whole)
    case.check("alert on another port", ports, 0, [], len(packets))
    cut = write(root, "a/cut.pcap", header() + b"".join(packets) + b"\0")
    case.check("alert in a cut file", case.run("read", "--json", cut), 1, ["after packet 13: "])
    for args, colour in ((["--color", "always"], True), (["--color", "never"], False), ([], False)):
        got = case.run("read", *args, whole)
        case.check(" ".join(["summary"] + args), got, 1)
        case.report("colour as asked", [] if (b"\x1b[" in got.stdout) == colour else ["wrong"])
    parts = [write(root, "a/%d.pcap.gz" % i, gz(header() + b"".join(packets[i * 4:i * 4 + 4])))
             for i in range(4)]
    straight = case.run("read", "--json", *parts)
    case.check("connection over four files", straight, 1, [], len(packets))
    case.report("gives the same alert", [] if alerts(straight) == alerts(
        case.run("read", "--json", whole)) else ["another"])
    back = case.run("read", "--json", *parts[::-1])
    case.report("in any order", [] if back.stdout == straight.stdout else ["differs"])
    woven = [write(root, "b/%d.pcap" % i, header() + b"".join(packets[i::3])) for i in range(3)]
    case.check("connection woven over three files", case.run("read", "--json", *woven), 1, [],
               len(packets))
    role = case.run("read", "--json", "--local-nets", "192.0.2.0/24", "--sensor-name", "s1", whole)
    sessions = [json.loads(l) for l in role.stdout.splitlines() if b'"smtp"' in l]
    case.report("role and sensor name", [] if sessions and sessions[-1]["starttls"]["role"] ==
                "submission" and sessions[-1]["host"] == "s1" else [repr(role.stdout)])


# --- times that nobody can have captured at -------------------------------------------------------

# Seconds that a capture may claim its packets are from, by if_tsoffset: the ends of what it can say,
# of 64 bits of nanoseconds and of pcap, what lies beside them, and a day that is one.
MOMENTS = (-2**63, -2**62, -9223372037, -9223372036, -9223372035, -4611686019, -4600000000, -86400, 0,
           1700000000, 2**32 - 1, 2**32 + 7 * 86400, 4600000000, 4611686018, 9223372035, 9223372036,
           9223372037, 2**62, 2**63 - 1)


def mail_and_dns():
    """The small Ethernet captures of what DNS said, of fetches, policies and refused upgrades."""
    for path in sorted(run.PCAPS.glob("*/input.pcap")):
        capture = pcapio.read(path)
        if path.parent.name.startswith(("sts-", "mx-", "dane-", "tlsa-", "starttls-", "reply-",
                                        "forged-", "auth-")) and capture.link == ETHERNET:
            yield capture.packets


def policies(root):
    """Of the domains that those captures are about, for each way to say when one was fetched."""
    body = "version: STSv1\r\nmode: enforce\r\nmx: mx1.%s\r\nmax_age: 31557600\r\n"
    rows = [dict({"domain": domain, "body": body % domain},
                 **({} if at is None else {"fetched": at}))
            for domain in ("alder.example", "rcpt.test")
            for at in (None, 0, 1700000000, 4600000000, 9223372034)]
    return write(root, "policies.json", b"".join(json.dumps(r).encode() + b"\n" for r in rows))


def moved(order):
    """A capture of packets, each with the place of its moment in MOMENTS."""
    out = [section()]
    out += [interface(extra=[(14, struct.pack("<q", at))]) for at in MOMENTS]
    for packet, since, moment in order:
        out.append(enhanced((packet.time - since) // 1000, moment, packet.data))
    return b"".join(out)


def arrangements():
    """Whole captures at one moment after the other, there and back; the same ones at two moments
    that are far apart; and every packet at another moment than the one before."""
    captures = list(mail_and_dns())
    count = len(MOMENTS)

    def whole(packets, moment):
        return [(p, packets[0].time, moment) for p in packets]

    for name, moments in (("there", range(count)), ("back", reversed(range(count)))):
        yield name, [row for m in moments for packets in captures for row in whole(packets, m)]
    for a, b in ((0, count - 1), (count - 1, 0), (0, 9), (9, count - 1), (9, 0), (0, 11)):
        yield "%d and %d" % (MOMENTS[a], MOMENTS[b]), [
            row for packets in captures for m in (a, b, a) for row in whole(packets, m)]
    for step in (1, 2, 7, 9, count - 1):
        yield "woven by %d" % step, [
            (p, packets[0].time, (i * step + k) % count) for k, packets in enumerate(captures)
            for i, p in enumerate(packets)]
    for first, other in ((0, count - 1), (9, count - 1), (0, 9), (9, 0)):
        for late in range(1, 24, 3):
            yield "the packets from %d on at %d, those before at %d" % (
                late, MOMENTS[other], MOMENTS[first]), [
                (p, packets[0].time, first if i < late else other) for packets in captures
                for i, p in enumerate(packets)]


def faults(lines):
    """What is wrong with lines of JSON; nothing is, where the checker is missing."""
    checker = check_schema.Checker() if check_schema else None
    wrong = []
    for line in lines if checker else ():
        try:
            checker.check(line)
        except check_schema.Bad as e:
            wrong.append(str(e))
    return wrong[:3]


def test_times(case, root):
    """Whatever the times are: no complaint, and sound lines in an order that never runs back."""
    known = ["--policies", policies(root)]
    for name, order in arrangements():
        path = write(root, "times.pcapng", moved(order))
        got = case.run("read", "--json", "--exit-zero", *known, path)
        case.check("times: " + name, got, 0)
        case.report("times: lines of " + name, faults(got.stdout.splitlines(keepends=True)))
        case.check("times: summary of " + name,
                   case.run("read", "--exit-zero", *known, path), 0)


def content(path):
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as f:
        return f.read()


def test_output(case, root):
    good = write(root, "o/good.pcap", PACKETS)
    out = root + "/o/out.json"
    case.check("-o", case.run("read", "--json", "-o", out, good), 0, [], 3)
    once = content(out)
    got = case.run("read", "-q", "-o", out, good)
    case.check("-o truncates", got, 0)
    case.report("-o writes the same", [] if content(out) == once else ["differs"])
    case.check("-a", case.run("read", "-q", "-a", "-o", out, good), 0)
    case.report("-a appends", [] if content(out) == once + once else ["differs"])
    case.check("-o over an input", case.run("read", "-o", good, good), 2, ["one of the captures"])
    case.report("input survives", [] if content(good) == PACKETS else ["gone"])
    case.check("-o in no directory", case.run("read", "-o", root + "/no/x", good), 2,
               ["/no/x: cannot be written: No such file"])
    case.check("-o on a full disk", case.run("read", "-q", "-o", "/dev/full", good), 2,
               ["/dev/full: No space left"])
    for args in (["--json"], []):
        name = "standard output " + ("of lines" if args else "of the summary")
        with open("/dev/full", "wb") as full:
            got = subprocess.run([case.program, "read", *args, good], stdout=full,
                                 stderr=subprocess.PIPE)
        got.stdout = b""
        case.check(name + " on a full disk", got, 2, ["standard output: No space left"])
        reader, writer = os.pipe()
        os.close(reader)
        got = subprocess.run([case.program, "read", *args, good], stdout=writer,
                             stderr=subprocess.PIPE)
        os.close(writer)
        got.stdout = b""
        case.check(name + " into a closed pipe", got, 2, ["standard output: Broken pipe"])
        shut = "exec \"$0\" read " + " ".join(args) + " \"$1\" >&-"
        got = subprocess.run(["sh", "-c", shut, case.program, good], capture_output=True)
        case.check(name + " closed", got, 2, ["standard output: Bad file descriptor"])
    got = subprocess.run(["sh", "-c", "exec \"$0\" read - <&-", case.program], capture_output=True)
    case.check("standard input closed", got, 2, ["-: Bad file descriptor"])
    case.check("summary", case.run("read", good), 0)
    got = case.run("read", "-q", good)
    case.report("-q says nothing", [] if got.stdout + got.stderr == b"" else [repr(got)])


def test_usage(case):
    for args, says in (([], "no command given"), (["read"], "no FILE given"),
                       (["raed", "x"], "did you mean read?"),
                       (["read", "--jsno", "x"], "did you mean --json?"),
                       (["read", "-a", "x"], "--append needs"),
                       (["rules", "explain", "starttls-garbeld"], "did you mean starttls-garbled?"),
                       (["read", "--ports", "70000", "x"], "--ports: '70000'")):
        case.check(" ".join(["usage:"] + args), case.run(*args), 2, ["stripwatch: ", says])
    for args in (["--help"], ["help", "read"], ["read", "--help"], ["version"], ["-V"], ["rules"],
                 ["rules", "explain", "starttls-garbled"], ["rules", "markdown"]):
        got = case.run(*args)
        case.check(" ".join(args), got, 0)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: test_input.py PATH-OF-STRIPWATCH")
    case = Case(os.path.abspath(sys.argv[1]))
    for test in (test_files, test_paths, test_directories, test_fifo, test_alert, test_times,
                 test_output):
        with tempfile.TemporaryDirectory() as root:
            test(case, root)
    test_usage(case)
    print("%d passed, %d failed" % (Case.passed, Case.failed))
    sys.exit(1 if Case.failed else 0)


if __name__ == "__main__":
    main()
