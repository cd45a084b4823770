#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The store against a real redis-server, and against servers that lie, stall and break off.

Usage: test_store.py BUILD-DIRECTORY. Servers are started here, on sockets in a directory of their
own, and ended here. What the packet loop waited at most is printed; how long is the machine's
business, so only outcomes are asserted.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from run import Tally

PASSWORD = "pass word/:@%"
QUOTED = "pass%20word%2F%3A%40%25"
SENSOR_ACL = ("ACL", "SETUSER", "sensor", "on", ">" + PASSWORD, "resetkeys", "~stripwatch:1:*",
              "resetchannels", "-@all", "+get", "+set", "+del", "+exists", "+scan", "+hgetall",
              "+hincrby", "+pexpireat", "+watch", "+unwatch", "+multi", "+exec", "+info",
              "+select")


class Server:
    """A redis-server of its own, by default on a unix socket alone."""
    all = []

    def __init__(self, root, *options, name="redis"):
        self.root, self.options = Path(root), options
        self.socket = self.root / (name + ".sock")
        self.process = None
        Server.all.append(self)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--dir",
             str(self.root), "--save", "", *self.options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                if "loading" not in str(self.ask("PING")).lower():
                    return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("redis-server does not start")

    def ask(self, *words):
        """One command as the default user; the raw reply."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(self.socket))
            s.sendall(encode(words))
            return s.recv(65536)

    def url(self, user="", options=""):
        return "redis+unix://%s%s%s" % (user and user + "@", self.socket, options)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


def encode(words):
    raw = [w.encode() if isinstance(w, str) else w for w in words]
    return b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in raw)


class Drive:
    """build/.../store_drive: a line in, a line out."""

    def __init__(self, build):
        self.process = subprocess.Popen([str(build / "tests/store_drive")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, *words):
        self.send(*words)
        return self.answer()

    def send(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()

    def answer(self):
        return self.process.stdout.readline().rstrip("\n")

    def stats(self):
        return json.loads(self("stats"))

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code


# --- a server that can be kept from answering ---------------------------------------------------


class Fake:
    """Accepts on a unix socket; `serve` gets each connection in a thread of its own."""

    def __init__(self, root, serve, name="fake"):
        self.path = str(Path(root) / (name + ".sock"))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(16)
        self.connections = 0
        threading.Thread(target=self.accept, args=(serve,), daemon=True).start()

    def accept(self, serve):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.run, args=(serve, connection), daemon=True).start()

    def run(self, serve, connection):
        try:
            serve(connection, self.connections)
        except OSError:
            pass
        connection.close()

    def url(self):
        return "redis+unix://" + self.path

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)


def pump(source, target, watch=None):
    """Copies until `watch` says stop; it sees what was copied so far."""
    seen = b""
    while True:
        data = source.recv(65536)
        if not data:
            return
        seen += data
        target.sendall(data)
        if watch and watch(seen):
            return


class Proxy(Fake):
    """In front of a server. On the connections in `cut` the answer to the first EXEC is lost: the
    command goes through, and then the connection is gone."""

    def __init__(self, root, server, cut, hold=0):
        self.server, self.cut, self.hold = server, cut, hold
        self.lost = 0
        super().__init__(root, self.serve, "proxy")

    def serve(self, client, number):
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(str(self.server.socket))
        cut = number in self.cut
        back = threading.Thread(target=self.back, args=(upstream, client, cut), daemon=True)
        back.start()
        pump(client, upstream, (lambda seen: b"EXEC\r\n" in seen) if cut else None)
        if cut:
            back.join(2)
            self.lost += 1
        client.close()
        upstream.close()

    def back(self, upstream, client, cut):
        try:
            while True:
                data = upstream.recv(65536)
                if not data or (cut and b"QUEUED" in data):
                    return
                client.sendall(data)
        except OSError:
            return


def tell_stall(name, stats):
    print("longest stall, %s: %.2f ms, of the processor %.2f ms" %
          (name, stats["longest_us"] / 1000, stats["cpu_us"] / 1000))


# --- tests --------------------------------------------------------------------------------------


def test_contract(t, build, root):
    """The same tests that memory and SQLite pass."""
    server = Server(root, "--appendonly", "no")
    got = subprocess.run([str(build / "tests/test_store_redis")], capture_output=True, text=True,
                         timeout=120, env=dict(os.environ, STRIPWATCH_REDIS=server.url()))
    t.check(got.returncode == 0, "contract", got.stdout[-2000:] + got.stderr[-4000:])
    server.stop()


def test_auth(t, build, root):
    server = Server(root, "--requirepass", PASSWORD)
    drive = Drive(build)
    file = Path(root) / "password"
    file.write_text(PASSWORD + "\n")
    t.equal("auth", "right password", drive("open", server.url(":" + QUOTED)), "ok ")
    t.equal("auth", "put", drive("put", "policy/a", "v"), "ok")
    t.equal("auth", "password file", drive("open", server.url(options="?password-file=%s" % file)),
            "ok ")
    t.equal("auth", "get", drive("get", "policy/a"), "ok v")
    t.equal("auth", "database", drive("open", server.url(":" + QUOTED, "?db=3")), "ok ")
    t.equal("auth", "nothing there", drive("get", "policy/a"), "missing ")
    for name, url in (("wrong", server.url(":hunter2")), ("no user", server.url("me:hunter2"))):
        got = drive("open", url)
        t.equal("auth " + name, "answer", got, "refused Redis refuses the user or the password")
    got = drive("open", server.url())
    t.check(got.startswith("refused ") and "NOAUTH" in got, "auth without", got)
    got = drive("open", server.url(":" + QUOTED, "?db=99"))
    t.check(got.startswith("refused Redis refuses the database"), "database out of range", got)
    t.equal("auth", "exit", drive.close(), 0)
    server.stop()


def test_acl(t, build, root):
    """The line of docs/redis.md is enough, and less of it is told."""
    server = Server(root)
    drive = Drive(build)
    url = server.url("sensor:" + QUOTED)
    t.check(server.ask(*SENSOR_ACL).startswith(b"+OK"), "acl", "not set")
    docs = (Path(__file__).resolve().parents[2] / "docs/redis.md").read_text()
    rights = " ".join(SENSOR_ACL[8:])
    t.check(rights in " ".join(docs.replace("\\\n", " ").split()), "acl", "docs differ: " + rights)
    t.equal("acl", "open", drive("open", url), "ok ")
    for words, want in ((("put", "policy/a", "v", 100), "ok"), (("get", "policy/a"), "ok v"),
                        (("remove", "policy/a"), "ok"), (("later", "policy/b", "v"), "ok"),
                        (("addlater", "count/x/d", "f", 2, "id1"), "ok"), (("drain", 5000), "ok"),
                        (("add", "count/x/d", "f", 2, "id1"), "ok"),
                        (("total", "count/x/d", "f"), "ok 2"), (("scan", "policy/"), "ok 1")):
        t.equal("acl", " ".join(map(str, words)), drive(*words), want)
    t.equal("acl", "dropped", drive.stats()["dropped"], 0)
    t.equal("acl", "another prefix", drive("open", url + "?prefix=other:"), "ok ")
    t.equal("acl", "put", drive("put", "policy/a", "v"), "refused")
    t.equal("acl", "get", drive("get", "policy/a"), "refused ")
    drive("later", "policy/a", "v")
    t.equal("acl", "drain", drive("drain", 3000), "ok")
    t.equal("acl", "dropped", drive.stats()["dropped"], 1)
    server.ask("ACL", "SETUSER", "sensor", "-info")
    t.equal("acl", "without INFO", drive("open", url), "ok ")
    t.check("could not be looked at" in drive("warnings"), "acl", drive("warnings"))
    server.ask("ACL", "SETUSER", "sensor", "-multi")
    t.equal("acl", "without MULTI", drive("add", "count/x/d", "g", 1, "id2"), "refused")
    t.equal("acl", "exit", drive.close(), 0)
    server.stop()


def test_warnings(t, build, root):
    drive = Drive(build)
    server = Server(root, "--appendonly", "no", "--maxmemory-policy", "volatile-lru")
    drive("open", server.url())
    said = drive("warnings")
    t.check("append-only" in said and "volatile-lru" in said, "warnings", said)
    server.stop()
    server = Server(root, "--appendonly", "yes", "--maxmemory-policy", "noeviction")
    drive("open", server.url())
    t.equal("warnings", "of a good server", drive("warnings"), "")
    server.stop()
    address = own_address()
    if not address:
        t.skip("no address of this machine but loopback: the warning of a missing password")
    else:
        port = free_port()
        server = Server(root, "--appendonly", "yes", "--port", str(port), "--bind", address,
                        "--protected-mode", "no")
        drive("open", "redis://%s:%d" % (address, port))
        t.check("without a password" in drive("warnings"), "warnings", drive("warnings"))
        server.ask("CONFIG", "SET", "requirepass", PASSWORD)
        drive("open", "redis://:%s@%s:%d" % (QUOTED, address, port))
        t.check("in clear" in drive("warnings"), "warnings", drive("warnings"))
        server.stop()
    got = drive("open", server.url(), 200)
    t.check(got.startswith("away"), "no server", got)
    t.check("cannot connect" in drive("warnings"), "no server", drive("warnings"))
    t.equal("no server", "stats", drive.stats()["away"], True)
    got = drive("open", "redis://127.0.0.1:%d" % free_port(), 200)
    t.check(got.startswith("away"), "no server by network", got)
    t.equal("warnings", "exit", drive.close(), 0)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # sends nothing
            address = s.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith("127.") else address


def test_network(t, build, root):
    """By TCP, by a name, and through a restart on the same port."""
    port = free_port()
    server = Server(root, "--port", str(port), "--bind", "127.0.0.1")
    drive = Drive(build)
    t.equal("tcp", "open", drive("open", "redis://localhost:%d/1" % port), "ok ")
    t.equal("tcp", "put", drive("put", "policy/a", "v"), "ok")
    server.kill()
    server.start()
    t.equal("tcp", "after a restart", drive("get", "policy/a"), "missing ")
    t.equal("tcp", "exit", drive.close(), 0)
    server.stop()


def come_back(drive):
    """Turns until Redis has answered again; the back-off takes its time."""
    for _ in range(200):
        drive("tick", 30)
        if not drive.stats()["away"]:
            return


def test_kill(t, build, root):
    """kill -9 again and again while later writes go on: what was acknowledged stays."""
    # everysec writes up to two seconds after its answer while an fsync is under way
    server = Server(root, "--appendonly", "yes", "--appendfsync", "always")
    drive = Drive(build)
    drive("open", server.url())
    acknowledged = []
    for turn in range(6):
        for i in range(200):
            drive("later", "policy/%d.%d" % (turn, i), "v%d" % i)
        for i in range(5):
            if drive("put", "policy/now.%d.%d" % (turn, i), "w") == "ok":
                acknowledged.append("policy/now.%d.%d" % (turn, i))
        drive("add", "count/x/d", "f", 1, "id%d" % turn)
        drive("addlater", "count/x/d", "g", 1, "later%d" % turn)
        drive("tick", 1 + turn)  # in the middle of it
        server.kill()
        drive("tick", 30)
        t.equal("kill", "away", drive.stats()["away"], True)
        server.start()
        come_back(drive)
    t.equal("kill", "drain", drive("drain", 60000), "ok")
    server.kill()
    server.start()
    drive("addlater", "count/x/d", "h", 1, "last")
    come_back(drive)
    missing = [k for k in acknowledged if drive("get", k) != "ok w"]
    t.check(len(acknowledged) >= 25 and not missing, "kill", "lost %r" % missing[:5])
    t.equal("kill", "later ones", drive("scan", "policy/"), "ok %d" % (6 * 200 + len(acknowledged)))
    t.equal("kill", "counted once", drive("total", "count/x/d", "g"), "ok 6")
    stats = drive.stats()
    t.equal("kill", "dropped", stats["dropped"], 0)
    t.check(stats["reconnects"] >= 6, "kill", "reconnects %d" % stats["reconnects"])
    tell_stall("kill -9", stats)
    t.equal("kill", "exit", drive.close(), 0)
    server.stop()


def test_pause(t, build, root):
    """A server that stands still, by CLIENT PAUSE and by SIGSTOP: the loop goes on."""
    server = Server(root, "--requirepass", PASSWORD)
    drive = Drive(build)
    drive("open", server.url(":" + QUOTED), 300)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(server.socket))
        s.sendall(encode(("AUTH", PASSWORD)) + encode(("CLIENT", "PAUSE", "1500")))
        s.recv(100)
    drive("many", "policy/", 1500, 4000)
    drive("flush", "count/x/d", 1000, "id1")
    t.equal("pause", "tick", drive("tick", 1200) in ("away", "ok"), True)
    t.equal("pause", "away", drive.stats()["away"], True)
    t.equal("pause", "queued", drive.stats()["queued"], 1501)
    t.equal("pause", "get", drive("get", "policy/1")[:4], "away")
    t.equal("pause", "drain", drive("drain", 30000), "ok")
    server.process.send_signal(signal.SIGSTOP)
    drive("many", "policz/", 1500, 4000)
    drive("addlater", "count/x/d", "f1", 1, "id2")
    drive("tick", 1500)
    t.check(drive.stats()["queued"] > 0, "stop", "nothing is queued")
    server.process.send_signal(signal.SIGCONT)
    t.equal("stop", "drain", drive("drain", 30000), "ok")
    t.equal("pause", "scan", drive("scan", "poli"), "ok 3000")
    t.equal("pause", "counted", drive("total", "count/x/d", "f1"), "ok 2")
    stats = drive.stats()
    t.equal("pause", "dropped", stats["dropped"], 0)
    tell_stall("CLIENT PAUSE and SIGSTOP", stats)
    t.equal("pause", "exit", drive.close(), 0)
    server.stop()


def test_full(t, build, root):
    """maxmemory with noeviction: refused and said, kept, and written once there is room."""
    server = Server(root, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
    drive = Drive(build)
    drive("open", server.url())
    for i in range(200):
        if drive("put", "policy/%d" % i, "v" * 4000) != "ok":
            break
        server.ask("APPEND", "foreign", "x" * 20000)
    t.equal("full", "put", drive("put", "policy/x", "v" * 4000), "full")
    t.equal("full", "add", drive("add", "count/x/d", "f", 1, "id1"), "full")
    t.check("OOM" in drive.stats()["last_error"], "full", drive.stats()["last_error"])
    drive("later", "policy/y", "v" * 4000)
    drive("addlater", "count/x/d", "f", 1, "id2")
    drive("tick", 700)
    t.equal("full", "queued", drive.stats()["queued"], 2)
    t.equal("full", "get while full", drive("get", "policy/0"), "ok " + "v" * 4000)
    server.ask("CONFIG", "SET", "maxmemory", "0")
    t.equal("full", "drain", drive("drain", 30000), "ok")
    t.equal("full", "get", drive("get", "policy/y"), "ok " + "v" * 4000)
    t.equal("full", "total", drive("total", "count/x/d", "f"), "ok 1")
    t.equal("full", "dropped", drive.stats()["dropped"], 0)
    t.equal("full", "exit", drive.close(), 0)
    server.stop()


def test_wrong_type(t, build, root):
    server = Server(root)
    drive = Drive(build)
    drive("open", server.url())
    server.ask("LPUSH", "stripwatch:1:policy/a", "x")
    server.ask("SET", "stripwatch:1:count/x/d", "x")
    server.ask("HSET", "stripwatch:1:count/y/d", "f", "no number")
    server.ask("ZADD", "other", "1", "x")
    t.equal("wrong type", "get", drive("get", "policy/a"), "wrong ")
    t.equal("wrong type", "scan", drive("scan", ""), "ok 0")
    t.equal("wrong type", "total", drive("total", "count/x/d", "f"), "wrong 0")
    t.equal("wrong type", "add", drive("add", "count/x/d", "f", 1, "id1"), "wrong")
    t.equal("wrong type", "add", drive("add", "count/y/d", "f", 1, "id2"), "wrong")
    t.equal("wrong type", "add", drive("add", "count/y/d", "g", 1, "id3"), "ok")
    t.equal("wrong type", "total", drive("total", "count/y/d", "g"), "ok 1")
    drive("addlater", "count/x/d", "f", 1, "id4")
    t.equal("wrong type", "drain", drive("drain", 5000), "ok")
    t.equal("wrong type", "put heals", drive("put", "policy/a", "v"), "ok")
    t.equal("wrong type", "get", drive("get", "policy/a"), "ok v")
    t.check(drive.stats()["wrong"] >= 4, "wrong type", "counted %r" % drive.stats())
    t.equal("wrong type", "exit", drive.close(), 0)
    server.stop()


REPLIES = {
    "half a status": b"+O", "half a bulk": b"$10\r\nabc", "half a length": b"$1",
    "half an array": b"*3\r\n$1\r\na\r\n", "garbage": b"\x00\xff\x16\x03\x01\r\n\r\n" * 40,
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n", "huge bulk": b"$536870912\r\nabc",
    "beyond 64 bits": b"$99999999999999999999999\r\n", "negative": b"$-2\r\n",
    "huge array": b"*1048576\r\n", "largest array": b"*2147483647\r\n",
    "nested": b"*1\r\n" * 1000, "wide": b"*60000\r\n" * 7, "endless line": b"+" + b"a" * 6000000,
    "endless bulk": b"$6000000\r\n" + b"a" * 6000000, "integers": b":1\r\n" * 1000,
    "nils": b"*-1\r\n" * 1000, "errors": b"-ERR no\r\n" * 1000, "OK": b"+OK\r\n" * 1000,
    "RESP3": b"%1\r\n+a\r\n:1\r\n", "nothing": b"",
}


def test_replies(t, build, root):
    """Bytes that no Redis sends, then the end or silence: no crash, no acknowledgement, no hang."""
    for name, reply in REPLIES.items():
        for stays in (False, True):
            def serve(connection, _number, reply=reply, stays=stays):
                connection.recv(65536)
                connection.sendall(reply)
                if stays:
                    while connection.recv(65536):
                        pass
            fake = Fake(root, serve)
            drive = Drive(build)
            what = "%s, %s" % (name, "stays" if stays else "ends")
            opened = drive("open", fake.url(), 100)
            if opened.startswith(("ok", "away")):
                drive("later", "policy/a", "v")
                drive("addlater", "count/x/d", "f", 1, "id")
                drive("tick", 250)
                for words in (("get", "policy/a"), ("scan", "policy/"), ("total", "count/x/d", "f"),
                              ("add", "count/x/d", "f", 1, "id2")):
                    got = drive(*words).split(" ")[0]
                    bad = got == "ok" and name != "nils"
                    t.check(not bad, what, "%s is %r" % (words[0], got))
                stats = drive.stats()
                if name not in ("OK", "errors", "integers"):
                    t.equal(what, "acknowledged", stats["acknowledged"], 0)
            else:
                t.check(name == "errors", what, "open says %r" % opened)
            t.check(fake.connections < 60, what, "%d connections" % fake.connections)
            t.equal(what, "exit", drive.close(), 0)
            fake.close()


def test_lost_reply(t, build, root):
    """EXEC goes through, its answer does not come back: counted once nevertheless."""
    server = Server(root)
    proxy = Proxy(root, server, cut={1, 2, 4})
    drive = Drive(build)
    t.equal("lost reply", "open", drive("open", proxy.url(), 1000), "ok ")
    drive("addlater", "count/x/d", "f", 5, "id1")
    t.equal("lost reply", "drain", drive("drain", 10000), "ok")
    t.equal("lost reply", "total", drive("total", "count/x/d", "f"), "ok 5")
    for i in range(2, 6):
        drive("add", "count/x/d", "f", 5, "id%d" % i)
        drive("add", "count/x/d", "f", 5, "id%d" % i)
    t.equal("lost reply", "total", drive("total", "count/x/d", "f"), "ok 25")
    t.check(proxy.lost >= 2, "lost reply", "only %d were lost" % proxy.lost)
    t.equal("lost reply", "acknowledged", drive.stats()["dropped"], 0)
    t.equal("lost reply", "exit", drive.close(), 0)
    proxy.close()
    server.stop()


def test_late_transaction(t, build, root):
    """A transaction that was given up reaches Redis after its repetition: WATCH stops it."""
    server = Server(root)
    held = []

    def serve(client, number):
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(str(server.socket))
        if number > 1:
            threading.Thread(target=pump, args=(upstream, client), daemon=True).start()
            pump(client, upstream)
            return
        seen = b""
        while True:
            data = client.recv(65536)
            if not data:
                return
            if b"MULTI" in data:
                held.append((upstream, data))
                client.close()
                return
            seen += data
            upstream.sendall(data)
            time.sleep(0.05)
            client.sendall(upstream.recv(65536))

    fake = Fake(root, serve)
    drive = Drive(build)
    drive("open", fake.url(), 2000)
    drive("addlater", "count/x/d", "f", 5, "id1")
    t.equal("late transaction", "drain", drive("drain", 10000), "ok")
    t.equal("late transaction", "held", len(held), 1)
    for upstream, data in held:
        upstream.sendall(data)
        time.sleep(0.1)
        t.check(upstream.recv(65536).endswith(b"*-1\r\n"), "late transaction", "was not stopped")
    t.equal("late transaction", "total", drive("total", "count/x/d", "f"), "ok 5")
    t.equal("late transaction", "exit", drive.close(), 0)
    fake.close()
    server.stop()


def test_backlog(t, build, root):
    """An address that takes no connection and refuses none."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fill = [socket.socket() for _ in range(8)]
        for s in fill:
            s.setblocking(False)
            s.connect_ex(address)
        drive = Drive(build)
        got = drive("open", "redis://127.0.0.1:%d" % address[1], 200)
        t.check(got.startswith("away"), "backlog", got)
        drive("many", "policy/", 50, 130000)
        drive("tick", 1000)
        stats = drive.stats()
        t.equal("backlog", "queued", stats["queued"], 50)
        t.equal("backlog", "last error", stats["last_error"], "Redis does not answer in time")
        tell_stall("no connection", stats)
        t.equal("backlog", "exit", drive.close(), 0)
        for s in fill:
            s.close()


def test_large(t, build, root):
    """The largest values and the largest flushes, as fast as they go."""
    server = Server(root)
    drive = Drive(build)
    drive("open", server.url())
    key = "count/" + "k" * 390
    for i in range(8):
        drive("many", "policy/%d." % i, 50, 131072)
        t.equal("large", "flush", drive("flush", key, 1024, "id%d" % i), "ok")
        drive("tick", 400)
    t.equal("large", "drain", drive("drain", 10000), "ok")
    t.equal("large", "scan", drive("scan", "policy/"), "ok 400")
    t.equal("large", "total", drive("total", key, "f1023"), "ok 8")
    stats = drive.stats()
    t.equal("large", "dropped", stats["dropped"], 0)
    tell_stall("large values", stats)
    t.equal("large", "exit", drive.close(), 0)
    server.stop()


def test_secrets(t, build, root):
    """A server that repeats what it is sent does not make us say the password."""
    def serve(connection, _number):
        data = connection.recv(65536)
        connection.sendall(b"-ERR unknown command 'AUTH', with args beginning with: " +
                           data.replace(b"\r\n", b" ") + b"\r\n")
    fake = Fake(root, serve)
    drive = Drive(build)
    got = drive("open", fake.url().replace("unix://", "unix://:hunter2@"), 300)
    t.check(got.startswith("refused") and "hunter2" not in got, "secrets", got)
    t.equal("secrets", "exit", drive.close(), 0)
    fake.close()


TESTS = (test_contract, test_auth, test_acl, test_warnings, test_network, test_kill, test_pause,
         test_full, test_wrong_type, test_replies, test_lost_reply, test_late_transaction,
         test_backlog, test_large, test_secrets)


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: test_store.py BUILD-DIRECTORY [TEST...]")
    build = Path(sys.argv[1]).resolve()
    t = Tally()
    if not shutil.which("redis-server"):
        t.skip("no redis-server: the store against Redis", len(TESTS))
        sys.exit(t.finish())
    for test in TESTS:
        if len(sys.argv) > 2 and test.__name__ not in sys.argv[2:]:
            continue
        with tempfile.TemporaryDirectory(prefix="store-") as root:
            try:
                test(t, build, root)
            finally:
                for server in Server.all:
                    server.stop()
    sys.exit(t.finish())


if __name__ == "__main__":
    main()
