# SPDX-License-Identifier: MIT
"""Schedules by the clock: they fire, they survive a restart, they stop when they should."""
from baton_server import wait_for

CONFIG = r"""
suites:
  - {name: ok, kind: command, command: ['true']}
schedules:
  - {name: declared, suite: ok, cron: "0 2 * * *", time_zone: Europe/Vienna}
"""


def runs_of(server, schedule):
    return [r for r in server.api("GET", "/runs?limit=100")["items"] if r["triggered_by"].endswith(schedule)]


def test_a_schedule_fires_every_second_until_max_runs(make_server):
    server = make_server(CONFIG)
    made = server.api("PUT", "/schedules/often", {"suite": "ok", "cron": "* * * * * *", "max_runs": 2})
    assert made["next_at"]
    done = wait_for(lambda: (s := server.api("GET", "/schedules/often"))["run_count"] == 2 and s, what="two runs")
    assert done.get("next_at") is None
    assert server.finish(done["last_run"])["verdict"] == "passed"


def test_schedules_persist_pause_and_are_validated(make_server):
    server = make_server(CONFIG)
    assert server.api("GET", "/schedules/declared")["time_zone"] == "Europe/Vienna"
    server.api("PUT", "/schedules/declared", {"suite": "ok", "cron": "* * * * *"}, expect=409)
    server.api("PUT", "/schedules/mine", {"suite": "ok", "every": "1h", "overlap": "queue", "catch_up": "none"})
    assert server.api("POST", "/schedules/mine/pause")["paused"] is True
    server.stop()
    server.start()
    assert server.api("GET", "/schedules/mine")["paused"] is True
    assert server.api("POST", "/schedules/mine/resume")["paused"] is False
    for bad in ({"suite": "ok"},
                {"suite": "ok", "cron": "61 * * * *"},
                {"suite": "ok", "cron": "* * * * *", "time_zone": "Mars/X"},
                {"suite": "ok", "cron": "* * * * *", "every": "1h"},
                {"suite": "ok", "every": "1h", "overlap": "maybe"}):
        server.api("PUT", "/schedules/bad", bad, expect=400)
    server.api("PUT", "/schedules/bad", {"suite": "nope", "every": "1h"}, expect=404)
    run = server.api("POST", "/schedules/mine/trigger")
    assert server.finish(run["id"])["verdict"] == "passed"


def test_what_a_file_declares_paused_is_not_started(make_server):
    config = """
suites: [{name: quick, kind: command, command: ['true']}]
schedules: [{name: rests, suite: quick, every: 1s, paused: true}]
"""
    server = make_server(config)
    schedule = server.api("GET", "/schedules/rests")
    assert schedule["paused"] and schedule["next_at"] is None
    server.api("POST", "/schedules/rests/resume")
    wait_for(lambda: server.api("GET", "/schedules/rests")["run_count"] > 0, what="a run")
