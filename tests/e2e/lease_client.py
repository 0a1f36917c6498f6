# SPDX-License-Identifier: MIT
"""One client of the lease torture: takes leases, uses them, gives them back, until told to stop.

    lease_client.py ADDRESS_FILE TOKEN NAME SEED LOG

It writes what it did and what it was told, with the machine's monotonic clock, as JSON lines. Each
line is one write, so a client that is killed leaves a whole log. It never judges: lease_checker.py
does, from the logs alone.
"""
import http.client
import json
import os
import random
import sys
import time
import urllib.parse
import uuid

ADDRESS, TOKEN, NAME, SEED, LOG = sys.argv[1:6]
TTL = 3.0
ENVIRONMENTS = ["t1", "t2", "t3", "t4", "t5"]  # t3 has two slots
chance = random.Random(int(SEED))
log_fd = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def log(event, **more):
    line = json.dumps({"event": event, "client": NAME, "pid": os.getpid(), "at": time.monotonic(), **more})
    os.write(log_fd, (line + "\n").encode())


class Connection:
    """Keep-alive; where the server is now is read anew after each trouble: a restart moves it."""

    def __init__(self):
        self.http, self.replayed = None, False

    def call(self, method, path, body=None, headers=None, drop=False, timeout=30):
        if self.http is None:
            url = urllib.parse.urlsplit(json.loads(open(ADDRESS).read())["url"])
            self.http = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
        try:
            self.http.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None,
                              {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json",
                               **(headers or {})})
            if drop:
                raise OSError("the answer is dropped on purpose")
            answer = self.http.getresponse()
            self.replayed = answer.getheader("Idempotency-Replayed") is not None
            return answer.status, json.loads(answer.read() or b"null")
        except (OSError, ValueError, http.client.HTTPException):
            self.http.close()
            self.http = None
            raise


connection = Connection()


def call(method, path, body=None, headers=None, seconds=40, drop=False):
    """Until there is an answer that is not the server's trouble. Result: status, body, when the
    request that was answered was sent."""
    end = time.monotonic() + seconds
    while True:
        sent = time.monotonic()
        try:
            status, answer = connection.call(method, path, body, headers, drop)
            if status not in (500, 502, 503, 504):
                return status, answer, sent
            log("trouble", status=status)
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            log("dropped" if drop else "trouble", error=str(error)[:100])
        drop = False
        if sent > end:
            log("gave_up", method=method, path=path)
            return 0, None, sent
        time.sleep(0.02)


def acquire():
    environment = chance.choice(ENVIRONMENTS)
    shared = environment == "t3" and chance.random() < 0.3
    want = {"environment": environment, "mode": "shared" if shared else "exclusive"}
    asked = time.monotonic()
    status, lease, sent = call(
        "POST", "/leases", {"wants": [want], "holder": {"name": f"{NAME}-{uuid.uuid4().hex[:8]}"},
                            "ttl": f"{int(TTL)}s", "wait": "60s"},
        {"Idempotency-Key": uuid.uuid4().hex}, drop=chance.random() < 0.03)
    if status not in (201, 202):
        log("refused", status=status, answer=lease)
        return None
    if status == 201 and connection.replayed:
        # A replayed answer says how long the lease had to live when it was granted, not now.
        status, lease, sent = call("GET", f"/leases/{lease['id']}")
        if status != 200:
            log("lost", status=status, answer=lease)
            return None
    queued = lease["state"] == "queued"
    if queued:
        log("queued", lease=lease["id"], environment=environment, asked=asked)
    cancel_at = time.monotonic() + chance.random() * 0.2 if chance.random() < 0.1 else None
    while lease["state"] == "queued":
        if cancel_at is not None and time.monotonic() >= cancel_at:
            log("cancel", lease=lease["id"])
            release(lease["id"], None)
            return None
        wait = "50ms" if cancel_at is not None else "5s"
        status, lease, sent = call("GET", f"/leases/{lease['id']}?wait={wait}&seen=queued")
        if status != 200:
            log("lost", status=status, answer=lease)
            return None
    if lease["state"] != "held":
        log("ended", lease=lease["id"], state=lease["state"], reason=lease.get("reason"))
        return None
    log("held", lease=lease["id"], environment=environment, fence=lease["fence"], queued=queued,
        slots=[grant["slot"] for grant in lease["grants"]], mode=want["mode"], asked=asked,
        until=sent + lease["expires_in_ms"] / 1000)
    return lease


def release(lease, fence):
    body = {"fence": fence} if fence is not None else None
    status, answer, _ = call("DELETE", f"/leases/{lease}", body, drop=chance.random() < 0.03)
    log("released", lease=lease, status=status, state=(answer or {}).get("state"))


def use(lease):
    """Holds it for a while; sometimes longer than the TTL, with renewals or silently."""
    kind = chance.random()
    end = time.monotonic() + (TTL * 1.5 if kind < 0.004 else chance.random() * 0.01)
    renews = kind < 0.002
    while time.monotonic() < end:
        time.sleep(min(0.5, max(0.0, end - time.monotonic())))
        if not renews or time.monotonic() >= end:
            continue
        status, answer, sent = call("POST", f"/leases/{lease['id']}/renew", {"fence": lease["fence"]})
        if status != 200:
            log("not_renewed", lease=lease["id"], status=status)
            return
        log("renewed", lease=lease["id"], until=sent + answer["expires_in_ms"] / 1000)


log("started")
while not os.path.exists(LOG + ".stop"):
    granted = acquire()
    if granted is None:
        continue
    use(granted)
    # From here on it uses nothing any more.
    log("leaves", lease=granted["id"])
    release(granted["id"], granted["fence"])
log("stopped")
