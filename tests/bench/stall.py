#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long the packet loop is away from its poll() at most, while everything around it hangs: the Redis
of the state and of an output is stopped, every other receiver takes connections and nothing else, the
resolver is silent. By strace, which slows the loop; first with everything well, for comparison.

    stall.py BUILD [--seconds N] [--rate N]
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "system"))
import live                # noqa: E402
import test_watch as tw    # noqa: E402

REDIS, SYSLOG, HTTP, KAFKA, RESOLVER = 6399, 10514, 10080, 10092, 10053
SILENT = """
import socket, sys, time
held = []
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", int(sys.argv[1])))
unix = socket.socket(socket.AF_UNIX)
unix.bind(sys.argv[2])
for port in map(int, sys.argv[3:]):
    held.append(socket.create_server(("127.0.0.1", port), backlog=128))
unix.listen(128)
time.sleep(100000)
"""
OUTPUTS = """policy:
  lookups: seen
resolver:
  forward: ['127.0.0.1@%(resolver)d']
output:
  redis: {address: '127.0.0.1:%(redis)d', key: alerts}
  unix: {path: %(unix)s}
  syslog: {address: '127.0.0.1:%(syslog)d'}
  splunk: {url: 'http://127.0.0.1:%(http)d', token_file: %(token)s}
  elastic: {url: 'http://127.0.0.1:%(http)d'}
  webhook: {url: 'http://127.0.0.1:%(http)d/'}
  kafka: {brokers: '127.0.0.1:%(kafka)d'}
"""


def turns(path):
    """Milliseconds between the end of each poll() and the begin of the next."""
    out, before = [], None
    for line in path.read_text().splitlines():
        match = re.match(r"(?:\d+ +)?(\d+\.\d+) p?poll\(.*<(\d+\.\d+)>$", line)
        if match:
            began, took = float(match[1]), float(match[2])
            if before is not None:
                out.append(1000 * (began - before))
            before = began + took
    return sorted(out)


def traced(watch, folder, capture, rate, seconds):
    log = folder / "strace.out"
    sending = subprocess.Popen(tw.inside("tcpreplay", "-q", "--preload-pcap", "--unique-ip", "-i", tw.FAR,
                                         "--pps=%d" % rate, "--loop=1000000",
                                         "--duration=%d" % (seconds + 2), capture),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    tracer = subprocess.Popen(["strace", "-ttt", "-T", "-e", "trace=poll,ppoll", "-o", log, "-p",
                               str(watch.pid("watch"))], stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    sending.wait()
    return turns(log)


def measure(build, folder, capture, hangs, args):
    folder.mkdir()
    token = folder / "token"
    token.write_text("x\n")
    token.chmod(0o600)
    config = folder / "outputs.yaml"
    words = {"redis": REDIS, "syslog": SYSLOG, "http": HTTP, "kafka": KAFKA, "resolver": RESOLVER,
             "unix": folder / "silent.sock", "token": token}
    config.write_text(OUTPUTS % words if hangs else "")
    config.chmod(0o600)
    redis = subprocess.Popen(tw.inside("redis-server", "--port", REDIS, "--save", "", "--dir", folder),
                             stdout=subprocess.DEVNULL)
    silent = subprocess.Popen(tw.inside(sys.executable, "-c", SILENT, RESOLVER, folder / "silent.sock",
                                        SYSLOG, HTTP, KAFKA))
    time.sleep(1)
    watch = tw.Watch(build / "stripwatch", folder, "-c", config, "--set", "policy.state=redis://127.0.0.1:%d" % REDIS,
                     "--set", "log.level=warning")
    if hangs:
        redis.send_signal(signal.SIGSTOP)
    found = traced(watch, folder, capture, args.rate, args.seconds)
    redis.send_signal(signal.SIGCONT)
    watch.stop()
    for process in (redis, silent):
        process.kill()
        process.wait()
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=lambda text: Path(text).resolve())
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=25000)
    args = parser.parse_args()
    if not tw.make_netns():
        sys.exit("no network namespace can be made here")
    root = Path(tempfile.mkdtemp(prefix="stripwatch-stall-"))
    root.chmod(0o755)
    try:
        capture = live.traffic(args.build, root, "smtp", 100)
        for name, hangs in (("well", False), ("hung", True)):
            found = measure(args.build, root / name, capture, hangs, args)
            at = lambda share: found[min(len(found) - 1, int(share * len(found)))]  # noqa: E731
            print("%s: %d turns of the packet loop in %d s: median %.2f ms, 99.9 %% %.2f ms, longest %.2f ms"
                  % (name, len(found), args.seconds, at(0.5), at(0.999), found[-1]), flush=True)
    finally:
        for pid in tw.shell("ip", "netns", "pids", tw.NETNS).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        tw.shell("ip", "netns", "del", tw.NETNS)
        shutil.rmtree(root, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
