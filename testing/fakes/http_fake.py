# SPDX-License-Identifier: MIT
"""The common part of all fakes: a real HTTP/1.1 server on a free port of 127.0.0.1, one thread per
connection, that keeps every request in order and misbehaves on demand.

A fake derives from HttpFake and marks its handlers with @route. A handler runs with the fake's lock
held and returns an Answer; what it finds wrong with a call it records with `complain` and answers as
the real system would. Everything public may be called from any thread.
"""
from __future__ import annotations

import dataclasses
import json
import re
import socket
import ssl
import threading
import time
import traceback
import urllib.parse
from typing import Any, Callable, Iterator

from .http_wire import (Answer, Cut, Headers, Malformed, NoLength, Reply, call, read_body,
                        read_head, reset, write_answer)

__all__ = ["Answer", "Cut", "Headers", "HttpFake", "Reply", "Request", "call", "problem", "route"]

PORT_WAIT_S = 5.0  # how long `listen` tries to get its old port back


@dataclasses.dataclass
class Request:
    """One request as it arrived. `path` is as it was sent, without the query and still escaped."""

    at: float
    method: str
    path: str
    query: dict[str, str]
    headers: Headers
    body: bytes = b""
    raw_query: str = ""
    connection: int = 0
    status: int | None = None  # what was answered; None when nothing was
    answered_at: float | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def query_list(self) -> list[tuple[str, str]]:
        return urllib.parse.parse_qsl(self.raw_query, keep_blank_values=True)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f"?{self.raw_query}" if self.raw_query else "")


Only = Callable[[Request], bool] | str | None


@dataclasses.dataclass
class Fault:
    """A scripted misbehaviour. `left` counts down; None means until `heal`."""

    kind: str
    left: int | None
    only: Only
    answer: Answer | None = None
    seconds: float = 0.0
    handled: bool = False

    def fits(self, request: Request) -> bool:
        if self.only is None:
            return True
        if callable(self.only):
            return bool(self.only(request))
        return re.search(self.only, str(request)) is not None


def route(method: str, template: str) -> Callable[[Any], Any]:
    """Marks a handler. `{name}` is one path segment, `{name*}` the rest of the path; both arrive
    unescaped once, as keyword arguments."""

    def mark(function: Any) -> Any:
        pattern = re.sub(r"\\{(\w+)\\(\*)\\}", r"(?P<\1>.*)", re.escape(template))
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", pattern)
        function.routes = getattr(function, "routes", []) + [(method, pattern)]
        return function

    return mark


def problem(status: int, title: str, detail: str = "") -> Answer:
    """RFC 7807."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail or title}
    return Answer(status, body, {"Content-Type": "application/problem+json"})


class HttpFake:
    """Starts with `start` or `with`. At the end of a `with` that went well, a defect of the fake
    itself is raised; violations are for the test to assert on."""

    table: list[tuple[str, str, Any]] = []  # of routes; see __init_subclass__
    ignore_case = False  # of paths
    prefix = ""          # what every route begins with; may be overwritten by an instance
    tls: ssl.SSLContext | None = None  # set before the start: https, see certificates.py

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.violations: list[str] = []
        self.chunked_answers = False  # sends every body in small chunks instead of with a length
        self._requests: list[Request] = []
        self._faults: list[Fault] = []
        self._dead = False
        self._defects: list[str] = []
        self._connections: dict[int, socket.socket] = {}
        self._connection_count = 0
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self._stopped = False
        self.port = 0

    # --- life ---------------------------------------------------------------------------------

    def start(self) -> "HttpFake":
        self.listen()
        return self

    def stop(self) -> None:
        with self.changed:
            self._stopped = True
            self.changed.notify_all()
        self.refuse()
        for thread in list(self._threads):
            thread.join(5.0)

    def __enter__(self) -> Any:
        return self.start()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.stop()
        if kind is None and self._defects:
            raise AssertionError("the fake itself broke:\n" + "\n".join(self._defects))

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def listen(self) -> None:
        """Listens, again on the same port if it did before."""
        end = time.monotonic() + PORT_WAIT_S
        while True:
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", self.port))
                break
            except OSError:
                listener.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        listener.listen(128)
        with self.changed:
            self._listener, self.port = listener, listener.getsockname()[1]
        self._spawn(self._accept, listener)

    def refuse(self) -> None:
        """Closes the listener and every connection; callers get `connection refused`."""
        with self.changed:
            listener, self._listener = self._listener, None
            connections, self._connections = self._connections, {}
        if listener is not None:
            try:
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            except OSError:
                pass
            listener.close()
        for connection in connections.values():
            reset(connection)

    # --- what arrived -------------------------------------------------------------------------

    @property
    def requests(self) -> list[Request]:
        with self.changed:
            return list(self._requests)

    def requests_to(self, only: Only) -> list[Request]:
        """Those that fit a predicate, or whose `METHOD path?query` contains a regular expression."""
        probe = Fault("", None, only)
        return [request for request in self.requests if probe.fits(request)]

    def wait_for(self, only: Only, timeout: float = 10.0, answered: bool = True) -> Request:
        """The first recorded request that fits; waits until it has been answered or dropped, or
        only until its head has been read."""
        probe = Fault("", None, only)

        def found() -> Request | None:
            return next((r for r in self._requests
                         if (r.answered_at is not None or not answered) and probe.fits(r)), None)

        return self.wait_until(found, timeout, f"a request {only}")

    def wait_until(self, condition: Callable[[], Any], timeout: float = 10.0, what: str = "") -> Any:
        """Waits until `condition()` is truthy, looked at whenever a call changed the fake's state."""
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                value = condition()
                if value:
                    return value
                left = end - time.monotonic()
                if left <= 0:
                    calls = "\n".join(f"  {r.status} {r}" for r in self._requests[-20:])
                    trouble = "\n".join(self._defects + self.violations)
                    raise AssertionError(f"{what or 'the condition'} did not come in {timeout} s; "
                                         f"got:\n{calls}\n{trouble}")
                self.changed.wait(min(left, 0.05))

    def complain(self, text: str) -> None:
        """Records that a caller broke the protocol."""
        with self.changed:
            self.violations.append(text)

    # --- faults -------------------------------------------------------------------------------

    def fail_next(self, n: int = 1, status: int = 500, headers: dict[str, str] | None = None,
                  body: Any = b"", only: Only = None) -> None:
        """Answers the next n calls with `status` without looking at them."""
        self._fault(Fault("fail", n, only, Answer(status, body, headers)))

    def drop_before_body(self, n: int = 1, only: Only = None) -> None:
        """Closes the connection when the head has been read."""
        self._fault(Fault("drop_before", n, only))

    def drop_after_body(self, n: int = 1, only: Only = None, handled: bool = False) -> None:
        """Reads the whole request, then resets the connection without an answer. With `handled` the
        call has its effect and only the answer is lost."""
        self._fault(Fault("drop_after", n, only, handled=handled))

    def cut_answer(self, n: int = 1, only: Only = None, after: int = 10) -> None:
        """Handles the call and resets the connection after that many bytes of the body."""
        self._fault(Fault("cut", n, only, seconds=after))

    def slow(self, seconds: float, n: int | None = None, only: Only = None) -> None:
        """Handles and answers calls that much later; n None means all from now on."""
        self._fault(Fault("slow", n, only, seconds=seconds))

    def dead(self, on: bool = True) -> None:
        """Accepts connections and reads requests, but never answers. `dead(False)` revives; the
        connections that waited are closed then."""
        with self.changed:
            self._dead = on
            self.changed.notify_all()

    def heal(self) -> None:
        """Ends all scripted faults."""
        with self.changed:
            self._faults.clear()
        self.dead(False)

    def _fault(self, fault: Fault) -> None:
        with self.changed:
            self._faults.append(fault)

    def _take_fault(self, request: Request, kinds: tuple[str, ...]) -> Fault | None:
        with self.changed:
            for fault in self._faults:
                if fault.kind in kinds and fault.left != 0 and fault.fits(request):
                    if fault.left is not None:
                        fault.left -= 1
                    return fault
        return None

    # --- serving ------------------------------------------------------------------------------

    def not_found(self, request: Request) -> Answer:
        return Answer(404, {"message": "Not Found"})

    def authorise(self, request: Request) -> Answer | None:
        """Called before each handler; an Answer refuses the call."""
        return None

    def __init_subclass__(cls) -> None:
        """Lists the routes, those with fewer variable parts first."""
        if hidden := [name for name in vars(cls) if name in vars(HttpFake) and name.startswith("_") and name[1] != "_"]:
            raise TypeError(f"{cls.__name__} hides {hidden} of HttpFake; use other names")
        handlers = [getattr(cls, name) for name in dir(cls)]
        table = [(method, pattern, h) for h in handlers for method, pattern in getattr(h, "routes", ())]
        cls.table = sorted(table, key=lambda row: (row[1].count(".*"), row[1].count("[^/]+")))

    def handle(self, request: Request) -> Answer:
        flags = re.IGNORECASE if self.ignore_case else 0
        for method, pattern, handler in self.table:
            match = re.fullmatch(re.escape(self.prefix) + pattern, request.path, flags)
            if match and method == request.method:
                parts = {k: urllib.parse.unquote(v) for k, v in match.groupdict().items()}
                return self.authorise(request) or handler(self, request, **parts)
        return self.not_found(request)

    def _spawn(self, function: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)
        with self.changed:
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
            thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.changed:
                if self._listener is not listener:
                    reset(connection)
                    return
                self._connection_count += 1
                number = self._connection_count
                self._connections[number] = connection
            self._spawn(self._serve, connection, number)

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection = self._shake_hands(connection, number)
        except OSError:
            return  # the caller does not trust it
        stream = connection.makefile("rb")
        try:
            while self._serve_one(connection, stream, number):
                pass
        except (OSError, Cut, EOFError):
            pass
        except Exception:  # a defect of the fake: the test must hear of it
            with self.changed:
                self._defects.append(traceback.format_exc())
                self.changed.notify_all()
        finally:
            with self.changed:
                self._connections.pop(number, None)
            stream.close()
            connection.close()

    def _shake_hands(self, connection: socket.socket, number: int) -> socket.socket:
        if self.tls is None:
            return connection
        try:
            secured = self.tls.wrap_socket(connection, server_side=True)
        except OSError:
            with self.changed:
                self._connections.pop(number, None)
            connection.close()
            raise
        with self.changed:
            self._connections[number] = secured
        return secured

    def _serve_one(self, connection: socket.socket, stream: Any, number: int) -> bool:
        """Whether the connection stays open for another request."""
        head = read_head(stream)
        if head is None:
            return False
        method, target, headers = head
        path, _, raw_query = target.partition("?")
        query = dict(urllib.parse.parse_qsl(raw_query, keep_blank_values=True))
        request = Request(time.monotonic(), method, path, query, headers, b"", raw_query, number)
        with self.changed:
            self._requests.append(request)
        try:
            answer = self._exchange(connection, stream, request)
        finally:
            with self.changed:
                if request.answered_at is None:
                    request.answered_at = time.monotonic()
                self.changed.notify_all()
        if answer is None:
            return False
        keep = headers.get("connection", "").lower() != "close"
        write_answer(connection, answer, request.method, keep, self.chunked_answers)
        return keep

    def _exchange(self, connection: socket.socket, stream: Any, request: Request) -> Answer | None:
        """None when the connection must end without an answer."""
        if self._take_fault(request, ("drop_before",)):
            reset(connection)
            return None
        if request.headers.get("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            request.body = read_body(stream, request.headers)
        except (Malformed, NoLength) as error:
            self.complain(f"{request}: {error}")
            return Answer(411 if isinstance(error, NoLength) else 400, str(error))
        slow = self._take_fault(request, ("slow",))
        if slow:
            self._pause(slow.seconds)
        if self._wait_while_dead():
            return None
        fault = self._take_fault(request, ("fail", "drop_after", "cut"))
        if fault and fault.kind == "drop_after" and not fault.handled:
            reset(connection)
            return None
        if fault and fault.kind == "fail":
            assert fault.answer is not None
            answer = dataclasses.replace(fault.answer)
        else:
            answer = self._handle(request)
        if fault and fault.kind == "drop_after":
            reset(connection)
            return None
        if fault and fault.kind == "cut":
            answer.cut_after = int(fault.seconds)
        with self.changed:
            request.status, request.answered_at = answer.status, time.monotonic()
        return answer

    def _handle(self, request: Request) -> Answer:
        with self.changed:
            try:
                return self.handle(request)
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                self.complain(f"{request}: the body is not what it says: {error}")
                return Answer(400, {"message": "Problems parsing JSON"})

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self.changed:
            while not self._stopped and time.monotonic() < end:
                self.changed.wait(max(0.0, end - time.monotonic()))

    def _wait_while_dead(self) -> bool:
        """Whether it was dead."""
        with self.changed:
            was = self._dead
            while self._dead and not self._stopped:
                self.changed.wait()
            return was

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Does something after a while, unless the fake has been stopped by then."""

        def run() -> None:
            self._pause(seconds)
            with self.changed:
                if not self._stopped:
                    action()
                    self.changed.notify_all()

        self._spawn(run)

    def until_stopped(self, seconds: float) -> Iterator[None]:
        """Yields whenever the state changed or `seconds` have passed; ends when the fake stops."""
        while True:
            with self.changed:
                if self._stopped:
                    return
                self.changed.wait(seconds)
            yield
