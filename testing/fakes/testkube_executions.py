# SPDX-License-Identifier: MIT
"""Workflows and executions of Testkube, as JSON, and the filters of its list."""
from __future__ import annotations

import dataclasses
import datetime
import re
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .testkube import FakeTestkube

ZERO_TIME = "0001-01-01T00:00:00Z"  # what is not set yet; never left out
TERMINAL = ("passed", "failed", "aborted", "canceled")
STATUSES = ("queued", "assigned", "starting", "scheduling", "running", "pausing", "paused", "resuming",
            "stopping", *TERMINAL)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def stamp(at: datetime.datetime | None) -> str:
    return ZERO_TIME if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


@dataclasses.dataclass
class Workflow:
    """`ends` and `after_s` let executions finish by themselves; `runners` is how many a replicated
    target starts."""

    name: str
    labels: dict[str, str]
    runners: int = 1
    ends: str | None = None
    after_s: float = 0.0
    last_status: str = ""


@dataclasses.dataclass
class Artifact:
    data: bytes
    status: str = "ready"  # processing, failed
    missing: bool = False  # listed, but the storage has no such key


class Execution:
    """One execution; the methods are its story and return it."""

    def __init__(self, fake: "FakeTestkube", workflow: Workflow, number: int, tags: dict[str, str],
                 group: str | None = None, name: str | None = None) -> None:
        self.fake, self.workflow, self.number, self.tags = fake, workflow, number, dict(tags)
        self.id = secrets.token_hex(12)
        self.group = group or self.id
        self.name = name or f"{workflow.name}-{number}"
        self.status: str | None = "queued"  # None: no `result` at all yet
        self.predicted: str | None = None
        self.scheduled_at, self.status_at = now(), now()
        self.started_at: datetime.datetime | None = None
        self.finished_at: datetime.datetime | None = None
        self.error = ""
        self.reports: list[dict[str, Any]] = []
        self.request: dict[str, Any] = {}
        self.artifacts: dict[str, Artifact] = {}
        self.notices: list[tuple[str, dict[str, Any]]] = []  # kind and data of each notification
        self.calls = 0                                       # how often it was read by id or name

    # --- the story -----------------------------------------------------------------------------

    def run(self, status: str = "running", predicted: str | None = None) -> "Execution":
        """Any status that is not the end; also one that Testkube does not have."""
        with self.fake.changed:
            self.status, self.predicted, self.status_at = status, predicted, now()
            if status not in STATUSES[:4] and self.started_at is None:
                self.started_at = now()
            self.notices.append(("result", {"result": self.result()}))
            self.fake.changed.notify_all()
        return self

    def finish(self, status: str = "passed", stamped: bool = True, error: str = "", failed_tests: int | None = None,
               hooks: bool = True) -> "Execution":
        """Ends it and sends the webhooks. Without `stamped` the status comes first and finishedAt
        only with `stamp_end`. `failed_tests` adds a JUnit report with so many of ten failed."""
        with self.fake.changed:
            if failed_tests is not None:
                self.report(tests=10, failed=failed_tests)
            self.status, self.predicted, self.error, self.status_at = status, status, error, now()
            self.finished_at = now() if stamped else None
            self.notices.append(("result", {"result": self.result()}))
            before, self.workflow.last_status = self.workflow.last_status, status
            self.fake.changed.notify_all()
        if hooks:
            self.fake.finished(self, before)
        return self

    def stamp_end(self) -> "Execution":
        with self.fake.changed:
            self.finished_at = now()
        return self

    def log(self, *lines: str) -> "Execution":
        with self.fake.changed:
            self.notices += [("log", {"ts": stamp(now()), "ref": "r1", "log": f"{line}\n"}) for line in lines]
            self.fake.changed.notify_all()
        return self

    def artifact(self, path: str, data: bytes, status: str = "ready", missing: bool = False) -> "Execution":
        with self.fake.changed:
            self.artifacts[path] = Artifact(data, status, missing)
        return self

    def report(self, tests: int, failed: int = 0, file: str = "reports/junit.xml") -> "Execution":
        summary = {"tests": tests, "passed": tests - failed, "failed": failed, "skipped": 0, "errored": 0,
                   "duration": 1200}
        self.reports.append({"ref": "r1", "kind": "junit", "file": file, "summary": summary})
        return self

    # --- as JSON -------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        return self.status in TERMINAL and self.finished_at is not None

    @property
    def log_text(self) -> str:
        return "".join(data["log"] for kind, data in self.notices if kind == "log")

    def result(self) -> dict[str, Any] | None:
        if self.status is None:
            return None
        step = {"status": self.status if self.status in TERMINAL else "running", "exitCode": 0,
                "errorMessage": self.error, "queuedAt": stamp(self.scheduled_at),
                "startedAt": stamp(self.started_at), "finishedAt": stamp(self.finished_at)}
        end = self.finished_at or now()
        total_ms = int((end - self.scheduled_at).total_seconds() * 1000) if self.finished_at else 0
        return {"status": self.status, "predictedStatus": self.predicted or self.status,
                "queuedAt": stamp(self.scheduled_at), "startedAt": stamp(self.started_at),
                "finishedAt": stamp(self.finished_at), "duration": f"{total_ms}ms", "totalDuration": f"{total_ms}ms",
                "durationMs": total_ms, "pausedMs": 0, "totalDurationMs": total_ms, "pauses": [],
                "initialization": {**step, "errorMessage": self.error}, "steps": {"r1": step}}

    def summary(self) -> dict[str, Any]:
        """An item of the list."""
        result = self.result()
        if result is not None:
            for name in ("steps", "initialization", "pauses"):
                result.pop(name)
        return {"id": self.id, "groupId": self.group, "name": self.name, "number": self.number,
                "scheduledAt": stamp(self.scheduled_at), "statusAt": stamp(self.status_at), "result": result,
                "workflow": {"name": self.workflow.name, "labels": self.workflow.labels}, "tags": self.tags,
                "reports": self.reports}

    def json(self) -> dict[str, Any]:
        spec = {"name": self.workflow.name, "namespace": "testkube", "labels": self.workflow.labels,
                "spec": {"steps": [{"name": "test", "shell": "run-tests " + "x" * self.fake.workflow_bytes}]}}
        signature = [{"ref": "r1", "name": "test", "category": "Run shell", "optional": False, "negative": False,
                      "children": []}]
        return {"id": self.id, "groupId": self.group, "runnerId": "r", "name": self.name, "namespace": "testkube",
                "number": self.number, "scheduledAt": stamp(self.scheduled_at), "assignedAt": stamp(self.started_at),
                "statusAt": stamp(self.status_at), "signature": signature, "result": self.result(), "output": [],
                "reports": self.reports, "resourceAggregations": {}, "workflow": spec, "resolvedWorkflow": spec,
                "tags": self.tags, "runningContext": self.request.get("runningContext"), "configParams": {},
                "disableWebhooks": bool(self.request.get("disableWebhooks"))}


def selects(selector: str, values: dict[str, str]) -> bool:
    """A tagSelector or selector. An entry with more than one `=` is dropped without a word, and a
    selector of nothing else fits everything."""
    wanted: dict[str, set[str] | None] = {}
    for item in selector.split(","):
        parts = item.split("=")
        if len(parts) == 1 and parts[0]:
            wanted[parts[0]] = None  # is there, whatever its value
        elif len(parts) == 2 and wanted.get(parts[0], set()) is not None:
            wanted.setdefault(parts[0], set()).add(parts[1])  # type: ignore[union-attr]
    return all(key in values and (options is None or values[key] in options) for key, options in wanted.items())


def fits(execution: Execution, query: dict[str, str]) -> bool:
    """The filter of the list; what it does not understand it ignores."""
    statuses = [s for s in query.get("status", "").split(",") if s in STATUSES]
    if statuses and execution.status not in statuses:
        return False
    if query.get("selector") and not selects(query["selector"], execution.workflow.labels):
        return False
    if query.get("tagSelector") and not selects(query["tagSelector"], execution.tags):
        return False
    if query.get("textSearch") and not re.search(query["textSearch"], execution.name, re.IGNORECASE):
        return False
    actor = (execution.request.get("runningContext") or {}).get("actor") or {}
    if query.get("actorName") and actor.get("name") != query["actorName"]:
        return False
    if query.get("actorType") and actor.get("type") != query["actorType"]:
        return False
    day = execution.scheduled_at.strftime("%Y-%m-%d")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", query.get("startDate", "")) and day < query["startDate"]:
        return False
    if re.fullmatch(r"\d{4}-\d\d-\d\d", query.get("endDate", "")) and day > query["endDate"]:
        return False
    last = query.get("last", "")
    return not last.isdigit() or last == "0" or now() - execution.scheduled_at <= datetime.timedelta(days=int(last))


def totals(executions: list[Execution]) -> dict[str, int]:
    def count(*statuses: str | None) -> int:
        return sum(1 for execution in executions if execution.status in statuses)

    return {"results": len(executions), "passed": count("passed"), "failed": count("failed", "aborted", "canceled"),
            "queued": count("queued", None), "running": count("running"), "paused": count("paused")}
