# SPDX-License-Identifier: Apache-2.0
"""Postfix as sender and as receiver, each an instance of its own in a network namespace of its own,
and whoever sits between them. For a namespace like that of mail_lab.py, in which every address is
ours: here the attacker is, and the sensor, the name servers and the policies.

    sender  11.0.1.1 --- toward-sender [ 11.0.0.25: attacker, 11.0.0.52: resolver ] toward-server --- 11.0.2.25
"""
import os
import re
import shutil
import smtplib
import socket
import subprocess
import threading
import time
from pathlib import Path

import mail_lab

SENDER, RECEIVER, RESOLVER, GATEWAY, SUBMIT = mail_lab.SENDER, "11.0.2.25", "11.0.0.52", "11.0.0.1", 10025
TLSA = 52


def reason_against():
    """Why it cannot be here; "": it can."""
    for program in ("postfix", "nsenter", "ip"):
        if not shutil.which(program):
            return "there is no %s" % program
    if subprocess.run(["unshare", "--net", "--mount", "true"], check=False, capture_output=True).returncode:
        return "no namespaces of network and mounts can be made"
    return ""


def ip(*words, inside=()):
    subprocess.run([*inside, "ip", *words], check=True, capture_output=True)


class Host:
    """A namespace with one address, joined to ours by a pair of interfaces."""

    def __init__(self, name, address, folder):
        near, far = "toward-" + name, name
        self.keeper = subprocess.Popen(["unshare", "--net", "--mount", "sleep", "600"])
        self.enter = ["nsenter", "--net", "--mount", "--target", str(self.keeper.pid)]
        self.wait()
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", str(self.keeper.pid))
        ip("link", "set", near, "up")
        ip("route", "add", address + "/32", "dev", near, "src", GATEWAY, "table", "local")
        for words in ("link set lo up", "address add %s/32 dev %s" % (address, far), "link set %s up" % far,
                      "route add default dev %s" % far):
            ip(*words.split(), inside=self.enter)
        resolv = folder / ("resolv-" + name)
        resolv.write_text("nameserver %s\noptions trust-ad\n" % RESOLVER)
        subprocess.run([*self.enter, "mount", "--bind", resolv, "/etc/resolv.conf"], check=True)

    def wait(self):
        """Until it is out of our namespace."""
        ours = os.readlink("/proc/self/ns/net")
        for _ in range(100):
            if os.readlink("/proc/%d/ns/net" % self.keeper.pid) != ours:
                return
            time.sleep(0.05)
        raise SystemExit("the namespace is not made")

    def stop(self):
        self.keeper.kill()
        self.keeper.wait()


MAIN = """compatibility_level = 3.6
queue_directory = {0}/queue
data_directory = {0}/data
maillog_file = {0}/log
maillog_file_prefixes = {0}
mail_owner = postfix
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
mynetworks = 0.0.0.0/0
smtputf8_enable = no
"""

MASTER = """%s inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
postlog unix-dgram n - n - 1 postlogd
smtp unix - - n - - smtp
dane unix - - n - - smtp
 -o smtp_tls_security_level=dane
 -o max_use=1
"""


class Postfix:
    """One instance, which logs to a file of its own."""

    def __init__(self, host, folder, port, settings):
        self.host, self.folder, self.log = host, folder, folder / "log"
        for name in ("", "queue", "data", "etc"):
            (folder / name).mkdir(exist_ok=True)
        shutil.chown(folder / "data", "postfix")
        folder.chmod(0o755)
        (folder / "etc" / "main.cf").write_text(
            MAIN.format(folder) + "".join("%s = %s\n" % row for row in settings.items()))
        (folder / "etc" / "master.cf").write_text(MASTER % port)
        self.process = subprocess.Popen([*host.enter, "postfix", "-c", folder / "etc", "start-fg"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for(self, pattern, count=1, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if len(re.findall(pattern, self.said())) >= count:
                return True
            time.sleep(0.1)
        return False

    def stop(self):
        subprocess.run([*self.host.enter, "postfix", "-c", self.folder / "etc", "stop"], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Attacker:
    """Passes everything on, until he is told to take it out."""

    def __init__(self):
        self.no_starttls = self.no_tlsa = False
        self.stripped = 0
        self.listener = socket.create_server((mail_lab.MX, 25), backlog=64)
        self.dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.dns.bind((RESOLVER, 53))
        for loop in (self.accept, self.resolve):
            threading.Thread(target=loop, daemon=True).start()

    # --- mail

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection((RECEIVER, 25), 10)
            for ends in ((client, server, False), (server, client, self.no_starttls)):
                threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(self, source, sink, strip):
        try:
            while data := source.recv(65536):
                if strip and b"250-STARTTLS\r\n" in data:
                    data = data.replace(b"250-STARTTLS\r\n", b"")
                    self.stripped += 1
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            sink.close()

    # --- DNS: a resolver that validates, as far as its client can tell

    def resolve(self):
        while True:
            query, peer = self.dns.recvfrom(4096)
            at = 12
            while query[at]:
                at += 1 + query[at]
            if self.no_tlsa and int.from_bytes(query[at + 1:at + 3], "big") == TLSA:
                reply = query[:2] + b"\x81\x80\0\1\0\0\0\0\0\0" + query[12:at + 5]
            else:
                reply = self.ask(query)
            if reply:
                self.dns.sendto(reply, peer)

    @staticmethod
    def ask(query):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(2)
            s.sendto(query, (mail_lab.DNS, 53))
            try:
                reply = bytearray(s.recv(65535))
            except TimeoutError:
                return None
        reply[3] |= 0x80 | (0x20 if reply[3] & 15 in (0, 3) else 0)  # RA, AD
        return bytes(reply)


class Mail:
    """All of them, and a name server (mail_lab.Lab) that knows the domains."""

    def __init__(self, folder, identity, transports):
        self.attacker, self.parts = Attacker(), []
        try:
            self.start(folder, identity, transports)
        except BaseException:
            self.stop()
            raise

    def keep(self, part):
        self.parts.insert(0, part)
        return part

    def start(self, folder, identity, transports):
        self.sender = self.keep(Postfix(self.keep(Host("sender", SENDER, folder)), folder / "sender", SUBMIT, {
            "myhostname": "out.sender.example", "mydestination": "", "smtp_bind_address": SENDER,
            "smtp_tls_security_level": "may", "smtp_dns_support_level": "dnssec", "dnssec_probe": "",
            "smtp_host_lookup": "dns", "smtp_tls_loglevel": "1", "smtp_connection_cache_on_demand": "no",
            "transport_maps": "inline:{ %s }" % ", ".join("{ %s = %s: }" % row for row in transports.items())}))
        self.receiver = self.keep(Postfix(self.keep(Host("server", RECEIVER, folder)), folder / "receiver", 25, {
            "myhostname": "mx.lab", "mydestination": ", ".join(transports), "local_transport": "discard",
            "smtpd_tls_security_level": "may", "smtpd_tls_loglevel": "1",
            "smtpd_tls_cert_file": identity.cert, "smtpd_tls_key_file": identity.key}))
        if not (mail_lab.listening(SENDER, SUBMIT, 30) and mail_lab.listening(RECEIVER, 25, 30)):
            raise SystemExit("Postfix does not start: " + (self.sender.said() + self.receiver.said())[-1500:])

    @staticmethod
    def hand_in(domain):
        """To the sender; where it goes from there is its own affair."""
        with smtplib.SMTP(SENDER, SUBMIT, "desk.sender.example", 20) as s:
            s.sendmail("a@sender.example", ["b@" + domain], "Subject: x\r\n\r\nx\r\n")

    def stop(self):
        for part in self.parts:
            part.stop()
