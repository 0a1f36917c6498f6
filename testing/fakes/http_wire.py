# SPDX-License-Identifier: MIT
"""HTTP/1.1 on a socket: heads, bodies with a length or in chunks, answers, multipart forms, and a
client that a fake uses for the calls which the real system makes itself."""
from __future__ import annotations

import dataclasses
import http.client
import json
import re
import socket
import struct
import time
import urllib.parse
from typing import Any, BinaryIO, Iterator, Mapping

CHUNK_BYTES = 1000  # of chunked answers; small, so that readers see several


class Cut(Exception):
    """Raised by a streaming body: the connection ends in the middle of the answer."""


class Malformed(Exception):
    """The request is not HTTP."""


class NoLength(Exception):
    """A body is announced by neither a length nor chunks."""


class Headers(Mapping[str, str]):
    """Case-insensitive; of a repeated name the values are joined by a comma."""

    def __init__(self, items: Any = ()) -> None:
        self._items: dict[str, tuple[str, str]] = {}
        for name, value in items.items() if isinstance(items, Mapping) else items:
            key = name.lower()
            if key in self._items:
                value = f"{self._items[key][1]}, {value}"
            self._items[key] = (name, value)

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()][1]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._items

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(dict(self._items.values()))


@dataclasses.dataclass
class Answer:
    """What to answer. A dict or list becomes JSON; an iterator of bytes is streamed in chunks."""

    status: int
    body: Any = b""
    headers: dict[str, str] | None = None
    cut_after: int | None = None


@dataclasses.dataclass
class Reply:
    """What a call of the fake itself got. `status` 0: no answer, `error` says why."""

    status: int
    headers: Headers
    body: bytes
    seconds: float
    error: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def reset(connection: socket.socket) -> None:
    """Ends a connection with RST; what was sent and not read yet is lost, as in a crash."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    connection.close()


def read_head(stream: BinaryIO) -> tuple[str, str, Headers] | None:
    """Method, target and headers; None when the peer has closed."""
    line = stream.readline(65537)
    if not line.strip():
        return None
    parts = line.decode("latin-1").split()
    if len(parts) != 3:
        return None
    return parts[0], parts[1], Headers(http.client.parse_headers(stream).items())


def read_body(stream: BinaryIO, headers: Headers) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return b"".join(read_chunks(stream))
    length = headers.get("content-length")
    if length is None:
        return b""
    if not length.isdigit():
        raise Malformed(f"Content-Length {length}")
    body = stream.read(int(length))
    if len(body) < int(length):
        raise EOFError
    return body


def read_chunks(stream: BinaryIO) -> Iterator[bytes]:
    while True:
        size = stream.readline(200).split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]+", size):
            raise Malformed(f"chunk size {size!r}")
        data = stream.read(int(size, 16))
        if not data:
            while stream.readline(65537).strip():
                pass  # trailers
            return
        yield data
        stream.readline(200)


def write_answer(connection: socket.socket, answer: Answer, method: str, keep: bool, chunked: bool) -> None:
    body, headers = answer.body, dict(answer.headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    elif isinstance(body, str):
        body = body.encode()
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
    if not keep:
        headers["Connection"] = "close"
    if isinstance(body, bytes) and chunked:
        whole = body
        body = (whole[i:i + CHUNK_BYTES] for i in range(0, len(whole), CHUNK_BYTES))
    bodiless = answer.status in (204, 304) or method == "HEAD"
    if not isinstance(body, bytes):
        headers["Transfer-Encoding"] = "chunked"
    elif answer.status != 204:
        headers.setdefault("Content-Length", str(len(body)))
    reason = http.client.responses.get(answer.status, "Status")
    lines = [f"HTTP/1.1 {answer.status} {reason}"] + [f"{k}: {v}" for k, v in headers.items()]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if bodiless:
        connection.sendall(head)
    elif isinstance(body, bytes):
        if answer.cut_after is not None:
            connection.sendall(head + body[:answer.cut_after])
            time.sleep(0.05)  # lets the peer read what came before the reset discards it
            reset(connection)
            raise Cut
        connection.sendall(head + body)
    else:
        connection.sendall(head)
        write_chunks(connection, body, answer.cut_after)


def write_chunks(connection: socket.socket, body: Iterator[bytes], cut_after: int | None) -> None:
    sent = 0
    try:
        for data in body:
            if cut_after is not None:
                data = data[:cut_after - sent]
            if data:
                connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
                sent += len(data)
            if cut_after is not None and sent >= cut_after:
                raise Cut
    except Cut:
        time.sleep(0.05)  # as above
        reset(connection)
        raise
    connection.sendall(b"0\r\n\r\n")


@dataclasses.dataclass
class Part:
    """One part of a multipart form."""

    name: str
    filename: str | None
    headers: Headers
    body: bytes


def parts_of(body: bytes, content_type: str) -> list[Part] | None:
    """The parts of multipart/form-data, byte for byte; None when it is something else or broken."""
    match = re.match(r"multipart/form-data;.*boundary=\"?([^\";]+)\"?", content_type, re.IGNORECASE)
    if not match:
        return None
    marker = b"\r\n--" + match[1].encode()
    sections = (b"\r\n" + body).split(marker)
    if len(sections) < 2 or not sections[-1].startswith(b"--"):
        return None
    parts = []
    for section in sections[1:-1]:
        head, _, data = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = [line.partition(":") for line in head.decode().split("\r\n") if line]
        headers = Headers([(name.strip(), value.strip()) for name, _, value in lines])
        disposition = headers.get("content-disposition", "")
        name = re.search(r'[; ]name="([^"]*)"', disposition)
        filename = re.search(r'filename="([^"]*)"', disposition)
        if not name:
            return None
        parts.append(Part(name[1], filename[1] if filename else None, headers, data))
    return parts


def call(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None,
         timeout: float = 20.0) -> Reply:
    """One call on a connection of its own. Never raises for what the peer does; see Reply."""
    parts = urllib.parse.urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        if not any(name.lower() == "content-type" for name in sent):
            sent["Content-Type"] = "application/json"
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    begin = time.monotonic()
    try:
        connection.request(method, target, body, sent)
        response = connection.getresponse()
        data = response.read()
        return Reply(response.status, Headers(response.getheaders()), data, time.monotonic() - begin)
    except (OSError, http.client.HTTPException) as error:
        name = "time-out" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
        return Reply(0, Headers(), b"", time.monotonic() - begin, name)
    finally:
        connection.close()
