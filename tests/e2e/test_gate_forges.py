# SPDX-License-Identifier: MIT
"""GitLab, Jenkins, Buildkite: status checks and commit statuses, manual jobs, inputs, block steps."""
import json

import pytest

from baton_server import wait_for
from gate_world import Gates, configuration
from fakes.buildkite import FakeBuildkite
from fakes.gitlab import FakeGitlab
from fakes.jenkins import FakeJenkins

SHA = "c0ffee" + "0" * 34


@pytest.fixture
def gitlab():
    with FakeGitlab(webhook_secret="hush") as fake:
        yield fake


@pytest.fixture
def jenkins():
    with FakeJenkins(tokens={"baton": "11aa"}, passwords={"ann": "pass word"}) as fake:
        yield fake


@pytest.fixture
def buildkite():
    with FakeBuildkite() as fake:
        yield fake


@pytest.fixture
def gates(make_server, gitlab, jenkins, buildkite):
    links = {"gitlab": {"main": {"url": gitlab.url, "token": {"env": "GL"}, "webhook_secret": {"env": "GLS"}},
                        "wrong": {"url": gitlab.url, "token": {"env": "JE"}}},
             "jenkins": {"main": {"url": jenkins.url, "user": "baton", "token": {"env": "JE"}},
                         "crumbs": {"url": jenkins.url, "user": "ann", "password": {"env": "PW"}}},
             "buildkite": {"main": {"url": buildkite.url, "token": {"env": "BK"}}}}
    return Gates(make_server(configuration(links), env={"GL": "glpat-x", "GLS": "hush", "JE": "11aa", "BK": "bkua_x",
                                                        "PW": "pass word"}))


def deliver(gates, target, verdict="passed", **more):
    gate = gates.open(deliver=[target])
    gates.decide(gate, verdict, **more)
    return gate


# --- GitLab: status checks ------------------------------------------------------------------------

@pytest.fixture
def check(gates, gitlab):
    url = f"{gates.server.url}/api/v1/in/gitlab/main"
    return gitlab.merge_request(7, iid=3, sha=SHA).status_check(url)


@pytest.mark.parametrize("verdict, status", [("passed", "passed"), ("failed", "failed"), ("timed_out", "failed")])
def test_a_status_check_is_answered(gates, gitlab, check, verdict, status):
    reply = check.send()
    assert reply.status == 201 and reply.json["labels"]["sha"] == SHA, reply.body
    again = check.send(action="approved")
    assert (again.status, again.json["id"]) == (200, reply.json["id"]), "one commit is one question"
    gates.decide(reply.json["id"], verdict)
    check.wait_status(status)
    gates.wait_delivered(reply.json["id"])
    assert check.answers[-1] == {"sha": SHA, "external_status_check_id": check.id, "status": status}
    assert len(gates.all()) == 1 and gitlab.violations == []


def test_a_status_check_is_kept_pending(gates, gitlab, check):
    gate = check.send().json
    gitlab.wait_until(lambda: check.answers, 10, "pending, told at once")
    assert check.answers[0]["status"] == "pending"
    gates.decide(gate["id"], "passed")
    check.wait_status("passed")
    assert [a["status"] for a in check.answers] == ["pending", "passed"]


def test_a_push_supersedes_the_question(gates, gitlab, check):
    older = check.send().json
    check.merge_request.push("d" * 40)
    newer = check.send().json
    assert gates.get(older["id"])["state"] == "superseded" and newer["id"] != older["id"]
    gates.decide(newer["id"], "failed")
    check.wait_status("failed")
    third = check.send(iid=3).json
    assert third["id"] == newer["id"]
    check.merge_request.push("e" * 40)
    late = gates.open()  # nothing of it is told to the merge request
    gates.decide(late)
    assert all(a["sha"] != "e" * 40 for a in check.answers)


def test_an_answer_for_an_old_head_is_dropped(gates, gitlab, check):
    gate = check.send().json
    check.merge_request.push("d" * 40)
    gates.decide(gate["id"], "passed")
    ended = wait_for(lambda: [d for d in gates.deliveries(gate["id"]) if d["state"] == "dead"
                              and d["stage"] == "verdict"], 30, "the end")
    assert ended[0]["error_class"] == "peer_gone" and ended[0]["last_status"] == 409


def test_calls_of_others_are_refused(gates, gitlab, check):
    for secret in ("guessed", "hush "):
        assert check.send(secret=secret).status == 401
    gitlab.webhook_secret = None
    assert check.send().status == 401, "unsigned"
    gitlab.webhook_secret = "hush"
    assert check.send(last_commit={"id": "../../x"}).status == 400
    assert check.send(iid=0).status == 400 and check.send(target_project_id="x").status in (400, 201)
    assert check.send(state="merged").status == 202
    for profile, status in (("nix", 404), ("wrong", 401)):
        check.url = f"{gates.server.url}/api/v1/in/gitlab/{profile}"
        assert check.send().status == status
    assert [g for g in gates.all() if g["labels"].get("sha") != SHA] == []


# --- GitLab: statuses and jobs --------------------------------------------------------------------

def commit_status(link="main", project=7, **more):
    return {"link": f"gitlab/{link}", "commit_status": {"project": project, "sha": SHA, "name": "e2e", **more}}


@pytest.mark.parametrize("verdict, state", [("passed", "success"), ("errored", "failed")])
def test_a_commit_status(gates, gitlab, verdict, state):
    gitlab.project(7, "acme/shop")
    pipeline = gitlab.pipeline(SHA)
    gitlab.pipeline(SHA)
    gate = deliver(gates, commit_status(project="acme/shop", pipeline_id=pipeline, ref="main"), verdict,
                   reason="r" * 900, url="https://ci.example/1")
    gates.wait_delivered(gate)
    shown = gitlab.status_of(SHA, "e2e")
    assert (shown.status, shown.pipeline, shown.ref) == (state, pipeline, "main")
    assert shown.target_url == "https://ci.example/1" and len(shown.description) <= 255 and gitlab.violations == []


def test_a_locked_pipeline_is_waited_for(gates, gitlab):
    gitlab.lock_pipeline(2)
    gate = deliver(gates, commit_status())
    (done,) = gates.wait_delivered(gate)
    assert done["attempts"] == 3 and gitlab.status_of(SHA, "e2e").status == "success"


def test_refusals_of_gitlab(gates, gitlab):
    dead = gates.wait_dead(deliver(gates, commit_status("wrong")))
    assert dead["error_class"] == "auth"
    dead = gates.wait_dead(deliver(gates, commit_status(pipeline_id=1)))
    assert dead["error_class"] == "rejected"


@pytest.mark.parametrize("handled", [True, False])
def test_a_manual_job_is_played_once(gates, gitlab, handled):
    job = gitlab.manual_job(7)
    gitlab.drop_after_body(1, only="/play", handled=handled)
    gate = deliver(gates, {"link": "gitlab/main", "play_job": {"project": 7, "job": job.id, "variables": {"A": "b"}}})
    gates.wait_delivered(gate)
    assert (job.plays, job.variables) == (1, {"A": "b"})
    assert len(gitlab.requests_to("/play")) == (1 if handled else 2), "it looks before it calls again"


def test_a_job_that_was_played_or_is_not_there(gates, gitlab):
    job = gitlab.manual_job(7)
    job.status = "running"
    gates.wait_delivered(deliver(gates, {"link": "gitlab/main", "play_job": {"project": 7, "job": job.id}}))
    assert job.plays == 0 and gitlab.requests_to("/play") == []
    dead = gates.wait_dead(deliver(gates, {"link": "gitlab/main", "play_job": {"project": 7, "job": 1}}))
    assert (dead["error_class"], dead["last_status"]) == ("rejected", 404)


# --- Jenkins --------------------------------------------------------------------------------------

def input_target(step, link="main", **more):
    return {"link": f"jenkins/{link}", "input": {"job": step.job, "build": step.build, "id": step.id, **more}}


@pytest.mark.parametrize("link", ["main", "crumbs"])
@pytest.mark.parametrize("verdict, outcome", [("passed", "proceeded"), ("failed", "aborted"), ("timed_out", "aborted")])
def test_an_input_is_settled(gates, jenkins, link, verdict, outcome):
    step = jenkins.input("team/app of ours", 3, id="tests")
    target = input_target(step, link)
    target["input"]["id"] = "tests"  # as the pipeline spells it; the URL has another first letter
    gate = deliver(gates, target, verdict)
    gates.wait_delivered(gate)
    assert step.outcome == outcome and step.by == ("baton" if link == "main" else "ann")
    assert jenkins.violations == []


@pytest.mark.parametrize("verdict, outcome", [("passed", "proceeded"), ("failed", "aborted")])
def test_an_input_in_other_letters(gates, jenkins, verdict, outcome):
    step = jenkins.input("app", 3, id="tests")
    target = input_target(step)
    target["input"]["id"] = "tESTS"
    gates.wait_delivered(deliver(gates, target, verdict))
    assert step.outcome == outcome and jenkins.violations == []


@pytest.mark.parametrize("verdict, outcome", [("passed", "proceeded"), ("failed", "aborted")])
@pytest.mark.parametrize("handled", [True, False])
def test_a_lost_answer_of_jenkins(gates, jenkins, handled, verdict, outcome):
    step = jenkins.input("app", 3, id="tests")
    jenkins.drop_after_body(1, only="^POST ", handled=handled)
    gates.wait_delivered(deliver(gates, input_target(step), verdict))
    assert step.outcome == outcome


def test_an_input_that_is_not_reached_yet(gates, jenkins):
    jenkins.builds[("app", 3)] = None
    gate = gates.open(deliver=[{"link": "jenkins/main", "input": {"job": "app", "build": 3, "id": "Tests"}}])
    gates.decide(gate)
    wait_for(lambda: gates.deliveries(gate)[0]["attempts"] >= 2, what="attempts")
    step = jenkins.input("app", 3, id="tests")
    gates.wait_delivered(gate)
    assert step.outcome == "proceeded"


def test_a_build_that_ended_otherwise(gates, jenkins):
    step = jenkins.input("app", 3, id="tests")
    jenkins.abort_build("app", 3)
    assert gates.wait_dead(deliver(gates, input_target(step)))["error_class"] == "peer_gone"
    other = jenkins.input("app", 4, id="tests", submitter="somebody")
    dead = gates.wait_dead(deliver(gates, input_target(other)))
    assert dead["error_class"] in ("rejected", "auth") and other.outcome is None
    gone = deliver(gates, {"link": "jenkins/main", "input": {"job": "nix", "build": 1, "id": "x"}})
    assert gates.wait_dead(gone)["error_class"] == "peer_gone"


def test_a_webhook_step(gates, jenkins):
    hook = jenkins.wait_webhook("t-1")
    gates.wait_delivered(deliver(gates, {"link": "jenkins/main", "webhook_step": {"token": "t-1"}}, "failed"))
    assert json.loads(hook.body)["verdict"] == "failed"
    guarded = jenkins.wait_webhook("t-2", auth="other")
    dead = gates.wait_dead(deliver(gates, {"link": "jenkins/main", "webhook_step": {"token": "t-2"}}))
    assert dead["error_class"] == "auth" and guarded.body is None


def test_a_step_that_is_reached_later_gets_the_verdict(gates, jenkins):
    gate = deliver(gates, {"link": "jenkins/main", "webhook_step": {"token": "t-3"}})
    jenkins.wait_until(lambda: "t-3" in jenkins.kept, 10, "the first telling")
    jenkins.restart()
    hook = jenkins.wait_webhook("t-3")
    jenkins.wait_until(lambda: hook.body, 15, "the second telling")
    gates.wait_delivered(gate)


# --- Buildkite ------------------------------------------------------------------------------------

def unblock(job, **more):
    return {"link": "buildkite/main", "unblock": {"organization": "org", "pipeline": job.pipeline, "build": job.build,
                                                  "job": job.id, **more}}


@pytest.mark.parametrize("handled", [True, False])
def test_a_block_step_is_unblocked_once(gates, buildkite, handled):
    job = buildkite.block("pipe", 3, fields=["verdict"])
    buildkite.drop_after_body(1, only="/unblock", handled=handled)
    gates.wait_delivered(deliver(gates, unblock(job, fields={"verdict": "passed"})))
    assert (job.state, job.unblocks, job.fields) == ("unblocked", 1, {"verdict": "passed"})


def test_a_verdict_that_did_not_pass_unblocks_nothing(gates, buildkite):
    job, other = buildkite.block("pipe", 3), buildkite.block("pipe", 4)
    gates.wait_delivered(deliver(gates, unblock(job), "failed"))
    assert job.state == "blocked"
    gates.wait_delivered(deliver(gates, unblock(other, cancel_on_failure=True), "failed"))
    assert other.state == "canceled"
    dead = gates.wait_dead(deliver(gates, unblock(other)))
    assert dead["error_class"] == "peer_gone"


# --- bad input ------------------------------------------------------------------------------------

@pytest.mark.parametrize("target, pointer", [
    (commit_status(project=""), "/deliver/0/commit_status/project"),
    (commit_status(pipeline_id="x"), "/deliver/0/commit_status/pipeline_id"),
    ({"link": "gitlab/main", "play_job": {"project": 7, "job": "x/y"}}, "/deliver/0/play_job/job"),
    ({"link": "gitlab/main", "status_check": {"project": 7, "iid": 1, "sha": SHA, "rule": 1}},
     "/deliver/0/status_check"),
    ({"link": "jenkins/main", "input": {"job": "a/../b", "build": 1, "id": "x"}}, "/deliver/0/input/job"),
    ({"link": "jenkins/main", "input": {"job": "a", "build": 1}}, "/deliver/0/input/id"),
    ({"link": "jenkins/main", "input": {"job": "a", "build": 1, "id": ".."}}, "/deliver/0/input/id"),
    ({"link": "jenkins/main", "webhook_step": {"token": ".."}}, "/deliver/0/webhook_step/token"),
    ({"link": "buildkite/main", "unblock": {"organization": "org"}}, "/deliver/0/unblock/job"),
    ({"link": "buildkite/main", "unblock": {"job": "1", "build": 1}}, "/deliver/0/unblock/build"),
])
def test_targets_that_are_wrong_are_told_at_once(gates, target, pointer):
    answer = gates.server.post("/api/v1/gates", {"subject": {"external": True}, "deliver": [target]})
    assert answer.status == 400 and any(e["pointer"].startswith(pointer) for e in answer.json["errors"]), answer
    assert gates.all() == []
