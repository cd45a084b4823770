#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever Linux takes for the client's words the sensor takes as well, or says that it may be wrong.

    test_symtcp.py BINARY [--cases N] [--seed N] [--only NUMBER]... [--keep FOLDER]

Cases of tests/tools/symtcp.py, each played against a socket of this kernel and captured on the way.
The facts of the sensor's session are compared with what the program behind the socket was given. A
difference without any sign of it in the record is a failure. Those cases where nothing odd is sent
must agree and show no sign. It needs leave to make network namespaces, and `ip`.
"""
import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import run
from run import Tally

import pcapio
import symtcp

START, APART = 1795082400 * 10**9, 2 * 10**9
SIGNS = ("conflicting-segments", "forged-reset", "conflicting-handshake", "path-discontinuity",
         "unsolicited-reply", "command-injection")


def facts_of(line):
    """What the sensor read, in the words of symtcp.App.facts."""
    smtp, part = line.get("smtp", {}), line["starttls"]
    clear = part.get("clear", {})
    return {"helo": smtp.get("helo", ""), "asked": part.get("asked"),
            "mail_from": smtp.get("mail_from", ""), "rcpt_to": smtp.get("rcpt_to", []),
            "mails": clear.get("mails", 0), "auth": clear.get("auth") in ("tried", "accepted"),
            "tls": part["handshake"] == "complete" or
                   (part["handshake"] == "aborted" and part["stage"] not in ("starttls", "reply"))}


def signs_of(line):
    """What in a session's record says that more than one story can be told, or that it is not whole."""
    part = line["starttls"]
    out = sorted({rule for rule, _ in run.findings(line)} & set(SIGNS))
    out += ["tamper"] if part.get("tamper") else []
    out += [part["visibility"]] if part["visibility"] != "both" else []
    out += ["unknown"] if part["verdict"] == "unknown" else []
    out += ["unacknowledged"] if "unacknowledged" in part else []
    return out


def differences(lines, app):
    """Facts in which the sensor's sessions of one connection differ from the truth."""
    got = app.got if app else b""
    if not lines:
        return ["no session"] if got else []
    if len(lines) > 1:
        return ["%d sessions" % len(lines)]
    if not app:
        return ["a session where there is none"]
    read = facts_of(lines[0])
    return ["%s is %r, not %r" % (key, read[key], true) for key, true in app.facts.items()
            if read[key] != true]


def is_behind_mail(plan, app):
    """Is something inserted behind the beginning of the first message? From there on the sensor
    compares no copies (README.md, "Not yet")."""
    steps = symtcp.DIALOGUES[plan.dialogue][1]
    return bool(app and app.facts["mails"]) and any(
        i.step >= steps.index(symtcp.TEXT) for i in plan.insertions)


def play(lab, numbers, seed):
    """(plan, wire) of each case."""
    out = []
    for at, number in enumerate(numbers):
        plan = symtcp.plan(number, seed)
        out.append((plan, symtcp.Play(lab, plan, START + at * APART).run()))
    return out


def sessions_by_port(binary, played, folder):
    path = Path(folder) / "symtcp.pcap"
    packets = [p for _, wire in played for p in wire.packets]
    pcapio.write(path, pcapio.Capture(pcapio.LINK_ETHERNET, packets))
    result = run.read_json(binary, path, ("--show-addresses", "--exit-zero"), timeout=600)
    out = {}
    for line in result.sessions:
        out.setdefault(line["src_port"], []).append(line)
    return out


def check(tally, plan, wire, lines, keep):
    """One case; gives what it counts as."""
    name = "case %d of seed %d" % (plan.number, plan.seed)
    wrong = differences(lines, wire.app)
    signs = sorted({sign for line in lines for sign in signs_of(line)})
    plain = not plan.insertions and not plan.handshake
    good = not wrong and not signs if plain else not wrong or bool(signs)
    if not good and is_behind_mail(plan, wire.app):
        tally.passed += 1
        return "wrong behind the first message, in silence"
    if not tally.check(good, name, "%s, in silence (%s)" % (", ".join(wrong) or signs, plan)) and keep:
        pcapio.write(Path(keep) / ("%d-%d.pcap" % (plan.seed, plan.number)), wire.capture())
    return ("wrong, " if wrong else "right, ") + ("told of" if signs else "in silence")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, action="append", default=[])
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    tally, count = Tally(), Counter()
    numbers = options.only or range(options.cases)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    if not shutil.which("ip"):
        tally.skip("!!! without ip (iproute2) nothing was compared with the kernel !!!")
        return tally.finish()
    try:
        lab = symtcp.Lab()
    except symtcp.Refused as e:
        tally.skip("!!! no network namespaces here, nothing was compared with the kernel: %s !!!" % e)
        return tally.finish()
    with tempfile.TemporaryDirectory() as folder:
        played = play(lab, numbers, options.seed)
        lines = sessions_by_port(options.binary.resolve(), played, folder)
    for plan, wire in played:
        count[check(tally, plan, wire, lines.get(wire.ports[0], []), options.keep)] += 1
    print("; ".join("%s: %d" % row for row in sorted(count.items())))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
