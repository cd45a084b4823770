#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The spool and its sinks against a real redis-server that is killed, restarted, full, paused and
refuses, and on a file system of a megabyte.

Usage: test_spool.py BUILD-DIRECTORY. Servers are started here, on sockets in a directory of their
own, and ended here. How long the longest turn of a sink took is printed and not asserted.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from run import Tally
from test_store import Fake, Server, encode, free_port, pump

MIB = 1 << 20


class Drive:
    """build/.../spool_drive: a line in, a line out."""

    def __init__(self, build, *options, before=()):
        self.process = subprocess.Popen([*before, str(build / "tests/spool_drive")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if options:
            self("open", *options)

    def __call__(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def stats(self):
        return json.loads(self("stats"))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code


def reply(server, *words):
    """Everything that a command answers; the server closes after QUIT."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(server.socket))
        s.sendall(encode(words) + encode(("QUIT",)))
        data = b""
        while True:
            more = s.recv(1 << 20)
            if not more:
                return data
            data += more


def numbers(data):
    """The n of every line, in order."""
    return [int(part.split(b"}")[0]) for part in data.split(b'{"n":')[1:]]


def first_seen(values):
    return list(dict.fromkeys(values))


def test_verbs(t, build, root):
    """What Redis has after each verb, and under which words it was put there."""
    server = Server(root)
    got = b""
    seen = threading.Event()
    listener = socket.socket(socket.AF_UNIX)
    listener.connect(str(server.socket))
    listener.sendall(encode(("SUBSCRIBE", "channel")))
    listener.recv(1000)
    drive = Drive(build, root + "/spool", 0, 0, 0)
    for name, verb, key in (("a", "lpush", "left"), ("b", "rpush", "right"),
                            ("c", "publish", "channel"), ("d", "xadd", "stream")):
        t.equal("verbs", verb, drive("redis", name, verb, key, 0, server.url()), "ok")
    drive("append", 1, 500, 2, 0)
    t.equal("verbs", "drain", drive("drain", 20000), "drained")
    want = list(range(1, 501))
    t.equal("verbs", "lpush", numbers(reply(server, "LRANGE", "left", "0", "-1")), want[::-1])
    t.equal("verbs", "rpush", numbers(reply(server, "LRANGE", "right", "0", "-1")), want)
    stream = reply(server, "XRANGE", "stream", "-", "+")
    t.equal("verbs", "xadd", numbers(stream), want)
    t.equal("verbs", "field", stream.count(b"$3\r\neve\r\n"), 500)
    listener.settimeout(5)
    while len(numbers(got)) < 500 and not seen.is_set():
        got += listener.recv(65536)
    t.equal("verbs", "publish", numbers(got), want)
    listener.close()
    t.equal("verbs", "exit", drive.close(), 0)
    server.stop()


def test_maxlen(t, build, root):
    server = Server(root)
    drive = Drive(build, root + "/spool", 0, 0, 0)
    drive("redis", "a", "stream", "s", 1000, server.url())
    drive("append", 1, 5000, 2, 0)
    t.equal("maxlen", "drain", drive("drain", 20000), "drained")
    length = int(reply(server, "XLEN", "s").split(b"\r\n")[0][1:])
    t.check(1000 <= length < 1200, "maxlen", "%d entries" % length)
    t.equal("maxlen", "exit", drive.close(), 0)
    server.stop()


def test_restarts(t, build, root):
    """Redis is killed and started again while alerts come: all arrive, in order, some twice."""
    port = free_port()
    server = Server(root, "--appendonly", "yes", "--appendfsync", "always", "--port", str(port),
                    "--bind", "127.0.0.1")
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    drive("redis", "a", "rpush", "suricata", 0, "redis://127.0.0.1:%d" % port)
    drive("turn", 200)
    total = 0
    for turn in range(5):
        drive("append", total + 1, 2000, 2, 300)
        total += 2000
        drive("turn", 3 + 4 * turn)
        server.kill()
        drive("append", total + 1, 200, 4, 300)
        total += 200
        drive("turn", 50)
        t.equal("restarts", "state", drive.stats()["sinks"][0]["state"], "away")
        t.equal("restarts", "spool", drive.stats()["state"], "ok")
        server.start()
        drive("turn", 100)
    t.equal("restarts", "drain", drive("drain", 60000), "drained")
    stats = drive.stats()
    got = numbers(reply(server, "LRANGE", "suricata", "0", "-1"))
    t.equal("restarts", "all of them", first_seen(got), list(range(1, total + 1)))
    t.equal("restarts", "lost", stats["lost"], 0)
    t.equal("restarts", "sink", stats["sinks"][0]["state"], "ok")
    print("killed five times: %d of %d lines twice; longest turn of a sink: %.2f ms of the processor"
          % (len(got) - total, total, stats["longest_us"] / 1000))
    t.equal("restarts", "exit", drive.close(), 0)
    server.stop()


def test_sensor_killed(t, build, root):
    """Our own process is killed with Redis away and with it there: what was committed arrives."""
    server = Server(root)
    file = root + "/eve.json"
    total = 0
    for turn in range(6):
        drive = Drive(build, root + "/spool", 65536, 0, 0)
        drive("redis", "a", "rpush", "suricata", 0, server.url())
        drive("file", "b", file)
        if turn % 2 == 1:
            server.ask("CLIENT", "PAUSE", "300")
        drive("append", total + 1, 700, 2, 200)
        total = int(drive("commit"))
        drive("turn", 2 * turn)
        drive.kill()
    drive = Drive(build, root + "/spool", 65536, 0, 0)
    drive("redis", "a", "rpush", "suricata", 0, server.url())
    drive("file", "b", file)
    t.equal("killed", "drain", drive("drain", 30000), "drained")
    want = list(range(1, total + 1))
    t.equal("killed", "committed", total, 4200)
    got = numbers(reply(server, "LRANGE", "suricata", "0", "-1"))
    t.equal("killed", "redis", sorted(set(got)), want)
    got = numbers(Path(file).read_bytes())
    t.equal("killed", "file", sorted(set(got)), want)
    t.equal("killed", "damaged", drive.stats()["damaged"], 0)
    t.equal("killed", "exit", drive.close(), 0)
    server.stop()


def test_refusals(t, build, root):
    """A key of another type, no rights, a full server, a loading one: told, and tried again."""
    server = Server(root, "--maxmemory-policy", "noeviction")
    drive = Drive(build, root + "/spool", 0, 0, 0)
    server.ask("SET", "k", "text")
    drive("redis", "a", "lpush", "k", 0, server.url())
    drive("append", 1, 300, 3, 0)
    drive("turn", 500)
    sink = drive.stats()["sinks"][0]
    t.equal("wrong type", "state", sink["state"], "broken")
    t.check("WRONGTYPE" in sink["why"], "wrong type", sink["why"])
    t.equal("wrong type", "committed", sink["committed"], 0)
    server.ask("DEL", "k")
    t.equal("wrong type", "drain", drive("drain", 30000), "drained")
    server.ask("CONFIG", "SET", "maxmemory", "1")
    drive("append", 301, 300, 3, 0)
    drive("turn", 500)
    sink = drive.stats()["sinks"][0]
    t.equal("full server", "state", sink["state"], "away")
    t.check("OOM" in sink["why"], "full server", sink["why"])
    server.ask("CONFIG", "SET", "maxmemory", "0")
    t.equal("full server", "drain", drive("drain", 30000), "drained")
    server.ask("ACL", "SETUSER", "default", "-lpush")
    drive("append", 601, 1, 3, 0)
    drive("turn", 500)
    sink = drive.stats()["sinks"][0]
    t.equal("no rights", "state", sink["state"], "broken")
    t.check("NOPERM" in sink["why"], "no rights", sink["why"])
    server.ask("ACL", "SETUSER", "default", "+lpush")
    t.equal("no rights", "drain", drive("drain", 30000), "drained")
    got = numbers(reply(server, "LRANGE", "k", "0", "-1"))
    t.equal("refusals", "all", first_seen(got[::-1]), list(range(1, 602)))
    t.equal("refusals", "exit", drive.close(), 0)
    server.stop()


def test_pause(t, build, root):
    """A server that stands still past the deadline: away, and back without a loss."""
    server = Server(root)
    drive = Drive(build, root + "/spool", 0, 0, 0)
    drive("redis", "a", "rpush", "k", 0, server.url())
    drive("append", 1, 10, 2, 0)
    drive("drain", 10000)
    server.ask("CLIENT", "PAUSE", "1500")
    drive("append", 11, 1000, 2, 0)
    drive("turn", 900)
    t.equal("pause", "state", drive.stats()["sinks"][0]["state"], "away")
    t.equal("pause", "drain", drive("drain", 30000), "drained")
    got = numbers(reply(server, "LRANGE", "k", "0", "-1"))
    t.equal("pause", "all", sorted(set(got)), list(range(1, 1011)))
    t.equal("pause", "exit", drive.close(), 0)
    server.stop()


def test_cut(t, build, root):
    """The connection is cut behind every so many bytes of the server's answers."""
    server = Server(root)

    def serve(client, number):
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(str(server.socket))
        threading.Thread(target=pump_quietly, args=(client, upstream), daemon=True).start()
        left = 4 * number + 1  # an answer has four to six bytes
        while left > 0:
            data = upstream.recv(left if number < 20 else 65536)
            if not data:
                break
            client.sendall(data)
            left -= len(data) if number < 20 else 0
        client.close()
        upstream.close()

    fake = Fake(root, serve, "cut")
    drive = Drive(build, root + "/spool", 0, 0, 0)
    drive("redis", "a", "rpush", "k", 0, fake.url())
    drive("append", 1, 300, 2, 0)
    t.equal("cut", "drain", drive("drain", 60000), "drained")
    got = numbers(reply(server, "LRANGE", "k", "0", "-1"))
    t.equal("cut", "all", sorted(set(got)), list(range(1, 301)))
    t.check(drive.stats()["sinks"][0]["again"] >= 5, "cut", "%r" % drive.stats())
    t.equal("cut", "exit", drive.close(), 0)
    fake.close()
    server.stop()


def pump_quietly(source, target):
    try:
        pump(source, target)
    except OSError:
        pass


def test_nonsense(t, build, root):
    """Answers that are no acknowledgement, byte by byte, or none of Redis at all."""
    says = [b"+OK\r\n", b"$-1\r\n", b":1\r\n:2\r\n:3\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"*1\r\n:1\r\n", b"$536870912\r\n", b"\0\0\0\0"]

    def serve(client, number):
        client.recv(65536)
        for byte in says[number % len(says)]:
            client.sendall(bytes([byte]))
        time.sleep(0.1)

    fake = Fake(root, serve, "nonsense")
    drive = Drive(build, root + "/spool", 0, 0, 0)
    drive("redis", "a", "xadd", "k", 0, fake.url())
    drive("append", 1, 1, 2, 0)
    drive("turn", 3000)
    stats = drive.stats()
    t.check(fake.connections >= 4, "nonsense", "%d connections" % fake.connections)
    t.equal("nonsense", "committed", stats["sinks"][0]["committed"], 0)
    t.equal("nonsense", "state", stats["sinks"][0]["state"], "away")
    t.equal("nonsense", "exit", drive.close(), 0)
    fake.close()


def fill(path):
    """A file that takes all the room there is."""
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            return


def test_small_disk(t, build, root):
    """A file system of a megabyte fills up under the spool: told from memory meanwhile, written when
    there is room."""
    small = root + "/small"
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small],
                      stderr=subprocess.DEVNULL).returncode != 0:
        t.skip("mounting is not allowed: a full file system")
        return
    server = Server(root)
    try:
        drive = Drive(build, small + "/spool", 65536, 0, 2 * MIB)
        drive("redis", "a", "rpush", "k", 0, server.url())
        fill(small + "/other")
        drive("append", 1, 3000, 2, 300)  # a megabyte
        drive("turn", 1500)
        stats = drive.stats()
        t.equal("small disk", "state", stats["state"], "disk full")
        t.equal("small disk", "lost", stats["lost"], 0)
        t.equal("small disk", "why", stats["why"],
                "the spool cannot be written: No space left on device")
        got = numbers(reply(server, "LRANGE", "k", "0", "-1"))
        t.equal("small disk", "told all the same", sorted(set(got)), list(range(1, 3001)))
        os.unlink(small + "/other")
        t.equal("small disk", "drain", drive("drain", 40000), "drained")
        t.equal("small disk", "state", drive.stats()["state"], "ok")
        t.equal("small disk", "exit", drive.close(), 0)
    finally:
        server.stop()
        subprocess.run(["umount", "-l", small], check=False)


def test_small_disk_order(t, build, root):
    """A full file system and nobody who reads: what is critical gets the place of what is low."""
    small = root + "/small"
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small],
                      stderr=subprocess.DEVNULL).returncode != 0:
        t.skip("mounting is not allowed: the order on a full file system")
        return
    try:
        drive = Drive(build, small + "/spool", 65536, 0, 65536)
        drive("redis", "a", "rpush", "k", 0, "redis+unix://%s/nobody" % root)
        written = 0
        for turn in range(100):  # in steps that the queue has room for, until the disk is full
            drive("append", 1 + 20 * turn, 20, 1, 1000)
            drive("commit")
            written += 20
            if drive.stats()["state"] != "ok":
                break
        t.equal("order", "full", drive.stats()["state"], "disk full")
        for turn in range(10):
            drive("append", 10001 + 20 * turn, 20, 4, 1000)
            time.sleep(0.2 + 0.05 * turn)
            drive("turn", 50)
        drive("turn", 4000)
        lost = drive.stats()["lost"]
        t.check(lost > 0, "order", "nothing lost")
        t.equal("order", "exit", drive.close(), 0)
        server = Server(root)
        drive = Drive(build, small + "/spool", 65536, 0, 0)
        drive("redis", "a", "rpush", "k", 0, server.url())
        t.equal("order", "drain", drive("drain", 20000), "drained")
        got = numbers(reply(server, "LRANGE", "k", "0", "-1"))
        t.equal("order", "critical", [n for n in got if n > 10000], list(range(10001, 10201)))
        t.equal("order", "there or counted", len(got) + lost, written + 200)
        t.equal("order", "exit", drive.close(), 0)
        server.stop()
    finally:
        subprocess.run(["umount", "-l", small], check=False)


def test_quota(t, build, root):
    """Redis is away for good: the quota holds, and what is lost is counted."""
    drive = Drive(build, root + "/spool", 65536, MIB, 0)
    drive("redis", "a", "rpush", "k", 0, "redis+unix://%s/nobody" % root)
    for turn in range(20):
        drive("append", 1 + 1000 * turn, 1000, turn % 5, 300)
        drive("turn", 1)
        size = sum(f.stat().st_size for f in Path(root, "spool").glob("*.spool"))
        t.check(size <= MIB, "quota", "%d bytes" % size)
    stats = drive.stats()
    t.check(stats["lost"] > 0, "quota", "nothing lost")
    t.equal("quota", "state", stats["state"], "ok")
    t.equal("quota", "exit", drive.close(), 0)
    server = Server(root)
    drive = Drive(build, root + "/spool", 65536, MIB, 0)
    drive("redis", "a", "rpush", "k", 0, server.url())
    t.equal("quota", "drain", drive("drain", 30000), "drained")
    got = numbers(reply(server, "LRANGE", "k", "0", "-1"))
    t.equal("quota", "there or counted", len(got) + stats["lost"], 20000)
    severity = [(n - 1) // 1000 % 5 for n in got]
    t.check(min(severity) >= 3, "quota", "severity %d stayed" % min(severity))
    t.equal("quota", "in order", got, sorted(got))
    t.equal("quota", "exit", drive.close(), 0)
    server.stop()


def main():
    t, build = Tally(), Path(sys.argv[1])
    for test in (test_verbs, test_maxlen, test_restarts, test_sensor_killed, test_refusals,
                 test_pause, test_cut, test_nonsense, test_small_disk, test_small_disk_order,
                 test_quota):
        root = tempfile.mkdtemp(prefix="sw-spool-")
        try:
            test(t, build, root)
        finally:
            for server in Server.all:
                server.stop()
            shutil.rmtree(root, ignore_errors=True)
    return t.finish()


if __name__ == "__main__":
    sys.exit(main())
