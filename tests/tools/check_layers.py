#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that includes follow the arrows of docs/architecture.md, and that each external library is
included by few .c files and by no header. Prints a line per fault."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAY = {
    "base": {"base"},
    "store": {"store", "base"},
    "dissect": {"dissect", "base"},
    "policy": {"policy", "base"},
    "online": {"online", "policy", "base"},
    "history": {"history", "store", "base"},
    "rules": {"rules", "base", "generated"},
    "alert": {"alert", "rules", "store", "base"},
    "deliver": {"deliver", "alert", "store", "base"},
    "report": {"report", "alert", "rules", "base"},
    "sensor": {"sensor", "report", "alert", "rules", "history", "policy", "store", "dissect", "base"},
}
# Single headers of another layer: the record that everybody shares, and its counters.
ALSO = {
    "rules": {"dissect/session.h", "policy/expectation.h", "policy/certificate.h",
              "history/baseline.h", "history/observation.h"},
    "alert": {"dissect/session.h", "dissect/dissect.h", "dissect/tls_print.h",
              "policy/certificate.h", "history/counters.h"},
    "report": {"dissect/session.h", "dissect/dissect.h", "policy/certificate.h"},
    "policy": {"dissect/session.h"},
    "sensor": {"online/lookup_run.h", "deliver/deliver.h"},
}
EXTERNAL = re.compile(r"^(pcap|openssl|zlib|zstd|lz4|curl|librdkafka|hiredis|sqlite3|jansson|libpsl|maxminddb|unbound)")


def main():
    faults = []
    for layer, allowed in MAY.items():
        for path in sorted((ROOT / layer).rglob("*.[ch]")):
            name = path.relative_to(ROOT)
            for number, line in enumerate(path.read_text().splitlines(), 1):
                local = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                system = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
                if local and "/" in local.group(1):
                    target = local.group(1)
                    if target.split("/")[0] not in allowed and target not in ALSO.get(layer, set()):
                        faults.append(f"{name}:{number}: {layer}/ may not include {target}")
                if system and EXTERNAL.match(system.group(1)):
                    if path.suffix == ".h":
                        faults.append(f"{name}:{number}: a header includes <{system.group(1)}>")
                    if layer not in ("base", "store", "policy", "online", "history", "alert", "deliver", "report", "sensor"):
                        faults.append(f"{name}:{number}: {layer}/ includes <{system.group(1)}>")
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
