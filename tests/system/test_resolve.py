#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The resolver and the look-ups of a domain against real servers, in a network namespace of their
own: Knot with zones signed and unsigned, unbound as a forwarder, and some that fail or are silent.
What is expected is what RFC 4035, RFC 7672 and RFC 8461 say of such zones.

Usage: test_resolve.py BUILD-DIRECTORY. Takes root, for the namespace; without it, all is skipped.
"""
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import http.server
from pathlib import Path

from run import Tally

import dns_lab
from dns_lab import HASH1, HASH2

A, CNAME, MX, TXT, AAAA, TLSA = 1, 5, 15, 16, 28, 52
PATIENCE = 240
STUB = ("-s", ".=" + dns_lab.KNOT)
LEAKS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0"}


class Driver:
    """lookup_drive with options; what it said, line by line."""

    def __init__(self, build, lab, *options):
        self.p = subprocess.Popen([str(build / "tests" / "lookup_drive"), "-a", str(lab.anchor),
                                   *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env={**os.environ, **LEAKS})

    def say(self, text):
        self.p.stdin.write(text + "\n")
        self.p.stdin.flush()

    def until_done(self):
        """After a `wait`: the lines before "done"."""
        lines = []
        for line in self.p.stdout:
            if line == "done\n":
                return lines
            lines.append(line.rstrip("\n"))
        return lines

    def end(self):
        """Lines that were left, and how it ended: (0, "") without a leak or any other fault."""
        out, err = self.p.communicate(timeout=PATIENCE)
        return out.splitlines(), (self.p.returncode, err)


def ask(build, lab, options, questions):
    """{(name, type): rest of the line}; how it ended."""
    d = Driver(build, lab, *options)
    for name, kind in questions:
        d.say("ask %s %d" % (name, kind))
    d.say("wait")
    lines = d.until_done()
    _, ended = d.end()
    answers = {}
    for line in lines:
        words = line.split(" ", 3)
        if words[0] == "answer":
            answers.setdefault((words[1], int(words[2])), []).append(words[3])
    return answers, ended


def clean(t, name, ended):
    t.check(ended == (0, ""), name, "ended %d: %s" % (ended[0], ended[1][-2000:]))


# --- questions -----------------------------------------------------------------------------------

# Name, type: how the answer begins, the canonical name, how many records.
ANSWERS = {
    ("a.good.lab", A): ("secure", "a.good.lab", 1),
    ("a.good.lab", AAAA): ("secure", "a.good.lab", 0),
    ("missing.good.lab", A): ("secure nxdomain", "missing.good.lab", 0),
    ("text.good.lab", TXT): ("secure", "text.good.lab", 1),
    ("plain.good.lab", MX): ("secure", "plain.good.lab", 1),
    ("_25._tcp.mx1.good.lab", TLSA): ("secure", "_25._tcp.mx1.good.lab", 1),
    ("anything.wild.good.lab", A): ("secure", "anything.wild.good.lab", 1),
    ("anything.wild.good.lab", AAAA): ("secure", "anything.wild.good.lab", 0),
    ("secure-alias.good.lab", A): ("secure aliased", "a.good.lab", 1),
    ("secure-alias.good.lab", CNAME): ("secure", "secure-alias.good.lab", 1),
    ("long-alias.good.lab", A): ("secure aliased", "a.good.lab", 1),
    ("insecure-alias.good.lab", A): ("insecure aliased", "a.open.lab", 1),
    ("insecure-alias.good.lab", CNAME): ("secure", "insecure-alias.good.lab", 1),
    ("missing-alias.good.lab", A): ("secure nxdomain aliased", "missing.good.lab", 0),
    ("nodata-alias.good.lab", A): ("secure aliased", "text.good.lab", 0),
    ("a.open.lab", A): ("insecure", "a.open.lab", 1),
    ("a.open.lab", AAAA): ("insecure", "a.open.lab", 0),
    ("missing.open.lab", A): ("insecure nxdomain", "missing.open.lab", 0),
    ("alias.open.lab", A): ("insecure aliased", "a.good.lab", 1),
    ("open.lab", MX): ("insecure", "open.lab", 1),
}
BOGUS = (("a.bogus.lab", A), ("a.stale.lab", A), ("bogus-alias.good.lab", A),
         ("_25._tcp.mx-changed.good.lab", TLSA), ("missing.bogus.lab", A))
FAILED = (("a.fail.lab", A), ("a.dead.lab", A), ("loop.good.lab", A),
          ("_25._tcp.mx-fail.good.lab", TLSA))


def read(line):
    m = re.match(r'(.*?) canonical=(\S*) ttl=(\d+) why="(.*)" data(.*)$', line)
    return m.group(1), m.group(2), int(m.group(3)), m.group(4), m.group(5).split()


def check_answers(t, name, answers, ended):
    for q, (state, canonical, n) in ANSWERS.items():
        got = answers.get(q, [])
        if not t.equal(name, "number of answers to %s %d" % q, len(got), 1):
            continue
        what, where, ttl, why, data = read(got[0])
        t.equal(name, "%s %d" % q, (what, where, len(data), why), (state, canonical, n, ""))
        t.check(0 <= ttl <= 300, name, "TTL of %s %d is %d" % (*q, ttl))
    for state, questions in (("bogus", BOGUS), ("failed", FAILED)):
        for q in questions:
            got = [read(line) for line in answers.get(q, [])]
            t.check(len(got) == 1 and got[0][0] == state and got[0][3] != "" and not got[0][4],
                    name, "%s %d: %s" % (*q, got))
    clean(t, name, ended)


def test_questions(t, build, lab):
    questions = [*ANSWERS, *BOGUS, *FAILED]
    answers, ended = ask(build, lab, (*STUB, "-t", "6000"), questions)
    check_answers(t, "from the root", answers, ended)
    data = {q: read(answers[q][0])[4] for q in ANSWERS if q in answers}
    t.equal("data", "A", data[("a.good.lab", A)], ["c0000201"])
    t.equal("data", "TXT", data[("text.good.lab", TXT)], [(b"\4only\4text").hex()])
    t.equal("data", "TLSA", data[("_25._tcp.mx1.good.lab", TLSA)], ["030101" + HASH1])
    answers, ended = ask(build, lab, ("-f", dns_lab.FORWARDER, "-t", "6000"), questions)
    check_answers(t, "by a forwarder", answers, ended)


def test_names(t, build, lab):
    """What is no name is not asked for."""
    d = Driver(build, lab, *STUB)
    wrong = (".", "a..b", "a\\032b.lab", "a" * 64 + ".lab", ".".join(["a" * 49] * 6), "*.lab", "é.lab")
    for name in wrong:
        d.say("ask %s %d" % (name, A))
    d.say("wait")
    t.equal("names", "answers", d.until_done(), ["refused " + n for n in wrong])
    clean(t, "names", d.end()[1])


# --- forwarders ----------------------------------------------------------------------------------

def one(build, lab, *options):
    answers, ended = ask(build, lab, options, [("a.good.lab", A)])
    return answers[("a.good.lab", A)][0].split(" ")[0], ended


def test_tls(t, build, lab, authority, stranger):
    """Validation is ours over TLS as well; what is not over the right TLS is not asked."""
    right = "%s#%s" % (dns_lab.FORWARDER, dns_lab.FORWARDER_NAME)
    wrong = "%s#other.lab" % dns_lab.FORWARDER
    plain = "%s@53#%s" % (dns_lab.FORWARDER, dns_lab.FORWARDER_NAME)
    for name, forward, ca, want in (("right name", right, authority, "secure"),
                                    ("wrong name", wrong, authority, "failed"),
                                    ("unknown authority", right, stranger, "failed"),
                                    ("no TLS there", plain, authority, "failed")):
        got, ended = one(build, lab, "-f", forward, "-c", str(ca), "-t", "4000")
        t.equal("over TLS", name, got, want)
        clean(t, "over TLS: " + name, ended)
    questions = [*ANSWERS, *BOGUS, *FAILED]
    answers, ended = ask(build, lab, ("-f", right, "-c", str(authority), "-t", "6000"), questions)
    check_answers(t, "over TLS", answers, ended)


def test_silent(t, build, lab):
    """Nobody answers: each question is, and once."""
    questions = [("a%d.good.lab" % i, A) for i in range(300)]
    answers, ended = ask(build, lab, ("-f", dns_lab.SILENT, "-t", "1500"), questions)
    got = [answers.get(q, []) for q in questions]
    t.check(all(len(g) == 1 and g[0].startswith("failed ") for g in got), "silent", str(got)[:500])
    clean(t, "silent", ended)


def test_many(t, build, lab):
    """More than fly at a time: what is not taken is said at once."""
    d = Driver(build, lab, "-f", dns_lab.SILENT, "-t", "1500")
    for i in range(1100):
        d.say("ask a%d.good.lab 1" % i)
    d.say("wait")
    lines = d.until_done()
    t.equal("many", "refused", sum(line.startswith("refused") for line in lines), 1100 - 1024)
    t.equal("many", "failed", sum(" failed " in line for line in lines), 1024)
    clean(t, "many", d.end()[1])


def test_quit(t, build, lab):
    """An end with questions in the air, those of late answers among them, leaks nothing."""
    for options in (("-f", dns_lab.SILENT), STUB, ("-f", dns_lab.FORWARDER),
                    ("-f", dns_lab.SILENT + "@53#silent.lab")):
        for begin in ("", "wait"):
            d = Driver(build, lab, *options, "-t", "100" if begin else "10000")
            for i in range(40):
                d.say("ask a%d.good.lab 1" % i)
                d.say("ask a%d.dead.lab 1" % i)
            for domain in ("plain.good.lab", "hundred.good.lab", "sts.good.lab"):
                d.say("look " + domain)
            if begin:
                d.say(begin)
                d.until_done()
                for i in range(40):
                    d.say("ask b%d.good.lab 1" % i)
            d.say("quit")
            clean(t, "quit %s %s" % (options[1], begin), d.end()[1])


def test_killed(t, build, lab, cert, key, process, *options):
    """A forwarder that dies, and comes back. Returns its next process."""
    d = Driver(build, lab, *options, "-t", "1000")
    d.say("ask a.good.lab 1\nwait")
    t.check(" secure " in d.until_done()[0], "killed", "no answer before")
    process.kill()
    process.wait()
    for i in range(5):
        d.say("ask b%d.wild.good.lab 1" % i)
    d.say("wait")
    lines = d.until_done()
    t.check(len(lines) == 5 and all(" failed " in line for line in lines), "killed", str(lines))
    process = dns_lab.forwarder(lab, cert, key)
    dns_lab.listening(dns_lab.FORWARDER, 853)
    for i in range(PATIENCE):
        d.say("ask c%d.wild.good.lab 1\nwait" % i)
        if " secure " in d.until_done()[0]:
            break
    t.check(i + 1 < PATIENCE, "killed", "never answers again")
    clean(t, "killed", d.end()[1])
    return process


def test_rude(t, build, lab, authority, cert, key):
    """A resolver over TLS that speaks in single bytes is understood; one that closes, says nothing
    or says nonsense is not, and each question still has its one answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    for n, (name, want) in enumerate((("slow", "secure"), ("closes", "failed"),
                                      ("silent", "failed"), ("nonsense", "failed"))):
        address = "127.0.0.%d" % (21 + n)
        listener = socket.create_server((address, 853))
        threading.Thread(target=rude, args=(listener, context, name), daemon=True).start()
        questions = [("a.good.lab", A), ("b.wild.good.lab", A), ("c.wild.good.lab", A)]
        answers, ended = ask(build, lab, ("-f", "%s#%s" % (address, dns_lab.FORWARDER_NAME), "-c",
                                          str(authority), "-t", "4000"), questions)
        t.equal("over TLS", name, [[line.split(" ")[0] for line in answers.get(q, [])]
                                   for q in questions], [[want]] * len(questions))
        clean(t, "over TLS: " + name, ended)


def rude(listener, context, name):
    while True:
        c, _ = listener.accept()
        threading.Thread(target=rude_to, args=(c, context, name), daemon=True).start()


def rude_to(c, context, name):
    try:
        with context.wrap_socket(c, server_side=True) as tls:
            if name == "silent":
                tls.recv(65536)
                tls.recv(1) # never comes
            elif name == "nonsense":
                for _ in range(200):
                    tls.sendall(b"\0\0" + b"\0\5short" + b"\0\x0c" + os.urandom(12) + b"\xff\xff" +
                                os.urandom(65535))
            elif name == "slow":
                with socket.create_connection((dns_lab.FORWARDER, 53)) as on:
                    slowly(tls, on)
    except OSError:
        pass


def slowly(tls, on):
    while True:
        data = tls.recv(65536)
        if not data:
            return
        on.sendall(data)
        on.settimeout(0.2)
        try:
            while True:
                for byte in on.recv(65536):
                    tls.sendall(bytes([byte]))
        except TimeoutError:
            pass


# --- look-ups ------------------------------------------------------------------------------------

def look(build, lab, options, domains):
    """{domain: (values of its line, [lines of its exchangers])}; how it ended."""
    d = Driver(build, lab, *options)
    found, lines = {}, []
    for i in range(0, len(domains), 8): # as many as fly
        for domain in domains[i:i + 8]:
            d.say("look " + domain)
        d.say("wait")
        lines += d.until_done()
    for line in lines:
        if line.startswith("lookup "):
            domain = line.split()[1]
            values = dict(re.findall(r'(\w+)=("[^"]*"|\S*)', line))
            assert domain not in found, line
            found[domain] = (values, [])
        elif line.startswith("mx "):
            found[domain][1].append(line)
    return found, d.end()[1]


def mx(host, preference=10, address="secure", tlsa="secure", records=None, base=None, alias=False):
    """A line of the driver; `records`: None, there are none at all."""
    return "mx %s.lab %d address=%s tlsa=%s has=%d base=%s.lab%s records%s" % (
        host, preference, address, tlsa, records is not None, base or host, " alias" if alias else "",
        "".join(" [%s]" % r for r in records or ()))


ONE, TWO = "3 1 1 " + HASH1, "3 1 1 " + HASH2

# RFC 7672 section 2.2, RFC 5321 section 5.1, RFC 7505.
EXCHANGERS = {
    "plain.good.lab": ("secure", [mx("mx1.good", records=[ONE])]),
    "several.good.lab": ("secure", [mx("mx2.good"), mx("mx1.good", 20, records=[ONE])]),
    "canonical.good.lab": ("secure", [mx("mx-canonical.good", records=[ONE], base="mx1.good")]),
    "original.good.lab": ("secure", [mx("mx-original.good", records=[TWO])]),
    "both.good.lab": ("secure", [mx("mx-both.good", records=[ONE], base="mx1.good")]),
    "away.good.lab": ("secure", [mx("mx-away.good", address="insecure", records=[TWO], alias=True)]),
    "open-mx.good.lab": ("secure", [mx("a.open", address="insecure", tlsa="insecure")]),
    "bogus-mx.good.lab": ("secure", [mx("a.bogus", address="bogus", tlsa="bogus")]),
    "dead-mx.good.lab": ("secure", [mx("a.dead", address="failed", tlsa="failed")]),
    "unusable.good.lab": ("secure", [mx("mx-unusable.good", records=[])]),
    "some.good.lab": ("secure", [mx("mx-some.good", records=["2 0 1 " + HASH2])]),
    "tlsa-fail.good.lab": ("secure", [mx("mx-fail.good", tlsa="failed")]),
    "tlsa-bogus.good.lab": ("secure", [mx("mx-changed.good", tlsa="bogus")]),
    "tlsa-insecure.good.lab": ("secure", [mx("mx-part.good", tlsa="insecure")]),
    "tlsa-shared.good.lab": ("secure", [mx("mx-shared.good", records=[ONE])]),
    "tlsa-wild.good.lab": ("secure", [mx("mx-wild.good", records=[ONE])]),
    "null.good.lab": ("secure", []),
    "implicit.good.lab": ("secure", [mx("implicit.good", 0, records=[ONE])]),
    "nothing.good.lab": ("secure", []),
    "missing.good.lab": ("secure", []),
    "alias.good.lab": ("secure", [mx("mx1.good", records=[ONE])]),
    "no-address.good.lab": ("secure", [mx("missing.good")]),
    "mixed.good.lab": ("secure", [mx("mx1.good", records=[ONE])]),
    "hundred.good.lab": ("secure", [mx("h%d.h.good" % i, i) for i in range(32)]),
    "open.lab": ("insecure", [mx("mx1.good", tlsa="insecure")]),
    "bogus.lab": ("bogus", []),
    "dead.lab": ("failed", []),
    "fail.lab": ("failed", []),
}

# sts, record, words in `why`
STS = {
    "sts.good.lab": ("policy", "secure", ""),
    "html.good.lab": ("policy", "secure", "text/plain"),
    "invalid.good.lab": ("invalid", "secure", "mta-sts.invalid.good.lab: "),
    "plain.good.lab": ("none", "secure", ""),
    "others.good.lab": ("none", "secure", ""),
    "open.lab": ("none", "insecure", ""),
    "two.good.lab": ("record", "secure", "several"),
    "broken.good.lab": ("record", "secure", "id"),
    "bogus.lab": ("dns", "bogus", "bogus.lab: "),
    "fail.lab": ("dns", "failed", "SERVFAIL"),
    "dead.lab": ("dns", "failed", "_mta-sts.dead.lab: "),
    "private.good.lab": ("refused", "secure", "10.1.2.3"),
    "part.good.lab": ("fetch", "secure", ""), # a 404 of the one that may be asked
    "homeless.good.lab": ("fetch", "secure", "no address"),
    "astray.good.lab": ("fetch", "secure", "mta-sts.astray.good.lab: "),
    "forged.good.lab": ("fetch", "secure", "mta-sts.forged.good.lab: "),
}
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx1.good.lab\r\nmax_age: 86400\r\n"


def test_exchangers(t, build, lab, options):
    found, ended = look(build, lab, options, list(EXCHANGERS))
    for domain, (state, lines) in EXCHANGERS.items():
        values, got = found.get(domain, ({}, []))
        t.equal(domain, "DNSSEC of its MX", values.get("mx"), state)
        t.equal(domain, "exchangers", got, lines)
        t.equal(domain, "expansion", values.get("expansion"),
                "plain.good.lab" if domain == "alias.good.lab" else "")
        t.equal(domain, "exchangers left out", values.get("left_out"), "68" if domain == "hundred.good.lab" else "0")
    clean(t, "exchangers", ended)


def test_crowd(t, build, lab, options):
    """Of 20 TLSA records 16 have a place, of 10 addresses 8; the rest is counted."""
    found, ended = look(build, lab, options, ["crowd.good.lab"])
    line = "".join(found.get("crowd.good.lab", ({}, []))[1])
    t.check(line.count("[3 1 1 ") == 16 and " left-out=4,2 " in line, "crowd", line)
    clean(t, "crowd", ended)


def test_policies(t, build, lab, options, web):
    found, ended = look(build, lab, options, list(STS))
    for domain, (sts, record, why) in STS.items():
        values = found.get(domain, ({}, []))[0]
        t.equal(domain, "MTA-STS", (values.get("sts"), values.get("record")), (sts, record))
        if domain in EXCHANGERS and why == "": # there, exchangers may have something to say
            continue
        t.check(why in values.get("why", ""), domain, "why is " + values.get("why", "nothing"))
    t.equal("sts.good.lab", "id", found["sts.good.lab"][0]["id"], "2026")
    t.equal("sts.good.lab", "body", found["sts.good.lab"][0]["body"], str(len(POLICY)))
    t.equal("sts.good.lab", "status", found["sts.good.lab"][0]["status"], "200")
    t.equal("part.good.lab", "status", found["part.good.lab"][0]["status"], "404")
    t.check("mta-sts.private.good.lab" not in web.asked, "private", "was asked all the same")
    clean(t, "policies", ended)


def test_known(t, build, lab, options, web):
    """An id that is known already is not fetched again; another one is."""
    before = len(web.asked)
    for known, sts, fetched in (("2026", "same", 0), ("2025", "policy", 1), ("", "policy", 1)):
        found, ended = look(build, lab, options, ["sts.good.lab " + known])
        t.equal("known", "with %r" % known, found["sts.good.lab"][0]["sts"], sts)
        t.equal("known", "fetches with %r" % known, len(web.asked) - before, fetched)
        before = len(web.asked)
        clean(t, "known", ended)


def test_rebinding(t, build, lab, authority, web):
    """The address is asked for once, and what it was then is connected to: a second answer, which
    leads to this host, is never heard."""
    lab.rebinds, before = 0, len(web.asked)
    found, ended = look(build, lab, (*STUB, "-c", str(authority)), ["rebind.good.lab"])
    t.equal("rebinding", "MTA-STS", found["rebind.good.lab"][0]["sts"], "fetch")
    t.equal("rebinding", "questions", lab.rebinds, 1)
    found, ended = look(build, lab, (*STUB, "-c", str(authority)), ["rebind.good.lab"])
    t.equal("rebinding", "the second time", found["rebind.good.lab"][0]["sts"], "refused")
    t.equal("rebinding", "connections", len(web.asked) - before, 0)
    clean(t, "rebinding", ended)


def test_look_silent(t, build, lab):
    """With a resolver that is silent each look-up ends, and says that it failed."""
    domains = ["d%d.good.lab" % i for i in range(8)]
    found, ended = look(build, lab, ("-f", dns_lab.SILENT, "-t", "1500"), domains)
    t.equal("silent", "look-ups", {d: (v["sts"], v["record"], v["mx"], v["items"])
                                   for d, (v, _) in found.items()},
            {d: ("dns", "failed", "failed", "0") for d in domains})
    clean(t, "silent look-ups", ended)


# --- policy host ---------------------------------------------------------------------------------

class Web(http.server.ThreadingHTTPServer):
    """Policies by the name in the Host header; whom it was asked for is kept."""

    def __init__(self, cert, key):
        super().__init__((dns_lab.WEB, 443), Answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.asked = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        host = self.headers["Host"]
        self.server.asked.append(host)
        body = {"mta-sts.sts.good.lab": POLICY, "mta-sts.html.good.lab": POLICY,
                "mta-sts.invalid.good.lab": "version: STSv1\r\n"}.get(host)
        self.send_response(200 if body else 404)
        self.send_header("Content-Type",
                         "text/html" if host == "mta-sts.html.good.lab" else "text/plain")
        self.send_header("Content-Length", str(len(body or "")))
        self.end_headers()
        self.wfile.write((body or "").encode())

    def log_message(self, *_):
        pass


def inside(build):
    t = Tally()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as root:
        root = Path(root)
        lab = dns_lab.Lab(root)
        names = [dns_lab.FORWARDER_NAME] + ["mta-sts.%s" % d for d in STS]
        authority, cert, key = dns_lab.certificates(root, names)
        (root / "other").mkdir()
        stranger = dns_lab.certificates(root / "other", ["other.lab"])[0]
        process = dns_lab.forwarder(lab, cert, key)
        web = Web(cert, key)
        up = [dns_lab.listening(a, 53) for a in (dns_lab.KNOT, dns_lab.FORWARDER)]
        if t.check(all(up), "servers", "do not start: %s" % up):
            options = (*STUB, "-t", "5000", "-c", str(authority), "-n", dns_lab.WEB)
            test_questions(t, build, lab)
            test_names(t, build, lab)
            test_tls(t, build, lab, authority, stranger)
            test_exchangers(t, build, lab, options)
            test_crowd(t, build, lab, options)
            test_policies(t, build, lab, options, web)
            test_known(t, build, lab, options, web)
            test_rebinding(t, build, lab, authority, web)
            test_silent(t, build, lab)
            test_many(t, build, lab)
            test_look_silent(t, build, lab)
            test_quit(t, build, lab)
            test_rude(t, build, lab, authority, cert, key)
            tls = "%s#%s" % (dns_lab.FORWARDER, dns_lab.FORWARDER_NAME)
            process = test_killed(t, build, lab, cert, key, process, "-f", dns_lab.FORWARDER)
            test_killed(t, build, lab, cert, key, process, "-f", tls, "-c", str(authority))
        lab.stop()
    return t.finish()


def main():
    if len(sys.argv) > 2 and sys.argv[2] == "--inside":
        return inside(Path(sys.argv[1]))
    unshare = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0 or not shutil.which("knotd", path="/usr/sbin:/sbin:" + os.environ["PATH"]) \
            or subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        t = Tally()
        t.skip("no root, no namespaces or no knotd")
        return t.finish()
    os.environ["PATH"] = "/usr/sbin:/sbin:" + os.environ["PATH"]
    return subprocess.run([*unshare, sys.executable, __file__, sys.argv[1], "--inside"]).returncode


if __name__ == "__main__":
    sys.exit(main())
