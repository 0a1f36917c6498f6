# SPDX-License-Identifier: MIT
"""The test management API of Azure DevOps: runs, results, attachments."""
from __future__ import annotations

import base64
import binascii
import dataclasses
from typing import Any

from .http_fake import Answer, HttpFake, Request, route

RUNS = "/{collection}/{project}/_apis/test/runs"
RESULTS_MAX = 1000  # of one request
OUTCOMES = ("Passed", "Failed", "NotExecuted", "Inconclusive", "Timeout", "Aborted", "Blocked", "Warning",
            "Error", "NotApplicable", "NotImpacted")
RUN_STATES = ("NotStarted", "InProgress", "Completed", "Aborted", "Waiting", "NeedsInvestigation")
ATTACHMENT_TYPES = ("GeneralAttachment", "CodeCoverage", "ConsoleLog")


@dataclasses.dataclass
class PublishedRun:
    """A test run on the Tests page of a build."""

    id: int
    name: str
    state: str
    given: dict[str, Any]
    results: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    attachments: dict[str, bytes] = dataclasses.field(default_factory=dict)
    attached: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # one for each call


class TestResults(HttpFake):
    """Part of FakeAzureDevops; `published` lists the runs."""

    __test__ = False  # not for pytest to collect

    def __init__(self) -> None:
        super().__init__()
        self.published: list[PublishedRun] = []
        self.shows_attachments = True  # whether a run's attachments can be listed

    def _bad(self, request: Request, text: str, status: int = 400) -> Answer:
        self.complain(f"{request}: {text}")
        return Answer(status, {"$id": "1", "innerException": None, "message": text, "errorCode": 0,
                               "typeName": "", "typeKey": "InvalidPropertyException", "eventId": 3000})

    def _run(self, run: str) -> PublishedRun | None:
        return next((r for r in self.published if str(r.id) == run), None)

    @route("POST", RUNS)
    def _create_run(self, request: Request, **path: str) -> Answer:
        given = request.json
        if not given.get("name"):
            return self._bad(request, "name must not be empty")
        if given.get("state", "InProgress") not in RUN_STATES:
            return self._bad(request, f"state {given.get('state')}")
        if not given.get("automated") or not str(given.get("build", {}).get("id", "")).isdigit():
            self.complain(f"{request}: without automated and build.id no build shows the run")
        run = PublishedRun(len(self.published) + 1, given["name"], given.get("state", "InProgress"), given)
        self.published.append(run)
        return Answer(200, {"id": run.id, "name": run.name, "state": run.state,
                            "url": f"{self.url}{request.path}/{run.id}"})

    @route("GET", RUNS)
    def _list_runs(self, request: Request, **path: str) -> Answer:
        build = request.query.get("buildUri", "").rpartition("/")[2]
        value = [{"id": r.id, "name": r.name, "state": r.state} for r in self.published
                 if not build or str(r.given.get("build", {}).get("id")) == build]
        return Answer(200, {"count": len(value), "value": value})

    @route("GET", RUNS + "/{run}/results")
    def _list_results(self, request: Request, run: str, **path: str) -> Answer:
        found = self._run(run)
        if found is None:
            return self._bad(request, f"Test run {run} not found", 404)
        first, size = int(request.query.get("$skip", 0)), int(request.query.get("$top", RESULTS_MAX))
        value = found.results[first:first + min(size, RESULTS_MAX)]
        return Answer(200, {"count": len(value), "value": value})

    @route("PATCH", RUNS + "/{run}")
    def _update_run(self, request: Request, run: str, **path: str) -> Answer:
        found = self._run(run)
        if found is None:
            return self._bad(request, f"Test run {run} not found", 404)
        if request.json.get("state", found.state) not in RUN_STATES:
            return self._bad(request, f"state {request.json['state']}")
        found.state = request.json.get("state", found.state)
        return Answer(200, {"id": found.id, "name": found.name, "state": found.state})

    @route("POST", RUNS + "/{run}/results")
    def _add_results(self, request: Request, run: str, **path: str) -> Answer:
        found, given = self._run(run), request.json
        if found is None:
            return self._bad(request, f"Test run {run} not found", 404)
        if not isinstance(given, list) or len(given) > RESULTS_MAX:
            return self._bad(request, f"an array of at most {RESULTS_MAX} results is expected")
        for result in given:
            if result.get("outcome") not in OUTCOMES:
                return self._bad(request, f"outcome {result.get('outcome')}")
            if not result.get("testCaseTitle") or not result.get("automatedTestName"):
                return self._bad(request, "testCaseTitle and automatedTestName must not be empty")
        first = 100000 + len(found.results)
        found.results += [{**result, "id": first + i} for i, result in enumerate(given)]
        value = [{"id": first + i, "testRun": {"id": run}} for i in range(len(given))]
        return Answer(200, {"count": len(value), "value": value})

    @route("POST", RUNS + "/{run}/attachments")
    @route("POST", RUNS + "/{run}/results/{result}/attachments")
    def _attach_file(self, request: Request, run: str, result: str = "", **path: str) -> Answer:
        found, given = self._run(run), request.json
        if found is None or (result and result not in [str(r["id"]) for r in found.results]):
            return self._bad(request, f"Test run {run} or result {result} not found", 404)
        if given.get("attachmentType", "GeneralAttachment") not in ATTACHMENT_TYPES:
            return self._bad(request, f"attachmentType {given['attachmentType']}")
        try:
            stream = base64.b64decode(given["stream"], validate=True)
        except (binascii.Error, KeyError):
            return self._bad(request, "stream is not base64")
        if not given.get("fileName") or "/" in given["fileName"]:
            return self._bad(request, "fileName is not a file name")
        found.attachments[f"{result}/{given['fileName']}" if result else given["fileName"]] = stream
        found.attached.append({"id": len(found.attached) + 1, "fileName": given["fileName"], "size": len(stream),
                               "comment": given.get("comment", ""), "attachmentType": "generalAttachment"})
        return Answer(200, {"id": len(found.attached), "url": f"{self.url}{request.path}"})

    @route("GET", RUNS + "/{run}/attachments")
    def _list_attachments(self, request: Request, run: str, **path: str) -> Answer:
        found = self._run(run)
        if found is None or not self.shows_attachments:
            return Answer(404, {"message": f"Test run {run} not found"})
        return Answer(200, {"count": len(found.attached), "value": found.attached})
