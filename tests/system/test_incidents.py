#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many sessions of one attack are one incident, told as often as it is worth and not more; and the
operator's list keeps from him what he knows.

    test_incidents.py BINARY
"""
import sys
import tempfile
from pathlib import Path

import run
from run import PCAPS, Tally

import dialogue

STRIPPED = PCAPS / "starttls-garbled-x8-postfix" / "dialogue.txt"
HEALTHY = PCAPS / "healthy-tls-postfix" / "dialogue.txt"


def session(path, client="192.0.2.10", number=0, server="198.51.100.25"):
    return ("client %s:%d\nserver %s:25\n" % (client, 40001 + number, server)
            + path.read_text(encoding="utf-8"))


def in_turn(sessions):
    """One after the other: their lines are in their order, and their findings are as well."""
    return "\nnew\n".join(text + "\nwait 10s" for text in sessions)


class Case:
    def __init__(self, binary, root):
        self.binary, self.root, self.tally = binary, root, Tally()
        try:
            import check_schema
            self.schema = check_schema
        except ImportError as e:
            self.schema = None
            self.tally.skip("schema of every line: %s" % e)

    def read(self, name, sessions, *options):
        path = self.root / "input.pcap"
        path.write_bytes(dialogue.compile_text(in_turn(sessions)))
        result = run.read_json(self.binary, path, options)
        self.check_schema(name, result)
        return result

    def check_schema(self, name, result):
        if not self.schema:
            return
        checker = self.schema.Checker()
        checker.bad = self.schema.Bad
        for line in result.raw.splitlines(keepends=True):
            try:
                checker.check(line)
            except checker.bad as e:
                self.tally.check(False, name, "schema: %s" % e)


def told(result):
    """(state, severity, sessions) of each alert."""
    return [(line["starttls"]["incident"]["state"], line["alert"]["metadata"]["severity"][0],
             line["starttls"]["incident"]["sessions"]) for line in result.alerts]


def counted(result):
    return result.lines[-1]["stats"]["stripwatch"]["incidents"]


def one_attack(c):
    """By the severity matrix E1 is low when nothing went yet, and medium with mail in clear."""
    result = c.read("one attack", [session(STRIPPED, number=i) for i in range(12)])
    c.tally.equal("one attack", "alerts", told(result),
                  [("open", "low", 1), ("ongoing", "medium", 1), ("ongoing", "medium", 10)])
    c.tally.equal("one attack", "updates",
                  [line["starttls"]["incident"]["update"] for line in result.alerts], [1, 2, 3])
    c.tally.equal("one attack", "incidents",
                  len({line["starttls"]["incident"]["id"] for line in result.alerts}), 1)
    c.tally.equal("one attack", "alert ids",
                  len({line["alert"]["metadata"]["alert_id"][0] for line in result.alerts}), 3)
    c.tally.equal("one attack", "still open", (counted(result)["opened"], counted(result)["ongoing"],
                                               counted(result)["closed"]), (1, 1, 0))
    c.tally.equal("one attack", "exit code", result.code, 1)


def the_end(c):
    sessions = [session(STRIPPED)] + [session(HEALTHY, number=i) for i in range(1, 21)]
    result = c.read("the end", sessions)
    c.tally.equal("the end", "alerts", told(result),
                  [("open", "low", 1), ("ongoing", "medium", 1), ("closed", "medium", 1)])
    first, last = result.alerts[0], result.alerts[-1]
    c.tally.equal("the end", "flow", last["flow_id"], first["flow_id"])
    c.tally.check(last["timestamp"] >= result.sessions[-2]["timestamp"], "the end",
                  "closed before the last session")
    c.tally.equal("the end", "counted", (counted(result)["ongoing"], counted(result)["closed"]), (0, 1))
    result = c.read("nearly the end", sessions[:-1])
    c.tally.equal("nearly the end", "closed", counted(result)["closed"], 0)


def a_week(c):
    for days, wanted in ((6, []), (7, [("closed", "medium", 1)])):
        result = c.read("a week", [session(STRIPPED) + "\nwait %dh" % (24 * days),
                                   session(HEALTHY, server="203.0.113.9")])
        c.tally.equal("a week", "alerts after %d days" % days, told(result)[2:], wanted)


def two_networks(c):
    result = c.read("two networks", [session(STRIPPED, "192.0.2.10"), session(STRIPPED, "192.0.2.77", 1),
                                     session(STRIPPED, "203.0.113.5", 2)])
    c.tally.equal("two networks", "incidents", counted(result)["opened"], 2)


def files(c):
    """However the input is cut into files, and in whatever order they are named, it is the same."""
    sessions = [session(STRIPPED, number=i) for i in range(3)] + [session(HEALTHY, number=3)]
    whole = c.read("files", sessions)
    header, records = 24, []
    data = (c.root / "input.pcap").read_bytes()
    at = header
    while at < len(data):
        size = 16 + int.from_bytes(data[at + 8:at + 12], "little")
        records.append(data[at:at + size])
        at += size
    names = []
    for i in range(3):
        part = records[i * len(records) // 3:(i + 1) * len(records) // 3]
        names.append(c.root / ("part%d.pcap" % i))
        names[-1].write_bytes(data[:header] + b"".join(part))
    for order in (names, names[::-1]):
        cut = run.read_json(c.binary, order[0], [str(name) for name in order[1:]])
        for what in ("alert_id", "finding_id", "incident"):
            c.tally.equal("files", what,
                          [line["alert"]["metadata"][what] for line in cut.alerts],
                          [line["alert"]["metadata"][what] for line in whole.alerts])


def suppressing(c):
    listed = c.root / "list"

    def read(text, *options):
        listed.write_text(text, encoding="utf-8")
        return c.read("suppressing", [session(STRIPPED)], "--suppress", str(listed), *options)

    result = read("# known\nstarttls-garbled 198.51.100.25 2026-11-21 a firewall\n")
    c.tally.equal("suppressing", "alerts", result.alerts, [])
    c.tally.equal("suppressing", "exit code", result.code, 0)
    rows = result.sessions[0]["starttls"]["findings"]
    c.tally.equal("suppressing", "findings", [(f["rule"], f.get("suppressed")) for f in rows],
                  [("starttls-garbled", True)])
    c.tally.equal("suppressing", "verdict", result.sessions[0]["starttls"]["verdict"], "downgraded")
    c.tally.equal("suppressing", "counted", result.lines[-1]["stats"]["stripwatch"]["suppressed"], 1)

    result = read("\n\nstarttls-garbled 198.51.100.25 2026-11-20 a firewall\n")
    c.tally.equal("an entry that ended", "exit code", result.code, 1)
    c.tally.equal("an entry that ended", "told", result.err.count("line 3: counted until 2026-11-20"), 1)
    c.tally.equal("an entry that ended", "suppressed", "suppressed" in result.raw.decode().split(
        '"event_type":"stats"', maxsplit=1)[0], False)

    for text, says in (("starttls-garbled *\n", "line 1: has no last day"),
                       ("# x\n* * 2026-11-21 all\n", "line 2: would suppress everything"),
                       ("starttls-garbled * 2026-11-21\n", "line 1: gives no reason")):
        result = read(text)
        c.tally.equal("a bad list", "exit code", result.code, 2)
        c.tally.check(says in result.err and str(listed) in result.err, "a bad list", result.err)
    result = run.read_json(c.binary, STRIPPED.parent / "input.pcap", ("--suppress", str(c.root / "no")))
    c.tally.equal("no list", "exit code", result.code, 2)


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as root:
        c = Case(arguments[1], Path(root))
        for part in (one_attack, the_end, a_week, two_networks, files, suppressing):
            part(c)
    return c.tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
