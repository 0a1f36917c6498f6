# SPDX-License-Identifier: MIT
"""What the tests of leases share: a server with commands that hold and wait, a network that fails, the old
service that Baton replaces."""
import contextlib
import http.server
import pathlib
import socket
import subprocess
import threading
import time
import urllib.parse

from baton_server import BATON, wait_for

# Writes its process's number, then the time every 20 ms, whatever signal comes.
STUBBORN = """
trap '' TERM INT HUP
echo $$ > "$FOLDER/$1.pid"
while :; do date +%s.%N >> "$FOLDER/$1.beats"; sleep 0.02; done
"""


class Locks:
    def __init__(self, make_server, folder):
        self.folder = folder / "work"
        self.folder.mkdir()
        self.server = make_server(args=["--listen", f"127.0.0.1:{free_port()}"])

    def start(self, *words, url=None, **env):
        environment = self.server.environment()
        environment.update(BATON_URL=url or self.server.url, BATON_TOKEN=self.server.token,
                           FOLDER=str(self.folder), **env)
        return subprocess.Popen([BATON, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, cwd=self.folder, env=environment)

    def environment(self, name="uat"):
        return self.server.api("GET", f"/environments/{name}")

    def holders(self, name="uat"):
        return [h["holder"]["name"] for h in self.environment(name)["holders"]]

    def queue(self, name="uat"):
        return [w["holder"]["name"] for w in self.environment(name)["queue"]]

    def until_held_by(self, name, environment="uat", seconds=30):
        wait_for(lambda: self.known(environment) and self.holders(environment) == [name], seconds,
                 f"{environment} held by {name}")

    def until_queued(self, *names, environment="uat"):
        wait_for(lambda: self.queue(environment) == list(names), what=f"a queue of {names}")

    def known(self, name):
        return self.server.get(f"/api/v1/environments/{name}").status == 200

    def exec(self, holder, script, *flags, environment="uat", **more):
        return self.start("lock", "exec", environment, "--holder", holder, *flags, "--",
                          "sh", "-c", script, "sh", holder, **more)

    def last_beat(self, holder):
        """When the stubborn command of that holder was last seen alive, in seconds since 1970."""
        lines = (self.folder / f"{holder}.beats").read_text().split("\n")
        return float(lines[-2])

    def granted_at(self, holder, environment="uat"):
        for lease in self.server.api("GET", f"/leases?environment={environment}")["items"]:
            if lease["holder"]["name"] == holder and "granted_at" in lease:
                return parse_time(lease["granted_at"])
        return None

    def pid(self, holder):
        path = self.folder / f"{holder}.pid"
        return int(wait_for(lambda: path.exists() and path.read_text().strip(), what=str(path)))


def parse_time(text):
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone
    return seconds + float("0." + (fraction or "0"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def end(process, code, seconds=60):
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == code, (process.returncode, out, err)
    return out, err


class Proxy:
    """A TCP proxy before the server. cut(): every connection is dead and none is made, silently."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.target = (parts.hostname, parts.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.dead = False
        self.losing = 0
        self.held = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.held.append(client)
            if not self.dead:
                server = socket.create_connection(self.target)
                self.held.append(server)
                for a, b, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self.pump, args=(a, b, answers), daemon=True).start()

    def pump(self, source, sink, answers):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while self.dead:
                    time.sleep(0.01)  # swallowed: the answer comes when the network is back
                if answers and self.losing > 0:
                    self.losing -= 1
                    break
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self):
        self.dead = True

    def lose_answers(self, count):
        """So many answers of the server never arrive; their connections are closed instead."""
        self.losing = count

    def mend(self):
        self.dead = False

    def drop(self):
        """Closes what is open: lost answers."""
        for one in self.held:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.held.clear()


class CallMe(http.server.BaseHTTPRequestHandler):
    """The old service as it answers on the wire: no body, no type, one key, a 403 for who comes late."""
    protocol_version = "HTTP/1.1"

    def answer(self, method):
        server = self.server
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        name = query["environment"][-1]
        status = 401
        if self.headers.get("X-API-KEY") == "secret":
            server.asked.append((method, name))
            if method == "POST":
                status = 403 if name in server.taken else 201
                server.taken.add(name)
            else:
                server.taken.discard(name)
                status = 204
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        self.answer("POST")

    def do_DELETE(self):
        self.answer("DELETE")

    def log_message(self, *_):
        pass
