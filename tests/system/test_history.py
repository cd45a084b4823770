#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What was learnt outlives the run: in a file, in a Redis that is shared, killed and filled with nonsense.

    test_history.py BUILD

tests/bench/monthgen.c makes the mail and says what each session is; so how many sessions have to be counted
is arithmetic.
"""
import json
import re
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from run import Tally
from test_store import Server

PCAPS = Path(__file__).resolve().parents[1] / "pcaps"
KEPT = b"stripwatch:1:"
FLUSH_S = 60
TAIL_S = 4 * 3600  # of packets that the reader may still hold when the pipe is empty
SESSION_S = 900  # the longest that a session takes to come to TLS, greylisting tarpits included


class Mail:
    """A capture in memory: header, and packets with their times."""

    def __init__(self, path):
        raw = Path(path).read_bytes()
        self.head, self.packets, at = raw[:24], [], 24
        while at < len(raw):
            seconds, _, length, _ = struct.unpack_from("<IIII", raw, at)
            self.packets.append((seconds, raw[at:at + 16 + length]))
            at += 16 + length

    def part(self, first, last):
        return self.head + b"".join(p for t, p in self.packets if first <= t < last)

    def ends(self):
        return self.packets[0][0], self.packets[-1][0] + 1


def make(build, root, name, **wanted):
    """A capture, and for each of its sessions when it begins, and whether it comes to TLS: y, n, or - for may."""
    truth, pcap = root / (name + ".tsv"), root / (name + ".pcap")
    words = [str(w) for key, value in wanted.items() for w in ("--" + key, value)]
    with open(pcap, "wb") as out:
        subprocess.run([build + "/tests/monthgen", *words, "--truth", truth], stdout=out,
                       stderr=subprocess.DEVNULL, check=True)
    cells = [line.split("\t") for line in truth.read_text().splitlines()]
    return Mail(pcap), [(float(c[4]), c[9]) for c in cells]


def sessions(truth, first=0, last=1 << 40):
    """How many came to TLS of those that began then: at least and at most."""
    those = [tls for begin, tls in truth if first <= begin < last]
    return those.count("y"), those.count("y") + those.count("-")


def within(t, name, got, before, wanted):
    t.check(before + wanted[0] <= got <= before + wanted[1], name,
            "%d sessions are counted, not %d to %d" % (got, before + wanted[0], before + wanted[1]))


class Sensor:
    def __init__(self, build, state, *options):
        self.command = [build + "/stripwatch", "read", "--json", "--exit-zero", *(("--state", state) if state else ()),
                        *options, "-"]

    def begin(self):
        return subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def read(self, capture):
        got = subprocess.run(self.command, input=capture, capture_output=True, timeout=300)
        return got.returncode, [json.loads(line) for line in got.stdout.splitlines()], got.stderr.decode()


def findings(lines):
    """Of each session: its findings with their ids."""
    return {line["flow_id"]: sorted((f["finding_id"], f["severity"]) for f in line["starttls"]["findings"])
            for line in lines if line["event_type"] == "smtp"}


def talk(server, *words):
    """A whole reply of Redis, however long, as what it holds."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(server.socket))
        s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return reply(s.makefile("rb"))


def reply(file):
    line = file.readline()
    kind, rest = line[:1], line[1:-2]
    if kind == b"*":
        return [reply(file) for _ in range(int(rest))]
    if kind == b"$":
        return file.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
    return int(rest) if kind == b":" else rest


def upgraded(fields):
    """Sessions that came to TLS, of the fields of a server."""
    return sum(n for field, n in fields if re.fullmatch(rb"(?:\d+:)?u\d\d", field))


def in_redis(server):
    total = 0
    for key in talk(server, b"KEYS", KEPT + b"count/server/*"):
        flat = talk(server, b"HGETALL", key)
        total += upgraded(zip(flat[::2], map(int, flat[1::2])))
    return total


def in_file(path):
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT key, field, total FROM counter").fetchall()
    return upgraded((field, n) for key, field, n in rows if key.startswith(b"count/server/"))


# --- tests --------------------------------------------------------------------------------------


def test_next_run(t, build, root):
    """The second run finds what it would have found if it had been the same as the first."""
    mail, _ = make(build, root, "month", sessions=6000, attacks=60, days=20, servers=60, clients=50, seed=3)
    first, last = mail.ends()
    middle = first + (last - first) * 2 // 3
    one = findings(Sensor(build, None).read(mail.part(first, last))[1])
    alone = findings(Sensor(build, None).read(mail.part(middle, last))[1])
    for state in (str(root / "state.db"), Server(root, name="month").url()):
        Sensor(build, state).read(mail.part(first, middle))
        _, second, said = Sensor(build, state).read(mail.part(middle, last))
        kept = {flow: found for flow, found in findings(second).items() if flow in one}
        differ = [flow for flow in kept if kept[flow] != one[flow]]
        t.check(len(kept) > 1000, "next run", "%d sessions" % len(kept))
        t.check(len(differ) * 200 <= len(kept), "next run", "%d of %d differ" % (len(differ), len(kept)))
        t.check("make no sense" not in said, "next run", said)
        without = sum(alone[flow] != one[flow] for flow in kept)
        t.check(without > 3 * len(differ), "next run", "%d differ without the memory, %d with it" % (without, len(differ)))


def test_incompatible(t, build, root):
    """A client that an alert told of once has it told no more by the next run, whatever the server."""
    mail = Mail(PCAPS / "plaintext-fallback-alert-elsewhere" / "input.pcap")
    first, last = mail.ends()
    middle = first + 3600  # behind the first server of three
    for state in (str(root / "incompatible.db"), Server(root, name="incompatible").url()):
        for begin, end, wanted in ((first, middle, {"low"}), (middle, last, {"info"})):
            lines = Sensor(build, state).read(mail.part(begin, end))[1]
            said = [f["severity"] for line in lines if line["event_type"] == "smtp"
                    for f in line["starttls"]["findings"]]
            t.equal("incompatible", "severities of the findings from %d on" % begin, set(said), wanted)


def cut(mail):
    """Behind its first connection: the second that the longest silence ends with."""
    times = [second for second, _ in mail.packets]
    return max(zip(times, times[1:]), key=lambda pair: pair[1] - pair[0])[1]


def test_attempts(t, build, root):
    """A handshake is cut off, the sensor restarted, and then its client comes in clear: both flows are named."""
    for name, found in (("within-six-hours", True), ("other-host", True), ("beyond-six-hours", False),
                        ("other-client", False), ("other-owner", False)):
        mail = Mail(PCAPS / ("plaintext-fallback-" + name) / "input.pcap")
        first, last = mail.ends()
        middle = cut(mail)
        for state in (str(root / (name + ".db")), Server(root, name=name).url()):
            runs = [Sensor(build, state).read(mail.part(*part)) for part in ((first, middle), (middle, last))]
            before, after = ([line for line in lines if line["event_type"] == "smtp"] for _, lines, _ in runs)
            t.equal("attempts", name + ": sessions", (len(before), len(after)), (1, 1))
            rules = [f["rule"] for f in after[0]["starttls"]["findings"]]
            t.equal("attempts", name + ": fallback", "plaintext-fallback" in rules, found)
            t.equal("attempts", name + ": linked flows", after[0]["starttls"].get("linked", []),
                    [str(before[0]["flow_id"])] if found else [])
            t.check("make no sense" not in runs[1][2], "attempts", runs[1][2])


def of_offers(lines):
    """Of each session: what was found of its offer."""
    return [[(f["rule"], f["severity"]) for f in line["starttls"]["findings"] if f["rule"] == "starttls-removed"]
            for line in lines if line["event_type"] == "smtp"]


def test_doubts(t, build, root):
    """A server begins to deviate, and whenever the sensor is restarted: what it says is what it would have said."""
    for name in ("server-set-up-anew", "again"):
        mail = Mail(PCAPS / ("starttls-vanished-" + name) / "input.pcap")
        first, last = mail.ends()
        whole = of_offers(Sensor(build, None).read(mail.part(first, last))[1])
        times = [second for second, _ in mail.packets]
        cuts = [after for before, after in zip(times, times[1:]) if after - before >= 300][-8:]
        t.equal("doubts", name + ": cuts", len(cuts), 8)
        where = [str(root / (name + "%d.db")) % i for i in range(8)]
        where[-1] = Server(root, name="doubts-" + name).url()
        for state, middle in zip(where, cuts):
            runs = [Sensor(build, state).read(mail.part(*part)) for part in ((first, middle), (middle, last))]
            t.equal("doubts", "%s, restarted %d s behind its begin" % (name, middle - first),
                    sum((of_offers(lines) for _, lines, _ in runs), []), whole)
            t.check("make no sense" not in runs[1][2], "doubts", runs[1][2])


def test_counts(t, build, root, mail, truth):
    """Each session counts once; the same capture read twice counts twice."""
    path, once = root / "count.db", 0
    for times in (1, 2):
        code, _, said = Sensor(build, str(path)).read(mail.part(*mail.ends()))
        t.equal("counts", "exit", code, 0)
        got = in_file(path)
        within(t, "read %d times" % times, got, once, sessions(truth))
        t.check(times == 1 or got == 2 * once, "counts", "%d, and then %d" % (once, got))
        t.check("not kept" not in said, "counts", said)
        once = got


def test_two_sensors(t, build, root, mail, truth):
    server = Server(root, name="two")
    first, last = mail.ends()
    middle = (first + last) // 2
    runs = [Sensor(build, server.url(), "--sensor-name", "one name for both").begin() for _ in range(2)]
    parts = mail.part(first, middle), mail.part(middle, last)
    feeders = [threading.Thread(target=run.communicate, args=(part,)) for run, part in zip(runs, parts)]
    for f in feeders:
        f.start()
    for f in feeders:
        f.join()
    least, most = sessions(truth)
    cut = sessions(truth, middle - SESSION_S, middle)[1]  # they end in the other half
    within(t, "two sensors", in_redis(server), 0, (least - cut, most))
    server.stop()


def test_killed(t, build, root, mail, truth):
    """What is lost is what came within the last flush; nothing is there twice."""
    server = Server(root, name="killed")
    first, last = mail.ends()
    for n in (3, 2):
        stop = first + (last - first) // n
        before = in_redis(server)
        run = Sensor(build, server.url()).begin()
        run.stdin.write(mail.part(first, stop))
        run.stdin.flush()
        time.sleep(1)  # it may flush again, at the next packet
        run.stdin.write(mail.part(stop, stop + TAIL_S)[24:])
        run.stdin.flush()
        wanted = sessions(truth, first - 1, stop - FLUSH_S - SESSION_S)[0], sessions(truth, first - 1, stop + TAIL_S)[1]
        deadline = time.monotonic() + 30
        while in_redis(server) < before + wanted[0] and time.monotonic() < deadline:
            time.sleep(0.1)
        run.kill()
        run.communicate()
        within(t, "killed", in_redis(server), before, wanted)
    server.stop()


def test_away(t, build, root, mail, truth):
    """At start it is refused; in the middle what was learnt waits, and is told if it waits in vain."""
    server = Server(root, "--appendonly", "yes", "--appendfsync", "always", name="away")
    first, last = mail.ends()
    middle = (first + last) // 2
    for back in (True, False):
        before = in_redis(server)
        run = Sensor(build, server.url()).begin()
        run.stdin.write(mail.part(first, middle))
        run.stdin.flush()
        time.sleep(1)
        server.kill()
        run.stdin.write(mail.part(middle, last)[24:])
        run.stdin.flush()
        if back:
            server.start()
        begun = time.monotonic()
        _, errors = run.communicate(timeout=120)
        t.equal("away", "exit", run.returncode, 0)
        t.check(time.monotonic() - begun < 60, "away", "it took %.0f s" % (time.monotonic() - begun))
        t.check((b"is not kept" in errors) != back, "away", "told: %r" % errors)
        if back:
            within(t, "away", in_redis(server), before, sessions(truth))
        else:
            server.start()
    server.kill()
    code, lines, errors = Sensor(build, server.url()).read(mail.part(first, middle))
    t.equal("away", "at start: exit, lines", (code, lines), (2, []))
    t.check("Redis does not answer" in errors, "away", errors)


def test_wrong_types(t, build, root, mail):
    """Whatever stands at the keys, sessions are judged; what can be kept is."""
    server = Server(root, name="wrong")
    everything = mail.part(*mail.ends())
    Sensor(build, server.url()).read(everything)
    _, clean, _ = Sensor(build, None).read(everything)
    for key in talk(server, b"KEYS", KEPT + b"count/*"):
        talk(server, b"DEL", key)
        talk(server, *((b"SET", key, b"\xff") if hash(key) % 2 else (b"RPUSH", key, b"v")))
    code, lines, said = Sensor(build, server.url()).read(everything)
    t.equal("wrong types", "exit", code, 0)
    t.check(findings(lines) == findings(clean), "wrong types", "other findings than without a history")
    t.check("--state" in said, "wrong types", "nothing is told: " + said)
    for key in talk(server, b"KEYS", KEPT + b"count/*"):
        talk(server, b"DEL", key)
        talk(server, b"HSET", key, b"u01", b"a", b"v772", b"99999999999999999999", b"\x00\xff", b"1", b"C", b"1",
             b"L|", b"-9223372036854775808", b"p31", b"9223372036854775807")
    code, lines, said = Sensor(build, server.url()).read(everything)
    t.equal("wrong fields", "exit", code, 0)
    t.equal("wrong fields", "sessions", len(findings(lines)), len(findings(clean)))
    t.check("make no sense" in said, "wrong fields", said)
    server.stop()


def test_expiries(t, build, root):
    """What says that two met is gone in thirty days, everything else in ninety-three."""
    capture = (PCAPS / "healthy-tls-exchange/input.pcap").read_bytes()
    state, server = str(root / "expiries.db"), Server(root, name="expiries")
    now = time.time()
    left = {}
    for where in (state, server.url()):
        Sensor(build, where).read(capture)
        Sensor(build, where).read(capture)
    with sqlite3.connect(state) as db:
        for key, expires in db.execute("SELECT key, expires FROM counter"):
            left.setdefault(("file", key.split(b"/")[1]), set()).add((expires / 1e9 - now) / 86400)
    for key in talk(server, b"KEYS", KEPT + b"count/*"):
        kind = key[len(KEPT):].split(b"/")[1]
        left.setdefault(("redis", kind), set()).add(talk(server, b"PTTL", key) / 86400e3)
    for where in ("file", "redis"):
        for kind, least, most in ((b"server", 92.9, 93.1), (b"server-pairs", 14.9, 30.1), (b"sender", 92.9, 93.1),
                                  (b"sender-pairs", 14.9, 30.1)):
            days = left.get((where, kind), ())
            t.check(days and all(least < d < most for d in days), where, "%s: %s" % (kind, days))


def status(build, *words):
    got = subprocess.run([build + "/stripwatch", "status", *words], capture_output=True, text=True)
    return got.returncode, got.stdout, got.stderr


def test_status(t, build, root):
    state = str(root / "status.db")
    capture = (PCAPS / "healthy-tls-exchange/input.pcap").read_bytes()
    t.equal("status", "nothing", status(build, "--state", state)[:2], (0, "Nothing is remembered.\n"))
    _, lines, _ = Sensor(build, state).read(capture)
    line = [x for x in lines if x["event_type"] == "smtp"][0]
    server, day = line["dest_ip"], line["timestamp"][:10]
    code, text, _ = status(build, "--state", state)
    t.check(code == 0 and re.search(day[:7] + r" +1 +", text), "status", text)
    code, text, _ = status(build, "--state", state, "--server", server)
    t.check(code == 0 and text.startswith("%s:25, as of %s\n" % (server, day)), "status", text)
    t.check("1 of 1 sessions, 1 client, 1 day: support none" in text, "status", text)
    t.check("too little is known" in text, "status", text)
    for _ in range(3):
        Sensor(build, state).read(capture)
    code, text, _ = status(build, "--state", state, "--server", server + ":25", "--json")
    said = json.loads(text)
    t.equal("status", "offer", (said["offer"]["of"], said["offer"]["did"], said["offer"]["support"]), (4, 4, "thin"))
    t.equal("status", "STARTTLS in the reply", [r["words"].split()[r["starttls"] - 1] for r in said["replies"]],
            ["STARTTLS"])
    t.check("seen_from" not in said, "status", "a sensor without a name is told as a tap")
    for _ in range(2):
        Sensor(build, state, "--sensor-name", "mx 1").read(capture)
    Sensor(build, state, "--sensor-name", "mx2").read(capture)
    said = json.loads(status(build, "--state", state, "--server", server, "--json")[1])
    t.equal("status", "taps", sorted((v["tap"], v["did"], v["of"]) for v in said["seen_from"]),
            [("mx 1", 2, 2), ("mx2", 1, 1)])
    t.equal("status", "of all", said["offer"]["did"], 7)
    text = status(build, "--state", state, "--server", server)[1]
    t.check("mx 1: offered in 2 of 2 sessions" in text, "status", text)
    t.equal("status", "unknown", status(build, "--state", state, "--server", "[2001:db8::9]:587")[:2],
            (1, "Nothing is remembered of [2001:db8::9]:587.\n"))
    t.equal("status", "forget", status(build, "--state", state, "--server", server, "--forget")[0], 0)
    t.equal("status", "forgotten", status(build, "--state", state, "--server", server)[0], 1)
    with sqlite3.connect(state) as db:
        rows = db.execute("SELECT key FROM counter WHERE instr(key, ?)", (server.encode(),)).fetchall()
    t.equal("status", "nor whom it met", [key for key, in rows if key.startswith(b"count/server")], [])
    for words in ((), ("--state", state, "--forget"), ("--state", state, "--server", "mx.example"),
                  ("--state", state, "--server", "192.0.2.1:0"), ("--state", state, "--server", "[192.0.2.1]"),
                  ("--state", state, "--server", "192.0.2.1:65536"), ("--state", str(PCAPS)),
                  ("--state", state, "more")):
        code, text, errors = status(build, *words)
        t.check(code == 2 and not text and errors.startswith("stripwatch: "), "status " + " ".join(words),
                "%d %s %s" % (code, text, errors))


def main():
    build = str(Path(sys.argv[1]).resolve())
    t = Tally()
    if not shutil.which("redis-server"):
        t.skip("no redis-server: a history that sensors share")
        return t.finish()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        mail, truth = make(build, root, "honest", sessions=3000, attacks=0, days=3, servers=60, clients=60, seed=5)
        try:
            test_status(t, build, root)
            test_expiries(t, build, root)
            test_counts(t, build, root, mail, truth)
            test_killed(t, build, root, mail, truth)
            test_two_sensors(t, build, root, mail, truth)
            test_wrong_types(t, build, root, mail)
            test_away(t, build, root, mail, truth)
            test_next_run(t, build, root)
            test_incompatible(t, build, root)
            test_attempts(t, build, root)
            test_doubts(t, build, root)
        finally:
            for server in Server.all:
                server.stop()
    return t.finish()


if __name__ == "__main__":
    sys.exit(main())
