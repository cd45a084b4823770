#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of docs/formats.md, out of the files that the program is made of.

    formats_page.py            writes the parts between BEGIN and END
    formats_page.py --check    exits with 1 if that would change something

The map is alert/format_map.def, what is done to a value alert/format_how.h, the severities those of
alert/format.c.
"""
import functools
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "formats.md"
FORMATS = ("ECS", "CEF", "OCSF", "RFC5424")
TITLE = {"RFC5424": "RFC 5424"}
ROW = re.compile(r'^(ECS|CEF|OCSF|RFC5424)(_WITH|_CUSTOM)?\(((?:[^()"]|"[^"]*")*)\)$', re.MULTILINE)
NAMES = {"FORMAT_ECS_VERSION": "8.11.0", "FORMAT_OCSF_VERSION": "1.4.0"}


def source(name):
    return (TOP / "alert" / name).read_text(encoding="utf-8")


@functools.lru_cache
def rows():
    """(format, to, constant or label or None, from, how, kind) of each row of the map, in its order."""
    out = []
    for kind, more, inside in ROW.findall(source("format_map.def")):
        words = [word.strip() for word in re.findall(r'\s*("[^"]*"|[^,\s]+)\s*,?', inside)]
        words = [NAMES.get(word, word.strip('"')) for word in words]
        constant = words.pop(1) if more else None
        out.append((kind, words[0], constant, words[1], words[2], more))
    return out


def hows():
    """What the documentation says of each way to make a value."""
    return dict(re.findall(r'HOW\((\w+),\s*"([^"]*)"\)', source("format_how.h")))


def severities():
    """Severity: its number in EVE, ECS, CEF, OCSF, RFC 5424."""
    found = re.findall(r"\[SEVERITY_(\w+)\] = \{([-\d, ]+)\}", source("format.c"))
    return {name.lower(): [int(n) for n in numbers.split(",")] for name, numbers in found}


def cell(rows_here, said):
    """What one format has for one path of EVE."""
    out = []
    for _, to, constant, _, how, more in rows_here:
        note = said[how]
        if more == "_WITH":
            note = "`%s`" % constant
        elif more == "_CUSTOM":
            note = "; ".join(filter(None, ["label `%s`" % constant, note]))
        out.append("`%s`%s" % (to, " (%s)" % note if note else ""))
    return "<br>".join(out)


def is_always(row):
    """Rows that are in every line whatever it says."""
    return row[4] in ("program_version", "yes") or (row[2] and row[3] == "event_type")


def map_table():
    said, known = hows(), [row for row in rows() if not is_always(row)]
    out = ["| EVE | %s |" % " | ".join(TITLE.get(f, f) for f in FORMATS), "|---" * 5 + "|"]
    for path in dict.fromkeys(row[3] for row in known):
        cells = [cell([r for r in known if r[0] == f and r[3] == path], said) for f in FORMATS]
        out.append("| `%s` | %s |" % (path, " | ".join(cells)))
    return "\n".join(out)


def always_table():
    said, out = hows(), ["| format | always |", "|---|---|"]
    for kind in FORMATS:
        here = ["`%s`: %s" % (r[1], "`%s`" % r[2] if r[2] else said[r[4]])
                for r in rows() if r[0] == kind and is_always(r)]
        if here:
            out.append("| %s | %s |" % (TITLE.get(kind, kind), "; ".join(here)))
    return "\n".join(out)


def severity_table():
    out = ["| severity | EVE `alert.severity` | ECS `event.severity` | CEF | OCSF `severity_id` | syslog |",
           "|---|---|---|---|---|---|"]
    for name in ("critical", "high", "medium", "low"):
        out.append("| %s | %s |" % (name, " | ".join(str(n) for n in severities()[name])))
    return "\n".join(out)


PARTS = {"map": map_table, "always": always_table, "severities": severity_table}


def page(text):
    for name, table in PARTS.items():
        pattern = r"(<!-- BEGIN %s -->\n).*?(<!-- END %s -->)" % (name, name)
        made = table() + "\n"
        text, count = re.subn(pattern, lambda m, made=made: m[1] + made + m[2], text, flags=re.DOTALL)
        if count != 1:
            sys.exit("formats.md: no place for %s" % name)
    return text


if __name__ == "__main__":
    old = PAGE.read_text(encoding="utf-8")
    new = page(old)
    if "--check" in sys.argv:
        sys.exit(old != new)
    PAGE.write_text(new, encoding="utf-8")
