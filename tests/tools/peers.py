#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What other tools say of the captures of evasion.py; makes the tables of docs/peers.md.

    peers.py FOLDER        FOLDER: written by tests/system/test_evasion.py BINARY --write FOLDER

By hand, on a machine that has them (Debian 12; Suricata 7 from its backports): suricata with its own
event rules, tshark, ndpiReader, all as installed. Only the captures over IPv4 are taken.
"""
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import evasion

RULES = ("decoder", "stream", "smtp", "app-layer", "tls")
NOISE = "SURICATA Applayer Detect protocol only one direction"  # on the clean ones as well


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                          timeout=120).stdout.decode(errors="replace")


def suricata(path, rules):
    """Signatures of its alerts."""
    with tempfile.TemporaryDirectory() as out:
        run("suricata", "-r", str(path), "-l", out, "-S", rules, "--runmode", "single")
        lines = [json.loads(line) for line in open(out + "/eve.json", encoding="utf-8")]
    found = {line["alert"]["signature"] for line in lines if line["event_type"] == "alert"}
    return ", ".join(sorted(s.replace("SURICATA ", "") for s in found - {NOISE})) or "nothing"


def tshark(path):
    """Which of the two words it shows in replies, and what its experts warn of."""
    replies = run("tshark", "-r", str(path), "-Y", "smtp.response", "-T", "fields", "-e",
                  "smtp.rsp.parameter")
    shown = [word for word in ("STARTTLS", "XXXXXXXX") if word in replies]
    warned = run("tshark", "-r", str(path), "-T", "fields", "-e", "_ws.expert.message", "-Y",
                 "_ws.expert.severity >= 0x00600000")
    words = sorted({w.strip() for line in warned.splitlines() for w in line.split(",") if w.strip()})
    return " and ".join(shown) or "neither", "; ".join(words)[:90] or "nothing"


def ndpi(path):
    text = run("ndpiReader", "-i", str(path), "-v", "2")
    risks = sorted({part.split("]")[0] for part in text.split("[Risk: ")[1:]})
    return ("SMTP" if "SMTP" in text else "unknown") + (" " + "; ".join(risks) if risks else "")


def seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(arguments):
    folder, cost, rows = Path(arguments[0]), {}, []
    with tempfile.NamedTemporaryFile("w", suffix=".rules") as rules:
        for name in RULES:
            rules.write(Path("/etc/suricata/rules/%s-events.rules" % name).read_text("utf-8"))
        rules.flush()
        cases = [case for case in evasion.cases() if case.name.endswith("-ipv4")]
        for case in cases:
            path, row = folder / (case.name + ".pcap"), [case.name[:-5], case.truth]
            for name, tool in (("suricata", lambda p: (suricata(p, rules.name),)),
                               ("tshark", tshark), ("ndpiReader", lambda p: (ndpi(p),))):
                before = seconds()
                row += tool(path)
                cost[name] = cost.get(name, 0) + seconds() - before
            rows.append(row)
    print("| capture | the client got | Suricata says | tshark reads | tshark warns | ndpiReader |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print("\n%d captures; CPU: %s" % (len(rows), ", ".join("%s %.1f s" % c for c in cost.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
