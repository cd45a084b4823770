# SPDX-License-Identifier: Apache-2.0
"""How the system tests call the program, read its lines and count what passed."""
import json
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
PCAPS = TESTS / "pcaps"
sys.path.insert(0, str(TESTS / "tools"))

LEVELS = ("info", "low", "medium", "high", "critical")
RULES = (
    "starttls-removed", "starttls-garbled", "starttls-misplaced", "ehlo-refused",
    "ehlo-verb-garbled", "greeting-masked", "starttls-refused", "starttls-unanswered",
    "starttls-ignored", "starttls-command-garbled", "command-injection", "response-injection",
    "unsolicited-reply", "auth-in-clear", "requiretls-violated", "conflicting-segments",
    "forged-reset", "conflicting-handshake", "path-rewrites", "path-discontinuity", "reply-too-fast",
    "sts-offer-missing", "sts-cleartext", "sts-mx-mismatch", "preload-violated", "partner-violated",
    "dane-violated", "mx-spoofed", "sts-record-suppressed", "sts-record-invalid", "tlsa-stripped",
    "handshake-aborted", "cleartext-in-handshake", "cleartext-after-tls",
    "version-obsolete", "downgrade-sentinel", "cipher-weak", "key-exchange-weak", "fallback-scsv",
    "handshake-altered", "certificate-untrusted", "certificate-expired", "certificate-name-mismatch",
    "certificate-weak", "sts-certificate-invalid", "starttls-vanished", "path-stripped",
    "plaintext-fallback", "sender-stopped-upgrading", "delivery-held", "starttls-planted",
    "keyword-removed", "version-regressed", "certificate-changed", "server-stack-changed",
    "transparent-proxy", "mx-steered", "coverage-lost", "memory-stale",
    "sts-policy-unreachable", "sts-id-replayed", "sts-policy-weakened",
)
# Of no packet: a sensor that watches a wire tells them of itself, and no capture shows them.
SENSOR = ("coverage-lost", "memory-stale")
# Of no session: what DNS said, and what we were told when we asked ourselves.
DISCOVERY = ("mx-spoofed", "sts-record-suppressed", "sts-record-invalid", "tlsa-stripped",
             "sts-policy-unreachable", "sts-id-replayed", "sts-policy-weakened")


class Tally:
    """Counts checks, prints a line for each that failed, and the sum at the end."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, good, name, text=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAIL %s: %s" % (name, text), flush=True)
        return good

    def equal(self, name, what, got, wanted):
        return self.check(got == wanted, name, "%s is %r, not %r" % (what, got, wanted))

    def skip(self, text, count=1):
        self.skipped += count
        print("SKIPPED: %s" % text, flush=True)

    def finish(self):
        tail = ", %d skipped" % self.skipped if self.skipped else ""
        print("%d passed, %d failed%s" % (self.passed, self.failed, tail))
        return 1 if self.failed else 0


class Result:
    """One run of `read --json`: exit code, lines, and what was said on stderr."""

    def __init__(self, code, out, err):
        self.code, self.raw, self.err = code, out, err
        self.lines = [json.loads(line) for line in out.splitlines() if line.strip()]

    @property
    def sessions(self):
        return [line for line in self.lines if line.get("event_type") == "smtp"]

    @property
    def handshakes(self):
        return [line for line in self.lines if line.get("event_type") == "tls"]

    @property
    def discovery(self):
        """Alerts about what DNS said: (rule, severity, name) in their order."""
        out = []
        for line in self.alerts:
            facts = line["alert"]["metadata"]
            if facts["rule"][0] in DISCOVERY:
                out.append((facts["rule"][0], facts["severity"][0], line["dns"]["rrname"] if "dns" in line
                            else line["tls"]["sni"]))
        return out

    @property
    def counted(self):
        """How often each rule found something, info included."""
        return self.lines[-1]["stats"]["stripwatch"]["findings"]

    @property
    def alerts(self):
        return [line for line in self.lines if line.get("event_type") == "alert"]


def read_json(binary, path, options=(), data=None, timeout=120):
    """Runs `BINARY read --json OPTIONS PATH`; with `data`, PATH is - and the bytes go to stdin."""
    done = subprocess.run([str(binary), "read", "--json", *options, str(path)], input=data,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          stdin=None if data is not None else subprocess.DEVNULL)
    return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def findings(line):
    """Findings of a session line as (rule, severity), in the order of severity and name."""
    rows = line.get("starttls", {}).get("findings", [])
    return sorted((f["rule"], f["severity"]) for f in rows)


def loud(rows):
    """Those of (rule, severity) that are above info."""
    return [row for row in rows if row[1] != "info"]


def at_least(severity, floor):
    return LEVELS.index(severity) >= LEVELS.index(floor)


def subset(wanted, got, path=""):
    """Differences of `got` from `wanted`: objects by their named members, the rest whole."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        out = []
        for key, value in wanted.items():
            where = "%s.%s" % (path, key) if path else key
            if key not in got:
                out.append("%s is absent, not %r" % (where, value))
            else:
                out += subset(value, got[key], where)
        return out
    return [] if wanted == got else ["%s is %r, not %r" % (path, got, wanted)]
