# SPDX-License-Identifier: MIT
"""What a careless or hostile client sends, and what the server says."""
import http.server
import socket
import threading
import urllib.parse

CONFIG = "suites:\n  - {name: ok, kind: command, command: ['true']}\n"


def problem(answer, status, code):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    document = answer.json
    assert document["code"] == code and document["status"] == status
    assert document["title"] and document["request_id"]
    return document


def test_malformed_and_wrong_requests_are_named(make_server):
    server = make_server(CONFIG)
    post = lambda body, **more: server.post("/api/v1/runs", body, **more)
    problem(post("{"), 400, "invalid")
    problem(post("[]"), 400, "invalid")
    assert "colour" in problem(post({"suite": "ok", "colour": "red"}), 400, "invalid")["detail"]
    problem(post({"suite": 7}), 400, "invalid")
    problem(post({}), 400, "invalid")
    problem(post({"suite": "ok", "filter": "("}), 400, "invalid")
    problem(post({"suite": "ok", "timeout": "soon"}), 400, "invalid")
    problem(post({"suite": "nope"}), 404, "not_found")
    problem(post('{"suite":' + "[" * 100000), 400, "invalid")
    problem(post('{"suite":"' + "x" * (9 << 20) + '"}'), 413, "too_large")
    problem(server.get("/api/v1/runs/abc"), 404 if server.get("/api/v1/runs/abc").status == 404 else 400,
            "not_found" if server.get("/api/v1/runs/abc").status == 404 else "invalid")
    problem(server.get("/api/v1/runs/99999"), 404, "not_found")
    problem(server.get("/api/v1/nothing"), 404, "not_found")
    problem(server.get("/api/v1/runs?limit=0"), 400, "invalid")
    problem(server.get("/api/v1/runs?cursor=%00"), 400, "invalid")
    assert server.request("PATCH", "/api/v1/runs").status == 405


def test_names_that_are_paths_are_refused(make_server):
    server = make_server(CONFIG)
    for name in ("..", "a%2f..%2fb", "%2e%2e%2fx", "a%00b", "a%5cb", ".hidden", "-x", "x" * 200):
        answer = server.request("PUT", f"/api/v1/suites/ns/{name}",
                                {"kind": "command", "command": ["true"]})
        assert answer.status in (400, 404), (name, answer)


def test_every_awkward_byte_survives_in_test_names(make_server, tmp_path):
    names = ["with space", "sl/ash", "quote\"'", "ünïcödé ✓", "a;b|c&d $(x) `y`", "<b>&amp;", "50%", "tab\there"]
    script = tmp_path / "tap.sh"
    script.write_text(f"echo 1..{len(names)}\n"
                      + "".join(f"cat <<'X'\nok {i + 1} - {n}\nX\n" for i, n in enumerate(names)))
    server = make_server(f"suites:\n  - {{name: odd, kind: tap, command: [sh, {script}]}}\n")
    run = server.run("odd")
    assert run["verdict"] == "passed"
    assert set(server.tests(run["id"])) == set(names)
    for name in names:
        log = server.get(f"/api/v1/runs/{run['id']}/log?test={urllib.parse.quote(name)}")
        assert log.status == 200
    junit = server.get(f"/api/v1/runs/{run['id']}/junit.xml")
    assert junit.status == 200 and b"<b>&amp;" not in junit.body


def test_who_may_do_what(make_server):
    server = make_server(CONFIG)
    tokens = {scope: server.api("POST", "/tokens", {"name": scope, "scope": scope})["token"]
              for scope in ("viewer", "operator", "admin")}
    problem(server.get("/api/v1/runs", token=None), 401, "unauthenticated")
    problem(server.get("/api/v1/runs", token="wrong"), 401, "unauthenticated")
    assert server.get("/api/v1/runs", token=tokens["viewer"]).status == 200
    problem(server.post("/api/v1/runs", {"suite": "ok"}, token=tokens["viewer"]), 403, "forbidden")
    assert server.post("/api/v1/runs", {"suite": "ok"}, token=tokens["operator"]).status == 201
    problem(server.get("/api/v1/tokens", token=tokens["operator"]), 403, "forbidden")
    assert server.get("/api/v1/runs", token=None, headers={"X-API-KEY": tokens["viewer"]}).status == 200
    stored = b"".join(p.read_bytes() for p in server.data.rglob("*") if p.is_file() and p.name != "admin-token")
    for token in tokens.values():
        assert token.encode() not in stored, "tokens are stored hashed"


def test_broken_http_is_refused_and_others_are_served(make_server):
    server = make_server(CONFIG)
    parts = urllib.parse.urlsplit(server.url)
    for raw in (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", b"\x16\x03\x01\x00\x00", b"GET\r\n\r\n"):
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
            connection.sendall(raw)
            answer = connection.recv(4096)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400"), (raw, answer)
    assert server.get("/livez", token=None).status == 200


def test_a_suite_that_lists_too_many_cases_ends_errored(make_server, tmp_path):
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\ncase $1 in --gtest_list*) echo S.; seq -f '  c%.0f' 50001;; esac\n")
    tool.chmod(0o755)
    server = make_server(f"suites:\n  - {{name: big, kind: gtest, command: ['{tool}']}}\n")
    done = server.cli("run", "big", check=11)
    assert "lists 50001 cases" in done.stdout + done.stderr


def test_what_is_no_baton_server_is_told(make_server):
    server = make_server(CONFIG)

    class Portal(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>please log in</html>")

        do_POST = do_GET

        def log_message(self, *_):
            pass

    portal = http.server.HTTPServer(("127.0.0.1", 0), Portal)
    threading.Thread(target=portal.serve_forever, daemon=True).start()
    try:
        for verb in (("runs", "ls"), ("whoami",), ("events", "--limit", "1"), ("run", "ok")):
            done = server.cli(*verb, env={"BATON_URL": f"http://127.0.0.1:{portal.server_port}"})
            assert done.returncode == 6, (verb, done)
            assert "not a Baton server" in done.stderr and "fix:" in done.stderr
    finally:
        portal.shutdown()
