#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takes the webhooks of a link, checks their signatures (https://www.standardwebhooks.com), and tells of each
verdict once. PORT and HOOK_SECRET come from the environment:

    HOOK_SECRET=whsec_… PORT=8099 ./receiver.py
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import time

TOLERANCE_S = 300


def is_signed(secret, headers, body):
    """Whether one of the signatures is ours, and fresh: an old call is somebody's copy."""
    try:
        if abs(time.time() - int(headers["webhook-timestamp"])) > TOLERANCE_S:
            return False
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        given = headers["webhook-signature"].split()
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given)


class Receiver(http.server.BaseHTTPRequestHandler):
    """POST to any path. What is answered 2xx is not sent again."""

    seen = set()  # a delivery comes at least once: the id tells whether it came before
    tell = print

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_signed(os.environ["HOOK_SECRET"], self.headers, body):
            return self.answer(401)
        if self.headers["webhook-id"] not in self.seen:
            self.seen.add(self.headers["webhook-id"])
            gate = json.loads(body)["data"]
            type(self).tell(f"webhook: gate {gate.get('key', gate['id'])} {gate['verdict']}: {gate['reason']}")
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ.get("PORT", "8099")))
    http.server.ThreadingHTTPServer(address, Receiver).serve_forever()
