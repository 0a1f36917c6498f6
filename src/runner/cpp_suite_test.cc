// SPDX-License-Identifier: MIT
// C++ suites through the fork server: this test program is the suite (runner_test_main.cc).
#include "runner/proc.h"
#include "runner/run_fixture.h"

namespace baton::runner {
namespace {

using model::Ending;
using model::Outcome;

struct CppSuite : RunFixture {
  CppSuite() {
    suite().kind = model::Kind::cpp;
    suite().namespace_ = "runner";
    suite().name = "sample";
    suite().command = {self()};
  }
  void select(const std::string& filter) { server.job.request.filter = filter; }
  int survivors() {
    const auto key = read_file(folder + "/runner/key");
    return key ? kill_marked(kKeyVariable, key->substr(0, key->size() - 1)) : -1;
  }
};

TEST_F(CppSuite, setup_cases_and_teardown_run_with_their_output) {
  select("^passes$");
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(outcomes(), (std::vector<std::string>{"passes#1 passed"}));
  EXPECT_NE(output("passes", 1).find("hello from attempt 1"), std::string::npos);
  EXPECT_NE(output("", 0).find("set up"), std::string::npos);
  EXPECT_NE(output("", 0).find("torn down"), std::string::npos);
  EXPECT_EQ(only().values, (std::vector<std::pair<std::string, std::string>>{{"order", "42"}}));
  EXPECT_EQ(all<wire::SetupRecord>().at(0).outcome, Outcome::passed);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(CppSuite, a_failure_names_its_place) {
  select("^fails$");
  run();
  EXPECT_EQ(only().outcome, Outcome::failed);
  EXPECT_NE(only().file.find("runner_test_main.cc"), std::string::npos);
  EXPECT_GT(only().line, 0);
  EXPECT_NE(only().message.find("2"), std::string::npos);
}

TEST_F(CppSuite, a_crash_and_an_exit_are_errored_and_the_others_go_on) {
  select("^(crashes|exits|passes|closes_descriptors)$");
  run();
  std::map<std::string, wire::AttemptFinished> by_name;
  for (const auto& item : all<wire::AttemptFinished>()) by_name[item.test] = item;
  EXPECT_EQ(by_name["crashes"].outcome, Outcome::errored);
  EXPECT_EQ(by_name["crashes"].message, "killed by signal 6 (SIGABRT)");
  EXPECT_EQ(by_name["exits"].message, "exited with code 3 before the test ended");
  EXPECT_EQ(by_name["passes"].outcome, Outcome::passed);
  EXPECT_EQ(by_name["closes_descriptors"].outcome, Outcome::passed);
}

TEST_F(CppSuite, retries_come_after_the_other_cases) {
  select("^(fails_once|passes|is_quick)$");
  suite().max_attempts = 2;
  run();
  const auto found = outcomes();
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found.back(), "fails_once#2 passed");
}

TEST_F(CppSuite, a_hanging_test_is_timed_out_and_killed) {
  select("^(hangs|passes)$");
  suite().attempt_timeout = Duration{300};
  suite().workers = 2;
  const Instant start = Clock::now();
  run();
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5)) << output("", 0);
  std::map<std::string, Outcome> by_name;
  for (const auto& item : all<wire::AttemptFinished>()) by_name[item.test] = item.outcome;
  EXPECT_EQ(by_name["hangs"], Outcome::timed_out);
  EXPECT_EQ(by_name["passes"], Outcome::passed);
  EXPECT_EQ(survivors(), 0);
}

TEST_F(CppSuite, a_daemon_without_descriptors_does_not_survive) {
  select("^leaves_a_daemon$");
  run();
  EXPECT_EQ(only().outcome, Outcome::passed);
  EXPECT_EQ(survivors(), 0);
}

TEST_F(CppSuite, a_crash_in_the_setup_fails_the_setup) {
  server.job.request.params = {{"break_setup", "1"}};
  run();
  EXPECT_TRUE(outcomes().empty());
  EXPECT_EQ(ending(), Ending::setup_failed);
  EXPECT_EQ(all<wire::SetupRecord>().at(0).outcome, Outcome::errored);
}

TEST_F(CppSuite, a_lost_fork_server_is_started_again) {
  select("^(kills_its_parent|passes|is_quick)$");
  run();
  std::map<std::string, Outcome> by_name;
  for (const auto& item : all<wire::AttemptFinished>()) by_name[item.test] = item.outcome;
  EXPECT_EQ(by_name["kills_its_parent"], Outcome::errored);
  EXPECT_EQ(by_name["passes"], Outcome::passed);
  EXPECT_EQ(by_name["is_quick"], Outcome::passed);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(CppSuite, finished_cases_are_not_run_again_and_numbers_go_on) {
  select("^(passes|is_quick)$");
  server.job.progress = {{"passes", 1, 1, true}, {"is_quick", 2, 0, false}};
  run();
  EXPECT_EQ(outcomes(), (std::vector<std::string>{"is_quick#3 passed"}));
}

TEST_F(CppSuite, a_failed_teardown_is_told_and_changes_no_verdict) {
  select("^passes$");
  server.job.request.params = {{"break_teardown", "1"}};
  run();
  EXPECT_EQ(only().outcome, Outcome::passed);
  EXPECT_NE(output("", 0).find("[baton: the teardown failed: "), std::string::npos);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(CppSuite, the_setup_may_take_longer_than_an_attempt) {
  select("^is_quick$");
  suite().attempt_timeout = Duration{300};
  server.job.request.params = {{"slow_setup", "1"}};
  run();
  EXPECT_EQ(all<wire::SetupRecord>().at(0).outcome, Outcome::passed);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(CppSuite, threads_of_the_setup_are_told_once_with_the_remedy) {
  select("^(kills_its_parent|passes|is_quick)$");
  server.job.request.params = {{"start_thread", "1"}};
  run();
  const std::string text = output("", 0);
  const std::size_t told = text.find("[baton: the setup left 1 thread(s) running");
  ASSERT_NE(told, std::string::npos) << text;
  EXPECT_EQ(text.find("thread(s) running", told + 40), std::string::npos) << text;
  EXPECT_EQ(outcomes().size(), 3u);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(CppSuite, a_check_that_fails_in_a_forked_child_fails_the_test) {
  select("^checks_in_a_child$");
  run();
  EXPECT_EQ(only().outcome, Outcome::failed);
  EXPECT_NE(only().message.find("2 == 3"), std::string::npos);
}

TEST_F(CppSuite, what_a_test_records_is_cut_before_the_server_must_refuse_it) {
  select("^records_too_much$");
  run();
  EXPECT_EQ(only().outcome, Outcome::passed);
  ASSERT_FALSE(only().values.empty());
  EXPECT_LT(only().values.size(), 40u);
  for (const auto& [key, value] : only().values) EXPECT_LE(value.size(), wire::kMessageMax + 3);
  EXPECT_NE(output("records_too_much", 1).find("are left out]"), std::string::npos);
  EXPECT_EQ(ending(), Ending::completed);
}

TEST_F(CppSuite, an_unknown_suite_is_an_error_that_says_so) {
  suite().name = "other";
  run();
  EXPECT_EQ(ending(), Ending::errored);
  EXPECT_NE(message().find("no suite runner/other"), std::string::npos);
}

TEST_F(CppSuite, the_runs_timeout_reaches_every_attempt) {
  select("^hangs$");
  // Long enough for the attempt to have begun on a machine that is busy with other tests.
  suite().timeout = Duration{5'000};
  run();
  EXPECT_EQ(only().outcome, Outcome::timed_out);
  EXPECT_EQ(ending(), Ending::timed_out);
  EXPECT_EQ(survivors(), 0);
}

}  // namespace
}  // namespace baton::runner
