#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What was promised, from every source: directory, file of records, SQLite, Redis, and the Redis cache
of postfix-mta-sts-resolver; and what is said of sources that are wrong.

    test_promises.py BINARY [SHARED]

With SHARED the lab's captures are judged by the policies that its README lists.
The capture is tests/pcaps/sts-offer-missing-enforce, of 2026-11-21 10:00 UTC: mail in clear for
rcpt.test, whose server offers no STARTTLS. A redis-server is started here and ended here.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path

import run
from run import PCAPS, Tally
from test_store import Server

CAPTURE = PCAPS / "sts-offer-missing-enforce" / "input.pcap"
BODY = "version: STSv1\r\nmode: enforce\r\nmx: mx1.rcpt.test\r\nmax_age: 604800\r\n"
PACKETS = 1795255200  # 2026-11-21 10:00:00 UTC
RULE = "sts-offer-missing"


def record(fetched, body=BODY, domain="rcpt.test"):
    return json.dumps({"domain": domain, "fetched": fetched, "id": "a1", "body": body}) + "\n"


def severity(result):
    rows = dict(run.findings(result.sessions[0])) if result.sessions else {}
    return rows.get(RULE)


class Case:
    """The program on one capture, with sources in a directory of its own."""

    def __init__(self, tally, binary, root):
        self.tally, self.binary, self.root = tally, binary, Path(root)

    def read(self, name, *options, wanted, says=""):
        result = run.read_json(self.binary, CAPTURE, [str(o) for o in options])
        self.tally.equal(name, RULE, severity(result), wanted)
        self.tally.check(says in result.err, name, "stderr has no %r: %r" % (says, result.err[:300]))
        return result

    def refused(self, name, *options, says):
        result = run.read_json(self.binary, CAPTURE, [str(o) for o in options])
        self.tally.equal(name, "exit code", result.code, 2)
        self.tally.check(says in result.err, name, "stderr has no %r: %r" % (says, result.err[:300]))

    def policy(self, name, *words, code=0):
        done = subprocess.run([self.binary, "policy", *map(str, words)], capture_output=True,
                              encoding="utf-8", check=False)
        self.tally.equal(name, "exit code", done.returncode, code)
        return done

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        return path


def files(c):
    folder = c.write("policies/rcpt.test.txt", BODY).parent
    c.read("directory", "--policies", folder, wanted="high")
    c.read("one body", "--policies", folder / "rcpt.test.txt", wanted="high")
    c.read("at packet time", "--policies", c.write("a.json", record(PACKETS - 1)), wanted="high")
    c.read("before it existed", "--policies", c.write("b.json", record(PACKETS + 2 * 86400)),
           wanted=None)
    c.read("after its end", "--policies", c.write("c.json", record(PACKETS - 604801)), wanted=None)
    c.read("fetched later", "--policies", c.write("d.json", record(PACKETS + 3600)),
           wanted="medium")
    again = json.loads(record(PACKETS + 20 * 86400)) | {"since": PACKETS - 86400}
    c.read("fetched again and again", "--policies", c.write("e.json", json.dumps(again)), wanted="high")
    usable = c.write("u/rcpt.test.txt", BODY + "\r\n")
    c.read("usable alone", "--policies", usable, wanted="medium")


def directories(c):
    """What two mail servers keep, a file for each domain, beside files that are none of it."""
    policy = {"Mode": "enforce", "MaxAge": 604800, "MX": ["mx1.rcpt.test"]}
    for name, fetched, wanted in (("then", "2026-11-21T09:59:59.123456789Z", "high"),
                                  ("later", "2026-11-24T00:00:00Z", None)):
        c.write("maddy-%s/other.json" % name, '{"a": 1}')
        c.write("maddy-%s/broken.test" % name, '{"FetchTime": 1, "Policy": {}}')
        folder = c.write("maddy-%s/rcpt.test" % name, json.dumps(
            {"FetchTime": fetched, "ID": "20261121", "Policy": policy}) + "\n").parent
        c.read("maddy, fetched " + name, "--policies", folder, wanted=wanted,
               says="the cached policy of broken.test has no FetchTime")
    kept = {"version": "STSv1", "mode": "enforce", "mx": ["mx1.rcpt.test"],
            "max_age": 604800 * 10**9}
    for name, fetched, wanted in (("then", PACKETS - 1, "high"), ("ended", PACKETS - 604801, None),
                                  ("beyond all times", 15 * 10**9, None)):
        path = c.write("chasquid-%s/pol:rcpt.test" % name, json.dumps(kept))
        os.utime(path, (fetched + 604800, fetched + 604800))
        result = c.read("chasquid, fetched " + name, "--policies", path.parent, wanted=wanted)
        c.tally.equal("chasquid, fetched " + name, "sessions", len(result.sessions), 1)
    store = "sqlite:%s" % (c.root / "imported.db")
    out = c.policy("import", "import", "--state", store, c.root / "chasquid-then", folder).stdout
    c.tally.equal("import", "said", out.split(" imported")[0], "2 policies")


def looked_up(c):
    """Look-ups among records: judged by when they were made, and imported as the policies they found."""
    def line(checked, sts="policy", **more):
        return json.dumps({"domain": "rcpt.test", "checked": str(checked), "sts": sts} | more) + "\n"
    found = {"id": "a1", "body": BODY}
    for name, checked, wanted in (("before", PACKETS - 1, "high"), ("within a day", PACKETS + 3600, "medium"),
                                  ("two days later", PACKETS + 2 * 86400, None)):
        path = c.write("l-%s.json" % name, line(checked, **found))
        c.read("looked up " + name, "--policies", path, wanted=wanted)
    lines = line(PACKETS - 7200, **found) + line(PACKETS - 3600, "webpki", id="a1", why="it has expired")
    path = c.write("l-failed.json", lines)
    c.read("a failure after it", "--policies", path, wanted="high")
    mixed = c.write("l-wrong.json", line(PACKETS - 1, **found) + line(PACKETS, "none", more=1))
    c.read("a line that is wrong", "--policies", mixed, wanted="high", says="line 2: there is a member")
    store = "sqlite:%s" % (c.root / "looked-up.db")
    out = c.policy("import of look-ups", "import", "--state", store, path).stdout
    c.tally.equal("import of look-ups", "said", out.split(" imported")[0], "1 policy")
    c.read("imported look-ups", "--state", store, wanted="high")


class Tlspol(threading.Thread):
    """Answers `JSON DOMAIN` as postfix-tlspol does; it is no package of Debian. One connection."""

    def __init__(self, listener, answers):
        super().__init__(daemon=True)
        self.listener, self.answers, self.asked = listener, answers, []
        self.start()

    def run(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as lines:
            for answer in self.answers:
                length = b""
                while not length.endswith(b":"):
                    length += lines.read(1)
                self.asked.append(lines.read(int(length[:-1]) + 1).decode())
                connection.sendall(answer)


def tlspol_answer(domain, report):
    return json.dumps({"version": "1.9.0", "domain": domain,
                       "dane": {"policy": "", "time": 0.1, "ttl": 0},
                       "mta-sts": {"policy": "", "report": report, "time": 0.2, "ttl": 60}}
                      ).encode() + b"\n"


def tlspol(c):
    """Over both kinds of socket. What it says counts as fetched now."""
    report = "policy_type=sts policy_domain=rcpt.test mx_host_pattern=mx1.rcpt.test" + "".join(
        " { policy_string = %s }" % line for line in BODY.splitlines())
    good, none = tlspol_answer("rcpt.test", report), tlspol_answer("none.test", "")
    for family, address, where in (
            (socket.AF_INET, ("127.0.0.1", 0), "tlspol://127.0.0.1:%d/"),
            (socket.AF_UNIX, str(c.root / "tlspol.sock"), "tlspol+unix://%s/")):
        with socket.socket(family) as listener:
            listener.bind(address)
            listener.listen()
            name = listener.getsockname()
            where = where % (name[1] if family == socket.AF_INET else name)
            server = Tlspol(listener, [none, good])
            out = c.policy("tlspol", "export", "--policies", where + "none.test,rcpt.test").stdout
            server.join(10)
        c.tally.equal("tlspol", "asked", server.asked, ["JSON none.test,", "JSON rcpt.test,"])
        got = [json.loads(line) for line in out.splitlines()]
        c.tally.equal("tlspol", "domains", [p["domain"] for p in got], ["rcpt.test"])
        c.tally.equal("tlspol", "lines", [p["body"].splitlines() for p in got],
                      [BODY.splitlines()])
    for name, answers, says in (("of another", [tlspol_answer("other.test", report)],
                                 "another domain"), ("no answer", [b""], "closed the connection"),
                                ("PERM", [b"5:PERM ,\n"], "is no JSON"),
                                ("none", [none], "no policy in mode enforce")):
        domain = "none.test" if name == "none" else "rcpt.test"
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            Tlspol(listener, answers)
            c.refused("tlspol, " + name, "--policies",
                      "tlspol://127.0.0.1:%d/%s" % (listener.getsockname()[1], domain), says=says)
    c.refused("tlspol, away", "--policies", "tlspol+unix:///nowhere/sock/a.test",
              says="No such file")
    c.refused("tlspol, no domain", "--policies", "tlspol://127.0.0.1:1", says="/DOMAIN")


def pipes(c):
    """A pipe can be read once: nothing looks into it beforehand."""
    done = subprocess.run([c.binary, "policy", "export", "--policies", "/dev/stdin"],
                          input=record(PACKETS), capture_output=True, encoding="utf-8", check=False)
    c.tally.equal("a pipe", "exit code", done.returncode, 0)
    c.tally.equal("a pipe", "lines", len(done.stdout.splitlines()), 1)


def wrong_files(c):
    c.refused("nothing there", "--policies", c.root / "none", says="No such file")
    c.refused("no domain in the name", "--policies", c.write("x y.txt", BODY), says="DOMAIN.txt")
    c.refused("an empty directory", "--policies", c.write("e/readme", "").parent, says="DOMAIN.txt")
    c.refused("a page", "--policies", c.write("p/rcpt.test.txt", "<html>\n"),
              says="line 1: no colon")
    bad = c.write("bad.json", record(PACKETS - 1) + '{"domain":"a.test"}\n' + "{\n")
    c.read("bad lines are named, good ones count", "--policies", bad, wanted="high",
           says='bad.json: line 2: there is no "body"')
    c.refused("a bad partner", "--partners", c.write("partners", "a.test tls\nb.test maybe\n"),
              says="line 2: unknown demand: 'maybe'")
    c.refused("no list", "--preload", c.write("list.json", "{}"), says="the version is not 0.1")
    old = json.dumps({"timestamp": 1, "expires": 2, "version": "0.1",
                      "policies": {"rcpt.test": {"mode": "enforce", "mxs": [".rcpt.test"]}}})
    result = c.read("a list past its date", "--preload", c.write("old.json", old), wanted=None,
                    says="not for these packets")
    c.tally.equal("a list past its date", "warnings", result.err.count("not for these"), 1)
    c.refused("a foreign scheme", "--policies", "rediss://127.0.0.1/", says="stunnel")


def stores(c, where, name):
    """Import, replace and read back; the history judges the packets of its time."""
    c.policy(name, "import", "--state", where, c.write("n1.json", record(PACKETS - 86400)))
    c.read(name, "--policies", where, wanted="high")
    c.read(name + " as state", "--state", where, wanted="high")
    none = BODY.replace("enforce", "none")
    c.policy(name, "import", "--state", where, c.write("n2.json", record(PACKETS + 86400, none)))
    c.read(name + ": history", "--policies", where, wanted="high")
    out = c.policy(name, "export", "--policies", where).stdout.splitlines()
    c.tally.equal(name, "fetched", sorted(json.loads(line)["fetched"] for line in out),
                  ["2026-11-20T10:00:00.000000Z", "2026-11-22T10:00:00.000000Z"])
    c.tally.equal(name, "bodies", sorted(json.loads(line)["body"] for line in out),
                  sorted([BODY, none]))
    got = c.policy(name, "get", "rcpt.test", "--policies", where).stdout.splitlines()
    c.tally.equal(name, "get", sorted(got), sorted(out))
    c.policy(name, "get", "other.test", "--policies", where, code=1)
    c.policy(name, "import", "--state", where, c.write("n3.json", record(PACKETS, "<html>")),
             code=2)


def redis(c):
    server = Server(c.root, name="own")
    stores(c, server.url(), "redis")
    keys = server.ask("KEYS", "*")
    for key in (b"stripwatch:1:policy/rcpt.test", b"stripwatch:1:history/rcpt.test/%d" % (PACKETS - 86400)):
        c.tally.check(key in keys, "redis", "no key %r" % key)
    # fetch + max_age + a week of grace, as docs/redis.md has it
    c.tally.equal("redis", "expiry", server.ask("EXPIRETIME", "stripwatch:1:policy/rcpt.test"),
                  b":%d\r\n" % (PACKETS + 86400 + 2 * 604800))
    server.ask("SET", "stripwatch:1:policy/broken.test", "{")
    c.policy("redis", "import", "--state", server.url(),
             c.write("m.json", record(PACKETS, domain="broken.test")))
    c.tally.check(b"broken.test" in server.ask("GET", "stripwatch:1:policy/broken.test"), "redis",
                  "a broken record is not replaced")
    server.ask("SET", "stripwatch:1:policy/broken.test", "{")
    c.read("redis: a broken record", "--policies", server.url(), wanted="high", says="no JSON")
    server.kill()
    c.refused("redis is away", "--policies", server.url(), says="own.sock")


def foreign(c):
    """Its database is read and not written: not a key, not a byte."""
    server = Server(c.root, name="cache")
    pair = ["20261121T000000", {"mx": ["mx1.rcpt.test"], "version": "STSv1", "mode": "enforce",
                                "max_age": 604800}]
    member = uuid.UUID(int=0x0A0D00FF_01234567_89ABCDEF_22272900).bytes + json.dumps(pair).encode()
    add(server, "rcpt.test", PACKETS - 60.5, member)
    add(server, "broken.test", 1, b"short")
    server.ask("HSET", "_metadata", "proactive_fetch_ts", "1.0")
    server.ask("SET", "other.test", "a string")
    before = server.ask("DUMP", "rcpt.test"), server.ask("DBSIZE")
    c.read("the resolver's cache", "--policies", server.url(), wanted="high",
           says="the cached policy of 'broken.test'")
    c.tally.equal("the resolver's cache", "its keys", (server.ask("DUMP", "rcpt.test"),
                                                      server.ask("DBSIZE")), before)
    add(server, "rcpt.test", PACKETS + 2 * 86400, b"u" * 16 + json.dumps(pair).encode())
    server.ask("ZREMRANGEBYRANK", "rcpt.test", "0", "-2")
    c.read("the resolver's cache, later", "--policies", server.url(), wanted=None)
    server.stop()


def add(server, key, score, member):
    """ZADD with a member of any bytes."""
    words = [b"ZADD", key.encode(), b"%.1f" % score, member]
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(server.socket))
        s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        s.recv(100)


LAB = {"alder": "enforce", "birch": "enforce", "gum": "enforce", "elm": "testing",
       "pine": "testing", "oak": "none"}
# Of each set what its sessions must show, and nothing above info beside it.
LOUD = {
    "sts-strip-*.client.pcap": {"sts-offer-missing": "high"},
    "sts-garble-*.client.pcap": {"sts-offer-missing": "high", "starttls-garbled": "high"},
    "dns-mx-spoof-sts-*.client.pcap": {"sts-mx-mismatch": "medium"},
    "sts-*.server.pcap": {},
    "dns-*.server.pcap": {},
    "dns-strip-*.client.pcap": {},
}


# And what its DNS answers must show.
DISCOVERED = {
    "dns-mx-spoof-*.client.pcap": [("mx-spoofed", "medium", "alder.example")],
    "dns-strip-sts-*.client.pcap": [
        ("sts-record-suppressed", "medium", "_mta-sts.alder.example")],
}


def lab_discovery(c, folder, options):
    for pattern, wanted in DISCOVERED.items():
        for capture in sorted(folder.glob(pattern)):
            c.tally.equal(capture.name, "discovery",
                          run.read_json(c.binary, capture, options).discovery, wanted)
    for pattern in ("clean-*.pcap", "sts-*.pcap", "dane-*.pcap", "*.server.pcap"):
        for capture in sorted(folder.glob(pattern)):
            c.tally.equal(capture.name, "discovery",
                          run.read_json(c.binary, capture, options).discovery, [])


def lab(c, folder):
    """Judged by policies: the attacks give their findings, and no clean capture one that it would not
    have without them, but for the server that breaks alder.example's promise."""
    for name, mode in LAB.items():
        c.write("lab/%s.example.txt" % name, "version: STSv1\nmode: %s\nmx: mx1.%s.example\n"
                "max_age: 604800\n" % (mode, name))
    options = ["--policies", str(c.root / "lab")]
    for pattern, wanted in LOUD.items():
        for capture in sorted(folder.glob(pattern)):
            for turn, line in enumerate(run.read_json(c.binary, capture, options).sessions):
                # The sender enforces the policy: from its second try on it holds its mail back.
                held = {"delivery-held": "high"} if wanted and turn > 0 else {}
                c.tally.equal(capture.name, "loud", dict(run.loud(run.findings(line))),
                              wanted | held)
    lab_discovery(c, folder, options)
    for capture in sorted(folder.glob("clean-*.pcap")):
        before, after = (run.read_json(c.binary, capture, o).sessions for o in ([], options))
        for a, b in zip(before, after):
            new = set(run.loud(run.findings(b))) - set(run.loud(run.findings(a)))
            broken = "alder.example" in b["starttls"].get("clear", {}).get("rcpt_domains", [])
            plain = capture.name.startswith("clean-plain-server") and broken
            c.tally.equal(capture.name, "new", new, {(RULE, "high")} if plain else set())


def main():
    tally = Tally()
    shared = Path(sys.argv[2], "pcaps", "lab") if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as root:
        c = Case(tally, sys.argv[1], root)
        files(c)
        directories(c)
        looked_up(c)
        tlspol(c)
        wrong_files(c)
        pipes(c)
        stores(c, Path(root) / "state.db", "sqlite")
        if shared and shared.is_dir():
            lab(c, shared)
        else:
            tally.skip("the lab's captures by their policies")
        if shutil.which("redis-server"):
            try:
                redis(c)
                foreign(c)
            finally:
                for server in Server.all:
                    server.stop()
        else:
            tally.skip("policies in Redis: no redis-server")
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
