# SPDX-License-Identifier: Apache-2.0
"""What tshark says of the handshakes in a capture, a session at a time.

It follows STARTTLS by itself. PDML keeps together what belongs to one message, one extension and one
certificate, which `-T fields` throws into one list a packet.
"""
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from datetime import datetime

import ja4

OIDS = {"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O",
        "2.5.4.11": "OU"}
MAIL_PORTS = (25, 465, 587, 2525)
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, KEY_EXCHANGE, CERTIFICATE_STATUS = 1, 2, 11, 12, 22
SIGNATURES = 13
RETRY = ("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # RFC 8446, 4.1.3


@dataclass
class Hello:
    """A ClientHello or a ServerHello; lists in the order on the wire."""
    version: int = 0
    random: str = ""
    session_id: str = ""
    ciphers: list = field(default_factory=list)
    extensions: list = field(default_factory=list)
    versions: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    shares: list = field(default_factory=list)
    formats: list = field(default_factory=list)
    signatures: list = field(default_factory=list)
    alpns: list = field(default_factory=list)  # bytes
    sni: str = ""
    suite: str = ""   # the name of the last suite
    ja3: str = ""     # of a ServerHello: ja3s
    ja3_full: str = ""

    def is_retry(self):
        return self.random == RETRY


@dataclass
class Session:
    clients: list = field(default_factory=list)
    servers: list = field(default_factory=list)
    certificates: list = field(default_factory=list)  # of the server: facts, and "der"
    client_certificates: int = 0
    statuses: int = 0
    curve: int = 0
    prime: int = 0    # bytes
    modulus: int = 0  # bytes, of an ephemeral RSA key
    alerts: list = field(default_factory=list)  # (side, level, description) in clear
    faults: list = field(default_factory=list)  # malformed packets


def number(element):
    return int(element.get("show"), 0)


def named(element, name):
    return [e for e in element.iter("field") if e.get("name") == name]


def read_hello(message):
    out = Hello()
    numbers = {
        "ciphersuite": out.ciphers, "extension.type": out.extensions,
        "extensions.supported_version": out.versions, "extensions_supported_group": out.groups,
        "extensions_key_share_group": out.shares, "extensions_key_share_selected_group": out.shares,
        "extensions_ec_point_format": out.formats,
    }
    for e in message.iter("field"):
        name = e.get("name").removeprefix("tls.handshake.")
        if name in numbers:
            numbers[name].append(number(e))
            if name == "ciphersuite":
                out.suite = e.get("showname").split(": ")[1].split(" (")[0]
        elif name == "version":
            out.version = number(e)
        elif name in ("random", "session_id"):
            setattr(out, name, e.get("value"))
        elif name == "extensions_server_name":
            out.sni = e.get("show")
        elif name == "extensions_alpn_str":
            out.alpns.append(bytes.fromhex(e.get("value")))
        elif name in ("ja3", "ja3s"):
            out.ja3 = e.get("show")
        elif name in ("ja3_full", "ja3s_full"):
            out.ja3_full = e.get("show")
    out.signatures = signatures(message)
    return out


def signatures(message):
    """Of signature_algorithms alone: signature_algorithms_cert has the same fields."""
    out = []
    for extension in message.iter("field"):
        kinds = [e for e in extension if e.get("name") == "tls.handshake.extension.type"]
        if kinds and number(kinds[0]) == SIGNATURES:
            out += [number(e) for e in named(extension, "tls.handshake.sig_hash_alg")]
    return out


def read_name(element):
    """A distinguished name as "C=DE, O=Example"."""
    parts = []
    for item in named(element, "x509if.RDNSequence_item"):
        oid = named(item, "x509if.oid")[0].get("show")
        value = [e for e in item.iter("field") if e.get("name").startswith("x509sat.")][-1]
        parts.append("%s=%s" % (OIDS.get(oid, oid), value.get("show")))
    return ", ".join(parts)


def read_time(element):
    """Both kinds look different: 2026-01-01 00:00:00 (UTC), Jun 30, 2055 23:59:59.000000000 UTC."""
    name, text = [(e.get("name"), e.get("show")) for e in element.iter("field")
                  if e.get("name") in ("x509af.utcTime", "x509af.generalizedTime")][0]
    if name == "x509af.utcTime":
        return text.replace(" (UTC)", "").replace(" ", "T", 1)
    return datetime.strptime(text.split(".")[0], "%b %d, %Y %H:%M:%S").isoformat()


def read_certificate(der, signed):
    out = {"der": bytes.fromhex(der.get("value"))}
    for e in signed:
        name = e.get("name")
        if name == "x509af.serialNumber":
            out["serial"] = ":".join(("%s" % e.get("value")).upper()[i:i + 2]
                                     for i in range(0, len(e.get("value")), 2))
        elif name == "x509af.issuer":
            out["issuerdn"] = read_name(e)
        elif name == "x509af.subject":
            out["subject"] = read_name(e)
        elif name == "x509af.validity_element":
            out["notbefore"] = read_time(named(e, "x509af.notBefore")[0])
            out["notafter"] = read_time(named(e, "x509af.notAfter")[0])
    names = [e.get("show") for e in named(signed, "x509ce.dNSName")]
    if names:
        out["subjectaltname"] = names
    return out


def read_certificates(message):
    ders = named(message, "tls.handshake.certificate")
    signed = named(message, "x509af.signedCertificate_element")
    return [read_certificate(*pair) for pair in zip(ders, signed)]


def read_message(session, side, message):
    kinds = [e for e in message if e.get("name") == "tls.handshake.type"]
    if not kinds:
        return
    kind = number(kinds[0])
    if kind == CLIENT_HELLO:
        session.clients.append(read_hello(message))
    elif kind == SERVER_HELLO:
        session.servers.append(read_hello(message))
    elif kind == CERTIFICATE and side == "S":
        session.certificates += read_certificates(message)
    elif kind == CERTIFICATE:
        session.client_certificates += len(named(message, "tls.handshake.certificate"))
    elif kind == CERTIFICATE_STATUS:
        session.statuses += 1
    elif kind == KEY_EXCHANGE:
        for name, what in (("server_named_curve", "curve"), ("p_len", "prime"),
                           ("modulus_len", "modulus")):
            for e in named(message, "tls.handshake." + name):
                setattr(session, what, number(e))


def read_packet(sessions, packet):
    ports = {e.get("name"): int(e.get("show")) for e in packet.iter("field")
             if e.get("name") in ("tcp.srcport", "tcp.dstport")}
    side = "S" if ports["tcp.srcport"] in MAIL_PORTS else "C"
    session = sessions.setdefault(ports["tcp.dstport" if side == "S" else "tcp.srcport"], Session())
    for message in named(packet, "tls.handshake"):
        read_message(session, side, message)
    for alert in named(packet, "tls.alert_message"):
        values = [number(e) for e in alert if e.get("name").startswith("tls.alert_message.")]
        if len(values) == 2:
            session.alerts.append((side, *values))
    if named(packet, "_ws.malformed"):
        session.faults.append("malformed")


def sessions(path):
    """Sessions by the port of the client."""
    done = subprocess.run(["tshark", "-r", str(path), "-d", "tcp.port==25,smtp", "-Y", "tls", "-T", "pdml"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, timeout=600)
    out = {}
    for packet in ElementTree.fromstring(done.stdout).findall("packet"):
        read_packet(out, packet)
    return out


def ja4_of(hello):
    return ja4.ja4(hello.version, hello.ciphers, hello.extensions, hello.signatures, hello.alpns,
                   hello.versions)
