#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the tap stands, found out by how long a SYN waits for its answer and that one for its
acknowledgement: told in alerts, and the same is found from everywhere.

    test_vantage.py BINARY
"""
import sys
import tempfile
from pathlib import Path

import run
import test_watch
sys.path.insert(0, str(run.TESTS / "tools"))
import dialogue  # noqa: E402
import pcapio    # noqa: E402

tally = run.Tally()
US, MS = dialogue.MILLISECOND // 1000, dialogue.MILLISECOND
NETWORKS = 40  # a vantage needs sixteen
# What a client says in words that no client has: beside it, that is what it says.
VERB = test_watch.STRIPPED.replace("S: 250-XXXXXXXX\n", "S: 250-STARTTLS\n").replace(
    "C: MAIL FROM", "C: XXXXXXXX\nS: 500 5.5.1 no\nC: MAIL FROM", 1)


def session(i, syn, synack, text, gap):
    """Between a client and a server of networks of their own: the SYN waits `syn` for its answer,
    which is acknowledged after `synack`."""
    words = {"client": 1, "port": 20000 + i, "a": i, "b": 1}
    packets = dialogue.Compiler().compile(
        text.replace("client 192.0.2.", "client 172.16.%d." % i) % words).packets
    at = packets[2].time
    first = [p.copy(time=t) for p, t in zip(packets, (at - synack - syn, at - synack, at))]
    return [p.copy(time=p.time + i * gap * MS) for p in first + packets[3:]]


def capture(path, waits, text=test_watch.STRIPPED, gap=2000):
    packets = [p for i in range(NETWORKS) for p in session(i, *waits[i % len(waits)], text, gap)]
    packets.sort(key=lambda p: p.time)
    pcapio.write(path, pcapio.Capture(pcapio.LINK_ETHERNET, packets))


def alerts(binary, path):
    return [line for line in run.read_json(binary, path, ["--exit-zero"]).alerts
            if "starttls" in line]


def vantages(found):
    return [line["alert"]["metadata"]["vantage"][0] for line in found
            if "finding" in line.get("starttls", ())]


def test_told(binary, folder):
    """From the middle on it is known; before, it is not."""
    for name, waits, wanted in (
            ("client-side", [(20 * MS, 50 * US)], "client-side"),
            ("server-side", [(50 * US, 20 * MS)], "server-side"),
            ("in the middle", [(9 * MS, 11 * MS)], "unknown"),
            ("neighbours", [(300 * US, 20 * US)], "unknown"),
            ("both ways", [(20 * MS, 50 * US), (50 * US, 20 * MS)], "unknown")):
        path = folder / (name.replace(" ", "-") + ".pcap")
        capture(path, waits)
        said = vantages(alerts(binary, path))
        tally.check(len(said) >= NETWORKS, name, "only %d alerts" % len(said))
        tally.equal(name, "vantage of the first alert", said[0], "unknown")
        tally.equal(name, "vantage of the newest alert", said[-1], wanted)


def test_severity(binary, folder):
    """A verb that is garbled beside the client shows less, and is the same finding."""
    found = {}
    for name, waits in (("client", (20 * MS, 50 * US)), ("middle", (9 * MS, 11 * MS))):
        path = folder / ("verb-%s.pcap" % name)
        capture(path, [waits], VERB)
        found[name] = {line["starttls"]["finding"]["finding_id"]: line for line in alerts(binary, path)
                       if "starttls-command-garbled" in line["alert"]["metadata"]["rule"]}
    tally.equal("severity", "findings", sorted(found["client"]), sorted(found["middle"]))
    severities = {name: [line["alert"]["metadata"]["severity"][0] for line in lines.values()]
                  for name, lines in found.items()}
    tally.equal("severity", "in the middle of the way", set(severities["middle"]), {"medium"})
    tally.equal("severity", "on the client's side", set(severities["client"][-10:]), {"low"})


def main():
    binary = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="stripwatch-vantage-") as folder:
        for test in (test_told, test_severity):
            test(binary, Path(folder))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
