#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sinks that reach over the network against real receivers and against faults: unix sockets,
rsyslog (UDP, TCP, TLS), nginx, and a server of HTTP that refuses, hangs, resets and takes half.

Usage: test_deliver.py BUILD-DIRECTORY. Receivers are started here, on loopback and in a directory
of their own, and ended here. What is promised stands in docs/feed.md: with each fault, every record
arrives in the end, in its order, and what comes twice comes with the same words.
"""
import json
import socket
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from receivers import Certificates, Http, Lines, Nginx, Rsyslog
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


# --- HTTP ---

def http_sink(drive, kind, server, *words):
    return drive("deliver", "a", kind, "url=" + server.url + ("/hook" if kind == "hook" else ""),
                 "index=alerts", "deadline=500", *words)


def test_http_faults(t, build, root, kind):
    """Refused, hang, slow, reset in mid-batch, 429, 503, nonsense, an answer without end: the sink
    says so, and all arrive in the end."""
    certificates = Certificates(root)
    server = Http(certificates)
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    t.equal(kind, "made", http_sink(drive, kind, server, "ca=" + certificates.ca), "ok")
    total = 0
    for mode, state in (("ok", "ok"), ("503", "away"), ("429/1", "away"), ("reset", "away"),
                        ("unanswered", "away"),
                        ("hang", "away"), ("slow", "ok"), ("junk", "broken"), ("endless", "broken"),
                        ("403", "broken"), ("302", "broken")):
        if kind == "hook" and mode in ("junk", "endless"):
            continue  # whatever it says, 200 is its word
        server.mode = mode
        drive("append", total + 1, 700, 3, 200)
        total += 700
        t.check(turn_until(drive, lambda s, w=state: s["state"] == w), kind + " " + mode,
                sink(drive))
        if state != "ok":
            t.equal(kind + " " + mode, "spool", drive.stats()["state"], "ok")
        server.mode = "ok"
        t.equal(kind + " " + mode, "drain", drive("drain", 40000), "drained")
        t.equal(kind + " " + mode, "state", sink(drive)["state"], "ok")
    port = server.port
    server.stop()
    drive("append", total + 1, 300, 3, 200)
    total += 300
    t.check(turn_until(drive, lambda s: s["state"] == "away"), kind + " refused", sink(drive))
    stored = server.stored
    server = Http(certificates, port=port)
    server.stored = stored
    t.equal(kind + " refused", "drain", drive("drain", 40000), "drained")
    t.equal(kind, "all of them", sorted(set(server.stored)), wanted(total))
    if kind != "bulk":
        t.equal(kind, "in order", first_seen(server.stored), wanted(total))
    t.equal(kind, "refused for good", sink(drive)["refused"], 0)
    print("%s, each fault once: %d of %d lines twice" % (kind, len(server.stored) - total, total))
    t.equal(kind, "exit", drive.close(), 0)
    server.stop()


def test_bulk_partly(t, build, root):
    """A fifth of each batch is turned away for now: the rest is known by its _id, nothing twice."""
    server = Http()
    server.mode = "partial"
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    http_sink(drive, "bulk", server)
    drive("append", 1, 2000, 3, 200)
    t.equal("bulk partly", "drain", drive("drain", 60000), "drained")
    t.equal("bulk partly", "each once", sorted(server.stored), wanted(2000))
    t.equal("bulk partly", "refused", sink(drive)["refused"], 0)
    server.mode, server.poison = "ok", {2003, 2007}
    drive("append", 2001, 10, 3, 0)
    t.equal("bulk mapping", "drain", drive("drain", 20000), "drained")
    t.equal("bulk mapping", "refused", sink(drive)["refused"], 2)
    t.check("mapper_parsing_exception" in sink(drive)["why"], "bulk mapping", sink(drive)["why"])
    t.equal("bulk mapping", "stored", len(server.stored), 2008)
    server.poison = set(range(2011, 2021))
    drive("append", 2011, 10, 3, 0)
    drive("turn", 500)
    t.equal("bulk index", "state", sink(drive)["state"], "broken")
    t.equal("bulk index", "refused", sink(drive)["refused"], 2)
    server.poison = set()
    t.equal("bulk index", "drain", drive("drain", 20000), "drained")
    t.equal("bulk index", "stored", sorted(server.stored)[-10:], list(range(2011, 2021)))
    t.equal("bulk", "exit", drive.close(), 0)
    server.stop()


def test_hook_poison(t, build, root):
    """One line is refused whatever it comes with: it alone is given up, and not before another was
    taken. A receiver that refuses all of them loses none."""
    server = Http()
    server.poison = {137, 600}
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    http_sink(drive, "hook", server, "plain=1")
    drive("append", 1, 600, 3, 100)
    drive("turn", 1500)
    t.equal("poison", "refused", sink(drive)["refused"], 1)
    t.equal("poison", "the last waits", sink(drive)["committed"], 599)
    drive("append", 601, 50, 3, 100)
    t.equal("poison", "drain", drive("drain", 30000), "drained")
    t.equal("poison", "refused", sink(drive)["refused"], 2)
    t.equal("poison", "all but these", first_seen(server.stored),
            [n for n in wanted(650) if n not in (137, 600)])
    server.mode = "400"
    drive("append", 651, 300, 3, 100)
    drive("turn", 1500)
    t.equal("all refused", "state", sink(drive)["state"], "broken")
    t.equal("all refused", "none given up", sink(drive)["refused"], 2)
    server.mode = "ok"
    t.equal("all refused", "drain", drive("drain", 40000), "drained")
    t.equal("all refused", "all", first_seen(server.stored)[-300:], list(range(651, 951)))
    t.equal("poison", "exit", drive.close(), 0)
    server.stop()


def test_hec_ack(t, build, root):
    """What the indexer has not acknowledged has not arrived; after two minutes it is sent again."""
    token = Path(root, "token")
    token.write_text("11111111-2222-3333-4444-555555555555\n")
    server = Http(token="Splunk " + token.read_text().strip())
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    http_sink(drive, "hec", server, "token=" + str(token), "ack=1")
    drive("append", 1, 1000, 3, 100)
    drive("turn", 500)
    t.equal("ack", "state", sink(drive)["state"], "broken")  # the token gives no ackId
    t.equal("ack", "committed", sink(drive)["committed"], 0)
    server.acks, server.acked, server.stored = True, False, []
    t.check(turn_until(drive, lambda s: len(server.stored) == 1000), "ack", len(server.stored))
    drive("turn", 1500)
    t.equal("ack", "not indexed", sink(drive)["committed"], 0)
    drive("skip", 120000)
    drive("turn", 1500)
    t.check(len(server.stored) > 1000, "ack", "again: %d" % len(server.stored))
    server.acked = True
    t.equal("ack", "drain", drive("drain", 20000), "drained")
    t.equal("ack", "all", sorted(set(server.stored)), wanted(1000))
    t.equal("ack", "exit", drive.close(), 0)
    drive = Drive(build, root + "/spool-2", 65536, 0, 0)
    token.write_text("wrong-secret")
    http_sink(drive, "hec", server, "token=" + str(token))
    drive("append", 1, 10, 3, 0)
    drive("turn", 500)
    t.equal("token", "state", sink(drive)["state"], "broken")
    t.check("401" in sink(drive)["why"] and "secret" not in sink(drive)["why"], "token",
            sink(drive)["why"])
    t.equal("token", "exit", drive.close(), 0)
    server.stop()


def test_https_verified(t, build, root):
    certificates = Certificates(root)
    server = Http(certificates)
    for name, words in (("authority", ["url=" + server.url, "ca=" + certificates.stranger]),
                        ("system", ["url=" + server.url])):
        drive = Drive(build, root + "/spool-" + name, 0, 0, 0)
        t.equal("https " + name, "made", drive("deliver", "a", "hook", *words), "ok")
        drive("append", 1, 10, 3, 0)
        drive("turn", 700)
        t.equal("https " + name, "state", sink(drive)["state"], "broken")
        t.check("certificate" in sink(drive)["why"], "https " + name, sink(drive)["why"])
        drive.close()
    t.equal("https", "arrived", server.stored, [])
    drive = Drive(build, root + "/spool", 0, 0, 0)
    for words, wrong in ((["url=ftp://x/"], "neither"), (["url=http://u:p@x/"], "address"),
                         (["url=http://x/", "token=/nowhere"], "printable"),
                         (["url=https://x/", "ca=/nowhere"], "cannot read"),
                         (["url=http://x/", "user=a"], "password")):
        said = drive("deliver", "a", "hook", *words)
        t.check(wrong in said, "https", said)
    t.check("index" in drive("deliver", "a", "bulk", "url=http://x", "index=a/b"), "https", "index")
    drive.close()
    server.stop()


def test_nginx(t, build, root):
    """A receiver that we did not write: its limit on bodies makes the batches smaller, it is killed
    and comes back. No proxy is taken from the environment."""
    certificates = Certificates(root)
    server = Nginx(root, certificates)
    server.start()
    drive = Drive(build, root + "/spool", 65536, 0, 0,
                  before=["env", "https_proxy=http://127.0.0.1:9", "ALL_PROXY=http://127.0.0.1:9"])
    drive("deliver", "a", "hook", "url=https://localhost:%d/x" % server.port,
          "ca=" + certificates.ca, "plain=1")
    drive("append", 1, 1000, 3, 400)
    t.equal("nginx", "drain", drive("drain", 20000), "drained")
    server.kill()
    drive("append", 1001, 1000, 3, 400)
    t.check(turn_until(drive, lambda s: s["state"] == "away"), "nginx", sink(drive))
    server.start()
    t.equal("nginx", "drain", drive("drain", 20000), "drained")
    t.equal("nginx", "all", first_seen(server.numbers()), wanted(2000))
    t.equal("nginx", "refused", sink(drive)["refused"], 0)
    t.equal("nginx", "exit", drive.close(), 0)
    server.kill()


def test_http_killed(t, build, root):
    """Our own process is killed: what was not answered is sent again."""
    server = Http()
    for turn in range(4):
        drive = Drive(build, root + "/spool", 65536, 0, 0)
        http_sink(drive, "hec", server)
        drive("append", turn * 500 + 1, 500, 3, 200)
        drive("commit")
        drive("turn", 1 + 3 * turn)
        drive.kill()
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    http_sink(drive, "hec", server)
    t.equal("hec killed", "drain", drive("drain", 20000), "drained")
    t.equal("hec killed", "all", first_seen(server.stored), wanted(2000))
    t.equal("hec killed", "exit", drive.close(), 0)
    server.stop()


# --- all of them ---

def test_bounded(t, build, root):
    """The receiver is gone: memory stays what it was, and the spool takes all."""
    drive = Drive(build, root + "/spool", 0, 0, 0)
    drive("deliver", "a", "stream", "path=" + root + "/nobody")
    drive("deliver", "b", "tcp", "host=127.0.0.1", "port=%d" % free_port())
    drive("deliver", "c", "bulk", "url=http://127.0.0.1:%d" % free_port(), "index=a")

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
        yield partial(test_syslog, way=way)
    yield test_syslog_verified
    yield test_client_certificate
    for kind in ("hec", "bulk", "hook"):
        yield partial(test_http_faults, kind=kind)
    yield test_bulk_partly
    yield test_hook_poison
    yield test_hec_ack
    yield test_https_verified
    yield test_nginx
    yield test_http_killed
    yield test_bounded


def name_of(test):
    return getattr(test, "func", test).__name__


def main():
    build = Path(sys.argv[1]).resolve()
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    t = Tally()
    for test in tests(build):
        if only not in name_of(test):
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="deliver-") as root:
            test(t, build, root)
        if only:
            print("%s: %.1f s" % (name_of(test), time.monotonic() - began))
    return t.finish()


if __name__ == "__main__":
    sys.exit(main())
