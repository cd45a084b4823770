#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nobody fools it: every capture of tests/tools/evasion.py gives the truth, or both readings.

    test_evasion.py BINARY [--write FOLDER] [NAME...]

Silently wrong is a session that reads as offered where the client got none, or the other way round;
silently blind is one without a session, or without a finding. Neither may happen.
"""
import sys
import tempfile
from pathlib import Path

import run
from run import Tally

import evasion
import pcapio


def worst(session):
    return max((run.LEVELS.index(level) for _, level in run.findings(session)), default=0)


def level(name):
    return run.LEVELS.index(name)


def check_garbled(tally, name, session):
    part = session["starttls"]
    tally.check(part["offered"] in ("garbled", "conflicting"), name, "offered is %s" % part["offered"])
    tally.equal(name, "verdict", part["verdict"], "downgraded")
    tally.check(worst(session) >= level("medium"), name, "nothing above low: %s" % run.findings(session))


def check_offered(tally, name, session):
    part = session["starttls"]
    tally.equal(name, "offered", part["offered"], "yes")
    tally.equal(name, "verdict", part["verdict"], "encrypted")
    tally.check(worst(session) <= level("low"), name, "above low: %s" % run.findings(session))


def check_both(tally, name, session):
    part = session["starttls"]
    tally.equal(name, "verdict", part["verdict"], "downgraded")
    tally.check(worst(session) >= level("high"), name, "nothing high: %s" % run.findings(session))
    shown = [t for t in part.get("tamper", []) if t["kind"] == "conflicting-segments"]
    tally.check(bool(shown), name, "the conflict is not told of: %s" % part.get("tamper"))
    for one in shown:  # a copy that begins inside a line shows none
        tally.check("first" not in one or one["first"] != one.get("second"), name,
                    "both copies are shown as %r" % one.get("first"))


def check_decoy_tls(tally, name, session):
    """All of the TLS on the tap is false, which no one can tell; that it conflicts, we can."""
    tally.equal(name, "offered", session["starttls"]["offered"], "conflicting")
    tally.check(worst(session) >= level("medium"), name, "too low: %s" % run.findings(session))


def check_rewritten(tally, name, session):
    part = session["starttls"]
    tally.equal(name, "verdict", part["verdict"], "downgraded")
    tally.check(worst(session) >= level("high"), name, "nothing high: %s" % run.findings(session))


def check_crowded(tally, name, session):
    tally.check(worst(session) >= level("high"), name, "nothing high: %s" % run.findings(session))


def check_quiet(tally, name, session):
    tally.check(worst(session) <= level("low"), name, "above low: %s" % run.findings(session))


def check_any(*_):
    """Only what the case says in `tell` and `quiet`."""


def check_unknown(tally, name, session):
    part = session["starttls"]
    tally.equal(name, "offered", part["offered"], "unknown")
    tally.check(worst(session) <= level("low"), name, "above low: %s" % run.findings(session))


def check_fragments(tally, name, session):
    """RFC 5722, RFC 8200 section 4.5: the datagram is thrown away, so nobody knows the reply; or
    it is read as the client got it."""
    part = session["starttls"]
    tally.check(part["offered"] in ("unknown", "garbled", "conflicting"), name,
                "offered is %s" % part["offered"])


SECRETS = (b"robert", b"gretel", b"cm9iZXJ0", b"Z3JldGVs", b"c2VjcmV0", b"Z2VoZWlt", b"hunter22",
           b"hunter23", b"alice123", b"alice.secret", b"alicesecret")


def check_secret(tally, name, session):
    tally.check("tamper" in session["starttls"], name, "the conflict is not told of")


CHECKS = {"rewritten": check_rewritten, "crowded": check_crowded, "secret": check_secret, "decoy-tls": check_decoy_tls, "quiet": check_quiet,
          "any": check_any, "garbled": check_garbled, "offered": check_offered, "both": check_both,
          "unknown": check_unknown, "fragments": check_fragments}


def check(tally, binary, case, folder):
    path = Path(folder) / (case.name + ".pcap")
    pcapio.write(path, case.capture)
    result = run.read_json(binary, path)
    if not tally.equal(case.name, "number of sessions", len(result.sessions), case.sessions):
        return
    session = result.sessions[-1]
    CHECKS[case.truth](tally, case.name, session)
    for word in SECRETS:
        tally.check(word not in result.raw, case.name, "%r is shown" % word)
    rules = dict(run.findings(session))
    for rule in case.tell:
        tally.check(rule in rules, case.name, "no %s among %s" % (rule, sorted(rules)))
    for rule in case.quiet:
        tally.check(level(rules.get(rule, "info")) <= level("low"), case.name,
                    "%s is %s" % (rule, rules.get(rule)))
    for rule in case.quiet_all:
        tally.check(rule not in rules, case.name, "%s is %s" % (rule, rules.get(rule)))
    for line in result.lines:
        if line["event_type"] == "stats":
            tally.check(accounted(line), case.name, "packets do not add up")


def accounted(line):
    p = dict(line["stats"]["stripwatch"]["packets"])
    drops = ("not_mail", "not_ip", "malformed_link", "malformed_ip", "malformed_tcp", "unknown_link",
             "vlan_deep", "malformed_tunnel", "tunnel_deep", "fragments_dropped", "fragments_held", "no_flow", "half_open", "flow_capped",
             "dns", "processed")
    return p["packets"] == sum(p[key] for key in drops)


def main():
    arguments = sys.argv[1:]
    binary, folder = arguments.pop(0), None
    if arguments[:1] == ["--write"]:
        folder, arguments = arguments[1], arguments[2:]
        Path(folder).mkdir(parents=True, exist_ok=True)
    tally = Tally()
    with tempfile.TemporaryDirectory() as scratch:
        for case in evasion.cases():
            if not arguments or case.name in arguments:
                check(tally, binary, case, folder or scratch)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
