# SPDX-License-Identifier: MIT
"""Azure DevOps as a gate meets it: it sends "Invoke REST API" checks and takes the callbacks, log
lines, timeline records and test results that answer them.

    with FakeAzureDevops() as azure:
        check = azure.check(url, body={"tag": "build=42"})
        assert check.send().status == 200
        check.wait_completed()
        assert check.result == "succeeded"

Sessions are as forgetful as the real ones: an event before the delivery was answered, after the
first TaskCompleted, or to a check in ApiResponse mode finds none.
"""
from __future__ import annotations

import base64
import re
import time
import uuid
from typing import Any, Callable

from .azure_tests import TestResults
from .http_fake import Answer, Reply, Request, call, route

GIVES_UP_S = 20.0      # of a delivery; not configurable in Azure DevOps
EMPTY_GUID = "00000000-0000-0000-0000-000000000000"
HUBS = ("build", "release", "gates", "checks")
PLAN = "/{collection}/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}"
RECORD_STATES = ("pending", "inProgress", "completed")


def vss_error(status: int, type_key: str, message: str) -> Answer:
    room = "Microsoft.TeamFoundation.DistributedTask.WebApi"
    return Answer(status, {"$id": "1", "innerException": None, "message": message, "errorCode": 0, "eventId": 3000,
                           "typeName": f"{room}.{type_key}, {room}", "typeKey": type_key})


class Check:
    """One check instance: its ids and token, its session, what it was told."""

    def __init__(self, fake: "FakeAzureDevops", url: str, body: Any, settings: dict[str, Any]) -> None:
        self.fake, self.url, self.body = fake, url, body
        self.method: str = settings.get("method", "POST")
        self.hub: str = settings.get("hub", "checks")
        self.plan_version: int = settings.get("plan_version", 13)
        self.completion: str = settings.get("completion", "Callback")
        self.criteria: Callable[[Reply], bool] | None = settings.get("criteria")
        self.interval: int = settings.get("interval", 0)
        self.gives_up_s: float = settings.get("gives_up_s", GIVES_UP_S)
        self.trailing_slash: bool = settings.get("trailing_slash", True)
        self.extra_headers: dict[str, str] = settings.get("headers", {})
        self.session_late: int = settings.get("session_late", 0)
        self.token = "job-" + uuid.uuid4().hex
        self.token_valid = True
        self.renew()

    def renew(self) -> None:
        """New ids and a new session, as when somebody retries the stage."""
        self.plan_id, self.job_id, self.timeline_id, self.task_id = (str(uuid.uuid4()) for _ in range(4))
        self.session = "unregistered"  # open, closed
        self.undelivered = False             # the last delivery failed, and the check with it
        self.result: str | None = None       # the final answer: succeeded, failed
        self.results: list[str] = []         # every TaskCompleted that was accepted
        self.events: list[dict[str, Any]] = []
        self.logs: dict[int, dict[str, Any]] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.feed: list[str] = []
        self.attachments: dict[str, bytes] = {}
        self.finished_at: str | None = None  # when the final TaskCompleted came

    @property
    def plan_url(self) -> str:
        return f"{self.fake.url}/{self.fake.collection}" + ("/" if self.trailing_slash else "")

    @property
    def headers(self) -> dict[str, str]:
        """As the task sends them; `headers=` of the check may change or, with None, remove some."""
        sent = {"Content-Type": "application/json", "PlanUrl": self.plan_url,
                "ProjectId": self.fake.project, "HubName": self.hub, "PlanId": self.plan_id,
                "JobId": self.job_id, "TimelineId": self.timeline_id, "TaskInstanceId": self.task_id,
                "AuthToken": self.token}
        sent.update(self.extra_headers)
        return {name: value for name, value in sent.items() if value is not None}

    def send(self) -> Reply:
        """Delivers the check and blocks for at most 20 s. A delivery without a good answer fails the
        check; called again it is another delivery with the same ids, which opens the check anew."""
        body = None if self.method in ("GET", "HEAD") else ({} if self.body is None else self.body)
        reply = call(self.method, self.url, body, self.headers, self.gives_up_s)
        with self.fake.changed:
            if self.completion == "ApiResponse":
                good = 200 <= reply.status < 300 and (self.criteria is None or self.criteria(reply))
                self.session = "closed"
                if good or self.interval == 0:  # else it is asked again
                    self.result = "succeeded" if good else "failed"
            elif reply.status == 0 or reply.status >= 400:
                self.session, self.result, self.undelivered = "closed", "failed", True
            elif self.session == "unregistered" or self.undelivered:
                self.session, self.result, self.undelivered = "open", None, False
            self.fake.changed.notify_all()
        return reply

    def time_out(self) -> None:
        """The check's own time-out: the stage is skipped and the session gone."""
        with self.fake.changed:
            self.session, self.result = "closed", "skipped"

    def wait_completed(self, timeout: float = 10.0) -> str:
        self.fake.wait_until(lambda: self.result, timeout, "TaskCompleted")
        assert self.result is not None
        return self.result

    @property
    def log(self) -> str:
        """What the page of the run shows: the log that the timeline record points to."""
        shown = self.records.get(self.task_id, {}).get("log", {}).get("id")
        return "" if shown is None else self.logs[shown]["text"]


class FakeAzureDevops(TestResults):
    """One organisation or server. `unauthorised` is what a bad token meets: 401, or 203 with the
    sign-in page, or 302 to it, as the service does."""

    ignore_case = True

    def __init__(self, collection: str = "corp", project: str | None = None, pat: str | None = None,
                 unauthorised: int = 401, refused_versions: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.collection = collection
        self.project = project or str(uuid.uuid4())
        self.pat = pat
        self.unauthorised = unauthorised
        self.refused_versions = refused_versions
        self.checks: list[Check] = []

    def check(self, url: str, body: Any = None, **settings: Any) -> Check:
        """A check that will call `url`. Settings: method, hub, plan_version, completion
        (Callback | ApiResponse), criteria(reply), interval (minutes; not 0 makes `failed`
        non-final), gives_up_s, trailing_slash, headers, session_late (so many first events find no
        session yet)."""
        check = Check(self, url, body, settings)
        with self.changed:
            self.checks.append(check)
        return check

    def session_not_found(self, n: int = 1) -> None:
        self.fail_next(n, 500, {"Content-Type": "application/json"},
                       self._no_session("x").body, only="POST .*/events")

    def throttle(self, n: int = 1, retry_after: int = 1, only: Any = "_apis") -> None:
        self.fail_next(n, 429, {"Retry-After": str(retry_after), "X-RateLimit-Delay": "0.5"}, only=only)

    # --- who asks, and in which version ---------------------------------------------------------

    def authorise(self, request: Request) -> Answer | None:
        given = request.headers.get("authorization", "")
        scheme, _, secret = given.partition(" ")
        if scheme.lower() == "basic":
            try:
                secret = base64.b64decode(secret).decode().partition(":")[2]
            except ValueError:
                secret = ""
        known = [c.token for c in self.checks if c.token_valid] + ([self.pat] if self.pat else [])
        if scheme.lower() not in ("bearer", "basic") or secret not in known:
            self.complain(f"{request}: not authorised")
            if self.unauthorised == 203:
                return Answer(203, "<html>Azure DevOps Services | Sign In</html>", {"Content-Type": "text/html"})
            if self.unauthorised == 302:
                return Answer(302, b"", {"Location": f"{self.url}/_signin"})
            return Answer(401, b"", {"WWW-Authenticate": "Bearer, Basic realm=\"\""})
        return self._wrong_version(request)

    def _wrong_version(self, request: Request) -> Answer | None:
        accept = re.search(r"api-version=([^;,\s]+)", request.headers.get("accept", ""))
        version = request.query.get("api-version") or (accept[1] if accept else "")
        if not version:
            self.complain(f"{request}: no api-version")
            return vss_error(400, "VssVersionNotSpecifiedException",
                             f'No api-version was supplied for the "{request.method}" request. The version must be '
                             "supplied either as part of the Accept header or as a query parameter.")
        if version in self.refused_versions or not re.fullmatch(r"\d+\.\d+(-preview(\.\d+)?)?", version):
            return vss_error(400, "VssInvalidPreviewVersionException",
                             f"The requested version \"{version}\" of the resource is not supported by this server.")
        return None

    def not_found(self, request: Request) -> Answer:
        self.complain(f"{request}: no such resource")
        return vss_error(404, "VssResourceNotFoundException", "The controller for path was not found.")

    # --- plans ----------------------------------------------------------------------------------

    @route("GET", PLAN)
    def _get_plan(self, request: Request, plan: str, **path: str) -> Answer:
        check = self._find(plan, path)
        if isinstance(check, Answer):
            return check
        return Answer(200, {"planId": check.plan_id, "version": check.plan_version, "planType": check.hub,
                            "timeline": {"id": check.timeline_id}, "scopeIdentifier": self.project})

    @route("POST", PLAN + "/events")
    def _post_event(self, request: Request, plan: str, **path: str) -> Answer:
        check = self._find(plan, path)
        if isinstance(check, Answer):
            return check
        if wrong := self._not_json(request):
            return wrong
        event = request.json
        if wrong := self._wrong_event(check, event):
            return wrong
        if check.session_late > 0 or check.session != "open":
            check.session_late = max(0, check.session_late - 1)
            return self._no_session(check.plan_id)
        check.events.append(event)
        if event["name"] == "TaskCompleted":
            check.results.append(event["result"])
            if event["result"] == "succeeded" or check.interval == 0:
                check.session, check.result = "closed", event["result"]
                seconds, ms = divmod(time.time_ns() // 1_000_000, 1_000)
                check.finished_at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{ms:03d}0000Z"
        return Answer(200)

    def _wrong_event(self, check: Check, event: dict[str, Any]) -> Answer | None:
        task_id, job_id = check.task_id, check.job_id
        if check.hub.lower() == "gates" and check.plan_version <= 12:
            task_id, job_id = EMPTY_GUID, check.task_id
        wrong = None
        if event.get("name") not in ("TaskAssigned", "TaskStarted", "TaskCompleted"):
            wrong = f"event name {event.get('name')!r}"
        elif str(event.get("jobId")).lower() != job_id:
            wrong = f"jobId {event.get('jobId')!r} is not {job_id}"
        elif str(event.get("taskId")).lower() not in self._task_ids(check, task_id):
            wrong = f"taskId {event.get('taskId')!r} is not {task_id}"
        elif event["name"] == "TaskCompleted" and event.get("result") not in ("succeeded", "failed"):
            wrong = f"result {event.get('result')!r}"
        if wrong is None:
            return None
        self.complain(wrong)
        if "Id" in wrong:
            return vss_error(404, "TaskOrchestrationJobNotFoundException", f"The job was not found: {wrong}")
        return vss_error(400, "VssPropertyValidationException", f"The event is not valid: {wrong}")

    @staticmethod
    def _task_ids(check: Check, task_id: str) -> tuple[str, ...]:
        """Who was told no TaskInstanceId makes up one and writes a record for it first."""
        return tuple(check.records) if "TaskInstanceId" not in check.headers else (task_id,)

    @staticmethod
    def _no_session(plan: str) -> Answer:
        return vss_error(500, "OrchestrationSessionNotFoundException",
                         f"No orchestration session found with orchestration id {plan}.")

    def _find(self, plan: str, path: dict[str, str]) -> Check | Answer:
        check = next((c for c in self.checks if c.plan_id == plan.lower()), None)
        if path["collection"].lower() != self.collection.lower() or path["project"].lower() != self.project:
            self.complain(f"collection {path['collection']}, project {path['project']}")
            return vss_error(404, "ProjectDoesNotExistException", f"The project {path['project']} does not exist.")
        if path["hub"].lower() not in HUBS:
            self.complain(f"hub {path['hub']}")
            return vss_error(404, "TaskHubNotFoundException", f"No task hub found with name {path['hub']}.")
        if check is None or path["hub"].lower() != check.hub.lower():
            self.complain(f"plan {plan} in hub {path['hub']}")
            return vss_error(404, "TaskOrchestrationPlanNotFoundException",
                             f"No plan found for identifier {plan}.")
        return check

    def _find_open(self, plan: str, path: dict[str, str]) -> Check | Answer:
        """For what is refused after the end."""
        check = self._find(plan, path)
        if isinstance(check, Check) and check.session == "closed":
            self.complain("a call to the plan after its end")
            return vss_error(404, "TaskOrchestrationPlanNotFoundException",
                             f"No plan found for identifier {plan}.")
        return check

    def _not_json(self, request: Request, wanted: str = "application/json") -> Answer | None:
        if request.media_type == wanted:
            return None
        self.complain(f"{request}: Content-Type {request.media_type!r}, not {wanted}")
        return vss_error(415, "VssRequestContentTypeNotSupportedException",
                         f'The request indicated a Content-Type of "{request.media_type}" for method type '
                         f'"{request.method}" which is not supported. Valid content types: {wanted}.')

    # --- logs, timeline, feed -------------------------------------------------------------------

    @route("POST", PLAN + "/logs")
    def _create_log(self, request: Request, plan: str, **path: str) -> Answer:
        check = self._find_open(plan, path)
        if isinstance(check, Answer):
            return check
        if wrong := self._not_json(request):
            return wrong
        number = len(check.logs) + 1
        check.logs[number] = {"path": request.json.get("path"), "text": "", "lines": 0}
        return Answer(200, self._task_log(check, number))

    @route("POST", PLAN + "/logs/{number}")
    def _append_log(self, request: Request, plan: str, number: str, **path: str) -> Answer:
        check = self._find_open(plan, path)
        if isinstance(check, Answer):
            return check
        if wrong := self._not_json(request, "application/octet-stream"):
            return wrong
        if not number.isdigit() or int(number) not in check.logs:
            self.complain(f"log {number}")
            return vss_error(404, "TaskOrchestrationPlanLogNotFoundException", f"No log found for {number}.")
        log = check.logs[int(number)]
        log["text"] += request.body.decode()
        log["lines"] = len(log["text"].splitlines())
        return Answer(200, self._task_log(check, int(number)))

    def _task_log(self, check: Check, number: int) -> dict[str, Any]:
        log = check.logs[number]
        return {"id": number, "path": log["path"], "lineCount": log["lines"], "indexLocation": None,
                "location": f"{check.plan_url.rstrip('/')}/_apis/logs/{number}"}

    @route("PATCH", PLAN + "/timelines/{timeline}/records")
    def _patch_records(self, request: Request, plan: str, timeline: str, **path: str) -> Answer:
        check = self._find_timeline(request, plan, timeline, path)
        if isinstance(check, Answer):
            return check
        given = request.json
        if given.get("count") != len(given.get("value", ())):
            self.complain(f"{request}: count {given.get('count')}")
        for record in given["value"]:
            if record.get("state") not in (None, *RECORD_STATES) or \
                    record.get("log", {}).get("id", None) not in (None, *check.logs):
                self.complain(f"timeline record {record}")
                return vss_error(400, "VssPropertyValidationException", "The timeline record is not valid.")
            check.records.setdefault(record["id"].lower(), {}).update(record)
        return Answer(200, {"count": len(check.records), "value": list(check.records.values())})

    @route("GET", PLAN + "/timelines/{timeline}/records")
    def _list_records(self, request: Request, plan: str, timeline: str, **path: str) -> Answer:
        check = self._find(plan, path)
        if isinstance(check, Answer):
            return check
        records = [dict(record, id=key) for key, record in {check.task_id: {}, **check.records}.items()]
        for record in records:
            if record["id"] == check.task_id and check.finished_at:
                record |= {"state": "completed", "result": check.result, "finishTime": check.finished_at}
        return Answer(200, {"count": len(records), "value": records})

    @route("POST", PLAN + "/timelines/{timeline}/records/{record}/feed")
    def _feed(self, request: Request, plan: str, timeline: str, record: str, **path: str) -> Answer:
        check = self._find_timeline(request, plan, timeline, path)
        if isinstance(check, Answer):
            return check
        if record.lower() not in (check.job_id, check.task_id, *check.records):
            self.complain(f"feed of the unknown record {record}")
            return vss_error(404, "TimelineRecordNotFoundException", f"No record found for {record}.")
        check.feed += request.json["value"]
        return Answer(200)

    @route("PUT", PLAN + "/timelines/{timeline}/records/{record}/attachments/{kind}/{name}")
    def _attach(self, request: Request, plan: str, timeline: str, kind: str, name: str, record: str,
                **path: str) -> Answer:
        check = self._find_open(plan, path)
        if isinstance(check, Answer):
            return check
        check.attachments[f"{kind}/{name}"] = request.body
        return Answer(200, {"type": kind, "name": name, "recordId": record, "timelineId": timeline})

    def _find_timeline(self, request: Request, plan: str, timeline: str, path: dict[str, str]) -> Check | Answer:
        check = self._find_open(plan, path)
        if isinstance(check, Answer):
            return check
        if timeline.lower() != check.timeline_id:
            self.complain(f"timeline {timeline}")
            return vss_error(404, "TimelineNotFoundException", f"No timeline found for {timeline}.")
        return self._not_json(request) or check
