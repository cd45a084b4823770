#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every capture of tests/pcaps gives the sessions, findings and exit code of its expect.json.

    test_pcaps.py BINARY [FOLDER...]

expect.json: `sessions` in the order of their lines, each with the members to compare (`smtp`,
`starttls` and others: a subset; in `options` {folder} is the folder itself) and `findings`: exact
above info; those at info that are listed must be there, others at info are not looked at. `tls`, if
it is there: the handshakes in the order of their lines, each a subset. `discovery`: the alerts about
what DNS said, all of them, with the name that was asked for; at info they have no line and are
counted. `positive` names rules that this folder shows, `negative` rules that it must not show but at
info where listed; every rule needs both kinds.
"""
import json
import sys

import run
from run import PCAPS, RULES, Tally


def describe(rows):
    return ", ".join("%s %s" % row for row in rows) or "none"


def check_findings(tally, name, wanted, line):
    got = run.findings(line)
    expected = sorted((f["rule"], f["severity"]) for f in wanted)
    tally.check(run.loud(got) == run.loud(expected), name,
                "findings above info: %s; expected: %s"
                % (describe(run.loud(got)), describe(run.loud(expected))))
    for row in expected:
        tally.check(row in got, name, "finding %s %s is missing" % row)
    check_causes(tally, name, wanted, line)


def check_causes(tally, name, wanted, line):
    """The cause is told in the alert's finding or, where the schema has it, in the session's."""
    rows = line.get("starttls", {}).get("findings", [])
    for f in wanted:
        causes = [row["cause"] for row in rows if row["rule"] == f["rule"] and "cause" in row]
        if "cause" in f and causes:
            tally.check(f["cause"] in causes, name,
                        "cause of %s is %s, not %s" % (f["rule"], causes, f["cause"]))


def check_session(tally, name, wanted, line):
    fields = {key: value for key, value in wanted.items() if key != "findings"}
    for text in run.subset(fields, line):
        tally.check(False, name, text)
    tally.passed += not run.subset(fields, line)
    check_findings(tally, name, wanted["findings"], line)


def check_alerts(tally, name, result):
    """A session with a finding above info has an alert of that severity; no other has one."""
    highest = {}
    for line in result.sessions:
        rows = run.loud(run.findings(line))
        if rows:
            highest[line["flow_id"]] = max((row[1] for row in rows), key=run.LEVELS.index)
    alerted = {}
    for line in result.alerts:
        if "flow" not in line:
            continue
        severity = line["alert"]["metadata"]["severity"][0]
        before = alerted.get(line["flow_id"], "info")
        alerted[line["flow_id"]] = max(before, severity, key=run.LEVELS.index)
    tally.equal(name, "severity of the alerts by flow", alerted, highest)


def check_discovery(tally, name, expect, result):
    wanted = [(d["rule"], d["severity"], d["name"]) for d in expect.get("discovery", ())]
    loud = [row for row in wanted if row[1] != "info"]
    tally.equal(name, "alerts about DNS", result.discovery, loud)
    named = {rule for rule, _, _ in wanted}
    for rule in run.DISCOVERY:
        tally.check((rule in named) == (result.counted.get(rule, 0) > 0), name,
                    "%s was counted %r times" % (rule, result.counted.get(rule, 0)))


def check_handshakes(tally, name, expect, result):
    if "tls" not in expect:
        return
    if tally.equal(name, "number of handshakes", len(result.handshakes), len(expect["tls"])):
        for wanted, line in zip(expect["tls"], result.handshakes):
            wrong = run.subset(wanted, line)
            tally.check(not wrong, name, "tls line: " + "; ".join(wrong))


def schema_checker(tally):
    """The checker of tests/tools, or None where python3-jsonschema is missing."""
    try:
        import check_schema
    except ImportError as e:
        tally.skip("schema of every line: %s" % e)
        return None
    checker = check_schema.Checker()
    checker.bad = check_schema.Bad
    return checker


def check_schema(tally, name, checker, result):
    if checker is None:
        return
    checker.newest = ""
    for line in result.raw.splitlines(keepends=True):
        try:
            checker.check(line)
        except checker.bad as e:
            tally.check(False, name, "schema: %s" % e)
    tally.passed += 1


def wanted_rows(expect):
    return {(f["rule"], f["severity"]) for s in expect["sessions"] for f in s["findings"]}


def check_folder(tally, binary, checker, folder):
    expect = json.loads((folder / "expect.json").read_text(encoding="utf-8"))
    name = folder.name
    options = [text.replace("{folder}", str(folder)) for text in expect.get("options", ())]
    result = run.read_json(binary, folder / "input.pcap", options)
    tally.equal(name, "exit code", result.code, expect["exit"])
    if tally.equal(name, "number of sessions", len(result.sessions), len(expect["sessions"])):
        for wanted, line in zip(expect["sessions"], result.sessions):
            check_session(tally, name, wanted, line)
    for line in result.sessions:
        for rule, severity in run.findings(line):
            listed = (rule, severity) in wanted_rows(expect)
            tally.check(listed or rule not in expect["negative"], name,
                        "%s (%s) where it must not be" % (rule, severity))
    check_handshakes(tally, name, expect, result)
    check_alerts(tally, name, result)
    check_discovery(tally, name, expect, result)
    check_schema(tally, name, checker, result)
    return expect


def check_coverage(tally, expectations):
    """A rule without a positive and a near-miss negative capture is not tested."""
    for rule in RULES:
        for kind in ("positive", "negative"):
            tally.check(any(rule in e[kind] for e in expectations), rule,
                        "no %s capture in tests/pcaps" % kind)
    named = {rule for e in expectations for kind in ("positive", "negative") for rule in e[kind]}
    tally.check(named <= set(RULES), "tests/pcaps", "unknown rules %s" % (named - set(RULES)))


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    tally = Tally()
    names = arguments[2:]
    checker = schema_checker(tally)
    folders = [PCAPS / n for n in names] or sorted(p.parent for p in PCAPS.glob("*/expect.json"))
    expectations = [check_folder(tally, arguments[1], checker, folder) for folder in folders]
    if not names:
        check_coverage(tally, expectations)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
