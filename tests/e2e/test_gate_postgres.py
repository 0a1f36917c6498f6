# SPDX-License-Identifier: MIT
"""Gates on PostgreSQL: the stories of the other files that lean on the database most, told again, and one
that is killed at every step."""
import itertools
import json

import pytest

from baton_server import BATON, wait_for
from gate_world import Gates
from postgres_cluster import PostgresCluster
from fakes.gocd import FakeGocd
# Told again on this database.
from test_gate_crashes import (  # noqa: F401
    test_deadlines_come_through_a_crash, test_gocd_starts_each_stage_once, test_retries_come_through_a_crash,
    test_webhooks_arrive_once_or_twice)
from test_gate_files import (  # noqa: F401
    log_of, put, say, test_a_log_is_appended_and_read_in_pieces, test_a_log_is_followed,
    test_artifacts_are_put_and_fetched, test_reports_are_merged_into_one)
from test_gates import (  # noqa: F401
    gates, hooks, test_a_gate_is_decided_once, test_a_gate_holds_its_environment_until_the_verdict_is_delivered,
    test_a_run_answers_the_gate_that_started_it, test_dead_deliveries_are_redriven_by_hand, test_lists,
    test_the_same_request_opens_one_gate, test_verdicts_that_race_have_one_winner)

NAMES = itertools.count(1)


@pytest.fixture(scope="module")
def cluster():
    made = PostgresCluster()
    yield made
    made.stop()


@pytest.fixture
def keep(cluster):
    """A database of its own for each server; logs and artifacts stay in its folder."""

    def keep_in(server):
        url = cluster.database(f"baton{next(NAMES)}")
        server.extra_env["BATON_FILES"] = str(server.data)
        server.command = lambda: [BATON, "serve", "--data", url, "--listen", "127.0.0.1:0",
                                  *(["--config", str(server.config)] if server.configured else [])]
        return server

    return keep_in


def test_a_gate_lives_through_a_kill_at_every_step(make_server):
    with FakeGocd(tokens={"the-token": "baton"}) as gocd:
        gocd.pipeline("p", ["build", "accept"])
        links = {"gocd": {"main": {"url": gocd.url, "token": {"env": "TOKEN"}}}}
        retry = {"first": "50ms", "max": "200ms", "give_up_after": "60s"}
        server = make_server(json.dumps({"links": links, "deliveries": {"retry": retry}}), env={"TOKEN": "the-token"})
        gates = Gates(server)

        def again():
            server.kill()
            server.start()

        stage = {"pipeline": "p", "counter": 1, "stage": "accept"}
        gate = gates.open(key="go", timeout="1h", deliver=[{"link": "gocd/main", "run_stage": stage}])
        again()
        assert gates.get(gate)["state"] == "pending"
        say(gates, gate, "half of it\n")
        put(gates, gate, "a.bin", bytes(range(256)) * 4_000)
        again()
        say(gates, gate, "the rest\n")
        assert log_of(gates, gate).body == b"half of it\nthe rest\n" and gates.get(gate)["log_bytes"] == 20
        gocd.fail_next(None, 503)
        gates.decide(gate, reason="well")
        gocd.wait_for("/p/1/")
        again()
        done = gates.get(gate)
        assert (done["verdict"], done["reason"]) == ("passed", "well")
        assert done["deliveries"][0]["state"] == "queued" and not gocd.stage("p", 1, "accept").scheduled
        gocd.heal()
        gates.wait_delivered(gate)
        again()
        assert gocd.stage("p", 1, "accept").counter == 1 and gates.deliveries(gate)[0]["state"] == "delivered"
        answer = server.get(f"/api/v1/gates/{gate['id']}/artifacts/a.bin")
        assert answer.body == bytes(range(256)) * 4_000
        gates.decide(gate, "failed", expect=409)
        assert len(wait_for(lambda: gates.events("gate.late_verdict"), what="the late verdict, told")) == 1
