# SPDX-License-Identifier: MIT
"""Buildkite: block steps that wait for somebody to unblock them.

    with FakeBuildkite("org") as buildkite:
        job = buildkite.block("pipe", build=3, fields=["verdict"])
        …
        assert job.state == "unblocked" and job.fields["verdict"] == "passed"
"""
from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from .http_fake import Answer, HttpFake, Request, route

ORGANISATION = "/v2/organizations/{organisation}"
BUILD = ORGANISATION + "/pipelines/{pipeline}/builds/{number}"


@dataclasses.dataclass
class BlockJob:
    """A step of a build. `kind`: manual (a block step) or script."""

    id: str
    pipeline: str
    build: int
    kind: str
    wanted: tuple[str, ...]
    state: str = "blocked"  # unblocked, canceled
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    unblocks: int = 0


class FakeBuildkite(HttpFake):
    """`scopes` are those of the token."""

    def __init__(self, organisation: str = "org", token: str = "bkua_x",
                 scopes: tuple[str, ...] = ("read_builds", "write_builds")) -> None:
        super().__init__()
        self.organisation, self.token, self.scopes = organisation, token, scopes
        self.jobs: list[BlockJob] = []

    def block(self, pipeline: str, build: int = 1, fields: tuple[str, ...] | list[str] = (),
              kind: str = "manual") -> BlockJob:
        """A block step that waits; `fields` are the required ones."""
        with self.changed:
            made = BlockJob(str(uuid.uuid4()), pipeline, build, kind, tuple(fields))
            self.jobs.append(made)
            return made

    def cancel(self, pipeline: str, build: int) -> None:
        with self.changed:
            for job in self.jobs:
                if (job.pipeline, job.build) == (pipeline, build) and job.state == "blocked":
                    job.state = "canceled"

    def authorise(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            self.complain(f"{request}: not authorised")
            return Answer(401, {"message": "Authentication required. Please supply a valid API Access Token"})
        scope = "read_builds" if request.method == "GET" else "write_builds"
        if scope not in self.scopes:
            return Answer(403, {"message": f"Forbidden. Your API Access Token doesn't have the {scope} scope."})
        return None

    @route("PUT", ORGANISATION + "/jobs/{job}/unblock")
    @route("PUT", BUILD + "/jobs/{job}/unblock")
    def _unblock(self, request: Request, organisation: str, job: str, pipeline: str | None = None,
                 number: str | None = None) -> Answer:
        found = next((j for j in self.jobs if j.id == job and pipeline in (None, j.pipeline)
                      and number in (None, str(j.build))), None)
        given: dict[str, Any] = request.json if request.body else {}
        if found is None or organisation != self.organisation:
            return Answer(404, {"message": "No job found"})
        if found.kind != "manual":
            return Answer(400, {"message": "This job type cannot be unblocked"})
        if found.state == "canceled":
            return Answer(422, {"message": "Jobs from canceled builds cannot be unblocked"})
        if found.state == "unblocked":
            return Answer(400, {"message": "This job has already been unblocked"})
        missing = [name for name in found.wanted if not given.get("fields", {}).get(name)]
        if missing:
            self.complain(f"{request}: fields {missing}")
            return Answer(400, {"message": f"Required field is missing: {missing[0]}"})
        found.state, found.fields, found.unblocks = "unblocked", given.get("fields", {}), found.unblocks + 1
        return Answer(200, self._json(found))

    @route("GET", BUILD)
    def _build(self, request: Request, organisation: str, pipeline: str, number: str) -> Answer:
        jobs = [j for j in self.jobs if (j.pipeline, str(j.build)) == (pipeline, number)]
        if not jobs or organisation != self.organisation:
            return Answer(404, {"message": "No build found"})
        states = {j.state for j in jobs}
        state = "canceled" if "canceled" in states else "blocked" if "blocked" in states else "running"
        return Answer(200, {"number": int(number), "state": state, "blocked": "blocked" in states,
                            "jobs": [self._json(j) for j in jobs]})

    @route("PUT", BUILD + "/cancel")
    def _cancel(self, request: Request, organisation: str, pipeline: str, number: str) -> Answer:
        if not any((j.pipeline, str(j.build)) == (pipeline, number) for j in self.jobs):
            return Answer(404, {"message": "No build found"})
        self.cancel(pipeline, int(number))
        return self._build(request, organisation, pipeline, number)

    @staticmethod
    def _json(job: BlockJob) -> dict[str, Any]:
        return {"id": job.id, "type": job.kind, "state": job.state, "label": "gate",
                "unblockable": job.kind == "manual" and job.state == "blocked"}
