# SPDX-License-Identifier: MIT
"""Environments and leases over HTTP, with servers that stop, die and stand still."""
import os
import signal
import socket
import time

from baton_server import wait_for

CONFIG = """
environments:
  - {name: staging, slots: 1, ttl: 2s, labels: {team: pay}, properties: {url: "https://staging"}}
maybe: {hold: 10s, ttl: 1h}
suites:
  - {name: show, kind: command, environment: staging,
     command: [sh, -c, 'echo "url=$BATON_ENV_URL fence=$BATON_FENCE lease=$BATON_LEASE"']}
"""


def acquire(server, environment, holder, expect=201, **more):
    body = {"environment": environment, "holder": {"name": holder}, **more}
    return server.api("POST", "/leases", body, expect=expect)


def test_what_the_file_declares_is_there_and_cannot_be_changed(make_server):
    server = make_server(CONFIG)
    staging = server.api("GET", "/environments/staging")
    assert (staging["source"], staging["ttl_ms"], staging["labels"]) == ("file", 2000, {"team": "pay"})
    server.api("PUT", "/environments/staging", {"slots": 3}, expect=409)
    server.api("DELETE", "/environments/staging", expect=409)


def test_holders_and_queue_outlive_a_killed_server(make_server):
    server = make_server(CONFIG)
    held = acquire(server, "staging", "deploy")
    first = acquire(server, "staging", "first", 202, wait="10m")
    second = acquire(server, "staging", "second", 202, wait="10m")
    server.kill()
    time.sleep(6.5)  # three times the TTL
    server.start()
    renewed = server.api("POST", f"/leases/{held['id']}/renew", {"fence": held["fence"]})
    assert renewed["state"] == "held", "the time without a server does not count"
    server.api("DELETE", f"/leases/{held['id']}")
    granted = server.api("GET", f"/leases/{first['id']}?wait=10s")
    assert granted["state"] == "held" and granted["fence"] > held["fence"]
    assert server.api("GET", f"/leases/{second['id']}")["position"] == 1


def test_a_server_that_stands_still_takes_nobody_his_lease(make_server):
    server = make_server(CONFIG)
    held = acquire(server, "staging", "deploy")
    os.kill(server.process.pid, signal.SIGSTOP)
    time.sleep(6.5)
    os.kill(server.process.pid, signal.SIGCONT)
    renewed = server.api("POST", f"/leases/{held['id']}/renew", {"fence": held["fence"]})
    assert renewed["state"] == "held"
    wait_for(lambda: server.api("GET", f"/leases/{held['id']}")["state"] == "expired", what="the end")


def test_a_run_takes_its_turn_and_gets_what_the_environment_offers(make_server):
    server = make_server(CONFIG)
    held = acquire(server, "staging", "deploy", ttl="1m")
    run = server.api("POST", "/runs", {"suite": "show"})
    assert run["state"] == "waiting"
    waits = server.api("GET", f"/runs/{run['id']}")
    assert waits["waiting"]["ahead"][0]["holder"]["name"] == "deploy"
    server.api("DELETE", f"/leases/{held['id']}")
    done = server.finish(run["id"])
    assert done["verdict"] == "passed"
    log = server.get(f"/api/v1/runs/{run['id']}/log").body.decode()
    assert f"url=https://staging fence={done['fence']} lease={done['lease']}" in log
    assert server.api("GET", "/environments/staging")["slots_free"] == 1


def call_me(server, method, environment):
    """One request as call-me-client sends it; the status and the rest of the answer."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=29) as connection:
        length = "Content-Length: 0\r\n" if method == "POST" else ""
        connection.sendall(
            f"{method} /maybe?environment={environment} HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"User-Agent: Go-http-client/1.1\r\n{length}Accept: application/json\r\n"
            f"X-Api-Key: {server.token}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"" and b"\ncontent-type" not in head.lower(), answer
    return int(head.split()[1])


def test_a_client_of_call_me_waits_on_the_server(make_server):
    server = make_server(CONFIG)
    assert [call_me(server, "GET", "e"), call_me(server, "POST", "e")] == [200, 201]
    began = time.monotonic()
    assert call_me(server, "GET", "e") == 403
    assert 9 < time.monotonic() - began < 15, "held for maybe.hold"
    assert call_me(server, "DELETE", "e") == 204
    assert [call_me(server, "GET", "e"), call_me(server, "POST", "e")] == [200, 201]


def test_apply_puts_the_environments_of_a_file_on_the_server(server):
    file = server.folder / "shared.yaml"
    file.write_text("environments: [{name: uat, slots: 2, queue: {max: 7}, max_hold: 1h}]\n")
    assert "environment uat" in server.cli("apply", "-f", str(file), check=0).stdout
    uat = server.api("GET", "/environments/uat")
    assert (uat["slots"], uat["queue_policy"]["max"], uat["max_hold_ms"]) == (2, 7, 3600000)
    file.write_text("environments: [{name: uat, slot: 2}]\n")
    refused = server.cli("validate", str(file), check=2)
    assert "did you mean `slots`" in refused.stdout + refused.stderr
