#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asking the network: the program that does it, what is said without it, the commands that look
domains up, and a sensor that does, against servers of our own in a network namespace.

    test_online.py BUILD [--domains N] [--inside]

--domains: that mail of one host goes to within a minute (1500). --inside: it is in its namespace already.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import run
sys.path.insert(0, str(run.TESTS / "tools"))
import dialogue  # noqa: E402
import mail_lab  # noqa: E402
import pcapio    # noqa: E402

tally = run.Tally()
# What speaks with strangers stays out of the program that sees their packets.
NETWORK = re.compile(r"\b(libunbound|libcurl|libssl|libnghttp2|libldap|libssh2|libevent)\b")


STRIPPED = """client %(client)s:%(port)d
server 198.51.100.25:25
S: 220 mx.example.test ESMTP Postfix
C: EHLO out.sender.test
S: 250-mx.example.test
S: 250 8BITMIME
C: MAIL FROM:<alice@sender.test>
S: 250 2.1.0 Ok
C: RCPT TO:<bob@%(domain)s>
S: 250 2.1.5 Ok
C: QUIT
S: 221 2.0.0 Bye
close
"""
AT_A_TIME = 100  # recipients of a mail that are kept


def shell(*words, **options):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=240, **options)


def wait_for(what, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.1)
    return bool(what())


# --- two programs --------------------------------------------------------------------------------

def test_libraries(build):
    linked = shell("ldd", build / "stripwatch").stdout
    tally.check("libpcap" in linked, "ldd", linked)
    tally.equal("ldd", "libraries that reach the network", NETWORK.findall(linked), [])
    other = shell("ldd", build / "stripwatch-fetch").stdout
    tally.check("libcurl" in other and "libunbound" in other and "libpcap" not in other, "ldd", other)
    said = shell(build / "stripwatch", "version").stdout
    tally.check("\nnetwork: %s\n" % (build / "stripwatch-fetch") in said, "version", said)


def test_missing(build, folder):
    """Without the other program all works that does not need it, and the rest says what is lost."""
    alone = folder / "bin" / "stripwatch"
    alone.parent.mkdir()
    shutil.copy(build / "stripwatch", alone)
    said = shell(alone, "version").stdout
    tally.check("\nnetwork: none: stripwatch-fetch is not there" in said, "version", said)
    for name, words in (("redis", ("watch", "-i", "lo", "--set", "policy.state=redis://127.0.0.1:1")),
                        ("lookups", ("watch", "-i", "lo", "--set", "policy.lookups=own")),
                        ("refresh", ("policy", "refresh", "right.lab")),
                        ("audit", ("policy", "audit", "right.lab"))):
        said = shell("timeout", "20", alone, *words)
        tally.equal("missing: %s" % name, "exit code", said.returncode, 2)
        tally.check("stripwatch-fetch" in said.stderr and "in Redis" in said.stderr,
                    "missing: %s" % name, said.stderr)
    there = folder / "libexec" / "stripwatch"
    there.mkdir(parents=True)
    shutil.copy(build / "stripwatch-fetch", there)
    said = shell(alone, "version").stdout
    path = re.search(r"\nnetwork: (.*)\n", said)
    tally.check(path and Path(path.group(1)).resolve() == there / "stripwatch-fetch", "installed", said)


# --- commands ------------------------------------------------------------------------------------

def test_audit(binary, lab):
    """What is wrong with each set-up is said, and of the right one there is nothing to say."""
    for d in mail_lab.DOMAINS:
        done = shell(binary, "policy", "audit", "--json", *lab.options(), d.name)
        try:
            told = json.loads(done.stdout)
        except ValueError:
            tally.check(False, "audit of %s" % d.name, done.stdout + done.stderr)
            continue
        grade = {}
        for item in told["items"]:
            grade.setdefault(item["name"], []).append(item["grade"])
        worse = {name for name, grades in grade.items() if set(grades) & {"warn", "bad"}}
        tally.equal("audit of %s" % d.name, "exit code", done.returncode, 1 if d.wrong else 0)
        if d.wrong:
            tally.check(d.wrong in worse, "audit of %s" % d.name, "%r" % told["items"])
        else:
            tally.equal("audit of %s" % d.name, "worse than ok", worse, set())
    said = shell(binary, "policy", "audit", *lab.options(), "right.lab").stdout
    tally.check(re.search(r"(?m)^  ok +dane +mx\.right\.lab: ", said), "audit as text", said)


def test_refresh(binary, lab, folder):
    names = [d.name for d in mail_lab.DOMAINS]
    done = shell(binary, "policy", "refresh", "--json", *lab.options(), *names)
    found = {line["domain"]: line for line in map(json.loads, done.stdout.splitlines())}
    tally.equal("refresh", "domains", sorted(found), sorted(names))
    tally.equal("refresh", "exit code", done.returncode, 1)
    wanted = {"right.lab": "policy", "silent.lab": "none", "two.lab": "record", "id.lab": "record",
              "homeless.lab": "fetch", "expired.lab": "webpki", "name.lab": "webpki",
              "missing.lab": "fetch", "long.lab": "invalid", "grammar.lab": "invalid",
              "testing.lab": "policy"}
    for name, sts in wanted.items():
        tally.equal("refresh of %s" % name, "sts", found.get(name, {}).get("sts"), sts)
    right = found.get("right.lab", {})
    tally.equal("refresh", "body", right.get("body"), mail_lab.policy("right.lab"))
    tally.equal("refresh", "DNSSEC", (right.get("record"), right.get("mx", {}).get("dnssec")),
                ("secure", "secure"))
    tally.equal("refresh", "DNSSEC of an unsigned zone", found.get("open.plain", {}).get("record"), "insecure")
    done = shell(binary, "policy", "refresh", *lab.options(), "right.lab")
    tally.check(done.returncode == 0 and re.match(r"right\.lab +policy +enforce, 1 mx, 7 days, id 20261123; "
                                                  r"DANE at 1 of 1\n$", done.stdout), "refresh", done.stdout)
    state = folder / "state.db"
    done = shell(binary, "policy", "refresh", "--state", state, *lab.options(), "right.lab", "silent.lab")
    kept = shell(binary, "policy", "export", "--policies", state).stdout
    tally.check('"right.lab"' in kept and "silent.lab" not in kept, "refresh --state", kept)
    before = lab.fetched()
    done = shell(binary, "policy", "refresh", "--state", state, *lab.options())
    tally.check(done.stdout.startswith("right.lab ") and done.stdout.count("\n") == 1, "refresh of a store",
                done.stdout + done.stderr)
    tally.equal("refresh of a store", "fetches", lab.fetched() - before, 1)


def test_get(binary, lab):
    done = shell(binary, "policy", "get", "--online", *lab.options(), "right.lab")
    line = json.loads(done.stdout or "{}")
    tally.equal("get", "body", line.get("body"), mail_lab.policy("right.lab"))
    tally.equal("get", "exit code", done.returncode, 0)
    done = shell(binary, "policy", "get", "--online", *lab.options(), "expired.lab")
    tally.check(done.returncode == 1 and not done.stdout and "webpki" in done.stderr, "get", done.stderr)
    done = shell(binary, "policy", "get", "--online", "--policies", "x", "right.lab")
    tally.equal("get from two places", "exit code", done.returncode, 2)


# --- captures ------------------------------------------------------------------------------------

def rules_in(lines):
    """Of findings, wherever they are told of."""
    return set(re.findall(r'"rule": "([a-z-]+)"', json.dumps(lines)))


def test_read(binary, lab, folder):
    """What mail was taken for is looked up before it is judged."""
    capture = folder / "mail.pcap"
    tcpdump = subprocess.Popen(["tcpdump", "-i", "lo", "--immediate-mode", "-U", "-w", capture, "port", "25"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while "listening" not in (tcpdump.stderr.readline() or "listening"):
        pass
    for name in ("right.lab", "silent.lab", "testing.lab"):
        mail_lab.deliver(name)
    time.sleep(1)
    tcpdump.send_signal(signal.SIGINT)
    tcpdump.wait()
    rules = {}
    for how in ([], ["--online", *lab.options()]):
        done = shell(binary, "read", "--json", "--exit-zero", *how, capture)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        rules[bool(how)] = rules_in(lines)
        tally.equal("read", "exit code (%s)" % done.stderr[-300:], done.returncode, 0)
    new = rules[True] - rules[False]
    tally.check({"sts-offer-missing", "dane-violated"} <= new, "read --online", "%r beyond %r" % (new, rules[False]))
    for name, nobody in (("nobody", run.PCAPS / "healthy-tls-exim" / "input.pcap"),
                         ("no policy", folder / "silent.pcap")):
        if name == "no policy":
            pcapio.write(nobody, pcapio.Capture(pcapio.LINK_ETHERNET, dialogue.Compiler().compile(
                STRIPPED % {"client": "192.0.2.9", "port": 20000, "domain": "silent.lab"}).packets))
        done = shell(binary, "read", "-q", "--exit-zero", "--online", *lab.options(), nobody)
        tally.equal("read --online: %s" % name, "exit code, words", (done.returncode, done.stderr), (0, ""))
    with open(capture, "rb") as f:
        done = subprocess.run([binary, "read", "--online", *lab.options(), "-"],
                              input=f.read(), capture_output=True, text=False)
    tally.check(done.returncode == 2 and b"read twice" in done.stderr, "read --online of a pipe", done.stderr)


# --- live ----------------------------------------------------------------------------------------

class Watch:
    all = []  # whoever ends early leaves none behind

    def __init__(self, binary, folder, *options, interface="lo"):
        self.file, self.said = folder / "eve.json", folder / "stderr"
        folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [binary, "watch", "-i", interface, "--set", "output.file.path=%s" % self.file,
             "--set", "output.spool.dir=%s" % (folder / "spool"), "--set", "log.level=debug",
             "--set", "output.hourly=1000000", *options],
            stdout=subprocess.DEVNULL, stderr=open(self.said, "wb"))
        Watch.all.append(self)
        self.ready = wait_for(lambda: self.text().count("ready: seccomp") >= 4 or
                              self.process.poll() is not None)
        time.sleep(0.3)

    def text(self):
        return self.said.read_text(errors="replace")

    def child(self, name):
        """Its process, or 0."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                status = Path("/proc", pid, "status").read_text()
                words = Path("/proc", pid, "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:  # it has ended since
                continue
            if words[1:3] == ["--child", name] and "\nPPid:\t%d\n" % self.process.pid in status:
                return int(pid)
        return 0

    def lines(self):
        """Those that are written to their ends."""
        try:
            text = self.file.read_text()
        except OSError:
            return []
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def rules(self):
        return rules_in(self.lines())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None

    def sessions(self):
        return sum(line["event_type"] == "smtp" for line in self.lines())

    def lookups(self):
        """The counters of the last line, which is told at the end."""
        stats = [line for line in self.lines() if line["event_type"] == "stats"]
        return stats[-1]["stats"]["stripwatch"]["lookups"] if stats else {}


def test_watch(binary, lab, folder):
    """Mail that was seen leads to look-ups, and the next mail is held against what they found."""
    port = 6399
    redis = lab.start("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder)
    cli = lambda *words: shell("redis-cli", "-p", port, *words).stdout
    wait_for(lambda: cli("ping") == "PONG\n")
    watch = Watch(binary, folder / "watch", "--set", "policy.lookups=seen",
                  "--set", "policy.state=redis://localhost:%d" % port, *lab.options())
    tally.check(watch.ready and watch.process.poll() is None, "watch", watch.text()[-500:])
    before = lab.fetched()
    mail_lab.deliver("right.lab")
    mail_lab.deliver("silent.lab")
    key = "policy/right.lab"
    tally.check(wait_for(lambda: "right.lab" in cli("keys", "*")), "watch: store", cli("keys", "*") + watch.text()[-500:])
    mail_lab.deliver("right.lab")
    tally.check(wait_for(lambda: {"sts-offer-missing", "dane-violated"} <= watch.rules()), "watch",
                "%r %s" % (watch.rules(), watch.text()[-500:]))
    for i in range(20):
        mail_lab.deliver("right.lab")
    tally.equal("watch", "fetches", lab.fetched() - before, 1)
    keys = cli("keys", "*")
    tally.check(re.search(r"policy/right\.lab$", keys, re.M) and re.search(r"negative/silent\.lab$", keys, re.M),
                "watch: keys", keys)
    redis.send_signal(signal.SIGSTOP)  # it takes connections, and answers nothing
    for name in ("testing.lab", "pattern.lab"):
        mail_lab.deliver(name)
    tally.check(wait_for(lambda: lab.fetched() - before >= 3), "watch: Redis hangs", "%d fetches" % (lab.fetched() - before))
    mail_lab.deliver("testing.lab")
    redis.send_signal(signal.SIGCONT)
    tally.check(wait_for(lambda: all("policy/%s" % name in cli("keys", "*") for name in ("testing.lab", "pattern.lab"))),
                "watch: Redis hung", cli("keys", "*"))
    tally.equal("watch", "exit code", watch.stop(), 0)
    told = watch.lookups()
    tally.equal("watch", "what was not kept", told.get("unkept"), 0)
    tally.check(told.get("asked") == 4 and told.get("answered", 0) + told.get("failed", 0) >= 2 and
                told.get("unasked") == 0, "watch: counters", "%r" % told)
    redis.kill()


class Counting:
    """A resolver that knows of nothing, and counts what it is asked."""

    def __init__(self, address):
        self.names, self.socket = set(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            packet, peer = self.socket.recvfrom(4096)
            name, at = [], 12
            while packet[at]:
                name.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
                at += 1 + packet[at]
            self.names.add(".".join(name))
            self.socket.sendto(packet[:2] + b"\x84\x03\0\1\0\0\0\0\0\0" + packet[12:at + 5], peer)

    def domains(self):
        return {n.removeprefix("_mta-sts.") for n in self.names if n.startswith("_mta-sts.")}


def flood(path, count):
    """Mail of one host for so many domains within a minute, and then of another one for one."""
    packets = []
    for i in range(0, count + 1, AT_A_TIME):
        domains = ["d%d.flood" % k for k in range(i, min(i + AT_A_TIME, count))] or ["other.flood"]
        text = STRIPPED % {"client": "192.0.2.9" if i < count else "203.0.113.7", "port": 20000 + i // AT_A_TIME % 40000,
                           "domain": domains[0]}
        before, after = text.split("S: 250 2.1.5 Ok\n")
        text = before + "".join("C: RCPT TO:<bob@%s>\n" % d for d in domains[1:])
        text += "S: 250 2.1.5 Ok\n" * len(domains) + after
        packets += dialogue.Compiler().compile(text).packets
    first, step = packets[0].time, 60 * 10**9 // len(packets)
    packets = [p.copy(time=first + i * step) for i, p in enumerate(packets)]
    pcapio.write(path, pcapio.Capture(pcapio.LINK_ETHERNET, packets))


def test_flood(binary, folder, count):
    """Who sends to many domains does not keep another from his first, and no more are asked for
    than may be."""
    counting, capture = Counting("11.0.0.54"), folder / "flood.pcap"
    flood(capture, count)
    read = subprocess.Popen([binary, "read", "-q", "--online", "--set", "resolver.stub=flood=11.0.0.54",
                             "--set", "resolver.trust_anchor=%s" % (folder / "anchor"), capture],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(counting.domains()) >= 300 or read.poll() is not None, 50)
    time.sleep(2)
    read.kill()
    read.wait()
    asked = counting.domains()
    tally.check(250 <= len(asked) <= 300, "flood", "%d domains were asked for" % len(asked))
    tally.check("other.flood" in asked, "flood", "the other host's domain was not")


def test_trouble(binary, lab, folder):
    """Whatever becomes of who looks up, mail is judged as before."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("11.0.0.55", 53))
    watch = Watch(binary, folder / "trouble", "--set", "policy.lookups=seen", "--set", "process.user=root",
                  "--set", "resolver.stub=lab=%s,mute=11.0.0.55" % mail_lab.DNS, *lab.options()[2:])
    judged = 0

    def mails(what, count=10):
        nonlocal judged
        mail_lab.deliver("hung.lab")
        judged += 1
        for i in range(count):
            mail_lab.deliver("d%d.mute" % (judged + i), address=mail_lab.MX)
        judged += count
        tally.check(wait_for(lambda: watch.sessions() >= judged), what,
                    "%d of %d sessions: %s" % (watch.sessions(), judged, watch.text()[-300:]))

    mails("resolver blackholed")
    fetch = watch.child("fetch")
    if not tally.check(fetch > 0, "trouble", "there is no fetch: %s" % watch.text()[-300:]):
        watch.stop()
        return
    os.kill(fetch, signal.SIGSTOP)
    mails("fetch hung")
    os.kill(fetch, signal.SIGKILL)
    mails("fetch killed")
    tally.check(wait_for(lambda: watch.child("fetch") not in (0, fetch)), "fetch killed", "it is not back")
    tally.equal("trouble", "exit code", watch.stop(), 0)
    stats = [line for line in watch.lines() if line["event_type"] == "stats"][-1]["stats"]
    live, lookups = stats["stripwatch"]["live"], stats["stripwatch"]["lookups"]
    tally.equal("trouble", "lost", (live["shed"], live["shed_urgent"], stats["capture"]["kernel_drops"],
                                    live["gap_ms"]), (0, 0, 0, 0))
    tally.check(lookups["wanted"] >= judged, "trouble", "%r" % lookups)
    silent.close()


# --- the run -------------------------------------------------------------------------------------

def outside(build, folder):
    test_libraries(build)
    test_missing(build, folder)


def inside(build, folder):
    binary = build / "stripwatch"
    lab = mail_lab.Lab(folder)
    try:
        test_audit(binary, lab)
        test_refresh(binary, lab, folder)
        test_get(binary, lab)
        mail_lab.Exchanger()
        test_read(binary, lab, folder)
        test_watch(binary, lab, folder)
        test_trouble(binary, lab, folder)
        test_flood(binary, folder, int(sys.argv[sys.argv.index("--domains") + 1])
                   if "--domains" in sys.argv else 1500)
    finally:
        for watch in Watch.all:
            if watch.process.poll() is None:
                watch.stop()
        lab.stop()


def enter():
    """A namespace in which each address is ours."""
    for words in ("link set lo up", "route add local 0.0.0.0/0 dev lo"):
        subprocess.run(["ip", *words.split()], check=True)


def main():
    build = Path(sys.argv[1]).resolve()
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # it needs ptrace, which nobody has here
    folder = Path(tempfile.mkdtemp(prefix="stripwatch-online-"))
    folder.chmod(0o755)
    try:
        if "--inside" in sys.argv:
            enter()
            inside(build, folder)
        else:
            outside(build, folder)
            rest = shell("unshare", "--net", sys.executable, __file__, build, "--inside", *sys.argv[2:]) \
                if shell("unshare", "--net", "true").returncode == 0 else None
            found = re.search(r"(\d+) passed, (\d+) failed\n$", rest.stdout) if rest else None
            if not rest:
                tally.skip("no network namespace can be made here", 50)
            elif tally.check(found, "in the namespace", rest.stdout[-500:] + rest.stderr[-1500:]):
                sys.stdout.write(rest.stdout[:found.start()])
                tally.passed += int(found.group(1))
                tally.failed += int(found.group(2))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
