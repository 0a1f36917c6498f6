# SPDX-License-Identifier: MIT
"""Testkube: executions found by tag, started, or named answer gates; one poller for all of them; its logs
and artifacts are the gate's."""
import http.client
import io
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
import zipfile

import pytest

from baton_server import wait_for
from gate_world import Gates, configuration
from fakes.azure_devops import FakeAzureDevops
from fakes.gocd import FakeGocd
from fakes.testkube import FakeTestkube

TOKEN = "tkcapi_0123456789"
BAD = ('<testsuite name="s" tests="2" failures="1"><testcase name="one"/><testcase name="two">'
       '<failure message="too slow"/></testcase></testsuite>')


class World:
    def __init__(self, make_server, fake, poll="100ms", stall_after="30m", links=None, **more):
        self.fake = fake
        profile = {"url": fake.api_url, "poll": poll, "stall_after": stall_after}
        if fake.token:
            profile["token"] = {"env": "TK"}
        defaults = {"subject": {"testkube": {"profile": "tk"}}, "timeout": "10m"}
        self.gates = Gates(make_server(configuration({"testkube": {"tk": profile}, "flagger": {
            "canary": {"defaults": defaults}}, **(links or {})}, **more), env={"TK": TOKEN}))
        self.server = self.gates.server

    def open(self, **subject):
        return self.gates.open(subject={"testkube": {"profile": "tk", **subject}})

    def hook(self):
        auth = {"Authorization": f"Bearer {self.server.token}"}
        self.fake.webhook(f"{self.server.url}/api/v1/in/testkube/tk", headers=auth)

    def log(self, gate):
        return self.server.get(f"/api/v1/gates/{gate['id']}/log").body.decode()

    def watched(self, gate):
        return self.gates.get(gate).get("watched", {})


@pytest.fixture
def testkube():
    with FakeTestkube(heartbeat_s=0.5) as fake:
        yield fake


@pytest.fixture
def world(make_server, testkube):
    return World(make_server, testkube)


# --- verdicts -------------------------------------------------------------------------------------

@pytest.mark.parametrize("status, verdict", [("passed", "passed"), ("failed", "failed"), ("aborted", "errored"),
                                             ("canceled", "cancelled")])
def test_an_execution_with_the_tag_decides(world, testkube, status, verdict):
    gate = world.open(tag="build=42")
    assert gate["subject"]["testkube"]["policy"] == "latest"
    testkube.execution("other", tags={"build": "41"}).finish("failed")
    mine = testkube.execution("smoke", tags={"build": "42"}).run()
    wait_for(lambda: mine.id in str(world.watched(gate)), what="the execution, seen")
    assert world.gates.get(gate)["state"] == "pending"
    mine.finish(status)
    done = world.gates.wait_end(gate)
    assert (done["verdict"], done["source"]) == (verdict, "testkube") and "smoke-1" in done["reason"]


def test_the_newest_with_the_tag_also_when_it_is_older_than_the_gate(world, testkube):
    testkube.execution("smoke", tags={"build": "42"}).finish("failed")
    testkube.execution("smoke", tags={"build": "42"}).finish("passed")
    assert world.gates.wait_end(world.open(tag="build=42"))["verdict"] == "passed"
    every = world.open(tag="build=42", policy="all")
    assert world.gates.wait_end(every)["verdict"] == "failed", "the worst of them"


@pytest.mark.parametrize("tag", ["build=4=2", "build=a,b=c", "build", "=x", "a=b\n"])
def test_tags_that_testkube_does_not_understand(world, testkube, tag):
    """Its filter is dropped without a word for such, and everything is listed: nobody else's verdict is ours."""
    testkube.execution("other", tags={"x": "y"}).finish("passed")
    answer = world.server.post("/api/v1/gates", {"subject": {"testkube": {"profile": "tk", "tag": tag}}})
    if answer.status == 400:
        assert world.gates.all() == []
        return
    assert answer.status == 201, answer
    seen = testkube.list_calls
    testkube.wait_until(lambda: testkube.list_calls >= seen + 3, 10, "rounds")
    assert world.gates.get(answer.json)["state"] == "pending"


def test_a_workflow_is_started_and_its_whole_group_waited_for(world, testkube):
    testkube.workflow("smoke", runners=1)
    gate = world.open(workflow="smoke", config={"size": "small"})
    execution = testkube.wait_execution("smoke")
    assert execution.request["config"] == {"size": "small"} and gate["id"] in str(execution.tags)
    sibling = testkube.execution("smoke", tags=execution.tags, group=execution.id).run()
    execution.finish("passed")
    wait_for(lambda: sibling.id in str(world.watched(gate)), what="the other one of the group")
    assert world.gates.get(gate)["state"] == "pending"
    sibling.finish("failed")
    assert world.gates.wait_end(gate)["verdict"] == "failed"
    assert sum(1 for e in testkube.executions if e.request) == 1, "started once"


def test_an_execution_that_is_named(world, testkube):
    execution = testkube.execution("smoke").run()
    gates = [world.open(execution=execution.id), world.open(execution=execution.id)]
    execution.finish("passed")
    assert [world.gates.wait_end(gate)["verdict"] for gate in gates] == ["passed"] * 2


def test_what_is_not_there(world, testkube):
    unknown = world.open(workflow="nix")
    done = world.gates.wait_end(unknown)
    assert done["verdict"] == "errored" and "nix" in done["reason"]
    missing = world.open(execution="64f0000000000000000000aa")
    assert world.gates.wait_end(missing)["verdict"] == "errored"
    later = world.open(tag="build=7")
    testkube.execution("smoke", tags={"build": "7"}).finish()
    assert world.gates.wait_end(later)["verdict"] == "passed"


@pytest.mark.parametrize("subject", [{"tag": "a=b", "workflow": "w"}, {}, {"workflow": "../x\n"},
                                     {"tag": "a=b", "policy": "some"}, {"profile": "nix", "tag": "a=b"}])
def test_subjects_that_are_none(world, subject):
    answer = world.server.post("/api/v1/gates", {"subject": {"testkube": {"profile": "tk", **subject}}})
    assert answer.status == 400 and answer.json["errors"] and world.gates.all() == []


def test_unstamped_ends_and_statuses_nobody_knows(world, testkube):
    execution = testkube.execution("smoke", tags={"b": "1"})
    execution.status = None
    gate = world.open(tag="b=1")
    wait_for(lambda: execution.id in str(world.watched(gate)), what="the execution, seen")
    execution.run("hibernating")
    execution.finish("passed", stamped=False, hooks=False)
    seen = testkube.list_calls
    testkube.wait_until(lambda: testkube.list_calls >= seen + 3, 10, "rounds")
    assert world.gates.get(gate)["state"] == "pending", "finished is a status and a time"
    execution.stamp_end()
    assert world.gates.wait_end(gate)["verdict"] == "passed"


def test_failed_tests_of_one_that_passed_are_told(world, testkube):
    testkube.execution("smoke", tags={"b": "1"}).finish("passed", failed_tests=3)
    done = world.gates.wait_end(world.open(tag="b=1"))
    assert done["verdict"] == "passed" and "3" in done["reason"]


def test_one_that_stands_still_has_failed(make_server, testkube):
    world = World(make_server, testkube, stall_after="1s")
    moving = testkube.execution("moving", tags={"b": "1"}).run()
    testkube.execution("stuck", tags={"b": "2"}).run()
    first, second = world.open(tag="b=1"), world.open(tag="b=2")
    begin = time.monotonic()

    def is_over():
        moving.log("still here")
        return world.gates.get(second)["state"] != "pending"

    wait_for(is_over, 9, "the end of the one that is stuck, whose log has none")
    done = world.gates.get(second)
    assert done["verdict"] == "errored" and "stalled" in done["reason"] and time.monotonic() - begin >= 0.9
    assert world.gates.get(first)["state"] == "pending"
    moving.finish("passed")
    assert world.gates.wait_end(first)["verdict"] == "passed"


def test_what_the_gate_started_ends_with_it(world, testkube):
    testkube.workflow("smoke")
    gate = world.open(workflow="smoke")
    execution = testkube.wait_execution("smoke").run()
    world.server.api("POST", f"/gates/{gate['id']}/cancel", {"reason": "not needed"})
    testkube.wait_until(lambda: execution.status == "aborted", 15, "the abort")
    named = testkube.execution("smoke").run()
    other = world.open(execution=named.id)
    world.server.api("POST", f"/gates/{other['id']}/cancel")
    assert named.status == "running" and not testkube.requests_to(f"{named.id}/abort")


# --- polling and pushing --------------------------------------------------------------------------

def test_one_poller_for_all_gates(make_server, testkube):
    world = World(make_server, testkube, poll="1s")
    executions = [testkube.execution("smoke", tags={"n": str(n)}).run() for n in range(60)]
    made = [world.open(tag=f"n={n}") for n in range(60)]
    wait_for(lambda: all(world.watched(gate) for gate in made), 30, "all of them, seen")
    calls, begin = testkube.list_calls, time.monotonic()
    testkube.wait_until(lambda: testkube.list_calls >= calls + 4, 20, "rounds")
    took = time.monotonic() - begin
    assert (testkube.list_calls - calls) / took <= 1.5, "one list a round, however many gates"
    for execution in executions:
        execution.finish(hooks=False)
    for gate in made:
        assert world.gates.wait_end(gate)["verdict"] == "passed"
    wait_for(lambda: idle_for(testkube, 2.5), 20, "silence")


def idle_for(testkube, seconds):
    last = max(r.at for r in testkube.requests)
    return time.monotonic() - last > seconds


def test_a_webhook_wakes_and_its_word_counts_for_nothing(make_server, testkube):
    world = World(make_server, testkube, poll="1h")
    world.hook()
    execution = testkube.execution("smoke", tags={"b": "1"}).run()
    gate = world.open(tag="b=1")
    wait_for(lambda: execution.id in str(world.watched(gate)), what="the first look")
    replies = testkube.storm(execution, "end-testworkflow-failed", "become-testworkflow-down", times=3,
                             status="failed")
    assert {reply.status for reply in replies} <= {200, 202}
    testkube.wait_until(lambda: execution.calls >= 1, 10, "a look of our own")
    assert world.gates.get(gate)["state"] == "pending"
    execution.finish("passed")
    assert world.gates.wait_end(gate, 10)["verdict"] == "passed", "long before the next poll"


def test_more_than_a_page(make_server, testkube):
    world = World(make_server, testkube)
    mine = testkube.execution("old", tags={"b": "1"}).run()
    gate = world.open(tag="b=1")
    wait_for(lambda: mine.id in str(world.watched(gate)), what="the execution, seen")
    for _ in range(250):
        testkube.execution("noise")
    mine.finish("failed", hooks=False)
    assert world.gates.wait_end(gate)["verdict"] == "failed"
    older = testkube.execution("older", tags={"b": "2"}).finish("passed", hooks=False)
    for _ in range(250):
        testkube.execution("noise")
    assert world.gates.wait_end(world.open(tag="b=2"))["verdict"] == "passed", older.id


def test_a_testkube_that_is_down_decides_nothing(world, testkube):
    execution = testkube.execution("smoke", tags={"b": "1"}).run()
    gate = world.open(tag="b=1")
    wait_for(lambda: world.watched(gate), what="the first look")
    testkube.repository_down(3)
    testkube.fail_next(2, 401)
    testkube.refuse()
    limited = world.gates.open(subject={"testkube": {"profile": "tk", "tag": "b=1"}}, timeout="1s")
    assert world.gates.wait_end(limited)["verdict"] == "timed_out"
    assert world.gates.get(gate)["state"] == "pending"
    testkube.listen()
    execution.finish("failed", hooks=False)
    assert world.gates.wait_end(gate, 60)["verdict"] == "failed"


def test_a_control_plane_with_a_token(make_server):
    with FakeTestkube(token=TOKEN) as testkube:
        world = World(make_server, testkube)
        testkube.execution("smoke", tags={"b": "1"}).finish()
        assert world.gates.wait_end(world.open(tag="b=1"))["verdict"] == "passed" and testkube.violations == []


@pytest.mark.parametrize("struck", ["before", "after"])
def test_a_crash_starts_no_second_execution(world, testkube, struck):
    testkube.workflow("smoke")
    fault = testkube.drop_after_body if struck == "after" else testkube.drop_before_body

    def strikes(request):
        if request.method != "POST" or "executions" not in request.path:
            return False
        world.server.kill()
        return True

    fault(1, strikes, **({"handled": True} if struck == "after" else {}))
    gate = None
    try:
        gate = world.open(workflow="smoke")
    except OSError:
        pass
    wait_for(lambda: world.server.process.poll() is not None, what="the crash")
    world.server.start()
    gate = gate or world.gates.all()[0]
    testkube.wait_execution("smoke", timeout=20).finish("passed")
    assert world.gates.wait_end(gate)["verdict"] == "passed"
    assert len(testkube.executions) == 1, "it is found by the tag of its gate"


# --- logs and artifacts ---------------------------------------------------------------------------

def test_the_log_comes_whole_through_cuts(world, testkube):
    testkube.cut_streams(3, 2, 5)
    execution = testkube.execution("smoke", tags={"b": "1"}).run()
    execution.log(*[f"early {n}" for n in range(10)])
    gate = world.open(tag="b=1")
    wait_for(lambda: "early 9" in world.log(gate), 30, "the lines so far")
    execution.log(*[f"late {n}" for n in range(10)])
    wait_for(lambda: "late 9" in world.log(gate), 30, "the lines that came later")
    execution.finish("passed")
    world.gates.wait_end(gate)
    lines = [line for line in world.log(gate).splitlines() if line.startswith(("early", "late"))]
    assert lines == [f"early {n}" for n in range(10)] + [f"late {n}" for n in range(10)]


def test_lines_are_stored_together(world, testkube):
    """Each time costs a transaction and an event."""
    execution = testkube.execution("smoke", tags={"b": "1"}).run().log("first")
    gate = world.open(tag="b=1")
    wait_for(lambda: "first" in world.log(gate), what="the stream")
    for n in range(500):
        execution.log(f"line {n}")
    wait_for(lambda: "line 499" in world.log(gate), what="all of it")
    execution.finish("passed")
    world.gates.wait_end(gate)
    assert world.log(gate).count("\n") == 501
    assert len(world.gates.events("gate.log")) <= 20


def test_artifacts_are_fetched_from_where_they_are(world, testkube):
    execution = testkube.execution("smoke", tags={"b": "1"})
    big = bytes(range(256)) * 2000
    execution.artifact("deep/a+b %20%.bin", big).artifact("reports/junit.xml", BAD.encode())
    execution.artifact("late.txt", b"late", "processing").artifact("gone.txt", b"x", missing=True)
    gate = world.open(tag="b=1")
    base = f"/api/v1/gates/{gate['id']}"
    early = world.server.get(f"{base}/artifacts/nix")
    assert early.status == 425 and early.headers["Retry-After"], "it has not ended: there may be one"
    execution.finish("failed", failed_tests=1)
    world.gates.wait_end(gate)
    listed = wait_for(lambda: world.server.api("GET", f"/gates/{gate['id']}/artifacts")["items"], what="the list")
    states = {item["path"].rsplit(f"{execution.id}/", 1)[-1]: item["state"] for item in listed}
    paths = {item["path"].rsplit(f"{execution.id}/", 1)[-1]: urllib.parse.quote(item["path"]) for item in listed}
    assert states["late.txt"] == "processing" and states["deep/a+b %20%.bin"] == "ready"
    got = world.server.get(f"{base}/artifacts/{paths['deep/a+b %20%.bin']}")
    assert got.status == 200 and got.body == big and got.headers["Content-Disposition"].startswith("attachment")
    part = world.server.get(f"{base}/artifacts/{paths['deep/a+b %20%.bin']}", headers={"Range": "bytes=256-511"})
    assert part.status == 206 and part.body == bytes(range(256))
    late = world.server.get(f"{base}/artifacts/{paths['late.txt']}")
    assert late.status == 425 and late.headers["Retry-After"] == str(late.json["retry_after_s"])
    assert world.server.get(f"{base}/artifacts/{paths['gone.txt']}").status == 502
    assert world.server.get(f"{base}/artifacts/nix").status == 404
    execution.artifact("late.txt", b"late")
    wait_for(lambda: world.server.get(f"{base}/artifacts/{paths['late.txt']}").body == b"late", what="the late one")
    cases = list(ElementTree.fromstring(world.server.get(f"{base}/junit.xml").body).iter("testcase"))
    assert any(case.find("failure") is not None for case in cases)
    packed = zipfile.ZipFile(io.BytesIO(world.server.get(f"{base}/artifacts.zip").body))
    named = {name.rsplit(f"{execution.id}/", 1)[-1]: name for name in packed.namelist()}
    assert packed.read(named["deep/a+b %20%.bin"]) == big and packed.read(named["reports/junit.xml"]) == BAD.encode()
    assert "gone.txt" not in named, "what is lost is left out"


# --- through other doors --------------------------------------------------------------------------

def test_testrelay_done_again(make_server, testkube):
    """A check of Azure DevOps with nothing but a tag; a TestWorkflowExecution that GitOps made answers it, and
    what it left is with the build."""
    with FakeAzureDevops() as azure:
        links = {"azure_devops": {"corp": {"allow": [f"{azure.url}/corp"], "defaults": {
            "subject": {"testkube": {"profile": "tk"}}, "timeout": "2h"},
            "publish_results": True, "attachments": ["reports/**"]}}}
        world = World(make_server, testkube, links=links)
        check = azure.check(f"{world.server.url}/api/v1/in/azure_devops/corp", {"tag": "build=42"},
                            headers={"Authorization": f"Bearer {world.server.token}", "BuildId": "42"})
        assert check.send().status == 201
        execution = testkube.execution("smoke", tags={"build": "42"}).run().log("one line of the test")
        execution.artifact("reports/junit.xml", BAD.encode()).artifact("trace.bin", b"x")
        azure.wait_until(lambda: "one line of the test" in check.log, 20, "the log, live")
        execution.finish("failed")
        assert check.wait_completed(20) == "failed"
        azure.wait_until(lambda: azure.published and azure.published[0].attachments, 20, "what it left")
        (run,) = azure.published
        assert run.attachments == {"reports_junit.xml": BAD.encode()} and len(run.results) == 2
        assert azure.violations == []


def test_artifacts_go_on_to_a_job_of_gocd(make_server, testkube):
    """From where they are, once they are ready; of any size, and none of it held in memory."""
    with FakeGocd(tokens={TOKEN: "baton"}) as gocd:
        gocd.pipeline("p", ["build", "accept"], automatic=("accept",))
        world = World(make_server, testkube, links={"gocd": {"main": {"url": gocd.url, "token": {"env": "TK"}}}})
        execution = testkube.execution("smoke", tags={"b": "1"})
        big = bytes(range(256)) * 80_000
        execution.artifact("out/r.xml", BAD.encode()).artifact("late.bin", b"", "processing")

        def target(source):
            return {"link": "gocd/main", "artifact": {"pipeline": "p", "counter": 1, "stage": "accept",
                                                      "stage_counter": 1, "job": "job", "path": source,
                                                      "source": source}}

        gate = world.gates.open(subject={"testkube": {"profile": "tk", "tag": "b=1"}}, deliver=[
            target("out/r.xml"), target("late.bin"), target("nix")])
        execution.finish("passed")
        world.gates.wait_end(gate)

        def shown(source):
            (one,) = [d for d in world.gates.deliveries(gate) if d["target"]["artifact"]["source"] == source]
            return one

        wait_for(lambda: shown("out/r.xml")["state"] == "delivered", what="the one that is ready")
        assert gocd.file("p/1/accept/1/job", "out/r.xml") == BAD.encode()
        late = wait_for(lambda: shown("late.bin")["attempts"] >= 2 and shown("late.bin"), what="another try")
        assert (late["state"], late["error_class"]) == ("queued", "transient") and "uploading" in late["last_error"]
        execution.artifact("late.bin", big)
        wait_for(lambda: shown("late.bin")["state"] == "delivered", 30, "the late one")
        assert gocd.file("p/1/accept/1/job", "late.bin") == big
        wait_for(lambda: shown("nix")["state"] == "dead", what="the end of the one that is none")
        assert shown("nix")["error_class"] == "rejected" and gocd.violations == []
        assert list(world.server.data.rglob("upload-*")) == []


def test_progress_asks_testkube_for_no_artifacts(make_server, testkube):
    """It is told every two seconds, for each gate."""
    with FakeAzureDevops() as azure:
        links = {"azure_devops": {"corp": {"allow": [f"{azure.url}/corp"], "defaults": {
            "subject": {"testkube": {"profile": "tk"}}, "timeout": "2h"}}}}
        world = World(make_server, testkube, links=links)
        check = azure.check(f"{world.server.url}/api/v1/in/azure_devops/corp", {"tag": "build=42"},
                            headers={"Authorization": f"Bearer {world.server.token}"})
        assert check.send().status == 201
        execution = testkube.execution("smoke", tags={"build": "42"}).run()
        execution.artifact("reports/junit.xml", BAD.encode())
        for n in range(3):
            execution.log(f"line {n}")
            azure.wait_until(lambda: f"line {n}" in check.log, 20, "the log, live")
        assert testkube.requests_to("/artifacts") == []
        execution.finish("failed", failed_tests=1)
        assert check.wait_completed(20) == "failed" and azure.violations == []


def test_one_that_hangs_holds_up_no_end_of_the_server(make_server, testkube):
    world = World(make_server, testkube, server={"drain": "500ms"})
    execution = testkube.execution("smoke", tags={"b": "1"}).run()
    gate = world.open(tag="b=1")
    wait_for(lambda: execution.id in str(world.watched(gate)), what="the execution, seen")
    testkube.dead()

    def ask():
        try:
            world.server.get(f"/api/v1/gates/{gate['id']}/artifacts")
        except (OSError, http.client.HTTPException):
            pass

    asking = threading.Thread(target=ask)
    asking.start()
    testkube.wait_for("/artifacts", answered=False)
    begin = time.monotonic()
    assert world.server.stop() == 0
    asking.join()
    assert time.monotonic() - begin < 8 and "handlers_stuck" not in world.server.read_log()
