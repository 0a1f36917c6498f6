# SPDX-License-Identifier: MIT
"""Every example, as its README says: unchanged suites of many tools, and a program with its own server."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from baton_server import Server, wait_for

BUILD = pathlib.Path(os.environ.get("BATON_BUILD", "build/dev"))
CONFIG = BUILD / "examples/baton.yaml"
SUITES = re.findall(r"name: (\w+), namespace: examples", CONFIG.read_text()) if CONFIG.exists() else []
# What a suite needs that is not part of building Baton.
NEEDS = {"go": "go", "playwright": "chromium"}


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("examples"), args=["--config", str(CONFIG)])
    yield server.start()
    server.stop()


@pytest.mark.parametrize("suite", SUITES)
def test_the_example_suites_pass(examples, suite):
    if suite in NEEDS and not shutil.which(NEEDS[suite]):
        pytest.skip(f"{NEEDS[suite]} is not installed")
    if suite == "playwright" and not (CONFIG.parent / "playwright/node_modules").exists():
        pytest.skip("./dev setup --all installs its npm packages")
    run = examples.run(f"examples/{suite}", seconds=240)
    tests = examples.tests(run["id"])
    told = {name: [a.get("message") for a in test["attempts"]] for name, test in tests.items()
            if test["verdict"] not in ("passed", "skipped", "flaky")}
    assert run["verdict"] == "passed", (run, told)
    assert run["counts"]["total"] == len(tests) >= 1


def test_a_program_serves_its_own_suite_and_its_hooks_see_every_result(tmp_path):
    program = BUILD / "bin/examples/embedded-server"
    output = tmp_path / "out.txt"
    server = Server(tmp_path)
    server.command = lambda: [str(program), "serve", "--data", str(server.data), "--listen", "127.0.0.1:0"]
    server.log = output
    server.start()
    try:
        run = server.run("embedded/greeting")
        assert (run["verdict"], run["flaky"]) == ("passed", True)
        text = wait_for(lambda: "run 1 passed (flaky)" in server.read_log() and server.read_log(), what="the hooks")
        assert "embedded/greeting: needs_a_second_try, attempt 1: failed" in text
        assert "embedded/greeting: needs_a_second_try, attempt 2: passed" in text
        added = lambda: server.tests(run["id"])["says_hello"]["attempts"][0]["values"].get("seen_by")
        assert wait_for(added, what="the added context") == "embedded-server"
    finally:
        assert server.stop() == 0


def test_a_suite_program_runs_headless(tmp_path):
    done = subprocess.run([str(BUILD / "bin/examples/embedded-server"), "run", "--junit", str(tmp_path / "o.xml")],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "flaky" in (tmp_path / "o.xml").read_text().lower()
