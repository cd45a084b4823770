# SPDX-License-Identifier: Apache-2.0
"""An HTTPS server that misbehaves as its client's Host header says: RUDE[label](stream, request).

`stream` is the TLS connection; a behaviour returns when the connection is to be closed. Those of
BARE get the TCP connection before any TLS instead, and are chosen by address.
"""
import contextlib
import gzip
import socket
import ssl
import struct
import threading
import time

POLICY = b"version: STSv1\nmode: enforce\nmx: mx.right.test\nmax_age: 604800\n"
LIMIT = 65536
PLAIN = b"Content-Type: text/plain\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


def answer(body, *headers, status=b"200 OK"):
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunks(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts)


def forever(stream, piece, pause=0.0):
    """Until the client has enough."""
    with contextlib.suppress(OSError):
        while True:
            stream.sendall(piece)
            time.sleep(pause)


def reset(stream):
    """RST instead of FIN."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def echo(stream, request):
    stream.sendall(answer(request, b"Content-Type: text/plain"))


def endless(stream, request):
    stream.sendall(OK + PLAIN + b"\r\n")
    forever(stream, b"x" * 4096)


def endlesschunks(stream, request):
    stream.sendall(OK + PLAIN + b"Transfer-Encoding: chunked\r\n\r\n")
    forever(stream, chunks(b"x" * 1000))


def drip(stream, request):
    stream.sendall(OK + PLAIN + b"Content-Length: 60000\r\n\r\n")
    forever(stream, b"x", 0.1)


def headerdrip(stream, request):
    stream.sendall(OK)
    forever(stream, b"x", 0.1)


def endlessheaders(stream, request):
    stream.sendall(OK)
    forever(stream, b"X-Header: value\r\n")


def onelongheader(stream, request):
    stream.sendall(OK + b"X-Header: ")
    forever(stream, b"v" * 4096)


def continues(stream, request):
    forever(stream, b"HTTP/1.1 100 Continue\r\n\r\n")


def trailers(stream, request):
    stream.sendall(OK + PLAIN + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(POLICY) + b"0\r\n")
    forever(stream, b"X-Trailer: value\r\n")


def silent(stream, request):
    time.sleep(30)


def resetbody(stream, request):
    stream.sendall(OK + PLAIN + b"Content-Length: 1000\r\n\r\n" + POLICY)
    time.sleep(0.2)
    reset(stream)


def shortbody(stream, request):
    stream.sendall(OK + PLAIN + b"Content-Length: 1000\r\n\r\n" + POLICY)
    stream.unwrap()


def unlength(stream, request):
    """Ended by the end of the connection, and that properly."""
    stream.sendall(OK + PLAIN + b"\r\n" + POLICY)
    stream.unwrap()


def truncated(stream, request):
    """The same without close_notify: anybody on the way could have cut it."""
    stream.sendall(OK + PLAIN + b"\r\n" + POLICY[:-4])
    stream.shutdown(socket.SHUT_RDWR)


def garbage(stream, request):
    stream.sendall(OK + PLAIN + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nwhat\r\n0\r\n\r\n")


def hugechunk(stream, request):
    stream.sendall(OK + PLAIN + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + POLICY)


def ancient(stream, request):
    stream.sendall(POLICY)


def nonsense(stream, request):
    stream.sendall(bytes(range(256)) * 16)


def chunkedlimit(stream, request):
    stream.sendall(OK + PLAIN + b"Transfer-Encoding: chunked\r\n\r\n" +
                   chunks(b"x" * LIMIT) + b"0\r\n\r\n")


def chunkedbeyond(stream, request):
    stream.sendall(OK + PLAIN + b"Transfer-Encoding: chunked\r\n\r\n" +
                   chunks(b"x" * LIMIT, b"x") + b"0\r\n\r\n")


def lyinglength(stream, request):
    """More than is announced: what is beyond does not count."""
    stream.sendall(OK + PLAIN + b"Content-Length: %d\r\n\r\n" % len(POLICY) + POLICY + b"mx: evil.test\n")


def twolengths(stream, request):
    stream.sendall(OK + PLAIN + b"Content-Length: 5\r\nContent-Length: %d\r\n\r\n" % len(POLICY) + POLICY)


def negative(stream, request):
    stream.sendall(OK + PLAIN + b"Content-Length: -1\r\n\r\n" + POLICY)


def overflowing(stream, request):
    stream.sendall(OK + PLAIN + b"Content-Length: 18446744073709551617\r\n\r\n" + POLICY)


def transferbomb(stream, request):
    bomb = gzip.compress(b"x" * (64 << 20))
    stream.sendall(OK + PLAIN + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunks(bomb) + b"0\r\n\r\n")


def latin(stream, request):
    stream.sendall(answer(b"version: STSv1\nx: caf\xe9\n", b"Content-Type: text/plain"))


def surrogate(stream, request):
    stream.sendall(answer(b"x: \xed\xa0\x80\n", b"Content-Type: text/plain"))


def accented(stream, request):
    stream.sendall(answer("x: café\n".encode(), b"Content-Type: text/plain; charset=utf-8"))


def cookie(stream, request):
    stream.sendall(answer(request, b"Content-Type: text/plain", b"Set-Cookie: a=b; Domain=test",
                          b"Strict-Transport-Security: max-age=9999", b'Alt-Svc: h2=":8443"'))


def unauthorised(stream, request):
    stream.sendall(answer(POLICY, b'WWW-Authenticate: Basic realm="x"', status=b"401 Unauthorized"))


def early(stream, request):
    """Interim answers are no answers."""
    stream.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" +
                   answer(POLICY, b"Content-Type: text/plain"))


def switching(stream, request):
    stream.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + POLICY)


def refreshing(stream, request):
    stream.sendall(answer(POLICY, b"Content-Type: text/plain", b"Refresh: 0; url=https://sink.test:8443/",
                          b"Location: https://sink.test:8443/"))


RUDE = {name: f for name, f in globals().items()
        if callable(f) and getattr(f, "__code__", None) and
        f.__code__.co_varnames[:2] == ("stream", "request")}


# --- before TLS ------------------------------------------------------------------------------------

def plainhttp(connection):
    connection.recv(4096)
    connection.sendall(answer(POLICY, b"Content-Type: text/plain"))


def mute(connection):
    time.sleep(30)


def noise(connection):
    forever(connection, b"\x16\x03\x03\x40\x00" + b"n" * 0x4000)


def shut(connection):
    reset(connection)


BARE = {"plainhttp": plainhttp, "mute": mute, "noise": noise, "shut": shut}


# --- serving ---------------------------------------------------------------------------------------

def label_of(request):
    for line in request.split(b"\r\n"):
        if line.lower().startswith(b"host: mta-sts."):
            return line[14:].split(b".")[0].decode()
    return ""


def speak(connection, context):
    with contextlib.suppress(OSError, ValueError):
        connection.settimeout(60)
        stream = context.wrap_socket(connection, server_side=True)
        request = b""
        while b"\r\n\r\n" not in request:
            got = stream.recv(4096)
            if not got:
                return
            request += got
        RUDE[label_of(request)](stream, request)
        stream.close()
    connection.close()


def bare(connection, behaviour):
    with contextlib.suppress(OSError):
        connection.settimeout(60)
        behaviour(connection)
    connection.close()


def listen(address, port, serve, *rest):
    """A thread for the listener, and one for each connection."""
    listener = socket.create_server((address, port), backlog=64, reuse_port=True)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, *rest), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def start(address, port, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listen(address, port, speak, context)
