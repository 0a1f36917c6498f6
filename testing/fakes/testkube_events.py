# SPDX-License-Identifier: MIT
"""What Testkube sends by itself: webhooks, each POST once and never again, and CDEvents."""
from __future__ import annotations

import copy
import dataclasses
import json
import threading
import uuid
from typing import Any, Callable

from .http_fake import HttpFake, Reply, call
from .testkube_executions import Execution, now, stamp

HOOK_TIMEOUT_S = 300.0
OUTCOMES = {"passed": "pass", "failed": "fail", "aborted": "cancel"}  # of sdk-go 0.5.1; canceled has none


@dataclasses.dataclass
class Hook:
    """`payload` makes the body of the event, as a payload template does; `object_field` puts the
    event as a string of JSON inside that key."""

    url: str
    events: tuple[str, ...]
    headers: dict[str, str]
    payload: Callable[[dict[str, Any]], Any] | None = None
    object_field: str | None = None


class Events(HttpFake):
    """Part of FakeTestkube. `sent` lists every event that was sent, with the reply to it."""

    def __init__(self) -> None:
        super().__init__()
        self.hooks: list[Hook] = []
        self.cd_sinks: list[tuple[str, dict[str, str]]] = []
        self.sent: list[tuple[str, Reply]] = []

    def webhook(self, url: str, *events: str, headers: dict[str, str] | None = None,
                payload: Callable[[dict[str, Any]], Any] | None = None, object_field: str | None = None) -> None:
        """Without `events` the webhook gets all ends of executions."""
        with self.changed:
            self.hooks.append(Hook(url, events or ("end-testworkflow-*",), headers or {}, payload, object_field))

    def cd_events(self, url: str, headers: dict[str, str] | None = None) -> None:
        """Sends CDEvents of the ends, in binary mode; a canceled execution has none."""
        with self.changed:
            self.cd_sinks.append((url, headers or {}))

    def event(self, kind: str, execution: Execution, **changes: Any) -> dict[str, Any]:
        """The JSON of an event; `changes` replace fields of its result."""
        shown = copy.deepcopy(execution.json())
        if shown["result"] is not None:
            shown["result"].update(changes)
        return {"id": str(uuid.uuid4()), "groupId": execution.group, "resource": "testworkflowexecution",
                "resourceId": execution.id, "type": kind, "testWorkflowExecution": shown, "clusterName": "fake"}

    def finished(self, execution: Execution, before: str) -> None:
        """The events of an end; the last status of the workflow decides about the become- ones."""
        status = execution.status
        if execution.request.get("disableWebhooks"):
            return
        kinds = [f"end-testworkflow-{'success' if status == 'passed' else status}"]
        if status != "passed":
            kinds.append("end-testworkflow-not-passed")
        if before and status != before:
            kinds.append("become-testworkflow-" + ("up" if status == "passed" else "down"))
            if status != "passed":
                kinds.append(f"become-testworkflow-{status}")
        events = [self.event(kind, execution) for kind in kinds]
        self._spawn(lambda: [self.send_event(event) for event in events] and None)
        if status in OUTCOMES:
            self._spawn(self._send_cd_events, execution)

    def started(self, execution: Execution) -> None:
        event = self.event("start-testworkflow", execution)
        self._spawn(self.send_event, event)

    def send_event(self, event: dict[str, Any]) -> list[Reply]:
        """To each webhook that wants it; blocks for the answers."""
        with self.changed:
            hooks = [hook for hook in self.hooks if any(_wants(pattern, event["type"]) for pattern in hook.events)]
        return [self._post(hook, event) for hook in hooks]

    def _post(self, hook: Hook, event: dict[str, Any]) -> Reply:
        body: Any = hook.payload(event) if hook.payload else event
        if hook.object_field:
            body = {hook.object_field: json.dumps(event)}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = call("POST", hook.url, data, {"Content-Type": "application/json", **hook.headers}, HOOK_TIMEOUT_S)
        with self.changed:
            self.sent.append((event["type"], reply))
            self.changed.notify_all()
        return reply

    def storm(self, execution: Execution, *kinds: str, times: int = 1, at_once: bool = True,
              **changes: Any) -> list[Reply]:
        """Sends events that need not be true: wrong kinds, each several times with the same id, out
        of order, all at once. `changes` replace fields of the result in them (`status="failed"`).
        Blocks for all answers."""
        events = [self.event(kind, execution, **changes) for kind in kinds] * times
        replies: list[Reply] = []

        def send(event: dict[str, Any]) -> None:
            with self.changed:
                hooks = list(self.hooks)
            got = [self._post(hook, event) for hook in hooks]
            with self.changed:
                replies.extend(got)

        threads = [threading.Thread(target=send, args=(event,)) for event in events]
        for thread in threads:
            thread.start()
            if not at_once:
                thread.join()
        for thread in threads:
            thread.join()
        return replies

    def _send_cd_events(self, execution: Execution) -> None:
        body = {"context": {"version": "0.4.1", "id": str(uuid.uuid4()), "source": "testkube",
                            "type": "dev.cdevents.testsuiterun.finished.0.2.0", "timestamp": stamp(now())},
                "subject": {"id": execution.id, "source": "testkube", "type": "testSuiteRun", "content": {
                    "outcome": OUTCOMES[execution.status or ""], "environment": {"id": "testkube"},
                    "testSuite": {"id": execution.workflow.name, "name": execution.workflow.name}}}}
        headers = {"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": body["context"]["id"],
                   "ce-source": "testkube", "ce-type": body["context"]["type"], "ce-subject": execution.id}
        with self.changed:
            sinks = list(self.cd_sinks)
        for url, more in sinks:
            reply = call("POST", url, body, {**headers, **more}, HOOK_TIMEOUT_S)
            with self.changed:
                self.sent.append((body["context"]["type"], reply))


def _wants(pattern: str, kind: str) -> bool:
    return kind == pattern or (pattern.endswith("*") and kind.startswith(pattern[:-1]))
