#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mail that Postfix delivers to Postfix, each in a network namespace, past somebody who takes away
STARTTLS and then the TLSA records, while a sensor watches the sender's wire and has fetched policy
and records itself: from nginx, and from a signed zone.

    test_delivery.py BUILD [--inside]

--inside: it is in its namespace already.
"""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import run
from test_online import Watch, enter, tally, wait_for
import mail_lab     # noqa: E402  (run has told where the tools are)
import postfix_lab  # noqa: E402
import tlscerts     # noqa: E402

KEPT, SEALED = "kept.lab", "sealed.lab"  # Postfix delivers with TLS if it can; by DANE
BROKEN = {"sts-offer-missing", "dane-violated"}
CHECKS = 21  # that are left out where it cannot be


def identity_of(folder):
    """Of the exchanger, and the record that names its key."""
    folder.mkdir()
    one = tlscerts.Mill(folder).leaf("mx", "ecdsa", "/CN=mx.lab", mail_lab.VALID, ("mx.kept.lab", "mx.sealed.lab"))
    key = tlscerts.openssl("pkey", "-in", one.key, "-pubout", "-outform", "DER")
    return one, "3 1 1 " + hashlib.sha256(key).hexdigest()


def told(lines, domain, asked):
    """Findings of the sessions that were about the domain, rule -> severity, one after the other.
    Where TLS hid whom they were for, `domain` is None."""
    of = []
    for line in lines:
        about = line.get("starttls", {})
        if line["event_type"] == "smtp" and about["asked"] == asked and \
                domain == (None if asked else about.get("policy", {}).get("domain")):
            of.append(dict(run.findings(line)))
    return of


def sent(mail, domain, status):
    """Hands a mail in; has Postfix made that of it?"""
    pattern = r"to=<b@%s>.*status=%s" % (re.escape(domain), status)
    before = len(re.findall(pattern, mail.sender.said()))
    mail.hand_in(domain)
    return tally.check(mail.sender.wait_for(pattern, before + 1), "%s to %s" % (status, domain),
                       mail.sender.said()[-800:])


def run_all(build, folder):
    identity, record = identity_of(folder / "mx")
    domains = tuple(mail_lab.Domain(name, tlsa=record) for name in (KEPT, SEALED))
    lab = mail = watch = None
    try:
        lab = mail_lab.Lab(folder, domains)
        mail = postfix_lab.Mail(folder, identity, {KEPT: "smtp", SEALED: "dane"})
        watch = Watch(build / "stripwatch", folder / "watch", "--set", "policy.lookups=seen", "--set",
                      "policy.own_domains=%s,%s" % (KEPT, SEALED), "--set", "privacy.log_sessions=all", *lab.options(), interface="toward-sender")
        tally.check(watch.ready and watch.process.poll() is None, "watch", watch.text()[-800:])
        test_all(mail, watch, lab)
    finally:
        for part in (mail, lab):
            if part:
                part.stop()
        if watch and watch.process.poll() is None:
            watch.stop()


def test_all(mail, watch, lab):
    tally.check(wait_for(lambda: lab.fetched() >= 2), "look-ups", watch.text()[-800:])

    # Nobody is in the way.
    sent(mail, KEPT, "sent")
    sent(mail, SEALED, "sent")
    tally.check("Verified TLS connection established to mx.sealed.lab" in mail.sender.said(), "DANE", mail.sender.said()[-800:])

    # STARTTLS is taken away: one goes in clear, the other is held back.
    mail.attacker.no_starttls = True
    sent(mail, KEPT, "sent")
    tally.check(wait_for(lambda: BROKEN <= watch.rules()), "stripped", "%r" % watch.rules())
    sent(mail, SEALED, "deferred")

    # The records as well: now that one goes in clear, too.
    mail.attacker.no_tlsa = True
    sent(mail, SEALED, "sent")
    tally.check(wait_for(lambda: "tlsa-stripped" in watch.rules()), "records stripped", "%r" % watch.rules())
    tally.equal("the attacker", "replies that he changed", mail.attacker.stripped, 3)

    tally.equal("watch", "exit code", watch.stop(), 0)
    lines = watch.lines()
    tally.equal("honest", "findings", told(lines, None, True), [{}, {}])
    broken = dict.fromkeys(BROKEN, "high")
    for domain, count in ((KEPT, 1), (SEALED, 2)):
        of = told(lines, domain, False)
        tally.equal(domain, "sessions in clear", len(of), count)
        for found in of:
            tally.equal(domain, "what differs from docs/policies.md in %r" % found, run.subset(broken, found), [])
    alerts = {line["alert"]["metadata"]["rule"][0]: line for line in lines if line["event_type"] == "alert"}
    stripped = alerts.get("tlsa-stripped", {})
    tally.equal("tlsa-stripped", "name", stripped.get("dns", {}).get("rrname"), "_25._tcp.mx.sealed.lab")
    tally.equal("tlsa-stripped", "severity", stripped.get("alert", {}).get("metadata", {}).get("severity"), ["medium"])
    counted = watch.lookups()
    tally.equal("look-ups", "asked, answered, failed", [counted.get(w) for w in ("asked", "answered", "failed")], [2, 2, 0])


def main():
    build = Path(sys.argv[1]).resolve()
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # it needs ptrace, which nobody has here
    against = postfix_lab.reason_against()
    if against:
        tally.skip(against, CHECKS)
        return tally.finish()
    if "--inside" not in sys.argv:
        os.execvp("unshare", ["unshare", "--net", sys.executable, __file__, str(build), "--inside"])
    folder = Path(tempfile.mkdtemp(prefix="stripwatch-delivery-"))
    folder.chmod(0o755)
    enter()
    try:
        run_all(build, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
