# SPDX-License-Identifier: MIT
"""GitHub: deployments that wait for a protection rule, check runs, statuses, comments, dispatches."""
import hashlib
import hmac
import json
import threading

import pytest

from baton_server import wait_for
from gate_world import Gates, configuration, id_of
from fakes.github import FakeGithub
from fakes.http_fake import call

SHA = "c0ffee" + "0" * 34
REPO = "acme/shop"
TOKEN = "ghp_personal_0123456789"


@pytest.fixture
def github():
    with FakeGithub(token=TOKEN) as fake:
        yield fake


@pytest.fixture
def gates(make_server, github, tmp_path):
    app = {"url": github.url, "app_id": 7, "private_key": {"file": github.write_key(tmp_path / "app.pem")},
           "webhook_secret": [{"env": "OLD"}, {"env": "SECRET"}]}
    links = {"github": {"app": app, "suite": {**app, "defaults": {"subject": {"suite": "good"}}},
                        "token": {"url": github.url, "token": {"env": "TOKEN"}}}}
    made = Gates(make_server(configuration(links), env={"SECRET": "hush", "OLD": "older", "TOKEN": TOKEN}))
    github.webhook_url = f"{made.server.url}/api/v1/in/github/app"
    return made


def check_run(name="e2e", sha=SHA, link="app", **more):
    return {"link": f"github/{link}", "check_run": {"repo": REPO, "sha": sha, "name": name}, **more}


def report(failed, passed=1):
    cases = "".join(f'<testcase classname="c" name="good{n}"/>' for n in range(passed))
    cases += "".join(f'<testcase classname="c" name="bad{n}" file="tests/a.cc" line="{n + 1}">'
                     f'<failure message="wrong {n}"/></testcase>' for n in range(failed))
    return f'<testsuite name="s" tests="{passed + failed}" failures="{failed}">{cases}</testsuite>'


def with_report(gates, gate, text):
    path = f"/api/v1/gates/{id_of(gate)}/artifacts/junit.xml"
    assert gates.server.request("PUT", path, text).status == 201


# --- protection rules -----------------------------------------------------------------------------

@pytest.mark.parametrize("verdict, state", [("passed", "approved"), ("failed", "rejected"), ("timed_out", "rejected"),
                                            ("cancelled", "rejected"), ("errored", "rejected")])
def test_a_deployment_is_approved_or_rejected(gates, github, verdict, state):
    rule = github.protection_rule(REPO, sha=SHA)
    assert rule.delivery.status == 201, rule.delivery.replies[0].body
    gate = rule.delivery.replies[0].json
    assert gate["link"] == "github/app" and gate["labels"]["sha"] == SHA
    gates.decide(gate, verdict, reason="x" * 3000)
    assert rule.wait_decided() == state
    gates.wait_delivered(gate)
    assert verdict.replace("_", " ") in rule.comment.replace("_", " ") and len(rule.comment) <= 1024
    assert len(rule.reports) <= 9 and github.violations == []


def test_a_webhook_that_is_redelivered_is_the_same_gate(gates, github):
    rule = github.protection_rule(REPO)
    again = github.redeliver(rule.delivery)
    assert again.status == 200 and again.json["id"] == rule.delivery.replies[0].json["id"]
    gates.decide(again.json["id"], "passed")
    rule.wait_decided()
    gates.wait_delivered(again.json["id"])
    assert github.redeliver(rule.delivery).json["verdict"] == "passed" and len(gates.all()) == 1
    assert github.protection_rule(REPO).delivery.status == 201, "another deployment is another question"


def test_a_suite_answers_by_itself(gates, github):
    github.webhook_url = github.webhook_url.replace("/app", "/suite")
    rule = github.protection_rule(REPO)
    assert rule.wait_decided(30) == "approved" and "passed" in rule.comment


def test_no_more_reports_than_github_takes(gates, github):
    rule = github.protection_rule(REPO)
    gate = rule.delivery.replies[0].json
    for n in range(30):
        gates.server.api("POST", f"/gates/{gate['id']}/log", f"line {n}")
    gates.decide(gate, "passed")
    assert rule.wait_decided(20) == "approved"
    assert len(rule.reports) <= 9 and github.violations == []


@pytest.mark.parametrize("handled", [True, False])
def test_a_lost_answer_of_a_decision(gates, github, handled):
    rule = github.protection_rule(REPO)
    github.drop_after_body(1, only=lambda r: r.path.endswith("protection_rule") and b'"state"' in r.body,
                           handled=handled)
    gate = rule.delivery.replies[0].json
    gates.decide(gate, "passed")
    rule.wait_decided()
    gates.wait_delivered(gate)
    assert rule.state == "approved" and rule.verdicts == 1


def test_a_job_that_waits_no_more(gates, github):
    rule = github.protection_rule(REPO)
    rule.expired = True
    gates.decide(rule.delivery.replies[0].json, "passed")
    assert gates.wait_dead(rule.delivery.replies[0].json)["error_class"] == "peer_gone"


def test_webhooks_of_others_are_refused(gates, github):
    rule = github.protection_rule(REPO, send=False)
    forged = github.deliver("deployment_protection_rule", rule.payload(), secret="guessed")
    assert forged.status == 401 and forged.replies[0].json["fix"]
    body = json.dumps(rule.payload()).encode()
    head = {"Content-Type": "application/json", "X-GitHub-Event": "deployment_protection_rule",
            "X-GitHub-Delivery": "1"}
    for signature in (None, "", "sha256=", "sha1=" + "0" * 40, "sha256=" + "0" * 64):
        sent = {**head, **({"X-Hub-Signature-256": signature} if signature is not None else {})}
        assert call("POST", github.webhook_url, body, sent).status == 401, signature
    elsewhere = {**rule.payload(), "deployment_callback_url": "http://169.254.169.254/latest/meta-data"}
    assert github.deliver("deployment_protection_rule", elsewhere).status == 403
    near = {**rule.payload(), "deployment_callback_url": github.url.replace("127", "1127") + "/repos/a/b"}
    assert github.deliver("deployment_protection_rule", near).status == 403
    broken = {k: v for k, v in rule.payload().items() if k != "deployment_callback_url"}
    assert github.deliver("deployment_protection_rule", broken).status == 400
    assert gates.all() == [] and github.requests == []
    assert github.deliver("ping", {"zen": "x"}).status == 202 and github.deliver("push", {}).status == 202
    assert github.deliver("deployment_protection_rule", {**rule.payload()}, secret="older").status == 201, "rotation"
    github.webhook_url = github.webhook_url.replace("/app", "/token")
    assert github.deliver("deployment_protection_rule", rule.payload(), secret="").status == 401, "no secret, no calls"
    github.webhook_url = github.webhook_url.replace("/token", "/nix")
    assert github.deliver("deployment_protection_rule", rule.payload()).status == 404


def test_large_webhooks_are_read_when_they_are_signed(gates, github):
    """GitHub sends up to 25 MB; whoever is not GitHub gets nothing read."""
    rule = github.protection_rule(REPO, send=False)
    large = lambda mebibytes: {**rule.payload(), "pull_requests": [{"body": "x" * (mebibytes << 20)}]}
    assert github.deliver("deployment_protection_rule", large(20), secret="guessed").status == 401
    assert github.deliver("deployment_protection_rule", large(20)).status == 201
    sent = github.deliveries[-1].body
    head = {"X-GitHub-Event": "deployment_protection_rule",
            "X-Hub-Signature-256": f"sha256={hmac.new(b'hush', sent, hashlib.sha256).hexdigest()}"}
    again = call("POST", github.webhook_url, iter([sent[:7], sent[7:]]), head)
    assert again.status == 200 and len(gates.all()) == 1, "in chunks, as a proxy may send it"


# --- lost webhooks --------------------------------------------------------------------------------

@pytest.fixture
def swept(make_server, github, tmp_path):
    app = {"url": github.url, "app_id": 7, "private_key": {"file": github.write_key(tmp_path / "app.pem")},
           "webhook_secret": {"env": "SECRET"}, "repositories": ["acme/gone", REPO], "sweep": "200ms"}
    github.installed = {REPO}
    made = Gates(make_server(configuration({"github": {"app": app}}), env={"SECRET": "hush"}))
    github.webhook_url = f"{made.server.url}/api/v1/in/github/app"
    return made


def sweeps(github, count=2):
    """That many more of them have begun, so that all but one have ended."""
    listed = lambda: len(github.requests_to("status=waiting"))
    begin = listed()
    github.wait_until(lambda: listed() >= begin + count, 20, "sweeps")


def test_a_deployment_whose_webhook_was_lost_is_found(swept, github):
    rule = github.protection_rule(REPO, sha=SHA, send=False)
    gate = wait_for(swept.all, what="the gate")[0]
    assert gate["link"] == "github/app" and gate["labels"] == {"repo": REPO, "environment": "production", "sha": SHA}
    late = github.deliver("deployment_protection_rule", rule.payload())
    assert (late.status, late.replies[0].json["id"]) == (200, gate["id"]), "the webhook came after all"
    sweeps(github)
    swept.decide(gate, "passed")
    assert rule.wait_decided() == "approved" and rule.verdicts == 1
    swept.wait_delivered(gate)
    sweeps(github)
    assert len(swept.all()) == 1 and github.violations == []


def test_a_webhook_and_the_sweep_make_one_gate(swept, github):
    rules = [github.protection_rule(REPO, sha=SHA) for _ in range(3)]
    sweeps(github)
    assert len(swept.all()) == 3
    for rule in rules:
        swept.decide(rule.delivery.replies[0].json, "failed")
        assert rule.wait_decided() == "rejected"


def test_what_waits_for_others_is_left_alone(swept, github):
    github.guards = {"reviewed": [], "theirs": [8]}
    for environment in ("reviewed", "theirs"):
        github.protection_rule(REPO, environment=environment, send=False)
    github.protection_rule("acme/other", send=False)
    sweeps(github, 3)
    assert swept.all() == []


def test_a_webhook_that_came_while_the_server_was_down(swept, github):
    swept.server.kill()
    rule = github.protection_rule(REPO)
    assert rule.delivery.status == 0
    swept.server.start()
    gate = wait_for(swept.all, what="the gate")[0]
    swept.decide(gate, "passed")
    assert rule.wait_decided() == "approved"


# --- check runs -----------------------------------------------------------------------------------

@pytest.mark.parametrize("verdict, conclusion", [("passed", "success"), ("failed", "failure"),
                                                 ("timed_out", "timed_out"), ("cancelled", "cancelled"),
                                                 ("errored", "failure")])
def test_a_check_run_is_there_from_the_start(gates, github, verdict, conclusion):
    gate = gates.open(deliver=[check_run()])
    github.wait_until(lambda: github.check_runs, 10, "the check run")
    (shown,) = github.check_runs
    assert (shown.fields["status"], shown.fields["head_sha"], shown.conclusion) == ("in_progress", SHA, None)
    with_report(gates, gate, report(failed=3))
    gates.decide(gate, verdict, reason="because")
    github.wait_until(lambda: shown.conclusion, 10, "its conclusion")
    gates.wait_delivered(gate)
    assert shown.conclusion == conclusion and len(github.check_runs) == 1
    assert "because" in shown.fields["output"]["summary"] and len(shown.annotations) == 3
    first = shown.annotations[0]
    assert (first["path"], first["start_line"], first["annotation_level"]) == ("tests/a.cc", 1, "failure")
    assert "wrong 0" in first["message"] and github.violations == []


def test_annotations_come_in_batches_and_once(gates, github):
    gate = gates.open(deliver=[check_run()])
    with_report(gates, gate, report(failed=130))
    github.fail_next(1, 502, only=lambda r: r.method == "PATCH" and b"annotations" in r.body)
    gates.decide(gate, "failed")
    github.wait_until(lambda: github.check_runs and github.check_runs[0].conclusion, 20, "the conclusion")
    gates.wait_delivered(gate)
    (shown,) = github.check_runs
    assert len(shown.annotations) == 130 and len({a["start_line"] for a in shown.annotations}) == 130


@pytest.mark.parametrize("nth", [1, 2])
def test_annotations_whose_answer_is_lost(gates, github, nth):
    """They were taken: those that come after them are sent, and no other."""
    gate = gates.open(deliver=[check_run()])
    github.wait_until(lambda: github.check_runs, 10, "the check run")
    (shown,) = github.check_runs
    with_report(gates, gate, report(failed=60))
    github.drop_after_body(1, only=lambda r: r.method == "PATCH" and len(shown.annotations) == (nth - 1) * 50
                           and b"annotations" in r.body, handled=True)
    gates.decide(gate, "failed")
    gates.wait_delivered(gate)
    assert shown.conclusion == "failure"
    assert len(shown.annotations) == 60 and len({a["start_line"] for a in shown.annotations}) == 60


def test_annotations_of_a_server_that_is_killed(gates, github):
    gate = gates.open(deliver=[check_run()])
    github.wait_until(lambda: github.check_runs, 10, "the check run")
    (shown,) = github.check_runs
    with_report(gates, gate, report(failed=60))
    update, decided = github._update, threading.Event()

    def update_and_kill(request, check, given):
        refused = update(request, check, given)
        if given.get("output", {}).get("annotations"):
            github._update = update
            decided.wait(10)
            gates.server.kill()
        return refused

    github._update = update_and_kill
    gates.decide(gate, "failed")
    decided.set()
    wait_for(lambda: gates.server.process.poll() is not None, 10, "the end of the server")
    gates.server.start()
    gates.wait_delivered(gate)
    assert len(shown.annotations) == 60 and len({a["start_line"] for a in shown.annotations}) == 60


def test_a_lost_answer_makes_no_second_check_run(gates, github):
    github.drop_after_body(1, only="^POST .*/check-runs$", handled=True)
    gate = gates.open(deliver=[check_run()])
    gates.decide(gate, "passed")
    gates.wait_delivered(gate)
    (shown,) = github.check_runs
    assert shown.conclusion == "success"


def test_a_check_run_is_asked_for_again(gates, github):
    gate = gates.open(subject={"suite": "bad"}, deliver=[check_run()])
    gates.wait_delivered(gate)
    (shown,) = github.check_runs
    assert shown.conclusion == "failure"
    pressed = github.rerequest(shown)
    assert pressed.status in (200, 201), pressed.replies[0].body
    second = pressed.replies[0].json
    assert second["id"] != gate["id"] and second["subject"]["run"] > gate["subject"]["run"]
    assert github.redeliver(pressed).json["id"] == second["id"]
    gates.wait_end(second)
    gates.wait_delivered(second)
    assert len(github.check_runs) == 2 and len(gates.all()) == 2
    assert github.press(shown, "claim").status == 202, "a button that is not ours"
    stranger = {"action": "rerequested", "check_run": {"id": 1, "external_id": "del_nix"}, **github.context(REPO)}
    assert github.deliver("check_run", stranger).status == 202 and len(gates.all()) == 2


def test_a_failed_check_run_has_a_button_that_asks_again(gates, github):
    gate = gates.open(subject={"suite": "bad"}, deliver=[check_run()])
    gates.wait_delivered(gate)
    (shown,) = github.check_runs
    (button,) = shown.fields["actions"]
    pressed = github.press(shown, button["identifier"])
    assert pressed.status == 201, pressed.replies[0].body
    second = pressed.replies[0].json
    assert second["id"] != gate["id"] and github.redeliver(pressed).json["id"] == second["id"]
    gates.wait_delivered(second)
    assert [c.conclusion for c in github.check_runs] == ["failure"] * 2 and len(gates.all()) == 2
    passed = gates.open(deliver=[check_run("fine")])
    gates.decide(passed)
    gates.wait_delivered(passed)
    assert "actions" not in github.check_runs[-1].fields and github.violations == []


def test_a_gate_whose_secrets_are_dropped_is_not_asked_again(make_server, github, tmp_path):
    links = {"github": {"app": {"url": github.url, "app_id": 7, "webhook_secret": {"env": "SECRET"},
                                "private_key": {"file": github.write_key(tmp_path / "app.pem")}}},
             "gocd": {"main": {"url": "http://127.0.0.1:1", "token": {"env": "TOKEN"}}}}
    gates = Gates(make_server(configuration(links), env={"SECRET": "hush", "TOKEN": TOKEN}))
    github.webhook_url = f"{gates.server.url}/api/v1/in/github/app"
    variables = [{"name": "KEY", "value": "s3cret", "secure": True}]
    schedule = {"link": "gocd/main", "when": "passed",
                "schedule": {"pipeline": "p", "environment_variables": variables}}
    gate = gates.open(deliver=[check_run(), schedule])
    gates.decide(gate, "failed")
    gates.wait_delivered(gate, states=("delivered", "skipped"))
    pressed = github.rerequest(github.check_runs[0])
    assert pressed.status == 409 and "gocd/main" in pressed.replies[0].json["detail"]
    assert len(gates.all()) == 1, "not with (secret) as its value"


def test_a_superseded_check_run_does_not_stay_open(gates, github):
    gates.open(key="k", deliver=[check_run()])
    github.wait_until(lambda: github.check_runs, 10, "the check run")
    newer = gates.open(key="k", deliver=[check_run(sha="d" * 40)])
    github.wait_until(lambda: github.check_runs[0].conclusion, 15, "the end of the older one")
    assert github.check_runs[0].conclusion not in ("success", "failure", "skipped", "neutral")
    gates.decide(newer)
    gates.wait_delivered(newer)


def test_a_check_run_that_could_not_be_shown_still_gets_its_verdict(make_server, github, tmp_path):
    """The time that the verdict has begins with it."""
    app = {"url": github.url, "app_id": 7, "private_key": {"file": github.write_key(tmp_path / "app.pem")}}
    gates = Gates(make_server(configuration({"github": {"app": app}}, retry={"give_up_after": "1s"})))
    for shown in (False, True):
        if shown:
            github.heal()
            github.wait_until(lambda: github.check_runs, 10, "the check run")
        seen = len(github.requests)
        github.fail_next(None, 503, only="check-runs")
        if shown:
            with_report(gates, gate, report(failed=3, passed=3))
            gates.server.api("POST", f"/gates/{gate['id']}/log", "news")
        else:
            gate = gates.open(deliver=[check_run()])
        github.wait_until(lambda: len(github.requests) > seen, 10, "an attempt")
        begin = github.requests[seen].at
        github.wait_until(lambda: github.requests[-1].at - begin > 1.2, 20, "patience")
    github.heal()
    gates.decide(gate, "passed")
    github.wait_until(lambda: github.check_runs and github.check_runs[0].conclusion == "success", 10, "the verdict")


# --- statuses, comments, dispatches ---------------------------------------------------------------

@pytest.mark.parametrize("link", ["app", "token"])
def test_a_commit_status(gates, github, link):
    target = {"link": f"github/{link}", "status": {"repo": REPO, "sha": SHA, "context": "e2e"}}
    gate = gates.open(deliver=[target])
    github.wait_until(lambda: github.statuses, 10, "pending")
    assert github.statuses[0].state == "pending"
    gates.decide(gate, "failed", reason="r" * 500, url="https://ci.example/1")
    gates.wait_delivered(gate)
    last = github.statuses[-1]
    assert (last.state, last.context, last.target_url) == ("failure", "e2e", "https://ci.example/1")
    assert len(last.description) <= 140 and github.violations == []


def test_a_comment_is_changed_in_place(gates, github):
    for n in range(35):
        github.comment_by(REPO, 7, f"I think {n}")
    github.comment_by(REPO, 7, "quoting: <!-- baton key=pr-7 -->")
    for verdict in ("failed", "passed"):
        gate = gates.open(key="pr-7", deliver=[{"link": "github/app", "comment": {"repo": REPO, "pr": 7}}])
        gates.decide(gate, verdict, reason="@everyone `x` <script>")
        gates.wait_delivered(gate)
    ours = [c for c in github.comments[f"{REPO}#7"] if c.author == "app[bot]"]
    assert len(ours) == 1 and ours[0].edits == 1 and "passed" in ours[0].body
    assert "@everyone" not in ours[0].body.split("```")[0], "it mentions nobody"


def test_a_lost_answer_makes_no_second_comment(gates, github):
    github.drop_after_body(1, only="^POST .*/comments$", handled=True)
    gate = gates.open(deliver=[{"link": "github/app", "comment": {"repo": REPO, "pr": "7"}}])
    gates.decide(gate)
    gates.wait_delivered(gate)
    assert len(github.comments[f"{REPO}#7"]) == 1


def test_a_dispatch_says_what_came_out(gates, github):
    fields = {"repo": REPO, "event_type": "gate", "client_payload": {"mine": 1}}
    gate = gates.open(deliver=[{"link": "github/app", "dispatch": fields, "when": "passed"}])
    gates.decide(gate, "passed")
    gates.wait_delivered(gate)
    (sent,) = github.dispatches
    assert sent["event_type"] == "gate" and sent["client_payload"]["mine"] == 1
    assert sent["client_payload"]["baton"]["verdict"] == "passed"


# --- tokens and limits ----------------------------------------------------------------------------

def test_one_token_for_many_messages_and_another_when_it_ends(gates, github):
    for n in range(5):
        gates.decide(gates.open(deliver=[{"link": "github/app", "comment": {"repo": REPO, "pr": n + 1}}]))
    github.wait_until(lambda: sum(map(len, github.comments.values())) == 5, 20, "five comments")
    assert 1 <= len(github.requests_to("access_tokens")) <= 5
    asked = len(github.requests_to("access_tokens"))
    github.expire_tokens()
    gate = gates.open(deliver=[{"link": "github/app", "comment": {"repo": REPO, "pr": 9}}])
    gates.decide(gate)
    gates.wait_delivered(gate)
    assert len(github.requests_to("access_tokens")) == asked + 1 and github.violations == []


def test_limits_are_kept(gates, github):
    github.secondary_limit(1, retry_after=2, only="/comments")
    gate = gates.open(deliver=[{"link": "github/app", "comment": {"repo": REPO, "pr": 1}}])
    gates.decide(gate)
    wait_for(lambda: gates.deliveries(gate)[0].get("error_class") == "throttled", what="the limit")
    gates.wait_delivered(gate)
    first, second, *_ = github.requests_to("/comments")
    assert second.at - first.at >= 1.95


def test_what_github_will_never_take(gates, github):
    gate = gates.open(deliver=[check_run(link="token")])
    gates.decide(gate)
    dead = gates.wait_dead(gate)
    assert dead["error_class"] == "auth" and TOKEN not in str(dead)
    github.installed = {"acme/other"}
    gate = gates.open(deliver=[check_run()])
    gates.decide(gate)
    assert gates.wait_dead(gate)["error_class"] == "rejected"


@pytest.mark.parametrize("target, pointer", [
    (check_run(sha="c0ffee"), "/deliver/0/check_run/sha"), (check_run(sha="../../x"), "/deliver/0/check_run/sha"),
    (check_run(name=""), "/deliver/0/check_run/name"), (check_run(name="a\nb"), "/deliver/0/check_run/name"),
    ({"link": "github/app", "status": {"repo": "acme", "sha": SHA, "context": "x"}}, "/deliver/0/status/repo"),
    ({"link": "github/app", "status": {"repo": "acme/..", "sha": SHA, "context": "x"}}, "/deliver/0/status/repo"),
    ({"link": "github/app", "comment": {"repo": REPO, "pr": "7/x"}}, "/deliver/0/comment/pr"),
    ({"link": "github/app", "comment": {"repo": REPO}}, "/deliver/0/comment/pr"),
    ({"link": "github/app", "protection_rule": {"repo": REPO, "callback": "http://x", "environment": "e"}},
     "/deliver/0/protection_rule"),
    ({"link": "github/app"}, "/deliver/0"),
])
def test_targets_that_are_wrong_are_told_at_once(gates, github, target, pointer):
    answer = gates.server.post("/api/v1/gates", {"subject": {"external": True}, "deliver": [target]})
    assert answer.status == 400 and any(e["pointer"].startswith(pointer) for e in answer.json["errors"]), answer
    assert gates.all() == [] and github.requests == []
