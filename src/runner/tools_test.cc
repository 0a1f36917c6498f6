// SPDX-License-Identifier: MIT
// Test tools run unchanged: one process for all cases, or one per case, results from their output
// and reports.
#include "runner/probe.h"
#include "runner/run_fixture.h"

namespace baton::runner {
namespace {

using model::Ending;
using model::Outcome;

struct Tools : RunFixture {
  std::map<std::string, wire::AttemptFinished> last() {
    std::map<std::string, wire::AttemptFinished> by_name;
    for (const auto& item : all<wire::AttemptFinished>()) by_name[item.test] = item;
    return by_name;
  }
  /// A program that prints `list` when it is asked for its tests, and runs `script` otherwise.
  void go(const std::string& list, const std::string& script) {
    suite().kind = model::Kind::go;
    suite().command = {"./go", "test", "./..."};
    file("go", "#!/bin/sh\ncase \"$*\" in *-list=*) " + list + ";; *) " + script + ";; esac\n");
    std::filesystem::permissions(folder + "/go", std::filesystem::perms::owner_all);
  }
  void gtest() {
    suite().kind = model::Kind::gtest;
    suite().command = {self()};
    server.job.request.filter = "^Sample\\.";
  }
};

bool installed(const char* command) {
  return std::system((std::string(command) + " >/dev/null 2>&1").c_str()) == 0;
}

TEST_F(Tools, gtest_in_one_process_goes_on_behind_a_crash) {
  gtest();
  run();
  const auto found = last();
  ASSERT_EQ(found.size(), 6u);
  EXPECT_EQ(found.at("Sample.DISABLED_waits").outcome, Outcome::skipped);
  EXPECT_EQ(found.at("Sample.passes").outcome, Outcome::passed);
  EXPECT_EQ(found.at("Sample.fails").outcome, Outcome::failed);
  EXPECT_NE(found.at("Sample.fails").message.find("as it should"), std::string::npos);
  EXPECT_NE(found.at("Sample.fails").file.find("runner_test_main.cc"), std::string::npos);
  EXPECT_EQ(found.at("Sample.crashes").outcome, Outcome::errored);
  EXPECT_NE(found.at("Sample.crashes").message.find("SIGKILL"), std::string::npos);
  EXPECT_EQ(found.at("Sample.skips").outcome, Outcome::skipped);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(Tools, gtest_reruns_only_what_failed) {
  gtest();
  server.job.request.filter = "^Sample\\.(passes|fails_once)$";
  suite().max_attempts = 2;
  run();
  EXPECT_EQ(outcomes(),
            (std::vector<std::string>{"Sample.passes#1 passed", "Sample.fails_once#1 failed",
                                      "Sample.fails_once#2 passed"}));
}

TEST_F(Tools, gtest_runs_disabled_tests_when_the_command_says_so) {
  gtest();
  suite().command.push_back("--gtest_also_run_disabled_tests");
  server.job.request.filter = "^Sample\\.(passes|DISABLED_waits)$";
  run();
  EXPECT_EQ(outcomes(), (std::vector<std::string>{"Sample.passes#1 passed",
                                                  "Sample.DISABLED_waits#1 passed"}));
}

TEST_F(Tools, gtest_with_a_process_per_case) {
  gtest();
  suite().isolate = model::Isolate::per_case;
  suite().workers = 2;
  run();
  const auto found = last();
  ASSERT_EQ(found.size(), 6u);
  EXPECT_EQ(found.at("Sample.passes").outcome, Outcome::passed);
  EXPECT_EQ(found.at("Sample.fails").outcome, Outcome::failed);
  EXPECT_EQ(found.at("Sample.crashes").message, "killed by signal 9 (SIGKILL)");
  EXPECT_EQ(found.at("Sample.skips").outcome, Outcome::skipped);
}

TEST_F(Tools, a_process_that_dies_without_its_report_is_told_with_its_last_words) {
  suite().kind = model::Kind::gtest;
  suite().command = {"./tests"};
  suite().isolate = model::Isolate::per_case;
  file("tests",
       "#!/bin/sh\n"
       "case \"$*\" in\n"
       "*list_tests*) printf 'S.\\n  crashes\\n  leaves\\n  says_nothing\\n';;\n"
       "*S.crashes*) echo before; echo 'no database'; kill -SEGV $$;;\n"
       "*S.leaves*) echo 'cannot open x.conf'; echo; exit 3;;\n"
       "esac\n");
  std::filesystem::permissions(folder + "/tests", std::filesystem::perms::owner_all);
  run();
  const auto found = last();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found.at("S.crashes").message,
            "killed by signal 11 (SIGSEGV); its last output: no database");
  EXPECT_EQ(found.at("S.leaves").message,
            "exited with code 3 without a result for this case; its last output: "
            "cannot open x.conf");
  EXPECT_EQ(found.at("S.says_nothing").message,
            "exited with code 0 without a result for this case");
}

TEST_F(Tools, a_program_that_is_gone_after_it_was_asked_errors_every_case_once) {
  suite().kind = model::Kind::gtest;
  suite().command = {"./tests"};
  suite().isolate = model::Isolate::per_case;
  suite().workers = 2;
  suite().max_attempts = 3;
  file("tests", "#!/bin/sh\nprintf 'S.\\n  a\\n  b\\n  c\\n'\nrm \"$0\"\n");
  std::filesystem::permissions(folder + "/tests", std::filesystem::perms::owner_all);
  run();
  EXPECT_EQ(ending(), Ending::errored);
  EXPECT_NE(message().find("tests"), std::string::npos) << message();
  const auto ends = all<wire::AttemptFinished>();
  ASSERT_FALSE(ends.empty());
  for (const auto& end : ends) {
    EXPECT_EQ(end.outcome, Outcome::errored);
    EXPECT_TRUE(end.final_) << "another attempt could not be started either";
    EXPECT_NE(end.message.find("tests"), std::string::npos) << end.message;
  }
}

TEST_F(Tools, tap_cases_appear_as_they_run) {
  suite().kind = model::Kind::tap;
  shell(
      "echo 1..3; echo ok 1 - one; echo noise; echo not ok 2 - two; echo 'ok 3 - three # SKIP "
      "later'; exit 1");
  run();
  ASSERT_EQ(outcomes().size(), 3u);
  EXPECT_EQ(ending(), Ending::completed);
  std::size_t planned = 0;
  for (const auto& plan : all<wire::PlanRecord>()) planned += plan.cases.size();
  EXPECT_EQ(planned, 3u);
}

TEST_F(Tools, a_tap_point_that_repeats_a_description_is_a_case_of_its_own) {
  suite().kind = model::Kind::tap;
  shell("echo ok 1 - works; echo not ok 2 - works; echo 1..2");
  run();
  EXPECT_EQ(outcomes(), (std::vector<std::string>{"works#1 passed", "works#2#1 failed"}));
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(Tools, a_tap_retry_is_not_disturbed_by_what_else_fails) {
  suite().kind = model::Kind::tap;
  suite().max_attempts = 2;
  shell("if [ $BATON_ATTEMPT = 1 ]; then echo ok 1 - a; echo not ok 2 - b; "
        "else echo not ok 1 - a; echo ok 2 - b; fi; echo 1..2; exit 1");
  run();
  EXPECT_EQ(outcomes(), (std::vector<std::string>{"a#1 passed", "b#1 failed", "b#2 passed"}));
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(Tools, a_short_tap_plan_makes_the_run_errored) {
  suite().kind = model::Kind::tap;
  shell("echo 1..3; echo ok 1 - one");
  run();
  EXPECT_EQ(ending(), Ending::errored);
  EXPECT_NE(message().find("planned 3"), std::string::npos);
}

TEST_F(Tools, a_tap_bail_out_makes_the_run_errored) {
  suite().kind = model::Kind::tap;
  shell("echo 1..3; echo ok 1 - one; echo 'Bail out! no database'");
  run();
  EXPECT_EQ(outcomes(), (std::vector<std::string>{"one#1 passed"}));
  EXPECT_EQ(ending(), Ending::errored);
  EXPECT_NE(message().find("no database"), std::string::npos);
}

TEST_F(Tools, a_resumed_run_without_a_list_runs_its_command_once) {
  suite().kind = model::Kind::tap;
  shell("echo x >> ran; echo ok 1 - a; echo ok 2 - b; echo ok 3 - c; echo 1..3");
  server.job.progress = {{"a", 1, 1, true}, {"b", 1, 0, false}};
  run();
  EXPECT_EQ(outcomes(), (std::vector<std::string>{"b#2 passed", "c#1 passed"}));
  EXPECT_EQ(*read_file(folder + "/ran"), "x\n");
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(Tools, a_process_that_fails_without_a_failed_case_makes_the_run_errored) {
  suite().kind = model::Kind::tap;
  shell("echo 1..1; echo ok 1 - one; exit 9");
  run();
  EXPECT_EQ(ending(), Ending::errored);
  EXPECT_NE(message().find("code 9"), std::string::npos);
}

TEST_F(Tools, junit_reports_are_read_and_old_ones_are_not) {
  suite().kind = model::Kind::junit;
  suite().reports = {"out/*.xml"};
  std::filesystem::create_directories(folder + "/out");
  file("out/old.xml", "<testsuite><testcase name='old' classname='c'/></testsuite>");
  std::filesystem::last_write_time(
      folder + "/out/old.xml",
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  shell(
      "echo '<testsuite><testcase name=\"a\" classname=\"c\"/><testcase name=\"b\" classname=\"c\">"
      "<failure message=\"bad\"/></testcase></testsuite>' > out/new.xml; exit 1");
  run();
  EXPECT_EQ(outcomes().size(), 2u);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(Tools, a_missing_junit_report_makes_the_run_errored) {
  suite().kind = model::Kind::junit;
  suite().reports = {"out/*.xml"};
  shell("true");
  run();
  EXPECT_EQ(ending(), Ending::errored);
  EXPECT_NE(message().find("no report"), std::string::npos);
}

TEST_F(Tools, pytest_selects_by_node_id_and_reruns_failures) {
  if (!installed("pytest --version")) GTEST_SKIP() << "pytest is not installed";
  suite().kind = model::Kind::pytest;
  suite().command = {"pytest", "-p", "no:cacheprovider", "tests"};
  suite().max_attempts = 2;
  std::filesystem::create_directories(folder + "/tests");
  file("tests/test_a.py",
       "import os, pytest\n"
       "def test_ok():\n    print('seen')\n"
       "def test_once():\n    assert os.environ['BATON_ATTEMPT'] == '2', 'too early'\n"
       "@pytest.mark.parametrize('x', ['a b', '[c]'])\ndef test_p(x):\n    pass\n"
       "def test_left_out():\n    assert False\n");
  server.job.request.filter = "test_(ok|once|p)";
  run();
  const auto found = last();
  ASSERT_EQ(found.size(), 4u) << output("", 0);
  EXPECT_EQ(found.at("tests/test_a.py::test_once").attempt, 2);
  EXPECT_EQ(found.at("tests/test_a.py::test_once").outcome, Outcome::passed);
  EXPECT_NE(all<wire::AttemptFinished>().size(), 4u);
  EXPECT_NE(output("tests/test_a.py::test_ok", 1).find("seen"), std::string::npos);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(Tools, pytest_takes_the_users_verbosity_as_it_is) {
  if (!installed("pytest --version")) GTEST_SKIP() << "pytest is not installed";
  suite().kind = model::Kind::pytest;
  file("test_a.py",
       "class TestX:\n    def test_ok(self):\n        pass\ndef test_other():\n    pass\n");
  file("pytest.ini", "[pytest]\naddopts = -q -q\n");
  server.job.request.filter = "ok";
  suite().command = {"pytest", "-p", "no:cacheprovider"};
  run();
  EXPECT_EQ(outcomes(), (std::vector<std::string>{"test_a.py::TestX::test_ok#1 passed"}))
      << output("", 0);
  suite().command.push_back("-vv");
  epoch = 2;
  server.restart();
  run();
  EXPECT_EQ(outcomes(), (std::vector<std::string>{"test_a.py::TestX::test_ok#1 passed"}))
      << output("", 0);
}

TEST_F(Tools, pytest_without_a_filter_tells_its_cases_as_they_run) {
  if (!installed("pytest --version")) GTEST_SKIP() << "pytest is not installed";
  suite().kind = model::Kind::pytest;
  suite().command = {"pytest", "-p", "no:cacheprovider"};
  file("test_b.py", "def test_ok():\n    pass\ndef test_bad():\n    assert 1 == 2\n");
  run();
  const auto found = last();
  ASSERT_EQ(found.size(), 2u) << output("", 0);
  EXPECT_EQ(found.at("test_b.py::test_bad").outcome, Outcome::failed);
  EXPECT_NE(found.at("test_b.py::test_bad").message.find("assert 1 == 2"), std::string::npos);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(Tools, ctest_runs_only_what_is_wanted) {
  if (!installed("ctest --version")) GTEST_SKIP() << "ctest is not installed";
  suite().kind = model::Kind::ctest;
  suite().command = {"ctest"};
  file("CTestTestfile.cmake",
       "add_test(good \"/bin/echo\" \"seen\")\nadd_test(a.b \"/bin/false\")\n"
       "add_test(axb \"/bin/true\")\nadd_test(other \"/bin/false\")\n");
  server.job.request.only = {"good", "a.b"};
  run();
  const auto found = last();
  ASSERT_EQ(found.size(), 2u) << output("", 0);
  EXPECT_EQ(found.at("good").outcome, Outcome::passed);
  EXPECT_NE(output("good", 1).find("seen"), std::string::npos);
  EXPECT_EQ(found.at("a.b").outcome, Outcome::failed);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(Tools, a_timed_out_case_does_not_take_its_neighbours_with_it) {
  go("printf 'TestHangs\\nTestLate\\nok  \\tm\\t0.01s\\n'",
     "echo '{\"Action\":\"run\",\"Package\":\"m\",\"Test\":\"TestHangs\"}'; sleep 1; "
     "echo '{\"Action\":\"run\",\"Package\":\"m\",\"Test\":\"TestLate\"}'; "
     "case \"$*\" in *TestHangs*) sleep 1000;; *-run=*) ;; *) sleep 1000;; esac; "
     "echo '{\"Action\":\"pass\",\"Package\":\"m\",\"Test\":\"TestLate\"}'");
  suite().attempt_timeout = Duration{3'000};
  run();
  const auto found = last();
  ASSERT_EQ(found.size(), 2u) << output("", 0);
  EXPECT_EQ(found.at("m.TestHangs").outcome, Outcome::timed_out);
  EXPECT_EQ(found.at("m.TestLate").outcome, Outcome::passed);
  EXPECT_EQ(found.at("m.TestLate").attempt, 2);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(Tools, a_go_test_is_not_blamed_for_its_namesake_in_another_package) {
  go("printf 'TestX\\nok  \\ta\\t0.01s\\nTestX\\nok  \\tb\\t0.01s\\n'",
     "for p in a b; do echo '{\"Action\":\"run\",\"Package\":\"'$p'\",\"Test\":\"TestX\"}'; done; "
     "echo '{\"Action\":\"pass\",\"Package\":\"a\",\"Test\":\"TestX\"}'; "
     "echo '{\"Action\":\"fail\",\"Package\":\"b\",\"Test\":\"TestX\"}'; exit 1");
  server.job.request.only = {"a.TestX"};
  for (const auto isolate : {model::Isolate::suite, model::Isolate::per_case}) {
    suite().isolate = isolate;
    server.restart();
    run();
    EXPECT_EQ(outcomes(), (std::vector<std::string>{"a.TestX#1 passed"})) << output("", 0);
    EXPECT_EQ(ending(), Ending::completed);
    ++epoch;
  }
}

TEST_F(Tools, go_subtests_belong_to_their_test) {
  if (!installed("go version")) GTEST_SKIP() << "go is not installed";
  suite().kind = model::Kind::go;
  suite().command = {"go", "test", "./..."};
  suite().environment_variables = {{"GOCACHE", folder + "/cache"}, {"GOFLAGS", "-mod=mod"}};
  suite().max_attempts = 2;
  file("go.mod", "module example.com/m\n");
  file(
      "m_test.go",
      "package m\nimport (\"testing\"; \"os\")\nfunc TestGood(t *testing.T) { println(\"seen\") }\n"
      "func TestSub(t *testing.T) { t.Run(\"a b\", func(t *testing.T) { if "
      "os.Getenv(\"BATON_ATTEMPT\") "
      "== \"1\" { t.Fatal(\"once\") } }) }\n");
  run();
  const auto found = last();
  ASSERT_TRUE(found.contains("example.com/m.TestSub")) << output("", 0);
  EXPECT_EQ(found.at("example.com/m.TestGood").outcome, Outcome::passed);
  EXPECT_EQ(found.at("example.com/m.TestSub").attempt, 2);
  EXPECT_EQ(found.at("example.com/m.TestSub").outcome, Outcome::passed);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(Tools, a_list_that_hangs_ends_the_run_when_an_attempts_time_is_over) {
  go("sleep 600", "true");
  suite().isolate = model::Isolate::per_case;
  suite().attempt_timeout = Duration{300};
  run();
  EXPECT_EQ(ending(), Ending::errored);
  EXPECT_NE(message().find("was not done within 0.3 s"), std::string::npos) << message();
}

TEST_F(Tools, the_kind_of_a_command_is_probed) {
  const Probe binary = probe({self()}, folder);
  EXPECT_EQ(binary.kind, model::Kind::cpp);
  EXPECT_EQ(binary.suite, "runner/sample");
  EXPECT_EQ(probe({"pytest", "x"}, folder).kind, model::Kind::pytest);
  EXPECT_EQ(probe({"go", "test", "./..."}, folder).kind, model::Kind::go);
  EXPECT_EQ(probe({"/bin/true"}, folder).kind, model::Kind::command);
  file("t.sh", "#!/bin/sh\necho 1..1\necho ok 1\n");
  EXPECT_EQ(probe({"./t.sh"}, folder).kind, model::Kind::tap);
  EXPECT_EQ(probe({"sh", "t.sh"}, folder).kind, model::Kind::tap);
  // A script is never run to find out what it is.
  file("touch.sh", "#!/bin/sh\ntouch ran\n");
  EXPECT_EQ(probe({"./touch.sh"}, folder).kind, model::Kind::command);
  EXPECT_FALSE(std::filesystem::exists(folder + "/ran"));
}

}  // namespace
}  // namespace baton::runner
