# SPDX-License-Identifier: MIT
"""What the command line says when something is wrong: what, why, what to do, and the exit code."""
import json
import os
import signal
import subprocess

import pytest

from baton_server import BATON, Server, wait_for


def assert_error(done, code, *parts):
    """`baton: WHAT: WHY`, one `fix:` at its end, and the exit code."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    lines = done.stderr.rstrip("\n").splitlines()
    assert lines[0].startswith("baton: "), done.stderr
    fixes = [line for line in lines if line.startswith("fix: ")]
    assert len(fixes) == 1 and len(fixes[0]) > len("fix: ") and lines[-1] == fixes[0], done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr


def call(server, *command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          cwd=server.folder, env=server.environment(), timeout=60, check=False)


def test_a_server_that_does_not_start_says_what_to_do(make_server, binaries, tmp_path):
    server = make_server(start=False)
    file = tmp_path / "file"
    file.write_text("")
    for place in (file, file / "below", "/proc/no/folder"):
        assert_error(call(server, BATON, "serve", "--data", place, "--listen", "127.0.0.1:0"), 1)
    data = tmp_path / "damaged"
    data.mkdir()
    (data / "baton.db").write_bytes(b"not a database" * 1000)
    assert_error(call(server, BATON, "serve", "--data", data, "--listen", "127.0.0.1:0"), 1,
                 "damaged", "backup")
    for address in ("nowhere", "127.0.0.1:99999", "[::1"):
        assert_error(call(server, BATON, "serve", "--data", tmp_path / "d", "--listen", address), 2)
    server.config.write_text("suites: [")
    assert_error(call(server, BATON, "serve", "--config", server.config), 2, "baton.yaml:1")
    program = binaries / "examples/embedded-server"
    assert_error(call(server, program, "serve", "--config", server.config), 2, "baton.yaml:1")
    assert_error(call(server, program, "serve", "--listen", "nowhere"), 2)


WRONG_WORDS = [
    (("report", "upload", "no-file.xml", "--suite", "a/b"), 3),
    (("report", "upload", ".", "--suite", "a/b"), 1),
    (("report", "upload", "x.xml"), 2),
    (("run", "x", "--param", "novalue"), 2),
    (("run", "x", "--max-attempts", "many"), 2),
    (("run", "x", "--timeout", "soon"), 2),
    (("run", "--"), 2),
    (("run", "x", "--junit", "out.xml", "--no-wait"), 2),
    (("runs",), 2),
    (("schedule", "set", "s"), 2),
    (("runs", "export", "99"), 3),
    (("run", "x", "--", "true"), 2),
    (("run", "no-suite"), 3),
    (("runs", "view", "0"), 2),
    (("runs", "view", "99"), 3),
    (("runs", "watch", "99"), 3),
    (("runs", "logs", "1", "--lines", "-1"), 2),
    (("runs", "ls", "--state", "odd"), 2),
    (("runs", "ls", "--limit", "x"), 2),
    (("runs", "ls", "--output", "xml"), 2),
    (("runs", "export", "1", "--format", "pdf"), 2),
    (("runs", "lst"), 2),
    (("suites", "view", "nope"), 3),
    (("schedule", "set", "s", "--suite", "x", "--every", "1h", "--max-runs", "0"), 2),
    (("schedule", "rm", "nope"), 3),
    (("token", "create", "t", "--scope", "king"), 2),
    (("events", "--limit", "x"), 2),
    (("events", "--after", "x"), 2),
    (("api", "GET", "/nope"), 3),
    (("api", "POST", "/runs", "--data", "{"), 2),
    (("api", "POST", "/runs", "--data-file", "no-file"), 2),
    (("api", "GET", "/runs", "--header", "nocolon"), 2),
    (("context", "use", "nope"), 3),
    (("runs", "ls", "--context", "nope"), 3),
    (("completion", "tcsh"), 2),
    (("validate", "no-file.yaml"), 2),
    (("apply", "-f", "no-file.yaml"), 2),
    (("apply",), 2),
    (("version", "--", "x"), 2),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One server for all tests that change nothing."""
    server = Server(tmp_path_factory.mktemp("errors") / "server").start()
    yield server
    server.stop()


@pytest.mark.parametrize("words, code", WRONG_WORDS,
                         ids=["_".join(words) or "none" for words, _ in WRONG_WORDS])
def test_wrong_words_are_named_with_a_fix(shared, words, code):
    assert_error(shared.cli(*words), code)


def test_addresses_that_are_none_are_usage_errors(shared):
    for url in ("garbage", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port"):
        assert_error(shared.cli("runs", "ls", env={"BATON_URL": url}), 2, url)
    assert_error(shared.cli("runs", "ls", env={"BATON_URL": "http://127.0.0.1:1"}), 6)
    assert_error(shared.cli("runs", "ls", env={"BATON_TOKEN": "wrong"}), 4)


def test_a_file_that_cannot_be_written_is_told_after_the_run(shared, tmp_path):
    (tmp_path / "file").write_text("")
    done = shared.cli("run", "--junit", str(tmp_path / "file" / "x.xml"), "--", "true")
    assert done.returncode == 1 and "\nfix: " in done.stderr, done.stderr


def test_doctor_prints_a_document_and_forgives_what_was_recorded_once(make_server, tmp_path):
    server = make_server()
    script = tmp_path / "suite"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    server.cli("run", "--", str(script), check=10)
    script.unlink()
    found = json.loads(server.cli("doctor", "--output", "json", check=0).stdout)
    assert found["ok"] and found["server"]["url"] == server.url
    assert "the token is accepted" in {check["check"] for check in found["checks"] if check["ok"]}
    assert "checks:" in server.cli("doctor", "--output", "yaml", check=0).stdout
    refused = server.cli("doctor", "--output", "json", check=4, env={"BATON_TOKEN": "wrong"})
    failed = [check for check in json.loads(refused.stdout)["checks"] if not check["ok"]]
    assert len(failed) == 1 and failed[0]["fix"]
    server.cli("doctor", check=6, env={"BATON_URL": "http://127.0.0.1:1"})


def test_following_the_journal_ends_at_its_limit(make_server):
    server = make_server()
    server.cli("run", "--", "true", check=0)
    done = server.cli("events", "--follow", "--limit", "3", check=0, timeout=30)
    assert [int(line.split()[0]) for line in done.stdout.splitlines()] == [1, 2, 3]


def test_what_cannot_be_printed_is_no_success():
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([BATON, "version"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30,
                              check=False)
    assert done.returncode == 1 and "stdout" in done.stderr and "fix:" in done.stderr


def test_a_server_without_standard_descriptors_gives_their_numbers_to_no_file(make_server):
    server = make_server(start=False)
    os.makedirs(server.folder, exist_ok=True)
    server.process = subprocess.Popen(["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *server.command()],
                                      cwd=server.folder, env=server.environment())
    wait_for(server.is_ready, what="a ready server")
    places = [os.readlink(f"/proc/{server.process.pid}/fd/{fd}") for fd in range(3)]
    assert places == ["/dev/null"] * 3, places


def test_a_hang_up_drains_like_a_stop(make_server):
    server = make_server()
    server.process.send_signal(signal.SIGHUP)
    assert server.process.wait(30) == 0
    assert "serve.stopped" in server.read_log()
    # Below nohup a hang-up is of no interest.
    server.start()
    server.stop()
    ignoring = subprocess.Popen(["nohup", *server.command()], env=server.environment(),
                                cwd=server.folder, stdin=subprocess.DEVNULL,
                                stdout=open(server.log, "ab"), stderr=subprocess.STDOUT)
    server.process = ignoring
    (server.data / "server.json").unlink(missing_ok=True)
    wait_for(server.is_ready, what="a server below nohup")
    ignoring.send_signal(signal.SIGHUP)
    assert server.get("/livez").status == 200
    assert ignoring.poll() is None
