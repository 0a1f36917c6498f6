# SPDX-License-Identifier: MIT
"""The fakes of forges and build servers: the same questions as in test_fakes."""
import base64
import time
import urllib.parse

import pytest

from fakes.buildkite import FakeBuildkite
from fakes.github import FakeGithub
from fakes.github_app import key_pair, make_jwt
from fakes.gitlab import FakeGitlab
from fakes.hook_receiver import FakeHookReceiver
from fakes.http_fake import Answer, HttpFake, call, route
from fakes.jenkins import FakeJenkins


class Door(HttpFake):
    @route("POST", "/{any*}")
    def _take(self, request, any):
        return Answer(202)


# --- GitHub ---------------------------------------------------------------------------------------

def claims(**changes):
    now = int(time.time())
    return {"iat": now - 60, "exp": now + 500, "iss": "7", **changes}


def installation_token(github, key=None, body=None, **changes):
    jwt = make_jwt(key or github.private_key, claims(**changes))
    return call("POST", f"{github.url}/app/installations/42/access_tokens", body or {},
                {"Authorization": f"Bearer {jwt}", "User-Agent": "t"})


@pytest.fixture
def github():
    with FakeGithub() as fake:
        yield fake


@pytest.fixture
def ask(github):
    """ask(method, path, body) with a good token."""
    auth = {"Authorization": f"Bearer {installation_token(github).json['token']}", "User-Agent": "t"}
    return lambda method, path, body=None: call(method, github.url + path, body, auth)


def test_the_app_proves_itself(github):
    assert installation_token(github).status == 201
    now = int(time.time())
    for changes in ({"exp": now + 3600}, {"exp": now - 1}, {"iat": now + 60}, {"iss": "8"}):
        assert installation_token(github, **changes).status == 401
    assert installation_token(github, key_pair("somebody else")[0]).status == 401
    assert len(github.violations) == 5
    jwt = {"Authorization": f"Bearer {make_jwt(github.private_key, claims())}", "User-Agent": "t"}
    assert call("GET", f"{github.url}/repos/a/b/installation", None, jwt).json["id"] == 42
    narrow = installation_token(github, body={"permissions": {"deployments": "write"}}).json["token"]
    auth = {"Authorization": f"Bearer {narrow}", "User-Agent": "t"}
    assert call("POST", f"{github.url}/repos/a/b/statuses/1", {"state": "success"}, auth).status == 403


def test_tokens_end_and_agents_have_names(github, ask):
    assert ask("GET", "/repos/a/b/actions/runs").status == 200
    assert call("GET", f"{github.url}/repos/a/b/actions/runs", None, {"Authorization": "Bearer x"}).status == 403
    github.expire_tokens()
    assert ask("GET", "/repos/a/b/actions/runs").status == 401 and len(github.violations) == 1
    github.secondary_limit(reset_at=5)
    limited = ask("GET", "/repos/a/b/actions/runs")
    assert (limited.status, limited.headers["retry-after"], limited.headers["x-ratelimit-remaining"]) == (403, "1", "0")


def test_a_protection_rule_counts_its_reports(github, ask):
    with Door() as door:
        github.webhook_url = f"{door.url}/in"
        rule = github.protection_rule("acme/shop", "production")
        assert rule.delivery.status == 202
        github.redeliver(rule.delivery)
        first, second = door.requests
        assert first.headers["x-github-delivery"] == second.headers["x-github-delivery"]
        assert first.body == second.body and first.headers["x-github-event"] == "deployment_protection_rule"
    path = rule.callback_url.removeprefix(github.url)
    assert len(ask("GET", "/repos/acme/shop/actions/runs?status=waiting").json["workflow_runs"]) == 1
    report = {"environment_name": "production", "comment": "x" * 1024}
    assert ask("POST", path, {**report, "comment": "x" * 1025}).status == 422
    assert [ask("POST", path, report).status for _ in range(11)] == [204] * 10 + [422]
    assert ask("POST", path, {**report, "state": "passed"}).status == 422
    assert ask("POST", path, {**report, "state": "approved"}).status == 204
    assert ask("POST", path, {**report, "state": "rejected"}).status == 422
    assert rule.wait_decided() == "approved" and len(rule.reports) == 10


def test_a_run_says_what_it_waits_for_and_what_it_was_told(github, ask):
    rule = github.protection_rule("acme/shop", send=False)
    run, repo = f"/repos/acme/shop/actions/runs/{rule.run}", "/repos/acme/shop"
    assert ask("GET", run).json["status"] == "waiting" and ask("GET", f"{run}/approvals").json == []
    guards = ask("GET", f"{repo}/environments/production/deployment_protection_rules").json
    assert [r["app"]["id"] for r in guards["custom_deployment_protection_rules"]] == [github.app_id]
    (deployment,) = ask("GET", f"{repo}/deployments?environment=production&sha={rule.sha}").json
    assert ask("GET", f"{repo}/deployments?environment=staging").json == []
    last = lambda: ask("GET", f"{repo}/deployments/{deployment['id']}/statuses?per_page=1").json[0]
    assert last()["state"] == "waiting" and f"/actions/runs/{rule.run}/job/" in last()["log_url"]
    verdict = {"environment_name": "production", "state": "approved", "comment": "fine"}
    assert ask("POST", f"{run}/deployment_protection_rule", verdict).status == 204
    (told,) = ask("GET", f"{run}/approvals").json
    assert (told["state"], told["comment"], told["environments"][0]["name"]) == ("approved", "fine", "production")
    assert last()["state"] == ask("GET", run).json["status"] == "in_progress"


def test_the_signature_of_github(github):
    with Door() as door:
        github.webhook_url, github.webhook_secret = door.url, "It's a Secret to Everybody"
        delivery = github.deliver("ping", {})
        delivery.body = b"Hello, World!"
        github.redeliver(delivery)
        assert door.requests[-1].headers["x-hub-signature-256"] == \
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_check_runs_statuses_and_comments(github, ask):
    note = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"}
    output = {"title": "t", "summary": "s", "annotations": [note] * 50}
    made = ask("POST", "/repos/a/b/check-runs", {"name": "n", "head_sha": "1", "output": output})
    assert made.status == 201 and made.json["status"] == "queued"
    path = f"/repos/a/b/check-runs/{made.json['id']}"
    assert ask("PATCH", path, {"output": {**output, "annotations": [note] * 51}}).status == 422
    assert ask("PATCH", path, {"status": "completed"}).status == 422
    assert ask("PATCH", path, {"conclusion": "success", "output": output}).json["output"]["annotations_count"] == 100
    assert ask("GET", "/repos/a/b/commits/1/check-runs?check_name=n").json["total_count"] == 1
    assert ask("POST", "/repos/a/b/statuses/1", {"state": "passed"}).status == 422
    assert ask("POST", "/repos/a/b/statuses/1", {"state": "success", "description": "d" * 141}).status == 422
    assert ask("POST", "/repos/a/b/statuses/1", {"state": "success", "context": "c"}).status == 201
    for number in range(40):
        github.comment_by("a/b", 5, f"said {number}")
    mine = ask("POST", "/repos/a/b/issues/5/comments", {"body": "hi"}).json["id"]
    page = ask("GET", "/repos/a/b/issues/5/comments")
    assert len(page.json) == 30 and 'page=2>; rel="next"' in page.headers["link"]
    assert ask("PATCH", f"/repos/a/b/issues/comments/{mine}", {"body": "ho"}).json["body"] == "ho"
    with Door() as door:
        github.webhook_url = door.url
        github.rerequest(github.check_runs[0])
        assert door.requests[0].json["action"] == "rerequested"


# --- GitLab ---------------------------------------------------------------------------------------

def test_a_status_check_of_gitlab():
    with FakeGitlab(webhook_secret="s", pending_fails_s=0.1) as gitlab, FakeHookReceiver(answers=200) as door:
        request = gitlab.merge_request(7, 3, "a" * 40)
        check = request.status_check(f"{door.url}/in")
        check.send()
        assert len(door.requests[0].headers["x-gitlab-signature"]) == 64
        url = f"{gitlab.url}/api/v4/projects/7/merge_requests/3/status_check_responses"

        def respond(status, sha=request.sha, number=check.id):
            body = {"sha": sha, "external_status_check_id": number, "status": status}
            return call("POST", url, body, {"PRIVATE-TOKEN": "glpat-x"}).status

        check.wait_status("failed")  # nobody answered in two scaled minutes
        assert respond("pending") == 201 and check.status == "pending"
        time.sleep(0.15)
        assert check.status == "failed" and respond("passed") == 201 and check.status == "passed"
        assert respond("approved") == 400 and respond("passed", number=1) == 404
        retry = url.replace("status_check_responses", f"status_checks/{check.id}/retry")
        assert call("POST", retry, None, {"PRIVATE-TOKEN": "glpat-x"}).status == 422
        request.push("b" * 40)
        assert respond("passed") == 409 and check.status == "pending"
        assert call("POST", url, {}).status == 401


def test_commit_statuses_and_jobs_of_gitlab():
    with FakeGitlab() as gitlab:
        gitlab.project(7, "group/app")

        def post(path, **body):
            return call("POST", f"{gitlab.url}/api/v4/projects/group%2Fapp/{path}", body,
                        {"Authorization": "Bearer glpat-x"})

        gitlab.lock_pipeline()
        states = ["pending", "pending", "pending", "running", "pending", "success", "success", "pending"]
        assert [post("statuses/abc", state=state, name="n").status for state in states] == \
            [409, 201, 400, 201, 400, 201, 201, 201]
        again = post("statuses/abc", state="pending", name="n")
        assert again.json["message"].startswith("Cannot transition status via :enqueue from :pending")
        gitlab.strict_statuses = False
        assert post("statuses/abc", state="pending", name="n").status == 201
        assert post("statuses/abc", state="success", name="n", pipeline_id=1).status == 404
        job = gitlab.manual_job(7)
        variables = [{"key": "K", "value": "v"}]
        assert [post(f"jobs/{job.id}/play", job_variables_attributes=variables).status for _ in range(2)] == [200, 400]
        assert job.variables == {"K": "v"} and job.plays == 1
        assert post("trigger/pipeline", token="no", ref="main").status == 404


# --- Jenkins --------------------------------------------------------------------------------------

def basic(name, word):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()}


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_inputs_of_jenkins():
    auth = basic("baton", "11aa")
    with FakeJenkins(tokens={"baton": "11aa"}) as jenkins:
        step = jenkins.input("team/app", 3, id="tests", parameters=["verdict"])
        base = f"{jenkins.url}/job/team/job/app/3"
        pending = call("GET", f"{base}/wfapi/pendingInputActions", None, auth).json
        assert pending[0]["id"] == "Tests" and jenkins.url + step.path == f"{base}/input/Tests/"
        assert call("POST", f"{base}/input/tests/proceedEmpty", None, auth).status == 404
        assert call("GET", f"{base}/input/Tests/proceedEmpty", None, auth).status == 405
        assert call("POST", f"{base}/input/Tests/proceed", None, auth).status == 400
        assert call("POST", f"{base}/input/Tests/proceedEmpty").status == 403
        form = "json=" + urllib.parse.quote('{"parameter":[{"name":"verdict","value":"passed"}]}')
        assert call("POST", f"{base}/input/Tests/proceed", form, {**auth, **FORM}).status == 200
        assert step.outcome == "proceeded" and step.values == {"verdict": "passed"}
        assert call("POST", f"{base}/input/Tests/abort", None, auth).status == 404
        step.racing = True
        assert b"already given" in call("POST", f"{base}/input/Tests/abort", None, auth).body
        other = jenkins.input("app", 1, id="X")
        submitted = call("POST", f"{jenkins.url}{other.path}submit", "json={}", {**auth, **FORM})
        assert submitted.status == 302 and other.outcome == "aborted"
        assert call("GET", f"{jenkins.url}/job/app/1/api/json", None, auth).json["result"] == "ABORTED"
        meant = jenkins.input("app", 2, submitter="ann")
        assert call("POST", f"{jenkins.url}{meant.path}proceedEmpty", None, auth).status == 400


def test_crumbs_belong_to_a_session():
    with FakeJenkins(passwords={"ann": "pw"}) as jenkins:
        step, auth = jenkins.input("app", 1, id="x"), basic("ann", "pw")
        issued = call("GET", f"{jenkins.url}/crumbIssuer/api/json", None, auth)
        crumb = {issued.json["crumbRequestField"]: issued.json["crumb"]}
        url, cookie = f"{jenkins.url}{step.path}proceedEmpty", issued.headers["set-cookie"].split(";")[0]
        assert call("POST", url, None, auth).status == 403
        assert call("POST", url, None, {**auth, **crumb}).status == 403
        assert call("POST", url, None, {**auth, **crumb, "Cookie": cookie}).status == 200


def test_the_webhook_step():
    with FakeJenkins() as jenkins:
        url = f"{jenkins.url}/webhook-step/tok"
        assert call("POST", url, b"early").status == 202
        assert jenkins.wait_webhook("tok").body == "early"
        hook = jenkins.wait_webhook("safe", auth="secret")
        safe = url.replace("tok", "safe")
        refused = call("POST", safe, b"x", {"Authorization": "Bearer secret"})
        assert refused.status == 403 and refused.headers["result"] == "Unauthorized"
        assert call("POST", safe, b"x", {"Authorization": "secret"}).headers["result"] == "WebhookTriggered"
        assert hook.body == "x" and call("POST", safe, b"y", {"Authorization": "secret"}).status == 202
        jenkins.restart()
        assert jenkins.wait_webhook("safe").body is None


# --- Buildkite ------------------------------------------------------------------------------------

def test_a_block_step_of_buildkite():
    with FakeBuildkite("org") as buildkite:
        auth = {"Authorization": "Bearer bkua_x"}
        job = buildkite.block("pipe", 3, fields=["verdict"])
        url = f"{buildkite.url}/v2/organizations/org/jobs/{job.id}/unblock"
        assert call("PUT", url, {}, auth).status == 400
        assert call("PUT", url, {"fields": {"verdict": "passed"}}, auth).json["state"] == "unblocked"
        assert call("PUT", url, {"fields": {"verdict": "passed"}}, auth).status == 400 and job.unblocks == 1
        late = buildkite.block("pipe", 4)
        scoped = f"{buildkite.url}/v2/organizations/org/pipelines/pipe/builds/4"
        assert call("PUT", f"{scoped}/cancel", None, auth).json["state"] == "canceled"
        assert call("PUT", f"{scoped}/jobs/{late.id}/unblock", {}, auth).status == 422
        assert call("GET", scoped, None, {}).status == 401
