#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The feed of a running sensor with all its outputs at once, in a network namespace: redis-server,
rsyslog over TLS, Splunk's collector and an index as servers of the test, librdkafka's mock cluster, a
socket. Each gets every alert, in the form that is asked for, whoever is killed meanwhile.

    test_feed.py BUILD [--kills N] [--only NAME]    N kills of each process and receiver (3)
"""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

if "STRIPWATCH_NETNS" not in os.environ:
    os.environ["STRIPWATCH_NETNS"] = "stripwatch-feed-%d" % os.getpid()

import run  # noqa: E402
import test_watch  # noqa: E402
from receivers import Certificates, Http, Lines, Rsyslog  # noqa: E402
from test_store import Server  # noqa: E402
from test_watch import (NETNS, PROCESSES, Watch, dialogue, found_by_reading, pcapio,  # noqa: E402
                        replay, shell, stripped, wait_for)

INSIDE = "--inside"
HEC, API, BEARER = "hec-token-of-the-test", "api-key-of-the-test", "bearer-of-the-test"
tally = test_watch.tally


def is_alert(line):
    return line.get("event_type") == "alert" or line.get("event", {}).get("kind") == "alert"


def id_of(line):
    """Of a line of EVE, or of ECS; of one that is no alert, None."""
    if not is_alert(line):
        return None
    if "alert" in line:
        return line["alert"]["metadata"]["alert_id"][0]
    return line["event"]["id"]


def once(values):
    """Each at its first place."""
    return list(dict.fromkeys(v for v in values if v))


class Kafka:
    """librdkafka's mock cluster in a process of its own."""

    def __init__(self, build, topic):
        self.lines = []
        self.process = subprocess.Popen([build / "tests" / "kafka_mock", topic],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.brokers = self.process.stdout.readline().strip()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def ids(self):
        return [id_of(json.loads(line)) for line in list(self.lines)]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


class Receivers:
    """One of each kind, and what the configuration says of them."""

    def __init__(self, build, folder):
        self.folder = folder
        self.certificates = Certificates(str(folder))
        for name, text in (("hec", HEC), ("api", API), ("bearer", BEARER)):
            place = folder / name
            place.write_text(text + "\n")
            place.chmod(0o600)
        self.redis = Server(folder, "--appendonly", "yes", "--appendfsync", "always")
        self.syslog = Rsyslog(str(folder), "tls", self.certificates)
        self.syslog.start()
        self.stream = Lines(str(folder / "lines.sock"))
        self.splunk = Http(self.certificates, token="Splunk " + HEC, key=id_of)
        self.splunk.acks = True
        self.elastic = Http(self.certificates, token="ApiKey " + API, key=id_of)
        self.webhook = Http(token="Bearer " + BEARER, key=id_of)
        self.kafka = Kafka(build, "stripwatch")

    def config(self):
        ca = self.certificates.ca
        return ("output:\n"
                "  redis: {address: %s, key: alerts, mode: rpush, kinds: [alert]}\n"
                "  unix: {path: %s, kinds: [alert]}\n"
                "  syslog: {address: 'localhost:%d', transport: tls, ca_file: %s}\n"
                "  splunk: {url: '%s', token_file: %s, acknowledged: true, ca_file: %s, index: mail}\n"
                "  elastic: {url: '%s', token_file: %s, index: stripwatch-eve, ca_file: %s}\n"
                "  webhook: {url: '%s/hook', token_file: %s}\n"
                "  kafka: {brokers: '%s', key: incident, kinds: [alert]}\n"
                % (self.redis.socket, self.stream.path, self.syslog.port, ca, self.splunk.url,
                   self.folder / "hec", ca, self.elastic.url, self.folder / "api", ca,
                   self.webhook.url, self.folder / "bearer", self.kafka.brokers))

    def redis_lines(self):
        text = shell("redis-cli", "-s", self.redis.socket, "--raw", "lrange", "alerts", 0, -1).stdout
        return [json.loads(line) for line in text.splitlines() if line]

    def syslog_ids(self):
        """RFC 5424's structured data has it, whatever becomes of the message."""
        text = self.syslog.out.read_text() if self.syslog.out.exists() else ""
        return re.findall(r'"alert_id":\["([0-9a-f]{32})"\]', text)

    def stream_ids(self):
        return [id_of(json.loads(line)) for line in self.stream.data.split(b"\n")[:-1]]

    def got(self):
        """Ids of alerts by receiver, each at its first place."""
        return {"redis": once(map(id_of, self.redis_lines())),
                "unix": once(self.stream_ids()),
                "syslog": once(self.syslog_ids()),
                "splunk": once(self.splunk.stored),
                "elastic": once(self.elastic.stored),
                "webhook": once(self.webhook.stored),
                "kafka": once(self.kafka.ids())}

    def stop(self):
        self.syslog.kill()
        self.redis.stop()
        self.stream.stop()
        for server in (self.splunk, self.elastic, self.webhook):
            server.stop()
        self.kafka.stop()


def configured(binary, folder, receivers, *options):
    path = folder / "outputs.yaml"
    path.write_text(receivers.config())
    path.chmod(0o600)
    return Watch(binary, folder, "-c", path, "--set", "sensor.name=tap-1", *options)


def orders(lines):
    """(incident, update) in the order of the first time that each is told."""
    seen = {}
    for line in lines:
        if is_alert(line) and "incident" in line.get("starttls", ()):
            one = line["starttls"]["incident"]
            told = seen.setdefault(one["id"], [])
            if one["update"] not in told:
                told.append(one["update"])
    return seen


def settled(receivers, wanted, seconds):
    return wait_for(lambda: all(wanted <= set(ids) for ids in receivers.got().values()), seconds)


def test_all(build, folder):
    """Each output gets each alert once, in the order of the file."""
    receivers = Receivers(build, folder)
    binary = build / "stripwatch"
    capture = folder / "some.pcap"
    pcapio.write(capture, stripped(30, 20 * dialogue.MILLISECOND))
    wanted = found_by_reading(binary, capture)
    watch = configured(binary, folder, receivers)
    tally.check(watch.ready, "all outputs", watch.text()[-500:])
    replay(capture)
    tally.check(wait_for(lambda: watch.found() >= wanted, 15), "all outputs", watch.text()[-500:])
    ids = once(map(id_of, watch.lines()))
    settled(receivers, set(ids), 20)
    tally.check(len(ids) >= 30, "all outputs", "%d alerts prove little" % len(ids))
    for name, got in receivers.got().items():
        if name == "kafka":  # partitions have no order among each other
            tally.equal(name, "alerts", sorted(got), sorted(ids))
        else:
            tally.equal(name, "alerts", got, ids)
    told = {(line["alert"]["metadata"]["severity"][0], line["host"]) for line in watch.alerts()}
    tally.check(len(told) >= 1, "all outputs", "no severity")
    level = {"low": "notice", "medium": "warning", "high": "err", "critical": "crit"}
    tally.equal("syslog", "facility, severity and host", {row[:3] for row in receivers.syslog.headers()},
                {("local5", level[severity], host) for severity, host in told})
    tally.equal("elastic", "_id", sorted(i for i in receivers.elastic.ids if len(i) == 32 and
                                         receivers.elastic.ids[i]), sorted(ids))
    tally.check("ready: seccomp" in watch.text(), "all outputs", "no walls")
    name = Path("/proc/%d/exe" % watch.pid("feed"))
    tally.equal("feed", "program", os.readlink(name), str(build / "stripwatch-feed"))
    tally.check(not re.search("|".join((HEC, API, BEARER)), watch.text()), "secrets", "a token is said")
    tally.equal("all outputs", "exit code", watch.stop(), 0)
    receivers.stop()


def test_filters(build, folder):
    """Severity, kinds, rules, formats and the numbers of a day, of each output for itself."""
    binary = build / "stripwatch"
    lines = Lines(str(folder / "lines.sock"))
    config = folder / "filters.yaml"
    config.write_text("output:\n"
                      "  file: {without_rules: [starttls-garbled]}\n"
                      "  unix: {path: %s, min_severity: critical}\n"
                      "  webhook: {url: 'http://localhost:1/', format: cef}\n" % lines.path)
    watch = Watch(binary, folder, "-c", config)
    tally.check(watch.ready, "filters", watch.text()[-500:])
    capture = folder / "one.pcap"
    pcapio.write(capture, stripped(3, 0))
    replay(capture)
    tally.check(wait_for(lambda: b"starttls-garbled" in b"".join(
        p.read_bytes() for p in watch.spool.glob("*.spool"))), "filters", "no alert in the spool")
    tally.check(wait_for(lambda: "output: webhook: away" in watch.text()), "webhook away",
                watch.text()[-300:])
    time.sleep(1)
    rules = {a["alert"]["metadata"]["rule"][0] for a in watch.alerts()}
    tally.check("starttls-garbled" not in rules, "without_rules", rules)
    tally.equal("min_severity", "alerts", [i for i in map(id_of, map(
        json.loads, lines.data.split(b"\n")[:-1])) if i], [])
    tally.equal("filters", "exit code", watch.stop(), 0)
    lines.stop()


def test_missing_program(build, folder):
    """Without the program for it, an output is refused at once, and said."""
    for name in ("stripwatch", "stripwatch-fetch"):
        shutil.copy(build / name, folder / name)
    run_of = shell(folder / "stripwatch", "watch", "-i", "lo", "--set",
                   "output.unix.path=%s" % (folder / "x.sock"))
    tally.equal("without stripwatch-feed", "exit code", run_of.returncode, 2)
    tally.check("stripwatch-feed: is not there" in run_of.stderr, "without stripwatch-feed", run_of.stderr)


def test_day(build, folder):
    """A day of low alerts that a crash leaves behind is told of as soon as the next one has come."""
    binary = build / "stripwatch"
    spool = folder / "spool"
    spool.mkdir()
    (spool / "daily.counts").write_text("stripwatch-daily 1 20000 20000 0 0\nstarttls-garbled 7\n")
    watch = Watch(binary, folder, "--set", "output.file.daily=true")
    tally.check(wait_for(lambda: any("low_alerts" in json.dumps(line) for line in watch.lines())),
                "daily", watch.text()[-300:])
    told = [line["stats"]["stripwatch"]["low_alerts"] for line in watch.lines()
            if "low_alerts" in json.dumps(line)]
    # 20,000 days after 1970 is the 4th of October 2024
    tally.equal("daily", "numbers", told, [{"from": "2024-10-04", "to": "2024-10-04", "alerts": 7,
                                            "rules": {"starttls-garbled": 7}}])
    tally.equal("daily", "exit code", watch.stop(), 0)
    watch = Watch(binary, folder, "--set", "output.file.daily=true")
    time.sleep(1)
    tally.equal("daily", "told once", len([1 for line in watch.lines() if "low_alerts" in
                                           json.dumps(line)]), 1)
    tally.equal("daily", "exit code", watch.stop(), 0)


def kill_one(name, watch, receivers):
    """Whether it, or what takes its place, is there again."""
    if name == "redis":
        receivers.redis.kill()
        receivers.redis.start()
    elif name == "rsyslog":
        receivers.syslog.kill()
        receivers.syslog.start()
    else:
        old = watch.pid(name)
        if old:
            os.kill(old, signal.SIGKILL)
        return wait_for(lambda: watch.pid(name) not in (0, old), 5)
    return True


def test_kills(build, folder, kills):
    """What is raised arrives everywhere, twice with the same words, and each incident in order."""
    binary = build / "stripwatch"
    receivers = Receivers(build, folder)
    victims = list(PROCESSES + ("redis", "rsyslog")) * kills
    random.Random(11).shuffle(victims)
    seconds = 2 + len(victims)
    count = max(20 * seconds, min(10000, 300 * kills))
    capture = folder / "many.pcap"
    pcapio.write(capture, stripped(count, seconds * 1000 * dialogue.MILLISECOND // count))
    wanted = found_by_reading(binary, capture)
    watch = configured(binary, folder, receivers, "--set", "privacy.log_sessions=none")
    tally.check(watch.ready, "kills", watch.text()[-500:])
    replaying = subprocess.Popen(test_watch.inside("tcpreplay", "-q", "-i", test_watch.FAR, capture),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    back = True
    for name in victims:
        time.sleep(seconds / (len(victims) + 2))
        back = kill_one(name, watch, receivers) and back
    replaying.wait()
    tally.check(back, "kills", "a process did not come back")
    time.sleep(2)
    raised = set(once(map(id_of, watch.lines())))
    for part in watch.spool.glob("*.spool"):
        raised |= set(i.decode() for i in re.findall(rb'"alert_id":\["([0-9a-f]+)"', part.read_bytes()))
    settled(receivers, raised, 60)
    tally.check(len(raised) > count // 4, "kills", "%d alerts prove little" % len(raised))
    words = {}
    for line in watch.lines():
        if id_of(line):
            # a judge that is killed may begin an incident anew, with what it sees of it then
            words.setdefault(id_of(line), set()).add((
                line["starttls"]["incident"]["id"], line["starttls"]["incident"]["update"],
                line["starttls"]["finding"]["finding_id"]))
    tally.check(all(len(w) == 1 for w in words.values()), "kills", "an alert id means two things")
    ended = len(re.findall(r" ended \(\d+\); it is started anew", watch.text()))
    tally.equal("kills", "processes that ended", ended, len(PROCESSES) * kills)
    got = receivers.got()
    got["file"] = once(map(id_of, watch.lines()))
    for name, ids in got.items():
        tally.equal("kills", "alerts that did not reach " + name, sorted(raised - set(ids))[:3], [])
        tally.equal("kills", "alerts of nobody in " + name, sorted(set(ids) - raised)[:3], [])
    for name, lines in (("file", watch.lines()), ("redis", receivers.redis_lines())):
        bad = [i for i, updates in orders(lines).items() if updates != sorted(updates)]
        tally.equal("kills", "incidents out of order in " + name, bad, [])
    tally.equal("kills", "exit code", watch.stop(), 0)
    print("kills: %d of %d; %d of %d attacks found, %d alerts raised; told at all/at first: %s"
          % (len(victims), len(victims), len(watch.found()), len(wanted), len(raised),
             ", ".join("%s %d/%d" % (name, n, len(got[name])) for name, n in (
                 ("redis", len(receivers.redis_lines())),
                 ("syslog", len(receivers.syslog_ids())), ("unix", len(receivers.stream_ids())),
                 ("splunk", len(receivers.splunk.stored)), ("webhook", len(receivers.webhook.stored)),
                 ("kafka", len(receivers.kafka.lines))))))
    receivers.stop()


def inside_main(build, kills, only):
    folder = Path(tempfile.mkdtemp(prefix="stripwatch-feed-"))
    folder.chmod(0o755)
    try:
        for test in (test_all, test_filters, test_missing_program, test_day, test_kills):
            if only not in test.__name__:
                continue
            place = folder / test.__name__
            place.mkdir()
            test(build, place, *([kills] if test is test_kills else []))
    finally:
        for server in Server.all:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return tally.finish()


def main():
    build = Path(sys.argv[1]).resolve()
    value = dict(zip(sys.argv, sys.argv[1:]))
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0"  # it needs ptrace, which nobody has here
    if INSIDE in sys.argv:
        return inside_main(build, int(value.get("--kills", 3)), value.get("--only", ""))
    if not test_watch.make_netns():
        tally.skip("no network namespace can be made here", 40)
        return tally.finish()
    try:
        return subprocess.run(test_watch.inside(sys.executable, __file__, *sys.argv[1:], INSIDE)).returncode
    finally:
        for pid in shell("ip", "netns", "pids", NETNS).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        shell("ip", "netns", "del", NETNS)


if __name__ == "__main__":
    sys.exit(main())
