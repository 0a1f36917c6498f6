# SPDX-License-Identifier: MIT
"""What the tests of gates share: a server with links, gates by their ids, the end of deliveries, and
crashes of the server in the middle of a call."""
import json
import pathlib

from baton_server import wait_for

# Quick, but far enough apart to tell the steps from each other.
RETRY = {"first": "50ms", "factor": 2, "max": "400ms", "give_up_after": "20s"}
SUITES = [
    {"name": "good", "kind": "command", "command": ["sh", "-c", "echo all is well"]},
    {"name": "bad", "kind": "command", "command": ["sh", "-c", "echo oops; exit 1"]},
    {"name": "long", "kind": "command", "command": ["sleep", "300"]},
]


def configuration(links=None, retry=None, per_peer=8, **more):
    """JSON is YAML."""
    return json.dumps({"suites": SUITES, "links": links or {}, **more,
                       "deliveries": {"retry": {**RETRY, **(retry or {})}, "per_peer": per_peer}})


class Gates:
    """The gates of a server."""

    def __init__(self, server):
        self.server = server

    def open(self, expect=201, **request):
        request.setdefault("subject", {"external": True})
        return self.server.api("POST", "/gates", request, expect=expect)

    def get(self, gate, query=""):
        return self.server.api("GET", f"/gates/{id_of(gate)}{query}")

    def decide(self, gate, verdict="passed", expect=200, **more):
        return self.server.api("POST", f"/gates/{id_of(gate)}/verdict", {"verdict": verdict, **more},
                               expect=expect)

    def all(self, query=""):
        return self.server.api("GET", f"/gates?limit=500{query}")["items"]

    def wait_end(self, gate, seconds=30):
        """The gate when it is no longer pending."""
        wait_for(lambda: self.get(gate, "?wait=5s")["state"] != "pending", seconds, f"the end of {id_of(gate)}")
        return self.get(gate)

    def deliveries(self, gate, link=None):
        return [d for d in self.get(gate)["deliveries"] if link in (None, d["target"]["link"])]

    def wait_delivered(self, gate, seconds=30, states=("delivered", "skipped")):
        """The gate's deliveries once all of them have ended; that they did so well."""
        ended = wait_for(lambda: all_ended(self.deliveries(gate)), seconds,
                         f"the deliveries of {id_of(gate)}")
        assert {d["state"] for d in ended} <= set(states), ended
        return ended

    def wait_dead(self, gate, seconds=30):
        """The one delivery of the gate that is dead, progress aside; the others have ended too."""
        ended = wait_for(lambda: all_ended(self.deliveries(gate)), seconds, f"the deliveries of {id_of(gate)}")
        (dead,) = [d for d in ended if d["state"] == "dead" and d["stage"] != "progress"]
        assert dead["last_error"] and dead["error_class"], dead
        return dead

    def events(self, kind):
        items = self.server.api("GET", "/events?after=0&limit=500")["items"]
        return [item for item in items if item["kind"] == kind]


def id_of(gate):
    return gate if isinstance(gate, str) else gate["id"]


def all_ended(deliveries):
    return deliveries if deliveries and all(d["state"] != "queued" for d in deliveries) else None


class Crash:
    """Kills the server at the n-th call (from 0) that `fake` gets. `took`: the call has its effect and
    only its answer is lost; else it is lost as well."""

    def __init__(self, server, fake, n, took, only=None):
        self.server, self.left, self.only, self.happened = server, n, only, False
        if took:
            fake.drop_after_body(1, self.strikes, handled=True)
        else:
            fake.drop_before_body(1, self.strikes)

    def strikes(self, request):
        if self.happened or (self.only and not self.only(request)):
            return False
        self.left -= 1
        if self.left >= 0:
            return False
        self.server.kill()
        self.happened = True
        return True


def crash_sweep(begin, ends):
    """begin(n, took) -> (gates, gate, crash, over): one story with a crash at its n-th call. over():
    whether the peer needs no further call. Goes on until a story has fewer calls; ends(n, took) checks
    each. Returns the number of calls."""
    for n in range(40):
        for took in (False, True):
            gates, gate, crash, over = begin(n, took)
            wait_for(lambda: crash.happened or over(), what=f"call {n}, or the end")
            if not crash.happened:
                gates.wait_delivered(gate)
                return n
            gates.server.start()
            gates.decide(gate)  # again: it may have struck before the verdict was stored
            gates.wait_delivered(gate)
            ends(n, took)
    raise AssertionError("so many calls for one verdict")


def everything_written(server):
    """All that the server wrote and says: its log, its data folder with the database and the journal,
    its answers and metrics."""
    parts = [server.log.read_bytes()]
    for path in sorted(pathlib.Path(server.data).rglob("*")):
        if path.is_file() and path.name not in ("admin-token",):
            parts.append(path.read_bytes())
    for path in ("/metrics", "/openapi.json", "/api/v1/gates?limit=500", "/api/v1/deliveries?limit=500",
                 "/api/v1/events?after=0&limit=500", "/api/v1/audit?limit=500"):
        answer = server.get(path)
        assert answer.status == 200, (path, answer)
        parts.append(answer.body)
    for gate in server.api("GET", "/gates?limit=500")["items"]:
        for below in ("", "/log", "/junit.xml", "/artifacts"):
            parts.append(server.get(f"/api/v1/gates/{gate['id']}{below}").body)
    return b"\n".join(parts)
