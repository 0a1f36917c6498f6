# SPDX-License-Identifier: MIT
"""Logs and artifacts of gates, and their results as one JUnit file."""
import hashlib
import http.client
import io
import json
import pathlib
import threading
import urllib.parse
import xml.etree.ElementTree as ElementTree
import zipfile

import pytest

from baton_server import wait_for
from gate_world import Gates, configuration, id_of

JUNIT = """<testsuites><testsuite name="{name}" tests="2" failures="{failures}">
<testcase classname="c" name="one"/><testcase classname="c" name="two">{body}</testcase>
</testsuite></testsuites>"""
GOOD = JUNIT.format(name="good", failures=0, body="")
BAD = JUNIT.format(name="bad", failures=1, body='<failure message="too slow"/>')


@pytest.fixture
def gates(make_server):
    return Gates(make_server(configuration()))


def say(gates, gate, text, expect=200):
    answer = gates.server.post(f"/api/v1/gates/{id_of(gate)}/log", text.encode(),
                               headers={"Content-Type": "text/plain; charset=utf-8"})
    assert answer.status == expect, answer
    return answer


def log_of(gates, gate, **headers):
    return gates.server.get(f"/api/v1/gates/{id_of(gate)}/log", headers=headers)


class Stream:
    """Server-sent events of a gate's log, read on a thread."""

    def __init__(self, gates, gate, last=None):
        parts = urllib.parse.urlsplit(gates.server.url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        headers = {"Authorization": f"Bearer {gates.server.token}", "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = last
        self.connection.request("GET", f"/api/v1/gates/{id_of(gate)}/log", headers=headers)
        self.answer = self.connection.getresponse()
        self.events, self.ended = [], False
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        event = {}
        for raw in self.answer:
            line = raw.decode().rstrip("\n")
            if not line and event:
                self.events.append(event)
                event = {}
            elif line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
        self.ended = True

    @property
    def lines(self):
        return [e["data"] for e in self.events if e.get("event") == "log"]


# --- the log --------------------------------------------------------------------------------------

def test_a_log_is_appended_and_read_in_pieces(gates):
    gate = gates.open()
    assert log_of(gates, gate).body == b""
    say(gates, gate, "one\n")
    assert say(gates, gate, "zwölf").json == {"log_bytes": 11}
    whole = log_of(gates, gate)
    assert whole.body.decode() == "one\nzwölf\n" and whole.headers["Content-Type"].startswith("text/plain")
    assert gates.get(gate)["log_bytes"] == 11
    part = log_of(gates, gate, Range="bytes=4-")
    assert (part.status, part.body.decode()) == (206, "zwölf\n")
    assert part.headers["Content-Range"] == "bytes 4-10/11"
    assert log_of(gates, gate, Range="bytes=99-").status == 416
    gates.decide(gate)
    say(gates, gate, "late", expect=409)
    assert log_of(gates, gate).body.decode() == "one\nzwölf\n"
    say(gates, "gat_nix", "x", expect=404)


def test_a_log_is_followed(gates):
    gate = gates.open()
    say(gates, gate, "one\ntwo\n")
    stream = Stream(gates, gate)
    assert stream.answer.status == 200 and stream.answer.headers["Content-Type"].startswith("text/event-stream")
    wait_for(lambda: stream.lines == ["one", "two"], what="what was said before")
    say(gates, gate, "three")
    wait_for(lambda: stream.lines == ["one", "two", "three"], what="what is said now")
    second = [e for e in stream.events if e.get("event") == "log"][1]["id"]
    rest = Stream(gates, gate, last=second)
    wait_for(lambda: rest.lines == ["three"], what="the rest")
    gates.decide(gate, "failed", reason="no")
    for each in (stream, rest):
        wait_for(lambda: each.ended, what="the end of the stream")
        last = each.events[-1]
        assert last["event"] == "decided" and json.loads(last["data"])["verdict"] == "failed"
    over = Stream(gates, gate)
    wait_for(lambda: over.ended and over.lines == ["one", "two", "three"], what="all of it at once")
    refused = gates.server.get(f"/api/v1/gates/{gate['id']}/log",
                               headers={"Accept": "text/event-stream", "Last-Event-ID": "x"})
    assert refused.status == 400


def test_what_a_run_prints_is_the_log_of_its_gate(gates):
    gate = gates.open(subject={"suite": "bad"})
    gates.wait_end(gate)
    wait_for(lambda: b"oops\n" in log_of(gates, gate).body, what="the line of the run")
    stream = Stream(gates, gate)
    wait_for(lambda: stream.ended and "oops" in stream.lines, what="the same as events")
    cases = cases_of(gates, gate)
    assert len(cases) == 1
    assert cases[0].find("failure") is not None or cases[0].find("error") is not None


def test_a_long_log_comes_whole(gates):
    gate = gates.open()
    block = "".join(f"line {n} {'x' * 90}\n" for n in range(9000))
    for _ in range(3):
        say(gates, gate, block)
    assert log_of(gates, gate).body.decode() == block * 3
    gates.decide(gate)
    stream = Stream(gates, gate)
    wait_for(lambda: stream.ended, 60, "the end")
    assert len(stream.lines) == 27000 and stream.lines[9000] == stream.lines[0]


def test_a_line_without_end_comes_in_pieces(gates):
    gate = gates.open()
    line = "äx" * 150_000
    say(gates, gate, line + "\nand another\n")
    stream = Stream(gates, gate)
    wait_for(lambda: stream.lines[-1:] == ["and another"], what="the lines")
    pieces = stream.lines[:-1]
    assert "".join(pieces) == line, "no character is taken apart"
    assert max(len(piece.encode()) for piece in pieces) <= 64 << 10
    events = [e for e in stream.events if e.get("event") == "log"]
    rest = Stream(gates, gate, last=events[2]["id"])
    wait_for(lambda: rest.lines == stream.lines[3:], what="the rest, from the middle of the line")


# --- artifacts ------------------------------------------------------------------------------------

def put(gates, gate, path, data, expect=201, **headers):
    answer = gates.server.request("PUT", f"/api/v1/gates/{id_of(gate)}/artifacts/{path}", data, headers=headers)
    assert answer.status == expect, (path, answer)
    return answer


def fetch(gates, gate, path, **headers):
    return gates.server.get(f"/api/v1/gates/{id_of(gate)}/artifacts/{path}", headers=headers)


def test_artifacts_are_put_and_fetched(gates):
    gate = gates.open()
    made = put(gates, gate, "reports/a.html", b"<b>hi</b>", **{"Content-Type": "text/html"})
    assert made.headers["ETag"] and made.headers["Location"].endswith("/artifacts/reports/a.html")
    got = fetch(gates, gate, "reports/a.html")
    assert (got.status, got.body, got.headers["ETag"]) == (200, b"<b>hi</b>", made.headers["ETag"])
    assert got.headers["Content-Disposition"].startswith("attachment") and "sandbox" in got.headers[
        "Content-Security-Policy"]
    assert fetch(gates, gate, "reports/a.html", **{"If-None-Match": made.headers["ETag"]}).status == 304
    part = fetch(gates, gate, "reports/a.html", Range="bytes=3-4")
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"hi", "bytes 3-4/9")
    assert fetch(gates, gate, "reports/a.html", Range="bytes=-4").body == b"</b>"
    assert fetch(gates, gate, "reports/a.html", Range="bytes=9-").status == 416
    put(gates, gate, "reports/a.html", b"2", 412, **{"If-Match": '"other"'})
    put(gates, gate, "reports/a.html", b"2", 200, **{"If-Match": made.headers["ETag"]})
    put(gates, gate, "reports/a.html", b"3", 412, **{"If-None-Match": "*"})
    assert fetch(gates, gate, "reports/a.html").body == b"2"
    gates.decide(gate)
    put(gates, gate, "after the verdict.txt".replace(" ", "%20"), b"")
    items = gates.server.api("GET", f"/gates/{gate['id']}/artifacts")["items"]
    assert [(i["path"], i["size"]) for i in items] == [("after the verdict.txt", 0), ("reports/a.html", 1)]
    assert gates.server.request("PUT", "/api/v1/gates/gat_nix/artifacts/a", b"").status == 404


@pytest.mark.parametrize("path", ["../x", "a/../../x", "%2e%2e/x", "a/%2E%2E/x", "..%2fx", "%2fetc%2fpasswd", "a%00b",
                                  "a//b", "a%5c..%5cb", "./a", "a%0ab", "a/.", "%2e"])
def test_paths_that_lead_elsewhere_are_refused(gates, path):
    gate = gates.open()
    answer = gates.server.request("PUT", f"/api/v1/gates/{gate['id']}/artifacts/{path}", b"x")
    assert 400 <= answer.status < 500, answer
    assert 400 <= fetch(gates, gate, path).status < 500
    assert gates.server.api("GET", f"/gates/{gate['id']}/artifacts")["items"] == []


def test_artifacts_as_one_zip(gates):
    gate = gates.open(subject={"suite": "good"})
    gates.wait_end(gate)
    data = {"a.txt": b"a" * 100_000, "deep/er/b.bin": bytes(range(256)) * 300, "deep/empty": b"", "ü.txt": b"u"}
    for path, content in data.items():
        put(gates, gate, urllib.parse.quote(path), content)
    answer = gates.server.get(f"/api/v1/gates/{gate['id']}/artifacts.zip")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
        assert packed.testzip() is None
        assert {n: packed.read(n) for n in packed.namelist() if n in data} == data
    empty = gates.open()
    answer = gates.server.get(f"/api/v1/gates/{empty['id']}/artifacts.zip")
    assert zipfile.ZipFile(io.BytesIO(answer.body)).namelist() == []


@pytest.mark.parametrize("subject", [{"external": True}, {"suite": "long"}])
def test_one_that_is_not_there_may_come_until_the_gate_has_ended(gates, subject):
    gate = gates.open(subject=subject)
    early = fetch(gates, gate, "a.txt")
    assert (early.status, early.headers["Retry-After"]) == (425, str(early.json["retry_after_s"]))
    path = f"/api/v1/gates/{gate['id']}/artifacts/a.txt"
    head = gates.server.request("HEAD", path)
    assert head.status == 425 and head.headers["Retry-After"]
    put(gates, gate, "a.txt", b"x")
    assert fetch(gates, gate, "a.txt").body == b"x"
    gates.server.api("POST", f"/gates/{gate['id']}/cancel")
    assert fetch(gates, gate, "b.txt").status == 404 and gates.server.request("HEAD", path[:-5] + "b.txt").status == 404


def test_artifacts_kept_elsewhere_are_pointed_to(gates):
    gate = gates.open()
    put(gates, gate, "mine.txt", b"1")
    gates.decide(gate, artifacts=[{"path": "video.mp4", "url": "https://files.example/v.mp4"}])
    items = gates.server.api("GET", f"/gates/{gate['id']}/artifacts")["items"]
    assert [i["path"] for i in items] == ["mine.txt", "video.mp4"]
    assert items[1]["url"] == "https://files.example/v.mp4"
    answer = fetch(gates, gate, "video.mp4")
    assert (answer.status, answer.headers["Location"]) == (302, "https://files.example/v.mp4")
    packed = zipfile.ZipFile(io.BytesIO(gates.server.get(f"/api/v1/gates/{gate['id']}/artifacts.zip").body))
    assert {name: packed.read(name) for name in packed.namelist()} == {
        "mine.txt": b"1", "video.mp4.url.txt": b"https://files.example/v.mp4\n"}


def test_large_artifacts_pass_without_being_held(gates):
    gate, piece, pieces = gates.open(), bytes(range(256)) * 4096, 200
    put(gates, gate, "warm-up", piece)
    fetch(gates, gate, "warm-up")
    status = pathlib.Path(f"/proc/{gates.server.process.pid}/status")

    def resident_kib():
        """Without what is mapped from files, which the kernel takes back whenever it wants."""
        return sum(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("RssAnon"))

    before = resident_kib()
    parts = urllib.parse.urlsplit(gates.server.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    auth = {"Authorization": f"Bearer {gates.server.token}"}
    connection.request("PUT", f"/api/v1/gates/{gate['id']}/artifacts/big", (piece for _ in range(pieces)),
                       {**auth, "Content-Length": str(len(piece) * pieces)})
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    answer.read()
    digest, most = hashlib.sha256(), resident_kib()
    connection.request("GET", f"/api/v1/gates/{gate['id']}/artifacts/big", headers=auth)
    answer = connection.getresponse()
    while block := answer.read(len(piece)):
        digest.update(block)
        most = max(most, resident_kib())
    connection.close()
    assert digest.digest() == hashlib.sha256(piece * pieces).digest()
    assert most - before < 16 * 1024, f"{most - before} KiB for {len(piece) * pieces} bytes"


# --- results --------------------------------------------------------------------------------------

def cases_of(gates, gate):
    answer = gates.server.get(f"/api/v1/gates/{id_of(gate)}/junit.xml")
    assert answer.status == 200 and "xml" in answer.headers["Content-Type"], answer
    return list(ElementTree.fromstring(answer.body).iter("testcase"))


def bad_of(cases):
    return [c.get("name") for c in cases if c.find("failure") is not None or c.find("error") is not None]


def test_reports_are_merged_into_one(gates):
    gate = gates.open()
    put(gates, gate, "a/junit.xml", GOOD.encode())
    put(gates, gate, "b/junit.xml", BAD.encode())
    put(gates, gate, "page.xml", b"<html/>")
    put(gates, gate, "broken.xml", b"<testsuites><testsuite")
    gates.decide(gate, "failed", reason="1 of 4")
    cases = cases_of(gates, gate)
    assert sorted(c.get("name").split("/")[-1].split(".")[-1] for c in cases).count("one") == 2 and len(cases) >= 4
    assert [name for name in bad_of(cases) if "two" in name]
    assert all(c.find("failure") is None or "too slow" in c.find("failure").get("message") for c in cases)


@pytest.mark.parametrize("verdict", ["failed", "errored", "cancelled", "timed_out"])
def test_a_verdict_without_results_is_no_empty_report(gates, verdict):
    """A step that publishes results must not pass because there are none."""
    gate, passing = gates.open(name="deploy?"), gates.open()
    assert bad_of(cases_of(gates, gate)), "pending is not passed"
    gates.decide(gate, verdict, reason="nobody knows")
    (case,) = cases_of(gates, gate)
    assert bad_of([case]) and b"nobody knows" in ElementTree.tostring(case)
    put(gates, passing, "junit.xml", GOOD.encode())
    gates.decide(passing, verdict, reason="broke off")
    assert len(bad_of(cases_of(gates, passing))) == 1, "the tests that ran passed, the gate did not"


def test_a_verdict_that_passed_reports_so(gates):
    gate = gates.open()
    gates.decide(gate, "passed")
    cases = cases_of(gates, gate)
    assert len(cases) == 1 and bad_of(cases) == []
