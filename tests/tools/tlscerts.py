# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates for one run of a test, made with the openssl command line.

One authority, leaves of every kind of key, a chain of about 12 KiB and the certificates with a fault.
Names, serial numbers and dates are fixed, keys are new each time. What a certificate says is read
with `openssl x509`, so that nothing of the test takes a certificate apart by itself.
"""
import hashlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOST = "mx1.example.test"
ORGANISATION = "Example Mail Works"
VALID = ("20260101000000Z", "20270101000000Z")
EXPIRED = ("20240101000000Z", "20250101000000Z")
LONG = ("20200229123456Z", "20550630235959Z")  # the end is a GeneralizedTime (RFC 5280, 4.1.2.5)
LINKS = 6       # intermediate authorities in the long chain: about 12 KiB with the leaf
NOTICE = 200    # characters of policy text in each of them

KEYS = {
    "rsa": ("RSA", "rsa_keygen_bits:2048"),
    "rsa1024": ("RSA", "rsa_keygen_bits:1024"),
    "rsa4096": ("RSA", "rsa_keygen_bits:4096"),
    "rsapss": ("RSA-PSS", "rsa_keygen_bits:2048"),
    "ecdsa": ("EC", "ec_paramgen_curve:P-256"),
    "ecdsa384": ("EC", "ec_paramgen_curve:P-384"),
    "ed25519": ("ED25519",),
    "ed448": ("ED448",),
}

CONFIG = """
[ca]
default_ca = mill
[mill]
database = {0}/index.txt
new_certs_dir = {0}
serial = {0}/serial
default_md = sha256
policy = anything
unique_subject = no
email_in_dn = no
preserve = yes
[anything]
countryName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
[req]
distinguished_name = empty
string_mask = utf8only
[empty]
"""

NAMES_OF_LEAF = ("mx1.example.test", "mx2.example.test", "*.mail.example.test")


class ToolError(RuntimeError):
    """openssl said no."""


def openssl(*words, data=None):
    done = subprocess.run(["openssl", *map(str, words)], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=120,
                          stdin=subprocess.DEVNULL if data is None else None)
    if done.returncode:
        raise ToolError("openssl %s: %s" % (words[0], done.stderr.decode(errors="replace")[-400:]))
    return done.stdout


@dataclass(frozen=True)
class Identity:
    """What a server or client is given: its key, its certificate, and those above it."""
    name: str
    key: Path
    cert: Path
    chain: tuple = ()

    @property
    def count(self):
        return 1 + len(self.chain)

    def bundle(self):
        """The certificates above the leaf, in one file."""
        path = self.cert.with_suffix(".chain.pem")
        path.write_bytes(b"".join(c.read_bytes() for c in self.chain))
        return path


class Mill:
    """Makes what is asked for, once each, in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "index.txt").touch()
        (self.folder / "mill.cnf").write_text(CONFIG.format(self.folder))
        self.made = {}
        self.authority = self.self_signed("ca", "rsa", "/O=Example Trust/CN=Example Test Root CA",
                                          ("20200101000000Z", "20400101000000Z"), "CA:TRUE")

    # --- making ------------------------------------------------------------------------------------

    def key(self, kind, label=""):
        path = self.folder / ("key-%s%s.pem" % (kind, label))
        if not path.exists():
            algorithm, *options = KEYS[kind]
            words = [w for option in options for w in ("-pkeyopt", option)]
            openssl("genpkey", "-algorithm", algorithm, *words, "-out", path)
        return path

    def request(self, name, key, subject):
        path = self.folder / (name + ".csr")
        openssl("req", "-new", "-utf8", "-config", self.folder / "mill.cnf", "-key", key, "-subj",
                subject, "-out", path)
        return path

    def extensions(self, name, constraints, names, notice):
        lines = ["[x]", "basicConstraints = critical,%s" % constraints,
                 "subjectKeyIdentifier = hash"]
        if names:
            lines.append("subjectAltName = " + ",".join(n if ":" in n else "DNS:" + n for n in names))
        if notice:
            lines += ["certificatePolicies = 1.3.6.1.4.1.55555.1,@policy", "[policy]",
                      "policyIdentifier = 1.3.6.1.4.1.55555.2", "CPS.1 = https://ca.example.test/cps",
                      "userNotice.1 = @notice", "[notice]",
                      "explicitText = UTF8:" + (notice * NOTICE)[:NOTICE]]
        path = self.folder / (name + ".ext")
        path.write_text("\n".join(lines) + "\n")
        return path

    def sign(self, name, request, dates, issuer, constraints, names=(), serial=None, notice=""):
        """`issuer`: words for `openssl ca` that say who signs."""
        if serial is None:
            serial = "%040X" % (int(hashlib.sha256(name.encode()).hexdigest(), 16) >> 97 | 1 << 158)
        (self.folder / "serial").write_text(serial + "\n")
        path = self.folder / (name + ".pem")
        openssl("ca", "-config", self.folder / "mill.cnf", "-batch", "-notext", "-in", request, "-out",
                path, "-startdate", dates[0], "-enddate", dates[1], "-extfile",
                self.extensions(name, constraints, names, notice), "-extensions", "x", *issuer)
        return path

    def self_signed(self, name, kind, subject, dates=VALID, constraints="CA:FALSE", names=()):
        if name not in self.made:
            key = self.key(kind, "-" + name)
            request = self.request(name, key, subject)
            cert = self.sign(name, request, dates, ("-selfsign", "-keyfile", key), constraints, names)
            self.made[name] = Identity(name, key, cert)
        return self.made[name]

    def leaf(self, name, kind, subject=None, dates=VALID, names=NAMES_OF_LEAF, issuer=None,
             key=None, **rest):
        if name not in self.made:
            above = issuer or self.authority
            key = key or self.key(kind)
            subject = subject or "/C=DE/O=%s/CN=%s" % (ORGANISATION, HOST)
            cert = self.sign(name, self.request(name, key, subject), dates,
                             ("-cert", above.cert, "-keyfile", above.key),
                             rest.pop("constraints", "CA:FALSE"), names, **rest)
            chain = () if above is self.authority else (above.cert, *above.chain)
            self.made[name] = Identity(name, key, cert, chain)
        return self.made[name]

    def long_chain(self, name, kind, links=LINKS):
        """A leaf below big intermediate authorities; each is in every longer chain as well."""
        above = None
        for i in range(links):
            label = "link%d" % i
            above = self.leaf(
                label, "rsa4096", "/C=DE/O=Example Trust/OU=Issuing authorities of the long chain"
                "/CN=Example Test Intermediate CA %d" % i, LONG, (), above,
                key=self.key("rsa4096", "-%d" % (i % 2)), constraints="CA:TRUE", notice="notice ")
        return self.leaf(name, kind, issuer=above)


# --- reading, with openssl alone -------------------------------------------------------------------

def certificates(pem):
    """The DER of each certificate in a PEM text."""
    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", pem, re.S)
    return [openssl("x509", "-outform", "DER", data=b) for b in blocks]


def facts(der):
    """What `openssl x509` says of a certificate, in the words of the `tls` line."""
    text = openssl("x509", "-inform", "DER", "-noout", "-subject", "-issuer", "-serial", "-fingerprint",
                   "-sha1", "-dates", "-dateopt", "iso_8601", "-ext", "subjectAltName", "-nameopt",
                   "sep_comma_plus_space,sname,utf8", data=der).decode()
    rows = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    fingerprint = next(rows[key] for key in rows if "ingerprint" in key)
    out = {
        "subject": rows["subject"], "issuerdn": rows["issuer"],
        "serial": ":".join(re.findall("..", rows["serial"])), "fingerprint": fingerprint.lower(),
        "notbefore": rows["notBefore"].rstrip("Z").replace(" ", "T"),
        "notafter": rows["notAfter"].rstrip("Z").replace(" ", "T"),
    }
    names = re.findall(r"DNS:([^,\s]+)", text)
    if names:
        out["subjectaltname"] = names
    return out
