# SPDX-License-Identifier: MIT
"""The fakes themselves: that they misbehave as announced and refuse what the real systems refuse."""
import base64
import hashlib
import http.client
import io
import threading
import time
import zipfile

from fakes.azure_devops import EMPTY_GUID, FakeAzureDevops
from fakes.gocd import FakeGocd
from fakes.hook_receiver import FakeHookReceiver, sign
from fakes.http_fake import Answer, HttpFake, call, route
from fakes.testkube import FakeTestkube
from fakes.testkube_executions import ZERO_TIME


class Echo(HttpFake):
    @route("POST", "/echo/{name}")
    def _echo(self, request, name):
        return Answer(200, request.body, {"Name": name})


# --- the server -----------------------------------------------------------------------------------

def test_requests_are_kept_in_order_on_one_connection():
    with Echo() as echo:
        client = http.client.HTTPConnection("127.0.0.1", echo.port)
        for body in (b"one", b"two"):
            client.request("POST", "/echo/a%20b?x=1&y=%2F", body, {"X-Thing": "yes"})
            answer = client.getresponse()
            assert (answer.status, answer.headers["name"], answer.read()) == (200, "a b", body)
        client.request("POST", "/echo/c", (part for part in (b"in ", b"chunks")), encode_chunked=True)
        assert client.getresponse().read() == b"in chunks"
        client.close()
        first, second, third = echo.requests
        assert first.query == {"x": "1", "y": "/"} and first.headers["x-thing"] == "yes"
        assert first.path == "/echo/a%20b" and first.at <= second.at
        assert first.connection == second.connection and third.body == b"in chunks"


def test_large_bodies_pass_in_both_framings():
    body = bytes(range(256)) * 20000
    with Echo() as echo:
        assert call("POST", f"{echo.url}/echo/x", body).body == body
        echo.chunked_answers = True
        reply = call("POST", f"{echo.url}/echo/x", body)
        assert reply.body == body and reply.headers["transfer-encoding"] == "chunked"


def test_faults_are_taken_in_turn():
    with Echo() as echo:
        url = f"{echo.url}/echo/x"
        echo.fail_next(2, 503, {"Retry-After": "1"}, {"why": "busy"}, only="POST /echo/x")
        assert call("POST", f"{echo.url}/echo/y", b"1").status == 200
        refused = call("POST", url, b"1")
        assert refused.status == 503 and refused.headers["retry-after"] == "1" and refused.json == {"why": "busy"}
        assert [call("POST", url, b"1").status for _ in range(2)] == [503, 200]
        echo.drop_before_body()
        assert call("POST", url, b"1").status == 0
        echo.drop_after_body()
        assert call("POST", url, b"kept").status == 0
        assert echo.requests[-2].body == b"" and echo.requests[-1].body == b"kept"
        assert echo.requests[-1].status is None
        echo.cut_answer(after=3)
        assert "reset" in call("POST", url, b"1234567890").error
        assert call("POST", url, b"1").status == 200


def test_a_lost_answer_has_its_effect():
    with FakeGocd() as gocd:
        gocd.pipeline("p", ["build", "accept"])
        gocd.drop_after_body(handled=True)
        assert run_stage(gocd).status == 0
        assert gocd.stage("p", 1, "accept").counter == 1


def test_slow_dead_and_refusing():
    with Echo() as echo:
        url = f"{echo.url}/echo/x"
        echo.slow(0.1, n=1)
        assert call("POST", url, b"1").seconds >= 0.1
        echo.dead()
        assert call("POST", url, b"1", timeout=0.1).error == "time-out"
        echo.dead(False)
        port = echo.port
        echo.refuse()
        assert "refused" in call("POST", url, b"1").error
        echo.listen()
        assert echo.port == port and call("POST", url, b"1").status == 200


def test_waiting_for_a_request():
    with Echo() as echo:
        threading.Timer(0.05, lambda: call("POST", f"{echo.url}/echo/late", b"x")).start()
        assert echo.wait_for(lambda r: r.path == "/echo/late", 5).body == b"x"
        assert echo.requests_to("POST /echo/l") and not echo.requests_to("GET")


# --- Azure DevOps ---------------------------------------------------------------------------------

def plan(azure, check, rest, method="POST", body=None, auth=None, kind="application/json"):
    version = "&" if "?" in rest else "?"
    url = (f"{azure.url}/corp/{azure.project}/_apis/distributedtask/hubs/{check.hub}/plans/{check.plan_id}"
           f"{rest}{version}api-version=2.0-preview.1")
    return call(method, url, body, {"Authorization": auth or f"Bearer {check.token}", "Content-Type": kind})


def completed(check, result="succeeded", task=None, job=None):
    return {"name": "TaskCompleted", "taskId": task or check.task_id, "jobId": job or check.job_id, "result": result}


def test_a_check_is_answered_once():
    with FakeAzureDevops() as azure, FakeHookReceiver(answers=200) as door:
        check = azure.check(f"{door.url}/in", {"type": "t", "timestamp": "", "data": {}})
        assert plan(azure, check, "/events", body=completed(check)).json["typeKey"] == \
            "OrchestrationSessionNotFoundException"  # not delivered yet
        assert check.send().status == 200
        sent = door.requests[-1].headers
        assert sent["PLANURL"].endswith("/corp/") and sent["HubName"] == "checks"
        assert plan(azure, check, "/events", body=completed(check, job=EMPTY_GUID)).status == 404
        assert plan(azure, check, "/events", body=completed(check, "abandoned")).status == 400
        assert len(azure.violations) == 2
        log = plan(azure, check, "/logs", body={"path": "logs\\x"}).json["id"]
        appended = plan(azure, check, f"/logs/{log}", body=b"a\nb\n", kind="application/octet-stream")
        assert appended.json["lineCount"] == 2
        record = {"value": [{"id": check.task_id, "log": {"id": log}, "state": "inProgress"}], "count": 1}
        records = f"/timelines/{check.timeline_id}/records"
        assert plan(azure, check, records, "PATCH", record).status == 200
        assert plan(azure, check, f"{records}/{check.job_id}/feed", body={"value": ["x"], "count": 1}).status == 200
        basic = "Basic " + base64.b64encode(f":{check.token}".encode()).decode()
        assert plan(azure, check, "/events", body=completed(check), auth=basic).status == 200
        assert check.wait_completed() == "succeeded" and check.log == "a\nb\n" and check.feed == ["x"]
        assert plan(azure, check, "/events", body=completed(check)).status == 500
        assert plan(azure, check, f"/logs/{log}", body=b"late", kind="application/octet-stream").status == 404


def test_checks_in_other_modes():
    with FakeAzureDevops(unauthorised=203) as azure, FakeHookReceiver(answers=200) as door:
        body = {"type": "t", "timestamp": "", "data": {}}
        sync = azure.check(door.url, body, completion="ApiResponse", trailing_slash=False)
        sync.send()
        assert sync.result == "succeeded" and not door.requests[-1].headers["planurl"].endswith("/")
        assert plan(azure, sync, "/events", body=completed(sync)).status == 500
        door.slow(1, n=1)
        late = azure.check(door.url, body, gives_up_s=0.1)
        assert late.send().error == "time-out" and late.result == "failed"
        assert late.send().status == 200 and late.session == "open" and late.result is None
        bare = azure.check(door.url, body, headers={"TaskInstanceId": None})
        bare.send()
        assert plan(azure, bare, "/events", body=completed(bare, task="t")).status == 404
        made_up = {"value": [{"id": "t", "state": "inProgress"}], "count": 1}
        assert plan(azure, bare, f"/timelines/{bare.timeline_id}/records", "PATCH", made_up).status == 200
        assert plan(azure, bare, "/events", body=completed(bare, task="t")).status == 200
        old = azure.check(door.url, body, hub="Gates", plan_version=12)
        old.send()
        assert plan(azure, old, "", "GET").json["version"] == 12
        assert plan(azure, old, "/events", body=completed(old, task=EMPTY_GUID, job=old.task_id)).status == 200
        old.token_valid = False
        assert plan(azure, old, "/events", body=completed(old)).status == 203
        again = azure.check(door.url, body, interval=5)
        again.send()
        assert plan(azure, again, "/events", body=completed(again, "failed")).status == 200
        assert again.result is None and again.results == ["failed"]
        azure.throttle()
        assert plan(azure, again, "/events", body=completed(again)).headers["retry-after"] == "1"


def test_published_results():
    with FakeAzureDevops(pat="secret") as azure:
        runs, auth = f"{azure.url}/corp/{azure.project}/_apis/test/runs", {"Authorization": "Bearer secret"}
        assert call("POST", runs, {"name": "x"}, auth).json["typeKey"] == "VssVersionNotSpecifiedException"
        version = "?api-version=7.1"
        run = call("POST", runs + version, {"name": "r", "automated": True, "build": {"id": "7"}}, auth).json["id"]
        result = {"testCaseTitle": "t", "automatedTestName": "n", "outcome": "Passed"}
        assert call("POST", f"{runs}/{run}/results{version}", [result], auth).json["count"] == 1
        assert call("POST", f"{runs}/{run}/Results{version}", [{**result, "outcome": "ok"}], auth).status == 400
        file = {"stream": base64.b64encode(b"hi").decode(), "fileName": "a.txt"}
        assert call("POST", f"{runs}/{run}/attachments{version}", file, auth).status == 200
        call("PATCH", f"{runs}/{run}{version}", {"state": "Completed"}, auth)
        assert azure.published[0].state == "Completed" and azure.published[0].attachments == {"a.txt": b"hi"}


# --- GoCD -----------------------------------------------------------------------------------------

V2 = {"Accept": "application/vnd.go.cd.v2+json", "X-GoCD-Confirm": "true"}


def run_stage(gocd, stage="accept", counter="1", pipeline="p", headers=None):
    return call("POST", f"{gocd.url}/go/api/stages/{pipeline}/{counter}/{stage}/run", None, headers or V2)


def test_a_stage_is_run_and_run_again():
    with FakeGocd() as gocd:
        gocd.pipeline("p", ["build", "accept", "ship"], first="Building")
        assert run_stage(gocd).status == 409  # the stage that launched the test has not ended yet
        gocd.finish("p", 1, "build")
        assert run_stage(gocd, "ship").status == 400
        assert run_stage(gocd, counter="one").status == 422
        assert run_stage(gocd, counter="9").status == 500 and run_stage(gocd, "nix").json["message"].count("not found")
        v1 = {"Accept": "application/vnd.go.cd.v1+json"}
        shown = call("GET", f"{gocd.url}/go/api/pipelines/p/1/instance", None, v1).json["stages"][1]
        assert (shown["scheduled"], shown["can_run"]) == (False, True)
        assert run_stage(gocd).json == {"message": "Request to schedule stage p/1/accept accepted"}
        assert gocd.stage("p", 1, "accept").counter == 1
        gocd.finish("p", 1, "accept", "Failed")
        assert run_stage(gocd, counter="latest").status == 202
        assert gocd.stage("p", 1, "accept").counter == 2
        v3 = {"Accept": "application/vnd.go.cd.v3+json"}
        assert call("GET", f"{gocd.url}/go/api/stages/p/1/accept/1", None, v3).json["result"] == "Failed"


def test_gocd_is_strict_about_headers_and_rights():
    with FakeGocd(users={"ann": "pw", "vic": "pw"}, tokens={"tok": "ann"}, viewers=("vic",)) as gocd:
        gocd.pipeline("p", ["build", "accept"])
        token = {"Authorization": "Bearer tok"}
        assert run_stage(gocd).status == 401
        assert run_stage(gocd, headers={**token, "Accept": V2["Accept"]}).status == 400
        assert run_stage(gocd, headers={**V2, **token, "Accept": "*/*"}).status == 404
        vic = {"Authorization": "Basic " + base64.b64encode(b"vic:pw").decode()}
        assert run_stage(gocd, headers={**V2, **vic}).status == 403
        schedule, v1 = f"{gocd.url}/go/api/pipelines/p/schedule", {"Accept": "application/vnd.go.cd.v1+json", **token}
        assert call("POST", schedule, b"{}", {**v1, "Content-Type": "text/plain"}).status == 415
        assert call("POST", schedule, {"environment_variables": [{"name": "NO"}]}, v1).status == 422
        assert [call("POST", schedule, {"materials": []}, v1).status for _ in range(2)] == [202, 409]
        gocd.stay_busy("p", 1, 1)
        assert [run_stage(gocd, headers={**V2, **token}).status for _ in range(2)] == [409, 202]


def test_gocd_artifacts_are_never_replaced():
    with FakeGocd() as gocd:
        gocd.pipeline("p", ["build"])
        files, confirm = f"{gocd.url}/go/files/p/1/build/1/job", {"X-GoCD-Confirm": "true"}

        def upload(path, data, name="file", **headers):
            body = (f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n').encode()
            kind = {"Content-Type": "multipart/form-data; boundary=B"}
            return call("POST", f"{files}/{path}", body + data + b"\r\n--B--\r\n", {**kind, **confirm, **headers})

        data = b"\r\n--\x00\xff\n"
        assert upload("out/a.bin", data).status == 201 and gocd.file("p/1/build/1/job", "out/a.bin") == data
        assert upload("out/a.bin", data).status == 403
        assert upload("x", data, "other").status == 400 and upload("../x", data).status == 403
        assert upload("x", data, **{"X-GoCD-Confirm": "1"}).status == 400
        gocd.free_bytes = 10
        assert upload("x", data, **{"X-Go-Artifact-Size": "6"}).status == 413
        sha1 = base64.b64encode(hashlib.sha1(data).digest()).decode().replace("+", "%2B").replace("/", "%2F")
        assert call("GET", f"{files}/out/a.bin?sha1={sha1}").status == 304
        assert call("GET", f"{files}.json").json[0]["files"][0]["name"] == "a.bin"
        assert [call("GET", f"{files}/out.zip").status for _ in range(2)] == [202, 200]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("in/b", "b")
        assert upload("z", packed.getvalue(), "zipfile").status == 201
        assert gocd.file("p/1/build/1/job", "z/in/b") == b"b"
        for line in (b"one\n", b"two\n"):
            assert call("PUT", f"{files}/cruise-output/console.log", line).status == 200
        assert gocd.console("p/1/build/1/job") == "one\ntwo\n"
        assert call("GET", f"{gocd.url}/go/files/p/1/build/1/nix/a").status == 404


# --- Testkube -------------------------------------------------------------------------------------

def test_testkube_lists_newest_first_and_drops_what_it_does_not_understand():
    with FakeTestkube() as testkube:
        for number in range(3):
            testkube.execution("w", tags={"build": str(number)})
        everything = f"{testkube.url}/v1/test-workflow-executions"
        names = [e["name"] for e in call("GET", f"{everything}?pageSize=2").json["results"]]
        assert names == ["w-3", "w-2"]
        assert len(call("GET", f"{everything}?pageSize=2&page=1").json["results"]) == 1
        found = call("GET", f"{everything}?tagSelector=build=1").json
        assert [e["name"] for e in found["results"]] == ["w-2"]
        assert (found["totals"]["results"], found["filtered"]["results"]) == (3, 1)
        assert len(call("GET", f"{everything}?tagSelector=build=1=2").json["results"]) == 3
        assert len(call("GET", f"{everything}?tagSelector=build=1,build=2").json["results"]) == 2
        assert len(call("GET", f"{everything}?status=nonsense").json["results"]) == 3
        assert testkube.list_calls == 6
        testkube.repository_down()
        assert call("GET", everything).status == 502


def test_an_execution_of_testkube():
    with FakeTestkube(token="t") as testkube:
        auth = {"Authorization": "Bearer t"}
        testkube.workflow("w", runners=2)
        base = testkube.api_url
        assert call("GET", f"{base}/test-workflow-executions").status == 401
        request = {"tags": {"a": "b"}, "target": {"replicate": ["name"]}}
        first = call("POST", f"{base}/test-workflows/w/executions", request, auth).json
        assert first["tags"] == {"a": "b"} and first["result"]["finishedAt"] == ZERO_TIME
        assert [e.group for e in testkube.executions] == [first["groupId"]] * 2
        silent = call("POST", f"{base}/test-workflows/w/executions", b'{"tags":{"a":"b"}}', auth).json
        assert silent["tags"] == {}
        one = f"{base}/test-workflow-executions/{first['id']}"
        assert [call("POST", f"{one}/abort", None, auth).status for _ in range(2)] == [204, 400]
        assert call("GET", f"{base}/test-workflows/w/executions/w-1", None, auth).json["result"]["status"] == "aborted"
        assert call("GET", f"{base}/test-workflow-executions/nix", None, auth).status == 404


def test_the_stream_of_testkube_can_be_taken_up_again():
    with FakeTestkube(heartbeat_s=0.05) as testkube:
        execution = testkube.execution("w").log("one", "two")
        url = f"{testkube.url}/v1/test-workflow-executions/{execution.id}/notifications"
        testkube.cut_streams(1)
        assert call("GET", url).status == 0
        testkube.later(0.15, execution.finish)
        body = call("GET", f"{url}?resumeAfterSeqNo=1").body.decode()
        assert body.startswith("id: 2\nevent: log\ndata: ") and "one" not in body
        assert "event: heartbeat" in body and '"passed"' in body
        assert "resume_unavailable" in call("GET", f"{url}?resumeAfterSeqNo=99").body.decode()
        assert call("GET", f"{url}?resumeAfterSeqNo=x").status == 400 and testkube.streams == 3
        assert call("GET", url.replace("notifications", "logs")).body == b"one\ntwo\n"


def test_artifacts_of_testkube():
    with FakeTestkube() as testkube:
        execution = testkube.execution("w").artifact("a/b+c.xml", b"x" * 100000)
        execution.artifact("late", b"1", "processing").artifact("gone", b"1", missing=True)
        url = f"{testkube.url}/v1/test-workflow-executions/{execution.id}/artifacts"
        assert [a["status"] for a in call("GET", url).json] == ["ready", "processing", "ready"]
        assert call("GET", f"{url}/a%2Fb%252Bc.xml").body == b"x" * 100000
        assert call("GET", f"{url}/a%2Fb%2Bc.xml").status == 500
        assert call("GET", f"{url}/late").status == 500 and call("GET", f"{url}/gone").status == 500
        assert call("GET", f"{url.replace('artifacts', 'artifact-archive')}?mask=a/").body[:2] == b"\x1f\x8b"


def test_webhooks_of_testkube():
    with FakeTestkube() as testkube, FakeHookReceiver(answers=200) as door:
        testkube.webhook(f"{door.url}/hook", payload=lambda e: {"type": e["type"], "timestamp": "", "data": e})
        execution = testkube.execution("w").run().finish("failed")
        testkube.wait_until(lambda: len(testkube.sent) == 2)
        assert {m.type for m in door.messages} == {"end-testworkflow-failed", "end-testworkflow-not-passed"}
        testkube.storm(execution, "end-testworkflow-success", "become-testworkflow-down", times=3, status="queued")
        assert len(door.messages) == 8
        assert door.messages[-1].data["testWorkflowExecution"]["result"]["status"] == "queued"
        testkube.cd_events(f"{door.url}/events")
        testkube.execution("w").finish("canceled")
        testkube.execution("w").finish("passed")
        testkube.wait_until(lambda: door.events)
        assert [e["data"]["subject"]["content"]["outcome"] for e in door.events] == ["pass"]


# --- the receiver ---------------------------------------------------------------------------------

def test_the_receiver_checks_signatures():
    vector = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                  b'{"test": 2432232314}')
    assert vector == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    secret, body, now = "whsec_" + base64.b64encode(b"k" * 24).decode(), b'{"type":"t","timestamp":"","data":1}', \
        int(time.time())
    with FakeHookReceiver([secret]) as door:
        def send(stamp, signature):
            headers = {"webhook-id": "m", "webhook-timestamp": str(stamp), "webhook-signature": signature}
            return call("POST", door.url, body, headers).status

        good = sign(secret, "m", now, body)
        assert send(now, f"v1a,xyz v1,bad {good}") == 204
        assert send(now, "v1,bad") == 401 and send(now - 1, good) == 401
        assert send(now - 400, sign(secret, "m", now - 400, body)) == 401
        assert door.ids == ["m"] and len(door.violations) == 3
