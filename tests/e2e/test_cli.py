# SPDX-License-Identifier: MIT
"""The command line: exit codes, output, errors with their fix."""
import json
import subprocess

CONFIG = r"""
suites:
  - {name: ok, namespace: demo, kind: command, command: [sh, -c, "echo hello"]}
  - {name: red, kind: command, command: [sh, -c, "echo why; exit 3"]}
  - {name: crash, kind: command, command: [sh, -c, "kill -SEGV $$"]}
  - {name: flaky, kind: command, max_attempts: 2, command: [sh, -c, 'test "$BATON_ATTEMPT" -ge 2']}
  - {name: slow, kind: command, command: [sleep, "60"], kill_grace: 100ms}
"""


def test_run_exits_by_the_table(make_server):
    server = make_server(CONFIG)
    server.cli("run", "demo/ok", check=0)
    server.cli("run", "red", check=10)
    server.cli("run", "crash", check=11)
    server.cli("run", "flaky", check=0)
    server.cli("run", "flaky", "--fail-on-flaky", check=12)
    server.cli("run", "demo/ok", "--filter", "zzz", check=5)
    server.cli("run", "demo/ok", "--filter", "zzz", "--allow-empty", check=0)
    server.cli("run", "slow", "--timeout", "300ms", check=124)
    missing = server.cli("run", "nope", check=3)
    assert missing.stderr.startswith("baton: ") and "\nfix: " in missing.stderr
    server.cli("run", check=2)
    server.cli("rnu", check=2)
    server.cli("run", "demo/ok", env={"BATON_TOKEN": "wrong"}, check=4)
    server.cli("run", "demo/ok", env={"BATON_URL": "http://127.0.0.1:1"}, check=6)


def test_output_is_data_on_stdout_and_narration_on_stderr(make_server, tmp_path):
    server = make_server(CONFIG)
    done = server.cli("run", "red", "--output", "json", "--junit", str(tmp_path / "out.xml"), check=10)
    assert json.loads(done.stdout)["verdict"] == "failed"
    assert "<testsuite" in (tmp_path / "out.xml").read_text()
    run = json.loads(done.stdout)["id"]
    assert server.cli("runs", "logs", str(run), check=0).stdout == "why\n"
    assert json.loads(server.cli("runs", "ls", "--output", "json").stdout)["items"][0]["id"] == run
    assert "red" in server.cli("runs", "ls").stdout
    assert "red" in server.cli("suites", "ls").stdout
    assert "kind: command" in server.cli("suites", "view", "red", "--output", "yaml").stdout
    assert "failed" in server.cli("runs", "view", str(run)).stdout
    number = server.cli("run", "demo/ok", "--no-wait", check=0).stdout.strip()
    server.cli("runs", "watch", number, check=0)
    assert server.cli("runs", "rerun", str(run), check=10)
    assert "<testsuite" in server.cli("runs", "export", str(run)).stdout
    assert json.loads(server.cli("whoami", "--output", "json").stdout)["scope"] == "admin"
    server.cli("doctor", check=0)
    assert server.cli("version", check=0).stdout.startswith("baton")
    assert json.loads(server.cli("api", "GET", f"/runs/{run}").stdout)["id"] == run
    events = server.cli("events", check=0).stdout
    assert "run.finished" in events


def test_any_test_command_runs_without_configuration(make_server, tmp_path):
    server = make_server()
    script = tmp_path / "tests.sh"
    script.write_text("#!/bin/sh\necho '1..2'\necho 'ok 1 - a'\necho 'not ok 2 - b'\n")
    script.chmod(0o755)
    done = server.cli("run", "--", str(script), check=10, cwd=tmp_path)
    assert "tap" in done.stderr
    assert {t["name"] for t in server.api("GET", "/runs/1/tests")["items"]} == {"a", "b"}


def test_any_test_command_runs_without_a_server(make_server, tmp_path):
    server = make_server(start=False)
    environment = server.environment()
    done = subprocess.run([server.command()[0], "run", "--", "true"], capture_output=True, text=True,
                          cwd=tmp_path, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_tokens_contexts_and_schedules(make_server):
    server = make_server(CONFIG)
    made = json.loads(server.cli("token", "create", "ci", "--scope", "viewer", "--output", "json").stdout)
    server.cli("runs", "ls", env={"BATON_TOKEN": made["token"]}, check=0)
    server.cli("token", "revoke", made["id"], check=0)
    server.cli("runs", "ls", env={"BATON_TOKEN": made["token"]}, check=4)
    server.cli("login", server.url, "--token", server.token, "--name", "here", check=0)
    assert "here" in server.cli("context", "ls").stdout
    server.cli("runs", "ls", env={"BATON_URL": "", "BATON_TOKEN": ""}, check=0)
    server.cli("schedule", "set", "often", "--suite", "demo/ok", "--cron", "0 2 * * *",
               "--time-zone", "Europe/Vienna", check=0)
    assert "often" in server.cli("schedule", "ls").stdout
    server.cli("schedule", "pause", "often", check=0)
    server.cli("schedule", "trigger", "often", check=0)
    server.cli("schedule", "rm", "often", check=0)
    server.cli("schedule", "rm", "often", check=3)


def test_configuration_is_checked_with_places_and_suggestions(make_server, tmp_path):
    server = make_server()
    bad = tmp_path / "baton.yaml"
    bad.write_text("suites:\n  - {name: x, kind: comand, comand: [x]}\n")
    done = server.cli("validate", str(bad), check=2)
    assert "baton.yaml:2" in done.stderr and "command" in done.stderr
    bad.write_text(CONFIG)
    server.cli("validate", str(bad), check=0)
    server.cli("apply", "-f", str(bad), check=0)
    assert server.run("demo/ok")["verdict"] == "passed"
    assert json.loads(server.cli("config", "schema").stdout)["$schema"].startswith("https://json-schema.org")
