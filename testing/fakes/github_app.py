# SPDX-License-Identifier: MIT
"""The GitHub App side of the fake: its key pair, the JWT that proves it, installation tokens that
expire, and the signed webhooks that GitHub sends."""
from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import hmac
import json
import pathlib
import re
import subprocess
import tempfile
import time
import uuid
from typing import Any

from .http_fake import Answer, HttpFake, Reply, Request, call, route

HOOK_TIMEOUT_S = 10.0   # GitHub waits that long and does not repeat by itself
JWT_LIFE_MAX_S = 600
WITH_JWT = re.compile(r".*/(app|app/installations.*|repos/[^/]+/[^/]+/installation)")  # paths for the app itself
# What a token must be allowed to do, by the rest of the path after the repository.
PERMISSIONS = {"deployment_protection_rule": "deployments", "check-runs": "checks", "statuses": "statuses",
               "comments": "issues", "dispatches": "contents"}
TOKEN_LIFE_S = 3600.0


@functools.lru_cache(maxsize=None)
def key_pair(name: str) -> tuple[str, str]:
    """Private and public key as PEM; made once per process and name."""
    private = _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048").decode()
    return private, _openssl("pkey", "-pubout", data=private.encode()).decode()


def _openssl(*arguments: str, data: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def verify_rs256(public_key: str, signed: bytes, signature: bytes) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        key, proof = pathlib.Path(folder, "key"), pathlib.Path(folder, "signature")
        key.write_text(public_key)
        proof.write_bytes(signature)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", str(key), "-signature", str(proof)],
                              input=signed, capture_output=True, check=False)
        return done.returncode == 0


def sign_rs256(private_key: str, signed: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        key = pathlib.Path(folder, "key")
        key.write_text(private_key)
        return _openssl("dgst", "-sha256", "-sign", str(key), data=signed)


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_jwt(private_key: str, claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
    """As a caller would make one."""
    parts = [b64url(json.dumps(part).encode()) for part in (header or {"alg": "RS256", "typ": "JWT"}, claims)]
    signed = ".".join(parts)
    return f"{signed}.{b64url(sign_rs256(private_key, signed.encode()))}"


@dataclasses.dataclass
class Token:
    value: str
    installation: int
    expires: float  # of time.time()
    permissions: dict[str, str]


@dataclasses.dataclass
class Delivery:
    """A webhook that was sent, and how it went; `redeliver` of the fake sends it again."""

    id: str
    event: str
    body: bytes
    replies: list[Reply] = dataclasses.field(default_factory=list)

    @property
    def status(self) -> int:
        return self.replies[-1].status


class GithubApp(HttpFake):
    """Part of FakeGithub. `token_life_s` scales the life of installation tokens; `clock_offset_s`
    is how far GitHub's clock is ahead of ours."""

    def __init__(self, app_id: int, installations: tuple[int, ...], webhook_secret: str,
                 token_life_s: float) -> None:
        super().__init__()
        self.app_id, self.installations, self.webhook_secret = app_id, installations, webhook_secret
        self.private_key, self.public_key = key_pair("app")
        self.token_life_s = token_life_s
        self.clock_offset_s = 0.0
        self.tokens: dict[str, Token] = {}
        self.installed: set[str] | None = None  # the repositories of the installation; None: all
        self.webhook_url = ""
        self.deliveries: list[Delivery] = []

    def write_key(self, path: Any) -> str:
        """Writes the app's private key as a file and returns its path."""
        pathlib.Path(path).write_text(self.private_key)
        return str(path)

    def expire_tokens(self) -> None:
        with self.changed:
            for token in self.tokens.values():
                token.expires = 0.0

    # --- proof of who asks ----------------------------------------------------------------------

    def bad_credentials(self, request: Request, why: str) -> Answer:
        self.complain(f"{request}: {why}")
        return Answer(401, {"message": why, "documentation_url": "https://docs.github.com/rest", "status": "401"})

    def refuse_jwt(self, request: Request) -> Answer | None:
        scheme, _, jwt = request.headers.get("authorization", "").partition(" ")
        parts = jwt.split(".")
        if scheme.lower() != "bearer" or len(parts) != 3:
            return self.bad_credentials(request, "A JSON web token could not be decoded")
        try:
            header, claims = json.loads(unb64url(parts[0])), json.loads(unb64url(parts[1]))
            signature = unb64url(parts[2])
        except ValueError:
            return self.bad_credentials(request, "A JSON web token could not be decoded")
        if header.get("alg") != "RS256" or not verify_rs256(self.public_key, f"{parts[0]}.{parts[1]}".encode(),
                                                            signature):
            return self.bad_credentials(request, "A JSON web token could not be decoded")
        now = time.time() + self.clock_offset_s
        if not isinstance(claims.get("exp"), int) or claims["exp"] <= now:
            return self.bad_credentials(request, "'Expiration time' claim ('exp') must be a numeric value representing "
                                                 "the future time at which the assertion expires")
        if claims["exp"] > now + JWT_LIFE_MAX_S + 1:
            return self.bad_credentials(request, "'Expiration time' claim ('exp') is too far in the future")
        if not isinstance(claims.get("iat"), int) or claims["iat"] > now:
            return self.bad_credentials(request, "'Issued at' claim ('iat') must be an Integer representing the time "
                                                 "that the assertion was issued")
        if str(claims.get("iss")) != str(self.app_id):
            return self.bad_credentials(request, "'Issuer' claim ('iss') must be an Integer")
        return None

    @route("POST", "/app/installations/{installation}/access_tokens")
    def _make_token(self, request: Request, installation: str) -> Answer:
        if refused := self.refuse_jwt(request):
            return refused
        if not installation.isdigit() or int(installation) not in self.installations:
            return Answer(404, {"message": "Not Found", "status": "404"})
        given = request.json if request.body else {}
        if not set(given) <= {"repositories", "repository_ids", "permissions"}:
            self.complain(f"{request}: {sorted(given)}")
            return Answer(422, {"message": "Invalid request."})
        expires = time.time() + self.clock_offset_s + self.token_life_s
        token = Token(f"ghs_{uuid.uuid4().hex}", int(installation), expires, given.get("permissions", {}))
        self.tokens[token.value] = token
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
        return Answer(201, {"token": token.value, "expires_at": at, "permissions": token.permissions,
                            "repository_selection": "all"})

    @route("GET", "/repos/{owner}/{repo}/installation")
    def _installation_of(self, request: Request, owner: str, repo: str) -> Answer:
        if refused := self.refuse_jwt(request):
            return refused
        if self.installed is not None and f"{owner}/{repo}" not in self.installed:
            return Answer(404, {"message": "Not Found", "status": "404"})
        return Answer(200, {"id": self.installations[0], "app_id": self.app_id, "account": {"login": owner}})

    def refuse_token(self, request: Request) -> Answer | None:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        token = self.tokens.get(secret)
        if scheme.lower() not in ("bearer", "token") or token is None:
            return self.bad_credentials(request, "Bad credentials")
        if token.expires <= time.time() + self.clock_offset_s:
            return Answer(401, {"message": "Bad credentials", "status": "401"})  # normal life: no violation
        needed = next((value for part, value in PERMISSIONS.items() if part in request.path.split("/")), None)
        if request.method != "GET" and needed and token.permissions and token.permissions.get(needed) != "write":
            self.complain(f"{request}: the token was not made for {needed}")
            return Answer(403, {"message": "Resource not accessible by integration", "status": "403"})
        return None

    # --- webhooks -------------------------------------------------------------------------------

    def deliver(self, event: str, payload: dict[str, Any], secret: str | None = None) -> Delivery:
        """Sends a webhook and waits for the answer. `secret` replaces the right one."""
        delivery = Delivery(str(uuid.uuid4()), event, json.dumps(payload).encode())
        with self.changed:
            self.deliveries.append(delivery)
        self.redeliver(delivery, secret)
        return delivery

    def redeliver(self, delivery: Delivery, secret: str | None = None) -> Reply:
        """The same bytes with the same GUID, as the button does."""
        key = (self.webhook_secret if secret is None else secret).encode()
        signature = hmac.new(key, delivery.body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/fa4e5c0",
                   "X-GitHub-Event": delivery.event, "X-GitHub-Delivery": delivery.id, "X-GitHub-Hook-ID": "1",
                   "X-GitHub-Hook-Installation-Target-ID": str(self.app_id),
                   "X-GitHub-Hook-Installation-Target-Type": "integration",
                   "X-Hub-Signature-256": f"sha256={signature}"}
        reply = call("POST", self.webhook_url, delivery.body, headers, HOOK_TIMEOUT_S)
        with self.changed:
            delivery.replies.append(reply)
            self.changed.notify_all()
        return reply
