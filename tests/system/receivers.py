# SPDX-License-Identifier: Apache-2.0
"""Receivers on loopback for test_deliver.py: a unix stream, rsyslog, HTTP that misbehaves as it is
told, nginx, and certificates for them."""
import gzip
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
            self.data = self.data[:self.data.rfind(b"\n") + 1]  # who broke off begins the line anew

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


class Http:
    """Splunk's collector, an index and a webhook in one, which keeps the n of each line (or what
    `key` makes of it) and fails as `mode` says: ok, STATUS, STATUS/RETRY-AFTER, reset, unanswered,
    hang, slow, partial, junk, endless."""

    def __init__(self, certificates=None, token="", port=0, key=lambda line: line["n"]):
        self.key = key
        self.mode, self.token, self.stored, self.ids = "ok", token, [], {}
        self.poison, self.requests, self.statuses = set(), 0, []
        self.acked, self.next_ack, self.sizes, self.acks = True, 0, [], False
        self.lock, self.open = threading.Lock(), []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def setup(self):
                super().setup()
                outer.open.append(self.request)

            def do_POST(self):
                outer.post(self)
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler, bind_and_activate=False)
        self.server.handle_error = lambda request, address: None  # broken off: that is the test
        self.server.allow_reuse_address = True
        self.server.daemon_threads = True
        self.server.server_bind()
        self.server.server_activate()
        self.port = self.server.server_address[1]
        self.scheme = "http"
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.server, certificates.server_key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
            self.scheme = "https"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True,
                                       kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self):
        return "%s://localhost:%d" % (self.scheme, self.port)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def answer(self, to, status, body, headers=()):
        if self.mode == "unanswered":  # and yet it was taken
            to.close_connection = True
            return
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        to.send_response(status)
        for key, value in headers:
            to.send_header(key, value)
        to.send_header("Content-Length", str(len(data)))
        to.end_headers()
        to.wfile.write(data)
        self.statuses.append(status)

    def reset(self, to):
        to.rfile.read(int(to.headers["Content-Length"]) // 2)
        to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        to.connection.close()
        to.close_connection = True

    def post(self, to):
        with self.lock:
            self.requests += 1
        mode = self.mode
        if mode == "reset":
            return self.reset(to)
        body = to.rfile.read(int(to.headers["Content-Length"]))
        self.sizes.append(len(body))
        if to.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if mode == "hang":
            time.sleep(3)
            to.close_connection = True
            return None
        if mode == "slow":
            time.sleep(0.3)
        if self.token and to.headers.get("Authorization") != self.token:
            return self.answer(to, 401, {"text": "Invalid token", "code": 4})
        if mode[0].isdigit():
            status, _, hold = mode.partition("/")
            return self.answer(to, int(status), {"text": "Server is busy", "code": 9},
                               [("Retry-After", hold)] if hold else ())
        if mode in ("junk", "endless"):
            return self.answer(to, 200, b"<html>\xff{" * (300000 if mode == "endless" else 1))
        path = to.path.partition("?")[0]
        with self.lock:
            if path.endswith("/_bulk"):
                return self.bulk(to, body.decode().splitlines())
            if path.endswith("/ack"):
                ids = json.loads(body)["acks"]
                return self.answer(to, 200, {"acks": {str(i): self.acked for i in ids}})
            if path.endswith("/event"):
                return self.hec(to, [json.loads(line) for line in body.decode().splitlines()])
            return self.hook(to, [self.key(json.loads(line))
                                      for line in body.decode().splitlines()])

    def hook(self, to, lines):
        if self.poison & set(lines):
            return self.answer(to, 400, {"error": "poison"})
        self.stored += lines
        return self.answer(to, 204, b"")

    def hec(self, to, events):
        assert all(e["source"] == "stripwatch" and e["host"] for e in events)
        answer = {"text": "Success", "code": 0}
        if self.acks:
            assert to.headers["X-Splunk-Request-Channel"].count("-") == 4
            answer["ackId"] = self.next_ack
            self.next_ack += 1
        self.stored += [self.key(e["event"]) for e in events]
        return self.answer(to, 200, answer)

    def bulk(self, to, lines):
        items = []
        for i in range(0, len(lines), 2):
            name = json.loads(lines[i])["create"]["_id"]
            n = self.key(json.loads(lines[i + 1]))
            status = 201
            if n in self.poison:
                status = 400
            elif name in self.ids:
                status = 409
            elif self.mode == "partial" and (i // 2 + self.requests) % 5 == 0:
                status = 429
            if status == 201:
                self.ids[name] = n
                self.stored.append(n)
            item = {"status": status}
            if status >= 400:
                item["error"] = {"type": {400: "mapper_parsing_exception",
                                          409: "version_conflict_engine_exception",
                                          429: "es_rejected_execution_exception"}[status]}
            items.append({"create": item})
        bad = any(item["create"]["status"] >= 400 for item in items)
        return self.answer(to, 200, {"errors": bad, "items": items} if bad else {"errors": False})


class Nginx:
    """nginx that takes any POST and writes each body to a file, over TLS."""

    def __init__(self, root, certificates):
        self.root, self.port = root, free_port()
        self.out = Path(root, "bodies.log")
        config = Path(root, "nginx.conf")
        config.write_text("""
            daemon off; master_process off; pid %(root)s/nginx.pid; error_log %(root)s/error.log;
            events { worker_connections 64; }
            http {
              client_body_temp_path %(root)s/body; proxy_temp_path %(root)s/proxy;
              fastcgi_temp_path %(root)s/fastcgi; uwsgi_temp_path %(root)s/uwsgi;
              scgi_temp_path %(root)s/scgi;
              log_format bodies escape=none "$request_body"; client_body_buffer_size 4m;
              client_max_body_size 20k; access_log off;
              server {
                listen 127.0.0.1:%(port)d ssl;
                ssl_certificate %(cert)s; ssl_certificate_key %(key)s;
                location / { access_log %(out)s bodies; proxy_pass https://127.0.0.1:%(port)d/done;
                             proxy_ssl_verify off; }
                location /done { return 200; }
              }
            }""" % {"root": root, "port": self.port, "out": self.out, "cert": certificates.server,
                    "key": certificates.server_key})
        self.config = config
        self.process = None

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", self.root, "-c",
                                         str(self.config)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def numbers(self):
        text = self.out.read_text() if self.out.exists() else ""
        return [json.loads(line)["n"] for line in text.splitlines() if line.endswith("}")]
