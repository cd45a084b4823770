# SPDX-License-Identifier: Apache-2.0
"""Real handshakes over loopback: `openssl s_client -starttls smtp`, a front that speaks SMTP up to
STARTTLS, and `openssl s_server` behind it. The front writes down what passes, in its order.

No privileges, no interface: the capture is made of what the front has read.
"""
import select
import socket
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

CLIENT, SERVER = "C", "S"
PATIENCE = 20.0  # seconds for one session
HANDSHAKE, CHANGE_CIPHER_SPEC, APPLICATION = 22, 20, 23
GREETING = b"220 mx1.example.test ESMTP\r\n"
KEYWORDS = b"250-mx1.example.test\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
READY = b"220 2.0.0 Ready to start TLS\r\n"
QUESTION, ANSWER = b"NOOP\n", b"POON"  # s_server -rev turns lines round


@dataclass
class Exchange:
    """What was said on one connection: (side, bytes) in order. `upgrade`: where TLS begins."""
    said: list = field(default_factory=list)
    upgrade: int = 0
    printed: str = ""  # by s_client

    def add(self, side, data):
        self.said.append((side, data))

    def stream(self, side):
        """The bytes of one side after STARTTLS."""
        return b"".join(data for who, data in self.said[self.upgrade:] if who == side)


def preamble():
    """The clear part, for sessions that are made and not recorded."""
    said = [(SERVER, GREETING), (CLIENT, b"EHLO client.example.test\r\n"), (SERVER, KEYWORDS),
            (CLIENT, b"STARTTLS\r\n"), (SERVER, READY)]
    return Exchange(said, len(said))


class Recutter:
    """Cuts the handshake that is in clear into records of `size` bytes, whatever they were before:
    several messages may share a record, and one may span many (RFC 5246 section 6.2.1)."""

    def __init__(self, size):
        self.size, self.rest, self.clear = size, b"", True

    def push(self, data):
        if not self.size:
            return data
        self.rest += data
        out, bodies, version = b"", b"", b""
        while len(self.rest) >= 5:
            kind, length = self.rest[0], struct.unpack_from("!H", self.rest, 3)[0]
            if len(self.rest) < 5 + length:
                break
            record, self.rest = self.rest[:5 + length], self.rest[5 + length:]
            if self.clear and kind == HANDSHAKE:
                version, bodies = record[1:3], bodies + record[5:]
                continue
            self.clear = False
            out += self.cut(version, bodies) + record
            bodies = b""
        return out + self.cut(version, bodies)

    def cut(self, version, bodies):
        return b"".join(bytes((HANDSHAKE,)) + version + struct.pack("!H", len(part)) + part
                        for part in (bodies[at:at + self.size]
                                     for at in range(0, len(bodies), self.size)))


class Server:
    """One `openssl s_server` on a socket of its own; several sessions may come one after another."""

    def __init__(self, words, folder, reverse=True):
        self.path = str(Path(folder) / "server.socket")
        self.log = open(Path(folder) / "server.log", "wb")
        words = ["openssl", "s_server", "-unix", self.path, *map(str, words)]
        self.process = subprocess.Popen(words + ["-rev"] * reverse, stdin=subprocess.PIPE,
                                        stdout=self.log, stderr=self.log)

    def connect(self):
        """It listens a moment after it was started."""
        end = time.monotonic() + PATIENCE
        while True:
            peer = socket.socket(socket.AF_UNIX)
            try:
                peer.connect(self.path)
                return peer
            except (FileNotFoundError, ConnectionRefusedError):
                peer.close()
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError("s_server does not listen: %s" % self.said()) from None
                time.sleep(0.005)

    def said(self):
        self.log.flush()
        return Path(self.log.name).read_bytes().decode(errors="replace")[-600:]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.log.close()


def read_line(peer):
    line = b""
    while not line.endswith(b"\n"):
        byte = peer.recv(1)
        if not byte:
            raise RuntimeError("the client left in the clear part")
        line += byte
    return line


def speak_smtp(peer, exchange):
    """The server's part up to its reply to STARTTLS."""
    for reply, verb in ((GREETING, b"EHLO"), (KEYWORDS, b"STARTTLS"), (READY, None)):
        exchange.add(SERVER, reply)
        peer.sendall(reply)
        if verb:
            line = read_line(peer)
            if not line.startswith(verb):
                raise RuntimeError("the client says %r" % line)
            exchange.add(CLIENT, line)
    exchange.upgrade = len(exchange.said)


def pipe(client, server, exchange, cutters):
    """Passes bytes on until both have closed."""
    ends = {client: (CLIENT, server), server: (SERVER, client)}
    end = time.monotonic() + PATIENCE
    while ends:
        ready = select.select(list(ends), [], [], max(0.0, end - time.monotonic()))[0]
        if not ready:
            raise RuntimeError("nothing passes any more")
        for source in ready:
            side, sink = ends[source]
            try:
                data = source.recv(65536)
            except ConnectionResetError:
                data = b""
            data = cutters[side].push(data) if data else b""
            try:
                if data:
                    try:
                        sink.sendall(data)
                    finally:
                        exchange.add(side, data)
                elif not cutters[side].rest:
                    del ends[source]
                    sink.shutdown(socket.SHUT_WR)
            except OSError:  # the other has gone: what is left is for nobody
                pass


class Front(threading.Thread):
    """Takes one connection and brings it to the server."""

    def __init__(self, server, records):
        super().__init__(daemon=True)
        self.server, self.exchange, self.fault = server, Exchange(), None
        self.cutters = {side: Recutter(records) for side in (CLIENT, SERVER)}
        self.door = socket.create_server(("127.0.0.1", 0))
        self.door.settimeout(PATIENCE)
        self.port = self.door.getsockname()[1]

    def run(self):
        try:
            with self.door, self.door.accept()[0] as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                speak_smtp(client, self.exchange)
                with self.server.connect() as server:
                    pipe(client, server, self.exchange, self.cutters)
        except (OSError, RuntimeError) as e:
            self.fault = e


def session(server, words, records=0, answered=True):
    """One session of s_client with that server; gives its Exchange."""
    front = Front(server, records)
    front.start()
    client = subprocess.Popen(
        ["openssl", "s_client", "-starttls", "smtp", "-name", "client.example.test", "-nocommands",
         "-connect", "127.0.0.1:%d" % front.port, *map(str, words)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        printed = talk(client, None if answered else front.exchange)
        front.join(PATIENCE)
        if front.is_alive() or front.fault:
            raise RuntimeError("%s; %s; %s" % (front.fault, printed[-300:], server.said()))
    finally:
        client.kill()
        client.wait()
        client.stdout.close()
    front.exchange.printed = printed
    return front.exchange


def turns(exchange):
    """How often the speaker changed after STARTTLS; what is counted has been passed on."""
    sides = [side for side, _ in exchange.said[exchange.upgrade:]] if exchange.upgrade else []
    return sum(one != two for one, two in zip(sides, sides[1:]))


def talk(client, unanswered):
    """Says one line inside TLS, waits for the answer (so for the tickets before it), and leaves.
    A server without -rev says nothing: then its ticket is waited for, in the exchange itself, since
    s_client keeps back what it prints of it."""
    timer = threading.Timer(PATIENCE, client.kill)
    timer.start()
    out = b""
    try:
        client.stdin.write(QUESTION)
        client.stdin.flush()
        end = time.monotonic() + PATIENCE
        while unanswered and turns(unanswered) < 3 and time.monotonic() < end:
            time.sleep(0.02)
        while not unanswered and ANSWER not in out:
            part = client.stdout.read1(65536)
            if not part:
                break
            out += part
        client.stdin.close()
        out += client.stdout.read()
    except BrokenPipeError:
        out += client.stdout.read()
    finally:
        timer.cancel()
        timer.join()
    return out.decode(errors="replace")


def play(server_words, sessions, records=0, answered=True):
    """A server, and one session for each list of words of s_client; `{folder}` in a word is a folder
    that they share. Gives the exchanges."""
    with tempfile.TemporaryDirectory() as folder:
        def fill(words):
            return [str(w).replace("{folder}", folder) for w in words]
        server = Server(fill(server_words), folder, answered)
        try:
            return [session(server, fill(words), records, answered) for words in sessions]
        finally:
            server.stop()
