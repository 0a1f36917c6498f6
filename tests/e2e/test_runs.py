# SPDX-License-Identifier: MIT
"""A run from request to verdict, as HTTP clients see it."""
import http.client
import json
import threading
import urllib.parse

from baton_server import wait_for

CONFIG = r"""
suites:
  - {name: hello, namespace: demo, kind: command, command: [sh, -c, "echo hello; echo $BATON_PARAM_WHO; echo done >&2"]}
  - {name: red, kind: command, command: [sh, -c, "echo why; exit 3"]}
  - {name: slow, kind: command, command: [sh, -c, "echo started; sleep 60"], kill_grace: 200ms}
  - {name: flaky, kind: command, max_attempts: 3, command: [sh, -c, 'test "$BATON_ATTEMPT" -ge 2']}
  - name: tap
    kind: tap
    command: [sh, -c, 'printf "1..4\nok 1 - one\nnot ok 2 - two\nok 3 - three # SKIP later\nok 4 - four\n"']
  - name: kept
    kind: command
    command: [sh, -c, "mkdir -p out/a && echo 42 > out/a/answer.txt"]
    artifacts: ["out/**"]
  - name: hangs
    kind: command
    attempt_timeout: 300ms
    kill_grace: 100ms
    command: [sh, -c, "trap '' TERM; while :; do sleep 1; done"]
  - {name: late, kind: command, timeout: 300ms, kill_grace: 100ms, command: [sleep, "60"]}
  - {name: segv, kind: command, command: [sh, -c, "kill -SEGV $$"]}
"""


def test_a_run_is_created_runs_and_passes(make_server):
    server = make_server(CONFIG)
    answer = server.post("/api/v1/runs", {"suite": "demo/hello", "reference": "abc",
                                          "params": {"who": "world"}, "labels": {"team": "pay"}})
    assert answer.status == 201
    run = answer.json
    assert answer.headers["Location"].endswith(f"/api/v1/runs/{run['id']}")
    assert run["state"] in ("queued", "running") and run["verdict"] is None
    run = server.finish(run["id"])
    assert (run["verdict"], run["flaky"], run["reference"]) == ("passed", False, "abc")
    assert run["namespace"] == "demo" and run["labels"] == {"team": "pay"}
    assert run["counts"]["total"] == 1 and run["counts"]["passed"] == 1
    assert run["queued_at"] <= run["started_at"] <= run["finished_at"]
    tests = server.tests(run["id"])
    assert [t["verdict"] for t in tests.values()] == ["passed"]
    log = server.get(f"/api/v1/runs/{run['id']}/log")
    assert log.headers["Content-Type"].startswith("text/plain")
    assert log.body == b"hello\nworld\ndone\n"


def test_failures_timeouts_and_signals_have_their_own_outcomes(make_server):
    server = make_server(CONFIG)
    expected = {"red": ("failed", "failed"), "hangs": ("failed", "timed_out"),
                "segv": ("errored", "errored")}
    runs = {name: server.api("POST", "/runs", {"suite": name})["id"] for name in expected}
    for name, (verdict, outcome) in expected.items():
        run = server.finish(runs[name])
        (test,) = server.tests(run["id"]).values()
        assert (run["verdict"], test["attempts"][0]["outcome"]) == (verdict, outcome), name
    assert server.run("late")["verdict"] == "timed_out"


def test_a_case_that_passes_later_is_flaky_and_the_run_passes(make_server):
    server = make_server(CONFIG)
    run = server.run("flaky")
    assert (run["verdict"], run["flaky"], run["counts"]["flaky"]) == ("passed", True, 1)
    (test,) = server.tests(run["id"]).values()
    assert test["verdict"] == "flaky"
    assert [a["outcome"] for a in test["attempts"]] == ["failed", "passed"]
    junit = server.get(f"/api/v1/runs/{run['id']}/junit.xml").body.decode()
    assert "flakyFailure" in junit


def test_tap_cases_are_told_apart(make_server):
    server = make_server(CONFIG)
    run = server.run("tap")
    assert run["verdict"] == "failed"
    counts = run["counts"]
    assert (counts["total"], counts["passed"], counts["failed"], counts["skipped"]) == (4, 2, 1, 1)
    failed = server.api("GET", f"/runs/{run['id']}/tests?verdict=failed")["items"]
    assert [t["name"] for t in failed] == ["two"]
    ctrf = server.api("GET", f"/runs/{run['id']}/ctrf.json")
    assert ctrf["results"]["summary"]["tests"] == 4


def test_the_same_idempotency_key_never_starts_a_second_run(make_server):
    server = make_server(CONFIG)
    answers = []

    def post():
        answers.append(server.post("/api/v1/runs", {"suite": "demo/hello"},
                                   headers={"Idempotency-Key": "k1"}))

    threads = [threading.Thread(target=post) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status for a in answers} == {201}
    assert len({a.json["id"] for a in answers}) == 1
    assert sum(a.headers.get("Idempotency-Replayed") == "true" for a in answers) == 11
    other = server.post("/api/v1/runs", {"suite": "red"}, headers={"Idempotency-Key": "k1"})
    assert other.status == 201, "a key belongs to a route and a suite"
    body = server.post("/api/v1/runs", {"suite": "demo/hello", "reference": "x"},
                       headers={"Idempotency-Key": "k1"})
    assert body.status == 409 and body.json["code"] == "conflict"


def test_cancel_ends_a_running_run_and_its_processes(make_server):
    server = make_server(CONFIG)
    run = server.api("POST", "/runs", {"suite": "slow"})["id"]
    wait_for(lambda: b"started" in server.get(f"/api/v1/runs/{run}/log").body, what="output")
    assert server.post(f"/api/v1/runs/{run}/cancel").status in (200, 202)
    assert server.finish(run)["verdict"] == "cancelled"


def test_rerun_of_the_failed_repeats_only_those(make_server):
    server = make_server(CONFIG)
    first = server.run("tap")
    answer = server.post(f"/api/v1/runs/{first['id']}/rerun", {"failed_only": True})
    assert answer.status == 201
    second = server.finish(answer.json["id"])
    assert second["id"] != first["id"]
    assert set(server.tests(second["id"])) == {"two"}


def test_artifacts_are_listed_and_served_safely(make_server):
    server = make_server(CONFIG)
    run = server.run("kept")["id"]
    items = server.api("GET", f"/runs/{run}/artifacts")["items"]
    assert [(i["path"], i["size"]) for i in items] == [("out/a/answer.txt", 3)]
    path = f"/api/v1/runs/{run}/artifacts/out/a/answer.txt"
    answer = server.get(path)
    assert answer.body == b"42\n"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    again = server.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    part = server.get(path, headers={"Range": "bytes=1-1"})
    assert (part.status, part.body) == (206, b"2")
    assert server.get(f"/api/v1/runs/{run}/artifacts/..%2f..%2fbaton.db").status in (400, 404)


def read_events(server, run, last_id=None):
    """The whole event stream of a run as (event, id, data)."""
    parts = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    headers = {"Authorization": f"Bearer {server.token}", "Accept": "text/event-stream"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    connection.request("GET", f"/api/v1/runs/{run}/events", headers=headers)
    response = connection.getresponse()
    assert response.status == 200
    events = []
    for block in response.read().decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line[:10])
        if "data" in fields:
            events.append((fields.get("event"), fields.get("id"), json.loads(fields["data"])))
    connection.close()
    return events


def test_the_event_stream_is_whole_ends_and_resumes_anywhere(make_server):
    server = make_server(CONFIG)
    run = server.api("POST", "/runs", {"suite": "demo/hello", "params": {"who": "me"}})["id"]
    events = read_events(server, run)
    kinds = [e[0] for e in events]
    assert kinds[-1] == "run_finished" and kinds.count("run_finished") == 1
    assert kinds.index("attempt_started") < kinds.index("attempt_finished")
    lines = [(e[2]["line"], e[2]["text"]) for e in events if e[0] == "log"]
    assert lines == [(1, "hello"), (2, "me"), (3, "done")]
    for i, (_, event_id, _) in enumerate(events[:-1]):
        assert [e[1] for e in read_events(server, run, event_id)] == [e[1] for e in events[i + 1:]]


def test_lists_filter_and_page_newest_first(make_server):
    server = make_server(CONFIG)
    ids = [server.run("demo/hello", reference=f"r{i}", labels={"n": str(i % 2)})["id"] for i in range(5)]
    page = server.api("GET", "/runs?limit=2&suite=demo/hello")
    assert [r["id"] for r in page["items"]] == ids[:2:-1]
    seen = [r["id"] for r in page["items"]]
    while "next_cursor" in page:
        page = server.api("GET", f"/runs?limit=2&suite=demo/hello&cursor={page['next_cursor']}")
        seen += [r["id"] for r in page["items"]]
    assert seen == ids[::-1]
    assert [r["id"] for r in server.api("GET", "/runs?reference=r3")["items"]] == [ids[3]]
    assert len(server.api("GET", "/runs?label=n=0")["items"]) == 3
    assert server.api("GET", "/runs?verdict=failed")["items"] == []
    server.run("tap")
    assert len(server.api("GET", "/runs?q=tap")["items"]) == 1


def test_an_empty_selection_is_never_green(make_server):
    server = make_server(CONFIG)
    assert server.run("tap", filter="matches nothing")["verdict"] == "empty"
    assert server.run("tap", filter="matches nothing", allow_empty=True)["verdict"] == "passed"


def test_links_begin_with_the_public_url(make_server):
    server = make_server("server: {public_url: 'https://baton.corp/'}\n" + CONFIG)
    answer = server.post("/api/v1/runs", {"suite": "demo/hello"})
    assert answer.headers["Location"] == f"https://baton.corp/api/v1/runs/{answer.json['id']}"
    assert answer.json["links"]["log"].startswith("https://baton.corp/api/v1/runs/")
    schema = server.get("/api/v1/config.schema.json", token=None)
    assert schema.status == 200 and "public_url" in schema.json["properties"]["server"]["properties"]
