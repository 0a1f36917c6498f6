# SPDX-License-Identifier: MIT
"""Gates over HTTP: opened, waited for, decided once; keys, deadlines, subjects, lists, deliveries."""
import threading
import time

import pytest

from baton_server import wait_for
from gate_world import Gates, configuration
from fakes.hook_receiver import FakeHookReceiver

SECRET = "whsec_" + "c2VjcmV0IHNlY3JldCBzZWNyZXQ="


@pytest.fixture
def hooks():
    with FakeHookReceiver(secrets=[SECRET]) as fake:
        yield fake


@pytest.fixture
def gates(make_server, hooks):
    links = {"webhook": {"ci": {"url": hooks.url + "/ci", "secret": {"env": "HOOK"}},
                         "other": {"url": hooks.url + "/other", "secret": {"env": "HOOK"}}}}
    return Gates(make_server(configuration(links), env={"HOOK": SECRET}))


# --- verdicts -------------------------------------------------------------------------------------

def test_a_gate_is_decided_once(gates):
    answer = gates.server.post("/api/v1/gates", {"name": "go on?", "subject": {"external": True},
                                                 "timeout": "1h", "labels": {"team": "pay"}})
    assert answer.status == 201, answer
    gate = answer.json
    location = answer.headers["Location"]
    assert location.endswith(f"/api/v1/gates/{gate['id']}") and gate["id"].startswith("gat_")
    assert gates.server.get(location.removeprefix(gates.server.url)).json["id"] == gate["id"]
    assert (gate["state"], gate["verdict"], gate["subject"]) == ("pending", None, {"external": True})
    assert {"junit", "artifacts", "log"} <= gate["links"].keys() and gate["deliveries"] == []
    assert gate["deadline_at"] > gate["created_at"] and gate["labels"] == {"team": "pay"}

    done = gates.decide(gate, "failed", reason="3 of 20", url="https://ci.example/1")
    assert (done["state"], done["verdict"], done["source"]) == ("decided", "failed", "report")
    assert (done["reason"], done["url"]) == ("3 of 20", "https://ci.example/1")
    assert gates.decide(gate, "failed")["reason"] == "3 of 20", "the same again changes nothing"
    late = gates.server.post(f"/api/v1/gates/{gate['id']}/verdict", {"verdict": "passed", "reason": "at last"})
    assert late.status == 409 and late.headers["Content-Type"].startswith("application/problem+json")
    assert late.json["code"] == "conflict" and late.json["fix"]
    assert gates.get(gate)["verdict"] == "failed"
    (event,) = gates.events("gate.late_verdict")
    assert gate["id"] in str(event) and "at last" in str(event)


def test_verdicts_that_race_have_one_winner(gates):
    gate = gates.open(deliver=[{"link": "webhook/ci"}])
    verdicts = ["passed", "failed", "errored", "cancelled", "timed_out"] * 4
    answers = []

    def send(verdict):
        path = f"/api/v1/gates/{gate['id']}/verdict"
        answers.append((verdict, gates.server.post(path, {"verdict": verdict}).status))

    threads = [threading.Thread(target=send, args=(verdict,)) for verdict in verdicts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = gates.get(gate)["verdict"]
    assert all(status == (200 if verdict == won else 409) for verdict, status in answers), answers
    gates.wait_delivered(gate)
    assert len(gates.events("gate.decided")) == 1


@pytest.mark.parametrize("suite, verdict", [("good", "passed"), ("bad", "failed")])
def test_a_run_answers_the_gate_that_started_it(gates, hooks, suite, verdict):
    gate = gates.open(subject={"suite": suite}, deliver=[{"link": "webhook/ci"}])
    assert gate["subject"]["suite"].endswith(suite) and gate["links"]["run"]
    done = gates.wait_end(gate)
    run = gates.server.api("GET", f"/runs/{gate['subject']['run']}")
    assert (done["verdict"], done["source"], run["verdict"]) == (verdict, "run", verdict)
    assert str(run["id"]) in done["reason"]
    (message,) = hooks.wait_messages(1)
    assert message.data["verdict"] == verdict and message.data["id"] == gate["id"]
    again = gates.open(subject={"run": run["id"]})
    assert (again["state"], again["verdict"], again["source"]) == ("decided", verdict, "run")


def test_a_run_that_ends_otherwise(gates):
    run = gates.server.api("POST", "/runs", {"suite": "long"})
    first, second = gates.open(subject={"run": run["id"]}), gates.open(subject={"run": run["id"]})
    started = gates.open(subject={"suite": "long"})
    gates.server.api("POST", f"/gates/{started['id']}/cancel", {"reason": "not needed"})
    cancelled = gates.get(started)
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "not needed")
    assert gates.server.finish(started["subject"]["run"])["verdict"] == "cancelled"
    gates.server.api("POST", f"/gates/{first['id']}/cancel")
    assert gates.server.api("GET", f"/runs/{run['id']}")["state"] != "finished", "it is not the gate's own"
    gates.server.api("POST", f"/runs/{run['id']}/cancel")
    done = gates.wait_end(second)
    assert (done["verdict"], done["source"]) == ("cancelled", "run")
    gates.decide(started, "passed", expect=409)
    gates.server.api("POST", f"/gates/{second['id']}/cancel", expect=409)


# --- keys, deadlines, waits -----------------------------------------------------------------------

def test_a_newer_gate_of_the_key_supersedes_the_older(gates, hooks):
    older = gates.open(key="pr-7", subject={"suite": "long"}, deliver=[{"link": "webhook/ci"}])
    other = gates.open(key="pr-8")
    newer = gates.open(key="pr-7", deliver=[{"link": "webhook/ci"}])
    ended = gates.get(older)
    assert (ended["state"], ended["verdict"]) == ("superseded", None) and newer["id"] in ended["reason"]
    assert [d["state"] for d in ended["deliveries"]] == ["skipped"]
    assert gates.server.finish(older["subject"]["run"])["verdict"] == "cancelled", "nobody wants it"
    assert gates.get(other)["state"] == "pending"
    gates.decide(older, "passed", expect=409)
    gates.decide(newer, "passed")
    hooks.wait_messages(1)
    gates.wait_delivered(newer)
    assert {m.data["id"] for m in hooks.messages} == {newer["id"]}, "a superseded gate delivers no verdict"
    assert [g["id"] for g in gates.all("&key=pr-7&state=superseded")] == [older["id"]]
    assert gates.get(older)["state"] == "superseded"


def test_a_deadline_decides(gates, hooks):
    failed = gates.open(timeout="200ms", deliver=[{"link": "webhook/ci"}])
    passed = gates.open(timeout="200ms", on_timeout="passed")
    kept = gates.open(timeout="60s")
    done = gates.wait_end(failed)
    assert (done["state"], done["verdict"], done["source"]) == ("decided", "timed_out", "timeout")
    assert "200ms" in done["reason"]
    done = gates.wait_end(passed)
    assert (done["verdict"], done["source"], done["on_timeout"]) == ("passed", "timeout", "passed")
    (message,) = hooks.wait_messages(1)
    assert message.data["verdict"] == "timed_out"
    gates.decide(failed, "passed", expect=409)
    assert gates.get(kept)["state"] == "pending"


def test_the_run_of_a_gate_that_timed_out_is_of_no_use_to_its_verdict(gates):
    run = gates.server.api("POST", "/runs", {"suite": "long"})
    gate = gates.open(subject={"run": run["id"]}, timeout="200ms")
    assert gates.wait_end(gate)["verdict"] == "timed_out"
    gates.server.api("POST", f"/runs/{run['id']}/cancel")
    gates.server.finish(run["id"])
    assert gates.get(gate)["verdict"] == "timed_out"


def test_waiting_ends_with_the_verdict(gates):
    gate = gates.open()
    begin = time.monotonic()
    assert gates.get(gate, "?wait=300ms")["state"] == "pending"
    assert time.monotonic() - begin >= 0.3
    seen = []
    waiters = [threading.Thread(target=lambda: seen.append(gates.get(gate, "?wait=30s"))) for _ in range(5)]
    for waiter in waiters:
        waiter.start()
    gates.decide(gate, "passed")
    begin = time.monotonic()
    for waiter in waiters:
        waiter.join()
    assert time.monotonic() - begin < 20 and [g["verdict"] for g in seen] == ["passed"] * 5
    assert gates.server.get("/api/v1/gates/gat_nix").status == 404
    assert gates.server.get(f"/api/v1/gates/{gate['id']}?wait=soon").status == 400


def test_the_same_request_opens_one_gate(gates):
    body, key = {"subject": {"external": True}, "name": "one"}, {"Idempotency-Key": "k1"}
    first = gates.server.post("/api/v1/gates", body, headers=key)
    again = gates.server.post("/api/v1/gates", body, headers=key)
    assert (first.status, again.status) == (201, 201) and first.json["id"] == again.json["id"]
    assert again.headers["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first.headers
    other = gates.server.post("/api/v1/gates", {**body, "name": "two"}, headers=key)
    assert other.status == 409 and len(gates.all()) == 1


# --- what is refused ------------------------------------------------------------------------------

EXTERNAL = {"external": True}
TARGET = {"pipeline": "p", "counter": 1, "stage": "s"}


@pytest.mark.parametrize("body, status, pointer", [
    ({}, 400, "/subject"),
    ({"subject": {}}, 400, "/subject"),
    ({"subject": {"external": True, "suite": "good"}}, 400, "/subject"),
    ({"subject": {"external": False}}, 400, "/subject"),
    ({"subject": {"suite": "nix"}}, 404, None),
    ({"subject": {"run": 99}}, 404, None),
    ({"subject": {"run": "one"}}, 400, "/subject/run"),
    ({"subject": {"testkube": {"profile": "tk", "tag": "a=b"}}}, 400, "/subject/testkube/profile"),
    ({"subject": EXTERNAL, "nonsense": 1}, 400, "/nonsense"),
    ({"subject": EXTERNAL, "timeout": "soon"}, 400, "/timeout"),
    ({"subject": EXTERNAL, "timeout": "0s"}, 400, "/timeout"),
    ({"subject": EXTERNAL, "timeout": "9000h"}, 400, "/timeout"),
    ({"subject": EXTERNAL, "on_timeout": "perhaps"}, 400, "/on_timeout"),
    ({"subject": EXTERNAL, "key": "a\nb"}, 400, "/key"),
    ({"subject": EXTERNAL, "deliver": [{}]}, 400, "/deliver/0/link"),
    ({"subject": EXTERNAL, "deliver": [{"link": "webhook/nix"}]}, 400, "/deliver/0/link"),
    ({"subject": EXTERNAL, "deliver": [{"link": "nix"}]}, 400, "/deliver/0/link"),
    ({"subject": EXTERNAL, "deliver": [{"link": "webhook/ci", "run_stage": TARGET}]}, 400, "/deliver/0/run_stage"),
    ({"subject": EXTERNAL, "deliver": [{"link": "webhook/ci"}, {"link": "webhook/ci", "when": "now"}]}, 400,
     "/deliver/1/when"),
    ({"subject": EXTERNAL, "deliver": [{"link": "webhook/ci"}] * 21}, 400, "/deliver"),
    ({"subject": EXTERNAL, "environment": "no such\n"}, 400, "/environment"),
])
def test_what_is_wrong_is_told_and_nothing_is_stored(gates, body, status, pointer):
    answer = gates.server.post("/api/v1/gates", body)
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("application/problem+json") and answer.json["fix"]
    if pointer:
        assert answer.json["code"] == "invalid"
        assert any(e["pointer"].startswith(pointer) for e in answer.json["errors"]), answer.json
    assert gates.all() == [] and gates.server.api("GET", "/deliveries")["items"] == []
    assert gates.server.api("GET", "/runs")["items"] == []


def test_verdicts_that_are_none(gates):
    gate = gates.open()
    path = f"/api/v1/gates/{gate['id']}/verdict"
    for body in ({}, {"verdict": ""}, {"verdict": "pending"}, {"verdict": "PASSED"}, {"verdict": None},
                 {"verdict": "passed", "nonsense": 1}, {"verdict": "passed", "reason": "x" * 5000},
                 {"verdict": "passed", "artifacts": [{"path": "../x", "url": "https://a/b"}]},
                 {"verdict": "passed", "artifacts": [{"path": "x", "url": "javascript:alert(1)"}]},
                 {"verdict": "passed", "url": "javascript:alert(1)"}):
        assert gates.server.post(path, body).status == 400, body
    assert gates.server.post(path, b"{", headers={"Content-Type": "application/json"}).status == 400
    assert gates.server.post("/api/v1/gates/gat_nix/verdict", {"verdict": "passed"}).status == 404
    assert gates.get(gate)["state"] == "pending"


def test_viewers_look_and_do_no_more(gates):
    token = gates.server.api("POST", "/tokens", {"name": "v", "scope": "viewer"})["token"]
    gate = gates.open(deliver=[{"link": "webhook/ci"}])
    one = f"/api/v1/gates/{gate['id']}"
    assert gates.server.get(one, token=token).status == 200
    for method, path, body in (("POST", "/api/v1/gates", {"subject": EXTERNAL}),
                               ("POST", f"{one}/verdict", {"verdict": "passed"}), ("POST", f"{one}/cancel", {}),
                               ("POST", f"{one}/log", b"x"), ("PUT", f"{one}/artifacts/a", b"x"),
                               ("POST", f"/api/v1/deliveries/{gate['deliveries'][0]['id']}/redrive", None)):
        assert gates.server.request(method, path, body, token=token).status == 403, path
        assert gates.server.request(method, path, body, token=None).status == 401, path
    assert gates.server.get(one, token=None).status == 401
    assert gates.get(gate)["state"] == "pending" and len(gates.all()) == 1


# --- lists and deliveries -------------------------------------------------------------------------

def test_lists(gates):
    made = [gates.open(key=f"k{n}", labels={"n": str(n % 2)}, deliver=[{"link": "webhook/ci"}]) for n in range(7)]
    gates.decide(made[0], "passed")
    ids = [gate["id"] for gate in made]
    assert [g["id"] for g in gates.all()] == ids[::-1], "newest first"
    assert [g["id"] for g in gates.all("&state=decided")] == ids[:1]
    assert [g["id"] for g in gates.all("&label=n=1&state=pending")] == [ids[5], ids[3], ids[1]]
    assert [g["id"] for g in gates.all("&key=k3")] == [ids[3]]
    assert len(gates.all("&link=webhook/ci")) == 7, "those that it is told of, too"
    assert gates.all("&link=webhook/other") == [] and gates.all("&label=n=2") == []
    seen, cursor = [], ""
    while True:
        page = gates.server.api("GET", f"/gates?limit=3{cursor}")
        seen += [g["id"] for g in page["items"]]
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ids[::-1]
    assert gates.server.get("/api/v1/gates?state=nonsense").status == 400
    gates.wait_delivered(made[0])
    listed = gates.server.api("GET", f"/deliveries?gate={ids[0]}")["items"]
    assert [d["state"] for d in listed] == ["delivered"] and listed[0]["target"] == {"link": "webhook/ci"}
    assert listed == gates.deliveries(made[0])
    assert len(gates.server.api("GET", "/deliveries?state=queued")["items"]) == 6
    assert gates.server.get("/api/v1/deliveries?state=nonsense").status == 400


def test_deliveries_for_some_verdicts_only(gates, hooks):
    gate = gates.open(deliver=[{"link": "webhook/ci", "when": "passed"}, {"link": "webhook/other", "when": "failed"}])
    gates.decide(gate, "errored")
    ended = gates.wait_delivered(gate)
    assert {d["target"]["link"]: d["state"] for d in ended} == {"webhook/ci": "skipped", "webhook/other": "delivered"}
    assert [r.path for r in hooks.requests] == ["/other"]


def test_dead_deliveries_are_redriven_by_hand(gates, hooks):
    hooks.fail_next(1, 400, body={"message": "no such hook"})
    gate = gates.open(deliver=[{"link": "webhook/ci"}])
    (waits,) = gates.deliveries(gate)
    assert waits["state"] == "queued" and waits["attempts"] == 0
    gates.server.api("POST", f"/deliveries/{waits['id']}/redrive", expect=409)
    gates.decide(gate, "passed")
    dead = gates.wait_dead(gate)
    assert (dead["error_class"], dead["last_status"], dead["attempts"]) == ("rejected", 400, 1)
    assert "no such hook" in dead["last_error"] and hooks.messages == []
    assert [d["id"] for d in gates.server.api("GET", "/deliveries?state=dead")["items"]] == [dead["id"]]
    again = gates.server.api("POST", f"/deliveries/{dead['id']}/redrive")
    assert again["state"] == "queued"
    (done,) = gates.wait_delivered(gate)
    assert done["id"] == dead["id"] and [m.id for m in hooks.messages] == [dead["id"]]
    gates.server.api("POST", f"/deliveries/{dead['id']}/redrive", expect=409)
    gates.server.api("POST", "/deliveries/del_nix/redrive", expect=404)
    assert gates.server.api("GET", f"/deliveries/{dead['id']}")["state"] == "delivered"


def test_a_gate_holds_its_environment_until_the_verdict_is_delivered(gates, hooks):
    server = gates.server
    server.api("PUT", "/environments/uat", {"slots": 1})
    hooks.dead()
    gate = gates.open(environment="uat", deliver=[{"link": "webhook/ci"}])
    holders = lambda: server.api("GET", "/environments/uat")["holders"]
    assert len(holders()) == 1 and server.api("GET", f"/leases/{gate['lease']}")["state"] == "held"
    server.api("POST", "/leases", {"environment": "uat", "holder": {"name": "me"}}, expect=409)
    gates.decide(gate, "passed")
    hooks.wait_for("POST /ci", answered=False)
    assert len(holders()) == 1, "the peer has not been told yet"
    hooks.dead(False)
    gates.wait_delivered(gate)
    wait_for(lambda: not holders(), what="the free environment")
    second = gates.open(environment="uat")
    assert len(holders()) == 1
    server.api("POST", f"/gates/{second['id']}/cancel")
    wait_for(lambda: not holders(), what="the free environment")


def test_an_environment_is_handed_on_with_the_verdict_still_to_come(gates):
    server = gates.server
    server.api("PUT", "/environments/uat", {"slots": 1})
    gate = gates.open(environment="uat")
    held = server.api("GET", f"/leases/{gate['lease']}")
    moved = server.api("POST", f"/leases/{gate['lease']}/transfer", {
        "fence": held["fence"], "to": {"holder": {"name": "the next stage"}}})
    gates.decide(gate)
    (holder,) = server.api("GET", "/environments/uat")["holders"]
    assert holder["lease"] == moved["id"] and moved["state"] == "held", "the end of the gate frees its own lease only"


def metric(gates, name):
    lines = gates.server.get("/metrics").body.decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_metrics_count_gates_and_deliveries(gates, hooks):
    made = [gates.open(deliver=[{"link": "webhook/ci"}]) for _ in range(3)]
    assert metric(gates, "baton_gates_pending") == 3
    hooks.fail_next(1, 400)
    gates.decide(made[0])
    gates.wait_dead(made[0])
    gates.decide(made[1], "failed")
    gates.wait_delivered(made[1])
    wait_for(lambda: metric(gates, 'baton_gates_ended_total{verdict="failed"') == 1, what="the verdicts")
    assert metric(gates, "baton_gates_pending") == 1 and metric(gates, "baton_deliveries_dead") == 1
    wait_for(lambda: metric(gates, "baton_delivery_attempts_total") == 2, what="the attempts")
