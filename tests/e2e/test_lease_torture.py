# SPDX-License-Identifier: MIT
"""Dozens of clients share environments while they and the server are killed and stopped. What they
saw is judged by lease_checker.py. A run that hurt nobody proves nothing and fails.

BATON_TORTURE=N asks for N times the hand-overs and faults."""
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

import lease_checker
from baton_server import Server, wait_for
from postgres_cluster import PostgresCluster

TIMES = int(os.environ.get("BATON_TORTURE", "1"))
CLIENTS = 24
HANDOVERS = 1_000 * TIMES
FAULTS = 10 * TIMES
SECONDS = 240 * TIMES
CONFIG = """
environments:
  - {name: t1, queue: {keep_alive: 4s}, claim_window: 2s}
  - {name: t2, queue: {keep_alive: 4s}, claim_window: 2s}
  - {name: t4, queue: {keep_alive: 4s}, claim_window: 2s}
  - {name: t5, queue: {keep_alive: 4s}, claim_window: 2s}
  - {name: t3, slots: 2, queue: {keep_alive: 4s}, claim_window: 2s}
"""


class Torture:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.chance = random.Random(7)
        self.clients, self.killed, self.logs, self.made, self.faults = {}, {}, [], 0, []

    def start_client(self):
        self.made += 1
        log = self.folder / f"client-{self.made}.log"
        process = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).with_name("lease_client.py"),
             self.server.data / "server.json", self.server.token, f"c{self.made}", str(self.made), log])
        self.clients[process.pid] = (process, log)
        self.logs.append(log)

    def events(self):
        return lease_checker.read_logs(path for path in self.logs if path.exists())

    def troubles_since(self, moment):
        return [event for event in self.events() if event["event"] == "trouble" and event["at"] > moment]

    def last_event(self, log):
        lines = log.read_text().splitlines() if log.exists() else []
        return lines[-1] if lines else ""

    def kill_server(self):
        moment = time.monotonic()
        self.server.kill()
        self.server.start()
        wait_for(lambda: self.troubles_since(moment), 10, "a client that noticed the kill")
        self.faults.append("server killed")

    def stop_server(self, seconds):
        self.server.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.server.process.send_signal(signal.SIGCONT)
        self.faults.append(f"server stopped for {seconds} s")

    def kill_client(self):
        pid = self.chance.choice(list(self.clients))
        process, log = self.clients.pop(pid)
        process.kill()
        process.wait()
        self.killed[pid] = time.monotonic()
        # Between two leases it hurts nobody.
        if any(word in self.last_event(log) for word in ('"held"', '"queued"', '"renewed"', '"leaves"')):
            self.faults.append("client killed")
        self.start_client()

    def stop_client(self, seconds):
        process, log = self.clients[self.chance.choice(list(self.clients))]
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        had = self.last_event(log)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)
        if any(word in had for word in ('"held"', '"queued"', '"renewed"')):
            self.faults.append(f"client stopped for {seconds} s")

    def handovers(self):
        return sum(1 for event in self.events() if event["event"] == "held" and event["queued"])

    def run(self):
        for _ in range(CLIENTS):
            self.start_client()
        end = time.monotonic() + SECONDS
        kinds = [self.kill_server, self.kill_client, lambda: self.stop_client(5), self.kill_client,
                 lambda: self.stop_server(1), lambda: self.stop_server(9), self.kill_client]
        turn, share = 0, HANDOVERS // (FAULTS + len(kinds))
        while time.monotonic() < end and (self.handovers() < HANDOVERS or len(self.faults) < FAULTS
                                          or turn < len(kinds)):
            # Every fault holds somebody up for a TTL; in between there is work.
            calm, wanted = time.monotonic() + 20, (turn + 1) * share
            while self.handovers() < wanted and time.monotonic() < calm:
                time.sleep(0.2)
            kinds[turn % len(kinds)]()
            turn += 1
        for process, log in self.clients.values():
            log.with_name(log.name + ".stop").touch()
        for process, _ in self.clients.values():
            process.wait(90)

    def end(self):
        for process, _ in self.clients.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()


def assert_at_rest(server):
    """Everything that was held runs out, and nothing is left over."""
    def idle():
        items = server.api("GET", "/environments")["items"]
        return all(item["slots_free"] == item["slots"] and not item["queue"] for item in items)
    wait_for(idle, 30, "free slots and empty queues")


def assert_known(server, events):
    """Nothing that was acknowledged is forgotten, and nothing that was given back is held."""
    held = {event["lease"] for event in events if event["event"] == "held"}
    released = {event["lease"] for event in events if event["event"] == "released" and event["status"] == 200}
    for lease in sorted(held)[:: max(1, len(held) // 300)]:
        state = server.api("GET", f"/leases/{lease}")["state"]
        assert state not in ("queued", "held"), (lease, state)
        if lease in released:
            assert state in ("released", "expired"), (lease, state)


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_nobody_overlaps_and_nobody_is_forgotten(tmp_path, backend):
    cluster = PostgresCluster() if backend == "postgres" else None
    folder = tmp_path / "server"
    config = CONFIG
    if cluster:
        config += f"server: {{data: \"{cluster.url}\", files: {folder}/data}}\n"
    server = Server(folder, config)
    if cluster:
        server.command = lambda: [os.environ["BATON_PROGRAM"], "serve", "--listen", "127.0.0.1:0",
                                  "--config", str(server.config)]
    torture = None
    try:
        server.start()
        torture = Torture(server, tmp_path)
        torture.run()
        events = torture.events()
        problems, holds = lease_checker.check(events, torture.killed)
        assert not problems, problems[:20]
        assert_at_rest(server)
        assert_known(server, events)
        given = lease_checker.handovers(holds)
        print(f"{backend}: {given} contended hand-overs, {len(holds)} holds, faults: {torture.faults}")
        assert given >= HANDOVERS, f"inconclusive: only {given} contended hand-overs"
        assert len(torture.faults) >= FAULTS, f"inconclusive: only {torture.faults}"
    finally:
        if torture:
            torture.end()
        if server.process and server.process.poll() is None:
            server.process.send_signal(signal.SIGCONT)
        server.stop()
        if cluster:
            cluster.stop()


def line(event, at, **more):
    return {"event": event, "client": "c", "pid": 1, "at": at, **more}


def held(lease, fence, asked, begins, until, **more):
    return line("held", begins, lease=lease, environment="t1", fence=fence, queued=True, slots=[1],
                mode="exclusive", asked=asked, until=until, **more)


def test_the_checker_sees_what_must_not_be():
    queued = lambda lease, at: line("queued", at, lease=lease, environment="t1", asked=at)
    good = [queued("a", 0.1), held("a", 1, 0, 1, 5), line("leaves", 2, lease="a"),
            queued("b", 0.5), held("b", 2, 0.4, 2.5, 5)]
    assert lease_checker.check(good, {})[0] == []
    early = [*good[:4], held("b", 2, 0.4, 1.5, 5)]
    assert "before a ends" in lease_checker.check(early, {})[0][0]
    assert lease_checker.check([*early[:2], *early[3:]], {1: 1.2})[0] == []
    too_late = [*good[:2], held("b", 0.5, 0.4, 1.5, 1.2)]
    assert lease_checker.overlaps(lease_checker.holds_of(too_late, {})) == []
    stale = [*good[:4], held("b", 1, 0.4, 2.5, 5)]
    assert any("have the fence" in problem for problem in lease_checker.check(stale, {})[0])
    falling = [held("a", 9, 0, 1, 1.5), held("b", 8, 2, 3, 4)]
    assert any("asked after" in problem for problem in lease_checker.check(falling, {})[0])
    overtaken = [queued("a", 0.1), queued("b", 0.5), held("b", 1, 0.4, 1, 1.2), held("a", 2, 0, 1.5, 2)]
    assert any("served before" in problem for problem in lease_checker.check(overtaken, {})[0])
