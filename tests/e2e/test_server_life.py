# SPDX-License-Identifier: MIT
"""Starting, stopping, dying and coming back: nothing acknowledged is lost."""
import os
import pathlib
import signal
import sqlite3
import subprocess
import time

import pytest

from baton_server import BATON, wait_for, processes_with

CONFIG = r"""
suites:
  - {name: ok, kind: command, command: ['true']}
  - name: count
    kind: tap
    command: [sh, -c, 'echo 1..40; for i in $(seq 40); do echo "ok $i - case $i"; echo line $i; sleep 0.1; done']
"""


def test_a_run_outlives_a_killed_server(make_server):
    server = make_server(CONFIG)
    run = server.api("POST", "/runs", {"suite": "count"})["id"]
    wait_for(lambda: b"case 5" in server.get(f"/api/v1/runs/{run}/log").body, what="progress")
    before = server.api("GET", f"/runs/{run}")["started_at"]
    server.kill()
    time.sleep(0.5)
    server.start()
    done = server.finish(run)
    assert (done["verdict"], done["started_at"]) == ("passed", before)
    log = server.get(f"/api/v1/runs/{run}/log").body.decode().splitlines()
    assert [line for line in log if line.startswith("line ")] == [f"line {i}" for i in range(1, 41)]
    attempts = [a["attempt"] for t in server.tests(run).values() for a in t["attempts"]]
    assert attempts == [1] * 40, "the same attempt went on; nothing was repeated"


def test_a_run_whose_runner_is_killed_is_resumed(make_server):
    config = """
suites:
  - {name: slow, kind: command, command: [sh, -c, 'sleep 1; echo attempt $BATON_ATTEMPT']}
"""
    server = make_server(config)
    run = server.api("POST", "/runs", {"suite": "slow"})["id"]
    pids = wait_for(lambda: [p for p in processes_with(f"/runners/{run}") if is_runner(p)], what="a runner")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    done = server.finish(run)
    assert done["verdict"] == "passed"
    (test,) = server.tests(run).values()
    outcomes = [a["outcome"] for a in test["attempts"]]
    assert outcomes[-1] == "passed" and set(outcomes[:-1]) <= {"errored"}


def is_runner(pid):
    try:
        return b"--epoch" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_sigterm_drains_and_the_run_goes_on_under_the_next_server(make_server):
    server = make_server(CONFIG)
    run = server.api("POST", "/runs", {"suite": "count"})["id"]
    wait_for(lambda: b"case 2" in server.get(f"/api/v1/runs/{run}/log").body, what="progress")
    assert server.stop() == 0
    server.start()
    assert server.finish(run)["verdict"] == "passed"


def test_two_servers_never_share_a_data_folder(make_server):
    server = make_server(CONFIG)
    second = subprocess.run([BATON, "serve", "--data", str(server.data), "--listen", "127.0.0.1:0"],
                            capture_output=True, text=True, timeout=30, env=server.environment(), check=False)
    assert second.returncode == 7
    assert "fix:" in second.stderr and str(server.process.pid) in second.stderr
    assert server.run("ok")["verdict"] == "passed"


def test_an_address_in_use_is_said_so(make_server):
    server = make_server(CONFIG)
    listen = server.url.removeprefix("http://")
    second = subprocess.run([BATON, "serve", "--data", str(server.folder / "other"), "--listen", listen],
                            capture_output=True, text=True, timeout=30, env=server.environment(), check=False)
    assert second.returncode == 7
    assert listen in second.stderr and "fix:" in second.stderr


def test_no_authentication_only_on_loopback(make_server):
    server = make_server(CONFIG, start=False)
    refused = subprocess.run([BATON, "serve", "--data", str(server.data), "--listen", "0.0.0.0:0", "--auth", "none"],
                             capture_output=True, text=True, timeout=30, env=server.environment(), check=False)
    assert refused.returncode == 2 and "127.0.0.1" in refused.stderr
    server.args = ["--auth", "none"]
    server.start()
    assert server.get("/api/v1/runs", token=None).status == 200


@pytest.mark.parametrize("damage", ["garbage", "future"])
def test_a_database_that_is_not_ours_is_refused_and_left_alone(make_server, damage):
    server = make_server(CONFIG)
    server.run("ok")
    server.stop()
    database = server.data / "baton.db"
    if damage == "garbage":
        database.write_bytes(b"not a database" * 1000)
        for extra in server.data.glob("baton.db-*"):
            extra.unlink()
    else:
        with sqlite3.connect(database) as connection:
            connection.execute("UPDATE meta SET value = '999999' WHERE key = 'schema_version'")
        connection.close()
    before = database.read_bytes()
    second = subprocess.run(server.command(), capture_output=True, text=True, timeout=30,
                            env=server.environment(), cwd=server.folder, check=False)
    assert second.returncode not in (0, 139) and "baton:" in second.stderr
    assert database.read_bytes() == before


def test_a_full_disk_refuses_and_recovers(make_server, tmp_path):
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(mount)],
                      capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        server = make_server(CONFIG, start=False)
        server.data = mount / "data"
        server.start()
        kept = server.run("ok")["id"]
        (mount / "filler").write_bytes(b"x")
        with open(mount / "filler", "wb") as filler:
            try:
                while True:
                    filler.write(b"x" * 65536)
                    filler.flush()
            except OSError:
                pass
        acknowledged, refused = [], 0
        for _ in range(500):
            answer = server.post("/api/v1/runs", {"suite": "ok"})
            if answer.status == 201:
                acknowledged.append(answer.json["id"])
            else:
                assert answer.status in (503, 429), answer
                assert answer.headers["Retry-After"]
                refused += 1
                break
        assert refused, "the disk was never full"
        assert server.get(f"/api/v1/runs/{kept}").status == 200, "reads go on"
        (mount / "filler").unlink()
        wait_for(lambda: server.post("/api/v1/runs", {"suite": "ok"}).status == 201, what="recovery")
        for run in acknowledged:
            # A runner that found no space is started again; nothing is wrong with the test.
            assert server.finish(run)["verdict"] == "passed"
        server.stop()
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)
