#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What README.md and the pages of docs/ show is what the program prints.

    test_readme.py BINARY [--write]

Takes each ```console block whose first line starts with `$ script/run` or `$ stripwatch`, runs its
commands from the top of the tree with BINARY in the place of both, and compares output and errors
line by line. A command must exit with 0 unless `$ echo $?` follows it. A block that needs a program
which is not installed is skipped. With --write the pages get what is printed instead.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from run import Tally

TOP = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT, MORE = "$ ", "> "
HELPERS = ("jq",)


def pages():
    return [*sorted(TOP.glob("*.md")), *sorted((TOP / "docs").glob("*.md"))]


def blocks(text):
    """(line number, text) of each block of a page that shows the program."""
    for match in BLOCK.finditer(text):
        if re.match(r"\$ (script/run|stripwatch)\b", match[1]):
            yield text.count("\n", 0, match.start(1)) + 1, match[1]


def commands(block):
    """(line number in the block, command, lines shown below it); `> ` continues a command."""
    out = []
    for number, line in enumerate(block.splitlines()):
        if line.startswith(MORE) and out and not out[-1][2]:
            out[-1][1] += "\n" + line[len(MORE):]
        elif line.startswith(PROMPT):
            out.append([number, line[len(PROMPT):], []])
        else:
            out[-1][2].append(line)
    return out


def missing(block):
    return [name for name in HELPERS if re.search(r"\b%s\b" % name, block)
            and not shutil.which(name)]


class Shell:
    """Runs one command after the other; `stripwatch` and `script/run` are BINARY."""

    def __init__(self, binary, folder):
        Path(folder, "stripwatch").symlink_to(Path(binary).resolve())
        self.env = dict(os.environ, LC_ALL="C.UTF-8", NO_COLOR="1",
                        PATH="%s:%s" % (folder, os.environ["PATH"]))
        self.code = 0

    def run(self, command):
        script = "(exit %d)\n%s" % (self.code, command.replace("script/run", "stripwatch"))
        done = subprocess.run(["bash", "-c", script], cwd=TOP, env=self.env, timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.code = done.returncode
        return done.stdout.decode(errors="replace").splitlines()


def difference(shown, printed):
    """The first line that differs, as text."""
    for at in range(max(len(shown), len(printed))):
        left = shown[at] if at < len(shown) else "(nothing)"
        right = printed[at] if at < len(printed) else "(nothing)"
        if left != right:
            return "line %d shows %r, printed is %r" % (at + 1, left, right)
    return ""


def told(steps, at):
    return at + 1 < len(steps) and steps[at + 1][1] == "echo $?"


def check_block(tally, binary, where, block):
    """Returns the block as it should be."""
    steps, out = commands(block), []
    with tempfile.TemporaryDirectory() as folder:
        shell = Shell(binary, folder)
        for at, (number, command, shown) in enumerate(steps):
            name = "%s:%d" % (where[0], where[1] + number)
            printed = shell.run(command)
            tally.check(shown == printed, name, difference(shown, printed))
            tally.check(told(steps, at) or shell.code == 0, name, "exits with %d" % shell.code)
            out += [PROMPT + command.replace("\n", "\n" + MORE), *printed]
    return "\n".join(out) + "\n"


def check_page(tally, binary, page):
    """Returns the page as it should be."""
    text = page.read_text(encoding="utf-8")
    for number, block in list(blocks(text)):
        where = (page.relative_to(TOP), number)
        if missing(block):
            tally.skip("%s:%d needs %s" % (*where, ", ".join(missing(block))))
        else:
            text = text.replace(block, check_block(tally, binary, where, block))
    return text


def main(arguments):
    write = "--write" in arguments[2:]
    if len(arguments) != 2 + write:
        print(__doc__, file=sys.stderr)
        return 2
    tally = Tally()
    for page in pages():
        text = check_page(tally, arguments[1], page)
        if write:
            page.write_text(text, encoding="utf-8")
    tally.check(tally.passed + tally.skipped > 0, "README.md", "shows no command of the program")
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
