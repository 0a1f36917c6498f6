# SPDX-License-Identifier: MIT
"""GitLab: external status checks of merge requests, commit statuses, manual jobs.

    with FakeGitlab() as gitlab:
        check = gitlab.merge_request(7, iid=3, sha="a…").status_check(f"{baton.url}/api/v1/in/gitlab/main")
        assert check.send().status == 200
        check.wait_status("passed")
"""
from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import time
from typing import Any

from .http_fake import Answer, HttpFake, Reply, Request, call, route

API = "/api/v4/projects/{project}"
PENDING_FAILS_S = 120.0   # since 16.6
STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
# From which states the state machine of a commit status has each event; what is missing is refused.
TRANSITIONS = {"pending": ("enqueue", ("created", "skipped", "manual")), "running": ("run", ("created", "pending")),
               "success": ("success", ("created", "pending", "running")),
               "failed": ("drop", ("created", "pending", "running")),
               "canceled": ("cancel", ("created", "pending", "running", "manual")),
               "skipped": ("skip", ("created", "pending"))}
DESCRIPTION_MAX = 255


class StatusCheck:
    """One external status check of a merge request. `status` follows GitLab's clock: a pending that
    nobody repeats fails."""

    def __init__(self, merge_request: "MergeRequest", url: str, number: int, name: str) -> None:
        self.merge_request, self.url, self.id, self.name = merge_request, url, number, name
        self.answers: list[dict[str, Any]] = []
        self._status, self._since = "pending", time.monotonic()

    @property
    def status(self) -> str:
        if self._status == "pending" and time.monotonic() - self._since > self.merge_request.fake.pending_fails_s:
            self._status = "failed"
        return self._status

    def set(self, status: str) -> None:
        self._status, self._since = status, time.monotonic()

    def send(self, secret: str | None = None, **changes: Any) -> Reply:
        """The webhook, signed if the fake has a secret; `changes` replace object_attributes."""
        fake, request = self.merge_request.fake, self.merge_request
        attributes = {"id": 1000 + request.iid, "iid": request.iid, "target_project_id": request.project,
                      "source_project_id": request.project, "last_commit": {"id": request.sha}, "state": "opened",
                      "action": "update", "source_branch": "feature", "target_branch": "main", **changes}
        body = json.dumps({"object_kind": "merge_request", "event_type": "merge_request",
                           "user": {"username": "ann"}, "project": {"id": request.project},
                           "object_attributes": attributes,
                           "external_approval_rule": {"id": self.id, "name": self.name,
                                                      "external_url": self.url}}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "GitLab/17.9.0",
                   "X-Gitlab-Event": "Merge Request Hook"}
        key = fake.webhook_secret if secret is None else secret
        if key:
            headers["X-Gitlab-Signature"] = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        return call("POST", self.url, body, headers)

    def wait_status(self, status: str, timeout: float = 10.0) -> None:
        self.merge_request.fake.wait_until(lambda: self.status == status, timeout, f"status {status}")


class MergeRequest:
    def __init__(self, fake: "FakeGitlab", project: int, iid: int, sha: str) -> None:
        self.fake, self.project, self.iid, self.sha = fake, project, iid, sha
        self.checks: list[StatusCheck] = []

    def status_check(self, url: str, name: str = "baton") -> StatusCheck:
        with self.fake.changed:
            check = StatusCheck(self, url, self.fake.next_id(), name)
            self.checks.append(check)
            return check

    def push(self, sha: str) -> None:
        """A new head; the checks begin anew and answers for the old one meet 409."""
        with self.fake.changed:
            self.sha = sha
            for check in self.checks:
                check.set("pending")


@dataclasses.dataclass
class Job:
    id: int
    project: int
    name: str
    status: str = "manual"
    variables: dict[str, str] = dataclasses.field(default_factory=dict)
    plays: int = 0


@dataclasses.dataclass
class CommitStatus:
    id: int
    project: str
    sha: str
    name: str
    status: str
    description: str
    pipeline: int | None
    ref: str | None
    target_url: str
    history: list[str]


class FakeGitlab(HttpFake):
    """`pending_fails_s` scales the two minutes; `strict_statuses`: the same state twice is refused,
    as before it became idempotent. `token` is a personal or project access token."""

    def __init__(self, token: str = "glpat-x", webhook_secret: str | None = None, strict_statuses: bool = True,
                 pending_fails_s: float = PENDING_FAILS_S) -> None:
        super().__init__()
        self.token, self.webhook_secret = token, webhook_secret
        self.strict_statuses, self.pending_fails_s = strict_statuses, pending_fails_s
        self.projects: dict[str, int] = {}
        self.merge_requests: list[MergeRequest] = []
        self.jobs: list[Job] = []
        self.statuses: list[CommitStatus] = []
        self.pipelines: dict[str, list[int]] = {}  # of a commit
        self.triggered: list[dict[str, str]] = []
        self.trigger_token = "glptt-x"
        self._locked = 0
        self._ids = 100

    # --- the story -----------------------------------------------------------------------------

    def next_id(self) -> int:
        with self.changed:
            self._ids += 1
            return self._ids

    def project(self, number: int, path: str) -> None:
        """A project that can be named by its path too."""
        with self.changed:
            self.projects[path] = number

    def merge_request(self, project: int, iid: int = 1, sha: str = "a" * 40) -> MergeRequest:
        with self.changed:
            made = MergeRequest(self, project, iid, sha)
            self.merge_requests.append(made)
            return made

    def manual_job(self, project: int, name: str = "deploy") -> Job:
        with self.changed:
            made = Job(self.next_id(), project, name)
            self.jobs.append(made)
            return made

    def pipeline(self, sha: str) -> int:
        """A pipeline of a commit; a commit status without pipeline_id goes to the newest one."""
        with self.changed:
            self.pipelines.setdefault(sha, []).append(self.next_id())
            return self.pipelines[sha][-1]

    def lock_pipeline(self, n: int = 1) -> None:
        """The next n commit statuses find the pipeline locked: 409, and this one passes."""
        with self.changed:
            self._locked = n

    def status_of(self, sha: str, name: str) -> CommitStatus | None:
        """The newest one."""
        return next((s for s in reversed(self.statuses) if (s.sha, s.name) == (sha, name)), None)

    # --- who asks -------------------------------------------------------------------------------

    def authorise(self, request: Request) -> Answer | None:
        given = request.headers.get("private-token") or request.headers.get("authorization", "")
        if given.removeprefix("Bearer ") != self.token and not request.path.endswith("/trigger/pipeline"):
            self.complain(f"{request}: not authorised")
            return Answer(401, {"message": "401 Unauthorized"})
        return None

    def not_found(self, request: Request) -> Answer:
        self.complain(f"{request}: no such route")
        return Answer(404, {"error": "404 Not Found"})

    def _number(self, project: str) -> int:
        return int(project) if project.isdigit() else self.projects.get(project, -1)

    @staticmethod
    def _fields(request: Request) -> dict[str, Any]:
        """Parameters come as JSON, as a form or in the query."""
        body: dict[str, Any] = {}
        if request.body:
            body = request.json if request.media_type == "application/json" else request.form
        return {**request.query, **body}

    def _invalid(self, request: Request, text: str) -> Answer:
        self.complain(f"{request}: {text}")
        return Answer(400, {"error": text})

    # --- status checks --------------------------------------------------------------------------

    @route("POST", API + "/merge_requests/{iid}/status_check_responses")
    def _respond(self, request: Request, project: str, iid: str) -> Answer:
        given = self._fields(request)
        found = self._merge_request(project, iid)
        for name in ("sha", "external_status_check_id", "status"):
            if name not in given:
                return self._invalid(request, f"{name} is missing")
        if given["status"] not in ("pending", "passed", "failed"):
            return self._invalid(request, "status does not have a valid value")
        check = next((c for c in found.checks if str(c.id) == str(given["external_status_check_id"])), None) \
            if found else None
        if found is None or check is None:
            return Answer(404, {"message": "404 Not Found"})
        if given["sha"] != found.sha:
            return Answer(409, {"message": "409 Conflict: SHA does not match HEAD of source branch: " + found.sha})
        check.answers.append(given)
        check.set(given["status"])
        return Answer(201, {"id": self.next_id(), "merge_request": {"iid": found.iid},
                            "external_status_check": {"id": check.id, "name": check.name}})

    @route("GET", API + "/merge_requests/{iid}/status_checks")
    def _list_checks(self, request: Request, project: str, iid: str) -> Answer:
        found = self._merge_request(project, iid)
        if found is None:
            return Answer(404, {"message": "404 Not Found"})
        return Answer(200, [{"id": c.id, "name": c.name, "external_url": c.url, "status": c.status}
                            for c in found.checks])

    @route("POST", API + "/merge_requests/{iid}/status_checks/{number}/retry")
    def _retry(self, request: Request, project: str, iid: str, number: str) -> Answer:
        found = self._merge_request(project, iid)
        check = next((c for c in found.checks if str(c.id) == number), None) if found else None
        if check is None:
            return Answer(404, {"message": "404 Not Found"})
        if check.status != "failed":
            return Answer(422, {"message": "External status check must be failed"})
        check.set("pending")
        self._spawn(check.send)
        return Answer(202, {"message": "202 Accepted"})

    def _merge_request(self, project: str, iid: str) -> MergeRequest | None:
        number = self._number(project)
        return next((m for m in self.merge_requests if m.project == number and str(m.iid) == iid), None)

    # --- jobs -----------------------------------------------------------------------------------

    @route("GET", API + "/jobs/{job}")
    def _get_job(self, request: Request, project: str, job: str) -> Answer:
        found = self._job(project, job)
        return Answer(200, self._job_json(found)) if found else Answer(404, {"message": "404 Not Found"})

    @route("POST", API + "/jobs/{job}/play")
    def _play(self, request: Request, project: str, job: str) -> Answer:
        found = self._job(project, job)
        if found is None:
            return Answer(404, {"message": "404 Not Found"})
        if found.status != "manual":
            return Answer(400, {"message": "400 Bad request - Unplayable Job"})
        found.status, found.plays = "pending", found.plays + 1
        for variable in self._fields(request).get("job_variables_attributes", []):
            found.variables[variable["key"]] = variable["value"]
        return Answer(200, self._job_json(found))

    def _job(self, project: str, job: str) -> Job | None:
        number = self._number(project)
        return next((j for j in self.jobs if j.project == number and str(j.id) == job), None)

    @staticmethod
    def _job_json(job: Job) -> dict[str, Any]:
        return {"id": job.id, "name": job.name, "status": job.status, "stage": "deploy", "allow_failure": False}

    # --- commit statuses ------------------------------------------------------------------------

    @route("POST", API + "/statuses/{sha}")
    def _set_status(self, request: Request, project: str, sha: str) -> Answer:
        given = self._fields(request)
        wanted, name = given.get("state"), given.get("name") or given.get("context") or "default"
        if wanted not in STATES:
            return self._invalid(request, "state does not have a valid value")
        if len(given.get("description") or "") > DESCRIPTION_MAX:
            return self._invalid(request, f"description is too long (maximum is {DESCRIPTION_MAX} characters)")
        if self._locked > 0:
            self._locked -= 1
            return Answer(409, {"message": "409 Conflict: another update of the pipeline is in progress"})
        of_commit = self.pipelines.setdefault(sha, [self.next_id()])
        pipeline = int(given["pipeline_id"]) if "pipeline_id" in given else of_commit[-1]
        if pipeline not in of_commit:
            return Answer(404, {"message": "404 Pipeline Not Found"})
        found = next((s for s in reversed(self.statuses) if (s.sha, s.name, s.pipeline) == (sha, name, pipeline)
                      and s.status in ("pending", "running")), None)  # a finished one is left; a new one is made
        before = found.status if found else "created"
        event, allowed = TRANSITIONS[wanted]
        if before not in allowed and (before != wanted or self.strict_statuses):
            return Answer(400, {"message": f"Cannot transition status via :{event} from :{before} "
                                           f"(Reason(s): Status cannot transition via \"{event}\")"})
        if found is None:
            found = CommitStatus(self.next_id(), project, sha, name, wanted, "", pipeline, given.get("ref"), "", [])
            self.statuses.append(found)
        found.status = wanted
        found.history.append(wanted)
        found.description = given.get("description") or ""
        found.target_url = given.get("target_url") or ""
        return Answer(201, {"id": found.id, "sha": sha, "ref": found.ref, "status": wanted, "name": name,
                            "pipeline_id": pipeline, "description": found.description,
                            "target_url": found.target_url})

    @route("GET", API + "/repository/commits/{sha}/statuses")
    def _list_statuses(self, request: Request, project: str, sha: str) -> Answer:
        wanted = request.query.get("name")
        return Answer(200, [{"id": s.id, "sha": sha, "status": s.status, "name": s.name, "pipeline_id": s.pipeline}
                            for s in self.statuses if s.sha == sha and wanted in (None, s.name)])

    # --- triggers -------------------------------------------------------------------------------

    @route("POST", API + "/trigger/pipeline")
    def _trigger(self, request: Request, project: str) -> Answer:
        given = self._fields(request)
        if given.get("token") != self.trigger_token:
            return Answer(404, {"message": "404 Not Found"})
        if not given.get("ref"):
            return self._invalid(request, "ref is missing")
        self.triggered.append(given)
        return Answer(201, {"id": self.next_id(), "ref": given["ref"], "status": "created"})
