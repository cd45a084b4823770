#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every capture of tests/pcaps gives the sessions, findings and exit code of its expect.json.

    test_pcaps.py BINARY [FOLDER...]

expect.json: `sessions` in the order of their lines, each with the members to compare (`smtp`,
`starttls` and others: a subset; in `options` {folder} is the folder itself) and `findings`: exact
above info; those at info that are listed must be there, others at info are not looked at. `tls`, if
it is there: the handshakes in the order of their lines, each a subset. `discovery`: the alerts about
what DNS said, all of them, with the name that was asked for; at info they have no line and are
counted. `alerts`, if it is there: all alerts of sessions in the order of their lines, each with the
members of alert_row() to compare; without it they follow from the findings. `times`, of a session: that
many follow each other. `linked`, of a session or an alert: client ports of the sessions it is linked
with. `positive` names rules that this folder shows, `negative` rules that it must not show but at
info where listed; every rule needs both kinds.
"""
import json
import sys
from ipaddress import ip_network

import run
from run import PCAPS, RULES, SENSOR, Tally


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


def ports_of(result):
    """The client's port of each session, by its flow_id."""
    return {str(line["flow_id"]): line["src_port"] for line in result.sessions}


def linked(line, ports):
    return sorted(ports.get(flow, 0) for flow in line.get("starttls", {}).get("linked", ()))


def check_session(tally, name, wanted, line, ports):
    fields = {key: value for key, value in wanted.items() if key not in ("findings", "times", "linked")}
    if "linked" in wanted:
        tally.equal(name, "linked of port %d" % line["src_port"], linked(line, ports), wanted["linked"])
    for text in run.subset(fields, line):
        tally.check(False, name, text)
    tally.passed += not run.subset(fields, line)
    check_findings(tally, name, wanted["findings"], line)


def attacked(line, client, server):
    """What an incident is about: a server, and the network of the client (/24, /48)."""
    bits = 48 if ":" in line[client] else 24
    return line[server], str(ip_network("%s/%d" % (line[client], bits), strict=False))


def check_alerts(tally, name, result):
    """A server with a finding above info has an alert of that severity, for each network of clients;
    no other has one. None of the captures has ten servers or a hundred mails in one incident."""
    highest, alerted = {}, {}
    for line in result.sessions:
        rows = run.loud(run.findings(line))
        key = attacked(line, "src_ip", "dest_ip")
        for row in rows:
            highest[key] = max(row[1], highest.get(key, "info"), key=run.LEVELS.index)
    for line in result.alerts:
        if "flow" not in line:
            continue
        severity = line["alert"]["metadata"]["severity"][0]
        key = attacked(line["flow"], "src_ip", "dest_ip")
        alerted[key] = max(severity, alerted.get(key, "info"), key=run.LEVELS.index)
    tally.equal(name, "severity of the alerts by server and network", alerted, highest)


def alert_row(line, ports, incidents):
    """What an alert says, for people who write down what it must say. Incidents are numbered from 1
    in the order of their first lines."""
    facts, incident = line["alert"]["metadata"], line["starttls"]["incident"]
    number = incidents.setdefault(incident["id"], len(incidents) + 1)
    return {"rule": facts["rule"][0], "severity": facts["severity"][0], "judged": facts["judged"][0],
            "src_port": line["flow"]["src_port"], "state": incident["state"], "incident": number,
            "subject": incident["subject"], "sessions": incident["sessions"],
            "confidence": facts["confidence"][0], "supporting": incident["supporting"],
            "linked": linked(line, ports)}


def check_listed_alerts(tally, name, wanted, result):
    ports, incidents = ports_of(result), {}
    got = [alert_row(line, ports, incidents) for line in result.alerts if "flow" in line]
    shown = ["%(rule)s %(severity)s %(judged)s %(src_port)d" % row for row in got]
    if tally.equal(name, "number of alerts (%s)" % ", ".join(shown), len(got), len(wanted)):
        for one, row in zip(wanted, got):
            wrong = run.subset(one, row)
            tally.check(not wrong, name, "alert of port %d: %s" % (row["src_port"], "; ".join(wrong)))


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


def loud_rules(expect):
    rows = list(wanted_rows(expect)) + [(d["rule"], d["severity"]) for d in expect.get("discovery", ())]
    return {rule for rule, _ in run.loud(rows)}


def check_folder(tally, binary, checker, folder):
    expect = json.loads((folder / "expect.json").read_text(encoding="utf-8"))
    name = folder.name
    options = [text.replace("{folder}", str(folder)) for text in expect.get("options", ())]
    result = run.read_json(binary, folder / "input.pcap", options)
    tally.equal(name, "exit code", result.code, expect["exit"])
    sessions = [one for one in expect["sessions"] for _ in range(one.get("times", 1))]
    if tally.equal(name, "number of sessions", len(result.sessions), len(sessions)):
        for wanted, line in zip(sessions, result.sessions):
            check_session(tally, name, wanted, line, ports_of(result))
    for line in result.sessions:
        for rule, severity in run.findings(line):
            listed = (rule, severity) in wanted_rows(expect)
            tally.check(listed or rule not in expect["negative"], name,
                        "%s (%s) where it must not be" % (rule, severity))
    for line in result.alerts:
        rule = line["alert"]["metadata"]["rule"][0]
        wanted_rules = {a["rule"] for a in expect.get("alerts", ())}
        tally.check(rule not in expect["negative"] or rule in wanted_rules | loud_rules(expect), name,
                    "an alert by %s where it must not be" % rule)
    check_handshakes(tally, name, expect, result)
    if "alerts" in expect:
        check_listed_alerts(tally, name, expect["alerts"], result)
    else:
        check_alerts(tally, name, result)
    check_discovery(tally, name, expect, result)
    check_schema(tally, name, checker, result)
    return expect


def check_coverage(tally, expectations):
    """A rule without a positive and a near-miss negative capture is not tested."""
    for rule in (rule for rule in RULES if rule not in SENSOR):
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
