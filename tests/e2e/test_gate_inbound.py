# SPDX-License-Identifier: MIT
"""Webhooks in both directions, CloudEvents, and those who poll: Flagger and Argo Rollouts."""
import base64
import json
import time

import pytest

from gate_world import Gates, configuration
from fakes.hook_receiver import FakeHookReceiver, sign

SECRET = "whsec_" + base64.b64encode(b"the first secret of all.").decode()
OTHER = "whsec_" + base64.b64encode(b"the one that comes next.").decode()


@pytest.fixture
def hooks():
    with FakeHookReceiver(secrets=[SECRET]) as fake:
        yield fake


@pytest.fixture
def gates(make_server, hooks):
    defaults = {"subject": {"external": True}, "timeout": "10m", "labels": {"from": "defaults"}}
    links = {"webhook": {"ci": {"url": f"{hooks.url}/ci", "secret": {"env": "HOOK"}, "defaults": defaults},
                         "turning": {"url": f"{hooks.url}/turning", "secret": [{"env": "NEXT"}, {"env": "HOOK"}]},
                         "bus": {"url": f"{hooks.url}/bus", "secret": {"env": "HOOK"}, "format": "cloudevents"},
                         "binary": {"url": f"{hooks.url}/bus", "secret": {"env": "HOOK"},
                                    "format": "cloudevents-binary"}},
             "flagger": {"canary": {"defaults": defaults}}, "argo": {"rollouts": {"defaults": defaults}},
             "cloudevents": {"bus": {"defaults": defaults}}}
    return Gates(make_server(configuration(links), env={"HOOK": SECRET, "NEXT": OTHER}))


def hook(gates, body, secret=SECRET, profile="ci", message="msg_1", at=None, **changes):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = int(time.time()) if at is None else at
    headers = {"Content-Type": "application/json", "webhook-id": message, "webhook-timestamp": str(stamp),
               "webhook-signature": sign(secret, message, stamp, data), **changes}
    headers = {name: value for name, value in headers.items() if value is not None}
    return gates.server.post(f"/api/v1/in/webhook/{profile}", data, headers=headers, token=None)


# --- webhooks out ---------------------------------------------------------------------------------

def test_a_webhook_is_signed_and_has_the_gate(gates, hooks):
    gate = gates.open(name="go?", labels={"a": "b"}, deliver=[{"link": "webhook/ci"}])
    gates.decide(gate, "passed", reason="all 20 passed", url="https://ci.example/1")
    (message,) = hooks.wait_messages(1)
    (delivery,) = gates.wait_delivered(gate)
    assert set(message.payload) == {"type", "timestamp", "data"} and message.id == delivery["id"]
    shown = gates.get(gate)
    for field in ("id", "name", "state", "verdict", "reason", "url", "subject", "labels", "deadline_at", "source"):
        assert message.data[field] == shown[field], field
    assert message.data["links"].keys() == shown["links"].keys()
    assert message.request.media_type == "application/json" and hooks.violations == []


def test_a_webhook_keeps_its_id_and_renews_its_stamp(gates, hooks):
    hooks.fail_next(1, 500)
    hooks.fail_next(1, 429, {"Retry-After": "1"})
    hooks.drop_after_body(1)
    gate = gates.open(deliver=[{"link": "webhook/ci"}])
    gates.decide(gate, "failed")
    (delivery,) = gates.wait_delivered(gate)
    calls = hooks.requests
    assert len(calls) == 4 and delivery["attempts"] == 4
    assert {c.headers["webhook-id"] for c in calls} == {delivery["id"]}
    assert int(calls[-1].headers["webhook-timestamp"]) > int(calls[0].headers["webhook-timestamp"])
    assert calls[2].at - calls[1].at >= 0.95, "Retry-After is honoured"
    assert {c.body for c in calls} == {calls[0].body} and hooks.violations == []


def test_both_secrets_sign_while_they_are_rotated(gates, hooks):
    for secret in (SECRET, OTHER):
        hooks.secrets = [secret]
        gate = gates.open(deliver=[{"link": "webhook/turning"}])
        gates.decide(gate)
        gates.wait_delivered(gate)
    assert hooks.violations == []
    assert hook(gates, {"name": "x"}, OTHER, "turning", "m1").status == 201
    assert hook(gates, {"name": "x"}, SECRET, "turning", "m2").status == 201


@pytest.mark.parametrize("status, error_class", [
    (400, "rejected"), (401, "auth"), (403, "auth"), (404, "rejected"), (410, "peer_gone"), (301, "misconfigured")])
def test_what_no_repetition_would_help(gates, hooks, status, error_class):
    hooks.fail_next(1, status, {"Location": f"{hooks.url}/elsewhere"}, "the reason")
    gate = gates.open(deliver=[{"link": "webhook/ci"}])
    gates.decide(gate)
    dead = gates.wait_dead(gate)
    assert (dead["error_class"], dead["last_status"]) == (error_class, status)
    assert len(hooks.requests) == 1, "neither tried again nor redirected"


@pytest.mark.parametrize("verdict, outcome", [("passed", "success"), ("failed", "failure"), ("cancelled", "cancel"),
                                              ("timed_out", "error"), ("errored", "error")])
@pytest.mark.parametrize("mode", ["bus", "binary"])
def test_a_verdict_as_cloud_event(gates, hooks, verdict, outcome, mode):
    gate = gates.open(deliver=[{"link": f"webhook/{mode}"}])
    gates.decide(gate, verdict)
    (delivery,) = gates.wait_delivered(gate)
    (event,) = hooks.events
    assert ("ce-id" in hooks.requests[0].headers) == (mode == "binary") and event["subject"] == gate["id"]
    assert event["id"] == delivery["id"] and event["type"].startswith("dev.cdevents.testsuiterun.finished.")
    assert event["data"]["subject"]["content"]["outcome"] == outcome
    assert event["data"]["customData"]["id"] == gate["id"] and hooks.violations == []


# --- webhooks in ----------------------------------------------------------------------------------

def test_a_signed_webhook_opens_one_gate_and_is_answered(gates, hooks):
    first = hook(gates, {"name": "from outside", "labels": {"pr": "7"}, "key": "k"})
    assert first.status == 201, first
    gate = first.json
    assert gate["name"] == "from outside" and gate["link"] == "webhook/ci" and gate["labels"] == {"pr": "7"}
    again = hook(gates, {"name": "from outside", "labels": {"pr": "7"}, "key": "k"})
    assert (again.status, again.json["id"]) == (200, gate["id"]) and len(gates.all("&link=webhook/ci")) == 1
    gates.decide(gate, "passed")
    (message,) = hooks.wait_messages(1)
    assert message.data["id"] == gate["id"]
    gates.wait_delivered(gate)
    later = hook(gates, {"name": "from outside"})
    assert (later.status, later.json["id"], later.json["verdict"]) == (200, gate["id"], "passed")
    other = hook(gates, {"type": "t", "timestamp": "now", "data": {"subject": {"suite": "good"}}}, message="msg_2")
    assert other.status == 201 and other.json["subject"]["suite"].endswith("good")
    assert other.json["labels"] == {"from": "defaults"}
    assert gates.wait_end(other.json)["verdict"] == "passed"


@pytest.mark.parametrize("changes, status", [
    ({"secret": OTHER}, 401), ({"webhook-signature": None}, 401), ({"webhook-id": None}, 401),
    ({"webhook-timestamp": None}, 401), ({"webhook-timestamp": "soon"}, 401), ({"webhook-signature": "v1,"}, 401),
    ({"webhook-signature": "v1,!!!"}, 401), ({"webhook-signature": "v2,abc"}, 401), ({"webhook-id": "other"}, 401),
    ({"at": -400}, 401), ({"at": 400}, 401), ({"profile": "nix"}, 404),
    ({"body": {"deliver": [{"link": "webhook/bus"}]}}, 400), ({"body": {"nonsense": 1}}, 400),
    ({"body": {"subject": {"suite": "nix"}}}, 404), ({"body": {"tag": "a=b"}}, 400), ({"body": b"{"}, 400),
    ({"body": b"[]"}, 400), ({"body": {"data": 7}}, 400),
])
def test_webhooks_that_are_refused_leave_nothing(gates, hooks, changes, status):
    if "at" in changes:
        changes = {**changes, "at": int(time.time()) + changes["at"]}
    answer = hook(gates, **{"body": {"name": "x"}, **changes})
    assert answer.status == status, answer
    assert answer.json["fix"] and gates.all() == [] and hooks.requests == []
    assert SECRET not in answer.body.decode() and SECRET[6:] not in answer.body.decode()


def test_a_call_with_an_idempotency_key_is_answered_once(gates):
    first = hook(gates, {"name": "one"}, **{"Idempotency-Key": "k"})
    again = hook(gates, {"name": "one"}, message="msg_2", **{"Idempotency-Key": "k"})
    assert (first.status, again.status) == (201, 201) and again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    other = hook(gates, {"name": "two"}, message="msg_3", **{"Idempotency-Key": "k"})
    assert other.status == 409 and len(gates.all()) == 1


def test_a_replayed_webhook_is_the_same_gate_or_too_old(gates):
    stamp = int(time.time()) - 299
    assert hook(gates, {"name": "x"}, at=stamp + 20).status == 201
    assert hook(gates, {"name": "x"}, at=stamp + 20).status == 200
    assert hook(gates, {"name": "x"}, at=stamp - 2).status == 401
    assert len(gates.all()) == 1


# --- Flagger and Argo Rollouts --------------------------------------------------------------------

def flagger(gates, kind="rollout", checksum="c1", profile="canary", token="", **metadata):
    return gates.server.post(f"/api/v1/in/flagger/{profile}",
                             {"name": "shop", "namespace": "prod", "phase": "Progressing", "checksum": checksum,
                              "metadata": {"type": kind, **metadata} if kind else metadata}, token=token)


def test_flagger_asks_until_it_is_answered(gates):
    pending = flagger(gates)
    assert pending.status == 409 and pending.json["id"], "up to 202 would be passed, and 5xx is repeated"
    assert flagger(gates).json["id"] == pending.json["id"]
    assert flagger(gates, kind="rollback").status == 409, "not the time to go back"
    gates.decide(pending.json["id"], "passed")
    assert flagger(gates).status == 200 and flagger(gates, kind="rollback").status == 424
    failing = flagger(gates, checksum="c2")
    assert failing.json["id"] != pending.json["id"]
    gates.decide(failing.json["id"], "failed", reason="3 of 20")
    refused = flagger(gates, checksum="c2")
    assert refused.status == 424 and b"3 of 20" in refused.body
    assert flagger(gates, kind="rollback", checksum="c2").status == 200
    assert flagger(gates, kind="event", checksum="c3", eventMessage="New revision", eventType="Normal").status == 202
    assert len(gates.all("&link=flagger/canary")) == 2


def test_flagger_chooses_the_subject(gates):
    answer = flagger(gates, subject=json.dumps({"suite": "good"}), timeout="5m")
    gate = gates.wait_end(answer.json["id"])
    assert gate["subject"]["suite"].endswith("good") and gate["verdict"] == "passed"
    assert flagger(gates, subject=json.dumps({"suite": "good"}), timeout="5m").status == 200
    for broken in ({"timeout": "soon"}, {"subject": "{"}, {"nonsense": "1"}):
        assert flagger(gates, checksum="c9", **broken).status == 400
    bare = gates.server.post("/api/v1/in/flagger/canary", {"name": "shop"})
    assert bare.status == 400 and len(gates.all()) == 1
    assert flagger(gates, checksum="c9", token=None).status == 401
    assert flagger(gates, checksum="c9", profile="nix").status == 404
    assert len(gates.all()) == 1


def test_argo_is_always_answered_with_a_status(gates):
    ask = lambda query="name=shop-1": gates.server.get(f"/api/v1/in/argo/rollouts?{query}")
    first = ask()
    assert first.status == 200 and first.json["status"] == "pending"
    assert ask().json["id"] == first.json["id"]
    begin = time.monotonic()
    assert ask("name=shop-1&wait=300ms").json["status"] == "pending" and time.monotonic() - begin >= 0.3
    gates.decide(first.json["id"], "errored", reason="lost")
    assert ask().json["status"] == "failed" and ask().status == 200
    started = ask("name=shop-2&subject=" + '%7B%22suite%22%3A%22good%22%7D')
    assert gates.wait_end(started.json["id"])["verdict"] == "passed"
    assert ask("name=shop-2&wait=30s&subject=" + '%7B%22suite%22%3A%22good%22%7D').json["status"] == "passed"
    posted = gates.server.post("/api/v1/in/argo/rollouts", {"name": "shop-3", "timeout": "50ms"})
    assert posted.status == 200
    gates.wait_end(posted.json["id"])
    assert ask("name=shop-3").json["status"] == "failed", "timed out"
    assert ask("timeout=5m").status == 400 and ask("name=a&nonsense=1").status == 400
    assert len(gates.all("&link=argo/rollouts")) == 3


# --- CloudEvents ----------------------------------------------------------------------------------

def binary(gates, body, token="", **changes):
    headers = {"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/ci",
               "ce-type": "ci.deploy.requested", **{f"ce-{k}": v for k, v in changes.items()}}
    headers = {k: v for k, v in headers.items() if v is not None}
    return gates.server.post("/api/v1/in/cloudevents/bus", json.dumps(body), headers=headers, token=token)


def test_a_cloud_event_opens_a_gate(gates):
    first = binary(gates, {"name": "deploy", "labels": {"pr": "1"}})
    assert first.status in (200, 201) and first.json["name"] == "deploy", first
    assert binary(gates, {"name": "deploy"}).json["id"] == first.json["id"], "source and id make it the same"
    assert binary(gates, {"name": "deploy"}, id="e2").json["id"] != first.json["id"]
    event = {"specversion": "1.0", "id": "e3", "source": "/ci", "type": "x", "data": {"name": "structured"}}
    structured = gates.server.post("/api/v1/in/cloudevents/bus", json.dumps(event),
                                   headers={"Content-Type": "application/cloudevents+json; charset=utf-8"})
    assert structured.json["name"] == "structured"
    bare = binary(gates, {"weather": "fine"}, id="e4")
    assert (bare.status, bare.json["labels"]) == (201, {"from": "defaults"}), "its profile says what to ask about"
    news = binary(gates, {"context": {}}, id="e5", type="dev.cdevents.testcaserun.queued.0.3.0")
    assert news.status == 202 and len(gates.all()) == 4, "that of another's tests is no question"


@pytest.mark.parametrize("outcome, verdict", [("success", "passed"), ("pass", "passed"), ("failure", "failed"),
                                              ("fail", "failed"), ("cancel", "cancelled"), ("error", "errored")])
def test_a_finished_test_brings_a_verdict(gates, outcome, verdict):
    gate, named = gates.open(), gates.open(name="smoke")
    kind = "dev.cdevents.testsuiterun.finished.0.3.0"
    told = lambda subject, event: binary(gates, {"context": {"type": kind}, "subject": {
        "id": subject, "content": {"outcome": outcome, "reason": "because", "uri": "https://ci.example/1"}}},
        id=event, type=kind)
    assert told(gate["id"], "e1").status == 200
    done = gates.get(gate)
    assert (done["verdict"], done["reason"], done["url"]) == (verdict, "because", "https://ci.example/1")
    assert told("smoke", "e2").status == 200 and gates.get(named)["verdict"] == verdict
    assert told("nobody", "e3").status == 202 and len(gates.all()) == 2


def test_cloud_events_that_are_none(gates):
    kind = "dev.cdevents.testsuiterun.finished.0.3.0"
    good = {"name": "deploy"}
    assert binary(gates, good, token=None).status == 401
    for changes in ({"id": None}, {"source": None}, {"specversion": "0.3"}, {"type": None}):
        assert binary(gates, good, **changes).status == 400, changes
    assert binary(gates, {"name": "x", "nonsense": 1}).status == 400
    assert binary(gates, {"subject": {"id": "x", "content": {"outcome": "perhaps"}}}, type=kind).status == 400
    assert gates.server.post("/api/v1/in/cloudevents/bus", json.dumps([good]), headers={
        "Content-Type": "application/cloudevents+avro"}).status == 422
    assert gates.server.post("/api/v1/in/cloudevents/bus", good).status == 400
    assert gates.all() == []


def batch(gates, events, query=""):
    return gates.server.post(f"/api/v1/in/cloudevents/bus{query}", json.dumps(events),
                             headers={"Content-Type": "application/cloudevents-batch+json"})


def event(number, data, kind="ci.deploy.requested"):
    return {"specversion": "1.0", "id": f"e{number}", "source": "/ci", "type": kind, "data": data}


def finished(number, gate, outcome="success"):
    return event(number, {"subject": {"id": gate, "content": {"outcome": outcome}}},
                 "dev.cdevents.testsuiterun.finished.0.3.0")


def test_an_event_that_comes_again_does_not_decide_the_next_gate(gates):
    older = gates.open(key="shop/main")
    answers = [batch(gates, [finished(1, "shop/main")]).json["events"][0]]
    newer = gates.open(key="shop/main")
    for _ in range(2):
        answers.append(batch(gates, [finished(1, "shop/main")]).json["events"][0])
        answers.append(gates.server.post("/api/v1/in/cloudevents/bus", finished(1, "shop/main"),
                                         headers={"Content-Type": "application/cloudevents+json"}).json)
    assert answers == [{"id": older["id"], "decided": [older["id"]]}] * 5
    assert gates.get(newer)["state"] == "pending"
    assert batch(gates, [finished(2, "shop/main")]).json["events"][0]["decided"] == [newer["id"]]


def test_a_batch_of_events_is_applied_in_order(gates):
    gate = gates.open(name="older")
    news = event(3, {"context": {}}, "dev.cdevents.testsuiterun.started.0.3.0")
    sent = [event(1, {"name": "a"}), finished(2, "a"), news,
            finished(4, gate["id"], "failure"), event(5, {"name": "b"}), event(5, {"name": "b"}), finished(6, "nobody")]
    answer = batch(gates, sent)
    assert answer.status == 200, answer
    first, told, other, older, second, again, nobody = answer.json["events"]
    assert told == {"id": first["id"], "decided": [first["id"]]} and "ignored" in other
    assert gates.get(first)["verdict"] == "passed"
    assert gates.get(gate)["verdict"] == "failed" and older["decided"] == [gate["id"]]
    assert second == again and second["state"] == "pending" and "ignored" in nobody
    assert len(gates.all()) == 3 and batch(gates, sent[:1]).json["events"][0]["id"] == first["id"]
    assert batch(gates, []).json == {"events": []}


@pytest.mark.parametrize("bad, status", [
    (event(2, {"name": "x", "nonsense": 1}), 400), (event(2, {"subject": {"suite": "nix"}}), 404),
    (finished(2, "gate", "perhaps"), 400), ({"id": "e2"}, 400), (7, 400), (event(2, {"tag": "a=b"}), 400)])
def test_a_batch_with_a_bad_event_leaves_nothing(gates, bad, status):
    gate = gates.open(name="gate")
    for events in ([bad, event(1, {"name": "a"})], [event(1, {"name": "a"}), finished(3, "gate"), bad]):
        answer = batch(gates, events)
        assert answer.status == status and f"event {events.index(bad) + 1}: " in answer.json["detail"], answer
    assert batch(gates, [event(1, {"name": "a"})], "?wait=1s").status == 400
    assert [g["state"] for g in gates.all()] == ["pending"] and gates.get(gate)["verdict"] is None


def test_a_sender_of_events_may_ask_first(gates):
    asked = gates.server.request("OPTIONS", "/api/v1/in/cloudevents/bus",
                                 headers={"WebHook-Request-Origin": "events.acme.example"}, token=None)
    assert asked.status == 200 and asked.headers["WebHook-Allowed-Origin"] == "events.acme.example"
    assert gates.all() == []
