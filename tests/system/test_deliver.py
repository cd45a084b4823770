#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sinks that reach over the network against real receivers and against faults: unix sockets,
rsyslog (UDP, TCP, TLS), nginx, and a server of HTTP that refuses, hangs, resets and takes half.

Usage: test_deliver.py BUILD-DIRECTORY. Receivers are started here, on loopback and in a directory
of their own, and ended here. What is promised stands in docs/feed.md: with each fault, every record
arrives in the end, in its order, and what comes twice comes with the same words.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from receivers import Certificates, Lines, Rsyslog
from run import Tally
from test_spool import Drive, first_seen, numbers
from test_store import free_port

MINUTE = 61000  # after which what was sent counts as arrived


def wanted(count):
    return list(range(1, count + 1))


def settle(drive):
    """A minute passes, for the sinks."""
    drive("turn", 100)
    drive("skip", MINUTE)
    return drive("drain", 5000)


def wait_for(condition, seconds=10):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


def sink(drive, i=0):
    return drive.stats()["sinks"][i]


def turn_until(drive, condition, i=0, seconds=15):
    until = time.monotonic() + seconds
    while not condition(sink(drive, i)) and time.monotonic() < until:
        drive("turn", 50)
    return condition(sink(drive, i))


# --- unix sockets ---

def test_unix_stream(t, build, root):
    """The receiver is away, comes, ends within lines, hangs: all arrive, the last minute twice."""
    path = root + "/eve.sock"
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    t.equal("stream", "made", drive("deliver", "a", "stream", "path=" + path), "ok")
    drive("append", 1, 3000, 3, 300)
    drive("turn", 200)
    t.equal("stream", "state", sink(drive)["state"], "away")
    first = Lines(path)
    drive("turn", 500)
    t.check(wait_for(lambda: len(first.numbers()) == 3000), "stream", len(first.numbers()))
    t.equal("stream", "not certain yet", sink(drive)["committed"], 0)
    first.stop()
    second = Lines(path)
    drive("turn", 600)
    drive("append", 3001, 10, 3, 300)
    drive("turn", 300)
    t.check(wait_for(lambda: len(second.numbers()) >= 3010), "stream", len(second.numbers()))
    t.equal("stream", "the last minute again", second.numbers(), wanted(3010))
    t.equal("stream", "drain", settle(drive), "drained")
    t.equal("stream", "state", sink(drive)["state"], "ok")
    second.stop()
    third = Lines(path, reads=False)
    drive("turn", 600)
    drive("append", 3011, 2000, 3, 1000)
    t.check(turn_until(drive, lambda s: s["state"] == "away"), "stream hangs", sink(drive))
    t.equal("stream hangs", "committed", sink(drive)["committed"], 3010)
    drive("skip", MINUTE)
    drive("turn", 100)
    t.equal("stream hangs", "committed", sink(drive)["committed"], 3010)
    third.stop()
    fourth = Lines(path)
    drive("skip", 30000)
    drive("turn", 1000)
    t.equal("stream hangs", "drain", settle(drive), "drained")
    t.equal("stream hangs", "again", first_seen(fourth.numbers()), list(range(3011, 5011)))
    fourth.stop()
    t.equal("stream", "exit", drive.close(), 0)


def test_unix_killed(t, build, root):
    """Our own process is killed: what was sent within the last minute is sent again."""
    path = root + "/eve.sock"
    receiver = Lines(path)
    for turn in range(3):
        drive = Drive(build, root + "/spool", 65536, 0, 0)
        drive("deliver", "a", "stream", "path=" + path)
        drive("append", turn * 100 + 1, 100, 3, 0)
        drive("commit")
        drive("turn", 100 + 100 * turn)
        drive.kill()
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    drive("deliver", "a", "stream", "path=" + path)
    t.equal("stream killed", "drain", settle(drive), "drained")
    t.equal("stream killed", "all", first_seen(receiver.numbers()), wanted(300))
    receiver.stop()
    t.equal("stream killed", "exit", drive.close(), 0)


def test_unix_datagram(t, build, root):
    """A queue that is full and a socket that is away lose nothing."""
    path = root + "/eve.dgram"
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    drive("deliver", "a", "datagram", "path=" + path)
    drive("append", 1, 1000, 3, 500)
    drive("turn", 100)
    t.equal("datagram", "state", sink(drive)["state"], "away")
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(path)
    receiver.settimeout(0.05)
    drive("turn", 500)
    t.equal("datagram", "nobody reads", sink(drive)["state"], "away")
    got = []

    def read():
        try:
            while True:
                got.append(json.loads(receiver.recv(65536))["n"])
        except TimeoutError:
            pass
    until = time.monotonic() + 30
    while len(got) < 1000 and time.monotonic() < until:
        drive("turn", 20)
        read()
    t.equal("datagram", "all", got, wanted(1000))
    t.equal("datagram", "drain", drive("drain", 5000), "drained")
    receiver.close()
    t.equal("datagram", "exit", drive.close(), 0)


# --- syslog ---

def test_syslog(t, build, root, way):
    """rsyslog is away, comes, is killed twice: all arrive as RFC 5424."""
    name = "rsyslog " + way
    certificates = Certificates(root)
    receiver = Rsyslog(root, way, certificates)
    receiver.start()
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    t.equal(name, "made", drive("deliver", "a", way, "host=localhost" if way == "tls" else
                                "host=127.0.0.1", "port=%d" % receiver.port, "sensor=tap-1",
                                "ca=" + certificates.ca), "ok")
    drive("append", 1, 500, 3, 200)
    drive("turn", 1000)
    total = 500
    t.check(wait_for(lambda: len(receiver.numbers()) >= 500), name, len(receiver.numbers()))
    if way != "udp":
        for turn in range(2):
            receiver.kill()
            drive("append", total + 1, 300, 3, 200)
            total += 300
            drive("turn", 200)
            t.equal(name, "state", sink(drive)["state"], "away")
            receiver.start()
            drive("turn", 2500)
            t.check(wait_for(lambda: len(set(receiver.numbers())) >= total), name,
                    len(set(receiver.numbers())))
    t.equal(name, "drain", settle(drive), "drained")
    t.equal(name, "state", sink(drive)["state"], "ok")
    t.equal(name, "all of them", first_seen(receiver.numbers()), wanted(total))
    t.equal(name, "what rsyslog read in the header", receiver.headers(),
            {("local5", "info", "tap-1", "stripwatch", "-")})
    t.equal(name, "exit", drive.close(), 0)
    receiver.kill()


def test_syslog_verified(t, build, root):
    """Another name, another authority, no certificate where one is asked for: nothing is sent."""
    certificates = Certificates(root)
    receiver = Rsyslog(root, "tls", certificates)
    receiver.start()
    for name, host, ca in (("name", "127.0.0.2", certificates.ca),
                           ("authority", "localhost", certificates.stranger)):
        drive = Drive(build, root + "/spool-" + name, 0, 0, 0)
        drive("deliver", "a", "tls", "host=" + host, "port=%d" % receiver.port, "ca=" + ca)
        drive("append", 1, 10, 3, 0)
        drive("turn", 700)
        t.equal("tls " + name, "state", sink(drive)["state"], "away")
        t.check("certificate" in sink(drive)["why"], "tls " + name, sink(drive)["why"])
        drive("skip", MINUTE)
        drive("turn", 100)
        t.equal("tls " + name, "committed", sink(drive)["committed"], 0)
        t.equal("tls " + name, "exit", drive.close(), 0)
    t.equal("tls", "arrived", receiver.numbers(), [])
    receiver.kill()
    drive = Drive(build, root + "/spool", 0, 0, 0)
    t.check("TLS cannot use" in drive("deliver", "a", "tls", "host=x", "ca=/nowhere"), "tls", "file")
    drive.close()


def test_client_certificate(t, build, root):
    """The receiver wants a certificate of ours."""
    certificates = Certificates(root)
    receiver = Rsyslog(root, "tls", certificates, asks=True)
    receiver.start()
    drive = Drive(build, root + "/spool", 0, 0, 0)
    drive("deliver", "a", "tls", "host=localhost", "port=%d" % receiver.port,
          "ca=" + certificates.ca)
    drive("append", 1, 10, 3, 0)
    drive("turn", 700)
    drive("skip", MINUTE)
    drive("turn", 100)
    t.equal("tls asks", "committed", sink(drive)["committed"], 0)
    drive.close()
    drive = Drive(build, root + "/spool", 0, 0, 0)
    drive("deliver", "a", "tls", "host=localhost", "port=%d" % receiver.port,
          "ca=" + certificates.ca, "certificate=" + certificates.client,
          "key=" + certificates.client_key)
    drive("turn", 700)
    t.equal("tls asks", "drain", settle(drive), "drained")
    t.check(wait_for(lambda: len(receiver.numbers()) >= 10), "tls asks", receiver.numbers())
    t.equal("tls asks", "all", first_seen(receiver.numbers()), wanted(10))
    drive.close()
    receiver.kill()


def test_bounded(t, build, root):
    """The receiver is gone: memory stays what it was, and the spool takes all."""
    drive = Drive(build, root + "/spool", 0, 0, 0)
    drive("deliver", "a", "stream", "path=" + root + "/nobody")
    drive("deliver", "b", "tcp", "host=127.0.0.1", "port=%d" % free_port())

    def resident():
        text = Path("/proc/%d/status" % drive.process.pid).read_text()
        return int(text.split("VmRSS:")[1].split()[0])
    drive("append", 1, 1000, 3, 300)
    drive("turn", 50)
    before = resident()
    for turn in range(20):
        drive("append", 1 + 1000 * (turn + 1), 1000, 3, 300)
        drive("turn", 20)
    grown = resident() - before
    t.check(grown < 20000, "bounded", "%d KiB more" % grown)
    print("receivers gone for 20,000 lines: %d KiB more" % grown)
    t.equal("bounded", "exit", drive.close(), 0)


def tests(build):
    yield test_unix_stream
    yield test_unix_killed
    yield test_unix_datagram
    for way in ("udp", "tcp", "tls"):
        yield lambda t, b, r, way=way: test_syslog(t, b, r, way)
    yield test_syslog_verified
    yield test_client_certificate
    yield test_bounded


def main():
    build = Path(sys.argv[1]).resolve()
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    t = Tally()
    for test in tests(build):
        if only not in test.__name__:
            continue
        with tempfile.TemporaryDirectory(prefix="deliver-") as root:
            test(t, build, root)
    return t.finish()


if __name__ == "__main__":
    sys.exit(main())
