# SPDX-License-Identifier: MIT
"""handoff's routes: the same wire, its defects mended (docs/reference/http-api.md, legacy routes)."""
import base64

from baton_server import wait_for

CONFIG = r"""
suites:
  - {name: quick, kind: tap, command: [sh, -c, 'printf "1..2\nok 1 - Success\nnot ok 2 - Retry\n"']}
  - {name: quick-2, kind: command, command: ['true']}
"""


def finished(server, suite, run):
    def look():
        document = server.get(f"/suites/{suite}/runs/{run}").json
        return document if document["result"] != "pending" else None

    return wait_for(look, what="the end of the run")


def test_a_handoff_client_starts_and_polls_a_run(make_server):
    server = make_server(CONFIG)
    server.run("quick")  # so that the cases are known
    answer = server.post("/suites/quick/runs?filter=Success|Retry&ref=abc&initiatedby=ann",
                         headers={"Accept": "application/json"})
    assert answer.status == 201, answer
    run = answer.json
    assert run["suiteName"] == "quick" and run["result"] == "pending"
    assert run["params"]["Reference"] == "abc" and run["params"]["InitiatedBy"] == "ann"
    done = finished(server, "quick", run["id"])
    assert (done["result"], done["tests"]) == ("failed", 2)
    names = {t["name"]: t for t in done["testResults"]}
    assert names["Success"]["result"] == "passed" and names["Retry"]["attempt"] == 1
    attempts = server.get(f"/suites/quick/runs/{run['id']}/test/Retry").json
    assert [a["result"] for a in attempts] == ["failed"]
    assert attempts[0]["suiteRunId"] == run["id"]


def test_its_defects_are_gone(make_server):
    server = make_server(CONFIG)
    server.run("quick")
    server.run("quick-2")
    assert isinstance(server.get("/suites").json, list)
    assert [r["suiteName"] for r in server.get("/suites/quick/runs").json] == ["quick"]
    assert server.get("/suites/quick/runs/999").status == 404
    assert server.get("/suites/quick/runs/abc").status == 400
    assert server.post("/suites/none/runs").status == 404
    assert server.post("/suites/quick/runs?filter=(").status == 400
    assert isinstance(server.get("/schedules").json, list)
    assert server.get("/suites", token=None).status == 401
    basic = base64.b64encode(f"user:{server.token}".encode()).decode()
    assert server.get("/suites", token=None, headers={"Authorization": f"Basic {basic}"}).status == 200
    one = server.post("/suites/quick/runs", headers={"Idempotency-Key": "k"}).json
    two = server.post("/suites/quick-2/runs", headers={"Idempotency-Key": "k"}).json
    assert (one["suiteName"], two["suiteName"]) == ("quick", "quick-2")
    again = server.post("/suites/quick/runs", headers={"Idempotency-Key": "k"})
    assert (again.status, again.json["id"]) == (201, one["id"])


def test_schedules_can_be_made_and_removed(make_server):
    server = make_server(CONFIG)
    made = server.post("/schedules/often?suite=quick", headers={"schedule": "0 0 2 * * *"})
    assert 200 <= made.status < 300, made
    (schedule,) = server.get("/schedules").json
    assert schedule["Name"] == "often" and schedule["TestSuiteName"] == "quick"
    assert server.request("DELETE", "/schedules/often").status == 204
    assert server.request("DELETE", "/schedules/often").status == 404
