# SPDX-License-Identifier: MIT
"""Starting a server: what it says, what it serves, TLS, and suites that come from their programs."""
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import ssl
import subprocess
import time
import urllib.request

import pytest

from baton_server import BATON, wait_for

BUILD = pathlib.Path(os.environ.get("BATON_BUILD", "build/dev"))


def make_certificate(folder):
    """A certificate that signs itself and names another host than the one that is called."""
    folder.mkdir(parents=True, exist_ok=True)
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=baton.example", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_runs_execute_on_a_server_with_tls(make_server, tmp_path):
    cert, key = make_certificate(tmp_path / "tls")
    config = f"""
server: {{tls: {{certificate: {cert}, key: {key}}}}}
suites:
  - {{name: ok, kind: command, command: [sh, -c, "echo hello"]}}
"""
    server = make_server(config, start=False)
    context = ssl.create_default_context(cafile=str(cert))
    context.check_hostname = False

    def is_ready():
        try:
            server.url = json.loads((server.data / "server.json").read_text())["url"]
            server.token = (server.data / "admin-token").read_text().strip()
            with urllib.request.urlopen(server.url + "/readyz", context=context, timeout=5) as answer:
                return answer.status == 200
        except (OSError, ValueError):
            return False

    server.start(ready=False)
    wait_for(is_ready, what="a ready server: " + server.read_log())
    assert server.url.startswith("https://")
    # The runner and the command line know the server's key from the machine they share with it.
    done = server.cli("run", "ok", "--timeout", "30s", check=0)
    assert "passed" in done.stdout
    assert server.cli("runs", "logs", "1", check=0).stdout == "hello\n"
    server.cli("runs", "ls", env={"BATON_URL": "", "BATON_TOKEN": ""}, check=0)
    # Somebody else's key is refused, whoever vouches for it.
    entry = next((server.folder / "state/baton/servers").iterdir())
    known = json.loads(entry.read_text())
    entry.write_text(json.dumps({**known, "key_pin": "sha256//" + "A" * 43 + "="}))
    server.cli("runs", "ls", check=6)


def capture(server, *words, env=None, cwd=None):
    return subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, cwd=cwd or server.folder, env={**server.environment(), **(env or {})})


@pytest.mark.parametrize("words", [["up", "--no-open"], ["serve", "--demo"]])
def test_the_example_suite_passes_flakily_and_has_a_log(make_server, words):
    server = make_server(start=False)
    (server.folder / "baton.yaml").write_text("suites: [{name: mine, kind: command, command: ['true']}]")
    server.command = lambda: [BATON, *words, "--data", str(server.data), "--listen", "127.0.0.1:0"]
    server.start()
    run = server.run("demo/checkout")
    assert (run["verdict"], run["flaky"]) == ("passed", True)
    assert run["counts"]["total"] == 4
    assert "orders/1337" in server.cli("runs", "logs", str(run["id"]), check=0).stdout
    assert server.api("GET", f"/runs/{run['id']}/artifacts")["items"]
    assert server.run("mine")["verdict"] == "passed", "./baton.yaml is used as well"


def test_a_suite_program_serves_like_baton_does(make_server, tmp_path):
    server = make_server(start=False)
    program = BUILD / "bin/examples/embedded-server"
    words = [program, "serve", "--data", server.data, "--listen", "127.0.0.1:0"]
    first = capture(server, *words, env={"BATON_ADMIN_TOKEN": "mine"})
    try:
        told = first.stdout.readline() + first.stdout.readline()
        assert "ready at http://" in told and "mine" in told and str(server.data) in told
        assert (server.data / "admin-token").read_text().strip() == "mine"
        second = capture(server, *words)
        out, err = second.communicate(timeout=30)
        assert second.returncode == 7 and "fix: " in err, (out, err)
        url = json.loads((server.data / "server.json").read_text())["url"]
        third = capture(server, program, "serve", "--data", tmp_path / "other", "--listen",
                        url.removeprefix("http://"))
        out, err = third.communicate(timeout=30)
        assert third.returncode == 7 and "fix: " in err, (out, err)
    finally:
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0


def test_a_binary_says_what_its_entry_does_not(make_server):
    program = BUILD / "bin/shop"
    listed = json.loads(subprocess.run([program, "list", "--json"], capture_output=True, check=True).stdout)
    (own,) = listed["suites"]
    server = make_server(f"suites: [{{kind: cpp, command: [{program}]}}]")
    suite = server.api("GET", f"/suites/{own['namespace']}/{own['name']}")
    for key in ("description", "owner", "labels", "max_attempts", "back_off_ms", "timeout_ms",
                "attempt_timeout_ms", "workers"):
        assert suite[key] == own[key], key
    assert {case["name"] for case in suite["cases"]} == {case["name"] for case in own["cases"]}
    assert own["max_attempts"] > 1, "else this proves nothing"
    assert server.run(f"{own['namespace']}/{own['name']}")["verdict"] == "passed"
    revision = suite["revision"]
    server.stop()
    server.start()
    assert server.api("GET", f"/suites/{own['namespace']}/{own['name']}")["revision"] == revision
    server.stop()
    entry = f"{{name: {own['name']}, namespace: {own['namespace']}, kind: cpp, command: [{program}]"
    server.config.write_text(f"suites: [{entry}, max_attempts: 1, labels: {{team: me}}}}]")
    server.start()
    suite = server.api("GET", f"/suites/{own['namespace']}/{own['name']}")
    assert suite["max_attempts"] == 1 and suite["description"] == own["description"]
    assert suite["labels"] == {**own["labels"], "team": "me"}


def test_cases_stay_known_while_they_cannot_be_listed(make_server, tmp_path):
    program = tmp_path / "suite"
    shutil.copy(BUILD / "bin/shop", program)
    config = f"suites: [{{name: shop, namespace: examples, kind: cpp, command: [{program}]}}]"
    server = make_server(config)
    suite = lambda: server.api("GET", "/suites/examples/shop")
    wait_for(lambda: suite()["cases"], what="the cases")
    before = suite()
    server.stop()
    program.write_text("#!/bin/sh\necho does not build today >&2\nexit 1\n")
    server.start()
    after = wait_for(lambda: (s := suite()).get("discovery_error") and s, what="the error")
    assert "does not build today" in after["discovery_error"]
    assert after["cases"] == before["cases"] and after["max_attempts"] == before["max_attempts"]


def test_a_stop_does_not_wait_for_a_program_that_hangs(make_server, tmp_path):
    program = tmp_path / "hangs"
    program.write_text("#!/bin/sh\ntouch asked\nexec sleep 300\n")
    program.chmod(0o755)
    server = make_server(f"suites: [{{name: x, kind: gtest, command: [{program}], folder: {tmp_path}}}]")
    wait_for(lambda: (tmp_path / "asked").exists(), what="the question")
    start = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - start < 20


def test_a_suites_variables_are_nobodys_business(make_server, tmp_path):
    program = tmp_path / "slow"
    program.write_text("#!/bin/sh\ntouch asked\nexec sleep 300\n")
    program.chmod(0o755)
    # Longer than one argument of a process may be, too.
    globs = [f"{i}-{'x' * 200}" for i in range(1000)]
    server = make_server(f"""
suites: [{{name: x, kind: gtest, command: [{program}], folder: {tmp_path},
          variables: {{SECRET: s3cr3t-for-tests}}, artifacts: [{", ".join(globs)}]}}]
""")
    wait_for(lambda: (tmp_path / "asked").exists(), what="the question")
    seen = b"".join(line_of(entry) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit())
    assert b"s3cr3t-for-tests" not in seen
    server.stop()


def line_of(entry):
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


def test_readers_of_rare_events_do_not_keep_the_journal(make_server):
    server = make_server("suites: [{name: ok, kind: command, command: ['true']}]")
    server.api("PUT", "/schedules/s", {"suite": "ok", "cron": "0 2 * * *"})
    for _ in range(700):
        for action in ("pause", "resume"):
            server.api("POST", f"/schedules/s/{action}")
    with sqlite3.connect(server.data / "baton.db") as db:
        last = lambda: db.execute("SELECT MAX(seq) FROM event").fetchone()[0]
        told = lambda: dict(db.execute("SELECT name, seq FROM journal_reader"))
        assert last() > 1000
        wait_for(lambda: told().get("cleaner", 0) > last() - 1000, what="the cleaner's position")


def test_files_are_kept_where_the_configuration_says(make_server, tmp_path):
    config = f"""
server: {{files: {tmp_path}/files, instance: west}}
suites: [{{name: ok, kind: command, command: [sh, -c, "echo hello"]}}]
"""
    server = make_server(config)
    server.run("ok")
    assert list((tmp_path / "files/blobs/runs").rglob("*")), "the log"
    assert not (server.data / "blobs").exists() and (server.data / "baton.db").exists()
    assert 'instance="west"' in server.get("/metrics").body.decode()
    # The port of this server is taken: what is wrong and what to do, and the code of a conflict.
    other = capture(server, BATON, "serve", "--data", tmp_path / "other", "--listen",
                    server.url.removeprefix("http://"))
    out, err = other.communicate(timeout=30)
    assert other.returncode == 7 and "fix: " in err, (out, err)


def test_flags_say_how_the_log_is_written(make_server):
    server = make_server("{}", args=["--log-level", "debug", "--log-format", "json"])
    told = lambda: [json.loads(line) for line in server.read_log().splitlines() if '"serve.ready"' in line]
    (ready,) = wait_for(told, what="the line that says so")
    assert ready["level"] == "info" and ready["url"] == server.url
