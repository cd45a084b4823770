#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The metrics: their form, and that whoever uses them knows them.

    test_metrics.py BUILD

What BUILD/tests/gauges_show writes against the text format 0.0.4 of Prometheus, by a parser of our
own that takes nothing else and by promtool; against docs/metrics.md; and against what
contrib/prometheus and contrib/grafana ask for. And what the sensor says of itself in words, by the
lines that BUILD/tests/test_coverage shows, against docs/eve.schema.json.
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from run import RULES, SENSOR, TESTS, Tally

TOP = TESTS.parent
RULES_FILE = TOP / "contrib" / "prometheus" / "stripwatch.rules.yml"
DASHBOARD = TOP / "contrib" / "grafana" / "stripwatch.json"
SERIES = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\\n]*)"\})? '
                    r'([0-9]+(?:\.[0-9]+)?)')
NAME = re.compile(r"stripwatch_[a-z0-9_]+")
OTHERS = {"instance", "job"}  # labels that Prometheus gives


class Family:
    def __init__(self, kind):
        self.kind, self.labels, self.values = kind, {}, {}


def parse(tally, text):
    """Families by name; everything that the format does not have is a failure."""
    families, name, help_of = {}, None, None
    tally.check(text.endswith("\n"), "form", "no line end at the end")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, help_of, words = line.split(" ", 3)
            tally.check(words.endswith(".") or words.endswith("always 1."), help_of, "help %r" % words)
        elif line.startswith("# TYPE "):
            name, kind = line.split(" ")[2:]
            tally.equal(name, "the help before it", help_of, name)
            tally.check(name not in families, name, "has two types")
            tally.check(kind in ("counter", "gauge"), name, "type %s" % kind)
            families[name] = Family(kind)
        else:
            found = SERIES.fullmatch(line)
            if tally.check(found is not None, "form", "no series: %r" % line):
                add(tally, families, name, found)
    return families


def add(tally, families, name, found):
    tally.equal("form", "the family of %s" % found[1], found[1], name)
    family = families[found[1]]
    key = (found[2], found[3])
    tally.check(key not in family.values, found[1], "twice: %s" % (key,))
    family.values[key] = float(found[4])
    if found[2]:
        family.labels.setdefault(found[2], []).append(found[3])


def check_names(tally, families):
    for name, family in families.items():
        tally.check(NAME.fullmatch(name) is not None, name, "is not a name of ours")
        tally.equal(name, "_total", name.endswith("_total"), family.kind == "counter")
        tally.check(len(family.values) > 0, name, "has no series")
        tally.check(len(family.labels) <= 1 and len(family.values) <= 100, name, "too many series")
        tally.equal(name, "series without label", (None, None) in family.values, not family.labels)
    tally.equal("findings", "rules", families["stripwatch_findings_total"].labels["rule"],
                [rule for rule in RULES if rule not in SENSOR])


def promtool(tally, *arguments, text=None):
    done = subprocess.run(["promtool", *arguments], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", timeout=60, check=False)
    tally.equal("promtool %s" % " ".join(arguments[:2]), "exit code", done.returncode, 0)
    if arguments[1] == "metrics":
        tally.equal("promtool", "what it says", done.stdout, "")


def check_docs(tally, families):
    page = (TOP / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()
            if line.startswith("| `stripwatch_")]
    tally.equal("docs/metrics.md", "its names", [row[0].strip("`") for row in rows], list(families))
    for row in rows:
        family = families.get(row[0].strip("`"))
        if family:
            tally.equal(row[0], "type", row[1], family.kind)
            words = re.findall(r"`([^`]+)`", row[2])
            for label, values in family.labels.items():
                known = [label] if label in ("rule", "version") else [label] + values
                tally.equal(row[0], "labels in the page", words, known)
    mentioned = set(NAME.findall(page))
    tally.check(mentioned <= set(families), "docs/metrics.md",
                "names %s" % (mentioned - set(families)))


def check_expression(tally, where, expression, families):
    """Every name is known, and so is every label that is asked for, with a value that it has."""
    names = NAME.findall(expression)
    tally.check(names, where, "asks for nothing: %s" % expression)
    for name in names:
        tally.check(name in families, where, "%s is no metric" % name)
    for name, matchers in re.findall(r"(stripwatch_\w+)\{([^}]*)\}", expression):
        for label, operator, value in re.findall(r'(\w+)(=~|=)"([^"]*)"', matchers):
            if label in OTHERS or name not in families:
                continue
            values = families[name].labels.get(label, ())
            good = [v for v in values if (re.fullmatch(value, v) if operator == "=~" else v == value)]
            tally.check(good, where, "%s has no %s %s" % (name, label, value))
    labels = {label for name in names if name in families for label in families[name].labels}
    for by in re.findall(r"by \(([^)]*)\)", expression):
        tally.check({b.strip() for b in by.split(",")} <= labels | OTHERS, where, "by %s" % by)


def expressions_of_rules():
    """(alert, expression); the file is of one form, and promtool knows whether it is YAML."""
    text = RULES_FILE.read_text(encoding="utf-8")
    for block in re.split(r"^ +- alert: ", text, flags=re.M)[1:]:
        name = block.split("\n", 1)[0]
        found = re.search(r"^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)", block, flags=re.M)
        yield name, (found[1] or found[2]) if found else ""


def check_rules(tally, families):
    rows = list(expressions_of_rules())
    tally.check(len(rows) > 0, RULES_FILE.name, "has no rules")
    for name, expression in rows:
        tally.check(name.startswith("Stripwatch"), name, "is not a name of ours")
        if name != "StripwatchDown":  # that asks for `up`
            check_expression(tally, name, expression, families)


def check_dashboard(tally, families):
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    tally.equal(DASHBOARD.name, "uid", board["uid"], "stripwatch")
    tally.check(board["schemaVersion"] >= 36, DASHBOARD.name, "schemaVersion")
    kinds = [v["type"] for v in board["templating"]["list"]]
    tally.check("datasource" in kinds, DASHBOARD.name, "no data source to choose")
    for variable in board["templating"]["list"]:
        for name in NAME.findall(variable.get("definition", "")):
            tally.check(name in families, DASHBOARD.name, "%s is no metric" % name)
    ids = [panel["id"] for panel in board["panels"]]
    tally.equal(DASHBOARD.name, "the number of ids", len(set(ids)), len(ids))
    for panel in board["panels"]:
        at = panel["gridPos"]
        tally.check(at["x"] + at["w"] <= 24, panel["title"], "is beyond the edge")
        tally.equal(panel["title"], "data source", panel["datasource"]["uid"], "${datasource}")
        for target in panel["targets"]:
            check_expression(tally, panel["title"], target["expr"], families)


def check_lines(tally, build):
    """Of many sensors, each with a clock of its own: their order says nothing."""
    import check_schema
    done = subprocess.run([build / "tests" / "test_coverage"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=dict(os.environ, SHOW_LINES="1"), timeout=120,
                          check=False)
    lines = [line for line in done.stderr.splitlines(keepends=True) if line.startswith(b"{")]
    checker, seen = check_schema.Checker(), set()
    for line in lines:
        checker.newest = ""
        try:
            checker.check(line)
        except check_schema.Bad as error:
            tally.check(False, "coverage", "%s: %r" % (error, line[:200]))
        event = json.loads(line)
        seen.add((event["alert"]["metadata"]["rule"][0], event["sensor"]["what"]))
    schema = json.loads(check_schema.SCHEMA.read_text(encoding="utf-8"))
    known = schema["definitions"]["sensor"]["properties"]["sensor"]["properties"]["what"]["enum"]
    tally.equal("coverage", "matters in lines", sorted(what for _, what in seen), sorted(known))
    tally.equal("coverage", "rules in lines", {rule for rule, _ in seen}, set(SENSOR))


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    tally = Tally()
    show = Path(arguments[1]) / "tests" / "gauges_show"
    pages = [subprocess.run([show, word], stdout=subprocess.PIPE, check=True, timeout=20,
                            encoding="utf-8").stdout for word in ("least", "most")]
    least, most = (parse(tally, page) for page in pages)
    tally.check(set(least) <= set(most), "least", "has %s" % (set(least) - set(most)))
    check_names(tally, most)
    check_docs(tally, most)
    check_rules(tally, most)
    check_dashboard(tally, most)
    check_lines(tally, Path(arguments[1]))
    if shutil.which("promtool"):
        for page in pages:
            promtool(tally, "check", "metrics", text=page)
        promtool(tally, "check", "rules", str(RULES_FILE))
    else:
        tally.skip("no promtool", 3)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
