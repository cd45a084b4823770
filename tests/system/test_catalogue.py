#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules are the same wherever they are written down.

    test_catalogue.py BINARY

`rules list` against docs/rules.md, README.md, docs/eve.schema.json and the list of run.py, by which
test_pcaps.py asks for a positive and a negative capture of each. Beyond that: a rule has a near
miss of its own, a folder of tests/pcaps that bears its name and must not show it. What the sensor
says of itself has none.
"""
import json
import subprocess
import sys

import run
import rules_page
from run import PCAPS, RULES, SENSOR, TESTS, Tally

TOP = TESTS.parent
SIDS = range(1320700, 1320899)  # 1320899 is the storm line's
STORM = "alert-storm"


def call(binary, *arguments):
    return subprocess.run([binary, "rules", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=20,
                          encoding="utf-8", check=False)


def listed(binary):
    """Name and sid of each rule, in the order of the catalogue."""
    rows = [line.split() for line in call(binary, "list").stdout.splitlines()[1:]]
    return [(row[0], int(row[1])) for row in rows]


def check_list(tally, rules):
    names, sids = [name for name, _ in rules], [sid for _, sid in rules]
    tally.equal("rules list", "the rules of tests/system/run.py", sorted(RULES), sorted(names))
    tally.equal("rules list", "the number of different names", len(set(names)), len(names))
    tally.equal("rules list", "the number of different sids", len(set(sids)), len(sids))
    for name, sid in rules:
        tally.check(sid in SIDS, name, "sid %d is outside of our range" % sid)


def check_pages(tally, binary, names):
    page = (TOP / "docs" / "rules.md").read_text(encoding="utf-8")
    tally.check(page == rules_page.page(binary), "docs/rules.md",
                "differs from what tests/tools/rules_page.py makes")
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    for name in names:
        tally.check("`%s`" % name in readme, name, "is not in README.md")


def check_schema(tally, names):
    schema = json.loads((TOP / "docs" / "eve.schema.json").read_text(encoding="utf-8"))
    parts = schema["definitions"]
    storm = parts["storm"]["properties"]["alert"]["properties"]
    enum = parts["rule"]["enum"] + [storm["metadata"]["properties"]["rule"]["items"]["const"]]
    tally.equal("schema", "the enum of rules", enum, names + [STORM])
    tally.equal("schema", "the sid of the storm", storm["signature_id"]["const"], SIDS.stop)
    ours = parts["stats"]["properties"]["stats"]["properties"]["stripwatch"]["properties"]
    for key in ("properties", "required"):
        tally.equal("schema", "%s of stats findings" % key, list(ours["findings"][key]), names)


def check_explain(tally, binary, rules):
    for name, sid in rules:
        done = call(binary, "explain", name)
        tally.equal(name, "exit code of explain", done.returncode, 0)
        tally.check(done.stdout.startswith("%s (sid %d)\n" % (name, sid)), name,
                    "explain begins %r" % done.stdout[:60])
    for word in ("no-such-rule", STORM, ""):
        done = call(binary, "explain", word)
        tally.equal(repr(word), "exit code of explain", done.returncode, 2)
        tally.check(done.stdout == "" and "unknown rule" in done.stderr, repr(word),
                    "said %r" % (done.stdout + done.stderr))


def expected(folder):
    """What expect.json names: rules above info, rules at all, rules that must not appear."""
    expect = json.loads((folder / "expect.json").read_text(encoding="utf-8"))
    rows = [(f["rule"], f["severity"]) for s in expect["sessions"] for f in s["findings"]]
    rows += [(d["rule"], d["severity"]) for d in expect.get("discovery", ())]
    rows += [(a["rule"], a["severity"]) for a in expect.get("alerts", ())]
    return {rule for rule, _ in run.loud(rows)}, {rule for rule, _ in rows}, expect


def check_captures(tally, names):
    near_misses = set()
    for folder in sorted(p.parent for p in PCAPS.glob("*/expect.json")):
        loud, shown, expect = expected(folder)
        tally.check(set(expect["positive"]) <= shown, folder.name,
                    "positive for %s without such a finding" % (set(expect["positive"]) - shown))
        near_misses |= {rule for rule in expect["negative"]
                        if folder.name.startswith(rule + "-") and rule not in loud}
    for name in (name for name in names if name not in SENSOR):
        tally.check(name in near_misses, name, "no near miss %s-* in tests/pcaps" % name)


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    tally, binary = Tally(), arguments[1]
    rules = listed(binary)
    names = [name for name, _ in rules]
    check_list(tally, rules)
    check_pages(tally, binary, names)
    check_schema(tally, names)
    check_explain(tally, binary, rules)
    check_captures(tally, names)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
