# SPDX-License-Identifier: MIT
"""Whoever takes Baton's webhooks: checks Standard Webhooks signatures as the reference library does,
and takes CloudEvents in binary, structured and batch mode.

    with FakeHookReceiver(secrets=["whsec_…"]) as hooks:
        hooks.wait_messages(1)
        assert hooks.messages[0].data["verdict"] == "passed"

What is not signed right is answered 401 and recorded as a violation; what breaks the rules of the
payload is recorded too.
"""
from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import hmac
import json
import time
import urllib.parse
from typing import Any

from .http_fake import Answer, HttpFake, Request, route

TOLERANCE_S = 300          # of the reference library, in both directions
PAYLOAD_MAX = 20 * 1024
CE_REQUIRED = ("id", "source", "type", "specversion")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a message."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


@dataclasses.dataclass
class Message:
    """A webhook whose signature held."""

    id: str
    timestamp: int
    type: str
    data: Any
    payload: dict[str, Any]
    request: Request


class FakeHookReceiver(HttpFake):
    """POST to any path is a webhook; POST with ce- headers or a CloudEvents media type is an event.
    Without secrets everything is accepted unsigned. `answers`: the status of good messages."""

    def __init__(self, secrets: list[str] | None = None, answers: int = 204, tolerance_s: int = TOLERANCE_S) -> None:
        super().__init__()
        self.secrets = secrets or []
        self.answers = answers
        self.tolerance_s = tolerance_s
        self.clock_offset_s = 0.0             # how wrong the receiver's clock is
        self.messages: list[Message] = []     # in order, repetitions included
        self.events: list[dict[str, Any]] = []
        self.allowed_origin: str | None = "*"

    @property
    def ids(self) -> list[str]:
        """Each message's id once, in order of arrival."""
        with self.changed:
            return list(dict.fromkeys(message.id for message in self.messages))

    def wait_messages(self, n: int, timeout: float = 10.0) -> list[Message]:
        """Waits for n different messages and returns the first of each."""
        self.wait_until(lambda: len(self.ids) >= n, timeout, f"message {n}")
        with self.changed:
            return [next(m for m in self.messages if m.id == wanted) for wanted in self.ids[:n]]

    @route("GET", "/{any*}")
    def _get(self, request: Request, any: str) -> Answer:
        return Answer(405, b"", {"Allow": "POST, OPTIONS"})

    @route("OPTIONS", "/{any*}")
    def _options(self, request: Request, any: str) -> Answer:
        """The handshake of the CloudEvents webhook specification."""
        if "webhook-request-origin" not in request.headers or self.allowed_origin is None:
            return Answer(405)
        return Answer(200, b"", {"WebHook-Allowed-Origin": self.allowed_origin, "WebHook-Allowed-Rate": "120",
                                 "Allow": "POST"})

    @route("POST", "/{any*}")
    def _post(self, request: Request, any: str) -> Answer:
        if request.media_type.startswith("application/cloudevents") or "ce-id" in request.headers:
            return self._cloud_event(request)
        return self._webhook(request)

    # --- Standard Webhooks ----------------------------------------------------------------------

    def _webhook(self, request: Request) -> Answer:
        if self.secrets and (wrong := self._unsigned(request)):
            self.complain(f"{request}: {wrong}")
            return Answer(401, {"message": wrong})
        payload = json.loads(request.body)
        if not isinstance(payload, dict) or not {"type", "timestamp", "data"} <= payload.keys():
            self.complain(f"{request}: the payload needs type, timestamp and data")
            payload = payload if isinstance(payload, dict) else {"data": payload}
        if len(request.body) > PAYLOAD_MAX:
            self.complain(f"{request}: {len(request.body)} bytes")
        stamp = request.headers.get("webhook-timestamp", "0")
        self.messages.append(Message(request.headers.get("webhook-id", ""), int(stamp) if stamp.isdigit() else 0,
                                     payload.get("type", ""), payload.get("data"), payload, request))
        return Answer(self.answers)

    def _unsigned(self, request: Request) -> str:
        message_id = request.headers.get("webhook-id", "")
        stamp = request.headers.get("webhook-timestamp", "")
        given = request.headers.get("webhook-signature", "")
        if not (message_id and stamp and given):
            return "missing required headers"
        if not stamp.isdigit():
            return "invalid signature headers"
        age = time.time() + self.clock_offset_s - int(stamp)
        if abs(age) > self.tolerance_s:
            return "message timestamp too old" if age > 0 else "message timestamp too new"
        good = [sign(secret, message_id, int(stamp), request.body) for secret in self.secrets]
        for candidate in given.split(" "):  # unknown versions and bad signatures are passed over
            if any(hmac.compare_digest(candidate, signature) for signature in good):
                return ""
        return "no matching signature found"

    # --- CloudEvents ----------------------------------------------------------------------------

    def _cloud_event(self, request: Request) -> Answer:
        try:
            events = self._events_of(request)
        except (binascii.Error, ValueError, KeyError) as error:
            self.complain(f"{request}: {error}")
            return Answer(400, {"message": str(error)})
        for event in events:
            missing = [name for name in CE_REQUIRED if not event.get(name)]
            if missing or event["specversion"] != "1.0":
                self.complain(f"{request}: missing {missing} in {event}")
                return Answer(400, {"message": f"missing {missing}"})
        known = {(event["source"], event["id"]) for event in self.events}
        self.events += [event for event in events if (event["source"], event["id"]) not in known]
        return Answer(202)

    @staticmethod
    def _events_of(request: Request) -> list[dict[str, Any]]:
        if request.media_type == "application/cloudevents-batch+json":
            return list(request.json)
        if request.media_type == "application/cloudevents+json":
            return [request.json]
        if "ce-datacontenttype" in request.headers:
            raise ValueError("ce-datacontenttype is not a header; Content-Type is")
        event: dict[str, Any] = {name.lower()[3:]: urllib.parse.unquote(request.headers[name])
                                 for name in request.headers if name.lower().startswith("ce-")}
        event["datacontenttype"] = request.headers.get("content-type", "")
        is_json = request.media_type.endswith("json")
        event["data"] = request.json if is_json else request.body
        return [event]
