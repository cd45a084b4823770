#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live capture, in a network namespace made for it: the same findings as from files, walls that
hold, processes that come back, alerts that are not lost, and trouble that passes.

    test_watch.py BUILD [--kills N]     N kills of each process while alerts are raised (3)
"""
import ctypes
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import run
sys.path.insert(0, str(run.TESTS / "tools"))
import dialogue  # noqa: E402
import pcapio    # noqa: E402

NETNS = os.environ.get("STRIPWATCH_NETNS", "stripwatch-test-%d" % os.getpid())
NEAR, FAR = "tap0", "far0"
PROCESSES = ("watch", "judge", "feed", "fetch")
FORBIDDEN = 15
# One session each, in seconds; of these the time between packets decides nothing.
REPLAYED = ("lab-garble-x8", "lab-garble-word", "auth-in-clear-2525-no-offer")

STRIPPED = """client 192.0.2.%(client)d:%(port)d
server 10.%(a)d.%(b)d.25:25
S: 220 mx.example.test ESMTP Postfix
C: EHLO out.sender.test
S: 250-mx.example.test
S: 250-PIPELINING
S: 250-XXXXXXXX
S: 250 8BITMIME
C: MAIL FROM:<alice@sender.test>
S: 250 2.1.0 Ok
C: RCPT TO:<bob@rcpt.test>
S: 250 2.1.5 Ok
C: DATA
S: 354 go on
C: Subject: x
C:
C: x
C: .
S: 250 2.0.0 Ok
C: QUIT
S: 221 2.0.0 Bye
close
"""

SERVED = """client 192.0.2.%(client)d:%(port)d
server 10.9.9.25:25
S: 220 mx.example.test ESMTP Postfix
C: EHLO out.sender.test
S: 250-mx.example.test
S: 250-PIPELINING
S: 250-STARTTLS
S: 250 8BITMIME
C: STARTTLS
S: 220 2.0.0 go ahead
tls handshake
tls C app 600
tls S app 100
close
"""
UNSERVED = STRIPPED.replace("S: 250-XXXXXXXX\n", "").replace("10.%(a)d.%(b)d.25", "10.9.9.25")

tally = run.Tally()


def inside(*words):
    return ["ip", "netns", "exec", NETNS, *map(str, words)]


def shell(*words):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True)


def make_netns():
    """Whether this machine lets us make one."""
    if shell("ip", "netns", "add", NETNS).returncode:
        return False
    shell("ip", "-n", NETNS, "link", "add", FAR, "type", "veth", "peer", "name", NEAR)
    for link in ("lo", FAR, NEAR):
        if shell("ip", "-n", NETNS, "link", "set", link, "up").returncode:
            return False
    shell(*inside("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"))
    return True


def wait_for(what, seconds=15):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.05)
    return bool(what())


class Watch:
    """A run of `stripwatch watch` in the namespace, with a file for its lines."""

    def __init__(self, binary, folder, *options, interfaces=(NEAR,), spool=None):
        self.folder = Path(folder)
        self.file = self.folder / "eve.json"
        self.spool = Path(spool or self.folder / "spool")
        self.said = self.folder / "stderr"
        command = [binary, "watch"]
        for name in interfaces:
            command += ["-i", name]
        command += ["--set", "output.file.path=%s" % self.file,
                    "--set", "output.spool.dir=%s" % self.spool,
                    "--set", "log.level=debug", "--set", "output.hourly=1000000", *options]
        with open(self.said, "ab") as said:
            self.process = subprocess.Popen(inside(*command), stdout=subprocess.DEVNULL, stderr=said)
        self.ready = wait_for(lambda: len(self.children()) >= 4 and
                              self.text().count("ready: seccomp") >= 4 or
                              self.process.poll() is not None)
        time.sleep(0.1)

    def text(self):
        return self.said.read_text(errors="replace")

    def children(self):
        """(process name, pid) of each; `ip netns exec` becomes the program itself."""
        out = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                status = Path("/proc", pid, "status").read_text()
                words = Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if "\nPPid:\t%d\n" % self.process.pid in status and b"--child" in words:
                out.append((words[2].decode(), int(pid)))
        return sorted(out)

    def pid(self, name):
        return next((pid for process, pid in self.children() if process == name), 0)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None

    def lines(self, path=None):
        try:
            text = (path or self.file).read_text()
        except OSError:
            return []
        return [json.loads(line) for line in text.splitlines()]

    def alerts(self, path=None):
        return [line for line in self.lines(path) if line["event_type"] == "alert"]

    def found(self, path=None):
        return {line["starttls"]["finding"]["finding_id"] for line in self.alerts(path)
                if "finding" in line.get("starttls", ())}


def replay(capture, *options):
    return shell(*inside("timeout", "120", "tcpreplay", "-q", "-i", FAR, *options, capture))


def found_by_reading(binary, capture):
    """Of all findings above info, also of those that the hour had no room for."""
    return {f["finding_id"] for line in run.read_json(binary, capture, ["--exit-zero"]).sessions
            for f in line["starttls"].get("findings", ()) if f["severity"] != "info"}


def stripped(count, gap):
    """A capture of that many stripped sessions, each with a server in a network of its own, one
    every `gap` nanoseconds."""
    packets = []
    start = None
    for i in range(count):
        text = STRIPPED % {"client": 1 + i % 200, "port": 20000 + i, "a": i // 200, "b": i % 200}
        one = dialogue.Compiler()
        capture = one.compile(text)
        start = start or capture.packets[0].time
        packets += [p.copy(time=p.time + i * gap) for p in capture.packets]
    packets.sort(key=lambda p: p.time)
    return pcapio.Capture(pcapio.LINK_ETHERNET, packets)


# --- the walls -----------------------------------------------------------------------------------

# What a process may that `watch` may not. Who reaches a Redis or a receiver opens sockets of the
# Internet; the judge connects to sockets of this machine, and no filter sees which one it is.
ALLOWED = {"watch": (), "lists": (), "judge": ("connect",), "state": ("connect",),
           "fetch": ("socket", "connect", "bind"), "feed": ("socket", "connect", "bind"),
           "out": ("socket", "connect", "bind")}
# Of who writes files in a directory of his own, Landlock alone says where that is.
BY_LANDLOCK = ("open", "create", "unlink", "mkdir", "rename")


def has_landlock():
    LANDLOCK_CREATE_RULESET, VERSION = 444, 1
    return ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, VERSION) > 0


def test_forbidden(build, process):
    """Each process can do what it is for, and nothing else of these acts."""
    tool = build / "tests" / "forbidden"
    acts = shell(tool, "list").stdout.split()
    held = 0
    for act in acts:
        free = shell("unshare", "-m", tool, "free", act)
        # execve becomes /bin/true, which says nothing
        could = free.returncode == 0 and (free.stdout == "done\n" or act == "execve" and not free.stdout)
        walled = shell(tool, process, act)
        if act in ALLOWED[process]:
            tally.check(walled.stdout in ("done\n", "unavailable\n"), "walls of %s: %s" % (process, act),
                        walled.stdout)
            continue
        if process in ("state", "feed", "out") and act in BY_LANDLOCK and not has_landlock():
            tally.skip("walls of %s: %s: the kernel has no Landlock" % (process, act))
            continue
        refused = walled.stdout == "refused\n" or walled.returncode == -signal.SIGSYS
        tally.check(refused, "walls of %s: %s" % (process, act), "%r %r" % (walled.stdout, walled.returncode))
        if not could:
            tally.skip("walls: %s does not come about without them either, so it proves nothing" % act)
        held += could and refused
    tally.check(held >= FORBIDDEN, "walls", "only %d acts are proven" % held)
    for left in Path("/tmp").glob("forbidden-*"):
        shutil.rmtree(left, ignore_errors=True)


def test_status_of_children(watch):
    for name, pid in watch.children():
        status = dict(line.split(":\t", 1) for line in
                      Path("/proc", str(pid), "status").read_text().splitlines() if ":\t" in line)
        for capability in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            tally.equal(name, capability, int(status[capability], 16), 0)
        tally.equal(name, "NoNewPrivs", status["NoNewPrivs"].strip(), "1")
        tally.equal(name, "Seccomp", status["Seccomp"].strip(), "2")
    tally.equal("children", "processes", [name for name, _ in watch.children()], sorted(PROCESSES))
    if not watch.pid("watch"):
        return
    sockets = [os.readlink(f) for f in Path("/proc/%d/fd" % watch.pid("watch")).iterdir()]
    tally.check(not [f for f in sockets if f.startswith("/") and not f.startswith(("/dev/", "/sys/"))
                     and "stderr" not in f], "watch", "has files open: %r" % sockets)


# --- the same as from files ----------------------------------------------------------------------

def test_same(binary, folder):
    for name in REPLAYED:
        capture = run.PCAPS / name / "input.pcap"
        place = folder / name
        place.mkdir()
        watch = Watch(binary, place, "--set", "sensor.vantage=server-side")
        tally.check(watch.ready, name, watch.text()[-300:])
        done = replay(capture)
        wanted = found_by_reading(binary, capture)
        wait_for(lambda: watch.found() >= wanted, 5)
        tally.equal(name, "exit code", watch.stop(), 0)
        tally.check(wanted, name, "reading finds nothing, so this proves nothing")
        tally.equal(name, "found (%s)" % done.stderr[-80:], watch.found(), wanted)
        tally.check(all(line["alert"]["metadata"]["vantage"] == ["server-side"]
                        for line in watch.alerts()), name, "another vantage")
        tally.check(all(line.get("in_iface") == NEAR for line in watch.alerts()), name, "no in_iface")


# --- processes that die --------------------------------------------------------------------------

def test_kills(binary, folder, kills):
    """A process dies while alerts are raised. What is in the spool gets into the file, nothing
    twice with another id, and what was seen while all were alive is found."""
    seconds = 2 + 4 * kills
    count = max(25 * seconds, 200 * kills)
    each = seconds * 1000 * dialogue.MILLISECOND // count
    capture = folder / "many.pcap"
    pcapio.write(capture, stripped(count, each))
    wanted = found_by_reading(binary, capture)
    watch = Watch(binary, folder, "--set", "privacy.log_sessions=none")
    rest = list(PROCESSES) * kills
    random.Random(7).shuffle(rest)
    back = True
    replaying = subprocess.Popen(inside("tcpreplay", "-q", "-i", FAR, capture),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name in rest:
        time.sleep(seconds / (len(rest) + 2))
        old = watch.pid(name)
        if old:
            os.kill(old, signal.SIGKILL)
        back = wait_for(lambda: watch.pid(name) not in (0, old), 5) and back
    replaying.wait()
    time.sleep(1)
    tally.check(back, "kills", "a process did not come back")
    tally.equal("kills", "exit code", watch.stop(), 0)
    alerts = watch.alerts()
    raised = set()
    for part in sorted(watch.spool.glob("*")):
        raised |= set(re.findall(rb'"alert_id":\["([0-9a-f]+)"', part.read_bytes()))
    told = {a["alert"]["metadata"]["alert_id"][0].encode() for a in alerts}
    tally.check(raised, "kills", "there is nothing in the spool, so this proves nothing")
    tally.equal("kills", "in the spool and not in the file", raised - told, set())
    same = {}
    for a in alerts:
        same.setdefault(a["alert"]["metadata"]["alert_id"][0], set()).add(a["starttls"]["finding"]["finding_id"])
    tally.check(all(len(ids) == 1 for ids in same.values()), "kills", "an alert id means two things")
    found = watch.found()
    # what was open when the one that looks at packets died is picked up in its middle, and the same
    # attack stands at another place of what was seen then
    tally.check(len(found - wanted) <= 4 * kills, "kills", "found and not there: %r" % (found - wanted))
    # 25 to 50 sessions a second: a process that is away for a second takes these with it, and
    # those that were open
    missing = len(wanted - found)
    tally.check(missing <= 60 * len(rest) and len(found) > len(wanted) // 4, "kills",
                "%d of %d are missing" % (missing, len(wanted)))
    print("kills: %d of %d processes; %d of %d attacks found, %d alert lines in the spool"
          % (len(rest), len(rest), len(found), len(wanted), len(raised)))


# --- trouble that passes -------------------------------------------------------------------------

def test_reopen(binary, folder):
    """The file is moved away, as logrotate does, and SIGHUP lets another be opened."""
    watch = Watch(binary, folder)
    one = run.PCAPS / "lab-garble-x8" / "input.pcap"
    replay(one)
    wait_for(lambda: watch.alerts(), 5)
    moved = folder / "eve.json.1"
    watch.file.rename(moved)
    watch.signal(signal.SIGHUP)
    wait_for(lambda: "opened anew" in watch.text(), 5)
    other = folder / "other.pcap"
    pcapio.write(other, stripped(1, 0))
    replay(other)
    wait_for(lambda: watch.alerts(), 5)
    tally.check(watch.alerts(moved) and watch.alerts(), "reopen", "one of the files has no alert")
    tally.equal("reopen", "exit code", watch.stop(), 0)
    lines = [json.dumps(line) for line in watch.lines(moved) + watch.lines()]
    tally.equal("reopen", "lines told twice", len(lines) - len(set(lines)), 0)


def test_reload(binary, folder):
    """What can change changes without a packet being missed; what is wrong changes nothing."""
    config = folder / "stripwatch.yaml"
    text = ("capture:\n  interfaces: [%s]\noutput:\n  min_severity: %s\n  file:\n    path: %s\n"
            "  spool:\n    dir: %s\n")
    fill = (NEAR, "critical", folder / "eve.json", folder / "spool")
    config.write_text(text % fill)
    config.chmod(0o600)
    watch = Watch(binary, folder, "-c", config, interfaces=())
    tally.check(watch.ready, "reload", watch.text()[-300:])
    capture = folder / "one.pcap"
    pcapio.write(capture, stripped(1, 0))
    replay(capture)
    time.sleep(1)
    tally.equal("reload", "alerts below the least severity", watch.alerts(), [])
    watcher = watch.pid("watch")
    config.write_text("capture:\n  interfaces: [%s]\n  snaplen: many\n" % NEAR)
    watch.signal(signal.SIGHUP)
    tally.check(wait_for(lambda: "%s:3: capture.snaplen:" % config in watch.text(), 5), "bad reload",
                watch.text()[-300:])
    tally.check("nothing was changed" in watch.text(), "bad reload", watch.text()[-300:])
    config.write_text(text % (NEAR, "low", *fill[2:]))
    ready = watch.text().count("ready: seccomp")
    watch.signal(signal.SIGHUP)
    tally.check(wait_for(lambda: watch.text().count("ready: seccomp") >= ready + 4, 10), "reload",
                watch.text()[-300:])
    tally.check("output.min_severity: critical -> low" in watch.text(), "reload", watch.text()[-300:])
    capture = folder / "two.pcap"
    pcapio.write(capture, pcapio.Capture(pcapio.LINK_ETHERNET, stripped(2, 0).packets))
    replay(capture)
    tally.check(wait_for(lambda: watch.alerts(), 5), "reload", "no alert: %s" % watch.text()[-300:])
    tally.equal("reload", "process that looks at packets", watch.pid("watch"), watcher)
    tally.equal("reload", "exit code", watch.stop(), 0)


def served(text, count, gap, port=30000):
    packets = []
    for i in range(count):
        capture = dialogue.Compiler().compile(text % {"client": 1 + i % 4, "port": port + len(text) + i})
        packets += [p.copy(time=p.time + i * gap) for p in capture.packets]
    return pcapio.Capture(pcapio.LINK_ETHERNET, packets)


def removed(watch):
    return [line["alert"]["severity"] for line in watch.alerts()
            if line["starttls"]["finding"]["rule"] == "starttls-removed"]


def test_reload_keeps(binary, folder):
    """What the judge learnt before a reload it knows behind it, without a store."""
    config = folder / "stripwatch.yaml"
    text = "capture:\n  interfaces: [%s]\ncoverage:\n  gap: %s\n"
    config.write_text(text % (NEAR, "10 min"))
    config.chmod(0o600)
    watch = Watch(binary, folder, "-c", config, interfaces=())
    tally.check(watch.ready, "reload keeps", watch.text()[-300:])
    pcapio.write(folder / "served.pcap", served(SERVED, 24, 10 * dialogue.MILLISECOND))
    replay(folder / "served.pcap")
    time.sleep(1)
    tally.equal("reload keeps", "alerts before", watch.alerts(), [])
    for gap in ("20 min", "30 min"):  # more than once
        config.write_text(text % (NEAR, gap))
        judge, ready = watch.pid("judge"), watch.text().count("ready: seccomp")
        watch.signal(signal.SIGHUP)
        tally.check(wait_for(lambda: watch.text().count("ready: seccomp") >= ready + 4, 10), "reload keeps",
                    watch.text()[-300:])
        tally.check(watch.pid("judge") not in (0, judge), "reload keeps", "the judge is the same")
    pcapio.write(folder / "unserved.pcap", served(UNSERVED, 1, 0))
    replay(folder / "unserved.pcap")
    tally.check(wait_for(lambda: removed(watch), 5), "reload keeps",
                "%r %s" % (watch.alerts(), watch.text()[-500:]))
    tally.equal("reload keeps", "exit code", watch.stop(), 0)


def test_interface_goes(binary, folder):
    """Down and up again; then made anew under its name."""
    watch = Watch(binary, folder)
    old = watch.pid("watch")
    shell("ip", "-n", NETNS, "link", "set", NEAR, "down")
    time.sleep(1.5)
    shell("ip", "-n", NETNS, "link", "set", NEAR, "up")
    shell("ip", "-n", NETNS, "link", "set", FAR, "up")
    time.sleep(1.5)
    replay(run.PCAPS / "lab-garble-x8" / "input.pcap")
    tally.check(wait_for(lambda: watch.alerts(), 5), "down and up", "no alert: %s" % watch.text()[-300:])
    shell("ip", "-n", NETNS, "link", "del", FAR)
    time.sleep(1.5)
    shell("ip", "-n", NETNS, "link", "add", FAR, "type", "veth", "peer", "name", NEAR)
    for link in (FAR, NEAR):
        shell("ip", "-n", NETNS, "link", "set", link, "up")
    tally.check(wait_for(lambda: watch.pid("watch") not in (0, old), 10), "made anew",
                "the process was not started anew: %s" % watch.text()[-300:])
    wait_for(lambda: watch.text().count("ready: seccomp") >= 5, 10)
    capture = folder / "anew.pcap"
    pcapio.write(capture, stripped(1, 0))
    replay(capture)
    tally.check(wait_for(lambda: len(watch.found()) >= 2, 5), "made anew",
                "no alert: %s" % watch.text()[-300:])
    tally.equal("made anew", "exit code", watch.stop(), 0)


def test_disk_full(binary, folder):
    """Nothing can be written for a while. It is said, and then all alerts are there."""
    disk = folder / "disk"
    disk.mkdir()
    if shell("mount", "-t", "tmpfs", "-o", "size=4m", "none", disk).returncode:
        tally.skip("disk full: no file system can be mounted here")
        return
    try:
        watch = Watch(binary, folder, "--set", "output.spool.segment=1MiB",
                      "--set", "output.spool.quota=64MiB", spool=disk / "spool")
        filler = disk / "filler"
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass
        capture = folder / "many.pcap"
        pcapio.write(capture, stripped(40, 20 * dialogue.MILLISECOND))
        wanted = found_by_reading(binary, capture)
        replay(capture)
        said = wait_for(lambda: "spool: disk full" in watch.text(), 10)
        tally.check(said, "disk full", "nothing is said: %s" % watch.text()[-300:])
        filler.unlink()
        tally.check(wait_for(lambda: watch.found() >= wanted, 20), "disk full",
                    "%d of %d are missing" % (len(wanted - watch.found()), len(wanted)))
        tally.equal("disk full", "exit code", watch.stop(), 0)
    finally:
        shell("umount", disk)


def test_read_only(binary, folder):
    """The file system of the spool becomes read-only under it, as after an error of the disk: that is
    said, alerts go on to the other file system, and packets are looked at."""
    image, disk = folder / "image", folder / "disk"
    disk.mkdir()
    with open(image, "wb") as f:
        f.truncate(16 << 20)
    if (not shutil.which("mkfs.ext4") or shell("mkfs.ext4", "-q", image).returncode or
            shell("mount", "-o", "loop,errors=remount-ro", image, disk).returncode):
        tally.skip("read-only: no file system can be mounted from a file here")
        return
    try:
        device = shell("findmnt", "-n", "-o", "SOURCE", disk).stdout.strip().rsplit("/", 1)[-1]
        trigger = Path("/sys/fs/ext4", device, "trigger_fs_error")
        control = folder / "control"
        watch = Watch(binary, folder, "--set", "control.socket=%s" % control, spool=disk / "spool")
        tally.check(watch.ready, "read-only", watch.text()[-300:])
        try:
            trigger.write_text("a test")
        except OSError as e:
            tally.skip("read-only: %s" % e)
            watch.stop()
            return
        capture = folder / "many.pcap"
        pcapio.write(capture, stripped(40, 20 * dialogue.MILLISECOND))
        wanted = found_by_reading(binary, capture)
        replay(capture)
        tally.check(wait_for(lambda: "spool: read-only" in watch.text(), 10), "read-only",
                    "nothing is said: %s" % watch.text()[-300:])
        tally.check(wait_for(lambda: watch.found() >= wanted, 20), "read-only",
                    "%d of %d are missing" % (len(wanted - watch.found()), len(wanted)))
        tally.check(wait_for(lambda: "read-only" in shell(binary, "status", "--control", control).stdout, 10),
                    "read-only", "status: %s" % shell(binary, "status", "--control", control).stdout)
        tally.equal("read-only", "who has died", watch.text().count("it is started anew"), 0)
        watch.stop()
    finally:
        shell("umount", disk)


def test_clock_steps(binary, folder):
    """The clock goes a day ahead, back, and a day behind, and comes right again: what is usual stays
    known, and a server that lacks its offer is told of after each step. Nobody may set the clock of
    this machine, so the steps are those of packets in a file, which meet the same judge."""
    day, second, packets, at = 86400 * 1000 * dialogue.MILLISECOND, 1000 * dialogue.MILLISECOND, [], 0
    packets += served(SERVED, 24, second).packets
    for step, begin in enumerate((0, day, 0, -day, 0)):
        port = 40000 + 1000 * step
        for capture in (served(SERVED, 2, second, port), served(UNSERVED, 1, 0, port)):
            at += 100 * second
            packets += [p.copy(time=p.time + begin + at) for p in capture.packets]
    name = folder / "steps.pcap"
    pcapio.write(name, pcapio.Capture(pcapio.LINK_ETHERNET, packets))
    sessions = run.read_json(binary, name, ["--exit-zero"]).sessions
    removed = [s for s in sessions if any(f["rule"] == "starttls-removed" for f in s["starttls"].get("findings", ()))]
    tally.equal("clock steps", "sessions without the offer that are told of", len(removed), 5)


def test_redis_gone(binary, folder):
    """The state is in Redis, which is away at the start, comes, goes and comes back."""
    port = 20000 + os.getpid() % 20000
    server = inside("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder)
    capture = [folder / ("%d.pcap" % i) for i in range(3)]
    sessions = stripped(3, 0).packets
    by_server = {}
    for p in sessions:
        segment = pcapio.decode(pcapio.LINK_ETHERNET, p.data)
        by_server.setdefault(min(segment.sport, 65535) if segment.dport == 25 else segment.dport,
                             []).append(p)
    for path, packets in zip(capture, by_server.values()):
        pcapio.write(path, pcapio.Capture(pcapio.LINK_ETHERNET, packets))
    watch = Watch(binary, folder, "--set", "policy.state=redis://127.0.0.1:%d" % port)
    tally.check(watch.ready, "redis", watch.text()[-300:])
    replay(capture[0])
    tally.check(wait_for(lambda: len(watch.found()) >= 1, 8), "redis away", watch.text()[-300:])
    redis = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: shell(*inside("redis-cli", "-p", port, "ping")).stdout == "PONG\n")
    time.sleep(2)
    redis.kill()
    redis.wait()
    replay(capture[1])
    tally.check(wait_for(lambda: len(watch.found()) >= 2, 8), "redis gone", watch.text()[-300:])
    judge = watch.pid("judge")
    redis = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    replay(capture[2])
    tally.check(wait_for(lambda: len(watch.found()) >= 3, 8), "redis back", watch.text()[-300:])
    tally.equal("redis", "judge", watch.pid("judge"), judge)
    tally.equal("redis", "exit code", watch.stop(), 0)
    keys = shell(*inside("redis-cli", "-p", port, "dbsize")).stdout.strip()
    tally.check(keys not in ("", "0"), "redis", "nothing was learnt there: %s" % watch.text()[-300:])
    redis.kill()
    redis.wait()


def test_refused(binary, folder):
    """What cannot be opened is said at once, and nothing is left behind."""
    for name, options, word, code in (
            ("no interface", ["-i", "nowhere0"], "nowhere0", 1), # it may come
            ("bad filter", ["-i", NEAR, "-f", "tcp prot 25"], "filter", 2),
            ("no such policies", ["-i", NEAR, "--policies", folder / "nothing"], "nothing", 2),
            ("file in no directory", ["-i", NEAR, "-o", folder / "no" / "eve.json"], "eve.json", 2),
            ("no such user", ["-i", NEAR, "--set", "process.user=nobody-knows-him"], "nobody-knows-him", 2)):
        done = shell(*inside("timeout", "20", binary, "watch", *options))
        tally.equal(name, "exit code", done.returncode, code)
        tally.check(word in done.stderr, name, done.stderr[-200:])
    done = shell(*inside("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
                         "timeout", "20", binary, "watch", "-i", NEAR, "--set", "output.stdout=always"))
    tally.equal("no right", "exit code", done.returncode, 2)
    tally.check("CAP_NET_RAW" in done.stderr, "no right", done.stderr[-200:])
    left = shell("ip", "netns", "pids", NETNS).stdout.split()
    tally.equal("refused", "processes left", left, [])


def test_gate(binary, folder):
    """How the sensor is, by HTTP and at its socket."""
    port = 30000 + os.getpid() % 20000
    control = folder / "control"
    watch = Watch(binary, folder, "--set", "metrics.listen=127.0.0.1:%d" % port,
                  "--set", "control.socket=%s" % control)
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:%d/%%s').read().decode())" % port
    replay(run.PCAPS / "lab-garble-x8" / "input.pcap")
    wait_for(lambda: watch.alerts(), 5)
    time.sleep(1.5)
    wait_for(lambda: not shell(*inside(sys.executable, "-c", ask % "readyz")).returncode, 10)
    ready = shell(*inside(sys.executable, "-c", ask % "readyz"))
    tally.equal("gate", "/readyz (%s)" % ready.stderr[-100:], ready.returncode, 0)
    wanted = "\nstripwatch_alerts_stored_total %d\n" % len(watch.alerts())
    told = wait_for(lambda: wanted in shell(*inside(sys.executable, "-c", ask % "metrics")).stdout, 10)
    tally.check(told, "gate", "/metrics does not come to say%s" % wanted)  # once a second
    said = shell(binary, "status", "--control", control)
    tally.check(said.returncode == 0 and "watching" in said.stdout, "status", said.stdout + said.stderr)
    tally.equal("gate", "exit code", watch.stop(), 0)
    said = shell(binary, "status", "--control", control)
    tally.check(said.returncode == 2 and str(control) in said.stderr, "status of none", said.stderr)


def test_all_told_to_end(binary, folder):
    """SIGTERM to every process at a time, as timeout(1) and systemd may do: the end is in order all
    the same, and what was open is told of."""
    watch = Watch(binary, folder)
    begun = folder / "begun.pcap"
    packets = stripped(1, 0).packets
    pcapio.write(begun, pcapio.Capture(pcapio.LINK_ETHERNET, packets[:9]))
    replay(begun)
    time.sleep(0.5)
    for pid in [pid for _, pid in watch.children()] + [watch.process.pid]:
        os.kill(pid, signal.SIGTERM)
    tally.equal("all told to end", "exit code", watch.stop(), 0)
    kinds = [line["event_type"] for line in watch.lines()]
    tally.equal("all told to end", "last line", kinds[-1:], ["stats"])
    tally.check("alert" in kinds, "all told to end", "lines: %r" % kinds)


def test_end_of_parent(binary, folder):
    """Nobody outlives the parent, however it ends."""
    watch = Watch(binary, folder)
    pids = [pid for _, pid in watch.children()]
    tally.check(len(pids) == 4, "end of the parent", watch.text()[-300:])
    watch.process.kill()
    watch.process.wait()
    tally.check(wait_for(lambda: not any(Path("/proc", str(pid)).exists() for pid in pids), 5),
                "end of the parent", "a child goes on")


def main():
    build = Path(sys.argv[1]).resolve()
    kills = int(sys.argv[sys.argv.index("--kills") + 1]) if "--kills" in sys.argv else 3
    binary = build / "stripwatch"
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # it needs ptrace, which nobody has here
    for process in ALLOWED:
        test_forbidden(build, process)
    if not make_netns():
        tally.skip("no network namespace can be made here", 10)
        return tally.finish()
    folder = Path(tempfile.mkdtemp(prefix="stripwatch-watch-"))
    folder.chmod(0o755)
    try:
        tests = [test_same, test_reopen, test_reload, test_reload_keeps, test_interface_goes, test_disk_full,
                 test_read_only, test_clock_steps,
                 test_redis_gone, test_refused, test_gate,
                 test_all_told_to_end, test_end_of_parent]
        for test in tests:
            place = folder / test.__name__
            place.mkdir()
            test(binary, place)
        place = folder / "status"
        place.mkdir()
        watch = Watch(binary, place)
        test_status_of_children(watch)
        tally.equal("status", "exit code", watch.stop(), 0)
        place = folder / "kills"
        place.mkdir()
        test_kills(binary, place, kills)
    finally:
        for pid in shell("ip", "netns", "pids", NETNS).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        shell("ip", "netns", "del", NETNS)
        shutil.rmtree(folder, ignore_errors=True)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
