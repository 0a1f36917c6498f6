# SPDX-License-Identifier: MIT
"""`baton lock`: waiting in order, handing over, and commands that never outlive their lease."""
import signal
import time

import pytest

from baton_server import BATON, wait_for
from lock_world import STUBBORN, Locks, Proxy, alive, end, parse_time


@pytest.fixture
def locks(make_server, tmp_path):
    return Locks(make_server, tmp_path)


def test_a_lock_is_made_on_first_use_waited_for_in_order_and_handed_over(locks):
    server = locks.server
    first = server.cli("lock", "acquire", "deploy-or-test", "--wait", "10m", "--holder", "a", check=0)
    lease = first.stdout.strip()
    assert lease.startswith("lse_") and "\n" not in lease
    waiting = []
    for name in ("b", "c", "d"):
        waiting.append(locks.start("lock", "acquire", "deploy-or-test", "--wait", "10m", "--holder", name))
        locks.until_queued(*("b", "c", "d")[:len(waiting)], environment="deploy-or-test")
    for name, process in zip("bcd", waiting):
        server.cli("lock", "release", lease, check=0)
        out, err = end(process, 0)
        lease = out.strip()
        assert locks.holders("deploy-or-test") == [name]
        assert "position" in err and "after a" in err
    server.cli("lock", "release", "deploy-or-test", "--holder", "d", check=0)
    assert locks.environment("deploy-or-test")["slots_free"] == 1


def test_a_wait_that_is_over_exits_with_20_and_names_the_holder(locks):
    server = locks.server
    lease = server.cli("lock", "acquire", "uat", "--holder", "shop/41", "--reason", "release 7").stdout.strip()
    begun = time.monotonic()
    late = server.cli("lock", "acquire", "uat", "--wait", "1s", check=20)
    assert time.monotonic() - begun < 8
    assert "shop/41" in late.stderr and "release 7" in late.stderr and "\nfix: " in late.stderr
    assert late.stdout == ""
    assert "shop/41" in server.cli("lock", "acquire", "uat", check=20).stderr
    assert "shop/41" in server.cli("lock", "exec", "uat", "--", "true", check=20).stderr
    assert locks.queue() == []
    server.cli("lock", "release", lease, check=0)
    server.cli("env", "maintenance", "uat", "--reason", "new disks", check=0)
    assert "new disks" in server.cli("lock", "acquire", "uat", "--wait", "1s", check=22).stderr
    server.cli("lock", "acquire", "uat", env={"BATON_TOKEN": "wrong"}, check=4)
    server.cli("lock", "acquire", check=2)
    server.cli("lock", "exec", "uat", check=2)


def test_exec_hands_on_environment_code_and_signals(locks):
    server = locks.server
    server.cli("env", "set", "uat", "--property", "base-url=https://uat.corp", "--slots", "2", check=0)
    done = server.cli("lock", "exec", "uat", "--", "sh", "-c",
                      'echo $BATON_ENVIRONMENT $BATON_ENV_BASE_URL; test $BATON_FENCE -gt 0 && '
                      'echo $BATON_LEASE; cat; exit 7', stdin="given", check=7)
    words = done.stdout.split()
    assert words[:2] == ["uat", "https://uat.corp"] and words[3] == "given"
    lease = server.api("GET", f"/leases/{words[2]}")
    assert (lease["state"], lease["outcome"]) == ("released", "clean")
    missing = server.cli("lock", "exec", "uat", "--", "/no/such/program", check=127).stderr
    assert "\nbaton: lock exec: /no/such/program: " in missing and "\nfix: " in missing
    failed = server.cli("lock", "exec", "uat", "--dirty-on-failure", "--", "sh", "-c",
                        "echo $BATON_LEASE; exit 1", check=1)
    assert server.api("GET", f"/leases/{failed.stdout.strip()}")["outcome"] == "dirty"
    asked = locks.exec("a", 'trap "exit 9" USR1; echo 1 > $FOLDER/ready; while :; do sleep 0.02; done')
    wait_for(lambda: (locks.folder / "ready").exists(), what="the command")
    asked.send_signal(signal.SIGUSR1)
    end(asked, 9)
    killed = locks.exec("a", "echo $$ > $FOLDER/a.pid; sleep 60")
    locks.pid("a")
    killed.send_signal(signal.SIGTERM)
    end(killed, 143)
    last = server.api("GET", "/leases?holder=a")["items"][0]
    assert (last["state"], last["outcome"]) == ("released", "dirty")


def test_a_lease_of_a_dead_holder_goes_to_the_next_after_its_time(locks):
    first = locks.start("lock", "exec", "uat", "--holder", "a", "--ttl", "2s", "--", "sleep", "60")
    locks.until_held_by("a")
    waiting = locks.exec("b", "date +%s.%N > $FOLDER/b.began", "--wait", "1m")
    locks.until_queued("b")
    first.kill()
    end(waiting, 0)
    assert (locks.folder / "b.began").exists()
    # `lock acquire` holds by its word alone: nobody renews it.
    locks.server.cli("lock", "acquire", "db", "--ttl", "1s", check=0)
    assert locks.server.cli("lock", "acquire", "db", "--wait", "30s", check=0).stdout.startswith("lse_")


@pytest.mark.parametrize("what", ["stopped", "killed"])
def test_the_tree_is_dead_before_another_holds_though_lock_exec_does_nothing(locks, what):
    holder = locks.exec("a", STUBBORN, "--ttl", "2s")
    pid = locks.pid("a")
    waiting = locks.exec("b", "date +%s.%N > $FOLDER/b.began", "--wait", "1m")
    locks.until_queued("b")
    time.sleep(1)  # it was renewed meanwhile
    holder.send_signal(signal.SIGSTOP if what == "stopped" else signal.SIGKILL)
    try:
        end(waiting, 0)
        assert not alive(pid)
        assert locks.last_beat("a") < locks.granted_at("b"), "the command went on under b's lease"
    finally:
        if what == "stopped":
            holder.send_signal(signal.SIGCONT)
    if what == "stopped":
        _, err = end(holder, 21)
        assert "lease" in err and "fix:" in err
        assert locks.server.api("GET", "/leases?holder=a")["items"][0]["state"] == "expired"


def test_what_was_held_by_a_killed_lock_exec_is_given_back_by_its_guard(locks):
    holder = locks.exec("a", STUBBORN, "--ttl", "5m", "--kill-grace", "500ms")
    pid = locks.pid("a")
    waiting = locks.start("lock", "acquire", "uat", "--wait", "1m", "--holder", "b")
    locks.until_queued("b")
    holder.kill()
    end(waiting, 0)
    assert not alive(pid)
    assert locks.last_beat("a") < locks.granted_at("b")
    last = locks.server.api("GET", "/leases?holder=a")["items"][0]
    assert (last["state"], last["outcome"]) == ("released", "dirty")


def test_a_child_that_has_left_its_session_and_parent_dies_too(locks):
    script = ('(setsid sh "$FOLDER/stubborn.sh" "$1" > /dev/null 2>&1 &); '
              'while ! [ -s "$FOLDER/$1.pid" ]; do sleep 0.02; done; ')
    (locks.folder / "stubborn.sh").write_text(STUBBORN)
    # The command ends by itself: what it left is ended before the lease is given back.
    end(locks.exec("a", script + "exit 5", "--kill-grace", "300ms"), 5)
    assert not alive(locks.pid("a"))
    assert locks.last_beat("a") < parse_time(locks.server.api("GET", "/leases?holder=a")["items"][0]["ended_at"])
    # And when the time is over.
    holder = locks.exec("b", script + "sleep 60", "--ttl", "1s")
    pid = locks.pid("b")
    holder.send_signal(signal.SIGSTOP)
    wait_for(lambda: not alive(pid), what="its death")
    holder.send_signal(signal.SIGCONT)
    end(holder, 21)


def test_a_restart_of_the_server_within_the_time_keeps_the_lease_and_the_queue(locks):
    holder = locks.exec("a", "echo $BATON_LEASE; while ! [ -e $FOLDER/go ]; do sleep 0.05; done",
                        "--ttl", "10s")
    locks.until_held_by("a")
    waiting = locks.exec("b", "exit 3", "--wait", "2m")
    locks.until_queued("b")
    locks.server.kill()
    time.sleep(1)
    locks.server.start()
    assert locks.holders() == ["a"] and locks.queue() == ["b"]
    time.sleep(1)
    (locks.folder / "go").touch()
    out, _ = end(holder, 0)
    assert locks.server.api("GET", f"/leases/{out.strip()}")["state"] == "released"
    end(waiting, 3)


def test_a_lost_network_ends_the_command_in_time_and_a_short_gap_does_not(locks):
    proxy = Proxy(locks.server.url)
    short = locks.exec("a", "echo $$ > $FOLDER/a.pid; while ! [ -e $FOLDER/go ]; do sleep 0.05; done",
                       "--ttl", "8s", url=proxy.url)
    locks.pid("a")
    time.sleep(1.5)
    proxy.cut()
    time.sleep(2)
    proxy.drop()
    proxy.mend()
    time.sleep(6)
    assert short.poll() is None, short.communicate()
    (locks.folder / "go").touch()
    end(short, 0)
    long = locks.exec("b", STUBBORN, "--ttl", "3s", url=proxy.url)
    pid = locks.pid("b")
    waiting = locks.exec("c", "exit 0", "--wait", "1m")
    locks.until_queued("c")
    proxy.cut()
    end(waiting, 0)
    assert not alive(pid)
    assert locks.last_beat("b") < locks.granted_at("c")
    proxy.mend()
    end(long, 21)


def test_a_waiter_outlasts_lost_answers_without_a_second_place_in_the_queue(locks):
    proxy = Proxy(locks.server.url)
    lease = locks.server.cli("lock", "acquire", "uat", "--ttl", "5m", "--holder", "a").stdout.strip()
    waiting = locks.start("lock", "acquire", "uat", "--wait", "2m", "--holder", "b", url=proxy.url)
    locks.until_queued("b")
    for _ in range(3):
        proxy.drop()
        time.sleep(0.7)
    assert locks.queue() == ["b"]
    locks.server.cli("lock", "release", lease, check=0)
    out, _ = end(waiting, 0)
    assert locks.holders() == ["b"]
    locks.server.cli("lock", "renew", out.strip(), check=0)


def test_a_request_whose_answer_is_lost_makes_one_lease(locks):
    proxy = Proxy(locks.server.url)
    proxy.lose_answers(2)
    out, _ = end(locks.start("lock", "acquire", "uat", "--holder", "a", url=proxy.url), 0)
    assert [one["id"] for one in locks.server.api("GET", "/leases")["items"]] == [out.strip()]
    proxy.lose_answers(1)
    locks.server.cli("lock", "release", out.strip(), env={"BATON_URL": proxy.url}, check=0)
    assert locks.holders() == []


def test_a_waiter_that_was_taken_for_gone_asks_again_but_one_that_was_cancelled_does_not(locks):
    locks.server.cli("env", "set", "uat", "--keep-alive", "1s", check=0)
    lease = locks.server.cli("lock", "acquire", "uat", "--ttl", "5m", "--holder", "a").stdout.strip()
    waiting = locks.start("lock", "acquire", "uat", "--wait", "5m", "--holder", "b")
    locks.until_queued("b")
    waiting.send_signal(signal.SIGSTOP)
    wait_for(lambda: not locks.queue(), what="a queue without the waiter")
    waiting.send_signal(signal.SIGCONT)
    locks.until_queued("b")
    again = locks.environment()["queue"][0]["lease"]
    locks.server.cli("lock", "release", lease, check=0)
    assert end(waiting, 0)[0].strip() == again
    waiting = locks.start("lock", "acquire", "uat", "--wait", "5m", "--holder", "c")
    locks.until_queued("c")
    locks.server.cli("lock", "release", locks.environment()["queue"][0]["lease"], check=0)
    assert "cancelled" in end(waiting, 13)[1]


def test_a_lease_goes_from_deploy_to_test_without_a_gap(locks):
    server = locks.server
    deploy = server.cli("lock", "acquire", "uat", "--holder", "deploy", "--ttl", "5m").stdout.strip()
    third = locks.start("lock", "acquire", "uat", "--wait", "1m", "--holder", "third")
    locks.until_queued("third")
    test = locks.start("lock", "acquire", "uat", "--wait", "1m", "--holder", "test", "--ttl", "5m")
    locks.until_queued("third", "test")
    waits = next(w["lease"] for w in locks.environment()["queue"] if w["holder"]["name"] == "test")
    assert server.cli("lock", "transfer", deploy, "--to", waits, check=0).stdout.strip() == waits
    assert end(test, 0)[0].strip() == waits
    assert locks.holders() == ["test"] and locks.queue() == ["third"]
    next_one = server.cli("lock", "transfer", waits, "--to-holder", "report", check=0).stdout.strip()
    assert next_one not in (deploy, waits)
    assert locks.holders() == ["report"]
    events = server.api("GET", "/events?limit=500")["items"]
    assert not [e for e in events if e["kind"] == "lease.released"]
    server.cli("lock", "renew", deploy, check=21)
    server.cli("lock", "release", next_one, check=0)
    end(third, 0)
    # A command may hand on its own lease as its last deed.
    fourth = locks.exec("x", '"$BATON_PROGRAM" lock transfer "$BATON_LEASE" --to-holder y; exit 6',
                        environment="db", BATON_PROGRAM=BATON)
    end(fourth, 6)
    assert locks.holders("db") == ["y"]


def test_a_revoked_lease_ends_its_command_and_tells_who_and_why(locks):
    holder = locks.exec("a", STUBBORN, "--ttl", "1m")
    pid = locks.pid("a")
    lease = locks.environment()["holders"][0]["lease"]
    locks.server.cli("lock", "revoke", lease, check=2)
    locks.server.cli("lock", "revoke", lease, "--reason", "the release has to go out", check=0)
    _, err = end(holder, 21, seconds=20)
    assert not alive(pid)
    by = locks.server.api("GET", f"/leases/{lease}")["ended_by"]
    assert by and by in err and "the release has to go out" in err
    assert locks.holders() == []


@pytest.mark.parametrize("words", [("acquire",), ("exec",)])
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_stops_waiting_leaves_no_ghost_in_the_queue(locks, words, number, code):
    locks.server.cli("lock", "acquire", "uat", "--ttl", "5m", "--holder", "a", check=0)
    rest = ["--", "touch", "ran"] if words == ("exec",) else []
    waiting = locks.start("lock", *words, "uat", "--wait", "5m", "--holder", "b", *rest)
    locks.until_queued("b")
    waiting.send_signal(number)
    end(waiting, code, seconds=15)
    assert locks.queue() == []
    assert locks.server.api("GET", "/leases?holder=b")["items"][0]["state"] == "cancelled"
    assert not (locks.folder / "ran").exists()
