# SPDX-License-Identifier: MIT
"""Drives the real `baton` program from outside: a server process, HTTP calls, the command line.

Nothing here knows how Baton works inside; what a test asserts is what a user can see.
"""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.parse

BATON = os.environ.get("BATON_PROGRAM", "baton")


class Answer:
    """One HTTP answer: status, headers (any case), body bytes, and the body as JSON."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


def wait_for(condition, seconds=30, what="the condition"):
    """Polls until `condition()` is truthy and returns its value; fails the test after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come within {seconds} s")
        time.sleep(0.02)


class Server:
    """A `baton serve` on a free port of 127.0.0.1 with a data folder of its own."""

    def __init__(self, folder, config=None, args=(), env=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.config = self.folder / "baton.yaml"
        self.args, self.extra_env = list(args), dict(env or {})
        self.process = None
        self.configured = config is not None
        if config is not None:
            self.config.write_text(config)
        self.log = self.folder / "server.log"

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("BATON_")}
        env.update(HOME=str(self.folder), XDG_STATE_HOME=str(self.folder / "state"),
                   XDG_CONFIG_HOME=str(self.folder / "config"), **self.extra_env)
        return env

    def command(self):
        command = [BATON, "serve", "--data", str(self.data), "--listen", "127.0.0.1:0", *self.args]
        return command + (["--config", str(self.config)] if self.configured else [])

    def start(self, ready=True):
        address = self.data / "server.json"
        address.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.folder,
                                            env=self.environment())
        if ready:
            wait_for(self.is_ready, what=f"a ready server; see {self.log}:\n{self.read_log()}")
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.read_log()}")
        try:
            self.url = json.loads((self.data / "server.json").read_text())["url"]
            self.token = (self.data / "admin-token").read_text().strip()
            return self.get("/readyz", token=None).status == 200
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            return False

    def read_log(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def kill(self):
        """SIGKILL: as a power cut for this process."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=30):
        """SIGTERM and wait. Returns the exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the server did not stop on SIGTERM") from None

    def request(self, method, path, body=None, headers=None, token="", timeout=70):
        """token: "" is the admin's, None sends none. A dict or list body is sent as JSON."""
        parts = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        headers = dict(headers or {})
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token or self.token}")
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def api(self, method, path, body=None, expect=None, **more):
        """A call below /api/v1 that must succeed (or give `expect`); returns its JSON."""
        answer = self.request(method, "/api/v1" + path, body, **more)
        if expect is None:
            assert 200 <= answer.status < 300, f"{method} {path}: {answer}"
        else:
            assert answer.status == expect, f"{method} {path}: {answer}"
        return answer.json if answer.body else None

    def run(self, suite, seconds=60, **request):
        """Starts a run and waits for its end; returns the run's document."""
        run = self.api("POST", "/runs", {"suite": suite, **request})
        return self.finish(run["id"], seconds)

    def finish(self, run, seconds=60):
        end = time.monotonic() + seconds
        while True:
            document = self.api("GET", f"/runs/{run}?wait=5s")
            if document["state"] == "finished":
                return document
            assert time.monotonic() < end, f"run {run} did not finish: {document}\n{self.read_log()}"

    def tests(self, run):
        """The run's cases by name."""
        items = self.api("GET", f"/runs/{run}/tests?limit=500")["items"]
        return {item["name"]: item for item in items}

    def cli(self, *words, check=None, stdin=None, cwd=None, env=None, timeout=120):
        """Runs `baton WORDS…` against this server; returns the completed process."""
        environment = self.environment()
        environment.update({"BATON_URL": self.url, "BATON_TOKEN": self.token, **(env or {})})
        done = subprocess.run([BATON, *words], capture_output=True, text=True, input=stdin,
                              cwd=cwd or self.folder, env=environment, timeout=timeout, check=False)
        if check is not None:
            assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
        return done


def test_processes_in(folder):
    """Pids of live test processes (they carry a run's mark) that work in `folder`."""
    found = []
    for pid in processes_with("BATON_RUN_KEY="):
        try:
            if os.readlink(f"/proc/{pid}/cwd").startswith(str(folder)):
                found.append(pid)
        except OSError:
            continue
    return found


def processes_with(text):
    """Pids of live processes whose environment or command line holds `text`."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            held = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if state != "Z" and text.encode() in held:
            found.append(int(entry.name))
    return found
