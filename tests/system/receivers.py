# SPDX-License-Identifier: Apache-2.0
"""Receivers on loopback for test_deliver.py: a unix stream, rsyslog, certificates for them."""
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from test_store import free_port


class Certificates:
    """An authority with a server called localhost (not 127.0.0.2) and a client; and a stranger."""

    def __init__(self, root):
        self.root = root + "/certificates"
        os.mkdir(self.root)
        self.ca = self.authority("ca")
        self.stranger = self.authority("stranger")
        self.server, self.server_key = self.signed("server", "DNS:localhost,IP:127.0.0.1")
        self.client, self.client_key = self.signed("client", "DNS:client.example")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, cwd=self.root, capture_output=True)

    def authority(self, name):
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                     "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")
        return "%s/%s.pem" % (self.root, name)

    def signed(self, name, names):
        Path(self.root, name + ".ext").write_text("subjectAltName=" + names)
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name,
                     "-keyout", name + ".key", "-out", name + ".csr")
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "30", "-extfile", name + ".ext",
                     "-out", name + ".pem")
        return "%s/%s.pem" % (self.root, name), "%s/%s.key" % (self.root, name)


class Lines:
    """A unix stream socket that keeps what it is told, or does not read at all."""

    def __init__(self, path, reads=True):
        self.path, self.reads, self.data, self.open = path, reads, b"", []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                s = self.listener.accept()[0]
            except OSError:
                return
            self.open.append(s)
            while self.reads:
                try:
                    more = s.recv(1 << 16)
                except OSError:
                    return
                if not more:
                    break
                self.data += more

    def numbers(self):
        return [json.loads(line)["n"] for line in self.data.split(b"\n")[:-1]]

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        self.thread.join(5)
        os.unlink(self.path)


class Rsyslog:
    """rsyslogd with one input, which writes facility, severity, host, application, PROCID and the
    message to a file, a line each."""

    FORMAT = ("%syslogfacility-text%|%syslogseverity-text%|%hostname%|%app-name%|%procid%|"
              "%msg%\\n")

    def __init__(self, root, way, certificates, asks=False):
        self.root, self.way, self.port = root, way, free_port()
        self.out = Path(root, "syslog.out")
        self.config = Path(root, "rsyslog.conf")
        stream = ""
        if way == "tls":
            stream = ('StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="%s"'
                      % ("x509/certvalid" if asks else "anon"))
        module = "imudp" if way == "udp" else "imtcp"
        address = 'address="127.0.0.1" ' if way != "tls" else ""
        self.config.write_text(
            'global(workDirectory="%s" DefaultNetstreamDriverCAFile="%s"\n'
            '  DefaultNetstreamDriverCertFile="%s" DefaultNetstreamDriverKeyFile="%s")\n'
            'module(load="%s" %s)\n'
            'template(name="out" type="string" string="%s")\n'
            'input(type="%s" %sport="%d")\n'
            'action(type="omfile" file="%s" template="out")\n'
            % (root, certificates.ca, certificates.server, certificates.server_key, module, stream,
               self.FORMAT, module, address, self.port, self.out))
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["rsyslogd", "-n", "-f", str(self.config), "-i", self.root + "/rsyslog.pid"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            if self.way == "udp":
                time.sleep(0.5)
                return
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        Path(self.root, "rsyslog.pid").unlink(missing_ok=True)

    def lines(self):
        if not self.out.exists():
            return []
        return [line.split("|", 5) for line in self.out.read_text().splitlines() if "}" in line]

    def numbers(self):
        return [json.loads(line[5])["n"] for line in self.lines()]

    def headers(self):
        return {tuple(line[:5]) for line in self.lines()}
