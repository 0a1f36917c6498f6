#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two gates of one pipeline, answered by webhook: `./demo.py [DATA]`. `baton` is taken from the path, or from
BATON."""
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from receiver import Receiver

BATON = os.environ.get("BATON", "baton")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of this demonstration only
CONFIG = """
suites:
  - {{name: smoke, namespace: shop, kind: command, command: [sh, -c, 'echo "build $BATON_PARAM_BUILD is fine"']}}
links:
  webhook: {{ci: {{url: "http://127.0.0.1:{port}/hook", secret: {{env: HOOK_SECRET}}}}}}
"""


def baton(*words, **more):
    done = subprocess.run([BATON, *words], text=True, stdout=subprocess.PIPE, check=False, **more)
    sys.stdout.write(f"$ baton {' '.join(words)}\n{done.stdout}")
    sys.stdout.write(f"exit code {done.returncode}\n" if done.returncode else "")
    return done.stdout.strip()


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit("demo: it did not happen within 30 s")
        time.sleep(0.05)


def pipeline(told):
    # A gate whose tests are a suite of this server.
    baton("gate", "open", "--suite", "shop/smoke", "--param", "build=1", "--key", "shop/1", "--deliver", "webhook/ci")
    baton("gate", "wait", "--key", "shop/1")
    # A gate whose tests run elsewhere: they say what they print, and what they found.
    gate = baton("gate", "open", "--external", "--key", "shop/2", "--timeout", "2h", "--deliver", "webhook/ci")
    baton("gate", "log", gate, "--append", input="1 of 2 passed\n2 of 2 failed\n")
    baton("gate", "verdict", gate, "failed", "--reason", "1 of 2 failed")
    baton("gate", "wait", gate)
    baton("gate", "log", gate)
    until(lambda: len(told) == 2)
    baton("gate", "ls")


def main(data):
    told = []
    Receiver.tell = lambda line: (told.append(line), print(line, flush=True))
    hooks = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=hooks.serve_forever, daemon=True).start()
    data.mkdir(parents=True, exist_ok=True)
    config = data / "baton.yaml"
    config.write_text(CONFIG.format(port=hooks.server_port))
    os.environ["HOOK_SECRET"] = SECRET
    address = data / "server.json"
    address.unlink(missing_ok=True)
    with open(data / "server.log", "w", encoding="utf-8") as log:
        server = subprocess.Popen([BATON, "serve", "--config", str(config), "--data", str(data), "--listen",
                                   "127.0.0.1:0"], stdout=log, stderr=log)
    try:
        until(lambda: address.exists() and (data / "admin-token").exists())
        os.environ["BATON_URL"] = json.loads(address.read_text())["url"]
        os.environ["BATON_TOKEN"] = (data / "admin-token").read_text().strip()
        until(lambda: subprocess.run([BATON, "api", "/readyz"], capture_output=True, check=False).returncode == 0)
        pipeline(told)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(pathlib.Path(folder))
