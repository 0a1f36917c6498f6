# SPDX-License-Identifier: MIT
"""`baton gate`: opened, waited for, decided, logged to, looked at and redelivered from a shell."""
import contextlib
import http.server
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from baton_server import BATON, wait_for
from fakes.hook_receiver import FakeHookReceiver
from lock_world import free_port

ROOT = pathlib.Path(__file__).parents[2]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SUITE = """
suites:
  - {name: smoke, namespace: pay, kind: command, command: [sh, -c, 'echo tested; exit ${BATON_PARAM_CODE:-0}']}
  - {name: long, namespace: pay, kind: command, command: [sleep, '300']}
"""


@pytest.fixture
def gates(make_server):
    """A server on a port of its own, which it keeps when it is started again."""
    return make_server(config=SUITE, args=["--listen", f"127.0.0.1:{free_port()}"])


def opened(server, *words, **more):
    done = server.cli("gate", "open", *(words or ("--external",)), check=0, **more)
    assert done.stdout.startswith("gat_") and done.stdout.count("\n") == 1
    return done.stdout.strip()


def gate_of(server, gate):
    return server.api("GET", f"/gates/{gate}")


@contextlib.contextmanager
def started(server, *words, stdin=None, **env):
    environment = server.environment()
    environment.update(BATON_URL=server.url, BATON_TOKEN=server.token, **env)
    process = subprocess.Popen([BATON, "gate", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               stdin=stdin, cwd=server.folder, env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()


def ended(process, code, seconds=30):
    assert process.wait(seconds) == code, (process.returncode, process.stdout.read(), process.stderr.read())
    return process.stdout.read(), process.stderr.read()


@pytest.mark.parametrize(("words", "code"), [
    (("passed",), 0), (("failed", "--reason", "2 of 40"), 30), (("errored",), 30), (("cancelled",), 30),
    (("timed_out",), 31)])
def test_a_wait_ends_with_the_verdict_as_its_exit_code(gates, words, code):
    gate = opened(gates, "--external", "--name", "accept")
    with started(gates, "wait", gate) as waiting:
        assert f"waiting for gate {gate} (accept)" in waiting.stderr.readline()
        gates.cli("gate", "verdict", gate, *words, check=0)
        out, _ = ended(waiting, code)
    assert f"gate {gate} (accept) {words[0]}" in out and (code == 0 or "2 of 40" in out or len(words) == 1)
    # Who comes late hears the same at once.
    document = json.loads(gates.cli("gate", "wait", gate, "--output", "json", check=code).stdout)
    assert (document["state"], document["verdict"]) == ("decided", words[0])


def test_ends_that_are_no_verdict(gates):
    cancelled = opened(gates)
    gates.cli("gate", "cancel", cancelled, "--reason", "not needed", check=0)
    assert "not needed" in gates.cli("gate", "wait", cancelled, check=30).stdout
    late = opened(gates, "--external", "--timeout", "300ms")
    assert "no verdict within 300ms" in gates.cli("gate", "wait", late, check=31).stdout
    lenient = opened(gates, "--external", "--timeout", "300ms", "--on-timeout", "passed")
    gates.cli("gate", "wait", lenient, check=0)
    older = opened(gates, "--external", "--key", "shop/main")
    opened(gates, "--external", "--key", "shop/main")
    assert "superseded" in gates.cli("gate", "wait", older, check=30).stdout
    begun = time.monotonic()
    over = gates.cli("gate", "wait", opened(gates), "--timeout", "700ms", check=124)
    assert 0.6 < time.monotonic() - begun < 10
    assert "fix: baton gate wait gat_" in over.stderr
    gates.cli("gate", "wait", opened(gates), "--timeout", "0s", check=124)
    unknown = gates.cli("gate", "wait", "gat_none", check=3)
    assert "gat_none" in unknown.stderr and "fix:" in unknown.stderr
    gates.cli("gate", "wait", check=2)
    gates.cli("gate", "wait", "gat_1", "--timeout", "soon", check=2)


def test_a_stage_of_gocd_fetches_the_newest_verdict_by_its_key(gates):
    assert "no gate of the key" in gates.cli("gate", "wait", "--key", "shop/42", check=3).stderr
    gates.cli("gate", "verdict", opened(gates, "--external", "--key", "shop/42"), "passed", check=0)
    newest = opened(gates, "--external", "--key", "shop/42")
    gates.cli("gate", "verdict", "--key", "shop/42", "failed", "--reason", "broken", check=0)
    assert gate_of(gates, newest)["verdict"] == "failed"
    assert "broken" in gates.cli("gate", "wait", "--key", "shop/42", check=30).stdout
    assert newest in gates.cli("gate", "view", "--key", "shop/42", check=0).stdout


def test_a_wait_outlasts_the_server(gates):
    gate = opened(gates)
    with started(gates, "wait", gate) as waiting:
        waiting.stderr.readline()
        gates.kill()
        assert "trying again" in waiting.stderr.readline()
        gates.start()
        gates.cli("gate", "verdict", gate, "passed", check=0)
        ended(waiting, 0)


def test_a_server_that_never_answers_is_told(gates):
    done = gates.cli("gate", "wait", "gat_1", env={"BATON_URL": f"http://127.0.0.1:{free_port()}"}, check=6)
    assert "fix:" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_wait_and_not_the_gate(gates, number, code):
    gate = opened(gates)
    with started(gates, "wait", gate) as waiting:
        waiting.stderr.readline()
        waiting.send_signal(number)
        ended(waiting, code)
    assert gate_of(gates, gate)["state"] == "pending"


def test_a_run_is_started_and_its_verdict_waited_for(gates, tmp_path):
    report = tmp_path / "junit.xml"
    done = gates.cli("gate", "open", "--suite", "pay/smoke", "--ref", "abc", "--wait", "--junit", str(report), check=0)
    gate, told = done.stdout.splitlines()[:2]
    assert told.startswith(f"✓ gate {gate} passed: run ")
    assert "<testsuite" in report.read_text()
    document = gate_of(gates, gate)
    assert gates.api("GET", f"/runs/{document['subject']['run']}")["reference"] == "abc"
    assert "tested" in gates.cli("gate", "log", gate, check=0).stdout
    again = opened(gates, "--run", str(document["subject"]["run"]))
    assert gate_of(gates, again)["verdict"] == "passed"
    gates.cli("gate", "open", "--suite", "pay/none", check=3)
    failing = gates.cli("gate", "open", "--suite", "pay/smoke", "--param", "code=3", "--wait", check=30)
    assert "logs: baton runs logs 2 --failed" in failing.stdout


def test_requests_from_files_and_standard_input(gates):
    request = {"subject": {"external": True}, "key": "a", "labels": {"team": "pay"}, "timeout": "5m"}
    (gates.folder / "gate.json").write_text(json.dumps(request))
    gate = opened(gates, "-f", "gate.json", "--key", "b")
    assert (gate_of(gates, gate)["key"], gate_of(gates, gate)["labels"]) == ("b", {"team": "pay"})
    assert gate_of(gates, opened(gates, "-f", "-", stdin=json.dumps(request)))["key"] == "a"
    first = opened(gates, "--external", "--idempotency-key", "build-7")
    assert opened(gates, "--external", "--idempotency-key", "build-7") == first
    for words in (["--external", "--run", "1"], [], ["-f", "none.json"], ["--external", "--label", "x"],
                  ["--external", "--deliver", "webhook/none"], ["--external", "--timeout", "0s"]):
        refused = gates.cli("gate", "open", *words)
        assert refused.returncode in (2, 3) and "fix:" in refused.stderr, (words, refused)


def test_the_first_verdict_wins(gates):
    gate = opened(gates)
    gates.cli("gate", "verdict", gate, "passed", "--details", "https://ci.corp/7", check=0)
    gates.cli("gate", "verdict", gate, "passed", check=0)
    late = gates.cli("gate", "verdict", gate, "failed", check=7)
    assert "passed" in late.stderr and "fix:" in late.stderr
    assert "https://ci.corp/7" in gates.cli("gate", "wait", gate, check=0).stdout
    gates.cli("gate", "cancel", gate, check=7)
    gates.cli("gate", "verdict", opened(gates), "perhaps", check=2)
    gates.cli("gate", "verdict", opened(gates), check=2)


def test_lines_of_a_pipe_are_in_the_log_as_they_come(gates):
    gate = opened(gates)
    with started(gates, "log", gate, "--append", "--tee", stdin=subprocess.PIPE) as writer, \
            started(gates, "log", gate, "--follow") as reader:
        for line in ("one", "zwei ü"):
            writer.stdin.write(line + "\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == line + "\n"
            assert reader.stdout.readline() == line + "\n"
        writer.stdin.write("no end of line")
        writer.stdin.close()
        writer.stdin = None
        ended(writer, 0)
        assert reader.stdout.readline() == "no end of line\n"
        gates.cli("gate", "verdict", gate, "passed", check=0)
        ended(reader, 0)
    assert gates.cli("gate", "log", gate, check=0).stdout == "one\nzwei ü\nno end of line\n"


def test_a_cancelled_job_leaves_its_last_lines(gates):
    gate = opened(gates)
    with started(gates, "log", gate, "--append", "--tee", stdin=subprocess.PIPE) as writer:
        writer.stdin.write("running\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == "running\n"
        writer.send_signal(signal.SIGTERM)
        writer.stdin.write("cleaning up\n")
        writer.stdin.flush()
        ended(writer, 143)
    assert gates.cli("gate", "log", gate, check=0).stdout == "running\ncleaning up\n"


def test_a_file_that_cannot_be_saved_keeps_nobody_from_the_others(gates, tmp_path):
    gate = opened(gates)
    for path in ("a", "a/b", "c"):
        gates.api("PUT", f"/gates/{gate}/artifacts/{path}", path)
    done = gates.cli("gate", "artifacts", gate, "--download", str(tmp_path / "out"), check=1)
    assert (tmp_path / "out" / "a").read_text() == "a" and (tmp_path / "out" / "c").read_text() == "c"
    assert "a/b" in done.stderr


def test_a_gate_that_has_ended_does_not_stop_who_writes(gates):
    gate = opened(gates)
    gates.cli("gate", "verdict", gate, "passed", check=0)
    lines = "".join(f"line {i}\n" for i in range(20_000))
    done = gates.cli("gate", "log", gate, "--append", "--tee", stdin=lines, check=7)
    assert done.stdout == lines and "has ended" in done.stderr


class Unlucky(http.server.BaseHTTPRequestHandler):
    """Hands calls on to a server, and loses the answers to what is appended every second time."""
    protocol_version = "HTTP/1.0"

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Content-Length")}
        answer = self.server.behind.request(self.command, self.path, body, headers)
        if self.command == "POST" and self.path.endswith("/log"):
            self.server.appended += 1
            if self.server.appended % 2:
                self.close_connection = True
                return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name not in ("Transfer-Encoding", "Connection", "Content-Length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = pass_on

    def log_message(self, *_):
        pass


@pytest.fixture
def unlucky(gates):
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Unlucky)
    proxy.behind, proxy.appended = gates, 0
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()


@pytest.mark.parametrize("subject", [{"external": True}, {"suite": "pay/long"}])
def test_lines_whose_answer_was_lost_are_there_once(gates, unlucky, subject):
    """Also behind what a run prints, of which nobody knows how long it gets."""
    gate = gates.api("POST", "/gates", {"subject": subject})["id"]
    lines = "".join(f"line {i} of many, {'x' * 80}\n" for i in range(5_000))
    gates.cli("gate", "log", gate, "--append", stdin=lines, check=0,
              env={"BATON_URL": f"http://127.0.0.1:{unlucky.server_port}"})
    assert unlucky.appended > 4
    assert gates.cli("gate", "log", gate, check=0).stdout == lines


def test_artifacts_go_in_and_come_out(gates, tmp_path):
    gate = opened(gates)
    out = gates.folder / "out"
    (out / "deep").mkdir(parents=True)
    (out / "a b.txt").write_text("eins")
    (out / "empty").write_bytes(b"")
    (out / "deep/ü%+.bin").write_bytes(bytes(range(256)) * 4096)
    gates.cli("gate", "artifacts", "put", gate, "out", check=0)
    listed = json.loads(gates.cli("gate", "artifacts", gate, "--output", "json", check=0).stdout)["items"]
    assert [one["path"] for one in listed] == ["out/a b.txt", "out/deep/ü%+.bin", "out/empty"]
    saved = tmp_path / "saved"
    gates.cli("gate", "artifacts", gate, "--download", str(saved), check=0)
    for name in ("a b.txt", "deep/ü%+.bin", "empty"):
        assert (saved / "out" / name).read_bytes() == (out / name).read_bytes()
    assert sorted(p.name for p in saved.rglob("*") if p.is_file()) == ["a b.txt", "empty", "ü%+.bin"]
    some = tmp_path / "some"
    some.mkdir()
    gates.cli("gate", "artifacts", gate, "out/deep/", cwd=some, check=0)
    assert [p.name for p in some.rglob("*") if p.is_file()] == ["ü%+.bin"]
    assert "has no artifact" in gates.cli("gate", "artifacts", gate, "none", check=3).stderr
    gates.cli("gate", "artifacts", "put", gate, "nowhere", check=3)
    gates.cli("gate", "artifacts", "put", gate, check=2)


def test_a_verdict_brings_its_files(gates, tmp_path):
    gate = opened(gates, "--external", "--name", "accept")
    (gates.folder / "report.xml").write_text(
        '<testsuite name="s"><testcase name="adds"><failure message="2 is not 3"/></testcase></testsuite>')
    gates.cli("gate", "verdict", gate, "failed", "--artifact", "report.xml", "--artifact",
              "trace=https://traces.corp/7", check=0)
    listed = json.loads(gates.cli("gate", "artifacts", gate, "--output", "json").stdout)["items"]
    assert {one["path"]: one.get("url") for one in listed} == {"report.xml": None, "trace": "https://traces.corp/7"}
    gates.cli("gate", "wait", gate, "--junit", str(tmp_path / "j.xml"), check=30)
    assert "2 is not 3" in (tmp_path / "j.xml").read_text()
    done = gates.cli("gate", "artifacts", gate, "--download", str(tmp_path / "all"), check=0)
    assert "trace is kept elsewhere: https://traces.corp/7" in done.stderr
    assert [p.name for p in (tmp_path / "all").iterdir()] == ["report.xml"]
    # A step that publishes results does not pass because there are none.
    empty = opened(gates, "--external", "--timeout", "200ms")
    gates.cli("gate", "wait", empty, check=31)
    gates.cli("gate", "artifacts", empty, "--junit", str(tmp_path / "none.xml"), check=0)
    assert "<error" in (tmp_path / "none.xml").read_text()


class Hostile(http.server.BaseHTTPRequestHandler):
    """A server whose artifacts want out of the folder."""

    def do_GET(self):
        body = b"stolen"
        if self.path.split("?")[0].endswith("/artifacts"):
            body = json.dumps({"items": [{"path": self.server.wanted, "size": 6}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-Id", "r")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out", "..", "a//b", "", "a/./b", "a\u0000b"])
def test_nothing_is_written_outside_the_folder(gates, tmp_path, path):
    hostile = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    hostile.wanted = path
    threading.Thread(target=hostile.serve_forever, daemon=True).start()
    folder = tmp_path / "x/saved"
    done = gates.cli("gate", "artifacts", "gat_1", "--download", str(folder),
                     env={"BATON_URL": f"http://127.0.0.1:{hostile.server_port}"})
    hostile.shutdown()
    hostile.server_close()
    assert done.returncode == 2, done
    assert [p for p in tmp_path.rglob("*") if p.is_file() and "saved" in str(p)] == []
    assert not (tmp_path / "x/out").exists() and not (tmp_path / "out").exists()


def test_gates_are_listed_by_state_key_and_label(gates):
    first = opened(gates, "--external", "--key", "a", "--label", "team=pay", "--environment", "uat")
    second = opened(gates, "--external", "--name", "zwei")
    gates.cli("gate", "verdict", second, "passed", check=0)

    def listed(*words):
        text = gates.cli("gate", "ls", *words, "--output", "json", check=0).stdout
        return [one["id"] for one in json.loads(text)["items"]]

    assert listed() == [second, first]
    assert listed("--state", "pending") == listed("--key", "a") == listed("--label", "team=pay") == [first]
    table = gates.cli("gate", "ls", check=0).stdout
    assert "zwei" in table and "external" in table
    assert "more: --cursor" in gates.cli("gate", "ls", "--limit", "1", check=0).stderr
    view = gates.cli("gate", "view", first, check=0).stdout
    assert "uat" in view and "lse_" in view and "team=pay" in view
    gates.cli("gate", "ls", "--state", "open", check=2)
    assert "id: " + first in gates.cli("gate", "view", first, "--output", "yaml", check=0).stdout


def test_a_dead_delivery_is_seen_and_brought_again(make_server):
    with FakeHookReceiver(secrets=[SECRET], answers=410) as hooks:
        config = (f"links:\n  webhook: {{ci: {{url: \"{hooks.url}/hook\", secret: {{env: HOOK_SECRET}}}}}}\n")
        server = make_server(config=config, env={"HOOK_SECRET": SECRET})
        gate = opened(server, "--external", "--deliver", "webhook/ci", "--deliver", 'webhook/ci:{"when":"failed"}')
        with started(server, "wait", gate) as waiting:
            server.cli("gate", "verdict", gate, "passed", check=0)
            ended(waiting, 0)
        dead = lambda: json.loads(server.cli("gate", "deliveries", "--state", "dead", "--output", "json").stdout)
        (delivery,) = wait_for(lambda: dead()["items"], what="the dead letter")
        assert (delivery["error_class"], delivery["last_status"]) == ("peer_gone", 410)
        assert "1 dead, 1 skipped" in server.cli("gate", "ls", check=0).stdout
        assert "peer_gone" in server.cli("gate", "view", gate, check=0).stdout
        hooks.answers = 204
        server.cli("gate", "redeliver", gate, check=0)
        (message,) = hooks.wait_messages(1)
        assert (message.type, message.data["verdict"]) == ("gate.decided", "passed")
        wait_for(lambda: not dead()["items"], what="no dead letter")
        assert server.cli("gate", "redeliver", gate, check=7).stderr.startswith("baton: gate redeliver")
        server.cli("gate", "redeliver", delivery["id"], check=7)
        server.cli("gate", "redeliver", "del_none", check=3)
        server.cli("gate", "redeliver", "gat_none", check=3)


def test_links_that_lack_something_are_told_and_the_file_is_good(gates):
    (gates.folder / "links.yaml").write_text("links:\n  gocd: {main: {url: \"https://gocd\", token: {env: NOPE}}}\n")
    done = gates.cli("validate", "links.yaml", check=0)
    assert "warning: links.gocd.main: token: the variable NOPE is not set" in done.stderr
    gates.cli("validate", "links.yaml", env={"NOPE": "x", "BATON_PUBLIC_URL": "https://baton"}, check=0)
    warnings = json.loads(gates.cli("validate", "links.yaml", "--output", "json",
                                    env={"NOPE": "x", "BATON_PUBLIC_URL": "https://baton"}).stdout)["warnings"]
    assert warnings == []


def test_the_example_runs(tmp_path):
    done = subprocess.run(["/usr/bin/python3", str(ROOT / "examples/gates/demo.py"), str(tmp_path / "data")],
                          capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, "BATON": BATON, "HOME": str(tmp_path)})
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "webhook: gate shop/1 passed" in done.stdout
    assert "webhook: gate shop/2 failed" in done.stdout
