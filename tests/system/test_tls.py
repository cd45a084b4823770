#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is read out of TLS handshakes is what was said: by openssl, by tshark, and at every cut.

    test_tls.py BINARY [--only TEXT] [--keep FOLDER] [--making] [--uncut]
                       [--shared FOLDER]

The matrix of tests/tools/tlsmatrix.py is played with openssl over loopback. For each case
  made      openssl says that it came about as it was meant
  tshark    what tshark reads is what was meant, and what `openssl x509` says of the certificate;
            its JA3 and JA3S are those of its own lists. TShark 4.0.17 is right in all of it; a fault
            would show here, and not as one of the line
  line      there is one line of event type `tls`, and every field in it that one of the two knows as
            well is the same; JA4 is that of tests/tools/ja4.py
  cuts      the line stays the same with the streams cut in two at every place of the hellos (and
            every 7 bytes behind them), and into pieces of 1, 2, 7 and 536 bytes
  shared    every handshake of captures that lie elsewhere says what tshark reads of it
--making stops behind tshark, --uncut behind the lines. --keep writes all cases into one capture; the client's ports are named.
"""
import argparse
import gc
import hashlib
import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import run
from run import Tally

import ja4
import pcapio
import tlscerts
import tlsmatrix
import tlspcap
import tsharked
from tlsrelay import CLIENT, SERVER

WORKERS = 2
STEP = 7
PIECES = (1, 2, 7, 536, tlspcap.WHOLE)
TEXT = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}
CERTIFICATES_MOST = 10  # that are told of, of one chain
CERTIFICATE = ("subject", "issuerdn", "serial", "fingerprint", "notbefore", "notafter", "subjectaltname")
# What hangs on the connection, at any depth; so do all times, which end in _ms.
OF_THE_FLOW = ("timestamp", "flow_id", "src_ip", "src_port", "community_id", "finding_id", "pcap_filename")


# --- what openssl says -----------------------------------------------------------------------------

def check_played(tally, one, exchange):
    """The summary of s_client: version, suite, and whether the session was resumed."""
    if one.made:
        return tally.check(True, one.name)
    if isinstance(exchange, Exception):
        return tally.check(False, one.name, "openssl did not do it: %s" % exchange)
    summary = re.search(r"^(New|Reused), (\S+), Cipher is (\S+)", exchange.printed, re.M)
    version = re.search(r"^ +Protocol +: TLSv([0-9.]+)", exchange.printed, re.M)
    if one.alert:
        return tally.check(summary and "(NONE)" in summary.group(2), one.name, "it did not fail")
    if not summary or summary.group(3) == "(NONE)":
        return tally.check(False, one.name, "it failed: %s" % exchange.printed[-200:])
    spoken = "1.3" if summary.group(2) == "TLSv1.3" else version and version.group(1)
    spoken = "TLS %s" % {"1": "1.0"}.get(spoken, spoken)
    return tally.equal(one.name, "what openssl spoke", (spoken, summary.group(1) == "Reused"),
                       (one.version, one.resumed))


class Identities:
    """The certificates of each identity as DER, and what `openssl x509` says of the first."""

    def __init__(self):
        self.known = {}

    def of(self, one):
        if one.hidden or not one.identity:
            return [], {}
        if one.identity.name not in self.known:
            paths = (one.identity.cert, *one.identity.chain)
            ders = [tlscerts.certificates(path.read_bytes())[0] for path in paths]
            self.known[one.identity.name] = ders, tlscerts.facts(ders[0])
        return self.known[one.identity.name]


# --- what tshark says ------------------------------------------------------------------------------

class Compared:
    """Comparisons of one case."""

    def __init__(self, tally, name):
        self.tally, self.name = tally, name

    def equal(self, what, got, wanted):
        self.tally.equal(self.name, "tshark: " + what, got, wanted)


def check_tshark(tally, one, seen, ders, facts):
    say = Compared(tally, one.name)
    if not tally.check(seen and seen.clients, one.name, "tshark: no ClientHello"):
        return
    client, server = seen.clients[0], (seen.servers or [None])[-1]
    say.equal("malformed", seen.faults, [])
    say.equal("hellos", (len(seen.clients), len(seen.servers)), hellos(one))
    say.equal("sni", client.sni, one.sni)
    say.equal("client_alpns", [shown(v) for v in client.alpns], one.client_alpns)
    say.equal("ja3", (client.ja3_full, client.ja3), digest(ja3_of(client)))
    if one.alert:
        say.equal("alert", [a[2] for a in seen.alerts if a[0] == SERVER], [one.alert])
    if not server:
        return
    say.equal("version", version_of(server), one.version)
    say.equal("server_alpns", [shown(v) for v in server.alpns], one.server_alpns)
    say.equal("ja3s", (server.ja3_full, server.ja3), digest(ja3s_of(server)))
    say.equal("retry", any(hello.is_retry() for hello in seen.servers), one.retry)
    for what, got, wanted in (("group", group_of(seen), one.group), ("bits", bits_of(seen), one.bits),
                              ("cipher", server.ciphers[-1], one.cipher)):
        if wanted:
            say.equal(what, got, wanted)
    check_tshark_certificates(say, seen, ders, facts)


def check_tshark_certificates(say, seen, ders, facts):
    say.equal("certificates", len(seen.certificates), len(ders))
    say.equal("bytes of the certificates", [c["der"] for c in seen.certificates], ders)
    for key in CERTIFICATE if seen.certificates else ():
        if key != "fingerprint":
            say.equal(key, leading(key, seen.certificates[0].get(key)), facts.get(key))


def hellos(one):
    if one.alert:
        return 1, 0
    return (2, 2) if one.retry else (1, 1)


def leading(key, value):
    """A serial number as it stands in DER may begin with a byte that only says that it is positive."""
    return re.sub("^00:(?=[89A-F])", "", value) if key == "serial" and value else value


def shown(value):
    """Bytes as they stand in a line: printable, or as \\xHH (docs/json.md)."""
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else "\\x%02X" % b for b in value)


def version_of(server):
    return TEXT.get((server.versions or [server.version])[0])


def group_of(seen):
    return seen.servers[-1].shares[0] if seen.servers[-1].shares else seen.curve


def bits_of(seen):
    return 8 * (seen.prime or seen.modulus)


def digest(both):
    return both["string"], both["hash"]


def ja3_of(hello):
    return ja4.ja3(hello.version, hello.ciphers, hello.extensions, hello.groups, hello.formats)


def ja3s_of(hello):
    return ja4.ja3s(hello.version, hello.ciphers[-1], hello.extensions)


# --- what the line says ----------------------------------------------------------------------------

def lines_of(result, kind):
    """Lines of one event type by address and port of the client."""
    out = {}
    for line in result.lines:
        if line.get("event_type") == kind:
            out.setdefault((line["src_ip"], line["src_port"]), []).append(line)
    return out


def tls_lines(result):
    return lines_of(result, "tls")


def check_session(tally, one, lines):
    """The session's own line says the same of how far it came; gives its `starttls`."""
    if not tally.check(len(lines) == 1, one.name, "%d smtp lines" % len(lines)):
        return {}
    part = lines[0].get("starttls", {})
    wanted = ("aborted", "client-hello") if one.alert else ("complete", None)
    tally.equal(one.name, "handshake and stage", (part.get("handshake"), part.get("stage")), wanted)
    return part


def key_of(number):
    address, port = tlspcap.client_of(number)
    return pcapio.address_text(address), port


def check_line(tally, one, lines, seen, ders, facts):
    """Gives the line, if there is one."""
    if not tally.check(len(lines) == 1, one.name, "%s tls lines" % (len(lines) or "no")):
        return None
    tls, part = lines[0].get("tls", {}), lines[0].get("starttls", {})
    wanted, also = meant(one, ders, facts)
    if seen and seen.clients:
        read, read_also = as_line(seen)
        wanted, also = {**read, **wanted}, {**read_also, **also}
    for where, got, rows in (("tls", tls, wanted), ("starttls", part, also)):
        for key, value in rows.items():
            check_field(tally, one.name, "%s.%s" % (where, key), got.get(key), value)
    check_reasons(tally, one, tls, part)
    return lines[0]


def check_field(tally, name, what, got, wanted):
    """Of what is empty or false the key may be absent."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            check_field(tally, name, "%s.%s" % (what, key), (got or {}).get(key), value)
        return
    if what == "tls.serial":
        got = leading("serial", got)
    if not wanted and not got:
        got = wanted
    tally.equal(name, what, got, wanted)


def meant(one, ders, facts):
    """What is known before: of `tls` and of `starttls`."""
    tls = {"from_proto": "smtp", "sni": one.sni or None, "version": one.version or None,
           "session_resumed": one.resumed, "client_alpns": one.client_alpns,
           "server_alpns": one.server_alpns}
    part = {"retry": one.retry, "certificates": min(len(ders), CERTIFICATES_MOST),
            "certificate": "not-observable" if one.hidden else "seen"}
    if one.group:
        part["group"] = one.group
    if one.cipher:
        tls["server_handshake"] = {"cipher": one.cipher}
    if one.name == "made certificate of filler":  # it was sent, whatever it is
        part["certificates"] = 1
    else:
        tls.update({key: facts.get(key) for key in CERTIFICATE})
    return tls, part


def as_line(seen):
    """What tshark reads, in the words of the line."""
    client, server = seen.clients[0], (seen.servers or [None])[-1]
    tls = {"ja3": ja3_of(client), "ja4": tsharked.ja4_of(client),
           "client_handshake": {"version": TEXT.get(client.version), "ciphers": client.ciphers,
                                "exts": client.extensions, "sig_algs": client.signatures}}
    part = {"groups": client.groups}
    if server:
        tls["ja3s"] = ja3s_of(server)
        tls["version"] = version_of(server)
        tls["server_handshake"] = {"version": TEXT.get(server.version), "cipher": server.ciphers[-1],
                                   "exts": server.extensions}
        part["group"] = group_of(seen)
    if seen.certificates:
        part["certificates"] = min(len(seen.certificates), CERTIFICATES_MOST)
        tls["fingerprint"] = ":".join(re.findall("..", hashlib.sha1(
            seen.certificates[0]["der"], usedforsecurity=False).hexdigest()))
    return tls, part


def check_reasons(tally, one, tls, part):
    """What may be said in more than one way."""
    if one.hidden:
        tally.check(part.get("not_observable") in one.hidden, one.name,
                    "starttls.not_observable is %r, not one of %s" % (part.get("not_observable"), one.hidden))
    else:
        check_field(tally, one.name, "starttls.not_observable", part.get("not_observable"), None)
    kind = part.get("key_exchange", {})
    if one.kinds:
        tally.check(kind.get("kind") in one.kinds, one.name,
                    "starttls.key_exchange.kind is %r, not one of %s" % (kind.get("kind"), one.kinds))
    if one.bits:
        tally.equal(one.name, "starttls.key_exchange.bits", kind.get("bits"), one.bits)
    if not one.alert:
        took = part.get("handshake_ms")
        tally.check(isinstance(took, (int, float)) and 0 <= took < 10000, one.name,
                    "starttls.handshake_ms is %r" % took)


# --- cuts ------------------------------------------------------------------------------------------

def lasting(part):
    """A line, or a part of it, without what hangs on the connection and on times."""
    if isinstance(part, list):
        return [lasting(one) for one in part]
    if isinstance(part, dict):
        return {key: lasting(value) for key, value in part.items()
                if key not in OF_THE_FLOW and not key.endswith("_ms")}
    return part


def cut_sessions(exchange):
    """(what, exchange, segment size) of each way to cut."""
    for side in (CLIENT, SERVER):
        for place in tlspcap.places(exchange, side, STEP):
            yield ("%s in two at %d" % (side, place), tlspcap.cut_at(exchange, side, place), tlspcap.WHOLE)
    for size in PIECES:
        yield "pieces of %d" % size, tlspcap.cut_into(exchange, size), tlspcap.WHOLE


def try_cuts(job):
    """All cuts of one case in one capture; gives how many there were and the first that differ."""
    binary, name, exchange, wanted = job
    writer, what = tlspcap.Writer(), {}
    for label, cut, size in cut_sessions(exchange):
        what[key_of(writer.session(cut, size))] = label
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cuts.pcap"
        pcapio.write(path, writer.capture())
        found = tls_lines(run.read_json(binary, path, ("--exit-zero",), timeout=600))
    wrong = []
    wanted = lasting(wanted)
    for key, label in what.items():
        lines = found.get(key, [])
        if len(lines) != 1:
            wrong.append("%s: %d tls lines" % (label, len(lines)))
        elif lasting(lines[0]) != wanted:
            wrong.append("%s: %s" % (label, "; ".join(changes(wanted, lasting(lines[0])))))
    return name, len(what), wrong


def changes(before, after, path=""):
    out = []
    for key in sorted({*before, *after}):
        where, one, two = path + key, before.get(key), after.get(key)
        if isinstance(one, dict) and isinstance(two, dict):
            out += changes(one, two, where + ".")
        elif one != two:
            out.append("%s is %r, was %r" % (where, two, one))
    return out


def check_cuts(tally, binary, jobs):
    with ProcessPoolExecutor(WORKERS, initializer=gc.disable) as pool:  # packets make no circles
        for name, count, wrong in pool.map(try_cuts, [(binary, *job) for job in jobs]):
            tally.passed += count - len(wrong)
            tally.failed += len(wrong)
            for text in wrong[:3]:
                print("FAIL %s, %s" % (name, text), flush=True)
            if len(wrong) > 3:
                print("FAIL %s, and at %d of %d other cuts" % (name, len(wrong) - 3, count - 3))


# --- all -------------------------------------------------------------------------------------------

class Work:
    """The played cases, one capture of all, and what was read from it."""

    def __init__(self, folder, only):
        self.mill, self.identities = tlscerts.Mill(folder), Identities()
        self.path = Path(folder) / "matrix.pcap"
        chosen = [one for one in tlsmatrix.cases(self.mill) if only in one.name]
        self.played = tlsmatrix.play(chosen, WORKERS)
        self.seen, self.numbers = {}, {}

    def write(self, whole):
        """`whole`: as much in a segment as there is room for, whatever the case says."""
        writer = tlspcap.Writer()
        self.numbers = {one.name: writer.session(exchange, not whole and one.segments or tlspcap.MSS)
                        for one, exchange in self.rows()}
        pcapio.write(self.path, writer.capture())

    def rows(self):
        return [(one, exchange) for one, exchange in self.played if not isinstance(exchange, Exception)]


def check_dissected(tally, work):
    work.write(whole=True)
    seen = tsharked.sessions(work.path)
    for one, _ in work.rows():
        work.seen[one.name] = seen.get(tlspcap.client_of(work.numbers[one.name])[1])
        check_tshark(tally, one, work.seen[one.name], *work.identities.of(one))


def check_lines(tally, work, binary):
    """Gives what to cut: the cases that have a line."""
    work.write(whole=False)
    result = run.read_json(binary, work.path, ("--exit-zero",), timeout=600)
    tally.equal("all", "exit code", result.code, 0)
    lines, sessions, out = tls_lines(result), lines_of(result, "smtp"), []
    for one, exchange in work.rows():
        key = key_of(work.numbers[one.name])
        session = check_session(tally, one, sessions.get(key, []))
        line = check_line(tally, one, lines.get(key, []), work.seen.get(one.name),
                          *work.identities.of(one))
        if line and "stage" in session:  # where it died
            tally.equal(one.name, "stage of both lines", line.get("starttls", {}).get("stage"),
                        session.get("stage"))
        if line:
            out.append((one.name, exchange, line))
    return out


def captures_of(shared):
    """Those of other projects and of the laboratory, where they are."""
    return sorted(path for part in ("lab", "public") for path in (shared / "pcaps" / part).glob("*.pcap*"))


def check_capture(job):
    """Every handshake that tshark and the program both read says the same in both."""
    binary, path = job
    tally, told = Tally(), tls_lines(run.read_json(binary, path, ("--exit-zero",)))
    if not told:
        return tally
    seen = tsharked.sessions(path)
    for (_, port), lines in told.items():
        session = seen.get(port)
        if len(lines) != 1 or not session or not session.clients or session.faults:
            continue
        tls, part = as_line(session)
        tls["sni"] = session.clients[0].sni
        tls["client_alpns"] = [shown(name) for name in session.clients[0].alpns]
        for where, got, rows in (("tls", lines[0]["tls"], tls), ("starttls", lines[0]["starttls"], part)):
            for key, value in rows.items():
                check_field(tally, "%s port %d" % (path.name, port), "%s.%s" % (where, key),
                            got.get(key), value)
    return tally


def check_shared(tally, options):
    if not shutil.which("tshark"):
        return
    jobs = [(options.binary, path) for path in captures_of(options.shared)]
    with ProcessPoolExecutor(WORKERS) as pool:
        for part in pool.map(check_capture, jobs, chunksize=4):
            tally.passed += part.passed
            tally.failed += part.failed


def check(tally, options, folder):
    for what, got, wanted in ja4.vectors():
        tally.equal("JA4 of the text", what, got, wanted)
    work = Work(folder, options.only)
    tally.check(work.played, "matrix", "there is no case")
    for one, exchange in work.played:
        check_played(tally, one, exchange)
    if shutil.which("tshark"):
        check_dissected(tally, work)
    else:
        tally.skip("!!! without tshark nothing was compared with it !!!", len(work.played))
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        work.write(whole=False)
        shutil.copy(work.path, options.keep)
        for name, number in work.numbers.items():
            print("%s:%d %s" % (*key_of(number), name))
    if not options.making:
        lines = check_lines(tally, work, options.binary)
        if not options.uncut:
            check_cuts(tally, options.binary, lines)
        if options.shared:
            check_shared(tally, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--shared", type=Path, help="captures to compare with tshark as well")
    parser.add_argument("--making", action="store_true")
    parser.add_argument("--uncut", action="store_true", help="each case once, and no cuts of it")
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    os.environ["LC_ALL"] = "C.UTF-8"  # names in certificates, in what openssl and tshark print
    tally = Tally()
    if not shutil.which("openssl"):
        tally.skip("!!! without openssl there was no handshake to read !!!")
        return tally.finish()
    with tempfile.TemporaryDirectory() as folder:
        check(tally, options, folder)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
