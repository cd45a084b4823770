#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for Splunk's HTTP Event Collector and for Elasticsearch's _bulk, to try a configuration
before the real one hears of it: answers as they do, and prints each line that arrives.

    receive.py PORT [TOKEN]     on 127.0.0.1; TOKEN: who has another one is refused
"""
import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = sys.argv[2] if len(sys.argv) > 2 else None
known = set()


def show(line):
    print(json.dumps(line), flush=True)


def collect(lines):
    """POST /services/collector/event"""
    for line in lines:
        show(line["event"])
    return 200, {"text": "Success", "code": 0}


def bulk(lines):
    """POST /INDEX/_bulk: an action and a document in turns."""
    items = []
    for action, document in zip(lines[::2], lines[1::2]):
        name = action["create"]["_id"]
        status = 409 if name in known else 201
        if status == 201:
            known.add(name)
            show(document)
        items.append({"create": {"_id": name, "status": status}})
    return 200, {"errors": any(i["create"]["status"] == 409 for i in items), "items": items}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        path = self.path.partition("?")[0]
        if TOKEN and self.headers.get("Authorization", "").partition(" ")[2] != TOKEN:
            status, answer = 401, {"text": "Invalid token", "code": 4}
        else:
            lines = [json.loads(line) for line in body.splitlines()]
            status, answer = (bulk if path.endswith("/_bulk") else collect)(lines)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
