#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A sensor that runs, and who runs it: lists that are read anew, in a network namespace made for it.

    test_operate.py BUILD
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import run
import test_watch
from test_watch import NEAR, Watch, inside, replay, shell, wait_for
sys.path.insert(0, str(run.TESTS / "tools"))
import dialogue  # noqa: E402
import pcapio    # noqa: E402

tally = run.Tally()

# A server that never had TLS: nothing is wrong with it, unless somebody has promised otherwise.
PLAIN = test_watch.STRIPPED.replace("S: 250-XXXXXXXX\n", "")
CONFIG = """capture:
  interfaces: [%(near)s]
log:
  level: debug
output:
  min_severity: %(least)s
  hourly: 1000000
  file:
    path: %(folder)s/eve.json
  spool:
    dir: %(folder)s/spool
policy:
  policies: [%(folder)s/policies]
  partners: %(folder)s/partners
  suppress: %(folder)s/suppress
privacy:
  log_sessions: all
"""
POLICY = "version: STSv1\nmode: enforce\nmx: *.example.test\nmax_age: 604800\n"


class Site:
    """A configuration with its lists, and sessions with servers that nobody has met before."""

    def __init__(self, folder):
        self.folder = folder
        self.sessions = 0
        (folder / "policies").mkdir()
        (folder / "policies" / "other.test.txt").write_text(POLICY)
        self.write("partners", "# none yet\n")
        self.write("suppress", "")
        self.configure("low")

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def configure(self, least):
        self.config = self.folder / "stripwatch.yaml"
        self.config.write_text(CONFIG % {"near": NEAR, "least": least, "folder": self.folder})
        self.config.chmod(0o600)

    def session(self, text=PLAIN):
        self.sessions += 1
        path = self.folder / ("%d.pcap" % self.sessions)
        words = {"client": self.sessions, "port": 20000 + self.sessions, "a": 9, "b": self.sessions}
        pcapio.write(path, dialogue.Compiler().compile(text % words))
        replay(path)
        return "10.9.%d.25" % self.sessions


def rules_of(watch, server):
    """Of the alerts about that server."""
    return {line["alert"]["metadata"]["rule"][0] for line in watch.alerts()
            if server in (line.get("dest_ip"), line.get("src_ip"))}


def judged(watch, server):
    """A session with it has ended, and what there was to say of it is said."""
    return wait_for(lambda: any(line["event_type"] == "smtp" and line["dest_ip"] == server
                                for line in watch.lines()), 10)


def reload(watch, word):
    """SIGHUP, until that is said once more."""
    before = watch.text().count(word)
    watch.signal(signal.SIGHUP)
    return wait_for(lambda: watch.text().count(word) > before, 10)


def test_lists(binary, folder):
    """What the files say counts after SIGHUP, altogether or not at all; nobody is started anew."""
    site = Site(folder)
    watch = Watch(binary, folder, "-c", site.config, interfaces=())
    tally.check(watch.ready, "lists", watch.text()[-300:])
    children = watch.children()
    calm = site.session()
    tally.check(judged(watch, calm), "no partner yet", watch.text()[-300:])
    site.write("partners", "rcpt.test tls\n")
    tally.check(reload(watch, "lists: policies 1 -> 2, suppressions 0 -> 0"), "a new partner",
                watch.text()[-400:])
    server = site.session()
    tally.check(wait_for(lambda: "partner-violated" in rules_of(watch, server), 5), "a new partner",
                "no alert: %s" % watch.text()[-300:])
    tally.equal("no partner yet", "alerts", rules_of(watch, calm), set())

    site.write("partners", "rcpt.test tls\n\nrcpt.test ssl\n")
    site.write("suppress", "no-such-rule * 2099-12-31 x\n")
    tally.check(reload(watch, "nothing was changed"), "bad lists", watch.text()[-400:])
    for word in ("partners:3: ", "suppress:1: "):
        tally.check(str(folder / word) in watch.text(), "bad lists", watch.text()[-400:])
    server = site.session()
    tally.check(wait_for(lambda: "partner-violated" in rules_of(watch, server), 5), "bad lists",
                "the former ones count no more: %s" % watch.text()[-300:])

    site.configure("critical")
    tally.check(reload(watch, "nothing was changed"), "bad lists, another configuration",
                watch.text()[-400:])
    tally.check("-> critical" not in watch.text(), "bad lists, another configuration",
                watch.text()[-400:])
    site.configure("low")

    site.write("partners", "")
    site.write("suppress", "* 10.9.0.0/16 2099-12-31 a machine to practise on\n")
    (folder / "policies" / "rcpt.test.txt").write_text(POLICY)
    tally.check(reload(watch, "lists: policies 2 -> 2, suppressions 0 -> 1"), "suppressed",
                watch.text()[-400:])
    hidden = site.session()
    tally.check(judged(watch, hidden), "suppressed", watch.text()[-300:])
    site.write("suppress", "")
    tally.check(reload(watch, "suppressions 1 -> 0"), "no longer suppressed", watch.text()[-400:])
    server = site.session()
    tally.check(wait_for(lambda: "sts-offer-missing" in rules_of(watch, server), 5), "a new policy",
                "no alert: %s" % watch.text()[-300:])
    tally.equal("suppressed", "alerts", rules_of(watch, hidden), set())
    tally.equal("lists", "processes", watch.children(), children)
    tally.equal("lists", "exit code", watch.stop(), 0)


class Notified:
    """A socket for what systemd is told: each message with how many processes had said by then that
    they are ready."""

    def __init__(self, path, watch_said):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.said = watch_said
        self.heard = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            message = self.socket.recv(4096).decode()
            text = self.said.read_text() if self.said.exists() else ""
            self.heard.append((message.split("\n")[0], text.count("ready: seccomp")))

    def ready(self):
        return [count for message, count in self.heard if message == "READY=1"]


def test_ready(binary, folder):
    """READY=1 comes when all processes are ready, at the start and after a reload that renews some;
    what comes by then is seen."""
    site = Site(folder)
    notified = Notified(folder / "notify", folder / "stderr")
    os.environ["NOTIFY_SOCKET"] = str(folder / "notify")
    try:
        watch = Watch(binary, folder, "-c", site.config, interfaces=())
    finally:
        del os.environ["NOTIFY_SOCKET"]
    tally.check(wait_for(notified.ready, 10), "ready", "never said: %r" % notified.heard)
    tally.equal("ready", "processes that were", notified.ready()[:1], [4])
    server = site.session(test_watch.STRIPPED)
    tally.check(wait_for(lambda: rules_of(watch, server), 5), "ready", "no alert: %s" % watch.text()[-300:])
    site.configure("medium")
    watch.signal(signal.SIGHUP)
    tally.check(wait_for(lambda: len(notified.ready()) == 2, 15), "reload", "%r" % notified.heard)
    # the one that reads the lists, and three that were renewed
    tally.equal("reload", "processes that were ready", notified.ready()[1:], [8])
    tally.check("RELOADING=1" in [m for m, _ in notified.heard], "reload", "%r" % notified.heard)
    site.write("partners", "no such line\n")
    watch.signal(signal.SIGHUP)
    tally.check(wait_for(lambda: len(notified.ready()) == 3, 15), "bad reload", "%r" % notified.heard)
    tally.equal("ready", "exit code", watch.stop(), 0)
    tally.check("STOPPING=1" in [m for m, _ in notified.heard], "end", "%r" % notified.heard)


def status(binary, control):
    """What it says of itself: (JSON, words)."""
    said = shell(binary, "status", "--json", "--control", control)
    words = shell(binary, "status", "--control", control)
    tally.equal("status", "exit codes", (said.returncode, words.returncode), (0, 0))
    return json.loads(said.stdout or "{}"), words.stdout


def test_status(binary, folder):
    """How it is, in words and as JSON, while interfaces and processes come and go."""
    site = Site(folder)
    control = folder / "control"
    watch = Watch(binary, folder, "-c", site.config, "--set", "control.socket=%s" % control,
                  "--set", "output.file.min_severity=critical", interfaces=())
    server = site.session(test_watch.STRIPPED)
    tally.check(judged(watch, server), "status", watch.text()[-300:])
    told = wait_for(lambda: status(binary, control)[0].get("sessions") == 1, 5)
    said, words = status(binary, control)
    tally.check(told, "status", "the session is not counted: %r" % said)
    tally.equal("status", "state", said["state"], "watching")
    tally.equal("status", "processes", sorted(p["process"] for p in said["processes"]),
                sorted(test_watch.PROCESSES))
    tally.equal("status", "their states", {p["state"] for p in said["processes"]}, {"ready"})
    one, = said["interfaces"]
    tally.equal("status", "interface", (one["name"], one["link"], one["kernel_drops"], one["vantage"],
                                        one["vantage_from"]), (NEAR, "up", 0, "unknown", "undecided"))
    tally.check(one["packets"] >= 20, "status", "packets: %r" % one)
    out, = said["outputs"]
    tally.equal("status", "output", (out["name"], out["state"]), ("file", "ok"))
    tally.check(out["filtered"] >= 1 and out["delivered"] >= 1, "status", "output: %r" % out)
    tally.equal("status", "gaps", said["coverage"]["open"], [])
    tally.equal("status", "policies", said["lists"]["policies"], 1)
    for word in ("state       watching", "watch  0  ready", "tap0", "link up", "vantage unknown",
                 "file", "no gap is open", "look-ups", "spool"):
        tally.check(word in words, "status", "no %r in %s" % (word, words))
    os.kill(watch.pid("judge"), signal.SIGKILL)
    again = wait_for(lambda: [p["start"] for p in status(binary, control)[0]["processes"]
                              if p["process"] == "judge" and p["state"] == "ready"] == [2], 10)
    tally.check(again, "status", "the judge that came back is not told of: %r" % (status(binary, control)[0],))
    shell("ip", "-n", test_watch.NETNS, "link", "set", NEAR, "down")
    down = wait_for(lambda: status(binary, control)[0]["interfaces"][0]["link"] == "down", 5)
    tally.check(down, "status", "an interface that is down is not told of")
    for link in (NEAR, test_watch.FAR):
        shell("ip", "-n", test_watch.NETNS, "link", "set", link, "up")
    tally.equal("status", "exit code", watch.stop(), 0)


def test_vantage_of_interface(binary, folder):
    """Found out by the handshakes; what is configured counts more."""
    import test_vantage
    path = folder / "client-side.pcap"
    test_vantage.capture(path, [(20 * test_vantage.MS, 50 * test_vantage.US)], gap=40)
    for name, options, wanted in (("derived", (), ("client-side", "derived")),
                                  ("configured", ("--set", "sensor.vantage=server-side"),
                                   ("server-side", "configured"))):
        place = folder / name
        place.mkdir()
        control = place / "control"
        watch = Watch(binary, place, "--set", "control.socket=%s" % control, *options)
        replay(path)
        site = lambda: status(binary, control)[0]["interfaces"][0]
        told = wait_for(lambda: (site()["vantage"], site()["vantage_from"]) == wanted, 10)
        tally.check(told, name, "%r" % site())
        tally.equal(name, "exit code", watch.stop(), 0)
        last = watch.lines()[-1]["stats"]["stripwatch"]["live"]["interfaces"]
        tally.equal(name, "stats", last, [{"in_iface": NEAR, "vantage": wanted[0]}])


def test_many_signals(binary, folder):
    """SIGHUP while the lists are read: the newest files count in the end."""
    site = Site(folder)
    watch = Watch(binary, folder, "-c", site.config, interfaces=())
    children = watch.children()
    for i in range(20):
        site.write("partners", "".join("a%d.test tls\n" % n for n in range(i + 1)))
        watch.signal(signal.SIGHUP)
    told = wait_for(lambda: "-> 21, suppressions 0 -> 0" in watch.text(), 10)
    tally.check(told, "many signals", watch.text()[-400:])
    tally.equal("many signals", "processes", [c for c in watch.children() if c[0] != "lists"],
                children)
    tally.equal("many signals", "exit code", watch.stop(), 0)


def test_redis(binary, folder):
    """What another one writes into the Redis of the state is heard of without a signal."""
    port = 20000 + os.getpid() % 20000
    where = "redis://127.0.0.1:%d" % port
    redis = subprocess.Popen(inside("redis-server", "--port", port, "--bind", "127.0.0.1", "--save",
                                    "", "--dir", folder),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: shell(*inside("redis-cli", "-p", port, "ping")).stdout == "PONG\n")
        site = Site(folder)
        watch = Watch(binary, folder, "-c", site.config, "--set", "policy.state=%s" % where,
                      "--set", "policy.reread=5", interfaces=())
        tally.check(watch.ready, "redis", watch.text()[-300:])
        judge = watch.pid("judge")
        (folder / "import").mkdir()
        (folder / "import" / "rcpt.test.txt").write_text(POLICY)
        done = shell(*inside(binary, "policy", "import", "--state", where, folder / "import"))
        tally.equal("redis", "import (%s)" % done.stderr[-200:], done.returncode, 0)
        tally.check(wait_for(lambda: "lists: policies 1 -> 2" in watch.text(), 15), "redis",
                    watch.text()[-400:])
        server = site.session()
        tally.check(wait_for(lambda: "sts-offer-missing" in rules_of(watch, server), 5), "redis",
                    "no alert: %s" % watch.text()[-300:])
        redis.kill()
        redis.wait()
        site.write("partners", "later.test tls\n")
        tally.check(reload(watch, "lists: policies 2 -> 3"), "redis gone", watch.text()[-400:])
        tally.check("policy.state cannot be read now" in watch.text(), "redis gone", watch.text()[-400:])
        server = site.session()
        tally.check(wait_for(lambda: "sts-offer-missing" in rules_of(watch, server), 5), "redis gone",
                    "its policies are forgotten: %s" % watch.text()[-300:])
        tally.equal("redis", "judge", watch.pid("judge"), judge)
        tally.equal("redis", "exit code", watch.stop(), 0)
    finally:
        redis.kill()
        redis.wait()


def main():
    build = Path(sys.argv[1]).resolve()
    binary = build / "stripwatch"
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # it needs ptrace, which nobody has here
    if not test_watch.make_netns():
        tally.skip("no network namespace can be made here", 10)
        return tally.finish()
    folder = Path(tempfile.mkdtemp(prefix="stripwatch-operate-"))
    folder.chmod(0o755)
    try:
        for test in (test_lists, test_ready, test_status, test_vantage_of_interface, test_many_signals,
                     test_redis):
            place = folder / test.__name__
            place.mkdir()
            test(binary, place)
    finally:
        for pid in shell("ip", "netns", "pids", test_watch.NETNS).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        shell("ip", "netns", "del", test_watch.NETNS)
        shutil.rmtree(folder, ignore_errors=True)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
