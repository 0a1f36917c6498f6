# SPDX-License-Identifier: MIT
"""GoCD: stages that wait are started once, pipelines are triggered, artifacts arrive whole."""
import base64
import http.client
import urllib.parse

import pytest

from baton_server import wait_for
from gate_world import Gates, configuration
from fakes.gocd import FakeGocd

JOB = "p/1/accept/1/job"


@pytest.fixture
def gocd():
    with FakeGocd(users={"ann": "pass word"}, tokens={"gocd-token": "baton"}) as fake:
        yield fake


@pytest.fixture
def gates(make_server, gocd):
    links = {"gocd": {"main": {"url": gocd.url, "token": {"env": "TOKEN"}},
                      "basic": {"url": gocd.url + "/go/", "user": "ann", "password": {"env": "PASSWORD"}},
                      "wrong": {"url": gocd.url, "token": {"env": "WRONG"}}}}
    return Gates(make_server(configuration(links), env={"TOKEN": "gocd-token", "PASSWORD": "pass word",
                                                        "WRONG": "some-other-token"}))


def run_stage(link="main", counter=1, stage="accept", **more):
    return {"link": f"gocd/{link}", "run_stage": {"pipeline": "p", "counter": counter, "stage": stage}, **more}


def starts(gocd):
    return gocd.requests_to("^POST /go/api/stages/.*/run$")


# --- stages ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("verdict", ["passed", "failed"])
def test_a_waiting_stage_is_started_whatever_the_verdict(gates, gocd, verdict):
    """GoCD cannot be told `failed`: the stage fetches the verdict."""
    gocd.pipeline("p", ["build", "accept"])
    gate = gates.open(deliver=[run_stage()])
    assert gocd.requests == []
    gates.decide(gate, verdict)
    gocd.wait_started("p", 1, "accept")
    gates.wait_delivered(gate)
    stage = gocd.stage("p", 1, "accept")
    assert (stage.counter, stage.approved_by) == (1, "baton")
    (call,) = starts(gocd)
    assert call.headers["accept"] == "application/vnd.go.cd.v2+json" and call.body == b""
    assert call.headers["x-gocd-confirm"] == "true" and call.headers["authorization"].lower() == "bearer gocd-token"
    assert gocd.violations == []


def test_a_user_and_a_password_do_as_well(gates, gocd):
    gocd.pipeline("p", ["build", "accept"])
    gate = gates.open(deliver=[run_stage("basic", counter="latest", when="passed")])
    gates.decide(gate)
    gates.wait_delivered(gate)
    assert gocd.stage("p", 1, "accept").approved_by == "ann" and gocd.violations == []


def test_the_stage_that_opened_the_gate_may_still_run(gates, gocd):
    gocd.pipeline("p", ["build", "accept"], first="Building")
    gate = gates.open(deliver=[run_stage()])
    gates.decide(gate)
    gocd.wait_until(lambda: len(starts(gocd)) >= 3, what="refusals")
    (waits,) = gates.deliveries(gate)
    assert waits["error_class"] == "transient" and "still in progress" in waits["last_error"]
    assert waits["last_status"] == 409 and waits["next_at"]
    gocd.finish("p", 1, "build")
    gates.wait_delivered(gate)
    assert gocd.stage("p", 1, "accept").counter == 1


def test_a_stage_that_ran_already_is_left_alone(gates, gocd):
    gocd.pipeline("p", ["build", "accept"], automatic=("accept",))
    gocd.finish("p", 1, "accept", "Failed")
    gate = gates.open(deliver=[run_stage()])
    gates.decide(gate)
    gates.wait_delivered(gate)
    assert starts(gocd) == [] and gocd.stage("p", 1, "accept").counter == 1


@pytest.mark.parametrize("handled", [True, False])
def test_a_lost_answer_starts_nothing_twice(gates, gocd, handled):
    gocd.pipeline("p", ["build", "accept"])
    gocd.drop_after_body(1, only="/run$", handled=handled)
    gate = gates.open(deliver=[run_stage()])
    gates.decide(gate)
    gates.wait_delivered(gate)
    assert gocd.stage("p", 1, "accept").counter == 1
    assert len(starts(gocd)) == (1 if handled else 2), "it looks before it calls again"


def test_latest_means_the_run_of_that_moment(gates, gocd):
    gocd.pipeline("p", ["build", "accept"])
    gocd.fail_next(2, 503, only="/run$")
    gate = gates.open(deliver=[run_stage(counter="latest")])
    gates.decide(gate)
    gocd.wait_until(lambda: starts(gocd), what="the first call")
    gocd.trigger("p")
    gocd.finish("p", 2, "build")
    gates.wait_delivered(gate)
    assert gocd.stage("p", 1, "accept").counter == 1 and not gocd.stage("p", 2, "accept").scheduled


@pytest.mark.parametrize("target, error_class, said", [
    (run_stage(counter=9), "rejected", "not found"),
    (run_stage(stage="nix"), "rejected", "not found"),
    (run_stage("wrong"), "auth", ""),
])
def test_what_gocd_will_never_do(gates, gocd, target, error_class, said):
    gocd.pipeline("p", ["build", "accept"])
    gate = gates.open(deliver=[target])
    gates.decide(gate)
    dead = gates.wait_dead(gate)
    assert dead["error_class"] == error_class and said in dead["last_error"]
    assert gocd.stage("p", 1, "accept").counter == 0 and "some-other-token" not in str(dead)


def test_a_failed_stage_before_it_is_for_a_person(gates, gocd):
    gocd.pipeline("p", ["build", "accept"], first="Failed", only_on_success=("accept",))
    gate = gates.open(deliver=[run_stage()])
    gates.decide(gate)
    dead = gates.wait_dead(gate)
    assert dead["error_class"] == "rejected" and dead["last_status"] == 409
    gocd.stage("p", 1, "build").runs[-1].status = "Passed"
    gates.server.api("POST", f"/deliveries/{dead['id']}/redrive")
    gates.wait_delivered(gate)
    assert gocd.stage("p", 1, "accept").counter == 1


def test_a_stage_that_is_not_its_turn(gates, gocd):
    gocd.pipeline("p", ["build", "accept", "ship"])
    gate = gates.open(deliver=[run_stage(stage="ship")])
    gates.decide(gate)
    dead = gates.wait_dead(gate)
    assert (dead["error_class"], dead["last_status"]) == ("rejected", 400) and dead["attempts"] > 1
    assert "previous stage has not been run" in dead["last_error"]


# --- pipelines ------------------------------------------------------------------------------------

def test_a_pipeline_is_triggered_once(gates, gocd):
    gocd.pipeline("p", ["build"], variables=("VERDICT", "KEY"), materials=("f1",))
    body = {"environment_variables": [{"name": "VERDICT", "value": "ok"},
                                      {"name": "KEY", "encrypted_value": "AES:x", "secure": True}],
            "materials": [{"fingerprint": "f1", "revision": "abc"}], "update_materials_before_scheduling": True}
    gate = gates.open(deliver=[{"link": "gocd/main", "schedule": {"pipeline": "p", **body}}])
    gates.decide(gate)
    gates.wait_delivered(gate)
    assert gocd.pipelines["p"].triggers == [body] and gocd.violations == []


def test_a_busy_pipeline_is_triggered_later(gates, gocd):
    gocd.pipeline("p", ["build"], first="Building")
    gate = gates.open(deliver=[{"link": "gocd/main", "schedule": {"pipeline": "p"}}])
    gates.decide(gate)
    wait_for(lambda: gates.deliveries(gate)[0]["attempts"] >= 2, what="refusals")
    gocd.finish("p", 1, "build")
    gates.wait_delivered(gate)
    assert len(gocd.pipelines["p"].instances) == 2


@pytest.mark.parametrize("handled", [True, False])
def test_a_lost_answer_triggers_no_second_run(gates, gocd, handled):
    """GoCD updates the materials before the run is there, and refuses to be asked again meanwhile."""
    pipeline = gocd.pipeline("p", ["build"])
    pipeline.update_s = 4
    gocd.drop_after_body(1, only="^POST .*/schedule$", handled=handled)
    gate = gates.open(deliver=[{"link": "gocd/main", "schedule": {"pipeline": "p"}}])
    gates.decide(gate)
    wait_for(lambda: len(pipeline.instances) == 2, 20, "the run")
    gocd.finish("p", 2, "build")
    gates.wait_delivered(gate)
    assert len(pipeline.triggers) == 1 and len(pipeline.instances) == 2


@pytest.mark.parametrize("fields, said", [
    ({"pipeline": "nix"}, "not found"),
    ({"pipeline": "p", "environment_variables": [{"name": "NO", "value": "1"}]}, "has not been configured")])
def test_pipelines_that_cannot_be_triggered(gates, gocd, fields, said):
    gocd.pipeline("p", ["build"])
    gate = gates.open(deliver=[{"link": "gocd/main", "schedule": fields}])
    gates.decide(gate)
    dead = gates.wait_dead(gate)
    assert dead["error_class"] == "rejected" and said in dead["last_error"]


# --- artifacts ------------------------------------------------------------------------------------

def artifact(path="report/junit.xml", source="out/junit.xml", **more):
    return {"link": "gocd/main", "artifact": {"pipeline": "p", "counter": 1, "stage": "accept", "stage_counter": 1,
                                              "job": "job", "path": path, "source": source, **more}}


def with_file(gates, gocd, target, data=b"\r\n--\x00\xff\n" * 1000):
    if "p" not in gocd.pipelines:
        gocd.pipeline("p", ["build", "accept"], automatic=("accept",))
    gate = gates.open(deliver=[target])
    answer = gates.server.request("PUT", f"/api/v1/gates/{gate['id']}/artifacts/out/junit.xml", data)
    assert answer.status == 201
    gates.decide(gate)
    return gate, data


def test_an_artifact_arrives_whole(gates, gocd):
    gate, data = with_file(gates, gocd, artifact(counter="latest", stage_counter="latest"))
    gates.wait_delivered(gate)
    assert gocd.file(JOB, "report/junit.xml") == data and gocd.violations == []
    again, _ = with_file(gates, gocd, artifact())
    gates.wait_delivered(again)
    assert len(gocd.requests_to("^POST /go/files")) == 1, "the same file is there already"


@pytest.mark.parametrize("handled", [True, False])
def test_an_upload_whose_answer_is_lost(gates, gocd, handled):
    gocd.drop_after_body(1, only="^POST /go/files", handled=handled)
    gate, data = with_file(gates, gocd, artifact())
    gates.wait_delivered(gate)
    assert gocd.file(JOB, "report/junit.xml") == data
    assert len(gocd.requests_to("^POST /go/files")) == (1 if handled else 2)


def test_another_file_of_the_name_is_not_replaced(gates, gocd):
    gocd.pipeline("p", ["build", "accept"], automatic=("accept",))
    gocd.upload_half(JOB, "report/junit.xml", b"something else")
    gate, _ = with_file(gates, gocd, artifact())
    dead = gates.wait_dead(gate)
    assert dead["error_class"] == "rejected" and "another path" in dead["last_error"]
    assert gocd.file(JOB, "report/junit.xml") == b"somethi"


def test_a_disk_that_is_full_and_files_that_are_missing(gates, gocd):
    gocd.free_bytes = 10
    gate, _ = with_file(gates, gocd, artifact())
    assert gates.wait_dead(gate)["last_status"] == 413
    gocd.free_bytes = None
    gate, _ = with_file(gates, gocd, artifact(source="out/nix"))
    assert gates.wait_dead(gate)["error_class"] == "rejected"
    gate, _ = with_file(gates, gocd, artifact(job="nix"))
    dead = gates.wait_dead(gate)
    assert (dead["error_class"], dead["last_status"]) == ("rejected", 404)


# --- bad input ------------------------------------------------------------------------------------

@pytest.mark.parametrize("target, pointer", [
    (run_stage(counter="one"), "/deliver/0/run_stage/counter"),
    (run_stage(counter=-1), "/deliver/0/run_stage/counter"),
    (run_stage(stage=""), "/deliver/0/run_stage/stage"),
    (run_stage(stage=".."), "/deliver/0/run_stage/stage"),
    ({"link": "gocd/main", "run_stage": {"pipeline": "p", "counter": 1}}, "/deliver/0/run_stage/stage"),
    ({"link": "gocd/main", "run_stage": {"pipeline": "p", "counter": 1, "stage": "s", "x": 1}},
     "/deliver/0/run_stage/x"),
    ({"link": "gocd/main"}, "/deliver/0"),
    ({"link": "gocd/main", "schedule": {"pipeline": "p", "environment_variables": [{"name": "A"}]}},
     "/deliver/0/schedule/environment_variables/0"),
    (artifact(path="../x"), "/deliver/0/artifact/path"),
    (artifact(source="/etc/passwd"), "/deliver/0/artifact/source"),
    ({**run_stage(), "schedule": {"pipeline": "p"}}, "/deliver/0"),
])
def test_targets_that_are_wrong_are_told_at_once(gates, gocd, target, pointer):
    answer = gates.server.post("/api/v1/gates", {"subject": {"external": True}, "deliver": [target]})
    assert answer.status == 400 and any(e["pointer"].startswith(pointer) for e in answer.json["errors"]), answer
    assert gates.all() == [] and gocd.requests == []


def test_names_are_escaped_in_addresses(gates, gocd):
    gocd.pipeline("a b/c?d", ["build", "ac#ce%pt"])
    gate = gates.open(deliver=[{"link": "gocd/main", "run_stage": {"pipeline": "a b/c?d", "counter": 1,
                                                                   "stage": "ac#ce%pt"}}])
    gates.decide(gate)
    gates.wait_delivered(gate)
    assert gocd.stage("a b/c?d", 1, "ac#ce%pt").counter == 1
    expected = "Basic " + base64.b64encode(b"ann:pass word").decode()
    assert all(r.headers["authorization"] != expected for r in gocd.requests)


# --- in the place of a GoCD server ----------------------------------------------------------------

FILES = "/go/files/p/1/accept/1/job"


def taken(gates, answer, status):
    """What a legacy route answered, once it has been delivered."""
    assert answer.status == status, answer
    delivery = answer.json["delivery"]
    shown = lambda: gates.server.api("GET", f"/deliveries/{delivery}")
    wait_for(lambda: shown()["state"] != "queued", what="the end of the delivery")
    return shown()


def form(data, name="file"):
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n'.encode()
    return head + data + b"\r\n--B--\r\n", {"Content-Type": "multipart/form-data; boundary=B", "Confirm": "true"}


def test_scripts_that_call_gocd_call_baton(gates, gocd):
    gocd.pipeline("p", ["build", "accept"], variables=("A",))
    gocd.fail_next(2, 503)
    basic = {"Authorization": "Basic " + base64.b64encode(f"any:{gates.server.token}".encode()).decode()}
    answer = gates.server.post("/go/run/p/1/accept", headers=basic, token=None)
    assert answer.json["message"] == "Request to schedule stage p/1/accept accepted"
    assert taken(gates, answer, 202)["state"] == "delivered"
    assert gocd.stage("p", 1, "accept").counter == 1
    gocd.finish("p", 1, "accept")
    body = {"environment_variables": [{"name": "A", "value": "b"}]}
    answer = gates.server.post("/go/api/pipelines/p/schedule", body,
                               headers={"Accept": "application/vnd.go.cd.v1+json"})
    assert taken(gates, answer, 202)["state"] == "delivered" and gocd.pipelines["p"].triggers == [body]
    assert gocd.violations == []


def test_files_pass_through_with_retries(gates, gocd):
    gocd.pipeline("p", ["build", "accept"], automatic=("accept",))
    data = b"\r\n--\x00\xff\n" * 5000
    body, headers = form(data)
    gocd.drop_after_body(1, only="^POST /go/files", handled=True)
    assert taken(gates, gates.server.post(f"{FILES}/out/a.bin", body, headers=headers), 201)["state"] == "delivered"
    assert gocd.file(JOB, "out/a.bin") == data
    gocd.drop_after_body(1, only="^PUT /go/files", handled=True)
    for line in (b"one\n", b"two\n", b"two\n"):
        put = gates.server.request("PUT", f"{FILES}/cruise-output/console.log", line)
        assert taken(gates, put, 200)["state"] == "delivered"
    assert gocd.console(JOB) == "one\ntwo\ntwo\n", "each append once"
    got = gates.server.get(f"{FILES}/out/a.bin")
    assert (got.status, got.body) == (200, data)
    assert gates.server.get(f"{FILES}/nix").status == 404
    assert gates.server.post(f"{FILES}/out/a.bin", *form(b"other")[:1], headers=headers).status == 201
    dead = wait_for(lambda: gates.server.api("GET", "/deliveries?state=dead")["items"], what="the refusal")[0]
    assert dead["error_class"] == "rejected" and gocd.file(JOB, "out/a.bin") == data


@pytest.mark.parametrize("body, content_type", [
    (b"raw", None), (b"raw", "application/octet-stream"), (b"file=raw", "application/x-www-form-urlencoded"),
    (b"", "multipart/form-data; boundary=B"), (b"raw", "multipart/form-data"),
    (form(b"x", "upload")[0], "multipart/form-data; boundary=B"),
    (form(b"x" * 3_000_000, "upload")[0], "multipart/form-data; boundary=B"),
    (form(b"x")[0], "multipart/form-data; boundary=C")], ids=[
        "plain", "raw", "urlencoded", "empty", "no boundary", "other part", "large", "other boundary"])
def test_what_gocd_would_not_take_is_refused_at_once(gates, gocd, body, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    answer = gates.server.post(f"{FILES}/a", body, headers=headers)
    assert answer.status == 400 and "zipfile" in answer.json["fix"], answer
    assert gocd.requests == [] and gates.server.api("GET", "/deliveries")["items"] == []


@pytest.mark.parametrize("name, first", [("file", b""), ("zipfile", b""), (
    "file", b'--B\r\nContent-Disposition: form-data; name="file_checksum"; filename="c"\r\n\r\na=1\r\n')],
                         ids=["file", "zipfile", "checksum first"])
def test_forms_that_gocd_takes(gates, gocd, name, first):
    gocd.pipeline("p", ["build", "accept"], automatic=("accept",))
    body, headers = form(b"data", name)
    assert gates.server.post(f"{FILES}/a", first + body, headers=headers).status == 201
    sent = gocd.wait_for("^POST /go/files")
    assert sent.body == first + body


def test_the_address_of_a_proxied_request_is_that_of_the_link(gates, gocd):
    """A client that takes Baton for its proxy sends whole addresses; the credentials go to the link's."""
    gocd.pipeline("p", ["build", "accept"], automatic=("accept",))
    body, headers = form(b"data")
    assert taken(gates, gates.server.post(f"{FILES}/a", body, headers=headers), 201)["state"] == "delivered"
    parts = urllib.parse.urlsplit(gates.server.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("GET", f"http://elsewhere.example{FILES}/a", headers={
        "Authorization": f"Bearer {gates.server.token}"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"data")
    connection.close()


def test_appends_arrive_in_order(gates, gocd):
    gocd.pipeline("p", ["build", "accept"], automatic=("accept",))
    gocd.fail_next(3, 503, only="^PUT ")
    lines = [f"line {n}\n".encode() for n in range(10)]
    for line in lines:
        assert gates.server.request("PUT", f"{FILES}/cruise-output/console.log", line).status == 200
    gocd.wait_until(lambda: len(gocd.console(JOB)) >= sum(map(len, lines)), 30, "all lines")
    assert gocd.console(JOB) == b"".join(lines).decode()


@pytest.mark.parametrize("path", ["/go/files/../api/pipelines/p/1/x", "/go/files/p/1/accept/1/job/../../../x",
                                  "/go/files/%2e%2e/api/pipelines/p/1/x", "/go/files/p/1/accept/1/job/%2e%2e/x",
                                  "/go/files/p/1/accept/1/job/a%2f..%2f..%2fx", "/go/files/p/1/accept/1/job/..%5cx",
                                  "/go/files/p/1/accept/1/..%2f..%2f../x"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_paths_that_lead_to_other_routes_of_gocd(gates, gocd, method, path):
    """The link's credentials go with the call."""
    gocd.pipeline("p", ["build", "accept"], automatic=("accept",))
    body, headers = form(b"x") if method == "POST" else (b"x" if method == "PUT" else None, {})
    answer = gates.server.request(method, path, body, headers=headers)
    assert 400 <= answer.status < 500, answer
    assert gocd.requests == [] and gates.server.api("GET", "/deliveries")["items"] == []


def test_legacy_routes_ask_who_calls(gates, gocd):
    gocd.pipeline("p", ["build", "accept"], automatic=("accept",))
    viewer = gates.server.api("POST", "/tokens", {"name": "v", "scope": "viewer"})["token"]
    for method, path in (("POST", "/go/run/p/1/accept"), ("POST", "/go/api/pipelines/p/schedule"),
                         ("PUT", f"{FILES}/a"), ("POST", f"{FILES}/a")):
        assert gates.server.request(method, path, token=None).status == 401
        assert gates.server.request(method, path, token=viewer).status == 403
    assert gates.server.get(f"{FILES}/a", token=None).status == 401
    assert gates.server.post("/go/run/p/one/accept").status == 400
    assert gates.server.post("/go/run/p/1/accept?link=gocd/nix").status == 404
    assert gocd.requests == [] and gates.server.api("GET", "/deliveries")["items"] == []
