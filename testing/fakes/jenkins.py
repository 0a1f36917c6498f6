# SPDX-License-Identifier: MIT
"""Jenkins: pipelines that wait in an `input` step or for the webhook-step plugin.

    with FakeJenkins(tokens={"baton": "11aa"}) as jenkins:
        step = jenkins.input("team/app", 3, id="tests")     # /job/team/job/app/3/input/Tests/
        …
        assert step.outcome == "proceeded"

A settled input is gone: whoever comes late gets 404.
"""
from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import html
import json
import uuid
from typing import Any

from .http_fake import Answer, HttpFake, Request, route

CRUMB = "Jenkins-Crumb"
ACTIONS = ("proceed", "proceedEmpty", "abort", "submit")


@dataclasses.dataclass
class Input:
    """A waiting input step. `outcome`: proceeded or aborted, once settled."""

    job: str
    build: int
    id: str
    message: str
    parameters: tuple[str, ...]
    submitter: str | None
    outcome: str | None = None
    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    by: str | None = None
    racing: bool = False  # found by the URL, but settled in between

    @property
    def path(self) -> str:
        """What its URL begins with; the id as Jenkins spells it."""
        return f"/{job_path(self.job)}/{self.build}/input/{self.id}/"


@dataclasses.dataclass
class Webhook:
    """A `waitForWebhook`: `body` is None until it was called."""

    token: str
    auth: str | None
    waiting: bool
    body: str | None = None


def job_path(job: str) -> str:
    return "/".join(f"job/{part}" for part in job.split("/"))


class FakeJenkins(HttpFake):
    """`tokens` are API tokens per user, which need no crumb; `passwords` do need one, and the cookie
    of the session that it was given to. Without either, anonymous may do everything but still needs
    a crumb, if `crumbs`. `builders` may settle inputs without a submitter (None: everybody)."""

    def __init__(self, tokens: dict[str, str] | None = None, passwords: dict[str, str] | None = None,
                 crumbs: bool = True, builders: tuple[str, ...] | None = None, prefix: str = "") -> None:
        super().__init__()
        self.prefix = prefix
        self.tokens, self.passwords = tokens or {}, passwords or {}
        self.crumbs, self.builders = crumbs, builders
        self.inputs: list[Input] = []
        self.builds: dict[tuple[str, int], str | None] = {}  # result; None while it runs
        self.triggered: list[dict[str, Any]] = []
        self.sessions: set[str] = set()
        self.hooks: dict[str, Webhook] = {}
        self.kept: dict[str, str] = {}  # bodies that came before anybody waited
        self._hook_auth: dict[str, str] = {}

    # --- the story -----------------------------------------------------------------------------

    def input(self, job: str, build: int, id: str | None = None, message: str = "Go on?",
              parameters: tuple[str, ...] | list[str] = (), submitter: str | None = None) -> Input:
        """A build that waits. The first letter of its id becomes upper-case; without one it is a
        digest of the message."""
        name = id[:1].upper() + id[1:] if id else _digest(message)
        with self.changed:
            made = Input(job, build, name, message, tuple(parameters), submitter)
            self.inputs.append(made)
            self.builds.setdefault((job, build), None)
            return made

    def abort_build(self, job: str, build: int) -> None:
        with self.changed:
            self.builds[(job, build)] = "ABORTED"
            for step in self.inputs:
                if (step.job, step.build) == (job, build) and step.outcome is None:
                    step.outcome = "aborted"

    def register_webhook(self, token: str, auth: str | None = None) -> Webhook:
        """`registerWebhook`: the URL exists, nobody waits yet."""
        with self.changed:
            self.hooks[token] = Webhook(token, auth, False)
            if auth is not None:
                self._hook_auth[token] = auth
            return self.hooks[token]

    def wait_webhook(self, token: str, auth: str | None = None) -> Webhook:
        """`waitForWebhook`: goes on at once if the call came earlier."""
        with self.changed:
            hook = self.hooks.get(token) or self.register_webhook(token, auth)
            hook.waiting = token not in self.kept
            hook.body = self.kept.pop(token, None)
            return hook

    def restart(self) -> None:
        """The controller restarts: sessions, kept bodies and the tokens of webhooks are gone, steps
        that waited wait again."""
        with self.changed:
            self.sessions.clear()
            self.kept.clear()
            self._hook_auth.clear()

    # --- who asks -------------------------------------------------------------------------------

    def _user(self, request: Request) -> tuple[str | None, bool]:
        """The name, and whether a crumb is needed; None for a wrong login."""
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                name, _, word = base64.b64decode(secret).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None, False
            if name in self.tokens and self.tokens[name] == word:
                return name, False
            return (name, True) if name in self.passwords and self.passwords[name] == word else (None, False)
        return (None if self.tokens or self.passwords else "anonymous"), True

    def authorise(self, request: Request) -> Answer | None:
        if request.path.startswith(f"{self.prefix}/webhook-step/"):
            return None  # unprotected, and excluded from the crumbs
        user, needs_crumb = self._user(request)
        if user is None:
            self.complain(f"{request}: not authorised")
            wrong = "authorization" in request.headers
            return Answer(401 if wrong else 403, "<html>Authentication required</html>",
                          {"WWW-Authenticate": 'Basic realm="Jenkins"'} if wrong else None)
        if request.method == "POST" and needs_crumb and self.crumbs:
            session = _cookie(request)
            if session not in self.sessions or request.headers.get(CRUMB) != _crumb(session, user):
                self.complain(f"{request}: no valid crumb")
                return Answer(403, "<html>No valid crumb was included in the request</html>")
        return None

    @route("GET", "/crumbIssuer/api/json")
    def _issue_crumb(self, request: Request) -> Answer:
        if not self.crumbs:
            return Answer(404, "<html>Not Found</html>")
        session, headers = _cookie(request), {}
        if session not in self.sessions:
            session = uuid.uuid4().hex
            self.sessions.add(session)
            headers["Set-Cookie"] = f"JSESSIONID.fake={session}; Path=/; HttpOnly"
        crumb = _crumb(session, self._user(request)[0] or "")
        return Answer(200, {"_class": "hudson.security.csrf.DefaultCrumbIssuer", "crumb": crumb,
                            "crumbRequestField": CRUMB}, headers)

    def not_found(self, request: Request) -> Answer:
        return Answer(404, f"<html>Not Found: {html.escape(request.path)}</html>", {"Content-Type": "text/html"})

    # --- input steps ----------------------------------------------------------------------------

    def _find(self, job: str, build: str, name: str) -> Input | None:
        return next((i for i in self.inputs if job_path(i.job) == job and str(i.build) == build and i.id == name
                     and (i.outcome is None or i.racing)), None)

    @route("GET", "/{job*}/{build}/input/{name}/{action}")
    def _get_action(self, request: Request, job: str, build: str, name: str, action: str) -> Answer:
        if self._find(job, build, name) is None or action not in ACTIONS:
            return self.not_found(request)
        self.complain(f"{request}: needs POST")
        return Answer(405, "<html>Form post required</html>", {"Allow": "POST"})

    @route("POST", "/{job*}/{build}/input/{name}/{action}")
    def _act(self, request: Request, job: str, build: str, name: str, action: str) -> Answer:
        step = self._find(job, build, name)
        if step is None or action not in ACTIONS:
            return self.not_found(request)
        form = request.form if request.media_type == "application/x-www-form-urlencoded" else {}
        if action == "submit":
            refused = self._settle(request, step, form, "proceed" if "proceed" in form else "abort")
            return refused or Answer(302, b"", {"Location": f"{self.url}{self.prefix}/{job}/{build}/console"})
        return self._settle(request, step, form, action) or Answer(200)

    def _settle(self, request: Request, step: Input, form: dict[str, str], action: str) -> Answer | None:
        user = self._user(request)[0] or "anonymous"
        if step.outcome is not None:
            return _failure("This input has been already given")
        allowed = step.submitter.split(",") if step.submitter else self.builders
        if allowed is not None and user not in allowed:
            return _failure(f"You need to be {step.submitter} to submit this") if step.submitter else \
                Answer(403, f"<html>{user} is missing the Job/Build permission</html>")
        values: dict[str, Any] = {}
        if action == "proceed":
            if "json" not in form:
                self.complain(f"{request}: no form field json")
                return Answer(400, "<html>This page expects a form submission but had only {}</html>")
            given = json.loads(form["json"]).get("parameter", [])
            values = {p["name"]: p.get("value") for p in (given if isinstance(given, list) else [given])}
            if unknown := set(values) - set(step.parameters):
                self.complain(f"{request}: parameters {sorted(unknown)}")
                return Answer(500, f"<html>No such parameter definition: {sorted(unknown)[0]}</html>")
        step.outcome = "aborted" if action == "abort" else "proceeded"
        step.values, step.by = values, user
        if action == "abort":
            self.builds[(step.job, step.build)] = "ABORTED"
        return None

    @route("GET", "/{job*}/{build}/wfapi/pendingInputActions")
    def _pending(self, request: Request, job: str, build: str) -> Answer:
        if not any((job_path(j), str(b)) == (job, build) for j, b in self.builds):
            return self.not_found(request)
        waiting = [i for i in self.inputs if (job_path(i.job), str(i.build)) == (job, build) and i.outcome is None]
        base = f"{self.prefix}/{job}/{build}"
        return Answer(200, [{"id": i.id, "message": i.message, "proceedText": "Proceed",
                             "proceedUrl": f"{base}/wfapi/inputSubmit?inputId={i.id}",
                             "abortUrl": f"{base}/input/{i.id}/abort",
                             "redirectApprovalUrl": f"{base}/input/",
                             "inputs": [{"name": name, "type": "StringParameterDefinition"} for name in i.parameters]}
                            for i in waiting])

    @route("POST", "/{job*}/{build}/wfapi/inputSubmit")
    def _input_submit(self, request: Request, job: str, build: str) -> Answer:
        step = self._find(job, build, request.query.get("inputId", ""))
        if step is None:
            return self.not_found(request)
        return self._settle(request, step, request.form, "proceed") or Answer(200)

    @route("GET", "/{job*}/{build}/api/json")
    def _build(self, request: Request, job: str, build: str) -> Answer:
        found = next((key for key in self.builds if (job_path(key[0]), str(key[1])) == (job, build)), None)
        if found is None:
            return self.not_found(request)
        result = self.builds[found]
        action = {"_class": "org.jenkinsci.plugins.workflow.support.steps.input.InputAction"}  # stays after the end
        return Answer(200, {"_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun", "number": found[1],
                            "building": result is None, "result": result, "actions": [action]})

    @route("POST", "/{job*}/buildWithParameters")
    def _trigger(self, request: Request, job: str) -> Answer:
        form = request.form if request.body else {}
        self.triggered.append({"job": job, **request.query, **form})
        return Answer(201, b"", {"Location": f"{self.url}{self.prefix}/queue/item/{len(self.triggered)}/"})

    # --- webhook-step ---------------------------------------------------------------------------

    @route("POST", "/webhook-step/{token}")
    def _webhook(self, request: Request, token: str) -> Answer:
        """202 says nothing: the token may be one that nobody will ever wait for."""
        wanted = self._hook_auth.get(token)
        if wanted is not None and request.headers.get("authorization") != wanted:
            self.complain(f"{request}: not authorised")
            return Answer(403, b"", {"Result": "Unauthorized"})
        hook = self.hooks.get(token)
        if hook is None or not hook.waiting:
            self.kept[token] = request.body.decode()
            return Answer(202)
        hook.waiting, hook.body = False, request.body.decode()
        return Answer(200, b"", {"Result": "WebhookTriggered"})


def _failure(text: str) -> Answer:
    return Answer(400, f"<html><h1>Error</h1><p>{text}</p></html>", {"Content-Type": "text/html"})


def _digest(text: str) -> str:
    digest = hashlib.md5(text.encode()).hexdigest()
    return digest[:1].upper() + digest[1:]


def _cookie(request: Request) -> str:
    pairs = [pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";")]
    return next((value for name, _, value in pairs if name.startswith("JSESSIONID")), "")


def _crumb(session: str, user: str) -> str:
    return hashlib.sha256(f"{session}:{user}".encode()).hexdigest()
