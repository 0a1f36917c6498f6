# SPDX-License-Identifier: MIT
"""GoCD: pipelines, stages that wait for a manual start, and the tables of answers of its API.

    with FakeGocd() as gocd:
        gocd.pipeline("p", stages=["build", "accept"])     # p/1 exists, build has passed
        …
        assert gocd.stage("p", 1, "accept").counter == 1   # started once; 0 is never, 2 is a re-run

Starting is not idempotent here either: a stage that ran is run again.
"""
from __future__ import annotations

import base64
import dataclasses
import re
import time
from typing import Any

from .gocd_files import ArtifactFiles
from .http_fake import Answer, Request, route

STAGES = "/go/api/stages/{pipeline}/{counter}/{stage}"
ENDED = ("Passed", "Failed", "Cancelled")
HIDDEN = "****"


@dataclasses.dataclass
class StageRun:
    """One execution of a stage. `status`: Building, Passed, Failed or Cancelled."""

    counter: int
    status: str
    approved_by: str
    rerun_of: int | None = None
    jobs: list[str] = dataclasses.field(default_factory=list)
    at_ms: int = 0


@dataclasses.dataclass
class Stage:
    """A stage of one pipeline instance, and its executions."""

    name: str
    approval: str
    jobs: list[str]
    only_on_success: bool
    runs: list[StageRun] = dataclasses.field(default_factory=list)

    @property
    def counter(self) -> int:
        """How often it was started."""
        return len(self.runs)

    @property
    def scheduled(self) -> bool:
        return bool(self.runs)

    @property
    def status(self) -> str:
        return self.runs[-1].status if self.runs else "Unknown"

    @property
    def approved_by(self) -> str:
        return self.runs[-1].approved_by if self.runs else ""


@dataclasses.dataclass
class Instance:
    counter: int
    stages: list[Stage]
    variables: dict[str, str]
    at_ms: int
    approver: str = ""   # who forced it; "" when changes caused it
    busy_calls: int = 0  # so many more run requests still find the instance in progress


@dataclasses.dataclass
class Pipeline:
    name: str
    stages: list[tuple[str, str, list[str], bool]]
    variables: set[str]
    materials: set[str]
    instances: list[Instance] = dataclasses.field(default_factory=list)
    paused: bool = False
    pause_cause: str = ""
    locked: bool = False
    update_s: float = 0.0  # how long its materials take to be updated after it was forced
    forced: bool = False   # … and they still are
    triggers: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class FakeGocd(ArtifactFiles):
    """`users` maps a name to its password, `tokens` a token to its name; without either, everybody
    is let in. `viewers` may look but not operate. `refuses_with`: what a bad login meets (401, 403
    or 404, all seen in the wild)."""

    def __init__(self, users: dict[str, str] | None = None, tokens: dict[str, str] | None = None,
                 viewers: tuple[str, ...] = (), refuses_with: int = 401) -> None:
        super().__init__()
        self.users, self.tokens, self.viewers = users or {}, tokens or {}, viewers
        self.refuses_with = refuses_with
        self.pipelines: dict[str, Pipeline] = {}
        self.disk_full = False

    # --- the story -----------------------------------------------------------------------------

    def pipeline(self, name: str, stages: list[str], jobs: list[str] | None = None, first: str | None = "Passed",
                 automatic: tuple[str, ...] = (), only_on_success: tuple[str, ...] = (),
                 variables: tuple[str, ...] = (), materials: tuple[str, ...] = ()) -> Pipeline:
        """Configures a pipeline. Its first stage starts with the instance, the others by hand but
        those in `automatic`. Instance 1 exists at once with its first stage in the state `first`
        (Building, Passed, Failed, Cancelled); None makes no instance."""
        rows = [(s, "success" if i == 0 or s in automatic else "manual", list(jobs or ["job"]), s in only_on_success)
                for i, s in enumerate(stages)]
        with self.changed:
            made = self.pipelines[name] = Pipeline(name, rows, set(variables), set(materials))
            if first is not None:
                self.trigger(name)
                if first != "Building":
                    self.finish(name, 1, stages[0], first)
            return made

    def trigger(self, name: str, variables: dict[str, str] | None = None, by: str = "") -> Instance:
        """A new instance, its first stage building; `by`: who forced it."""
        with self.changed:
            pipeline = self.pipelines[name]
            stages = [Stage(*row) for row in pipeline.stages]
            instance = Instance(len(pipeline.instances) + 1, stages, variables or {}, _now_ms(), by)
            pipeline.instances.append(instance)
            self._schedule(stages[0], "changes")
            return instance

    def finish(self, name: str, counter: int, stage: str, status: str = "Passed") -> None:
        """Ends a building stage; the next one starts if it is automatic."""
        with self.changed:
            instance = self.pipelines[name].instances[counter - 1]
            ended = self.stage(name, counter, stage)
            ended.runs[-1].status = status
            following = instance.stages[instance.stages.index(ended) + 1:][:1]
            if status == "Passed" and following and following[0].approval == "success":
                self._schedule(following[0], "changes")
            self.changed.notify_all()

    def stage(self, name: str, counter: int, stage: str) -> Stage:
        return next(s for s in self.pipelines[name].instances[counter - 1].stages if s.name == stage)

    def stay_busy(self, name: str, counter: int, calls: int) -> None:
        """The next `calls` requests to run a stage of this instance find it still in progress."""
        with self.changed:
            self.pipelines[name].instances[counter - 1].busy_calls = calls

    def wait_started(self, name: str, counter: int, stage: str, timeout: float = 10.0) -> Stage:
        self.wait_until(lambda: self.stage(name, counter, stage).scheduled, timeout, f"the start of {stage}")
        return self.stage(name, counter, stage)

    def _schedule(self, stage: Stage, by: str, jobs: list[str] | None = None) -> None:
        rerun_of = stage.counter if jobs else None
        stage.runs.append(StageRun(stage.counter + 1, "Building", by, rerun_of, jobs or stage.jobs, _now_ms()))

    # --- who asks -------------------------------------------------------------------------------

    def user_of(self, request: Request) -> str | None:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.tokens.get(secret.strip())
        if scheme.lower() == "basic":
            try:
                name, _, password = base64.b64decode(secret).decode().partition(":")
            except ValueError:
                return None
            return name if name in self.users and self.users[name] == password else None
        return None if self.users or self.tokens else "anonymous"

    def authorise(self, request: Request) -> Answer | None:
        if self.user_of(request) is None:
            self.complain(f"{request}: not authorised")
            return Answer(self.refuses_with, {"message": "You are not authenticated!"},
                          {"WWW-Authenticate": 'Basic realm="GoCD"'} if self.refuses_with == 401 else None)
        if request.path.startswith("/go/api/"):
            return self._csrf(request)
        return None

    def _csrf(self, request: Request) -> Answer | None:
        """What the API wants of calls that change something."""
        accept = request.headers.get("accept", "")
        if not re.fullmatch(r"application/vnd\.go\.cd(\.v\d+)?\+json", accept):
            self.complain(f"{request}: Accept {accept!r}")
            return Answer(404, {"message": "The url you are trying to reach appears to be incorrect."})
        if request.method not in ("POST", "PUT", "PATCH"):
            return None
        if request.body and request.media_type != "application/json":
            self.complain(f"{request}: Content-Type {request.media_type!r}")
            return Answer(415, {"message": "You must specify a 'Content-Type' of 'application/json'"})
        if not request.body and "x-gocd-confirm" not in request.headers:
            self.complain(f"{request}: no X-GoCD-Confirm")
            return Answer(400, {"message": "Missing required header 'X-GoCD-Confirm' with value 'true'"})
        return None

    def not_found(self, request: Request) -> Answer:
        self.complain(f"{request}: no such route")
        return Answer(404, {"message": "The url you are trying to reach appears to be incorrect."})

    def _may_not_operate(self, request: Request, what: str) -> Answer | None:
        if self.user_of(request) in self.viewers:
            return Answer(403, {"message": f"User does not have operate permissions for {what}"})
        return None

    # --- stages ---------------------------------------------------------------------------------

    @route("POST", STAGES + "/run")
    def _run_stage(self, request: Request, pipeline: str, counter: str, stage: str) -> Answer:
        if wrong := self._wrong_version(request, 2):
            return wrong
        if counter != "latest" and not counter.isdigit():
            self.complain(f"{request}: pipeline counter {counter}")
            return Answer(422, {"message": f"Your request could not be processed. Received non-numeric pipeline "
                                           f"counter '{counter}'."})
        if wrong := self._may_not_operate(request, f"stage [{stage}] of pipeline [{pipeline}]"):
            return wrong
        found = self._find(pipeline, counter)
        identifier = f"{pipeline}/{found.counter if found else counter}/{stage}"
        if found is None or stage not in [s.name for s in found.stages]:
            cause = f"Pipeline instance [{pipeline}/{counter}] not found" if found is None else \
                f"Stage '{stage}' not found in pipeline '{pipeline}'"
            return Answer(500, {"message": f"Stage rerun request for stage [{identifier}] could not be completed "
                                           f"because of an unexpected failure. Cause: {cause}"})
        if refused := self._cannot_schedule(self.pipelines[pipeline], found, stage):
            return refused
        self._schedule(self.stage(pipeline, found.counter, stage), self.user_of(request) or "")
        return Answer(202, {"message": f"Request to schedule stage {identifier} accepted"})

    def _cannot_schedule(self, pipeline: Pipeline, instance: Instance, stage: str) -> Answer | None:
        def conflict(why: str) -> Answer:
            return Answer(409, {"message": f"Cannot schedule: {why}"})

        if self.disk_full:
            return conflict("GoCD Server has run out of artifacts disk space.")
        index = [s.name for s in instance.stages].index(stage)
        before = instance.stages[index - 1] if index else None
        if before and not before.scheduled:
            return Answer(400, {"message": f"Can not run stage [{stage}] in pipeline [{pipeline.name}] because its "
                                           "previous stage has not been run."})
        if before and instance.stages[index].only_on_success and before.status in ("Failed", "Cancelled"):
            return Answer(409, {"message": f"Cannot schedule {stage} as the previous stage {before.name} has "
                                           f"{before.status}!"})
        if pipeline.paused:
            return conflict(f"Pipeline {pipeline.name} is paused")
        if instance.busy_calls > 0:
            instance.busy_calls -= 1
            return conflict(self._in_progress(pipeline, instance))
        if "Building" in [s.status for s in instance.stages]:
            return conflict(self._in_progress(pipeline, instance))
        for other in pipeline.instances:
            if next(s for s in other.stages if s.name == stage).status == "Building":
                return conflict(f"Stage [{stage}] in pipeline [{pipeline.name}] is still in progress")
        return None

    @staticmethod
    def _in_progress(pipeline: Pipeline, instance: Instance) -> str:
        return (f"Pipeline[name='{pipeline.name}', counter='{instance.counter}', label='{instance.counter}'] "
                "is still in progress")

    def _wrong_version(self, request: Request, version: int) -> Answer | None:
        accept = request.headers.get("accept", "")
        if accept in ("application/vnd.go.cd+json", f"application/vnd.go.cd.v{version}+json"):
            return None
        self.complain(f"{request}: Accept {accept!r}, not version {version}")
        return Answer(404, {"message": "The url you are trying to reach appears to be incorrect."})

    def _find(self, pipeline: str, counter: str) -> Instance | None:
        instances = self.pipelines[pipeline].instances if pipeline in self.pipelines else []
        if counter == "latest":
            return instances[-1] if instances else None
        return next((i for i in instances if str(i.counter) == counter), None)

    def find_run(self, pipeline: str, counter: str, stage: str, stage_counter: str) -> StageRun | None:
        instance = self._find(pipeline, counter)
        found = next((s for s in instance.stages if s.name == stage), None) if instance else None
        runs = found.runs if found else []
        if stage_counter == "latest":
            return runs[-1] if runs else None
        return next((r for r in runs if str(r.counter) == stage_counter), None)

    @route("GET", STAGES + "/{stage_counter}")
    def _get_stage(self, request: Request, pipeline: str, counter: str, stage: str, stage_counter: str) -> Answer:
        if wrong := self._wrong_version(request, 3):
            return wrong
        instance = self._find(pipeline, counter)
        run = self.find_run(pipeline, counter, stage, stage_counter)
        if instance is None or run is None:
            return Answer(404, {"message": f"Either the resource you requested was not found, or you are not "
                                           f"authorized to perform this action. Stage '{stage}' not found."})
        state = "Completed" if run.status in ENDED else "Building"
        result = run.status if run.status in ENDED else "Unknown"
        jobs = [{"name": name, "state": state, "result": result, "scheduled_date": run.at_ms} for name in run.jobs]
        return Answer(200, {"name": stage, "counter": run.counter, "approval_type": "manual",
                            "approved_by": run.approved_by, "result": result, "rerun_of_counter": run.rerun_of,
                            "pipeline_name": pipeline, "pipeline_counter": instance.counter, "jobs": jobs})

    @route("POST", STAGES + "/{stage_counter}/{action}")
    def _stage_action(self, request: Request, pipeline: str, counter: str, stage: str, stage_counter: str,
                      action: str) -> Answer:
        instance = self._find(pipeline, counter)
        run = self.find_run(pipeline, counter, stage, stage_counter)
        if action not in ("cancel", "run-failed-jobs", "run-selected-jobs"):
            return self.not_found(request)
        if wrong := self._wrong_version(request, 3) or self._may_not_operate(request, f"stage [{stage}]"):
            return wrong
        if instance is None or run is None:
            return Answer(404, {"message": f"Stage '{stage}' with counter '{stage_counter}' not found."})
        if action == "cancel":
            if run.status == "Building":
                run.status = "Cancelled"
                return Answer(200, {"message": "Stage cancelled successfully."})
            return Answer(200, {"message": "Stage is not active. Cancellation Ignored."})
        if action == "run-failed-jobs" and run.status == "Passed":
            return Answer(400, {"message": "There are no failed jobs in the stage that could be re-run"})
        if refused := self._cannot_schedule(self.pipelines[pipeline], instance, stage):
            return refused
        jobs = request.json["jobs"] if action == "run-selected-jobs" else run.jobs
        self._schedule(self.stage(pipeline, instance.counter, stage), self.user_of(request) or "", jobs)
        return Answer(202, {"message": "Request to rerun jobs accepted"})

    # --- pipelines ------------------------------------------------------------------------------

    @route("GET", "/go/api/pipelines/{pipeline}/history")
    def _history(self, request: Request, pipeline: str) -> Answer:
        if wrong := self._wrong_version(request, 1):
            return wrong
        if pipeline not in self.pipelines:
            return Answer(404, {"message": f"Pipeline '{pipeline}' not found."})
        return Answer(200, {"pipelines": [
            {"name": pipeline, "counter": i.counter, "label": str(i.counter), "scheduled_date": i.at_ms,
             "build_cause": {"trigger_message": f"Forced by {i.approver}" if i.approver else "modified by somebody",
                             "trigger_forced": bool(i.approver), "approver": i.approver}}
            for i in reversed(self.pipelines[pipeline].instances)][:10]})

    @route("GET", "/go/api/current_user")
    def _current_user(self, request: Request) -> Answer:
        return self._wrong_version(request, 1) or Answer(200, {"login_name": self.user_of(request), "enabled": True})

    @route("GET", "/go/api/pipelines/{pipeline}/{counter}/instance")
    @route("GET", "/go/api/pipelines/{pipeline}/{counter}")
    def _get_instance(self, request: Request, pipeline: str, counter: str) -> Answer:
        instance = self._find(pipeline, counter)
        if wrong := self._wrong_version(request, 1):
            return wrong
        if instance is None:
            return Answer(404, {"message": f"Pipeline instance '{pipeline}/{counter}' not found."})
        stages = []
        for i, s in enumerate(instance.stages):
            before = instance.stages[i - 1].scheduled if i else True
            idle = "Building" not in [other.status for other in instance.stages]
            stages.append({"result": s.status if s.status in ENDED else "Unknown", "status": s.status,
                           "rerun_of_counter": None, "name": s.name, "counter": str(max(1, s.counter)),
                           "scheduled": s.scheduled, "approval_type": s.approval if s.scheduled else None,
                           "approved_by": s.approved_by or None, "operate_permission": True,
                           "can_run": before and idle and not self.pipelines[pipeline].paused,
                           "jobs": [{"name": name, "state": "Completed" if s.status in ENDED else "Building",
                                     "result": s.status if s.status in ENDED else "Unknown"}
                                    for name in (s.runs[-1].jobs if s.runs else [])]})
        return Answer(200, {"name": pipeline, "counter": instance.counter, "label": str(instance.counter),
                            "natural_order": float(instance.counter), "can_run": True, "comment": None,
                            "preparing_to_schedule": False, "scheduled_date": instance.at_ms,
                            "build_cause": {"trigger_message": "forced", "material_revisions": []},
                            "stages": stages})

    @route("POST", "/go/api/pipelines/{pipeline}/schedule")
    def _schedule_pipeline(self, request: Request, pipeline: str) -> Answer:
        if wrong := self._wrong_version(request, 1) or self._may_not_operate(request, f"pipeline [{pipeline}]"):
            return wrong
        found, given = self.pipelines.get(pipeline), request.json if request.body else {}
        if found is None:
            return Answer(404, {"message": f"Pipeline '{pipeline}' not found."})
        rejected = "Request to schedule pipeline rejected. {}"
        for variable in given.get("environment_variables", []):
            if variable.get("name") not in found.variables:
                return Answer(422, {"message": rejected.format(f"Variable '{variable.get('name')}' has not been "
                                                               f"configured for pipeline '{pipeline}'")})
        for material in given.get("materials", []):
            if material.get("fingerprint") not in found.materials or not material.get("revision"):
                return Answer(422, {"message": rejected.format(f"material with fingerprint "
                                                               f"[{material.get('fingerprint')}] not found")})
        if refused := self._busy(found):
            return Answer(409, {"message": f"Failed to trigger pipeline [{pipeline}] {{ {refused} }}"})
        found.triggers.append(given)
        variables = given.get("environment_variables", [])
        given_values = {v["name"]: v.get("value", HIDDEN) for v in variables}
        self._force(found, given_values, self.user_of(request) or "")
        return Answer(202, {"message": f"Request to schedule pipeline {pipeline} accepted"})

    def _force(self, pipeline: Pipeline, variables: dict[str, str], by: str) -> None:
        def run() -> None:
            with self.changed:
                pipeline.forced = False
                self.trigger(pipeline.name, variables, by)
        if pipeline.update_s == 0:
            run()
        else:
            pipeline.forced = True
            self.later(pipeline.update_s, run)

    @staticmethod
    def _busy(pipeline: Pipeline) -> str:
        if pipeline.forced:
            return "Pipeline already forced"
        if pipeline.paused:
            return f"Pipeline {pipeline.name} is paused"
        if pipeline.locked:
            return f"Pipeline {pipeline.name} is locked"
        first = pipeline.stages[0][0]
        active = any(instance.stages[0].status == "Building" for instance in pipeline.instances)
        return f"Stage [{first}] in pipeline [{pipeline.name}] is still in progress" if active else ""

    @route("POST", "/go/api/pipelines/{pipeline}/{action}")
    def _pipeline_action(self, request: Request, pipeline: str, action: str) -> Answer:
        found = self.pipelines.get(pipeline)
        if action not in ("pause", "unpause", "unlock"):
            return self.not_found(request)
        if found is None:
            return Answer(404, {"message": f"Pipeline '{pipeline}' not found."})
        if (action == "pause") == found.paused and action != "unlock":
            return Answer(409, {"message": f"Failed to {action} pipeline '{pipeline}'. It is already {action}d."})
        if action == "pause":
            found.pause_cause = request.json.get("pause_cause", "") if request.body else ""
        found.paused = action == "pause" or (found.paused and action == "unlock")
        found.locked = found.locked and action != "unlock"
        return Answer(200, {"message": f"Pipeline '{pipeline}' {action}d successfully."})

    @route("GET", "/go/api/version")
    def _version(self, request: Request) -> Answer:
        return Answer(200, {"version": "24.3.0", "build_number": "19261"})


def _now_ms() -> int:
    return int(time.time() * 1000)
