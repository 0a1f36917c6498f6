# SPDX-License-Identifier: MIT
"""The artifact store of GoCD. Its rules differ from those of the API beside it: X-GoCD-Confirm must
be `true`, POST never replaces a file, PUT appends, and a folder's zip takes a while."""
from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from typing import Any

from .http_fake import Answer, HttpFake, Request, route
from .http_wire import parts_of

FILES = "/go/files/{pipeline}/{counter}/{stage}/{stage_counter}/{job}"
CHECKSUMS = "cruise-output/md5.checksum"
CONSOLE = "cruise-output/console.log"


class ArtifactFiles(HttpFake):
    """Part of FakeGocd. `zip_polls`: so many requests for a zip are answered 202 before it is there.
    `free_bytes`: an upload that announces more than half of it meets 413."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, dict[str, bytes]] = {}  # per p/c/s/n/job
        self.zip_polls = 1
        self.free_bytes: int | None = None
        self._zip_asked: dict[str, int] = {}

    def find_run(self, pipeline: str, counter: str, stage: str, stage_counter: str) -> Any:
        raise NotImplementedError

    def file(self, job: str, path: str) -> bytes | None:
        """`job` is pipeline/counter/stage/stage counter/job, with numbers."""
        with self.changed:
            return self.files.get(job, {}).get(path)

    def console(self, job: str) -> str:
        return (self.file(job, CONSOLE) or b"").decode()

    def upload_half(self, job: str, path: str, data: bytes) -> None:
        """As if an earlier upload had broken off: the path is taken for good."""
        with self.changed:
            self.files.setdefault(job, {})[path] = data[:len(data) // 2]

    def _job(self, pipeline: str, counter: str, stage: str, stage_counter: str, job: str) -> str | Answer:
        run = self.find_run(pipeline, counter, stage, stage_counter)
        asked = f"{pipeline}/{counter}/{stage}/{stage_counter}/{job}"
        if run is None or job not in run.jobs:
            return Answer(404, f"Job {asked} not found.")
        if counter == "latest":
            counter = str(len(self.pipelines[pipeline].instances))  # type: ignore[attr-defined]
        return f"{pipeline}/{counter}/{stage}/{run.counter}/{job}"

    @route("POST", FILES + "/{path*}")
    def _post_file(self, request: Request, path: str, **where: str) -> Answer:
        confirm = request.headers.get("x-gocd-confirm", request.headers.get("confirm", ""))
        if confirm.lower() != "true":
            self.complain(f"{request}: X-GoCD-Confirm {confirm!r}")
            return Answer(400, "Missing required header 'X-GoCD-Confirm'")
        announced = request.headers.get("x-go-artifact-size", "")
        if self.free_bytes is not None and announced.isdigit() and int(announced) * 2 > self.free_bytes:
            return Answer(413, f"Artifact upload for file '{path}' (Size: {announced}) was denied by the server "
                               "because it has run out of disk space.")
        job = self._job(**where)
        if isinstance(job, Answer):
            return job
        if ".." in path.split("/"):
            self.complain(f"{request}: forbidden characters")
            return Answer(403, f"Url {path} contains forbidden characters.")
        kept = self.files.setdefault(job, {})
        if path in kept:
            return Answer(403, f"File {path} already exists.")
        parts = {part.name: part for part in parts_of(request.body, request.headers.get("content-type", "")) or ()}
        if not parts.keys() & {"file", "zipfile"}:
            self.complain(f"{request}: neither a part `file` nor `zipfile`")
            return Answer(400, "Invalid request. MultipartFile must have name 'file' or 'zipfile' "
                               "(to automatically unzip stream)")
        if "zipfile" in parts:
            try:
                with zipfile.ZipFile(io.BytesIO(parts["zipfile"].body)) as archive:
                    kept.update({f"{path}/{n}": archive.read(n) for n in archive.namelist() if not n.endswith("/")})
            except zipfile.BadZipFile:
                return Answer(500, f"Error saving file {path}")
        else:
            kept[path] = parts["file"].body
        if "file_checksum" in parts:
            kept[CHECKSUMS] = kept.get(CHECKSUMS, b"") + parts["file_checksum"].body
        return Answer(201, f"File {path} was created successfully")

    @route("PUT", FILES + "/{path*}")
    def _put_file(self, request: Request, path: str, **where: str) -> Answer:
        if ".." in path:
            self.complain(f"{request}: forbidden characters")
            return Answer(403, f"Url {path} contains forbidden characters.")
        job = self._job(**where)
        if isinstance(job, Answer):
            return job
        kept = self.files.setdefault(job, {})
        kept[path] = kept.get(path, b"") + request.body
        return Answer(200, f"File {path} was appended successfully")

    @route("GET", FILES + ".json")
    def _list_job(self, request: Request, **where: str) -> Answer:
        job = self._job(**where)
        return job if isinstance(job, Answer) else Answer(200, self._entries(job, ""))

    def _entries(self, job: str, folder: str) -> list[dict[str, Any]]:
        entries: dict[str, dict[str, Any]] = {}
        for path in sorted(self.files.get(job, {})):
            if not path.startswith(folder):
                continue
            name, slash, _ = path[len(folder):].partition("/")
            url = f"{self.url}/go/files/{job}/{folder}{name}"
            if slash:
                entries[name] = {"name": name, "url": url, "type": "folder",
                                 "files": self._entries(job, f"{folder}{name}/")}
            else:
                entries[name] = {"name": name, "url": url, "type": "file"}
        return list(entries.values())

    @route("GET", FILES + "/{path*}")
    def _get_file(self, request: Request, path: str, **where: str) -> Answer:
        job = self._job(**where)
        if isinstance(job, Answer):
            return job
        kept = self.files.get(job, {})
        if path in kept:
            digest = base64.b64encode(hashlib.sha1(kept[path]).digest()).decode()
            if request.query.get("sha1") == digest:
                return Answer(304)
            return Answer(200, kept[path], {"Content-Type": "application/octet-stream"})
        stem, dot, kind = path.rpartition(".")
        inside = {name: data for name, data in kept.items() if name.startswith(f"{stem}/")}
        if kind == "json" and inside:
            return Answer(200, self._entries(job, f"{stem}/"))
        if kind == "zip" and inside:
            return self._zip(f"{job}/{stem}", inside)
        return Answer(404, f"Artifact '{path}' is unavailable as it may have been purged by Go or deleted externally.")

    def _zip(self, key: str, inside: dict[str, bytes]) -> Answer:
        self._zip_asked[key] = self._zip_asked.get(key, 0) + 1
        if self._zip_asked[key] <= self.zip_polls:
            return Answer(202, "This file is being prepared for download. Please wait.")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, data in inside.items():
                archive.writestr(name, data)
        return Answer(200, packed.getvalue(), {"Content-Type": "application/zip"})
