# SPDX-License-Identifier: MIT
"""`baton env`, `baton compat call-me`, and `baton lock exec` on a terminal."""
import http.server
import json
import os
import pty
import select
import threading
import time

import pytest

from baton_server import BATON, wait_for
from lock_world import CallMe, Locks, end


@pytest.fixture
def locks(make_server, tmp_path):
    return Locks(make_server, tmp_path)


def test_environments_are_declared_looked_at_and_closed(locks):
    server = locks.server
    server.cli("env", "set", "uat", "--slots", "2", "--label", "team=pay", "--ttl", "10m", check=0)
    server.cli("env", "set", "uat", "--description", "for payments", check=0)
    uat = locks.environment()
    assert (uat["slots"], uat["labels"], uat["description"]) == (2, {"team": "pay"}, "for payments")
    lease = server.cli("lock", "acquire", "--label", "team=pay", "--holder", "a", check=0).stdout.strip()
    assert "a" in server.cli("env", "ls", "--label", "team=pay", check=0).stdout
    assert lease in server.cli("env", "view", "uat", check=0).stdout
    listed = json.loads(server.cli("lock", "ls", "--output", "json", check=0).stdout)["items"]
    assert [one["id"] for one in listed] == [lease]
    server.cli("env", "drain", "uat", check=2)
    server.cli("env", "drain", "uat", "--reason", "goes away", check=0)
    server.cli("env", "enable", "uat", check=0)
    server.cli("lock", "release", lease, "--note", "done", check=0)
    assert lease in server.cli("env", "history", "uat", check=0).stdout
    assert "held" in server.cli("env", "utilisation", "uat", check=0).stdout
    assert server.cli("env", "utilisation", "uat", "--format", "csv", check=0).stdout.startswith("environment,")
    assert json.loads(server.cli("env", "queue", "uat", "--output", "json", check=0).stdout)["items"] == []
    server.cli("env", "book", "uat", "--from", "2020-01-01T00:00:00Z", "--to", "2099-01-01T00:00:00Z", check=2)
    server.cli("env", "book", "uat", "--from", "2020-01-01T00:00:00Z", "--to", "2099-01-01T00:00:00Z",
               "--owner", "load-test", "--note", "the big one", check=0)
    (booking,) = json.loads(server.cli("env", "bookings", "--output", "json").stdout)["items"]
    assert "load-test" in server.cli("lock", "acquire", "uat", check=22).stderr
    assert "load-test" in server.cli("lock", "acquire", "uat", "--wait", "1s", check=22).stderr
    server.cli("lock", "exec", "uat", "--holder", "load-test", "--", "true", check=0)
    server.cli("env", "unbook", booking["id"], check=0)
    server.cli("env", "rm", "uat", check=0)
    server.cli("env", "view", "uat", check=3)


def test_on_a_terminal_the_command_is_in_the_foreground_and_gets_ctrl_c_once(locks):
    script = ("trap 'echo caught; n=$((n + 1))' INT; echo ready; read line; echo got $line; "
              "while [ -z \"$n\" ]; do sleep 0.1; done; sleep 0.3; exit $((40 + n))")
    pid, terminal = pty.fork()
    if pid == 0:
        env = locks.server.environment()
        env.update(BATON_URL=locks.server.url, BATON_TOKEN=locks.server.token)
        os.execve(BATON, [BATON, "lock", "exec", "uat", "--", "sh", "-c", script], env)
    shown = b""

    def until(text):
        nonlocal shown
        while text not in shown:
            assert select.select([terminal], [], [], 30)[0], shown
            shown += os.read(terminal, 4096)

    try:
        until(b"ready")
        os.write(terminal, b"hello\n")
        until(b"got hello")
        os.write(terminal, b"\x03")
        until(b"caught")
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 41, shown
    assert locks.holders() == []


def test_call_me_is_spoken_to_whoever_serves_it(locks):
    old = http.server.ThreadingHTTPServer(("127.0.0.1", 0), CallMe)
    old.taken, old.asked = {"team uat/1"}, []
    threading.Thread(target=old.serve_forever, daemon=True).start()
    env = {"HOST": f"127.0.0.1:{old.server_port}", "API_KEY": "secret"}
    late = locks.server.cli("compat", "call-me", "request", "team uat/1", "--wait", "300ms",
                            "--interval", "100ms", env=env, check=20)
    assert "waiting for free slot on environment: team uat/1" in late.stderr
    waiting = locks.start("compat", "call-me", "request", "team uat/1", "--interval", "100ms", **env)
    wait_for(lambda: len(old.asked) > 5, what="questions")
    assert "freed" in locks.server.cli("compat", "call-me", "release", "team uat/1", env=env, check=0).stdout
    out, _ = end(waiting, 0)
    assert out.startswith("acquired slot for environment: team uat/1\nwaited ")
    env["API_KEY"] = "wrong"
    locks.server.cli("compat", "call-me", "request", "x", env=env, check=4)
    old.shutdown()
    old.server_close()
    # Baton serves the same wire; the lease has a name there.
    locks.server.cli("compat", "call-me", "request", "uat", check=0)
    assert len(locks.holders()) == 1
    locks.server.cli("compat", "call-me", "request", "uat", "--wait", "1s", check=20)
    waiting = locks.start("compat", "call-me", "request", "uat")
    time.sleep(1)
    locks.server.cli("compat", "call-me", "release", "uat", check=0)
    begun = time.monotonic()
    end(waiting, 0)
    assert time.monotonic() - begun < 4, "the server holds the question: no turns of 5 s"
