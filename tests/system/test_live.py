#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live capture on pairs of virtual Ethernet, between two network namespaces of its own: what is
sent in one is to come out of live_drive in the other, byte for byte, once, and nothing else.

Usage: test_live.py BUILD-DIRECTORY. Takes root and the right to make namespaces; without them all
of it is skipped, and says so. Nothing here depends on how fast the machine is: what was sent is
waited for.
"""
import json
import os
import queue
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from run import Tally

SENSOR, WIRE = f"swlive{os.getpid()}s", f"swlive{os.getpid()}w"
PATIENCE = 60  # seconds until something that has to come is missing


# --- frames --------------------------------------------------------------------------------------

def ethernet(kind):
    return bytes.fromhex("020000000002" "020000000001") + struct.pack("!H", kind)


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ip(src, dst, protocol, payload, fragment=0x4000):
    if ":" in src:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + address(src) \
            + address(dst) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, fragment, 64, protocol, 0)
    return head + address(src) + address(dst) + payload


def tcp(src, dst, text):
    return struct.pack("!HHIIBBHHH", src, dst, 1, 2, 0x50, 0x18, 512, 0, 0) + text


def udp(src, dst, payload):
    return struct.pack("!HHHH", src, dst, 8 + len(payload), 0) + payload


def tunnel(protocol, payload):
    return ethernet(0x0800) + ip("203.0.113.1", "203.0.113.2", protocol, payload)


def kind_of(packet):
    return 0x0800 if packet[0] >> 4 == 4 else 0x86DD


def typed(packet):
    return struct.pack("!H", kind_of(packet)) + packet


VXLAN = bytes.fromhex("0800000000000700")
WRAPPINGS = {
    "plain": lambda p: ethernet(kind_of(p)) + p,
    "vlan": lambda p: ethernet(0x8100) + b"\0\7" + typed(p),
    "qinq": lambda p: ethernet(0x88A8) + b"\0\7\x81\0\0\x09" + typed(p),
    "three-tags": lambda p: ethernet(0x88A8) + b"\0\7\x81\0\0\x09\x81\0\0\x0a" + typed(p),
    "mpls": lambda p: ethernet(0x8847) + bytes.fromhex("0001004000011140") + p,
    "pppoe": lambda p: ethernet(0x8864) + bytes.fromhex("110000010000")
             + (b"\0\x21" if kind_of(p) == 0x0800 else b"\0\x57") + p,
    "ip-in-ip": lambda p: tunnel(4 if kind_of(p) == 0x0800 else 41, p),
    "gre": lambda p: tunnel(47, b"\0\0" + typed(p)),
    "gre-key-ethernet": lambda p: tunnel(47, b"\x20\0\x65\x58abcd" + ethernet(kind_of(p)) + p),
    "erspan": lambda p: tunnel(47, bytes.fromhex("100088be00000001") + bytes(8)
                               + ethernet(0x8100) + b"\0\7" + typed(p)),
    "vxlan": lambda p: tunnel(17, udp(50000, 4789, VXLAN + ethernet(kind_of(p)) + p)),
    "geneve": lambda p: tunnel(17, udp(50000, 6081, bytes.fromhex("0200655800000700") + bytes(8)
                                       + ethernet(kind_of(p)) + p)),
}
UNREADABLE_ON_ANY = ("qinq", "three-tags")  # sensor/live.h


def mail(number, back=False, version=4, port=25):
    """A segment of the connection that has this number; the text says which way it goes."""
    client, server = ((f"192.0.2.{number % 250 + 1}", "198.51.100.25") if version == 4 else
                      (f"2001:db8::{number + 1:x}", "2001:db8:2::25"))
    text = b"%s %08d" % (b"250 to" if back else b"EHLO of", number)
    if back:
        return ip(server, client, 6, tcp(port, 40000 + number % 20000, text))
    return ip(client, server, 6, tcp(40000 + number % 20000, port, text))


# --- the machine ---------------------------------------------------------------------------------

def run(*words, check=True):
    return subprocess.run(words, check=check, capture_output=True, text=True)


def inside(space, *words):
    return ["ip", "netns", "exec", space, *words]


def make_spaces():
    for space in (SENSOR, WIRE):
        run("ip", "netns", "add", space)
        for name in ("all", "default"):  # or the kernel speaks where we listen
            run(*inside(space, "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1"),
                check=False)
        run(*inside(space, "ip", "link", "set", "lo", "up"))


def drop_spaces():
    for space in (SENSOR, WIRE):
        run("ip", "netns", "del", space, check=False)


def add_pair(name):
    """`name` in the sensor's namespace, `name`w on the wire."""
    run("ip", "-n", SENSOR, "link", "add", "name", name, "type", "veth", "peer", "name", name + "w",
        "netns", WIRE)
    run("ip", "-n", SENSOR, "link", "set", "dev", name, "up")
    run("ip", "-n", WIRE, "link", "set", "dev", name + "w", "up")


def link(*words):
    run("ip", "-n", SENSOR, "link", *words)


class Sender:
    """Sends frames in a namespace: a line `interface hex` each."""

    def __init__(self, space):
        self.process = subprocess.Popen(inside(space, sys.executable, __file__, "--send"),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, interface, *frames):
        for frame in frames:
            self.process.stdin.write(f"{interface} {frame.hex()}\n")
        self.process.stdin.write("done\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def send_lines():
    sockets = {}
    for line in sys.stdin:
        if line == "done\n":
            print("done", flush=True)
            continue
        name, frame = line.split()
        if name not in sockets:
            sockets[name] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            sockets[name].bind((name, 0))
        while True:
            try:
                sockets[name].send(bytes.fromhex(frame))
                break
            except OSError as e:
                if e.errno != 105:  # ENOBUFS: the queue is full
                    raise
                time.sleep(0.001)


class Drive:
    """live_drive, and what it says."""
    binary = None
    ended = []  # with what status each did

    def __init__(self, *arguments):
        environment = dict(os.environ)
        if "--walls" in arguments:  # no sanitizer looks for leaks behind them
            environment["ASAN_OPTIONS"] = "detect_leaks=0"
        self.process = subprocess.Popen(inside(SENSOR, str(Drive.binary), *arguments),
                                        stdout=subprocess.PIPE, text=True, env=environment)
        self.lines = queue.Queue()
        self.packets = []
        threading.Thread(target=self._read, daemon=True).start()
        self.first = self.lines.get(timeout=PATIENCE)

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def wait_for(self, count):
        """Until so many packets came; there may be fewer when patience is at its end."""
        until = time.monotonic() + PATIENCE
        while len(self.packets) < count and time.monotonic() < until:
            try:
                line = self.lines.get(timeout=1)
            except queue.Empty:
                continue
            if line is None:
                break
            if "packet" in line:
                self.packets.append(line)
        return len(self.packets) >= count

    def frames(self, source=None):
        return [bytes.fromhex(p["packet"]) for p in self.packets
                if source is None or p["source"] == source]

    def _told(self):
        stats = {}
        while True:
            line = self.lines.get(timeout=PATIENCE)
            if line is None:
                return stats
            if "packet" in line:
                self.packets.append(line)
            elif "interface" in line:
                stats[line["interface"]] = line
            else:
                stats[""] = line
                return stats

    def ask(self):
        self.process.send_signal(signal.SIGUSR1)
        return self._told()

    def ask_until(self, true):
        """Asks again until it is so: what the kernel tells comes in its own time."""
        until = time.monotonic() + PATIENCE
        while True:
            stats = self.ask()
            if true(stats) or time.monotonic() > until:
                return stats
            time.sleep(0.1)

    def finish(self):
        self.process.send_signal(signal.SIGTERM)
        return self.rest()

    def rest(self):
        """What it says until it ends by itself."""
        stats = self._told()
        Drive.ended.append(self.process.wait(timeout=PATIENCE))
        return stats


def adds_up(s):
    return s["kernel_packets"] == s["kernel_drops"] + s["packets"] + s["waiting"]


def check(tally, name, good):
    tally.check(good, name)


# --- what is tested ------------------------------------------------------------------------------

def wrapped():
    """(name, frame) of mail both ways, IPv4 and IPv6, and fragments, in every wrapping."""
    for name, wrap in WRAPPINGS.items():
        for version in (4, 6):
            yield name, wrap(mail(1, False, version))
            yield name, wrap(mail(1, True, version))
        yield name, wrap(ip("192.0.2.2", "198.51.100.25", 6, b"the rest of one", 0x00B9))


def others():
    for name, wrap in WRAPPINGS.items():
        for version in (4, 6):
            yield name, wrap(mail(1, False, version, port=80))
    yield "arp", ethernet(0x0806) + bytes(46)


def test_wrappings(tally, wire):
    drive = Drive("-i", "a", "--show", "--walls")
    sent = [f for _, f in wrapped()]
    wire.send("aw", *(f for _, f in others()), *sent, *(f for _, f in others()))
    drive.wait_for(len(sent))
    stats = drive.finish()
    got = drive.frames()
    for name in WRAPPINGS:
        want = [f for n, f in wrapped() if n == name]
        check(tally, f"wrapping {name}: every byte, once", all(got.count(f) == 1 for f in want))
    check(tally, "wrappings: in order, and nothing else", got == sent)
    check(tally, "wrappings: counted", adds_up(stats["a"]) and stats["a"]["packets"] == len(sent)
                and stats["a"]["waiting"] == 0 and stats["a"]["errors"] == 0)


def test_any(tally, wire):
    """SLL has the frame's type at 14, and there the outermost tag comes back."""
    drive = Drive("-i", "any", "--show", "--walls")
    sent = [f for n, f in wrapped() if n not in UNREADABLE_ON_ANY]
    wire.send("aw", *(f for _, f in others()), *sent)
    wire.send("bw", *sent)
    drive.wait_for(2 * len(sent))
    drive.finish()
    got = drive.frames()
    check(tally, "any: link type SLL", {p["link"] for p in drive.packets} == {113})
    check(tally, "any: every packet of both interfaces, with its tags",
                sorted(f[14:] for f in got) == sorted(2 * [f[12:] for f in sent]))


def test_loopback(tally, wire, sensor):
    for interface in ("lo", "any"):
        drive = Drive("-i", interface, "--show")
        frames = [WRAPPINGS["plain"](mail(n)) for n in range(20)]
        sensor.send("lo", *frames)
        drive.wait_for(20)
        stats = drive.finish()[interface]
        check(tally, f"loopback by {interface}: once", len(drive.packets) == 20 and adds_up(stats)
                    and stats["waiting"] == 0)


def test_directions(tally, wire, sensor):
    incoming, outgoing = WRAPPINGS["plain"](mail(1)), WRAPPINGS["vlan"](mail(1, True))
    for how, want in (("", [incoming, outgoing]), (":in", [incoming]), (":out", [outgoing])):
        drive = Drive("-i", "a" + how, "--show")
        wire.send("aw", incoming)
        sensor.send("a", outgoing)
        drive.wait_for(len(want))
        stats = drive.finish()["a"]
        check(tally, f"direction a{how}", drive.frames() == want and adds_up(stats))


def test_expression(tally, wire):
    drive = Drive("-i", "a", "-f", "host 192.0.2.8 or net 203.0.113.0/24", "--show")
    kept = [WRAPPINGS["plain"](mail(7)), WRAPPINGS["vlan"](mail(7)), WRAPPINGS["vxlan"](mail(9))]
    wire.send("aw", WRAPPINGS["plain"](mail(9)), *kept, WRAPPINGS["vlan"](mail(9)),
              WRAPPINGS["plain"](mail(7, port=80)))
    drive.wait_for(len(kept))
    drive.finish()
    check(tally, "expression: narrows, of tagged ones too", drive.frames() == kept)
    drive = Drive("-i", "any", "-f", "host 192.0.2.8", "--show")
    wire.send("aw", WRAPPINGS["plain"](mail(9)), *kept[:2])
    drive.wait_for(2)
    drive.finish()
    check(tally, "expression: on any", [f[14:] for f in drive.frames()] == [f[12:] for f in kept[:2]])


def test_dns_and_fetch(tally, wire):
    query = ethernet(0x0800) + ip("192.0.2.1", "192.0.2.53", 17, udp(4000, 53, b"query"))
    hello = ethernet(0x0800) + ip("192.0.2.1", "192.0.2.80", 6, tcp(4000, 443, b"\x16\3\1"))
    page = ethernet(0x0800) + ip("192.0.2.80", "192.0.2.1", 6, tcp(443, 4000, b"\x17\3\3"))
    end = WRAPPINGS["plain"](mail(1))
    for options, want in (((), [end]), (("--dns",), [query, end]), (("--fetch",), [hello, end])):
        drive = Drive("-i", "a", "--show", *options)
        wire.send("aw", query, hello, page, end)
        drive.wait_for(len(want))
        drive.finish()
        check(tally, f"beside mail: {' '.join(options) or 'nothing'}", drive.frames() == want)


def test_all_arrive(tally, wire):
    """At a rate that no machine loses at; tcpdump beside it is the bare counter."""
    bare = subprocess.Popen(inside(SENSOR, "tcpdump", "-B", "16384", "-nni", "a", "-w", "/dev/null",
                                   "tcp", "port", "25"), stderr=subprocess.PIPE, text=True)
    while "listening" not in bare.stderr.readline():
        pass
    drive = Drive("-i", "a", "--walls")
    count = 20000
    for n in range(0, count, 500):
        wire.send("aw", *(WRAPPINGS["plain"](mail(i)) for i in range(n, n + 500)))
    stats = drive.ask_until(lambda s: s["a"]["packets"] == count)["a"]
    check(tally, "20,000 packets: all of them", stats["packets"] == count
                and stats["kernel_drops"] == 0 and stats["waiting"] == 0 and adds_up(stats))
    drive.finish()
    bare.send_signal(signal.SIGTERM)
    told = bare.communicate()[1]
    check(tally, "as many as a bare counter has", f"{count} packets received by filter" in told)


def test_drops(tally, wire):
    """Nobody looks: the ring runs full. Each packet is somewhere."""
    drive = Drive("-i", "a", "--stall")
    count, big = 8000, b"x" * 1400
    frame = WRAPPINGS["plain"](ip("192.0.2.1", "198.51.100.25", 6, tcp(40000, 25, big)))
    wire.send("aw", *[frame] * count)
    stats = drive.ask_until(lambda s: s["a"]["kernel_packets"] == count)["a"]
    check(tally, "a full ring: all seen", stats["kernel_packets"] == count)
    check(tally, "a full ring: drops, and how often it was full",
                stats["kernel_drops"] > 0 and stats["ring_full"] > 0 and adds_up(stats))
    end = drive.finish()["a"]
    check(tally, "a full ring: the rest is handed out", end["waiting"] == 0
                and end["packets"] == count - end["kernel_drops"])


def test_snaplen(tally, wire):
    drive = Drive("-i", "a", "--snaplen", "100", "--show")
    frame = WRAPPINGS["plain"](ip("192.0.2.1", "198.51.100.25", 6, tcp(40000, 25, b"x" * 500)))
    wire.send("aw", frame)
    drive.wait_for(1)
    stats = drive.finish()["a"]
    check(tally, "snap length: cut, and said", drive.frames() == [frame[:100]]
                and drive.packets[0]["wire"] == len(frame) and stats["cut"] == 1)


def test_merging(tally, wire):
    drive = Drive("-i", "a", "-i", "b", "-i", "c", "--show")
    order = "abbaacab" * 50  # c is nearly silent
    frames = [WRAPPINGS["plain"](mail(n)) for n in range(len(order))]
    for name, frame in zip(order, frames):
        wire.send(name + "w", frame)
    drive.wait_for(len(frames))
    stats = drive.finish()
    check(tally, "merging: in the order in which they were sent", drive.frames() == frames)
    check(tally, "merging: by interface",
                all(drive.frames("abc".index(n)) == [f for o, f in zip(order, frames) if o == n]
                    for n in "abc"))
    times = [p["time"] for p in drive.packets]
    check(tally, "merging: times never run backwards",
                times == sorted(times) and stats[""]["disordered"] == 0)
    check(tally, "merging: none is earlier than was promised", stats[""]["broken"] == 0)
    check(tally, "merging: times are of today, to the nanosecond",
                all(abs(t / 1e9 - time.time()) < 3600 for t in times)
                and any(t % 1000 for t in times))


def test_down_and_up(tally, wire):
    drive = Drive("-i", "a", "-i", "b", "--show", "--walls")
    frames = [WRAPPINGS["plain"](mail(n)) for n in range(4)]
    wire.send("aw", frames[0])
    drive.wait_for(1)
    link("set", "dev", "a", "down")
    stats = drive.ask_until(lambda s: s["a"]["state"] == "down")
    check(tally, "down: noticed, and counted", stats["a"]["state"] == "down"
                and stats["a"]["downs"] == 1 and stats["b"]["state"] == "up")
    wire.send("bw", frames[1])
    check(tally, "down: the other goes on", drive.wait_for(2))
    link("set", "dev", "a", "up")
    stats = drive.ask_until(lambda s: s["a"]["state"] == "up")
    wire.send("aw", frames[2])
    check(tally, "up again: packets come again", drive.wait_for(3))
    run("ip", "-n", WIRE, "link", "set", "dev", "aw", "down")
    stats = drive.ask_until(lambda s: s["a"]["state"] == "no-carrier")
    check(tally, "pulled out: noticed", stats["a"]["state"] == "no-carrier")
    run("ip", "-n", WIRE, "link", "set", "dev", "aw", "up")
    stats = drive.ask_until(lambda s: s["a"]["state"] == "up")
    for _ in range(50):  # faster than anybody looks
        link("set", "dev", "a", "down")
        link("set", "dev", "a", "up")
    stats = drive.ask_until(lambda s: s["a"]["state"] == "up")
    wire.send("aw", frames[3])
    check(tally, "down and up fifty times: packets come", drive.wait_for(4))
    stats = drive.finish()
    check(tally, "down and up: nothing lost, nothing else", drive.frames() == frames
                and adds_up(stats["a"]) and adds_up(stats["b"]) and not stats[""]["lost"])
    check(tally, "down and up: counted", 2 <= stats["a"]["downs"] <= 51
                and stats["a"]["errors"] == 0)


def test_clock_steps(tally, wire):
    """Backwards, the kernel's times are an hour ahead of the clock; nobody may wait for that."""
    drive = Drive("-i", "a", "-i", "b", "--show", "--walls")
    frames = [WRAPPINGS["plain"](mail(n)) for n in range(60)]
    for n, step in ((0, -3600), (20, 3600), (40, -3600)):
        wire.send("aw", *frames[n:n + 20])
        check(tally, "clock: packets come", drive.wait_for(n + 20))
        drive.process.send_signal(signal.SIGUSR2)
        stats = drive.ask_until(lambda s, n=n: s[""]["steps"] == n // 20 + 1)[""]
        check(tally, f"clock: a step of {step} s is seen", stats["steps"] == n // 20 + 1
              and round(stats["last_step"] / 1e9) == step)
    wire.send("bw", frames[0])
    check(tally, "clock: set back, packets come", drive.wait_for(61))
    stats = drive.finish()
    check(tally, "clock: all came, in order", drive.frames() == [*frames, frames[0]]
          and stats[""]["disordered"] == 0)


def test_gone(tally, wire):
    add_pair("d")
    drive = Drive("-i", "d", "-i", "b", "--show", "--walls")
    link("del", "dev", "d")
    stats = drive.ask_until(lambda s: s["d"]["state"] == "gone")
    check(tally, "gone: noticed", stats["d"]["state"] == "gone" and stats[""]["lost"])
    wire.send("bw", WRAPPINGS["plain"](mail(1)))
    check(tally, "gone: the other goes on", drive.wait_for(1))
    drive.finish()
    drive = Drive("-i", "d", "-i", "b", "--some", "--show", "--walls")
    wire.send("bw", WRAPPINGS["plain"](mail(1)))
    check(tally, "gone before: the others are opened", drive.wait_for(1))
    stats = drive.finish()
    check(tally, "gone before: said", stats["d"]["state"] == "gone" and stats[""]["lost"])
    add_pair("d")
    drive = Drive("-i", "d", "--lost")
    link("del", "dev", "d")
    check(tally, "gone: may end by itself", drive.rest()["d"]["state"] == "gone"
                and drive.process.returncode == 0)


def test_refusals(tally):
    add_pair("e")
    link("set", "dev", "e", "down")
    for what, arguments in (("no such interface", ("-i", "a", "-i", "nowhere")),
                            ("an interface that is down", ("-i", "e")),
                            ("no expression", ("-i", "a", "-f", "host host")),
                            ("a path", ("-i", "../a"))):
        drive = Drive(*arguments)
        drive.process.wait(timeout=PATIENCE)
        check(tally, f"refused: {what}", drive.process.returncode == 1
                    and len(drive.first.get("refused", "")) > 8)
    link("del", "dev", "e")


def test_fanout(tally, wire, sensor):
    """Each packet at one member; all of a connection at the same, whichever way it goes, however it
    is wrapped, as a fragment too, and whether it comes in or is sent from here."""
    members = [Drive("-i", "a", "-i", "b", "--fanout", "4711", "--show", "--walls")
               for _ in range(3)]
    flows = {}
    for number in range(60):
        for version in (4, 6):
            there, back = mail(number, False, version), mail(number, True, version)
            flows[number, version] = ([wrap(there) for wrap in WRAPPINGS.values()],
                                      [wrap(back) for wrap in WRAPPINGS.values()])
        piece = ip(f"192.0.2.{number + 1}", "198.51.100.25", 6, b"%08d" % number, 0x00B9)
        flows[number, 4][0].extend(wrap(piece) for wrap in WRAPPINGS.values())
    total = 0
    for there, back in flows.values():
        wire.send("aw", *there)
        wire.send("bw", *back)
        sensor.send("a", *back)
        total += len(there) + 2 * len(back)
    until = time.monotonic() + PATIENCE
    while sum(m.ask()["a"]["packets"] + m.ask()["b"]["packets"] for m in members) < total \
            and time.monotonic() < until:
        time.sleep(0.1)
    stats = [m.finish() for m in members]
    got = [set(m.frames()) for m in members]
    check(tally, "group: nothing is lost, nothing comes twice",
                sum(len(m.packets) for m in members) == total)
    check(tally, "group: all have work", all(len(g) > total / 30 for g in got))
    split = [key for key, (there, back) in flows.items()
             if sum(1 for g in got if g & set(there + back)) != 1]
    check(tally, f"group: no connection at two members ({len(split)} of {len(flows)})", not split)
    check(tally, "group: counted", all(adds_up(s[i]) for s in stats for i in "ab"))


def main():
    tally = Tally()
    Drive.binary = Path(sys.argv[1]).resolve() / "tests" / "live_drive"
    able = os.geteuid() == 0 and shutil.which("ip") and shutil.which("tcpdump")
    try:
        if not able:
            raise OSError("takes root, ip and tcpdump")
        make_spaces()
        for name in "abc":
            add_pair(name)
    except (OSError, subprocess.CalledProcessError) as e:
        drop_spaces()
        print(f"SKIP live: no network namespaces here: {e}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    wire, sensor = Sender(WIRE), Sender(SENSOR)
    try:
        test_wrappings(tally, wire)
        test_any(tally, wire)
        test_loopback(tally, wire, sensor)
        test_directions(tally, wire, sensor)
        test_expression(tally, wire)
        test_dns_and_fetch(tally, wire)
        test_all_arrive(tally, wire)
        test_drops(tally, wire)
        test_snaplen(tally, wire)
        test_merging(tally, wire)
        test_down_and_up(tally, wire)
        test_clock_steps(tally, wire)
        test_gone(tally, wire)
        test_refusals(tally)
        test_fanout(tally, wire, sensor)
        check(tally, "each ends well", set(Drive.ended) == {0})
    finally:
        wire.end()
        sensor.end()
        drop_spaces()
    return tally.finish()


if __name__ == "__main__":
    sys.exit(send_lines() if sys.argv[1:] == ["--send"] else main())
