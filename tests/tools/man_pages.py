#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the man pages take from the program: its options, its keys, its rules.

    man_pages.py BINARY          writes the parts between BEGIN and END of man/*
    man_pages.py BINARY --check  exits with 1 if that would change something
"""
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
OPTION = re.compile(r"^  (?:-(\w), |    )--([\w-]+)(?: (\S+))?(?:  +(.*))?$")


def ask(binary, *words):
    return subprocess.run([binary, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def commands(binary):
    """The names of the commands, from the help of the program."""
    found = re.findall(r"^  stripwatch ([a-z]+)\b", ask(binary, "help"), re.MULTILINE)
    return list(dict.fromkeys(found))


def options(text):
    """(letter, name, value, help) of each option in the help of a command; then what follows."""
    rows, rest = [], []
    for line in text.splitlines()[3:]:
        match = OPTION.match(line)
        if match and not rest:
            rows.append([match[1], match[2], match[3], [match[4] or ""]])
        elif rows and not rest and line.startswith(" " * 20):
            rows[-1][3].append(line.strip())
        elif line.strip() or rest:
            rest.append(line)
    return [(a, b, c, " ".join(filter(None, d))) for a, b, c, d in rows], rest


def plain(text):
    """Text that roff takes as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return "\\&" + text if text[:1] in ".'" else text


def sentences(text):
    """One sentence a line, none empty."""
    return [plain(part) for part in re.split(r"(?<=\.) (?=[A-Z])", text.strip()) if part]


def tag(letter, name, value):
    short = "Fl %s , " % letter if letter else ""
    long = "Fl \\-%s" % name.replace("-", "\\-")
    return ".It %s%s%s" % (short, long, " Ar " + value.replace(",", "\\&,") if value else "")


def command_part(binary, name, usage):
    text = ask(binary, name, "--help")
    rows, rest = options(text)
    about = text.splitlines()[2]
    out = [".Ss %s" % name, ".Nm", ".Cm %s" % plain(usage), ".Pp", *sentences(about[0].upper() +
           about[1:] + ("" if about[-1] in ".?" else "."))]
    out += [".Bl -tag -width Ds"]
    for letter, long, value, about in rows:
        out += [tag(letter, long, value), *sentences(about)]
    out += [".El"]
    if rest:
        out += [".Bd -literal", *map(plain, rest), ".Ed"]
    return out


def usages(binary):
    """(name, usage) of each command."""
    for name in commands(binary):
        first = ask(binary, name, "--help").splitlines()[0]
        yield name, "help [COMMAND]" if name == "help" else first[len("stripwatch "):]


def synopsis(binary):
    out = []
    for _, usage in usages(binary):
        out += [".Nm", ".Cm %s" % plain(usage)]
    return out


def all_commands(binary):
    out = []
    for name, usage in usages(binary):
        if name == "help":
            out += [".Ss help", ".Nm", ".Cm help [COMMAND]", ".Pp",
                    "Prints what there is, or the options of a command."]
        else:
            out += command_part(binary, name, usage)
    return out


def keys(binary):
    out = [".Bl -tag -width Ds"]
    for line in ask(binary, "check", "--keys").splitlines()[2:]:
        key, value, default, reload, option, about = (
            cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        says = ["Value: %s." % value]
        says.append("Default: %s." % default.strip("`") if default else "No default.")
        if reload == "yes":
            says.append("A reload changes it.")
        if option:
            says.append("Option: %s." % option.strip("`"))
        out += [".It Cm %s" % plain(key.strip("`")), *sentences(about[:1].upper() + about[1:] + ".")]
        out += [".br", *map(plain, says)]
    return out + [".El"]


def rules(binary):
    out = [".Bl -tag -width Ds"]
    for line in ask(binary, "rules", "list").splitlines()[1:]:
        name, sid, family, rest = re.split(r" +", line, maxsplit=3)
        classes = re.match(r"((?:E\d(?:, )?)+|-)? *(.*)$", rest)
        out += [".It Li %s Pq %s" % (plain(name), sid), plain(classes[2]) + "."]
    return out + [".El"]


PART = {"synopsis": synopsis, "commands": all_commands, "keys": keys, "rules": rules}


def page(binary, text):
    def fill(match):
        lines = PART[match[1]](binary)
        return '.\\" BEGIN %s\n%s\n.\\" END %s\n' % (match[1], "\n".join(lines), match[1])
    return re.sub(r'^\.\\" BEGIN (\w+)\n(?:.*\n)*?\.\\" END \1\n', fill, text, flags=re.MULTILINE)


def main():
    binary, check = sys.argv[1], "--check" in sys.argv[2:]
    stale = 0
    for path in sorted((TOP / "man").glob("*.[157]")):
        old = path.read_text()
        new = page(binary, old)
        if new == old:
            continue
        stale = 1
        if check:
            print("%s is not what the program says: tests/tools/man_pages.py" % path.name)
        else:
            path.write_text(new)
    return stale if check else 0


if __name__ == "__main__":
    sys.exit(main())
