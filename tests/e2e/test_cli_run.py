# SPDX-License-Identifier: MIT
"""`baton run`: waiting across a restart of the server, and commands without any configuration."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

from baton_server import BATON, test_processes_in as leftovers, wait_for

BUILD = pathlib.Path(os.environ.get("BATON_BUILD", "build/dev"))
SLOW = """
suites:
  - name: slow
    kind: tap
    command: [sh, -c, 'echo 1..3; for i in 1 2 3; do sleep 2; echo "ok $i - step $i"; done']
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(server, *words, cwd=None):
    env = server.environment()
    env.update(BATON_URL=getattr(server, "url", ""), BATON_TOKEN=getattr(server, "token", ""))
    return subprocess.Popen([BATON, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            cwd=cwd or server.folder, env=env)


def test_waiting_for_a_run_outlasts_a_restart_of_the_server(make_server):
    # The last --listen counts: the client finds the server at the same address again.
    server = make_server(SLOW, args=["--listen", f"127.0.0.1:{free_port()}"])
    waiting = start(server, "run", "slow")
    journal = start(server, "events", "--follow")
    wait_for(lambda: server.api("GET", "/runs")["items"], what="the run")
    run = server.api("GET", "/runs")["items"][0]["id"]
    wait_for(lambda: b"step 1" in server.get(f"/api/v1/runs/{run}/log").body, what="progress")
    assert server.stop() == 0
    assert waiting.poll() is None, waiting.communicate()
    time.sleep(0.5)
    server.start()
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, (out, err)
    assert "passed" in out
    time.sleep(1)
    journal.send_signal(signal.SIGINT)
    out, err = journal.communicate(timeout=10)
    assert out.count("run.finished") == 1 and out.count("run.queued") == 1, (out, err)


def test_two_commands_at_once_without_a_server_do_not_meet(make_server, tmp_path):
    server = make_server(start=False)
    commands = [start(server, "run", "--", "sh", "-c", f"sleep {2 + i}", cwd=tmp_path) for i in range(3)]
    for command in commands:
        out, err = command.communicate(timeout=60)
        assert command.returncode == 0, (out, err)
        assert "recorded in" in err
    folders = list((server.folder / "state/baton").glob("data*"))
    assert len(folders) == 3
    assert not list((server.folder / "state/baton/servers").glob("*")), "an embedded server is nobody else's"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_without_a_server_leaves_no_test(make_server, number):
    server = make_server(start=False)
    command = start(server, "run", "--", "sh", "-c", "sleep 300")
    wait_for(lambda: leftovers(server.folder), what="the test")
    command.send_signal(number)
    out, err = command.communicate(timeout=60)
    assert command.returncode == 128 + number and "cancelled" in out, (out, err)
    assert not leftovers(server.folder)


def test_a_command_without_a_server_that_takes_too_long_is_cancelled(make_server):
    server = make_server(start=False)
    command = start(server, "run", "--timeout", "1s", "--", "sh", "-c", "sleep 300")
    out, err = command.communicate(timeout=60)
    assert command.returncode == 124 and "cancelled" in out and "fix:" in err, (out, err)
    assert not leftovers(server.folder)


def test_what_a_killed_command_left_does_not_hold_up_the_next(make_server):
    server = make_server(start=False)
    for _ in range(os.cpu_count()):
        before = len(leftovers(server.folder))
        command = start(server, "run", "--", "sh", "-c", "kill -STOP $$; true")
        wait_for(lambda: len(leftovers(server.folder)) > before, what="the test")
        command.kill()
        command.communicate()
    command = start(server, "run", "--", "true")
    out, err = command.communicate(timeout=60)
    assert command.returncode == 0 and "left, is cancelled" in err, (out, err)


def test_nobody_waits_only_where_a_server_stays(make_server):
    server = make_server(start=False)
    command = start(server, "run", "--no-wait", "--", "true")
    out, err = command.communicate(timeout=60)
    assert command.returncode == 2 and "baton up" in err, (out, err)


def test_a_command_that_is_not_text_is_refused_with_its_name(make_server):
    server = make_server(start=False)
    command = start(server, "run", "--", b"./\xff")
    out, err = command.communicate(timeout=60)
    assert command.returncode == 2 and "not UTF-8" in err and "fix:" in err, (out, err)


def test_a_suite_program_runs_without_configuration(make_server, tmp_path):
    server = make_server()
    program = str(BUILD / "bin/shop")
    done = server.cli("run", "--", program, cwd=tmp_path, check=0)
    assert "kind cpp" in done.stderr
    document = json.loads(server.cli("suites", "view", "adhoc/shop", "--output", "json").stdout)
    listed = json.loads(subprocess.run([program, "list", "--json"], capture_output=True, check=True).stdout)
    (own,) = listed["suites"]
    assert document["kind"] == "cpp" and document["max_attempts"] == own["max_attempts"]
    assert document["description"] == own["description"]
    names = {case["name"] for case in own["cases"]}
    assert set(server.tests(1)) == names
    # The same with no server at all.
    alone = make_server(start=False, name="alone")
    done = subprocess.run([BATON, "run", "--", program], capture_output=True, text=True, cwd=tmp_path,
                          env=alone.environment(), timeout=60, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    done = subprocess.run([BATON, "run", "--suite", "nope", "--", program], capture_output=True,
                          text=True, cwd=tmp_path, env=alone.environment(), timeout=60, check=False)
    assert done.returncode == 3 and "fix:" in done.stderr


def test_a_command_never_runs_on_another_machine(make_server, tmp_path):
    server = make_server(start=False)
    env = server.environment()
    env["BATON_URL"] = "http://192.0.2.1:1337"  # TEST-NET-1: nobody answers there
    done = subprocess.run([BATON, "run", "--", "true"], capture_output=True, text=True, cwd=tmp_path,
                          env=env, timeout=60, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "another machine" in done.stderr


def test_a_static_thread_that_nobody_joins_changes_no_verdict(make_server, binaries):
    program = binaries / "suite_joinable"
    server = make_server(f"suites: [{{kind: cpp, command: [{program}]}}]\n")
    assert server.run("with_a_joinable_thread", filter="passes")["verdict"] == "passed"
    run = server.run("with_a_joinable_thread")
    assert run["verdict"] == "failed"
    assert run["counts"]["passed"] == 1 and run["counts"]["failed"] == 1
    # The suite's own output says why, and what to do.
    assert "not joined" in server.cli("runs", "logs", str(run["id"])).stdout
