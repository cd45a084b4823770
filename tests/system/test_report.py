#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`report --prevalence`: what made lines of EVE come to, by arithmetic, and what broken ones do.

    test_report.py BINARY [SHARED_DIR]

With SHARED_DIR/data/mmdb (the MIT test databases of MaxMind) also the parts by AS and country, and
files that are broken on purpose.
"""
import csv
import gzip
import io
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import run
from run import PCAPS, Tally

STATES = ("offered", "encrypted", "garbled", "removed", "refused", "affected")
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")


def report(binary, *arguments, data=None):
    return subprocess.run([str(binary), "report", "--prevalence", *map(str, arguments)], input=data,
                          stdin=None if data is not None else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)


def session(server, day="2026-11-21", host=None, findings=(), port=25, **starttls):
    line = {"timestamp": day + "T10:00:00.000000+0000", "event_type": "smtp",
            "dest_ip": server, "dest_port": port}
    if host:
        line["host"] = host
    facts = {"visibility": "both", "role": "unknown", "ehlo": "complete", "offered": "yes",
             "verdict": "opportunistic-clear",
             "findings": [{"rule": rule, "severity": severity} for rule, severity in findings]}
    line["starttls"] = {**facts, **starttls}
    return line


def text(lines):
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def made():
    """Twenty servers a day on two days, met by `out`: 3 garbled on both days, 1 refused on the first
    day alone, 12 encrypted on both; 4 of the others offer without being used on the second day only.
    `boxed` meets 10 servers of its own on the first day, 9 of which are garbled."""
    lines = []
    for day in ("2026-11-21", "2026-11-22"):
        for n in range(20):
            facts = {"offered": "no"}
            if n < 3:
                facts = {"offered": "garbled", "token": "XXXXXXXX"}
            elif n == 3 and day.endswith("21"):
                facts = {"findings": [("starttls-refused", "low")]}
            elif 4 <= n < 16:
                facts = {"verdict": "encrypted"}
            elif n >= 16 and day.endswith("22"):
                facts = {"offered": "yes"}
            lines.append(session("203.0.113.%d" % n, day, "out", **facts))
    for n in range(10):
        facts = {"offered": "garbled", "token": "XXXXXXXA"} if n < 9 else {}
        lines.append(session("2001:db8:%d::25" % n, "2026-11-21", "boxed", **facts))
    return lines


def places(document):
    return {row["place"]: row for row in document["places"]}


def check_arithmetic(tally, binary):
    done = report(binary, "--json", "-", data=text(made()))
    tally.equal("made", "exit code", done.returncode, 0)
    far, near = (places(json.loads(done.stdout))[name] for name in ("far", "near"))
    tally.equal("made", "far", [far["all"][k] for k in ("server_days", "servers")], [40, 20])
    counts = [far["all"][state]["count"] for state in STATES]
    # offered: 1 refused, 24 encrypted, 4; garbled 6; refused 1; affected 7
    tally.equal("made", "far counts", counts, [29, 24, 6, 0, 1, 7])
    tally.equal("made", "far with TLS", far["tls"]["server_days"], 35)
    tally.equal("made", "share of all", far["all"]["garbled"]["share"], 0.15)
    tally.equal("made", "share of those with TLS", far["tls"]["affected"]["share"], 0.2)
    # 3 servers: fewer than 10. Wilson of 0.15 with n = 20 servers:
    z2 = 1.959963984540054 ** 2
    half = (z2 * (0.15 * 0.85 / 20 + z2 / 1600)) ** 0.5 / (1 + z2 / 20)
    middle = (0.15 + z2 / 40) / (1 + z2 / 20)
    got = far["all"]["garbled"]
    tally.equal("made", "interval", [got["interval"], got["low"], got["high"]],
                ["wilson", round(middle - half, 6), round(middle + half, 6)])
    tally.equal("made", "none", [far["all"]["removed"][k] for k in ("low", "high")],
                [0, round(z2 / (20 + z2), 6)])
    tally.equal("made", "near", [near["all"]["server_days"], near["all"]["garbled"]["count"]],
                [10, 9])
    # encrypted: 12 servers have it, 8 lack it: fewer than 10; the other way with 24 of 40
    tally.equal("made", "few lack it", far["all"]["encrypted"]["interval"], "wilson")


def check_bootstrap(tally, binary):
    """200 servers, every fourth garbled: 0.25, standard error 0.030619, 1.96 of them 0.060012."""
    lines = [session("198.51.100.%d" % n, offered="garbled" if n % 4 == 0 else "yes", token="X")
             for n in range(200)]
    got = places(json.loads(report(binary, "--json", "-", data=text(lines)).stdout))["far"]["all"]
    garbled = got["garbled"]
    tally.equal("bootstrap", "share", garbled["share"], 0.25)
    tally.equal("bootstrap", "method", garbled["interval"], "bootstrap")
    tally.check(abs(garbled["low"] - 0.189988) < 0.006, "bootstrap", "low is %r" % garbled["low"])
    tally.check(abs(garbled["high"] - 0.310012) < 0.006, "bootstrap",
                "high is %r" % garbled["high"])


def check_order(tally, binary):
    """The same sessions in any order, in any files, compressed or not, are the same bytes."""
    lines = made() * 2 + [session("192.0.2.%d" % n, "2026-11-2%d" % (n % 9), "h%d" % (n % 3),
                                  offered="garbled", token="T%d" % (n % 50)) for n in range(250)]
    luck = random.Random(3)
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder) / "one.json", Path(folder) / "two.json.gz"
        for form in ([], ["--json"], ["--csv"]):
            for by in ("server", "net", "day"):
                luck.shuffle(lines)
                half = luck.randrange(len(lines))
                one.write_bytes(text(lines[:half]))
                two.write_bytes(gzip.compress(text(lines[half:])))
                a = report(binary, *form, "--by", by, one, two)
                luck.shuffle(lines)
                one.write_bytes(text(lines[half:]))
                two.write_bytes(gzip.compress(text(lines[:half])))
                b = report(binary, *form, "--by", by, two, one)
                tally.check(a.returncode == 0 and a.stdout == b.stdout, "order %s %s" % (form, by),
                            "differs")


def rows_of(done):
    return list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))


def check_forms(tally, binary):
    """Table, JSON and CSV are renderings of the same numbers."""
    data = text(made())
    document = json.loads(report(binary, "--json", "--by", "day", "-", data=data).stdout)
    rows = rows_of(report(binary, "--csv", "--by", "day", "-", data=data))
    for group in document["places"] + document["groups"]:
        for base in ("all", "tls"):
            for state in STATES:
                mine = [row for row in rows if row["table"] in ("place", "group")
                        and (row["place"], row["group"], row["base"], row["state"])
                        == (group["place"], group.get("group", ""), base, state)]
                wanted = group[base][state]
                good = len(mine) == 1 and int(mine[0]["count"]) == wanted["count"] and (
                    "share" not in wanted or
                    [float(mine[0][k]) for k in ("share", "low", "high")]
                    == [wanted[k] for k in ("share", "low", "high")])
                tally.check(good, "forms", "%s %s %s: %r" % (group["place"], base, state, mine))
    table = report(binary, "--by", "day", "-", data=data).stdout.decode()
    tally.check("15.00 %" in table and "2026-11-22" in table, "forms", table)
    tally.check(max(map(len, table.splitlines())) <= 80, "forms", "wider than 80 columns")


def check_hostile_text(tally, binary):
    """Whatever the strings are: no control byte on a terminal, no formula in a spreadsheet, RFC 4180
    quoting. `host` is the near vantage's, the token that of its servers."""
    for token in ("=cmd()", "+1", "-1", "@x", 'a"b,c', "\x1b[31m", "\r\n", "\u202e", "\t=1", "", " ",
                  "\u009b", "\x7f", "a\\x1Bb", "X" * 5000):
        lines = [session("192.0.2.%d" % n, host=token or None, offered="garbled", token=token)
                 for n in range(6)]
        name = "text %r" % token[:10]
        table, form = (report(binary, *form, "-", data=text(lines)) for form in ([], ["--csv"]))
        tally.check(not CONTROL.search(table.stdout), name, "control bytes in the table")
        tally.check("\u202e".encode() not in table.stdout, name, "direction changed")
        tally.check(not re.search(rb"\xc2[\x80-\x9f]", table.stdout), name, "C1 in the table")
        for row in rows_of(form):
            tally.check(None not in row and None not in row.values() and
                        not any(cell[:1] in ("=", "+", "-", "@") for cell in row.values()),
                        name, repr(row))
        tally.check(form.stdout.replace(b"\r\n", b"").count(b"\n") == 0, name, "bare LF")
        document = report(binary, "--json", "-", data=text(lines))
        tally.equal(name, "servers", json.loads(document.stdout)["garbled"][0]["servers"], 6)


def check_broken(tally, binary):
    good = text([session("192.0.2.1")])
    bad = (b"{", b"}", b"nonsense", b"[]", b"\"smtp\"", b"{}", b"\xff\xfe", b"\x00", b"{\"a\":1e999}",
           b"[" * 100000, b"{\"event_type\":\"smtp\",\"starttls\":{}}", b"{\"event_type\":[]}",
           good.strip()[:-1], good.strip() + b"x",
           b"{\"event_type\":\"stats\",\"x\":\"" + b"y" * 10_000_000 + b"\"}",
           good.replace(b"192.0.2.1", b"192.0.2.256").strip(),
           good.replace(b"2026", b"year").strip(),
           good.replace(b'"dest_port": 25', b'"dest_port": 25.5').strip(),
           good.replace(b'"findings": []', b'"findings": {}').strip())
    for line in bad:
        done = report(binary, "--json", "-", data=good + line + b"\n" + good)
        name = "broken %r" % line[:30]
        tally.equal(name, "exit code", done.returncode, 3)
        tally.check(b"-:2: " in done.stderr, name, "told as %r" % done.stderr[:200])
        tally.check(not CONTROL.search(done.stderr), name, "control bytes in a message")
        document = json.loads(done.stdout)
        tally.equal(name, "broken", document["input"]["broken"], 1)
        tally.equal(name, "sessions", document["sessions"]["counted"], 2)
        tally.equal(name, "alone", report(binary, "-", data=line).returncode, 2)
    done = report(binary, "-", data=good + b"x\n" * 1000)
    tally.equal("many broken", "messages", len(done.stderr.splitlines()), 21)


def check_inputs(tally, binary):
    good = text([session("192.0.2.1")])
    tally.equal("empty", "exit code", report(binary, "-", data=b"").returncode, 2)
    tally.equal("blank lines", "exit code", report(binary, "-", data=b"\n\n").returncode, 2)
    tally.equal("no LF at the end", "exit code", report(binary, "-", data=good[:-1]).returncode, 0)
    crlf = report(binary, "-", data=good.replace(b"\n", b"\r\n"))
    tally.equal("CRLF", "exit code", crlf.returncode, 0)
    tally.equal("cut gzip", "exit code",
                report(binary, "-", data=gzip.compress(text(made()))[:-9]).returncode, 3)
    tally.equal("no such file", "exit code", report(binary, "/nonexistent").returncode, 2)
    tally.equal("one of two", "exit code",
                report(binary, "/nonexistent", "-", data=good).returncode, 3)
    tally.equal("directory", "exit code", report(binary, "/").returncode, 2)
    only = report(binary, "--json", "-", data=b"{\"event_type\":\"stats\"}\n")
    tally.equal("no sessions", "exit code", only.returncode, 0)
    tally.equal("no sessions", "server-days",
                places(json.loads(only.stdout))["far"]["all"]["server_days"], 0)
    for arguments, word in ((["--by", "as"], b"--mmdb"), (["--by", "country"], b"--mmdb"),
                            (["--by", "planet"], b"planet"), (["--json", "--csv"], b"--csv"),
                            (["--mmdb", "/nonexistent"], b"/nonexistent"),
                            (["--mmdb", __file__], b"MaxMind")):
        done = report(binary, *arguments, "-", data=good)
        tally.check(done.returncode == 2 and word in done.stderr and not done.stdout,
                    "usage %s" % arguments[0:2], repr((done.returncode, done.stderr)))


def check_captures(tally, binary):
    """What `read --json` says of the captures of the tree, counted here and there."""
    lines, causes = [], {}
    for folder in sorted(PCAPS.iterdir()):
        for path in sorted(folder.glob("input.pcap*")):
            done = run.read_json(binary, path)
            lines += done.lines
            for line in done.alerts:
                finding = line.get("starttls", {}).get("finding", {})
                if finding.get("rule") == "starttls-garbled":
                    causes[line["flow_id"], path] = finding["cause"]
            for line in done.sessions:
                line["path"] = path
    sessions = [line for line in lines if line["event_type"] == "smtp"]
    garbled = [line for line in sessions if line["starttls"]["offered"] == "garbled"]
    for line in sessions:
        line["host"] = str(line.pop("path"))
    document = json.loads(report(binary, "--json", "-", data=text(lines)).stdout)
    counted = document["sessions"]
    tally.equal("captures", "lines", document["input"]["lines"], len(lines))
    tally.equal("captures", "broken", document["input"]["broken"], 0)
    tally.equal("captures", "other events", document["input"]["other_events"],
                len(lines) - len(sessions))
    tally.equal("captures", "sessions", sum(v for k, v in counted.items() if k != "unknown_why"),
                len(sessions))
    whole = [s for s in sessions if s["dest_port"] == 25 and not s["starttls"].get("implicit") and
             s["starttls"]["role"] not in ("submission", "internal") and
             (s["starttls"]["ehlo"] == "complete" and s["starttls"]["visibility"] != "client" and
              s["starttls"]["offered"] != "unknown" or
              ("ehlo-refused" in [f["rule"] for f in s["starttls"]["findings"]
                                  if f["severity"] != "info"]))]
    tally.equal("captures", "counted", counted["counted"], len(whole))
    # the cause that an alert names is the one of the histogram, string by string
    for line in garbled:
        key = [(k, v) for k, v in causes.items()
               if k[0] == line["flow_id"] and str(k[1]) == line["host"]]
        if not key or line["dest_port"] != 25:
            continue
        rows = [row for row in rows_of(report(binary, "--csv", "-", data=text([line])))
                if row["table"] == "garbled"]
        tally.equal("captures", "cause of %s" % line["host"], [row["name"] for row in rows],
                    [key[0][1]])


def check_places(tally, binary, mmdb):
    """1.0.0.1 is AS 15169 and 1.128.0.1 AS 1221 in GeoLite2-ASN-Test; 2.125.160.216 is in GB and
    89.160.20.112 in SE in the country file: README of MaxMind-DB's test data."""
    data = text([session(ip) for ip in ("1.128.0.1", "1.128.0.2", "2.125.160.216", "89.160.20.112",
                                        "192.0.2.1")])
    done = report(binary, "--csv", "--by", "country", "--mmdb",
                  mmdb / "GeoLite2-Country-Test.mmdb", "-", data=data)
    groups = {row["group"]: int(row["of"]) for row in rows_of(done)
              if row["table"] == "group" and row["base"] == "all" and row["state"] == "offered"}
    tally.check(groups.get("GB") == 1 and groups.get("SE") == 1 and groups.get("unknown"),
                "country", repr(groups))
    both = ("--mmdb", mmdb / "GeoLite2-Country-Test.mmdb", "--mmdb", mmdb / "GeoLite2-ASN-Test.mmdb")
    rows = rows_of(report(binary, "--csv", "--by", "as", *both, "-", data=data))
    telstra = [row for row in rows if row["group"] == "AS1221" and row["base"] == "all"]
    tally.check(telstra and telstra[0]["of"] == "2" and telstra[0]["name"].startswith("Telstra"),
                "as", repr(telstra[:1]))
    for path in sorted((mmdb / "bad").iterdir()):
        done = report(binary, "--by", "as", "--mmdb", path, "-", data=data)
        tally.check(done.returncode == 2 and path.name.encode() in done.stderr and
                    len(done.stderr.splitlines()) == 1, "bad %s" % path.name,
                    repr((done.returncode, done.stderr)))
    whole, luck = (mmdb / "GeoLite2-ASN-Test.mmdb").read_bytes(), random.Random(5)
    addresses = text([session("%d.%d.0.1" % (a, b)) for a in range(1, 220, 9)
                      for b in (0, 128, 200)])
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(60):
            path = Path(folder) / "damaged.mmdb"
            damaged = bytearray(whole)
            for _ in range(200):
                damaged[luck.randrange(len(whole) - 400)] = luck.randrange(256)
            path.write_bytes(damaged if turn % 3 else whole[:luck.randrange(len(whole))])
            done = report(binary, "--by", "as", "--mmdb", path, "-", data=addresses)
            tally.check(done.returncode in (0, 2, 3), "damaged mmdb %d" % turn,
                        repr((done.returncode, done.stderr[-300:])))
            tally.check(not CONTROL.search(done.stdout), "damaged mmdb %d" % turn, "control bytes")


def main():
    binary = Path(sys.argv[1]).resolve()
    shared = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    tally = Tally()
    for check in (check_arithmetic, check_bootstrap, check_order, check_forms, check_hostile_text,
                  check_broken, check_inputs, check_captures):
        check(tally, binary)
    mmdb = shared / "data" / "mmdb" if shared else None
    if mmdb and mmdb.is_dir():
        check_places(tally, binary, mmdb)
    else:
        tally.skip("no data/mmdb: AS and country")
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
