# SPDX-License-Identifier: MIT
"""Azure DevOps: asynchronous checks, their log and timeline, their verdict, published test results."""
import pytest

from baton_server import wait_for
from gate_world import Crash, Gates, configuration
from fakes.azure_devops import FakeAzureDevops
from fakes.http_fake import call

PAT = "pat-0123456789"
JUNIT = """<testsuite name="s"><testcase classname="c" name="one"/>
<testcase classname="c" name="two"><failure message="too slow">at two.cc:7</failure></testcase></testsuite>"""


class Azure:
    """A server with the profiles corp (job tokens only), pat, results, and files, and one fake for all."""

    def __init__(self, make_server, fake, **settings):
        self.fake = fake
        allow = {"allow": [f"{fake.url}/corp/"]}
        profiles = {"corp": allow, "pat": {**allow, "pat": {"env": "PAT"}},
                    "results": {**allow, "publish_results": True},
                    "files": {**allow, "publish_results": True, "attachments": ["*.xml", "shots/**"]},
                    "both": {**allow, "api_version": "7.1-preview.1, 2.0-preview.1"}}
        self.gates = Gates(make_server(configuration({"azure_devops": profiles}, **settings), env={"PAT": PAT}))
        self.server = self.gates.server

    def check(self, body=None, profile="corp", headers=None, query="", **settings):
        url = f"{self.server.url}/api/v1/in/azure_devops/{profile}{query}"
        auth = {"Authorization": f"Bearer {self.server.token}"}
        return self.fake.check(url, body, headers={**auth, **(headers or {})}, **settings)

    def ask(self, body=None, status=201, **settings):
        """The check, sent, and its gate."""
        check = self.check(body, **settings)
        reply = check.send()
        assert reply.status == status, (reply.status, reply.body, reply.error)
        return check, reply.json

    def paths(self, check):
        """The calls about a check, as words; the live feed is left out."""
        word = lambda path: path.partition(check.plan_id)[2].replace(check.timeline_id, "T").strip("/")
        return [(r.method, word(r.path)) for r in self.fake.requests
                if check.plan_id in r.path and not r.path.endswith("/feed")]


@pytest.fixture
def fake():
    with FakeAzureDevops(pat=PAT) as azure:
        yield azure


@pytest.fixture
def azure(make_server, fake):
    return Azure(make_server, fake)


# --- a check and its verdict ----------------------------------------------------------------------

@pytest.mark.parametrize("verdict, result", [("passed", "succeeded"), ("failed", "failed"), ("errored", "failed"),
                                             ("cancelled", "failed"), ("timed_out", "failed")])
def test_a_check_is_answered_at_once_and_completed_later(azure, verdict, result):
    check, gate = azure.ask({"name": "smoke"})
    assert gate["state"] == "pending" and gate["link"] == "azure_devops/corp" and gate["name"] == "smoke"
    azure.gates.decide(gate, verdict, reason="because")
    assert check.wait_completed() == result
    assert check.events[-1] == {"name": "TaskCompleted", "taskId": check.task_id, "jobId": check.job_id,
                                "result": result}
    azure.gates.wait_delivered(gate)
    assert check.results == [result] and azure.fake.violations == []
    assert "because" in check.log and verdict.replace("_", " ") in check.log.replace("_", " ")


def test_the_answer_comes_in_under_a_second(azure):
    azure.ask()
    assert max(azure.check().send().seconds for _ in range(10)) < 1


def test_the_log_is_one_and_comes_before_the_verdict(azure):
    check, gate = azure.ask()
    log = f"/gates/{gate['id']}/log"
    for line in ("first", "second", "x" * 3000):
        azure.server.api("POST", log, line)
    azure.fake.wait_until(lambda: "first" in check.log, 15, "lines while the gate is pending")
    azure.server.api("POST", log, "the last words")
    azure.gates.decide(gate, "failed", reason="3 of 20")
    check.wait_completed()
    assert len(check.logs) == 1, "one log, not one per line"
    lines = [line.split(" ", 1)[1] for line in check.log.splitlines()]
    assert [w for w in lines if w in ("first", "second", "the last words")] == ["first", "second", "the last words"]
    assert "x" * 1024 + "..." in lines and len(lines) == len(set(lines)), "cut, and none twice"
    assert all(len(line.split(" ", 1)[0]) == len("2026-01-04T12:32:42.2042287Z") for line in check.log.splitlines())
    calls = azure.paths(check)
    assert calls[0] == ("POST", "logs") and calls[-1] == ("POST", "events")
    record = check.records[check.task_id]
    assert record["log"]["id"] in check.logs and record["state"] == "inProgress"
    assert any("the last words" in line for line in check.feed)


def test_the_same_delivery_again_is_the_same_gate(azure):
    check, gate = azure.ask({"name": "once"})
    assert check.send().json["id"] == gate["id"]
    strange = {name.upper(): value for name, value in check.headers.items() if name != "Authorization"}
    again = call("POST", check.url, {"name": "once"}, {**strange, "authorization": check.headers["Authorization"]})
    assert (again.status, again.json["id"]) == (200, gate["id"]), "header names have any case"
    azure.gates.decide(gate, "passed")
    check.wait_completed()
    azure.gates.wait_delivered(gate)
    assert check.results == ["succeeded"] and len(azure.gates.all()) == 1
    check.renew()
    retried = check.send()
    assert (retried.status, len(azure.gates.all())) == (201, 2), "a retried stage is another question"


def test_forms_of_the_call(azure):
    bare, gate = azure.ask(method="GET", query="?name=from-the-query&timeout=5m", trailing_slash=False)
    assert gate["name"] == "from-the-query"
    unnamed, other = azure.ask(headers={"TaskInstanceId": None, "HubName": None, "BuildId": "77"}, hub="release")
    assert other["labels"]["build_id"] == "77"
    old, third = azure.ask(hub="Gates", plan_version=12)
    both, fourth = azure.ask(profile="both")
    for made in (gate, other, third, fourth):
        azure.gates.decide(made, "passed")
    for check in (bare, unnamed, old, both):
        assert check.wait_completed() == "succeeded"
    assert azure.fake.requests_to(f"POST .*{both.plan_id}/events.*7.1-preview.1")
    assert azure.fake.violations == []


def test_a_deadline_is_told_before_azure_gives_up(azure):
    check, gate = azure.ask({"timeout": "300ms"})
    assert check.wait_completed() == "failed" and "no verdict within 300ms" in check.log
    passing, gate = azure.ask({"timeout": "300ms", "on_timeout": "passed"})
    assert passing.wait_completed() == "succeeded"
    assert azure.gates.get(gate)["source"] == "timeout"


def test_a_check_that_starts_a_suite(azure):
    good, gate = azure.ask({"subject": {"suite": "good"}})
    bad, _ = azure.ask({"subject": {"suite": "bad"}})
    assert good.wait_completed(20) == "succeeded" and bad.wait_completed(20) == "failed"
    assert "all is well" in good.log and "oops" in bad.log
    assert gate["subject"]["run"] > 0


def test_a_cancelled_check_cancels_its_gate(azure):
    check, gate = azure.ask({"subject": {"suite": "long"}})
    reply = call("POST", check.url, {}, {**check.headers, "RequestType": "Cancel"})
    assert (reply.status, reply.json["id"], reply.json["state"]) == (200, gate["id"], "cancelled")
    assert azure.gates.get(gate)["state"] == "cancelled"
    assert azure.server.finish(gate["subject"]["run"])["verdict"] == "cancelled"
    stranger = azure.check()
    assert call("POST", stranger.url, {}, {**stranger.headers, "RequestType": "Cancel"}).status in (200, 202)
    assert len(azure.gates.all()) == 1


def test_a_newer_check_of_the_key_supersedes(azure):
    older, first = azure.ask({"key": "main"})
    newer, second = azure.ask({"key": "main"})
    assert azure.gates.get(first)["state"] == "superseded"
    azure.gates.decide(second, "passed")
    assert newer.wait_completed() == "succeeded"
    azure.gates.wait_delivered(second)
    assert older.results == [], "a superseded gate delivers no verdict"


# --- when things go wrong -------------------------------------------------------------------------

def test_a_lost_answer_is_not_sent_twice(azure):
    check, gate = azure.ask()
    azure.fake.drop_after_body(1, only="/events", handled=True)
    azure.gates.decide(gate, "passed")
    assert check.wait_completed() == "succeeded"
    azure.gates.wait_delivered(gate)
    assert check.results == ["succeeded"], "the second found the session closed by the first"


def test_a_session_that_comes_late_is_waited_for(azure):
    check, gate = azure.ask(session_late=1)
    azure.gates.decide(gate, "failed")
    assert check.wait_completed(30) == "failed"
    assert len(azure.fake.requests_to(f"{check.plan_id}/events")) == 2
    azure.gates.wait_delivered(gate)


def test_a_check_that_waits_for_no_callback_is_told_how_to(make_server, fake):
    """Completion event ApiResponse approves on our own 200; the callback then finds no session."""
    azure = Azure(make_server, fake, retry={"give_up_after": "60s"})
    check, gate = azure.ask(completion="ApiResponse")
    assert check.result == "succeeded"
    azure.gates.decide(gate, "failed")
    dead = wait_for(lambda: dead_verdict(azure, gate), 60, "the end")
    assert dead["error_class"] == "peer_gone" and "Callback" in dead["last_error"]
    calls = azure.fake.requests_to(f"{check.plan_id}/events")
    gaps = [round(b.at - a.at) for a, b in zip(calls, calls[1:])]
    assert gaps == [5, 10, 15], "it might only be early"


def dead_verdict(azure, gate):
    return next((d for d in azure.gates.deliveries(gate) if d["state"] == "dead" and d["stage"] == "verdict"), None)


def test_tokens_that_are_refused(azure):
    check, gate = azure.ask()
    check.token_valid = False
    azure.gates.decide(gate, "passed")
    dead = wait_for(lambda: dead_verdict(azure, gate), 40, "the end")
    assert dead["error_class"] == "auth" and "pat" in dead["last_error"]
    helped, gate = azure.ask(profile="pat")
    helped.token_valid = False
    azure.gates.decide(gate, "passed")
    assert helped.wait_completed() == "succeeded", "the PAT takes over"
    azure.gates.wait_delivered(gate)


def test_a_throttled_service_is_not_hurried(azure):
    check, gate = azure.ask()
    azure.fake.throttle(1, retry_after=2, only="/events")
    azure.gates.decide(gate, "passed")
    assert check.wait_completed() == "succeeded"
    first, second = azure.fake.requests_to("/events")
    assert second.at - first.at >= 1.95
    assert azure.gates.wait_delivered(gate)


def test_another_api_version_is_tried(make_server):
    with FakeAzureDevops(refused_versions=("4.1", "2.0-preview.1")) as fake:
        azure = Azure(make_server, fake)
        check, gate = azure.ask()
        azure.gates.decide(gate, "passed")
        assert check.wait_completed() == "succeeded"


def test_a_run_that_was_deleted_is_given_up(azure):
    check, gate = azure.ask()
    with azure.fake.changed:
        azure.fake.checks.remove(check)
        azure.fake.checks.append(other := azure.check())
        other.token = check.token
    azure.gates.decide(gate, "passed")
    dead = wait_for(lambda: dead_verdict(azure, gate), 40, "the end")
    assert dead["error_class"] == "peer_gone" and dead["attempts"] == 1


# --- results --------------------------------------------------------------------------------------

def test_results_are_published_after_the_verdict(azure):
    check, gate = azure.ask(profile="results", headers={"BuildId": "42"})
    azure.server.request("PUT", f"/api/v1/gates/{gate['id']}/artifacts/junit.xml", JUNIT)
    azure.gates.decide(gate, "failed", reason="1 of 2")
    check.wait_completed()
    azure.gates.wait_delivered(gate)
    (run,) = azure.fake.published
    assert run.state == "Completed" and run.given["build"]["id"] == "42"
    outcomes = {r["testCaseTitle"].split(".")[-1].split("/")[-1]: r["outcome"] for r in run.results}
    assert outcomes["one"] == "Passed" and outcomes["two"] == "Failed"
    (failed,) = [r for r in run.results if r["outcome"] == "Failed"]
    assert "too slow" in failed["errorMessage"]
    assert azure.fake.requests_to("/events")[0].at < azure.fake.requests_to("test/runs")[0].at
    assert azure.fake.violations == []


def with_files(azure, gate, **files):
    for path, data in files.items():
        path = path.replace("__", "/").replace("_", ".")
        assert azure.server.request("PUT", f"/api/v1/gates/{gate['id']}/artifacts/{path}", data).status == 201


def test_artifacts_are_attached_to_the_published_run(azure):
    check, gate = azure.ask(profile="files", headers={"BuildId": "42"})
    shots = {f"shots__{n}_png": bytes([n]) * 1000 for n in range(12)}
    with_files(azure, gate, junit_xml=JUNIT, notes_txt="not named", shots__large_png=b"x" * (11 << 20), **shots)
    azure.gates.decide(gate, "failed")
    check.wait_completed()
    azure.gates.wait_delivered(gate)
    (run,) = azure.fake.published
    assert run.state == "Completed" and run.attachments.keys() == {"junit.xml", *(f"shots_{n}.png" for n in range(12))}
    assert run.attachments["junit.xml"] == JUNIT.encode() and run.attachments["shots_3.png"] == bytes([3]) * 1000
    assert len(run.attached) == 13 and azure.fake.violations == []


@pytest.mark.parametrize("handled", [True, False])
def test_a_lost_answer_attaches_nothing_twice(azure, handled):
    azure.fake.drop_after_body(1, only="^POST .*/attachments", handled=handled)
    check, gate = azure.ask(profile="files", headers={"BuildId": "42"})
    with_files(azure, gate, junit_xml=JUNIT, a_xml="<a/>")
    azure.gates.decide(gate, "passed")
    check.wait_completed()
    azure.gates.wait_delivered(gate)
    (run,) = azure.fake.published
    assert [a["fileName"] for a in run.attached] == ["a.xml", "junit.xml"]


def test_a_crash_while_files_are_attached(azure):
    for took in (True, False):
        azure.fake.heal()
        check, gate = azure.ask(profile="files", headers={"BuildId": "42"})
        with_files(azure, gate, **{f"f{n}_xml": "<a/>" for n in range(4)})
        crash = Crash(azure.server, azure.fake, 2, took, lambda r: r.method == "POST" and "attachments" in r.path)
        azure.gates.decide(gate, "passed")
        wait_for(lambda: crash.happened, what="the crash")
        azure.server.start()
        azure.gates.wait_delivered(gate)
        assert [a["fileName"] for a in azure.fake.published[-1].attached] == [f"f{n}.xml" for n in range(4)]


# --- bad input ------------------------------------------------------------------------------------

GUID = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize("headers, status", [
    ({"PlanUrl": None}, 400), ({"ProjectId": None}, 400), ({"PlanId": None}, 400), ({"JobId": None}, 400),
    ({"TimelineId": None}, 400), ({"AuthToken": None}, 400), ({"AuthToken": "$(system.AccessToken)"}, 400),
    ({"PlanId": "x"}, 400), ({"JobId": "../../x"}, 400), ({"ProjectId": GUID + "/x"}, 400), ({"HubName": "a/b"}, 400),
    ({"HubName": "x" * 100}, 400), ({"BuildId": "one"}, 400), ({"RequestType": "Explode"}, 400),
    ({"PlanUrl": "ftp://dev.azure.com/corp/"}, 400), ({"PlanUrl": "/corp/"}, 400), ({"PlanUrl": "x" * 3000}, 400),
    ({"PlanUrl": "{url}/corp/../other/"}, 403), ({"PlanUrl": "{url}/corp/%2e%2e/other/"}, 403),
    ({"PlanUrl": "{url}/corp?x=1"}, 400), ({"PlanUrl": "{url}/corp/#x"}, 400),
    ({"PlanUrl": "http://me:pw@127.0.0.1:{port}/corp/"}, 403),
    ({"PlanUrl": "{url}/corporation/"}, 403), ({"PlanUrl": "{url}/"}, 403), ({"PlanUrl": "{url}/other/"}, 403),
    ({"PlanUrl": "http://127.0.0.1:1/corp/"}, 403), ({"PlanUrl": "http://127.0.0.1.evil.example:{port}/corp/"}, 403),
    ({"PlanUrl": "https://127.0.0.1:{port}/corp/"}, 403), ({"PlanUrl": "http://localhost:{port}/corp/"}, 403),
    ({"PlanUrl": "http://169.254.169.254/corp/"}, 403), ({"PlanUrl": "http://[::1]:{port}/corp/"}, 403),
    ({"PlanUrl": "http://2130706433:{port}/corp/"}, 403), ({"PlanUrl": "http://evil.example\\@127.0.0.1/corp/"}, 400),
    ({"Authorization": None}, 401), ({"Authorization": "Bearer wrong"}, 401),
])
def test_calls_that_are_refused_leave_nothing(azure, headers, status):
    filled = {k: v and v.replace("{url}", azure.fake.url).replace("{port}", str(azure.fake.port))
              for k, v in headers.items()}
    check = azure.check(headers=filled)
    reply = check.send()
    assert reply.status == status, (reply.status, reply.body)
    assert reply.json["fix"] and check.token not in reply.body.decode()
    if status == 400:
        (name,) = headers
        assert name in reply.json["detail"] or any(name in e["pointer"] for e in reply.json.get("errors", []))
    assert azure.gates.all() == [] and azure.fake.requests == []


@pytest.mark.parametrize("body, status", [
    (b"{", 400), (b"[]", 400), (b'"x"', 400), ({"nonsense": 1}, 400), ({"subject": {"suite": "nix"}}, 404),
    ({"deliver": [{"link": "azure_devops/corp"}]}, 400), ({"timeout": "x"}, 400), ({"tag": "a=b"}, 400),
    ({"tag": "a=b", "subject": {"external": True}}, 400), (b"\xff\xfe", 400), (b"[" * 100_000, 400),
])
def test_bodies_that_are_refused_leave_nothing(azure, body, status):
    reply = azure.check(body).send()
    assert reply.status == status, (reply.status, reply.body)
    assert azure.gates.all() == [] and azure.fake.requests == []


def test_profiles_that_are_unknown(azure):
    assert azure.check(profile="nix").send().status == 404
    assert azure.gates.all() == []


def test_a_redirect_is_not_followed(azure):
    check, gate = azure.ask()
    azure.fake.fail_next(20, 307, {"Location": f"{azure.fake.url}/elsewhere/"}, only="/events")
    azure.gates.decide(gate, "passed")
    dead = wait_for(lambda: dead_verdict(azure, gate), 40, "the end")
    assert dead["error_class"] == "misconfigured" and azure.fake.requests_to("elsewhere") == []
    assert check.token not in str(dead)
