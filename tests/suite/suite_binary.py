# SPDX-License-Identifier: MIT
"""Runs a suite binary and reads what it says."""
import json
import os
import pathlib
import subprocess

BUILD = pathlib.Path(os.environ.get("BATON_BUILD", "build/dev")).resolve()
SOURCE = pathlib.Path(os.environ.get("BATON_SOURCE", ".")).resolve()


def start(name, *arguments, env=None, **more):
    variables = {k: v for k, v in os.environ.items() if not k.startswith("BATON_")}
    # The sanitizer's own report of a deliberate crash would only slow the tests down.
    variables["ASAN_OPTIONS"] = "handle_segv=0:handle_abort=0:detect_leaks=0"
    variables.update(env or {})
    return subprocess.Popen([str(BUILD / "bin" / name), *map(str, arguments)], env=variables,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def run(name, *arguments, **more):
    process = start(name, *arguments, **more)
    out, err = process.communicate(timeout=120)
    process.out, process.err = out.decode("utf-8"), err.decode("utf-8", "replace")
    return process


def run_json(name, *arguments, **more):
    process = run(name, "run", "--output", "json", *arguments, **more)
    assert process.out, process.err
    return process, json.loads(process.out)


def by_name(report):
    return {test["name"]: test for suite in report["suites"] for test in suite["tests"]}


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
