# SPDX-License-Identifier: MIT
"""Testkube's agent API, standalone or behind a control plane.

    with FakeTestkube() as testkube:
        testkube.workflow("smoke")
        execution = testkube.execution("smoke", tags={"build": "42"}).run()   # as GitOps made it
        …
        execution.artifact("reports/junit.xml", xml).finish("passed")
        assert testkube.list_calls < 5

It answers as the code does, not as the OpenAPI document says: single objects, times of the year one,
selectors that are dropped without a word.
"""
from __future__ import annotations

import io
import json
import re
import tarfile
import time
import urllib.parse
from typing import Any, Iterator

from .http_fake import Answer, Cut, Request, problem, route
from .testkube_events import Events
from .testkube_executions import TERMINAL, Execution, Workflow, fits, selects, totals

ALL = "/test-workflow-executions"
ONE = ALL + "/{execution}"
OF_WORKFLOW = "/test-workflows/{workflow}/executions"
PAGE_SIZE = 100
HEARTBEAT_S = 20.0


class FakeTestkube(Events):
    """Standalone without a token; with one it is a control plane of `organization`/`environment`.
    `heartbeat_s` scales the heartbeats of streams, `bare_stream` streams as old agents do (lines of
    JSON without fields), `workflow_bytes` makes every workflow that large."""

    def __init__(self, token: str | None = None, organization: str = "tkcorg_1", environment: str = "tkcenv_1",
                 heartbeat_s: float = HEARTBEAT_S, bare_stream: bool = False, workflow_bytes: int = 0) -> None:
        super().__init__()
        self.token = token
        self.prefix = "/v1" if token is None else f"/organizations/{organization}/environments/{environment}/agent"
        self.heartbeat_s, self.bare_stream, self.workflow_bytes = heartbeat_s, bare_stream, workflow_bytes
        self.workflows: dict[str, Workflow] = {}
        self.executions: list[Execution] = []
        self.list_calls = 0
        self.streams = 0  # how many notification streams were opened
        self._cut_after: list[int] = []

    # --- the story -----------------------------------------------------------------------------

    def workflow(self, name: str, labels: dict[str, str] | None = None, runners: int = 1,
                 ends: str | None = None, after_s: float = 0.0) -> Workflow:
        """With `ends` each execution runs and, `after_s` later, finishes with that status."""
        with self.changed:
            made = self.workflows[name] = Workflow(name, labels or {}, runners, ends, after_s)
        return made

    def execution(self, workflow: str, tags: dict[str, str] | None = None, **more: Any) -> Execution:
        """An execution that something else started: a TestWorkflowExecution resource, a person."""
        with self.changed:
            if workflow not in self.workflows:
                self.workflow(workflow)
            number = sum(1 for e in self.executions if e.workflow.name == workflow) + 1
            made = Execution(self, self.workflows[workflow], number, tags or {}, **more)
            self.executions.append(made)
            self.changed.notify_all()
        self._go_on(made)
        return made

    def _go_on(self, execution: Execution) -> None:
        ends = execution.workflow.ends
        if ends is not None:
            execution.run()
            self.later(execution.workflow.after_s, lambda: None if execution.finished else _end(execution, ends))

    def forget(self, execution: Execution) -> None:
        """As if its record had been deleted."""
        with self.changed:
            self.executions.remove(execution)

    def cut_streams(self, *after: int) -> None:
        """The next streams end in the middle of that many events."""
        with self.changed:
            self._cut_after += after

    def repository_down(self, n: int = 1) -> None:
        """The database does not answer: 502."""
        answer = problem(502, "client problem", "failed to list test workflow executions")
        self.fail_next(n, 502, answer.headers, answer.body)

    def wait_execution(self, workflow: str, n: int = 1, timeout: float = 10.0) -> Execution:
        """Waits for the n-th execution of a workflow."""
        return self.wait_until(lambda: [e for e in self.executions if e.workflow.name == workflow][n - 1:][:1],
                               timeout, f"execution {n} of {workflow}")[0]

    @property
    def api_url(self) -> str:
        """What a link of Baton is configured with."""
        return self.url if self.token is None else self.url + self.prefix

    # --- who asks, for what ---------------------------------------------------------------------

    def authorise(self, request: Request) -> Answer | None:
        if self.token is None or request.headers.get("authorization") == f"Bearer {self.token}":
            return None
        self.complain(f"{request}: not authorised")
        return problem(401, "Unauthorized")

    def not_found(self, request: Request) -> Answer:
        self.complain(f"{request}: no such route")
        return Answer(404, f"Cannot {request.method} {request.path}")

    def _find(self, name: str, workflow: str | None = None) -> Execution | Answer:
        for execution in reversed(self.executions):
            if name in (execution.id, execution.name) and workflow in (None, execution.workflow.name):
                return execution
        return problem(404, "not found", f"failed to get execution {name}: mongo: no documents in result")

    # --- lists and single executions ------------------------------------------------------------

    @route("GET", ALL)
    @route("GET", OF_WORKFLOW)
    def _list(self, request: Request, workflow: str | None = None) -> Answer:
        self.list_calls += 1
        of_workflow = [e for e in self.executions if workflow in (None, e.workflow.name)]
        try:
            found = [e for e in of_workflow if fits(e, request.query)]
        except re.error as error:
            return problem(502, "client problem", f"textSearch: {error}")
        newest = sorted(reversed(found), key=lambda e: e.scheduled_at, reverse=True)
        size, page = request.query.get("pageSize", ""), request.query.get("page", "")
        size_n = int(size) if size.isdigit() and int(size) > 0 else PAGE_SIZE
        first = (int(page) if page.isdigit() else 0) * size_n
        return Answer(200, {"totals": totals(of_workflow), "filtered": totals(found),
                            "results": [e.summary() for e in newest[first:first + size_n]]})

    @route("GET", ONE)
    @route("GET", OF_WORKFLOW + "/{execution}")
    def _get(self, request: Request, execution: str, workflow: str | None = None) -> Answer:
        found = self._find(execution, workflow)
        if isinstance(found, Answer):
            return found
        found.calls += 1
        return Answer(200, found.json())

    @route("POST", OF_WORKFLOW)
    def _start(self, request: Request, workflow: str) -> Answer:
        """The first of what was started, alone, even when there are several."""
        if workflow not in self.workflows:
            return problem(404, "not found", f"failed to execute test workflow '{workflow}'")
        return Answer(200, self._start_all(self.workflows[workflow], request)[0].json())

    @route("POST", ALL)
    def _start_selected(self, request: Request) -> Answer:
        selector = request.query.get("selector", "")
        if not re.fullmatch(r"[^=,!()]+=[^=,!()]+", selector):
            return problem(500, "server error", "failed to execute test workflows: fetching definition")
        chosen = [w for w in self.workflows.values() if selects(selector, w.labels)]
        return Answer(200, [e.json() for w in chosen for e in self._start_all(w, request)])

    def _start_all(self, workflow: Workflow, request: Request) -> list[Execution]:
        given: dict[str, Any] = {}
        if request.media_type == "application/json":
            given = request.json
        elif request.body:
            self.complain(f"{request}: a body without Content-Type is ignored")
        replicated = bool((given.get("target") or {}).get("replicate"))
        started: list[Execution] = []
        for _ in range(workflow.runners if replicated else 1):
            group = started[0].id if started else None
            number = sum(1 for e in self.executions if e.workflow is workflow) + 1
            made = Execution(self, workflow, number, given.get("tags") or {}, group,
                             None if replicated else given.get("testWorkflowExecutionName"))
            made.request = given
            self.executions.append(made)
            self._go_on(made)
            self.started(made)
            started.append(made)
        return started

    @route("POST", ONE + "/{action}")
    @route("POST", OF_WORKFLOW + "/{execution}/{action}")
    def _act(self, request: Request, execution: str, action: str, workflow: str | None = None) -> Answer:
        found = self._find(execution, workflow)
        if isinstance(found, Answer):
            return found
        if action == "rerun":
            again = self.execution(found.workflow.name, found.tags)
            again.request = found.request
            return Answer(200, again.json())
        if action not in ("abort", "pause", "resume"):
            return self.not_found(request)
        if found.finished:
            return problem(400, "validation error", f"failed to {action} test workflow execution '{execution}': "
                                                    "checking execution: execution already finished")
        if action == "abort":
            found.finish("aborted", error="The execution has been aborted.")
        else:
            found.run("paused" if action == "pause" else "running")
        return Answer(204)

    @route("PATCH", ONE + "/tags")
    def _tag(self, request: Request, execution: str) -> Answer:
        found = self._find(execution)
        if isinstance(found, Answer):
            return found
        found.tags = request.json or {}
        return Answer(204)

    # --- logs and notifications -----------------------------------------------------------------

    @route("GET", ONE + "/logs")
    @route("GET", OF_WORKFLOW + "/{execution}/logs")
    def _logs(self, request: Request, execution: str, workflow: str | None = None) -> Answer:
        found = self._find(execution, workflow)
        if isinstance(found, Answer):
            return found
        if found.status not in TERMINAL:
            return problem(500, "server error", f"can't get log: {execution}: The specified key does not exist.")
        return Answer(200, found.log_text, {"Content-Type": "text/plain"})

    @route("GET", ONE + "/notifications")
    def _notifications(self, request: Request, execution: str) -> Answer:
        found = self._find(execution)
        if isinstance(found, Answer):
            return found
        after = request.query.get("resumeAfterSeqNo", "0")
        if not after.isdigit():
            return problem(400, "validation error", f"resumeAfterSeqNo {after!r} is not a number")
        self.streams += 1
        cut = self._cut_after.pop(0) if self._cut_after else None
        stream = self._cut(self._stream(found, int(after)), cut)
        return Answer(200, stream, {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})

    def _stream(self, execution: Execution, after: int) -> Iterator[bytes]:
        """Sequence numbers are those of the replay: the n-th notice of this connection."""
        sent = after
        if after > len(execution.notices):
            yield self._frame("resume_unavailable", {}, None)
            sent = 0
        ready = False
        beat = time.monotonic() + self.heartbeat_s
        for _ in self.until_stopped(0.02):
            with self.changed:
                fresh, ended = execution.notices[sent:], execution.finished
            for kind, data in fresh:
                sent += 1
                yield self._frame(kind, data, sent)
            if not ready:
                ready = True
                yield self._frame("ready", {}, None)
            if ended:
                return
            if time.monotonic() > beat:
                beat = time.monotonic() + self.heartbeat_s
                yield self._frame("heartbeat", {}, None)

    def _frame(self, kind: str, data: dict[str, Any], number: int | None) -> bytes:
        if self.bare_stream:
            return json.dumps(data).encode() + b"\n\n" if number is not None else b""
        head = f"id: {number}\n" if number is not None else ""
        return f"{head}event: {kind}\ndata: {json.dumps(data)}\n\n".encode()

    @staticmethod
    def _cut(frames: Iterator[bytes], after: int | None) -> Iterator[bytes]:
        for n, frame in enumerate(frames):
            if n == after:
                yield frame[:len(frame) // 2]
                raise Cut
            yield frame

    # --- artifacts ------------------------------------------------------------------------------

    @route("GET", ONE + "/artifacts")
    def _artifacts(self, request: Request, execution: str) -> Answer:
        found = self._find(execution)
        if isinstance(found, Answer):
            return found
        return Answer(200, [{"name": path, "size": len(a.data), "executionName": found.name, "status": a.status}
                            for path, a in found.artifacts.items()])

    @route("GET", ONE + "/artifacts/{path}")
    def _artifact(self, request: Request, execution: str, path: str) -> Answer:
        """The name is un-escaped twice by the rules of queries, so a plus and a percent sign in it
        must have been escaped twice."""
        found = self._find(execution)
        if isinstance(found, Answer):
            return found
        name = request.path.rpartition("/")[2]
        for _ in range(2):
            if not re.search(r"%(?![0-9a-fA-F]{2})", name):
                name = urllib.parse.unquote_plus(name)
        artifact = found.artifacts.get(name)
        if artifact is None or artifact.missing or artifact.status != "ready":
            return problem(500, "server error", f"failed to get artifact {name} for workflow execution {execution}: "
                                                "could not download file: The specified key does not exist.")
        data = artifact.data
        return Answer(200, (data[i:i + 65536] for i in range(0, len(data), 65536)))

    @route("GET", ONE + "/artifact-archive")
    def _archive(self, request: Request, execution: str) -> Answer:
        found = self._find(execution)
        if isinstance(found, Answer):
            return found
        masks = [mask for key, value in request.query_list if key == "mask" for mask in value.split(",")]
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for path, artifact in found.artifacts.items():
                if artifact.missing or (masks and not any(re.search(mask, path) for mask in masks)):
                    continue
                entry = tarfile.TarInfo(f"{found.id}/{path}")
                entry.size = len(artifact.data)
                archive.addfile(entry, io.BytesIO(artifact.data))
        whole = packed.getvalue()
        return Answer(200, (whole[i:i + 65536] for i in range(0, len(whole), 65536)))


def _end(execution: Execution, status: str) -> None:
    execution.finish(status)
