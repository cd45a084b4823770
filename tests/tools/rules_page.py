#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/rules.md: what `stripwatch rules markdown` says, and the captures of each rule.

    rules_page.py BINARY
"""
import json
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "rules.md"
INTRODUCTION = """
## Captures

In `tests/pcaps/`, by `expect.json`: those that show the rule, and those that must not, though they look alike.
What a sensor says of itself needs a wire, and no capture shows it.

"""


def captures():
    """Rule: folders that show it, near misses."""
    out = {}
    for path in sorted((TOP / "tests" / "pcaps").glob("*/expect.json")):
        expect = json.loads(path.read_text(encoding="utf-8"))
        for column, key in enumerate(("positive", "negative")):
            for rule in expect[key]:
                out.setdefault(rule, ([], []))[column].append(path.parent.name)
    return out


def page(binary):
    done = subprocess.run([binary, "rules", "markdown"], stdout=subprocess.PIPE, check=True, timeout=20,
                          encoding="utf-8")
    names = subprocess.run([binary, "rules", "list"], stdout=subprocess.PIPE, check=True, timeout=20,
                           encoding="utf-8").stdout.splitlines()[1:]
    known, text = captures(), done.stdout + INTRODUCTION
    for name in (line.split()[0] for line in names):
        if name not in known:  # what the sensor says of itself
            continue
        shows, misses = known[name]
        text += "- **%s** by %s; not by %s\n" % (name, ", ".join(shows), ", ".join(misses))
    return text


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    PAGE.write_text(page(sys.argv[1]), encoding="utf-8")
