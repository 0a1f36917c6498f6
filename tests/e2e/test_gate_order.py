# SPDX-License-Identifier: MIT
"""What goes first, and what stays hidden: verdicts before progress, the log of a run before what others say,
secrets in the targets of deliveries."""
import json
import time

from baton_server import wait_for
from gate_world import Gates, configuration, everything_written, id_of
from fakes.azure_devops import FakeAzureDevops
from fakes.gocd import FakeGocd
from fakes.testkube import FakeTestkube

TALK = {"name": "talk", "kind": "command",
        "command": ["sh", "-c", "for i in 0 1 2 3 4 5; do echo run-$i; sleep 0.3; done"]}


def log_of(server, gate):
    return server.get(f"/api/v1/gates/{id_of(gate)}/log")


def test_what_others_say_to_a_gate_comes_after_the_log_of_its_run(make_server):
    """An offset into the log means the same byte for ever: followers lose nothing and see nothing twice."""
    server = make_server(json.dumps({"suites": [TALK]}))
    gates = Gates(server)
    gate = gates.open(subject={"suite": "talk"})
    seen, offset = b"", 0
    for n in range(400):
        over = gates.get(gate)["state"] != "pending"
        answer = server.get(f"/api/v1/gates/{gate['id']}/log", headers={"Range": f"bytes={offset}-"})
        if answer.status == 206:
            seen += answer.body
            offset += len(answer.body)
        if over and answer.status == 416:
            break
        if n % 8 == 0 and not over:
            server.post(f"/api/v1/gates/{gate['id']}/log", f"own-{n}\n".encode(),
                        headers={"Content-Type": "text/plain"})
        time.sleep(0.03)
        if n == 40:
            assert b"own-" in log_of(server, gate).body, "whoever asks for all of it gets all of it"
    lines = seen.decode().split()
    assert lines[:6] == [f"run-{i}" for i in range(6)], lines
    assert len(lines) > 6 and all(line.startswith("own-") for line in lines[6:]), lines
    assert seen == log_of(server, gate).body


def test_a_log_has_a_tag_and_a_position_beyond_its_end_is_its_end(make_server):
    server = make_server(configuration())
    gates = Gates(server)
    gate = gates.open()
    path = f"/api/v1/gates/{gate['id']}/log"
    server.post(path, b"one\n", headers={"Content-Type": "text/plain"})
    tag = log_of(server, gate).headers["etag"]
    assert server.get(path, headers={"If-None-Match": tag}).status == 304
    server.post(path, b"two\n", headers={"Content-Type": "text/plain"})
    assert server.get(path, headers={"If-None-Match": tag}).body == b"one\ntwo\n"
    gates.decide(gate)
    stream = server.get(path, headers={"Accept": "text/event-stream", "Last-Event-ID": "99999"})
    assert b"event: decided" in stream.body and b"event: log" not in stream.body


def test_the_log_of_an_execution_is_whole_after_a_restart_whatever_others_said(make_server):
    with FakeTestkube() as testkube:
        server = make_server(configuration({"testkube": {"tk": {"url": testkube.api_url, "poll": "100ms"}}}))
        gates = Gates(server)
        execution = testkube.execution("smoke", tags={"build": "1"}).run()
        gate = gates.open(subject={"testkube": {"profile": "tk", "tag": "build=1"}})
        early, late = ([f"{word} {n}" for n in range(10)] for word in ("early", "late"))
        execution.log(*early)
        wait_for(lambda: b"early 9" in log_of(server, gate).body, what="the first lines")
        server.post(f"/api/v1/gates/{gate['id']}/log", b"somebody deployed something meanwhile, see elsewhere\n",
                    headers={"Content-Type": "text/plain"})
        server.kill()
        server.start()
        execution.log(*late)
        wait_for(lambda: b"late 9" in log_of(server, gate).body, what="the last lines")
        execution.finish()
        gates.wait_end(gate)
        lines = log_of(server, gate).body.decode().splitlines()
        assert [line for line in lines if line in early + late] == early + late, lines


def test_a_verdict_does_not_wait_behind_the_progress_of_other_gates(make_server):
    with FakeAzureDevops() as azure:
        server = make_server(configuration({"azure_devops": {"corp": {"allow": [f"{azure.url}/corp/"]}}}, per_peer=4))
        gates = Gates(server)
        auth = {"Authorization": f"Bearer {server.token}"}
        checks = [azure.check(f"{server.url}/api/v1/in/azure_devops/corp", {"name": f"gate {n}"}, headers=auth)
                  for n in range(30)]
        ids = [check.send().json["id"] for check in checks]
        azure.slow(1.0, only=lambda r: not r.path.endswith("/events") and checks[0].plan_id not in r.path)
        for gate in ids[1:]:
            server.post(f"/api/v1/gates/{gate}/log", b"a line\n", headers={"Content-Type": "text/plain"})
        time.sleep(1.2)
        begin = time.monotonic()
        gates.decide(ids[0])
        checks[0].wait_completed(30)
        assert time.monotonic() - begin < 8, "29 gates with two calls of a second each are waited for"


def test_secure_variables_are_shown_to_nobody_and_reach_the_pipeline(make_server):
    secret = "s3cret-value-0123456789"
    with FakeGocd(users={"ann": "pass word"}) as gocd:
        gocd.pipeline("p", ["build"], variables=("DB", "OPEN"))
        links = {"gocd": {"main": {"url": gocd.url, "user": "ann", "password": {"env": "PASSWORD"}}},
                 "jenkins": {"ci": {"url": "http://127.0.0.1:1", "user": "b", "token": {"env": "PASSWORD"}}}}
        server = make_server(configuration(links, retry={"give_up_after": "100ms"}), env={"PASSWORD": "pass word"})
        gates = Gates(server)
        variables = [{"name": "DB", "value": secret, "secure": True}, {"name": "OPEN", "value": "seen"}]
        gate = gates.open(deliver=[
            {"link": "gocd/main", "schedule": {"pipeline": "p", "environment_variables": variables}},
            {"link": "jenkins/ci", "webhook_step": {"token": secret}}])
        hidden = [{"name": "DB", "value": "(secret)", "secure": True}, {"name": "OPEN", "value": "seen"}]
        assert gate["deliveries"][0]["target"]["schedule"]["environment_variables"] == hidden
        assert gate["deliveries"][1]["target"]["webhook_step"] == {"token": "(secret)"}
        gates.decide(gate)
        gates.wait_delivered(gate, states=("delivered", "dead"))
        answer = server.post("/go/api/pipelines/p/schedule", json.dumps({"environment_variables": variables}).encode())
        assert answer.status == 202
        wait_for(lambda: len(gocd.requests_to("^POST /go/api/pipelines/p/schedule$")) >= 2, what="both calls")
        for call in gocd.requests_to("^POST /go/api/pipelines/p/schedule$"):
            assert call.json["environment_variables"] == variables
        assert secret.encode() not in everything_written(server)


def test_a_superseded_gate_is_no_reason_to_roll_back(make_server):
    links = {"flagger": {"canary": {"defaults": {"subject": {"external": True}, "timeout": "10m"}}}}
    server = make_server(configuration(links))
    gates = Gates(server)
    body = json.dumps({"name": "pod", "namespace": "test", "phase": "Progressing", "checksum": "c1",
                       "metadata": {"type": "rollback", "key": "k"}}).encode()
    assert server.post("/api/v1/in/flagger/canary", body).status == 409
    gates.open(key="k")
    answer = server.post("/api/v1/in/flagger/canary", body)
    assert answer.status == 424 and "superseded" in answer.json["message"]


def test_a_late_contradiction_in_an_event_is_refused(make_server):
    server = make_server(configuration({"cloudevents": {"bus": {}}}))
    gates = Gates(server)
    gate = gates.open()
    gates.decide(gate, "passed")

    def bring(outcome):
        event = {"specversion": "1.0", "id": outcome, "source": "/ci",
                 "type": "dev.cdevents.testsuiterun.finished.0.3.0",
                 "data": {"subject": {"id": gate["id"], "content": {"outcome": outcome}}}}
        return server.post("/api/v1/in/cloudevents/bus", json.dumps(event).encode(),
                           headers={"Content-Type": "application/cloudevents+json"})

    assert bring("success").status == 200, "the same verdict again"
    answer = bring("failure")
    assert answer.status == 409 and answer.json["gate"] == gate["id"], answer
    assert len(gates.events("gate.late_verdict")) == 1


def test_a_webhook_stage_of_spinnaker_reads_what_it_was_sent_to(make_server):
    """It follows the Location at once, and looks for words in one field."""
    server = make_server(configuration())
    opened = server.post("/api/v1/gates", {"subject": {"external": True}, "name": "smoke", "timeout": "5m"})
    assert opened.status == 201
    status_of = lambda: server.get(opened.headers["location"]).json
    assert status_of()["state"] == "pending" and status_of()["verdict"] is None
    Gates(server).decide(opened.json, "failed")
    assert (status_of()["state"], status_of()["verdict"]) == ("decided", "failed")
