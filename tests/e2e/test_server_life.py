# SPDX-License-Identifier: MIT
"""Starting, stopping, dying and coming back: nothing acknowledged is lost."""
import contextlib
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

from baton_server import BATON, processes_with, test_processes_in as leftovers, wait_for

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


# The second ignores SIGTERM: it is killed when its grace is over.
@pytest.mark.parametrize("suite", ["obeys", "is-deaf"])
def test_a_runner_without_a_server_ends_when_it_is_told_to(make_server, suite):
    config = r"""
suites:
  - {name: obeys, kind: command, command: [sh, -c, 'echo began; sleep 300']}
  - {name: is-deaf, kind: command, command: [sh, -c, 'trap "" TERM; echo began; while :; do sleep 0.1; done'],
     kill_grace: 500ms}
"""
    server = make_server(config)
    run = server.api("POST", "/runs", {"suite": suite})["id"]
    wait_for(lambda: b"began" in server.get(f"/api/v1/runs/{run}/log").body, what="the test")
    pids = [p for p in processes_with(f"/runners/{run}") if is_runner(p)]
    assert len(pids) == 2, "keeper and supervisor"
    server.kill()
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not any(is_runner(p) for p in pids), seconds=10, what="the runner's end")
    assert not leftovers(server.folder)
    server.start()
    assert server.finish(run)["verdict"] == "cancelled", "the next runner found it in the spool"


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


@contextlib.contextmanager
def slow_upload(server):
    """A request whose body does not end: a server that drains waits for it."""
    address = server.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=30) as connection:
        connection.sendall(f"POST /api/v1/reports?suite=default/up HTTP/1.1\r\nHost: h\r\n"
                           f"Authorization: Bearer {server.token}\r\nContent-Length: 1000\r\n\r\n<".encode())
        time.sleep(0.3)
        yield connection


def test_while_it_drains_it_answers_but_starts_nothing(make_server):
    server = make_server(CONFIG)
    run = server.api("POST", "/runs", {"suite": "count"})["id"]
    with slow_upload(server) as upload:
        server.process.send_signal(signal.SIGTERM)
        ready = wait_for(lambda: (a := server.get("/readyz", token=None)).status == 503 and a, what="503")
        assert ready.json["status"] == "draining"
        assert server.get("/livez", token=None).status == 200
        refused = server.post("/api/v1/runs", {"suite": "ok"})
        assert refused.status == 503 and refused.headers["Retry-After"] and refused.json["fix"]
        assert server.get("/api/v1/runs").status == 200
        assert server.api("POST", f"/runs/{run}/cancel", {})["id"] == run
        cancelled = wait_for(lambda: (r := server.api("GET", f"/runs/{run}"))["state"] == "finished" and r,
                             what="the runner's end")
        assert cancelled["verdict"] == "cancelled", "runners are heard while it drains"
        assert server.process.poll() is None
        upload.sendall(b"x" * 999)
        assert upload.recv(100).startswith(b"HTTP/1.1 ")
    assert server.process.wait(10) == 0


def test_a_second_sigterm_stops_at_once(make_server):
    server = make_server(CONFIG)
    with slow_upload(server):
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: server.get("/readyz", token=None).status == 503, what="503")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(5) == 128 + signal.SIGTERM


HANGING = r"""
suites:
  - {name: hangs, kind: gtest, command: [sh, -c, "setsid sleep MARK & sleep MARK; true"]}
"""


@pytest.mark.parametrize("asker_too", [False, True], ids=["server", "server-and-asker"])
def test_no_lister_outlives_a_killed_server(make_server, asker_too):
    mark = f"{os.getpid()}{int(asker_too)}.25"
    server = make_server(HANGING.replace("MARK", mark))
    listers = lambda: [p for p in processes_with(mark) if p != server.process.pid]
    wait_for(lambda: len(listers()) >= 3, what="the shell and both of its children")
    if asker_too:
        os.kill(server.process.pid, signal.SIGSTOP)
        key = (server.data / "list-key").read_text().strip()
        for pid in processes_with(f"BATON_LIST_KEY={key}"):
            if b"--discover" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        assert listers(), "nothing is bound to those"
    server.kill()
    if asker_too:
        server.config.write_text(CONFIG)
        server.start()
    wait_for(lambda: not listers(), what="the end of what was listing")


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


@pytest.mark.parametrize("damage", ["garbage", "future", "empty"])
def test_a_database_that_is_not_ours_is_refused_and_left_alone(make_server, damage):
    server = make_server(CONFIG)
    server.run("ok")
    server.stop()
    database = server.data / "baton.db"
    if damage == "garbage":
        database.write_bytes(b"not a database" * 1000)
        for extra in server.data.glob("baton.db-*"):
            extra.unlink()
    elif damage == "empty":
        database.write_bytes(b"")
        for extra in server.data.glob("baton.db-*"):
            extra.unlink()
    else:
        with sqlite3.connect(database) as connection:
            connection.execute("UPDATE meta SET value = '999999' WHERE key = 'schema_version'")
        connection.close()
    before, token = database.read_bytes(), (server.data / "admin-token").read_text()
    second = subprocess.run(server.command(), capture_output=True, text=True, timeout=30,
                            env=server.environment(), cwd=server.folder, check=False)
    assert second.returncode not in (0, 139) and "baton:" in second.stderr
    assert database.read_bytes() == before and (server.data / "admin-token").read_text() == token


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
        acknowledged = []

        def refused():
            answer = server.post("/api/v1/runs", {"suite": "ok"})
            if answer.status == 201:
                acknowledged.append(answer.json["id"])
                return False
            assert answer.status in (503, 429), answer
            assert answer.headers["Retry-After"]
            return True

        def unready():
            ready = refused() and server.get("/readyz", token=None)
            return ready and ready.status == 503 and ready

        assert "stored" in wait_for(unready, what="the full disk").json["detail"]
        assert server.get(f"/api/v1/runs/{kept}").status == 200, "reads go on"
        (mount / "filler").unlink()
        wait_for(lambda: server.post("/api/v1/runs", {"suite": "ok"}).status == 201, what="recovery")
        wait_for(lambda: server.get("/readyz", token=None).status == 200, what="readiness")
        for run in acknowledged:
            # A runner that found no space is started again; nothing is wrong with the test.
            assert server.finish(run)["verdict"] == "passed"
        server.stop()
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)


def test_a_file_that_no_row_names_is_removed_when_it_is_old(make_server):
    config = r"""
suites:
  - {name: leaves, kind: command, command: [sh, -c, "echo kept > a.txt"], artifacts: ["*.txt"]}
"""
    server = make_server(config)
    run = server.run("leaves")["id"]
    server.stop()
    folder = server.data / "blobs" / "artifacts"
    (named,) = [f for f in folder.glob("??/*") if len(f.name) == 64]
    old, young = (folder / digest[:2] / digest for digest in ("ab" * 32, "cd" * 32))
    for blob in (old, young):
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(b"left behind")
    ten_days_ago = time.time() - 10 * 86400
    for blob in (old, named):
        os.utime(blob, (ten_days_ago, ten_days_ago))
    server.start()
    wait_for(lambda: not old.exists(), what="the sweep")
    assert young.exists(), "its record may still come"
    assert server.get(f"/api/v1/runs/{run}/artifacts/a.txt").body == b"kept\n"
