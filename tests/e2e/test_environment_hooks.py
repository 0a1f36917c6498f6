# SPDX-License-Identifier: MIT
"""What the server runs and tells by itself: the hooks of environments, and who waits by an address."""
import http.server
import json
import signal
import threading
import time

from baton_server import processes_with, wait_for


def config(folder, **hooks):
    lines = "\n".join(f"      {name}: {{command: [sh, -c, '{text}'], timeout: 5s, attempts: 2, retry: 100ms}}"
                      for name, text in hooks.items())
    return f"""
environments:
  - name: uat
    properties: {{url: "https://uat"}}
    hooks:
{lines}
"""


def acquire(server, holder, expect=201, **more):
    return server.api("POST", "/leases", {"environment": "uat", "holder": {"name": holder}, "ttl": "1m", **more},
                      expect=expect)


def end(server, lease, **body):
    return server.api("DELETE", f"/leases/{lease['id']}", body or None)


def test_a_slot_is_reset_and_looked_at_before_the_next_has_it(make_server, tmp_path):
    log = tmp_path / "hooks.log"
    server = make_server(config(
        tmp_path, reset=f"echo $BATON_HOOK $BATON_ENVIRONMENT $BATON_SLOT $BATON_LEASE $BATON_ENV_URL >> {log}",
        health=f"echo $BATON_HOOK >> {log}"))
    held, waiting = acquire(server, "a"), acquire(server, "b", 202, wait="1m")
    end(server, held)
    assert server.api("GET", f"/leases/{waiting['id']}?wait=20s")["state"] == "held"
    assert log.read_text().splitlines() == [f"reset uat 1 {held['id']} https://uat", "health"]


def test_a_slot_whose_hook_fails_is_broken_until_somebody_restores_it(make_server, tmp_path):
    mended = tmp_path / "mended"
    server = make_server(config(tmp_path, reset=f"test -e {mended} || {{ echo no room left >&2; exit 3; }}"))
    held = acquire(server, "a")
    end(server, held)
    wait_for(lambda: server.api("GET", "/environments/uat")["state"] == "broken", what="the broken state")
    events = server.api("GET", "/environments/uat/history")
    assert "no room left" in json.dumps(server.api("GET", "/environments/uat")) + json.dumps(events)
    refused = acquire(server, "b", 409)
    assert refused["holders"] == []
    mended.touch()
    server.api("POST", "/environments/uat/restore", {"reason": "made room"})
    lease = acquire(server, "b", 201)
    end(server, lease)
    wait_for(lambda: server.api("GET", "/environments/uat")["slots_free"] == 1, what="a free slot")


def test_a_hook_that_hangs_is_killed_with_what_it_started(make_server, tmp_path):
    server = make_server(config(tmp_path, reset="sleep 4711 & setsid sleep 4712 & wait").replace("5s", "300ms"))
    end(server, acquire(server, "a"))
    wait_for(lambda: server.api("GET", "/environments/uat")["state"] == "broken", what="the broken state")
    assert not processes_with("4711") and not processes_with("4712")


def test_a_hook_is_run_again_by_the_next_server(make_server, tmp_path):
    log = tmp_path / "runs"
    server = make_server(config(tmp_path, reset=f"echo x >> {log}; test -e {tmp_path}/go || sleep 4713")
                         .replace("5s", "1m"))
    end(server, acquire(server, "a"))
    wait_for(log.exists, what="the first run")
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    (tmp_path / "go").touch()
    server.start()
    wait_for(lambda: server.api("GET", "/environments/uat")["slots_free"] == 1, what="a free slot")
    assert len(log.read_text().splitlines()) == 2
    assert not processes_with("4713")


def test_slots_are_made_for_those_who_wait(make_server, tmp_path):
    server = make_server(config(tmp_path, provision=f"touch {tmp_path}/made-$BATON_SLOT",
                                destroy=f"rm {tmp_path}/made-$BATON_SLOT")
                         + "    provision: {min: 0, idle: 1s}\n")
    assert not (tmp_path / "made-1").exists()
    lease = acquire(server, "a", 202, wait="1m")
    assert server.api("GET", f"/leases/{lease['id']}?wait=20s")["state"] == "held"
    assert (tmp_path / "made-1").exists()
    end(server, lease)
    wait_for(lambda: not (tmp_path / "made-1").exists(), what="the end of an idle slot")


def test_a_waiter_with_an_address_is_told_of_its_grant(make_server):
    told = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(503 if len(told) == 1 else 204)  # the first time it is busy
            self.end_headers()

        def log_message(self, *words):
            pass
    listener = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    server = make_server()
    try:
        held = acquire(server, "a")
        waiting = acquire(server, "b", 202, wait="1m",
                          notify={"url": f"http://127.0.0.1:{listener.server_port}/granted"})
        end(server, held)
        wait_for(lambda: len(told) == 2, what="the second try")
        granted = server.api("GET", f"/leases/{waiting['id']}")
        assert told[1] == {"event": "lease.granted", "lease": waiting["id"], "fence": granted["fence"]}
        time.sleep(0.1)
        assert len(told) == 2
    finally:
        listener.shutdown()


def test_a_hook_that_is_declared_away_keeps_no_slot(make_server):
    server = make_server()
    hook = {"command": ["false"], "attempts": 9, "retry": "500ms"}
    server.api("PUT", "/environments/uat", {"hooks": {"reset": hook}}, expect=201)
    end(server, acquire(server, "a"))
    wait_for(lambda: server.api("GET", "/environments/uat")["slot_states"][0].get("message"), what="a failed hook")
    server.api("PUT", "/environments/uat", {})
    wait_for(lambda: server.api("GET", "/environments/uat")["slots_free"] == 1, what="a free slot")
