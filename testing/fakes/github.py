# SPDX-License-Identifier: MIT
"""GitHub: custom deployment protection rules, check runs, commit statuses, comments.

    with FakeGithub() as github:
        github.webhook_url = f"{baton.url}/api/v1/in/github/app"
        rule = github.protection_rule("acme/shop", environment="production", sha="ab…")
        assert rule.delivery.status == 202
        rule.wait_decided()
        assert rule.state == "approved" and len(rule.reports) <= 10
"""
from __future__ import annotations

import dataclasses
import urllib.parse
from typing import Any

from .github_app import TOKEN_LIFE_S, WITH_JWT, Delivery, GithubApp
from .http_fake import Answer, Request, route

REPORTS_MAX = 10          # of a deployment, without a state
COMMENT_MAX = 1024
ANNOTATIONS_MAX = 50
OUTPUT_MAX = 65535
STATUSES_MAX = 1000       # of one commit and context
BODY_MAX = 65536          # of a comment
REPO = "/repos/{owner}/{repo}"
# Those that a caller may give; `stale` is GitHub's own.
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")


class ProtectionRule:
    """A job that waits for an environment, and what it was told."""

    def __init__(self, fake: "FakeGithub", repo: str, run: int, environment: str, sha: str) -> None:
        self.fake, self.repo, self.run, self.environment, self.sha = fake, repo, run, environment, sha
        self.state: str | None = None      # approved, rejected
        self.comment: str | None = None    # that came with the state
        self.reports: list[str] = []       # without a state
        self.verdicts = 0                  # calls with a state that were made, taken or not
        self.expired = False               # the job was cancelled or waited too long
        self.delivery: Delivery | None = None

    @property
    def callback_url(self) -> str:
        return f"{self.fake.url}{self.fake.prefix}/repos/{self.repo}/actions/runs/{self.run}/deployment_protection_rule"

    @property
    def waits(self) -> bool:
        return self.state is None and not self.expired

    def run_json(self) -> dict[str, Any]:
        status, conclusion = ("waiting", None) if self.waits else ("completed", "cancelled") if self.expired \
            else ("in_progress", None) if self.state == "approved" else ("completed", "failure")
        return {"id": self.run, "status": status, "conclusion": conclusion, "head_sha": self.sha,
                "repository": {"full_name": self.repo}}

    def payload(self) -> dict[str, Any]:
        return {"action": "requested", "environment": self.environment, "event": "push",
                "deployment_callback_url": self.callback_url,
                "deployment": {"id": 9000 + self.run, "sha": self.sha, "ref": "main", "task": "deploy",
                               "environment": self.environment},
                "pull_requests": [], **self.fake.context(self.repo)}

    def wait_decided(self, timeout: float = 10.0) -> str:
        self.fake.wait_until(lambda: self.state, timeout, "approved or rejected")
        assert self.state is not None
        return self.state


@dataclasses.dataclass
class CheckRun:
    id: int
    repo: str
    fields: dict[str, Any]
    annotations: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def conclusion(self) -> str | None:
        return self.fields.get("conclusion")


@dataclasses.dataclass
class Status:
    sha: str
    state: str
    context: str
    description: str
    target_url: str


@dataclasses.dataclass
class Comment:
    id: int
    body: str
    author: str = "app[bot]"
    edits: int = 0


class FakeGithub(GithubApp):
    """`prefix`: "" as api.github.com, "/api/v3" as an enterprise server. Repositories spring into
    being when named. `token`: a personal access token that is good too, but not for check runs."""

    def __init__(self, app_id: int = 7, installations: tuple[int, ...] = (42,), webhook_secret: str = "hush",
                 token_life_s: float = TOKEN_LIFE_S, token: str | None = None, prefix: str = "") -> None:
        super().__init__(app_id, installations, webhook_secret, token_life_s)
        self.prefix, self.personal_token = prefix, token
        self.guards: dict[str, list[int]] = {}  # environment: the apps whose rules it has; else ours
        self.shows_apps = True  # whether the review history of a run names what Apps said
        self.rules: list[ProtectionRule] = []
        self.check_runs: list[CheckRun] = []
        self.statuses: list[Status] = []
        self.comments: dict[str, list[Comment]] = {}  # per "owner/repo#number"
        self.dispatches: list[dict[str, Any]] = []

    # --- the story -----------------------------------------------------------------------------

    def context(self, repo: str) -> dict[str, Any]:
        owner, _, name = repo.partition("/")
        return {"repository": {"id": 1, "name": name, "full_name": repo, "owner": {"login": owner}},
                "installation": {"id": self.installations[0]}, "sender": {"login": "ann", "id": 1}}

    @property
    def api_url(self) -> str:
        """What a link of Baton is configured with."""
        return self.url + self.prefix

    def protection_rule(self, repo: str, environment: str = "production", sha: str = "a" * 40,
                        send: bool = True) -> ProtectionRule:
        """A deployment that waits; sends the webhook unless told not to (as when it got lost)."""
        with self.changed:
            rule = ProtectionRule(self, repo, len(self.rules) + 1, environment, sha)
            self.rules.append(rule)
        if send:
            rule.delivery = self.deliver("deployment_protection_rule", rule.payload())
        return rule

    def rerequest(self, check_run: CheckRun) -> Delivery:
        """Somebody presses "Re-run" on a check run."""
        return self.deliver("check_run", {"action": "rerequested", "check_run": self._check_json(check_run),
                                          **self.context(check_run.repo)})

    def press(self, check_run: CheckRun, identifier: str) -> Delivery:
        """Somebody presses one of the check run's own buttons."""
        return self.deliver("check_run", {"action": "requested_action", "check_run": self._check_json(check_run),
                                          "requested_action": {"identifier": identifier},
                                          **self.context(check_run.repo)})

    def comment_by(self, repo: str, number: int, body: str, author: str = "ann") -> Comment:
        """A comment that somebody else wrote."""
        with self.changed:
            listed = self.comments.setdefault(f"{repo}#{number}", [])
            made = Comment(sum(map(len, self.comments.values())) + 1, body, author)
            listed.append(made)
            return made

    def secondary_limit(self, n: int = 1, retry_after: int | None = 1, reset_at: int | None = None,
                        status: int = 403, only: Any = "/repos/") -> None:
        """Too many calls: with retry-after, or with a primary limit's reset at a unix time."""
        headers = {"Content-Type": "application/json"}
        if retry_after is not None:
            headers["retry-after"] = str(retry_after)
        if reset_at is not None:
            headers |= {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset_at)}
        self.fail_next(n, status, headers, {"message": "You have exceeded a secondary rate limit."}, only)

    # --- who asks -------------------------------------------------------------------------------

    def authorise(self, request: Request) -> Answer | None:
        if "user-agent" not in request.headers:
            self.complain(f"{request}: no User-Agent")
            return Answer(403, "Request forbidden by administrative rules. Please make sure your request has a "
                               "User-Agent header.")
        version = request.headers.get("x-github-api-version", "2022-11-28")
        if version not in ("2022-11-28", "2026-03-10"):
            return Answer(400, {"message": f"Version {version} is not supported."})
        if WITH_JWT.fullmatch(request.path):
            return None  # the handler wants a JWT
        if self._personal(request):
            return None
        return self.refuse_token(request)

    def _personal(self, request: Request) -> bool:
        return self.personal_token is not None and \
            request.headers.get("authorization", "").partition(" ")[2] == self.personal_token

    def _invalid(self, request: Request, why: str) -> Answer:
        self.complain(f"{request}: {why}")
        return Answer(422, {"message": "Validation Failed", "errors": [{"message": why}], "status": "422"})

    # --- protection rules -----------------------------------------------------------------------

    @route("POST", REPO + "/actions/runs/{run}/deployment_protection_rule")
    def _review(self, request: Request, owner: str, repo: str, run: str) -> Answer:
        rule = next((r for r in self.rules if r.repo == f"{owner}/{repo}" and str(r.run) == run), None)
        given = request.json
        if self._personal(request):
            return Answer(403, {"message": "Resource not accessible by personal access token"})
        if rule is None:
            return Answer(404, {"message": "Not Found", "status": "404"})
        if given.get("environment_name") != rule.environment:
            return self._invalid(request, f"environment_name {given.get('environment_name')!r}")
        if len(given.get("comment", "")) > COMMENT_MAX:
            return self._invalid(request, f"comment of {len(given['comment'])} characters")
        if "state" not in given:
            return self._report(request, rule, given)
        rule.verdicts += 1
        if given["state"] not in ("approved", "rejected") or "comment" not in given:
            return self._invalid(request, f"state {given['state']!r} with comment {given.get('comment')!r}")
        if not rule.waits:
            return self._invalid(request, "No pending custom deployment protection rule to approve or reject.")
        rule.state, rule.comment = given["state"], given["comment"]
        return Answer(204)

    def _report(self, request: Request, rule: ProtectionRule, given: dict[str, Any]) -> Answer:
        if not given.get("comment"):
            return self._invalid(request, "neither state nor comment")
        if rule.state is not None or rule.expired:
            return self._invalid(request, "No pending custom deployment protection rule.")
        if len(rule.reports) >= REPORTS_MAX:
            return self._invalid(request, f"at most {REPORTS_MAX} status reports for a deployment")
        rule.reports.append(given["comment"])
        return Answer(204)

    @route("GET", REPO + "/actions/runs")
    def _waiting_runs(self, request: Request, owner: str, repo: str) -> Answer:
        runs = [rule.run_json() for rule in self.rules if rule.repo == f"{owner}/{repo}"]
        wanted = request.query.get("status")
        runs = [run for run in runs if wanted in (None, run["status"])]
        return Answer(200, {"total_count": len(runs), "workflow_runs": runs})

    @route("GET", REPO + "/actions/runs/{run}")
    def _run(self, request: Request, owner: str, repo: str, run: str) -> Answer:
        found = [r for r in self.rules if r.repo == f"{owner}/{repo}" and str(r.run) == run]
        return Answer(200, found[0].run_json()) if found else Answer(404, {"message": "Not Found", "status": "404"})

    @route("GET", REPO + "/actions/runs/{run}/pending_deployments")
    def _pending(self, request: Request, owner: str, repo: str, run: str) -> Answer:
        waiting = [r for r in self.rules if str(r.run) == run and r.waits]
        return Answer(200, [{"environment": {"id": 1, "name": r.environment}, "reviewers": []} for r in waiting])

    @route("GET", REPO + "/environments/{environment}/deployment_protection_rules")
    def _rules(self, request: Request, owner: str, repo: str, environment: str) -> Answer:
        apps = self.guards.get(urllib.parse.unquote(environment), [self.app_id])
        return Answer(200, {"total_count": len(apps), "custom_deployment_protection_rules": [
            {"id": 3 + app, "enabled": True, "app": {"id": app, "slug": f"app-{app}"}} for app in apps]})

    @route("GET", REPO + "/deployments")
    def _deployments(self, request: Request, owner: str, repo: str) -> Answer:
        asked, size = request.query, int(request.query.get("per_page", 30))
        found = [r.payload()["deployment"] for r in reversed(self.rules) if r.repo == f"{owner}/{repo}"]
        found = [d for d in found if all(asked.get(k, d[k]) == d[k] for k in ("sha", "environment", "ref"))]
        return Answer(200, found[:size])

    @route("GET", REPO + "/deployments/{deployment}/statuses")
    def _deployment_statuses(self, request: Request, owner: str, repo: str, deployment: str) -> Answer:
        rule = next((r for r in self.rules if str(r.payload()["deployment"]["id"]) == deployment), None)
        if rule is None:
            return Answer(404, {"message": "Not Found", "status": "404"})
        state = "waiting" if rule.waits else "in_progress" if rule.state == "approved" else "failure"
        return Answer(200, [{"id": 1, "state": state, "environment": rule.environment,
                             "log_url": f"https://github.com/{rule.repo}/actions/runs/{rule.run}/job/{rule.run}7"}])

    @route("GET", REPO + "/actions/runs/{run}/approvals")
    def _approvals(self, request: Request, owner: str, repo: str, run: str) -> Answer:
        told = [r for r in self.rules if str(r.run) == run and r.state is not None and self.shows_apps]
        return Answer(200, [{"environments": [{"id": 1, "name": r.environment}], "state": r.state,
                             "comment": r.comment, "user": {"login": "app[bot]", "type": "Bot"}} for r in told])

    # --- check runs -----------------------------------------------------------------------------

    @route("POST", REPO + "/check-runs")
    def _create_check(self, request: Request, owner: str, repo: str) -> Answer:
        if self._personal(request):
            return Answer(403, {"message": "You must authenticate via a GitHub App."})
        given = request.json
        if not given.get("name") or not given.get("head_sha"):
            return self._invalid(request, "name and head_sha are needed")
        made = CheckRun(len(self.check_runs) + 1, f"{owner}/{repo}", {"status": "queued"})
        if refused := self._update(request, made, given):
            return refused
        self.check_runs.append(made)
        return Answer(201, self._check_json(made))

    @route("GET", REPO + "/check-runs/{number}")
    def _get_check(self, request: Request, owner: str, repo: str, number: str) -> Answer:
        found = next((c for c in self.check_runs if str(c.id) == number and c.repo == f"{owner}/{repo}"), None)
        return Answer(200, self._check_json(found)) if found else Answer(404, {"message": "Not Found", "status": "404"})

    @route("PATCH", REPO + "/check-runs/{number}")
    def _patch_check(self, request: Request, owner: str, repo: str, number: str) -> Answer:
        found = next((c for c in self.check_runs if str(c.id) == number and c.repo == f"{owner}/{repo}"), None)
        if found is None:
            return Answer(404, {"message": "Not Found", "status": "404"})
        return self._update(request, found, request.json) or Answer(200, self._check_json(found))

    @route("GET", REPO + "/commits/{sha}/check-runs")
    def _list_checks(self, request: Request, owner: str, repo: str, sha: str) -> Answer:
        name = request.query.get("check_name")
        found = [self._check_json(c) for c in self.check_runs if c.repo == f"{owner}/{repo}"
                 and c.fields["head_sha"] == sha and name in (None, c.fields["name"])]
        return Answer(200, {"total_count": len(found), "check_runs": found})

    def _update(self, request: Request, check: CheckRun, given: dict[str, Any]) -> Answer | None:
        output, actions = given.get("output", {}), given.get("actions", [])
        annotations = output.get("annotations", [])
        why = None
        if given.get("status", "queued") not in ("queued", "in_progress", "completed"):
            why = f"status {given['status']!r}"
        elif given.get("conclusion", "success") not in CONCLUSIONS:
            why = f"conclusion {given['conclusion']!r}"
        elif given.get("status") == "completed" and "conclusion" not in given:
            why = "a completed check run needs a conclusion"
        elif output and (not output.get("title") or "summary" not in output):
            why = "output needs title and summary"
        elif max(len(output.get("summary", "")), len(output.get("text", ""))) > OUTPUT_MAX:
            why = f"summary or text of more than {OUTPUT_MAX} characters"
        elif len(annotations) > ANNOTATIONS_MAX:
            why = f"{len(annotations)} annotations in one request"
        elif any(not {"path", "start_line", "end_line", "annotation_level", "message"} <= a.keys()
                 or a["annotation_level"] not in ("notice", "warning", "failure") for a in annotations):
            why = "an annotation is not complete"
        elif len(actions) > 3 or any(len(a["label"]) > 20 or len(a["description"]) > 40 or len(a["identifier"]) > 20
                                     for a in actions):
            why = "actions: at most 3, of 20, 40 and 20 characters"
        if why:
            return self._invalid(request, why)
        check.annotations += annotations
        check.fields.update({k: v for k, v in given.items() if k != "output"})
        check.fields.setdefault("output", {}).update({k: v for k, v in output.items() if k != "annotations"})
        if "conclusion" in given:
            check.fields["status"] = "completed"
        return None

    @staticmethod
    def _check_json(check: CheckRun) -> dict[str, Any]:
        return {"id": check.id, "conclusion": None, "external_id": "", **check.fields, "app": {"id": 7},
                "html_url": f"https://github.com/{check.repo}/runs/{check.id}",
                "output": {**check.fields.get("output", {}), "annotations_count": len(check.annotations)}}

    # --- statuses, comments, dispatches ---------------------------------------------------------

    @route("POST", REPO + "/statuses/{sha}")
    def _status(self, request: Request, owner: str, repo: str, sha: str) -> Answer:
        given = request.json
        if given.get("state") not in ("error", "failure", "pending", "success"):
            return self._invalid(request, f"state {given.get('state')!r}")
        if len(given.get("description") or "") > 140:
            return self._invalid(request, "description is too long (maximum is 140 characters)")
        context = given.get("context", "default")
        if sum(1 for s in self.statuses if s.sha == sha and s.context.lower() == context.lower()) >= STATUSES_MAX:
            return self._invalid(request, "This SHA and context has reached the maximum number of statuses.")
        made = Status(sha, given["state"], context, given.get("description") or "", given.get("target_url") or "")
        self.statuses.append(made)
        return Answer(201, {"id": len(self.statuses), **dataclasses.asdict(made)})

    @route("GET", REPO + "/commits/{sha}/statuses")
    def _list_statuses(self, request: Request, owner: str, repo: str, sha: str) -> Answer:
        return Answer(200, [dataclasses.asdict(s) for s in reversed(self.statuses) if s.sha == sha])

    @route("GET", REPO + "/issues/{number}/comments")
    def _list_comments(self, request: Request, owner: str, repo: str, number: str) -> Answer:
        listed = self.comments.get(f"{owner}/{repo}#{number}", [])
        size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        first, size = (page - 1) * min(size, 100), min(size, 100)
        headers = {}
        if first + size < len(listed):
            base = f"{self.url}{request.path}?per_page={size}&page="
            headers["Link"] = f'<{base}{page + 1}>; rel="next", <{base}{-(-len(listed) // size)}>; rel="last"'
        return Answer(200, [self._comment_json(c) for c in listed[first:first + size]], headers)

    @route("POST", REPO + "/issues/{number}/comments")
    def _comment(self, request: Request, owner: str, repo: str, number: str) -> Answer:
        body = request.json.get("body")
        if not body or len(body) > BODY_MAX:
            return self._invalid(request, "body is missing or too long")
        return Answer(201, self._comment_json(self.comment_by(f"{owner}/{repo}", int(number), body, "app[bot]")))

    @route("PATCH", REPO + "/issues/comments/{comment}")
    def _edit(self, request: Request, owner: str, repo: str, comment: str) -> Answer:
        found = next((c for listed in self.comments.values() for c in listed if str(c.id) == comment), None)
        if found is None:
            return Answer(404, {"message": "Not Found", "status": "404"})
        found.body, found.edits = request.json["body"], found.edits + 1
        return Answer(200, self._comment_json(found))

    def _comment_json(self, comment: Comment) -> dict[str, Any]:
        return {"id": comment.id, "body": comment.body, "user": {"login": comment.author},
                "performed_via_github_app": {"id": self.app_id} if comment.author == "app[bot]" else None}

    @route("POST", REPO + "/dispatches")
    def _dispatch(self, request: Request, owner: str, repo: str) -> Answer:
        given = request.json
        if not given.get("event_type") or len(given["event_type"]) > 100:
            return self._invalid(request, "event_type")
        if len(given.get("client_payload", {})) > 10:
            return self._invalid(request, "No more than 10 properties are allowed")
        self.dispatches.append({"repo": f"{owner}/{repo}", **given})
        return Answer(204)
