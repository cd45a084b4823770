#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each innocent look-alike has captures, and none of them is to raise more than `low`.

    test_look_alikes.py

The tables of docs/look-alikes.md against tests/pcaps: the numbers 1 to 26 in their order, folders that are
there, and every folder look-* in a row, of its own number if it has one. What stripwatch says of the
captures is test_pcaps.py's.
"""
import json
import re
import sys

from run import PCAPS, TESTS, Tally, at_least

PAGE = TESTS.parent / "docs" / "look-alikes.md"
NUMBERS = list(range(1, 27))


def rows(text):
    """(number or None, folders) of each row of the tables."""
    out = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        numbered = len(cells) == 4 and cells[0].isdigit()
        if line.startswith("|") and (numbered or len(cells) == 3) and "`" in line:
            out.append((int(cells[0]) if numbered else None, re.findall(r"`([^`]+)`", cells[-2])))
    return out


def severities(expect):
    found = [f for s in expect["sessions"] for f in s["findings"]]
    return {f["severity"] for f in found + expect.get("discovery", []) + expect.get("alerts", [])}


def check_folder(tally, folder):
    path = PCAPS / folder / "expect.json"
    if not tally.check(path.exists(), folder, "is not in tests/pcaps"):
        return
    expect = json.loads(path.read_text(encoding="utf-8"))
    loud = sorted(s for s in severities(expect) if at_least(s, "medium"))
    tally.check(not loud, folder, "expects %s" % ", ".join(loud))
    tally.equal(folder, "exit code", expect["exit"], 0)


def main():
    tally = Tally()
    table = rows(PAGE.read_text(encoding="utf-8"))
    tally.equal(PAGE.name, "numbers", [n for n, _ in table if n is not None], NUMBERS)
    for number, folders in table:
        tally.check(folders, "look-alike %s" % number, "has no capture")
        for folder in folders:
            check_folder(tally, folder)
    named = {(number, folder) for number, folders in table for folder in folders}
    for path in sorted(PCAPS.glob("look-*")):
        own = re.match(r"look-(\d\d)-", path.name)
        tally.check((int(own[1]) if own else None, path.name) in named, path.name,
                    "is not in its row of %s" % PAGE.name)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
