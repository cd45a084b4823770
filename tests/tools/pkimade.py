#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the certificates of tests/tools/pki anew, with the openssl command line; the keys are lost.

    pkimade.py FOLDER

The captures hold these certificates and, for DANE, their digests: whoever runs this writes new
captures (`dialogue.py --write`) and new TLSA records into their dialogues as well.
"""
import shutil
import sys
import tempfile
from pathlib import Path

import tlscerts

HOST = "mx1.rcpt.test"
SUBJECT = "/O=Recipient Mail/CN=" + HOST
NAMES = (HOST, "mx2.rcpt.test")
VALID = ("20261001000000Z", "20270101000000Z")
EXPIRED = ("20250101000000Z", "20260101000000Z")
EARLY = ("20270101000000Z", "20280101000000Z")
LONG = ("20200301000000Z", "20310301000000Z")


class Pki(tlscerts.Mill):
    """Each leaf has a key of its own."""

    def host(self, name, kind="rsa", dates=VALID, names=NAMES, issuer=None, words=(), **rest):
        above = issuer or self.authority
        key = self.key(kind, "-" + name)
        request = self.request(name, key, rest.pop("subject", SUBJECT))
        constraints = rest.pop("constraints", "CA:FALSE")
        cert = self.sign(name, request, dates, ("-cert", above.cert, "-keyfile", above.key, *words),
                         constraints, names)
        self.made[name] = tlscerts.Identity(name, key, cert)
        return self.made[name]

    def intermediate(self, name, dates):
        return self.host(name, dates=dates, names=(), constraints="CA:TRUE",
                         subject="/O=Example Trust/CN=Example Test %s CA" % name.capitalize())


def make(folder):
    pki = Pki(folder)
    pki.host("mx1")
    pki.host("expired", dates=EXPIRED)
    pki.host("early", dates=EARLY)
    pki.host("other", names=("mx.other.test", "*.other.test"), subject="/O=Other Mail/CN=mx.other.test")
    pki.host("wildcard", names=("*.rcpt.test",), subject="/O=Recipient Mail/CN=rcpt.test")
    pki.host("common-name", names=())
    pki.host("rsa1024", "rsa1024")
    pki.host("sha1", words=("-md", "sha1"))
    pki.host("authority", constraints="CA:TRUE")
    pki.host("long", dates=LONG)
    pki.host("below", issuer=pki.intermediate("intermediate", tlscerts.LONG))
    pki.host("below-old", issuer=pki.intermediate("old", EXPIRED))
    stranger = pki.self_signed("stranger-ca", "rsa", "/O=Stranger Trust/CN=Stranger Root CA", LONG,
                               "CA:TRUE")
    pki.host("stranger", issuer=stranger)
    pki.self_signed("self", "rsa", SUBJECT, VALID, "CA:FALSE", NAMES)
    pki.self_signed("self-authority", "rsa", SUBJECT, LONG, "CA:TRUE", NAMES)
    return [identity.cert for name, identity in pki.made.items() if name != "stranger-ca"]


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        for cert in make(folder):
            shutil.copyfile(cert, Path(arguments[1]) / cert.name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
