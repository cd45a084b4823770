#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live capture in figures, in a network namespace: loss and processor time beside a bare libpcap
counter (tcpdump that writes to /dev/null) on the same interface at the same rates, time from the
packet to the alert on disk, and memory over time.

    live.py BUILD [--seconds N] [--memory-seconds N] [--only loss,latency,memory]
"""
import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "system"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import pcapio             # noqa: E402
import test_watch as tw   # noqa: E402

RATES = (25_000, 50_000, 100_000, 150_000, 200_000, 300_000)
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def traffic(build, folder, mode, megabytes):
    """A capture of that kind without VLANs and without frames that a veth does not carry."""
    path = folder / (mode + ".pcap")
    subprocess.run([build / "tests" / "trafficgen", "-m", mode, "-b", str(megabytes << 20), "-o", path],
                   check=True)
    return path


def send(path, rate, seconds):
    """Packets that were sent, and how long that took."""
    done = subprocess.run(tw.inside("tcpreplay", "--preload-pcap", "--unique-ip", "-i", tw.FAR,
                                    "--pps=%d" % rate, "--loop=1000000",
                                    "--duration=%d" % seconds, path), capture_output=True, text=True)
    sent = re.search(r"Actual: (\d+) packets .* sent in ([\d.]+) seconds", done.stdout + done.stderr)
    if not sent:
        sys.exit("tcpreplay: " + (done.stderr or done.stdout)[-300:])
    return int(sent.group(1)), float(sent.group(2))


def times(pids):
    out = 0
    for pid in pids:
        fields = Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1].split()
        out += int(fields[11]) + int(fields[12])
    return out / TICK


def resident(pids):
    return sum(int(Path("/proc", str(pid), "statm").read_text().split()[1]) * PAGE for pid in pids)


def bare(path, rate, seconds):
    counter = subprocess.Popen(tw.inside("tcpdump", "-i", tw.NEAR, "-w", "/dev/null", "-B", "65536", "-s",
                                         "262144"), stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    sent, took = send(path, rate, seconds)
    time.sleep(0.5)
    used = times([counter.pid])
    counter.terminate()
    said = counter.communicate()[1]
    dropped = int(re.search(r"(\d+) packets? dropped by kernel", said).group(1))
    return sent, sent / took, dropped, used / took


def ours(binary, folder, path, rate, seconds):
    place = Path(tempfile.mkdtemp(dir=folder))
    watch = tw.Watch(binary, place, "--set", "privacy.log_sessions=findings")
    pids = [pid for _, pid in watch.children()]
    before = times(pids)
    sent, took = send(path, rate, seconds)
    time.sleep(2)
    used = times(pids) - before
    by_name = {name: times([pid]) for name, pid in watch.children()}
    watch.stop()
    stats = [line for line in watch.lines() if line["event_type"] == "stats"][-1]["stats"]
    live = stats["stripwatch"]["live"]
    return (sent, sent / took, stats["capture"]["kernel_drops"], used / took, live["shed"],
            live["shed_urgent"], {k: round(v / took, 3) for k, v in by_name.items()})


def loss(build, folder, seconds):
    binary = build / "stripwatch"
    highest = 0
    for mode in ("smtp", "mixed"):
        path = traffic(build, folder, mode, 200)
        for rate in RATES:
            sent, real, dropped, core = bare(path, rate, seconds)
            own = ours(binary, folder, path, rate, seconds)
            print("%-6s wanted %7d/s  bare: %7d/s, %d of %d lost, %.0f %% of a core   stripwatch: "
                  "%7d/s, %d of %d lost, %.0f %% of a core %s, shed %d + %d"
                  % (mode, rate, real, dropped, sent, 100 * core, own[1], own[2], own[0],
                     100 * own[3], own[6], own[4], own[5]), flush=True)
            if dropped == 0 and mode == "smtp":
                highest = max(highest, real)
            if real < 0.9 * rate:
                break
    return highest


def delays_of(pieces):
    """Seconds from the packet to the line, of each alert; pieces: what was read, and when."""
    rest = b""
    for now, data in pieces:
        rest += data
        whole = rest.rfind(b"\n") + 1
        for line in rest[:whole].splitlines():
            event = json.loads(line)
            if event["event_type"] == "alert":
                stamp = event["timestamp"]
                at = time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
                yield now - at - float("0" + stamp[19:26])
        rest = rest[whole:]


def disk_alone(path, end, took):
    """What the disk takes for a write of 4 KiB that is synced, every 20 ms."""
    with open(path, "wb", buffering=0) as file:
        while time.monotonic() < end:
            begin = time.monotonic()
            file.write(b"x" * 4096)
            os.fdatasync(file)
            took.append(time.monotonic() - begin)
            time.sleep(0.02)


def told(name, times):
    times = sorted(times)
    return "%s median %.1f ms, p99 %.1f ms, most %.1f ms" % (
        name, 1000 * statistics.median(times), 1000 * times[int(len(times) * 0.99)], 1000 * times[-1])


def latency(build, folder, seconds, rate):
    """From the packet (its time in the alert) to the line in the file, at half of that rate, beside
    what the disk took at that time of somebody who only writes and syncs."""
    background = traffic(build, folder, "smtp", 100)
    attacks = folder / "attacks.pcap"
    pcapio.write(attacks, tw.stripped(10 * seconds, 100_000_000))
    os.sync() # else the disk writes these two meanwhile
    watch = tw.Watch(build / "stripwatch", folder)
    pieces, end = [], time.monotonic() + seconds + 3
    # It is told of what is written; who looks every millisecond takes so much of a small virtual
    # machine that its disk stands still.
    tail = subprocess.Popen(["tail", "-q", "-c", "+1", "-F", watch.file], bufsize=0,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def follow():
        while data := tail.stdout.read(1 << 20):
            pieces.append((time.time(), data)) # what they say is looked at afterwards

    disk = []
    followers = [threading.Thread(target=follow),
                 threading.Thread(target=disk_alone, args=(folder / "disk", end, disk))]
    for follower in followers:
        follower.start()
    noise = subprocess.Popen(tw.inside("tcpreplay", "-q", "--preload-pcap", "--unique-ip", "-i", tw.FAR,
                                       "--pps=%d" % rate, "--loop=1000000",
                                       "--duration=%d" % seconds, background),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tw.replay(attacks)
    noise.wait()
    time.sleep(max(0.0, end - time.monotonic()))
    tail.terminate()
    for follower in followers:
        follower.join()
    watch.stop()
    delays = list(delays_of(pieces))
    print("latency at %d/s: %d alerts: %s; %s" % (rate, len(delays), told("to the file", delays),
                                                 told("the disk alone", disk)), flush=True)


def memory(build, folder, seconds, rate):
    """A network whose servers stay the same. Tables that are made whole at the start are touched
    page by page, so a time of more traffic goes before."""
    background = traffic(build, folder, "smtp", 200)
    watch = tw.Watch(build / "stripwatch", folder)
    names = watch.children()
    pids = [pid for _, pid in names]
    for pps, length in ((4 * rate, seconds // 6), (rate, seconds)):
        noise = subprocess.Popen(tw.inside("tcpreplay", "-q", "--preload-pcap", "-i", tw.FAR,
                                           "--pps=%d" % pps, "--loop=1000000",
                                           "--duration=%d" % length, background),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if pps != rate:
            noise.wait()
    marks = {}
    begin = time.monotonic()
    for part in (0.02, 0.25, 0.5, 0.75, 0.98):
        time.sleep(max(0.0, begin + part * seconds - time.monotonic()))
        marks[part] = (resident(pids), sum(len(os.listdir("/proc/%d/fd" % pid)) for pid in pids))
    noise.wait()
    same = watch.children() == names
    watch.stop()
    print("memory over %d s at %d/s: %s; processes %s"
          % (seconds, rate, ", ".join("%d %%: %.1f MiB, %d descriptors" % (100 * p, m / 2**20, n)
                                      for p, (m, n) in marks.items()),
             "the same" if same else "STARTED ANEW"), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--memory-seconds", type=int, default=1200)
    parser.add_argument("--only", default="loss,latency,memory")
    a = parser.parse_args()
    if not tw.make_netns():
        sys.exit("no network namespace can be made here")
    build = a.build.resolve()
    try:
        with tempfile.TemporaryDirectory(prefix="stripwatch-live-") as folder:
            folder = Path(folder)
            rate = 50_000
            if "loss" in a.only:
                rate = loss(build, folder, a.seconds)
            for part, run, length in (("latency", latency, 3 * a.seconds),
                                      ("memory", memory, a.memory_seconds)):
                if part in a.only:
                    place = folder / part
                    place.mkdir()
                    run(build, place, length, int(rate / 2))
    finally:
        for pid in tw.shell("ip", "netns", "pids", tw.NETNS).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        tw.shell("ip", "netns", "del", tw.NETNS)


if __name__ == "__main__":
    main()
