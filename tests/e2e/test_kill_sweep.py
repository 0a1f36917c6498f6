# SPDX-License-Identifier: MIT
"""SIGKILL at many points of a running suite, of the server and of the runner.

After each restart every acknowledged run exists, every finished attempt is there exactly once,
every run reaches a verdict and neither a process nor a runner's folder is left over. BATON_SWEEP
sets the number of points (CI: a few dozen; a full sweep: a few hundred).
"""
import http.client
import os
import pathlib
import random
import shutil
import signal
import time

from baton_server import processes_with, test_processes_in as leftovers, wait_for
from test_server_life import is_runner

CONFIG = r"""
limits: {running_runs: 4}
suites:
  - name: cases
    kind: tap
    command: [sh, -c, 'echo 1..8; for i in 1 2 3 4 5 6 7 8; do echo "ok $i - case $i"; sleep 0.02; done']
  - {name: one, kind: command, command: [sh, -c, 'sleep 0.1; echo out']}
  - {name: sweep, kind: cpp, command: [./sweep_suite]}
"""
BUILD = pathlib.Path(os.environ.get("BATON_BUILD", "build/dev"))


def start_some(server, acknowledged, random_):
    for _ in range(random_.randint(1, 3)):
        try:
            answer = server.post("/api/v1/runs", {"suite": random_.choice(["cases", "one", "sweep"])}, timeout=5)
        except (OSError, http.client.HTTPException):
            return
        if answer.status == 201:
            acknowledged.append(answer.json["id"])


def check(server, acknowledged, seen):
    for run in acknowledged:
        document = server.finish(run, seconds=90)
        assert document["verdict"] in ("passed", "errored"), document
        if document["verdict"] == "errored":
            assert "interrupt" in str(document) or "lost" in str(document) or document["counts"]["errored"], document
        for name, test in server.tests(run).items():
            numbers = [a["attempt"] for a in test["attempts"]]
            assert numbers == sorted(set(numbers)), (run, name, numbers)
            assert all(a["outcome"] != "running" for a in test["attempts"])
            for attempt in seen.get((run, name), {}).items():
                assert attempt in [(a["attempt"], a["outcome"]) for a in test["attempts"]], "a result was lost"


def remember(server, acknowledged, seen):
    """What was visible before the kill must still be there after it."""
    for run in acknowledged[-4:]:
        for name, test in server.tests(run).items():
            for attempt in test["attempts"]:
                # An interrupted attempt may still turn out to have ended: its lost runner's spool tells.
                if attempt["outcome"] not in ("running", "errored"):
                    seen.setdefault((run, name), {})[attempt["attempt"]] = attempt["outcome"]


def test_nothing_acknowledged_is_lost_wherever_the_kill_falls(make_server):
    points = int(os.environ.get("BATON_SWEEP", "24"))
    random_ = random.Random(20261)
    server = make_server(CONFIG, start=False)
    # By this name every process of the suite is known, whatever its environment and folder.
    program = server.folder / "sweep_suite"
    shutil.copy(BUILD / "bin/suite_sweep", program)
    server.start()
    acknowledged, seen = [], {}
    for point in range(points):
        start_some(server, acknowledged, random_)
        time.sleep(random_.random() * 0.3)  # where the kill falls: the sweep's only use of time
        remember(server, acknowledged, seen)
        victim = random_.choice(["server", "runner", "both"])
        if victim in ("runner", "both"):
            for pid in processes_with(str(server.data / "runners")):
                if is_runner(pid) and random_.random() < 0.7:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
        if victim in ("server", "both"):
            server.kill()
            server.start()
        if point % 8 == 7:
            check(server, acknowledged, seen)
            acknowledged, seen = acknowledged[-1:], {}
    check(server, acknowledged, seen)
    wait_for(lambda: not leftovers(server.folder), seconds=30, what="the end of every test process")
    wait_for(lambda: not processes_with(str(program)), seconds=30, what="the end of every suite process")
    wait_for(lambda: not list((server.data / "runners").iterdir()), seconds=30, what="no folder of a runner")
