# SPDX-License-Identifier: MIT
"""Verdicts are brought whatever crashes: Baton before and after each of its calls, the peer for minutes.
At least once, at most one duplicate, none where the peer can be asked first."""
import base64
import concurrent.futures
import http.client
import time

import pytest

from baton_server import wait_for
from gate_world import Crash, Gates, configuration, crash_sweep
from fakes.azure_devops import FakeAzureDevops
from fakes.github import FakeGithub
from fakes.gitlab import FakeGitlab
from fakes.gocd import FakeGocd
from fakes.hook_receiver import FakeHookReceiver
from fakes.jenkins import FakeJenkins

HOOK = "whsec_" + base64.b64encode(b"standard webhooks secret").decode()
ENV = {"HOOK": HOOK, "TOKEN": "the-token", "GH": "ghs"}
SHA = "c0ffee" + "0" * 34


class Story:
    """One gate with one target, told anew for every crash on one server."""

    def __init__(self, server, fake, target, over, prepare=None):
        self.gates, self.fake, self.target, self.over_of, self.prepare = Gates(server), fake, target, over, prepare
        self.number = 0

    def begin(self, n, took):
        self.number += 1
        gate = self.gates.open(name=f"story {self.number}", deliver=[self.target(self.number)])
        if self.prepare:
            self.prepare(gate)
        self.fake.heal()
        number = self.number
        crash = Crash(self.gates.server, self.fake, n, took)
        try:
            self.gates.decide(gate, "passed")
        except (OSError, http.client.HTTPException):
            pass  # it struck while the answer was on its way
        return self.gates, gate, crash, lambda: not crash.happened and self.is_over(gate, number)

    def is_over(self, gate, number):
        try:
            return self.over_of(number) and all(d["state"] == "delivered" for d in self.gates.deliveries(gate))
        except (OSError, http.client.HTTPException):
            return False  # it has just struck


# --- Baton crashes --------------------------------------------------------------------------------

def test_gocd_starts_each_stage_once(make_server):
    with FakeGocd(tokens={"the-token": "baton"}) as gocd:
        server = make_server(configuration({"gocd": {"main": {"url": gocd.url, "token": {"env": "TOKEN"}}}}), env=ENV)

        def target(n):
            gocd.pipeline(f"p{n}", ["build", "accept"])
            return {"link": "gocd/main", "run_stage": {"pipeline": f"p{n}", "counter": "latest", "stage": "accept"}}

        story = Story(server, gocd, target, lambda n: gocd.stage(f"p{n}", 1, "accept").scheduled)
        calls = crash_sweep(story.begin, lambda n, took: None)
        assert calls >= 3, "look, start, look again"
        counters = [gocd.stage(f"p{n + 1}", 1, "accept").counter for n in range(story.number)]
        assert counters == [1] * story.number


def test_gocd_triggers_each_pipeline_once(make_server):
    with FakeGocd(tokens={"the-token": "baton"}) as gocd:
        server = make_server(configuration({"gocd": {"main": {"url": gocd.url, "token": {"env": "TOKEN"}}}}), env=ENV)

        def target(n):
            gocd.pipeline(f"p{n}", ["build"])
            return {"link": "gocd/main", "schedule": {"pipeline": f"p{n}"}}

        triggers = lambda n: len(gocd.pipelines[f"p{n}"].triggers)
        story = Story(server, gocd, target, lambda n: triggers(n) > 0)
        calls = crash_sweep(story.begin, lambda n, took: None)
        assert calls >= 3, "look, trigger, look again"
        assert [triggers(n + 1) for n in range(story.number)] == [1] * story.number


def test_gocd_gets_each_file_once(make_server):
    with FakeGocd(tokens={"the-token": "baton"}) as gocd:
        gocd.pipeline("p", ["build"])
        server = make_server(configuration({"gocd": {"main": {"url": gocd.url, "token": {"env": "TOKEN"}}}}), env=ENV)
        data = bytes(range(256)) * 100
        target = lambda n: {"link": "gocd/main", "artifact": {
            "pipeline": "p", "counter": 1, "stage": "build", "stage_counter": 1, "job": "job", "path": f"{n}/a.bin",
            "source": "a.bin"}}
        put = lambda gate: server.request("PUT", f"/api/v1/gates/{gate['id']}/artifacts/a.bin", data)
        story = Story(server, gocd, target, lambda n: gocd.file("p/1/build/1/job", f"{n}/a.bin") is not None, put)
        crash_sweep(story.begin, lambda n, took: None)
        assert all(gocd.file("p/1/build/1/job", f"{n + 1}/a.bin") == data for n in range(story.number))


def test_github_makes_each_check_run_once(make_server, tmp_path):
    with FakeGithub() as github:
        app = {"url": github.url, "app_id": 7, "private_key": {"file": github.write_key(tmp_path / "app.pem")}}
        server = make_server(configuration({"github": {"app": app}}), env=ENV)
        target = lambda n: {"link": "github/app", "check_run": {"repo": "acme/shop", "sha": SHA, "name": f"n{n}"}}
        named = lambda n: [c for c in github.check_runs if c.fields["name"] == f"n{n}"]
        story = Story(server, github, target, lambda n: named(n) and named(n)[0].conclusion)
        crash_sweep(story.begin, lambda n, took: None)
        for n in range(story.number):
            assert [c.conclusion for c in named(n + 1)] == ["success"]


@pytest.mark.parametrize("shows_apps", [True, False])
def test_github_decides_each_deployment_once(make_server, tmp_path, shows_apps):
    """Whether or not the history of a run names the verdicts of Apps."""
    with FakeGithub() as github:
        github.shows_apps = shows_apps
        app = {"url": github.url, "app_id": 7, "webhook_secret": {"env": "HUSH"},
               "private_key": {"file": github.write_key(tmp_path / "app.pem")}}
        server = make_server(configuration({"github": {"app": app}}), env={"HUSH": "hush"})
        github.webhook_url = f"{server.url}/api/v1/in/github/app"
        gates = Gates(server)
        for n in range(6):
            for took in (False, True):
                github.heal()
                github.webhook_url = f"{server.url}/api/v1/in/github/app"
                rule = github.protection_rule("acme/shop")
                gate = rule.delivery.replies[0].json
                github.wait_until(lambda: rule.reports, 10, "progress, which is told at the same address")
                verdicts = lambda r: r.path.endswith(("approvals", "deployment_protection_rule"))
                crash = Crash(server, github, n, took, verdicts)
                try:
                    gates.decide(gate, "passed")
                except (OSError, http.client.HTTPException):
                    pass
                wait_for(lambda: crash.happened or rule.state, what="the crash or the end")
                if crash.happened:
                    server.start()
                    gates.decide(gate, "passed")
                assert rule.wait_decided(20) == "approved"
                gates.wait_delivered(gate)
                assert len(rule.reports) <= 9 and rule.comment
                assert rule.verdicts == 1 or not shows_apps, "what is there is not told again"
                if not crash.happened:
                    assert n >= 2, "look, tell"
                    return


def test_gitlab_plays_each_job_once(make_server):
    with FakeGitlab(token="the-token") as gitlab:
        link = {"url": gitlab.url, "token": {"env": "TOKEN"}}
        server = make_server(configuration({"gitlab": {"main": link}}), env=ENV)
        jobs = []

        def target(n):
            jobs.append(gitlab.manual_job(7))
            return {"link": "gitlab/main", "play_job": {"project": 7, "job": jobs[-1].id}}

        story = Story(server, gitlab, target, lambda n: jobs[n - 1].plays)
        calls = crash_sweep(story.begin, lambda n, took: None)
        assert calls == 2 and [job.plays for job in jobs] == [1] * len(jobs)


def test_gitlab_gets_each_status(make_server):
    with FakeGitlab(token="the-token") as gitlab:
        link = {"url": gitlab.url, "token": {"env": "TOKEN"}}
        server = make_server(configuration({"gitlab": {"main": link}}), env=ENV)
        target = lambda n: {"link": "gitlab/main", "commit_status": {"project": 7, "sha": SHA, "name": f"n{n}"}}
        named = lambda n: [s for s in gitlab.statuses if s.name == f"n{n}"]
        story = Story(server, gitlab, target, lambda n: named(n))
        crash_sweep(story.begin, lambda n, took: None)
        for n in range(story.number):
            states = [state for status in named(n + 1) for state in status.history]
            assert set(states) == {"success"} and len(states) <= 2


def test_jenkins_settles_each_input(make_server):
    with FakeJenkins(tokens={"baton": "the-token"}) as jenkins:
        link = {"url": jenkins.url, "user": "baton", "token": {"env": "TOKEN"}}
        server = make_server(configuration({"jenkins": {"main": link}}), env=ENV)
        steps = []

        def target(n):
            steps.append(jenkins.input(f"job{n}", 1, id="tests"))
            return {"link": "jenkins/main", "input": {"job": f"job{n}", "build": 1, "id": "tests"}}

        story = Story(server, jenkins, target, lambda n: steps[n - 1].outcome)
        calls = crash_sweep(story.begin, lambda n, took: None)
        assert calls >= 2 and {step.outcome for step in steps} == {"proceeded"}
        for step in steps:  # a settled input is gone, so a second call that counts cannot be
            taken = [r for r in jenkins.requests_to("^POST ") if f"/{step.job}/" in r.path and r.status == 200]
            assert len(taken) <= 1


def test_webhooks_arrive_once_or_twice(make_server):
    with FakeHookReceiver([HOOK]) as hooks:
        link = {"url": hooks.url, "secret": {"env": "HOOK"}}
        server = make_server(configuration({"webhook": {"ci": link}}), env=ENV)
        told = lambda n: [m for m in hooks.messages if m.data["name"] == f"story {n}"]
        story = Story(server, hooks, lambda n: {"link": "webhook/ci"}, told)
        assert crash_sweep(story.begin, lambda n, took: None) == 1
        for n in range(story.number):
            messages = told(n + 1)
            assert 1 <= len(messages) <= 2 and len({m.id for m in messages}) == 1, "one id, so that it can be told"


def test_azure_devops_is_answered_once(make_server):
    with FakeAzureDevops() as azure:
        links = {"azure_devops": {"corp": {"allow": [f"{azure.url}/corp"]}}}
        server = make_server(configuration(links))
        gates = Gates(server)
        for n in range(30):
            for took in (False, True):
                azure.heal()
                auth = {"Authorization": f"Bearer {server.token}"}
                check = azure.check(f"{server.url}/api/v1/in/azure_devops/corp", {"name": f"{n} {took}"}, headers=auth)
                gate = check.send().json
                server.api("POST", f"/gates/{gate['id']}/log", "one line")
                crash = Crash(server, azure, n, took, lambda r: check.plan_id in r.path)
                try:
                    gates.decide(gate, "passed")
                except (OSError, http.client.HTTPException):
                    pass
                wait_for(lambda: crash.happened or check.result, what="the crash or the end")
                if crash.happened:
                    server.start()
                    gates.decide(gate, "passed")
                assert check.wait_completed(30) == "succeeded"
                gates.wait_delivered(gate)
                assert check.results == ["succeeded"] and len(check.logs) <= 2
                assert 1 <= check.log.count("one line") <= 2
                if not crash.happened:
                    assert n >= 4, "log, lines, record, event"
                    return


def test_a_check_is_asked_again_after_a_crash_in_its_answer(make_server):
    """Azure DevOps may repeat a delivery of which it saw no answer."""
    with FakeAzureDevops() as azure:
        server = make_server(configuration({"azure_devops": {"corp": {"allow": [f"{azure.url}/corp"]}}}))
        gates = Gates(server)
        check = azure.check(f"{server.url}/api/v1/in/azure_devops/corp", {},
                            headers={"Authorization": f"Bearer {server.token}"})
        first = check.send().json
        server.kill()
        server.start()
        check.url = f"{server.url}/api/v1/in/azure_devops/corp"
        assert check.send().json["id"] == first["id"] and len(gates.all()) == 1
        gates.decide(first, "passed")
        assert check.wait_completed() == "succeeded", "the token came through the crash, too"


# --- deadlines ------------------------------------------------------------------------------------

def test_deadlines_come_through_a_crash(make_server):
    with FakeHookReceiver([HOOK]) as hooks:
        server = make_server(configuration({"webhook": {"ci": {"url": hooks.url, "secret": {"env": "HOOK"}}}}), env=ENV)
        gates = Gates(server)
        over = [gates.open(timeout="500ms", deliver=[{"link": "webhook/ci"}]) for _ in range(20)]
        soon = [gates.open(timeout="6s", on_timeout="passed", deliver=[{"link": "webhook/ci"}]) for _ in range(20)]
        later = gates.open(timeout="1h", deliver=[{"link": "webhook/ci"}])
        server.kill()
        decided = {m.data["id"] for m in hooks.messages}
        opened = time.time()
        wait_for(lambda: time.time() > opened + 0.6, what="the first deadlines")
        server.start()
        for gate in over:
            assert gates.wait_end(gate)["verdict"] == "timed_out"
        for gate in soon:
            done = gates.wait_end(gate)
            assert (done["verdict"], done["source"]) == ("passed", "timeout")
        assert gates.get(later)["state"] == "pending"
        hooks.wait_messages(40, 30)
        assert {m.data["id"] for m in hooks.messages} == {g["id"] for g in (*over, *soon)} and len(decided) <= 20


def test_retries_come_through_a_crash(make_server):
    with FakeHookReceiver([HOOK]) as hooks:
        link = {"url": hooks.url, "secret": {"env": "HOOK"}}
        retry = {"first": "1s", "max": "1s"}
        server = make_server(configuration({"webhook": {"ci": link}}, retry=retry), env=ENV)
        gates = Gates(server)
        hooks.fail_next(1, 503)
        gate = gates.open(deliver=[{"link": "webhook/ci"}])
        gates.decide(gate)
        wait_for(lambda: gates.deliveries(gate)[0]["attempts"] == 1, what="the first attempt")
        server.kill()
        server.start()
        (done,) = gates.wait_delivered(gate)
        assert done["attempts"] == 2 and len(hooks.messages) == 1


# --- the schedule ---------------------------------------------------------------------------------

def test_the_gaps_follow_the_schedule(make_server):
    with FakeHookReceiver([HOOK]) as hooks:
        link = {"url": hooks.url, "secret": {"env": "HOOK"}}
        retry = {"first": "200ms", "factor": 2, "max": "1600ms", "give_up_after": "6s"}
        gates = Gates(make_server(configuration({"webhook": {"ci": link}}, retry=retry), env=ENV))
        hooks.fail_next(None, 500, body="still down")
        gate = gates.open(deliver=[{"link": "webhook/ci"}])
        gates.decide(gate)
        dead = gates.wait_dead(gate)
        assert (dead["error_class"], dead["last_status"]) == ("transient", 500) and "still down" in dead["last_error"]
        calls = hooks.requests
        gaps = [later.at - earlier.at for earlier, later in zip(calls, calls[1:])]
        wanted = [0.2, 0.4, 0.8] + [1.6] * (len(gaps) - 3)
        # A busy machine adds to the gaps: how long they may be is told by their number within the 6 s.
        for gap, most in zip(gaps, wanted):
            assert gap >= most / 2 - 0.02, (gaps, wanted)
        assert 6 <= len(calls) == dead["attempts"] <= 11, (gaps, wanted)
        hooks.heal()
        gates.server.api("POST", f"/deliveries/{dead['id']}/redrive")
        gates.wait_delivered(gate)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(make_server, status):
    with FakeHookReceiver([HOOK]) as hooks:
        link = {"url": hooks.url, "secret": {"env": "HOOK"}}
        gates = Gates(make_server(configuration({"webhook": {"ci": link}}), env=ENV))
        hooks.fail_next(1, status, {"Retry-After": "2"})
        gate = gates.open(deliver=[{"link": "webhook/ci"}])
        gates.decide(gate)
        waits = wait_for(lambda: [d for d in gates.deliveries(gate) if d["attempts"] == 1], what="the refusal")[0]
        assert waits["error_class"] == "throttled" and waits["state"] == "queued" and waits["next_at"]
        gates.wait_delivered(gate)
        first, second = hooks.requests
        assert second.at - first.at >= 1.95


# --- peers that are down --------------------------------------------------------------------------

def test_a_thousand_gates_through_an_outage(make_server):
    """Ten minutes of outage with retries from one second to five minutes, scaled to seconds."""
    with FakeHookReceiver([HOOK]) as hooks:
        link = {"url": hooks.url, "secret": {"env": "HOOK"}}
        retry = {"first": "20ms", "max": "5s", "give_up_after": "120s"}
        server = make_server(configuration({"webhook": {"ci": link}}, retry=retry), env=ENV)
        gates = Gates(server)
        hooks.refuse()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda n: gates.open(name=str(n), deliver=[{"link": "webhook/ci"}]), range(1000)))
            list(pool.map(gates.decide, made))
        failed = lambda: [d for d in server.api("GET", "/deliveries?limit=500&state=queued")["items"]
                          if d["attempts"] >= 3]
        wait_for(lambda: len(failed()) == 500, 60, "retries")
        server.kill()
        server.start()
        hooks.listen()
        hooks.wait_messages(1000, 60)
        wait_for(lambda: not server.api("GET", "/deliveries?limit=1&state=queued")["items"], 60, "the end")
        assert server.api("GET", "/deliveries?limit=1&state=dead")["items"] == []
        assert {m.data["id"] for m in hooks.messages} == {g["id"] for g in made}
        doubled = len(hooks.messages) - 1000
        assert doubled <= 8, "at most what was under way when the server died"


def test_one_dead_peer_delays_nobody(make_server):
    with FakeHookReceiver([HOOK]) as dead, FakeHookReceiver([HOOK]) as alive:
        links = {"webhook": {"dead": {"url": dead.url, "secret": {"env": "HOOK"}},
                             "alive": {"url": alive.url, "secret": {"env": "HOOK"}}}}
        server = make_server(configuration(links, per_peer=4), env=ENV)
        gates = Gates(server)
        dead.dead()
        made = [gates.open(deliver=[{"link": "webhook/dead"}, {"link": "webhook/alive"}]) for _ in range(100)]
        begin = time.monotonic()
        for gate in made:
            gates.decide(gate)
        alive.wait_messages(100, 20)
        took = time.monotonic() - begin
        assert took < 15, f"{took} s"
        assert len(dead.requests) <= 4, "no more than per_peer calls at once"
        begin = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begin < 10, "a call under way does not hold the stop up"
        dead.dead(False)
        server.start()
        dead.wait_messages(100, 60)
        assert len(alive.messages) == 100, "what was delivered is not repeated"
