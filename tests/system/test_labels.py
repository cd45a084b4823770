#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Labelled captures that are not in the tree: every flow is one session with the labelled facts.

    test_labels.py BINARY SHARED_DIR

SHARED_DIR holds pcaps/lab and pcaps/public, each with its LABELS.json. Facts are compared as they
stand. Of what a label wants to have reported, the kinds that are rules here are demanded, with the
severity of the matrix and not the label's: evidence E1, or E2 with the thin support that two sessions
before give; nothing else may be above info.
Where packets contradict a label the packets are right: see EXCEPTIONS.
"""
import json
import sys
from collections import defaultdict
from pathlib import Path

import run
from run import Tally

MAIL_PORTS = (25, 465, 587, 2525)

# What is not compared, and why: there the packets contradict the label, and the packets are right.
EXCEPTIONS = {
    "mots-short-swaks-pf-299.client.pcap": {
        "mails": "replies are one late behind the forged one: the QUIT crossed as text of DATA"},
    "mots-short-swaks-pf-299.server.pcap": {"mails": "the same connection"},
    "pcapplusplus__Smtp.pcap": {
        "sessions": "packets of 2009, 2014 and 2023: one four-tuple years apart is two sessions"},
    "suricata-verify__protocol-change-failed-event-input.pcap": {
        "starttls-ignored": "the client sends one byte; it is the server that goes on in clear, "
                            "unasked, which is response-injection"},
}

# What a label calls the fact: the rules here that report it. Of a kind that is not here, or needs a
# history, a policy or DNS that is not in the capture, nothing can be demanded.
LAB_RULES = {
    "tcp-conflicting-segments": ("conflicting-segments",),
    "starttls-garbled": ("starttls-garbled",),
    "starttls-refused": ("starttls-refused",),
    "starttls-aborted": ("starttls-unanswered",),
    "ehlo-rejected": ("ehlo-refused",),
    "banner-masked": ("greeting-masked",),
    "starttls-command-garbled": ("starttls-command-garbled",),
    "starttls-command-injection": ("command-injection",),
    "starttls-response-injection": ("response-injection",),
    "legacy-tls-version": ("version-obsolete",),
    "certificate-untrusted": ("certificate-untrusted",),
    "certificate-expired": ("certificate-expired",),
    "certificate-name-mismatch": ("certificate-name-mismatch",),
    "tls-version-downgrade": ("downgrade-sentinel",),
    "plaintext-retry-after-tls-failure": ("plaintext-fallback",),
}
# The sessions before are in the capture: what they make of the fact.
HISTORY_RULES = {
    "starttls-missing": ("starttls-removed",),
    "tls-version-downgrade": ("version-regressed",),
    "plaintext-although-offered": ("sender-stopped-upgrading",),
    "helo-fallback": ("sender-stopped-upgrading",),
}
# One of these tells of it, at info where the client seems to have left by itself; the label's own
# words: "handshake-aborted, starttls-ignored, cleartext-in-handshake or handshake-altered".
FAILED_HANDSHAKE = ("handshake-aborted", "starttls-ignored", "cleartext-in-handshake",
                    "handshake-altered")
# Of reports that need the DNS answers of the capture: TLSA records make TLS a must.
DNS_RULES = {
    "starttls-missing": ("dane-violated",),
    "starttls-garbled": ("starttls-garbled", "dane-violated"),
    "tlsa-mismatch": ("dane-violated",),
}
# Of flows of several captures in one: each is the past of those behind it.
MIXED = {"starttls-removed", "sender-stopped-upgrading", "plaintext-fallback", "delivery-held"}
LAB_DISCOVERY = {
    "mta-sts-record-missing": "sts-record-suppressed",
    "mx-not-in-policy": "mx-spoofed",
}
# Rules that may speak besides, because the fact is there in another light.
LAB_ALLOWED = {
    "tls-handshake-failed": FAILED_HANDSHAKE,
    "helo-fallback": ("ehlo-refused", "ehlo-verb-garbled", "greeting-masked"),
    "banner-masked": ("starttls-garbled",),
    "tcp-conflicting-segments": ("path-discontinuity",),  # the forger's segments look otherwise
    "plaintext-although-offered": ("plaintext-fallback",),
}
LAB_FORBIDDEN = {
    "starttls-garbled": "starttls-garbled",
    "starttls-missing": "starttls-removed",
    "starttls-missing as a certain fact": "starttls-removed",
    "starttls-refused": "starttls-refused",
    "ehlo-rejected": "ehlo-refused",
}
LAB_CEILING = {
    "any alert of severity medium or above": "low",
    "high or critical": "medium",
    "critical": "high",
}
PUBLIC_RULES = {
    "no-tls-after-starttls-220": "starttls-ignored",
    "ehlo-refused-helo-fallback": "ehlo-refused",
    "tls-obsolete-version": "version-obsolete",
    "tls-weak-cipher": "cipher-weak",
}
PUBLIC_ALLOWED = {"no-tls-after-starttls-220": ("response-injection",)}


def excepted(name, what):
    return what in EXCEPTIONS.get(name, {})


# --- flows and sessions --------------------------------------------------------------------------

def endpoint(text):
    """`ADDR PORT` (lab) or `ADDR:PORT`, `[ADDR]:PORT` (public)."""
    address, port = text.rsplit(" " if " " in text else ":", 1)
    return address.strip("[]"), int(port)


def sessions_by_tuple(result):
    """Session lines by their four-tuple, in the order of the lines."""
    table = defaultdict(list)
    for line in result.sessions:
        key = (line["src_ip"], line["src_port"], line["dest_ip"], line["dest_port"])
        table[key].append(line)
    return table


def match(tally, name, flows, result):
    """Pairs of flow and session line; every flow and every session must have its other."""
    table = sessions_by_tuple(result)
    pairs = []
    for flow in flows:
        key = endpoint(flow["client"]) + endpoint(flow["server"])
        if tally.check(table.get(key), name, "no session %s:%d -> %s:%d" % key):
            pairs.append((flow, table[key].pop(0)))
    for key, rest in table.items():
        tally.check(not rest, name, "%d sessions %s:%d -> %s:%d too many" % (len(rest), *key))
    return pairs


def first_words(lines):
    return [line.split()[0] if line.split() else "" for line in lines]


def printable(words):
    return all(word.isascii() and word.isprintable() and "\\" not in word for word in words)


class Facts:
    """Compares one session with its flow, fact by fact."""

    def __init__(self, tally, name, line):
        self.tally, self.name, self.line = tally, name, line
        self.session = line["starttls"]

    def equal(self, what, wanted):
        if not excepted(self.name, what):
            label = "%s port %d" % (self.name, self.line["src_port"])
            self.tally.equal(label, what, self.session.get(what), wanted)

    def banner_begins(self, wanted):
        """The labels keep the first 80 characters."""
        got = self.session.get("banner", "")
        self.tally.check(got.startswith(wanted.strip()) or excepted(self.name, "banner"), self.name,
                         "banner is %r, not %r..." % (got, wanted))

    def keywords(self, lines):
        got, wanted = self.session.get("keywords", []), first_words(lines)
        if excepted(self.name, "keywords"):
            return
        if printable(wanted):
            self.equal("keywords", wanted)
        else:
            self.tally.equal(self.name, "number of keywords", len(got), len(wanted))

    def mails(self, wanted):
        if not excepted(self.name, "mails"):
            self.check_mails(lambda got: got == wanted, "not %d" % wanted)

    def some_mails(self, counts):
        """The public labels count DATA and BDAT commands: chunks, empty and invalid ones too."""
        most, least = counts["data_or_bdat"], int(counts["accepted"] > 0)
        self.check_mails(lambda got: least <= got <= most, "not %d to %d" % (least, most))

    def check_mails(self, good, text):
        got = self.session.get("clear", {}).get("mails", 0)
        self.tally.check(good(got), "%s port %d" % (self.name, self.line["src_port"]),
                         "clear.mails is %d, %s" % (got, text))

    def domains(self, wanted):
        got = self.session.get("clear", {}).get("rcpt_domains", [])
        self.tally.equal("%s port %d" % (self.name, self.line["src_port"]), "clear.rcpt_domains",
                         sorted(got), sorted({d.lower() for d in wanted}))

    def offered(self, advertised):
        """Two versions of the reply on the wire may be called conflicting; no reply is unknown."""
        allowed = {True: ("yes", "conflicting"), False: ("no", "garbled", "conflicting"),
                   None: ("unknown",)}[advertised]
        if not excepted(self.name, "offered"):
            got = self.session.get("offered")
            self.tally.check(got in allowed, "%s port %d" % (self.name, self.line["src_port"]),
                             "offered is %r, label %r" % (got, advertised))


# --- the laboratory ------------------------------------------------------------------------------

def lab_facts(tally, name, flow, line):
    facts = Facts(tally, name, line)
    if flow["banner"] is not None:
        facts.equal("banner", flow["banner"])
    if flow["keywords"] is not None:
        facts.keywords(flow["keywords"])
    facts.offered(flow["starttls_advertised_in_first_ehlo_reply"])
    if line["starttls"].get("asked") is not None:
        facts.equal("asked", flow["starttls_command"])
    elif not excepted(name, "asked"):
        tally.check(not flow["starttls_command"], name, "asked is absent, but STARTTLS was sent")
    facts.equal("reply_code", flow["starttls_reply"])
    facts.mails(flow["messages_clear"])
    facts.domains(flow["rcpt_domains"] or [])


def lab_severity(name, rule, flow, technique, vantage, promised):
    """By the matrix: E4 for conflicting segments, E3 where a promise is broken, E2 where the capture
    itself has a history, E1 for all else, cause named only for Cisco's lettered masks. What TLSA records forbid was sent or held."""
    if rule in promised or (rule == "delivery-held" and promised):
        return "high"
    if rule in ("starttls-removed", "sender-stopped-upgrading", "version-regressed"):
        return "low"  # two sessions before are thin support: two steps down from high, at least low
    if rule == "plaintext-fallback" and technique == "hs-alert" and vantage == "client-side":
        return "low"  # an alert in the server's name, on a pair that never had TLS
    mail = flow["messages_clear"] > 0 or excepted(name, "mails")
    if rule == "conflicting-segments":
        return "critical" if mail else "medium"
    if rule == "downgrade-sentinel":
        return "medium"
    if rule in ("starttls-unanswered", "path-discontinuity", "handshake-aborted",
                "version-obsolete"):
        return "low"
    if rule == "response-injection":
        return "medium"
    if technique.startswith("garble-asa") and rule != "starttls-command-garbled":
        return "low"
    return "medium" if mail else "low"


def labels_of(label):
    """The label, or the labels of the captures that were merged into this one."""
    return label.get("parts") or [label]


def is_damaged(label):
    """Cut or one-sided copies, whose labels give the facts of the whole capture."""
    return label["file"].startswith(("derived-oneway-", "derived-snap"))


def lab_wanted(labels):
    required, allowed, forbidden, ceilings = set(), set(), set(), []
    for label in labels:
        for report in label["must_report"]:
            table = DNS_RULES if report["needs"] == "dns" else LAB_RULES
            if label["technique"].startswith("history-"):
                table = LAB_RULES | HISTORY_RULES
            required |= set(table.get(report["kind"], ()))
            allowed |= set(LAB_ALLOWED.get(report["kind"], ()))
            if table is DNS_RULES:
                allowed.add("delivery-held")  # a sender that keeps to DANE tries again and again
        forbidden |= {LAB_FORBIDDEN[m] for m in label["must_not_report"] if m in LAB_FORBIDDEN}
        ceilings += [LAB_CEILING[m] for m in label["must_not_report"] if m in LAB_CEILING]
    return required, required | allowed, forbidden, ceilings


def retrospective(result):
    """(rule, severity) of what was told when the line of its session had been written."""
    return [(alert["starttls"]["finding"]["rule"], alert["starttls"]["finding"]["severity"])
            for alert in result.alerts
            if "retrospective" in alert["alert"]["metadata"]["judged"]]


def lab_promised(labels):
    """Rules whose findings stand on the DNS answers of the capture."""
    return {rule for label in labels for report in label["must_report"] if report["needs"] == "dns"
            for rule in DNS_RULES.get(report["kind"], ())}


def lab_discovery(tally, label, result):
    """No policy is loaded: what needs one may be silent, and what is told of is in the label."""
    for one in labels_of(label):
        wanted = {LAB_DISCOVERY[r["kind"]]: r["needs"] for r in one["must_report"]
                  if r["kind"] in LAB_DISCOVERY}
        told = {rule for rule, _, _ in result.discovery}
        if "parts" not in label:
            tally.check(told <= set(wanted), label["file"], "%s is not in the label" % told)
        for rule, needs in wanted.items():
            tally.check(needs != "history" or rule in told, label["file"],
                        "%s is not reported" % rule)


def lab_findings(tally, label, pairs, again):
    name, parts = label["file"], labels_of(label)
    required, allowed, forbidden, ceilings = lab_wanted(parts)
    if "parts" in label:  # what holds for one part does not hold for the mixture
        forbidden, ceilings, allowed = set(), [], allowed | MIXED
    if is_damaged(label):  # a refusal that is seen whole is no less a refusal
        allowed.add("starttls-refused")
    if not any(flow["starttls_command"] for flow, _ in pairs):
        required.discard("starttls-unanswered")  # swallowed on the way: nothing to answer here
    technique, promised = label["technique"], lab_promised(parts)
    seen = set()
    for flow, line in pairs:
        for rule, severity in run.findings(line):
            seen.add(rule)
            where = "%s port %d" % (name, line["src_port"])
            if severity == "info":
                continue
            tally.check(rule in allowed, where, "%s %s is not in the label" % (rule, severity))
            if "parts" not in label and not is_damaged(label):
                tally.equal(where, "severity of " + rule, severity,
                            lab_severity(name, rule, flow, technique, label["vantage"], promised))
            tally.check(rule not in forbidden, where, "%s must not be reported" % rule)
            for ceiling in ceilings:
                tally.check(run.at_least(ceiling, severity), where,
                            "%s %s, at most %s" % (rule, severity, ceiling))
    if any(r["kind"] == "tls-handshake-failed" for part in parts for r in part["must_report"]):
        tally.check(seen & set(FAILED_HANDSHAKE), name, "a failed handshake is not reported")
    for rule in sorted(required):
        if not excepted(name, rule):
            tally.check(rule in seen | {row[0] for row in again}, name, "%s is not reported" % rule)


def lab_chain(tally, label, pairs, result):
    """Failed handshakes and the mail in clear behind them are one incident that names both; what
    else the label reports, as a sentinel in the ServerHello, may be another."""
    if "parts" in label or is_damaged(label) or not any(
            r["kind"] == "plaintext-retry-after-tls-failure" for r in label["must_report"]):
        return
    name = label["file"]
    failed = {str(line["flow_id"]) for flow, line in pairs if flow["starttls_command"]}
    clear = {str(line["flow_id"]) for flow, line in pairs if flow["messages_clear"]}
    told = defaultdict(list)
    for alert in result.alerts:
        told[alert["starttls"]["finding"]["rule"]].append(alert)
    chain = [a for rule in ("plaintext-fallback", "starttls-refused", *FAILED_HANDSHAKE)
             for a in told[rule]]
    linked = {flow for alert in told["plaintext-fallback"]
              for flow in alert["starttls"].get("linked", [])}
    tally.equal(name, "incidents", len({a["starttls"]["incident"]["id"] for a in chain}), 1)
    tally.equal(name, "flows that fell back",
                {str(a["flow_id"]) for a in told["plaintext-fallback"]}, clear)
    tally.check(linked and linked <= failed, name, "linked flows are %s of %s" % (linked, failed))


def has_payload(flow):
    return flow["banner"] is not None or flow["keywords"] is not None or bool(flow["commands"])


def lab_file(tally, binary, folder, label):
    result = run.read_json(binary, folder / label["file"])
    pairs = match(tally, label["file"], [f for f in label["flows"] if has_payload(f)], result)
    for flow, line in pairs:
        if not is_damaged(label):
            lab_facts(tally, label["file"], flow, line)
    lab_findings(tally, label, pairs, retrospective(result))
    lab_chain(tally, label, pairs, result)
    lab_discovery(tally, label, result)


# --- captures of other projects ------------------------------------------------------------------

def public_facts(tally, name, flow, line):
    facts = Facts(tally, name, line)
    if "banner" in flow:
        facts.banner_begins(flow["banner"])
    if "ehlo_keywords" in flow:
        facts.keywords(flow["ehlo_keywords"])
    facts.offered(flow["starttls_advertised"])
    if flow["starttls_sent"] and not excepted(name, "asked"):
        facts.equal("asked", True)
    if "starttls_reply" in flow:
        facts.equal("reply_code", int(flow["starttls_reply"]))
    facts.some_mails(flow["plaintext_transactions"])
    facts.domains(flow.get("rcpt_domains", []))


def public_allowed(label, flow):
    allowed = {PUBLIC_RULES[c] for c in flow["classes"] if c in PUBLIC_RULES}
    allowed.update(rule for c in flow["classes"] for rule in PUBLIC_ALLOWED.get(c, ()))
    port = endpoint(flow["server"])[1]
    offers_login = "AUTH" in first_words(flow.get("ehlo_keywords", []))
    if "auth-in-clear" in flow["classes"] or (
            port in (587, 2525) and offers_login and flow["starttls_advertised"] is False):
        allowed.add("auth-in-clear")
    return allowed


def public_findings(tally, label, flow, line):
    name = "%s port %d" % (label["file"], line["src_port"])
    rows = run.findings(line)
    allowed = public_allowed(label, flow)
    for rule, severity in run.loud(rows):
        tally.check(rule in allowed, name, "%s %s is not in the label" % (rule, severity))
    for kind, rule in PUBLIC_RULES.items():
        if kind in flow["classes"] and not excepted(label["file"], rule):
            tally.check(rule in [row[0] for row in rows], name, "%s is not reported" % rule)
    if (label["file"].startswith("arkime__smtp-decrypted")):  # a mirror of decrypted traffic
        tally.check(("starttls-ignored", "low") in rows, name, "a decrypted mirror is low")


def public_file(tally, binary, folder, label):
    name = label["file"]
    result = run.read_json(binary, folder / name)
    flows = [f for f in label["flows"]
             if endpoint(f["server"])[1] in MAIL_PORTS and f["client_bytes"] + f["server_bytes"]]
    if excepted(name, "sessions"):
        return
    for flow, line in match(tally, name, flows, result):
        public_facts(tally, name, flow, line)
        public_findings(tally, label, flow, line)
    if label["verdict"] == "silent":
        for line in result.sessions:
            tally.check(not run.loud(run.findings(line)), name, "a silent capture has a finding")


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    binary, shared = arguments[1], Path(arguments[2])
    tally = Tally()
    for kind, one in (("lab", lab_file), ("public", public_file)):
        folder = shared / "pcaps" / kind
        if not (folder / "LABELS.json").exists():
            tally.skip("!!! %s is not there: no labelled capture of it was checked !!!" % folder)
            continue
        for label in json.loads((folder / "LABELS.json").read_text(encoding="utf-8")):
            one(tally, binary, folder, label)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
