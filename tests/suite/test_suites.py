# SPDX-License-Identifier: MIT
"""Suite binaries on a bad day: every attempt gets its right outcome and nothing is left behind."""
import os
import pathlib
import resource
import signal
import time
import xml.etree.ElementTree as ElementTree

import pytest

from suite_binary import alive, run, run_json, start, by_name


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nasty")
    # A place of its own: other programs make and remove files in /tmp meanwhile.
    scratch = folder / "scratch"
    scratch.mkdir()
    process, report = run_json(
        "suite_nasty", "--suite", "nasty", "--param", f"folder={folder}", "--env", "uat", "--junit",
        folder / "out.xml", "--artifacts", folder / "kept",
        env={"BATON_ENV_BASE_URL": "http://uat", "TMPDIR": str(scratch)})
    return process, report, by_name(report), folder, os.listdir(scratch)


OUTCOMES = {
    "passes": ("passed", ""),
    "crashes": ("errored", "killed by signal 11 (SIGSEGV)"),
    "aborts": ("errored", "killed by signal 6 (SIGABRT)"),
    "throws": ("errored", "std::runtime_error: no connection"),
    "throws_a_number": ("errored", "exception of type int"),
    "exits": ("errored", "exited with code 3 before the test ended"),
    "exits_with_zero": ("errored", "exited with code 0 before the test ended"),
    "fails_then_crashes": ("errored", "killed by signal 9 (SIGKILL)"),
    "throws_on_a_thread": ("errored", "on a thread"),
    "requires_on_a_thread": ("failed", "1 == 2"),
    "requires_in_noexcept": ("failed", "1 == 2"),
    "ignores_sigterm": ("timed_out", "the time-out of 200ms is over"),
    "stops_when_asked": ("timed_out", "the time-out of 200ms is over"),
    "polls_until_stopped": ("timed_out", "the time-out of 200ms is over"),
    "extends_its_time": ("passed", ""),
    "leaves_a_daemon": ("passed", ""),
    "hangs_with_a_daemon": ("timed_out", "the time-out of 1s is over"),
    "forks_a_crowd": ("passed", ""),
    "forks_and_returns_twice": ("passed", ""),
    "closes_everything_and_passes": ("passed", ""),
    "closes_everything_and_fails": ("failed", "1 == 2"),
    "reuses_the_event_descriptor": ("failed", "1 == 2"),
    "prints_nul_and_bad_utf8": ("failed", '"a\\x00b'),
    "prints_much": ("passed", ""),
    "skips": ("skipped", "not here"),
    "skips_after_a_failure": ("failed", "1 == 2"),
    "cleans_up_in_reverse": ("failed", "1 == 2"),
    "fails_softly": ("failed", "1 == 2"),
    "is_flaky": ("flaky", ""),
    "names_bad_artifacts": ("failed", "../escape.txt"),
    "records": ("passed", ""),
    "takes_numbers/1": ("passed", ""),
    "takes_numbers/2": ("passed", ""),
    "takes_numbers/3": ("failed", "3 < 3"),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome(nasty, name):
    verdict, message = OUTCOMES[name]
    test = nasty[2][name]
    assert test["verdict"] == verdict, test
    assert message in test["attempts"][-1]["message"]


def test_every_test_is_accounted_for(nasty):
    process, report, tests, _, _ = nasty
    assert set(tests) == set(OUTCOMES)
    assert process.returncode == 10 == report["exit_code"]
    counts = report["counts"]
    assert counts["total"] == len(OUTCOMES)
    assert sum(v for k, v in counts.items() if k != "total") == counts["total"]


def test_failures_name_file_and_line_and_values(nasty):
    attempt = nasty[2]["takes_numbers/3"]["attempts"][0]
    assert attempt["file"].endswith("nasty.cc") and attempt["line"] > 0
    assert f"nasty.cc:{attempt['line']}: BATON_CHECK(param < 3) failed: 3 < 3" in attempt["message"]


def test_cleanups_run_in_reverse_though_one_throws(nasty):
    attempt = nasty[2]["cleans_up_in_reverse"]["attempts"][0]
    assert attempt["output"] == "last\nfirst\n"
    assert "in a cleanup: std::runtime_error: in between" in attempt["message"]


def test_cleanups_run_after_a_stop(nasty):
    for name in ("stops_when_asked", "polls_until_stopped"):
        assert "cleaned up" in nasty[2][name]["attempts"][0]["output"]


def test_sigkill_follows_sigterm(nasty):
    assert 2000 <= nasty[2]["ignores_sigterm"]["attempts"][0]["duration_ms"] < 15000


def test_no_process_survives(nasty):
    folder = nasty[3]
    for name in ("daemon", "hanging_daemon"):
        pid = int((folder / name).read_text())
        assert not alive(pid), name


def test_no_file_survives(nasty):
    assert nasty[4] == []


def test_the_event_descriptor_is_not_confused(nasty):
    assert (nasty[3] / "reused").read_bytes() == b""


def test_flaky_keeps_every_attempt(nasty):
    attempts = nasty[2]["is_flaky"]["attempts"]
    assert [a["outcome"] for a in attempts] == ["failed", "failed", "passed"]
    assert nasty[1]["flaky"] is True


def test_what_a_test_records(nasty):
    attempt = nasty[2]["records"]["attempts"][0]
    assert attempt["values"] == {"k": "two"}
    (span,) = attempt["spans"]
    assert span["name"] == "outer" and span["context"] == {"n": "4.5", "who": "me"}
    lines = attempt["output"].splitlines()
    assert lines[0] == "   7|true|c|2.2|s"
    assert lines[1].startswith("{} {} (bad format:") and lines[1].endswith("too few)")
    assert lines[2] == "plain {braces}"


def test_artifacts_are_copied_when_named_and_cannot_escape(nasty):
    folder = nasty[3]
    kept = [p for p in (folder / "kept").rglob("*") if p.is_file()]
    assert [p.name for p in kept] == ["a.txt"]
    assert kept[0].read_text() == "kept"
    assert kept[0].parent.name == "sub"
    message = nasty[2]["names_bad_artifacts"]["attempts"][0]["message"]
    assert "/absolute.txt" in message and "No such file" in message


def test_long_output_keeps_head_and_tail(nasty):
    output = nasty[2]["prints_much"]["attempts"][0]["output"]
    assert len(output) < 2_000_000
    assert output.startswith("xxxx") and output.endswith("the end\n") and "bytes left out" in output


def test_junit_is_well_formed_and_shows_retries(nasty):
    root = ElementTree.parse(nasty[3] / "out.xml").getroot()
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert set(cases) == set(OUTCOMES)
    assert len(cases["is_flaky"].findall("flakyFailure")) == 2
    assert cases["is_flaky"].find("failure") is None
    assert cases["crashes"].find("error").get("type") == "errored"
    assert cases["skips"].find("skipped").get("message") == "not here"
    assert root.get("tests") == str(len(OUTCOMES))


def test_suite_timeout_stops_everything():
    began = time.monotonic()
    process, report = run_json("suite_nasty", "--suite", "other/slow")
    assert time.monotonic() - began < 20
    assert process.returncode == 124
    assert report["suites"][0]["verdict"] == "timed_out"
    tests = by_name(report)
    assert tests["one"]["verdict"] == "timed_out" and tests["three"]["verdict"] == "pending"


def test_timeout_on_the_command_line():
    process = run("suite_nasty", "--suite", "slow", "--timeout", "300ms")
    assert process.returncode == 124 and "time-out of 300ms is over" in process.out


def test_back_off_doubles():
    began = time.monotonic()
    process, report = run_json("suite_nasty", "--suite", "backs_off")
    assert time.monotonic() - began >= 0.45
    assert len(by_name(report)["always_fails"]["attempts"]) == 3
    assert process.returncode == 10


def test_max_attempts_on_the_command_line():
    _, report = run_json("suite_nasty", "--suite", "backs_off", "--max-attempts", "1")
    assert len(by_name(report)["always_fails"]["attempts"]) == 1


def test_failed_setup_stops_the_suite(tmp_path):
    process, report = run_json("suite_nasty", "--suite", "bad_setup", "--junit", tmp_path / "j.xml")
    assert process.returncode == 11
    suite = report["suites"][0]
    assert "the setup failed" in suite["message"] and "1 == 2" in suite["message"]
    assert suite["setup_log"] == "setup undone\n" and suite["teardown_log"] == ""
    root = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert root.get("errors") == "1"


def test_crashing_setup_is_reported():
    process, report = run_json("suite_nasty", "--suite", "crashing_setup")
    assert process.returncode == 11
    assert "SIGSEGV" in report["suites"][0]["message"]


def test_setup_is_shared_and_torn_down(tmp_path):
    process, report = run_json("suite_nasty", "--suite", "shares", "--param", f"folder={tmp_path}")
    assert {t["verdict"] for t in by_name(report).values()} == {"passed"}, report
    # A failed teardown is told and changes no verdict.
    assert process.returncode == 0
    assert report["suites"][0]["teardown_log"] == "teardown 42\nafter the teardown\n"
    assert not alive(int((tmp_path / "service").read_text()))


def test_threads_of_the_setup_are_told_and_lose_no_death():
    began = time.monotonic()
    process = run("suite_nasty", "--suite", "threads")
    assert process.returncode == 0 and "10 passed" in process.out
    assert time.monotonic() - began < 20
    assert process.out.count("the setup left 1 thread(s) running") == 1
    assert "start them in the tests" in process.out


def test_threads_before_the_setup_are_told():
    process = run("suite_threads", "--filter", "^ends$", "--repeat", "3")
    assert process.returncode == 0, process.out
    assert process.out.count("thread(s) run before the setup") == 1


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_is_not_lost_to_a_thread_that_does_not_block_it(tmp_path, number, code):
    process = start("suite_threads", "--filter", "^waits$", "--junit", tmp_path / "j.xml")
    line = b""
    while b"with_a_thread: 1 test" not in line:
        line = process.stdout.readline()
        assert line, "it ended early"
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == code and b"INTERRUPTED" in out
    assert (tmp_path / "j.xml").exists()


def test_a_service_of_the_setup_may_go_on_printing():
    process, report = run_json("suite_nasty", "--suite", "service")
    assert process.returncode == 0, report
    assert report["suites"][0]["setup_log"].count("still here") > 10


def test_a_hung_teardown_is_ended_without_a_busy_wait():
    def spent():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = spent()
    began = time.monotonic()
    process = run("suite_nasty", "--suite", "hung_teardown")
    assert 2 <= time.monotonic() - began < 20
    assert process.returncode == 0 and "time-out of 500ms is over" in process.out
    assert spent() - before < 1


def test_the_stop_token_works_though_the_setup_took_one():
    process, report = run_json("suite_nasty", "--suite", "stop_token_in_setup")
    attempt = by_name(report)["stops_when_asked"]["attempts"][0]
    assert attempt["outcome"] == "timed_out" and "cleaned up" in attempt["output"]
    assert attempt["duration_ms"] < 2800, "it was killed"
    assert "thread" not in process.err, "the library's own thread is no news"


def test_a_check_that_fails_in_a_forked_child_fails_the_test():
    _, report = run_json("suite_nasty", "--filter", "^checks_in_a_child$")
    attempt = by_name(report)["checks_in_a_child"]["attempts"][0]
    assert attempt["outcome"] == "failed" and "1 == 2" in attempt["message"]
    assert attempt["file"].endswith("nasty.cc") and attempt["line"] > 0


def test_set_timeout_is_the_limit_that_is_told():
    _, report = run_json("suite_nasty", "--filter", "^(extends_for_ever|says_its_own_limit)$")
    tests = by_name(report)
    assert tests["extends_for_ever"]["verdict"] == "passed"
    limited = tests["says_its_own_limit"]["attempts"][0]
    assert limited["outcome"] == "timed_out" and "time-out of 100ms" in limited["message"]


def test_what_is_too_large_to_keep_is_cut_and_told():
    _, report = run_json("suite_nasty", "--filter", "^records_much$")
    attempt = by_name(report)["records_much"]["attempts"][0]
    assert attempt["outcome"] == "passed"
    assert len(attempt["values"]["huge"]) == 65536
    assert "value huge has 3000000 bytes; the first 65536 are kept" in attempt["output"]
    (span,) = attempt["spans"]
    assert 3 <= len(span["context"]) < 10 and "span wide: context beyond" in attempt["output"]


def test_junit_totals_agree_with_the_elements(tmp_path):
    run("suite_nasty", "--filter", "^(says_its_own_limit|crashes|skips|throws|passes|is_flaky)$|/3$",
        "--suite", "nasty", "--suite", "forked", "--junit", tmp_path / "j.xml")
    root = ElementTree.parse(tmp_path / "j.xml").getroot()
    suites = list(root.iter("testsuite"))
    for total, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        found = len(list(root.iter(element)))
        assert int(root.get(total)) == found, total
        assert sum(int(suite.get(total)) for suite in suites) == found, total
    assert int(root.get("errors")) == 3


def test_soft_failures_do_not_fail_the_run():
    assert run("suite_nasty", "--filter", "^fails_softly$").returncode == 0


def test_fail_on_flaky():
    assert run("suite_nasty", "--filter", "^is_flaky$").returncode == 0
    assert run("suite_nasty", "--filter", "^is_flaky$", "--fail-on-flaky").returncode == 12


def test_errored_alone_exits_with_11():
    assert run("suite_nasty", "--filter", "^crashes$").returncode == 11


def test_nothing_selected_is_not_green():
    assert run("suite_nasty", "--filter", "no such test").returncode == 5
    assert run("suite_nasty", "--filter", "no such test", "--allow-empty").returncode == 0


@pytest.mark.parametrize("arguments, word", [
    (["--filter", "("], "--filter"), (["--fliter", "x"], "did you mean --filter?"),
    (["--workers", "0"], "1 to 64"), (["--suite", "nsaty"], "did you mean nasty?"),
    (["rnu"], "did you mean run?"), (["--timeout", "soon"], "duration"),
    (["--junit"], "needs a value"), (["serve"], "baton::server"), (["exec"], "--fd")])
def test_usage_errors(arguments, word):
    process = run("suite_nasty", *arguments)
    assert process.returncode == 2 and word in process.err and process.out == ""


def test_list_and_shuffle():
    listed = run("suite_nasty", "--list", "--suite", "nasty").out.splitlines()
    assert listed[0] == "default/nasty" and listed[1:] == ["  " + name for name in OUTCOMES]
    order = [run_json("suite_nasty", "--filter", "takes|skips|passes", "--seed", 7)[1]
             for _ in range(2)]
    assert list(by_name(order[0])) == list(by_name(order[1]))
    assert order[0]["seed"] == "7"
    assert "seed " in run("suite_nasty", "--filter", "passes", "--shuffle").out


def test_repeat():
    process, report = run_json("suite_nasty", "--filter", "^passes$", "--repeat", "3")
    assert [suite["repetition"] for suite in report["suites"]] == [1, 2, 3]
    assert report["counts"]["total"] == 3 and process.returncode == 0


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_cleans_up(tmp_path, number, code):
    process = start("suite_nasty", "--filter", "^hangs_with_a_daemon$", "--param",
                    f"folder={tmp_path}")
    daemon = tmp_path / "hanging_daemon"
    deadline = time.monotonic() + 20
    while not daemon.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"INTERRUPTED" in out
    assert not alive(int(daemon.read_text()))


def test_second_interrupt_does_not_wait(tmp_path):
    process = start("suite_nasty", "--filter", "^hangs_with_a_daemon$", "--param",
                    f"folder={tmp_path}")
    daemon = tmp_path / "hanging_daemon"
    deadline = time.monotonic() + 20
    while not daemon.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130 and not alive(int(daemon.read_text()))


def test_broken_registration_is_refused():
    for verb in (["run"], ["list", "--json"], []):
        process = run("suite_broken", *verb)
        assert process.returncode == 2 and process.out == ""
        for text in ('second suite "default/twice"', '"default/empty" has no tests',
                     'second test "same"', "max_attempts 0", "65 workers", "second BATON_SETUP",
                     'second test "parameters/a"',
                     'suite "missing", which no BATON_SUITE defines'):
            assert text in process.err, text
    assert pathlib.Path("broken.cc").name in process.err


def test_static_libraries():
    assert run("suite_uses", "--list").out.splitlines()[:2] == ["default/in_library", "  is_linked"]
    assert sorted(run("suite_whole", "--list").out.splitlines()) == [
        "  is_linked", "  is_linked_whole", "default/in_library"]
    nothing = run("suite_nothing")
    assert nothing.returncode == 2 and "defines no suite" in nothing.err


def test_googletest_assertions():
    process, report = run_json("suite_gtest")
    tests = by_name(report)
    assert process.returncode == 10
    twice = tests["expects_twice"]["attempts"][0]
    assert "sums" in twice["message"] and "mate" in twice["message"]
    assert twice["file"].endswith("with_gtest.cc") and twice["line"] > 0
    assert "went on" in twice["output"]
    helper = tests["asserts_in_a_helper"]["attempts"][0]
    assert helper["outcome"] == "failed" and "from a helper" in helper["message"]
    assert helper["output"] == ""
    assert tests["passes"]["verdict"] == "passed" and tests["skips"]["verdict"] == "skipped"


def test_without_rtti():
    _, report = run_json("suite_no_rtti", "--max-attempts", "2")
    tests = by_name(report)
    assert tests["fails"]["verdict"] == "flaky" and tests["throws"]["verdict"] == "errored"


def test_example():
    process, report = run_json("shop", "--repeat", "3", "--shuffle")
    assert process.returncode == 0 and report["counts"]["passed"] == 18, report


def test_text_output_is_readable():
    process = run("suite_nasty", "--filter", "^(passes|is_flaky|prints_nul_and_bad_utf8)$")
    assert "FLAKY" in process.out and "is_flaky: passed on attempt 3" in process.out
    assert "1 passed, 1 flaky, 1 failed" in process.out
    assert "\x1b[3" not in process.out.replace("\x1b[31m", "", 1)
    assert "a\\x00b\ufffd\ufffd\ufffd(" in process.out
    assert run("suite_nasty", "--version").out.startswith("baton ")
    assert "--fail-on-flaky" in run("suite_nasty", "--help").out


@pytest.mark.parametrize("words, code", [
    (("--seed", "x"), 2), (("--repeat", "0"), 2), (("--workers", "0"), 2), (("--param", "x"), 2),
    (("--output", "xml"), 2), (("--timeout", "soon"), 2), (("--suite", "nope"), 2), (("--filter", "("), 2),
    (("--filter",), 2), (("--sed", "1"), 2), (("exec",), 2), (("list", "--xml"), 2), (("serve",), 2),
    (("--filter", "^passes$", "--suite", "nasty", "--junit", "/proc/no/x"), 1),
], ids=lambda value: "_".join(value) if isinstance(value, tuple) else str(value))
def test_every_error_says_what_to_do(words, code):
    process = run("suite_nasty", *words)
    lines = process.err.splitlines()
    assert process.returncode == code, process.err
    assert lines[0].startswith("baton: ") and lines[-1].startswith("fix: "), process.err
    assert len(lines[-1]) > len("fix: ")


def test_twenty_thousand_values_are_read_at_once():
    started = time.monotonic()
    process, report = run_json("suite_nasty", "--suite", "nasty_values", "--filter", "^sets_many$")
    assert process.returncode == 0, process.err
    assert len(by_name(report)["sets_many"]["attempts"][0]["values"]) == 20_000
    assert time.monotonic() - started < 20


def test_a_test_that_sets_values_for_ever_is_stopped_by_a_signal():
    process = start("suite_nasty", "--suite", "nasty_values", "--filter", "^never_stops$")
    process.stdout.readline()
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    process.communicate(timeout=60)
    assert process.returncode == 143 and time.monotonic() - sent < 10


@pytest.mark.parametrize("words, code", [(("--filter", "passes"), 0), (("--filter", "fails"), 10)])
def test_a_thread_that_nobody_joins_changes_no_verdict(words, code):
    process = run("suite_joinable", *words)
    assert process.returncode == code, process.err
    assert "not joined" in process.err and "\nfix: " in process.err
    assert '"passes"' in run("suite_joinable", "list", "--json").out
