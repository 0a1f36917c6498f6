// SPDX-License-Identifier: MIT
// One process per attempt, judged by its exit code: outcomes, time-outs, kills, output, retries.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "runner/environment.h"
#include "runner/keeper.h"
#include "runner/proc.h"
#include "runner/run_fixture.h"

namespace baton::runner {
namespace {

using model::Ending;
using model::Outcome;

// Processes with the run's key, besides those that this test program itself is.
int survivors(const std::string& folder) {
  const auto key = read_file(folder + "/runner/key");
  EXPECT_TRUE(key);
  return key ? kill_marked(kKeyVariable, key->substr(0, key->size() - 1)) : -1;
}

using Command = RunFixture;

TEST_F(Command, exit_code_zero_passes) {
  shell("echo out; echo err >&2");
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(only().outcome, Outcome::passed);
  EXPECT_EQ(only().test, "it");
  EXPECT_TRUE(only().final_);
  EXPECT_EQ(output("it", 1), "out\nerr\n");
  EXPECT_EQ(only().log_bytes, 8);
  EXPECT_EQ(ending(), Ending::completed);
  const auto plan = all<wire::PlanRecord>();
  ASSERT_EQ(plan.size(), 1u);
  EXPECT_EQ(plan[0].cases.at(0).name, "it");
}

TEST_F(Command, exit_code_fails_and_a_signal_is_an_error) {
  shell("exit 3");
  run();
  EXPECT_EQ(only().outcome, Outcome::failed);
  EXPECT_EQ(only().message, "exited with code 3");
}

TEST_F(Command, death_by_signal_is_errored) {
  shell("kill -ABRT $$");
  run();
  EXPECT_EQ(only().outcome, Outcome::errored);
  EXPECT_EQ(only().message, "killed by signal 6 (SIGABRT)");
}

TEST_F(Command, a_program_that_does_not_exist_makes_the_run_errored) {
  suite().command = {"./missing"};
  run();
  EXPECT_EQ(only().outcome, Outcome::errored);
  EXPECT_EQ(ending(), Ending::errored);
  EXPECT_NE(message().find("missing"), std::string::npos);
}

TEST_F(Command, a_test_sees_what_is_promised_and_nothing_of_the_runner) {
  ::setenv("BATON_SECRET", "x", 1);
  ::setenv("PRIVATE_KEY", "x", 1);
  server.job.request.params = {{"base-url", "http://x"}};
  server.job.request.traceparent = "00-1-2-01";
  server.job.environment = "staging";
  suite().environment_variables = {{"MINE", "yes"}};
  shell("env; pwd; cat");
  run();
  const std::string text = output("it", 1);
  for (const char* line :
       {"BATON_RUN=7\n", "BATON_ATTEMPT=1\n", "BATON_ENVIRONMENT=staging\n",
        "TRACEPARENT=00-1-2-01\n", "BATON_PARAM_BASE_URL=http://x\n", "MINE=yes\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(text.find("BATON_SECRET"), std::string::npos);
  EXPECT_EQ(text.find("PRIVATE_KEY"), std::string::npos);
  EXPECT_NE(text.find(folder + "\n"), std::string::npos);
  ::unsetenv("BATON_SECRET");
  ::unsetenv("PRIVATE_KEY");
}

TEST_F(Command, a_retry_follows_a_failure_until_it_passes) {
  suite().max_attempts = 3;
  shell("test $BATON_ATTEMPT = 2");
  run();
  EXPECT_EQ(outcomes(), (std::vector<std::string>{"it#1 failed", "it#2 passed"}));
  EXPECT_FALSE(all<wire::AttemptFinished>()[0].final_);
}

TEST_F(Command, a_hanging_tree_that_ignores_sigterm_is_killed_within_the_grace) {
  suite().attempt_timeout = Duration{200};
  shell("trap '' TERM; (trap '' TERM; setsid sleep 1000) & setsid sh -c 'sleep 1001 &' ; "
        "while :; do sleep 1000; done");
  const Instant start = Clock::now();
  run();
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(3));
  EXPECT_EQ(only().outcome, Outcome::timed_out);
  EXPECT_EQ(ending(), Ending::completed);
  EXPECT_EQ(survivors(folder), 0);
}

TEST_F(Command, what_a_test_leaves_behind_is_killed_when_it_ends) {
  shell("setsid sh -c 'sleep 1000 & sleep 1001 &' & sleep 1002 & echo done");
  run();
  EXPECT_EQ(only().outcome, Outcome::passed);
  EXPECT_EQ(output("it", 1), "done\n");
  EXPECT_EQ(survivors(folder), 0);
}

TEST_F(Command, the_runs_timeout_ends_it_as_timed_out) {
  suite().timeout = Duration{200};
  shell("sleep 1000");
  run();
  EXPECT_EQ(only().outcome, Outcome::timed_out);
  EXPECT_EQ(ending(), Ending::timed_out);
}

TEST_F(Command, the_server_can_cancel) {
  shell("echo ready; sleep 1000");
  server.on_record = [this](const wire::Record& record) {
    if (std::holds_alternative<wire::OutputRecord>(record.body)) {
      // The lock is held: the answer to this very batch carries it.
      cancel_soon = true;
    }
  };
  std::jthread canceller([this](const std::stop_token& stop) {
    while (!stop.stop_requested() && !cancel_soon) std::this_thread::yield();
    server.cancel();
  });
  suite().attempt_timeout = Duration{20'000};
  run();
  EXPECT_EQ(only().outcome, Outcome::cancelled);
  EXPECT_EQ(ending(), Ending::cancelled);
  EXPECT_EQ(message(), "someone said so");
}

TEST_F(Command, a_run_that_another_runner_took_over_is_killed) {
  shell("sleep 1000");
  server.on_record = [this](const wire::Record& record) {
    if (std::holds_alternative<wire::AttemptStarted>(record.body)) cancel_soon = true;
  };
  std::jthread taker([this](const std::stop_token& stop) {
    while (!stop.stop_requested() && !cancel_soon) std::this_thread::yield();
    server.disown(Code::conflict);
  });
  EXPECT_EQ(run(), 7);
  EXPECT_EQ(survivors(folder), 0);
}

TEST_F(Command, a_second_runner_of_the_same_epoch_leaves_the_first_alone) {
  shell("echo $$ > it; exec sleep 300");
  const pid_t first = ::fork();
  if (first == 0) {
    run();
    ::_exit(0);
  }
  const auto started = [this] {
    const auto pid = read_file(folder + "/it");
    return pid && !pid->empty() ? std::stoi(*pid) : 0;
  };
  while (started() == 0) ::usleep(1'000);
  SupervisorOptions options;
  options.folder = folder + "/runner";
  options.epoch = epoch;
  options.make_calls = server.calls();
  const auto second = Supervisor(options).run();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
  EXPECT_EQ(::kill(started(), 0), 0) << "the test of the first goes on";
  survivors(folder);
  ::kill(first, SIGKILL);
  ::waitpid(first, nullptr, 0);
}

TEST_F(Command, a_filter_that_selects_nothing_gives_a_run_without_cases) {
  server.job.request.filter = "nothing";
  shell("exit 1");
  run();
  EXPECT_TRUE(outcomes().empty());
  EXPECT_EQ(ending(), Ending::completed);
  EXPECT_TRUE(all<wire::PlanRecord>().at(0).cases.empty());
}

TEST_F(Command, output_is_kept_byte_by_byte) {
  shell("printf 'a\\000b\\377\\n\\033[2J'; printf '\\303'");
  run();
  EXPECT_EQ(output("it", 1), std::string("a\0b\377\n\033[2J\303", 10));
}

TEST_F(Command, a_long_output_keeps_both_ends_and_says_what_is_missing) {
  suite().log_limit = 4 << 20;
  shell("echo first; yes abcdefgh | head -c 64000000; echo; echo last");
  run();
  const std::string text = output("it", 1);
  EXPECT_EQ(only().outcome, Outcome::passed);
  EXPECT_TRUE(text.starts_with("first\nabcdefgh\n"));
  EXPECT_TRUE(text.ends_with("last\n"));
  EXPECT_NE(text.find("\n[baton: 59"), std::string::npos);
  EXPECT_LE(text.size(), static_cast<std::size_t>(suite().log_limit) + 200);
}

TEST_F(Command, a_line_without_end_neither_blocks_nor_grows) {
  suite().log_limit = 1 << 20;
  shell("head -c 200000000 /dev/zero");
  const auto peak = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;  // KiB
  };
  const auto before = peak();
  run();
  EXPECT_EQ(only().outcome, Outcome::passed);
  EXPECT_LT(peak() - before, 64 << 10);
  std::int64_t lines = 0;
  for (const auto& chunk : all<wire::OutputRecord>()) lines += chunk.lines;
  EXPECT_LE(lines, 3);
}

TEST_F(Command, nothing_is_lost_when_the_server_is_away_and_answers_are_lost) {
  server.be_away(3);
  server.lose_answers(3);
  shell("for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.05; done");
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(output("it", 1),
            "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\nline 9\n");
}

TEST_F(Command, asked_to_stop_it_does_not_wait_for_a_server_that_is_away) {
  server.be_away(1 << 20);
  shell("(sleep 300 & echo $! > left); kill -TERM $PPID; sleep 300");
  const auto began = Clock::now();
  EXPECT_EQ(run(), 6);
  EXPECT_LT(Clock::now() - began, Duration{20'000});
  const int left = std::stoi(read_file(folder + "/left").value());
  EXPECT_NE(::kill(left, 0), 0) << "its tests ended with it";
  EXPECT_TRUE(server.records().empty());
  server.be_away(0);
  shell("true");
  epoch = 2;
  EXPECT_EQ(run(), 0);
  ASSERT_FALSE(all<wire::FinishedRecord>().empty());
  EXPECT_EQ(all<wire::FinishedRecord>().front().ending, model::Ending::cancelled);
}

TEST_F(Command, asked_to_stop_it_tells_a_server_that_is_there) {
  shell("kill -TERM $PPID; sleep 300");
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(ending(), model::Ending::cancelled);
}

TEST_F(Command, records_that_the_server_never_takes_end_the_run_with_the_reason) {
  server.refuse_outputs();
  shell("echo out; sleep 1000");
  const Instant start = Clock::now();
  EXPECT_EQ(run(), 0);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(30));
  EXPECT_EQ(ending(), Ending::errored);
  EXPECT_NE(message().find("is too large"), std::string::npos);
  EXPECT_EQ(survivors(folder), 0);
}

TEST_F(Command, artifacts_of_the_attempt_are_sent_and_links_are_not) {
  suite().artifacts = {"out/**"};
  file("secret", "no");
  shell("mkdir -p out/a; echo hi > out/a/x.txt; ln -s ../secret out/link; ln -s /etc out/dir");
  run();
  EXPECT_EQ(server.artifacts(), (std::map<std::string, std::string>{{"out/a/x.txt", "hi\n"}}));
  const auto records = all<wire::ArtifactRecord>();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].test, "it");
  EXPECT_EQ(records[0].attempt, 1);
}

TEST_F(Command, an_old_spool_is_kept_until_a_full_disk_has_taken_all_of_it) {
  constexpr int kRecords = 40;
  {
    auto old = Spool::create(folder + "/runner", 1, 64 << 20);
    ASSERT_TRUE(old);
    const std::string bytes(100'000, 'x');
    for (int i = 0; i < kRecords; ++i) {
      (*old)->append(wire::OutputRecord{"it", 1, i + 1, 1, 100'000, wire::Codec::raw, bytes});
    }
    ASSERT_TRUE((*old)->write());
  }
  // A limit of the file's size refuses what a full disk would.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  ::getrlimit(RLIMIT_FSIZE, &unlimited);
  const rlimit full{1 << 20, unlimited.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &full);
  std::jthread cleaner([&](const std::stop_token& stop) {
    std::error_code error;
    while (!stop.stop_requested() &&
           (std::filesystem::file_size(folder + "/runner/2.spool", error) < 1'000'000 || error)) {
      ::usleep(1'000);
    }
    ::usleep(300'000);  // longer than one attempt to write again
    ::setrlimit(RLIMIT_FSIZE, &unlimited);
  });
  epoch = 2;
  server.job.progress = {{"it", 1, 0, false}};
  shell("echo again");
  EXPECT_EQ(run(), 0);
  int old = 0;
  for (const wire::Record& record : server.records()) old += record.origin_epoch == 1 ? 1 : 0;
  EXPECT_EQ(old, kRecords);
  EXPECT_EQ(output("it", 2), "again\n");
  EXPECT_FALSE(std::filesystem::exists(folder + "/runner/1.spool"));
}

TEST_F(Command, a_program_that_prints_without_end_is_asked_no_longer_than_it_may) {
  Launch launch;
  launch.command = {"/bin/sh", "-c", "yes"};
  launch.folder = folder;
  const Instant start = Clock::now();
  const auto collected = collect(std::move(launch), 300, 1 << 20);
  ASSERT_TRUE(collected);
  EXPECT_TRUE(collected->timed_out);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(10));
}

TEST_F(Command, what_hops_from_process_to_process_does_not_survive) {
  shell("h() { h & }; (setsid sh -c 'h() { h & }; h') & h; echo done");
  run();
  EXPECT_EQ(only().outcome, Outcome::passed);
  EXPECT_EQ(survivors(folder), 0);
}

// A delegated control group for this process, where one can be had.
struct DelegatedGroup {
  std::string path = fmt::format("/sys/fs/cgroup/unified/baton-test-{}", ::getpid());
  bool made = false;
  DelegatedGroup() {
    if (::access("/sys/fs/cgroup/unified", W_OK) != 0) {
      path = fmt::format("/sys/fs/cgroup/baton-test-{}", ::getpid());
    }
    if (::mkdir(path.c_str(), 0755) != 0) return;
    made = ::setxattr(path.c_str(), "user.delegate", "1", 1, 0) == 0 && enter(path);
  }
  ~DelegatedGroup() {
    enter(path.substr(0, path.rfind('/')));
    ::rmdir(path.c_str());
  }
  static bool enter(const std::string& group) {
    std::ofstream procs(group + "/cgroup.procs");
    procs << ::getpid() << std::flush;
    return static_cast<bool>(procs);
  }
};

pid_t find_command(const std::string& command) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto line = read_file(entry.path().string() + "/cmdline", 4096);
    if (line && *line == command) return std::atoi(entry.path().filename().c_str());
  }
  return 0;
}

TEST_F(Command, what_hides_from_a_dead_runner_is_ended_with_its_control_group) {
  const DelegatedGroup group;
  if (!group.made) GTEST_SKIP() << "no control group can be made here";
  const std::string time = fmt::format("10{}", ::getpid());
  const std::string hidden = "sleep" + std::string(1, '\0') + time + std::string(1, '\0');
  shell("env -i setsid sleep " + time + " & sleep 1000");
  server.be_away(1'000'000);
  const pid_t keeper = ::fork();
  if (keeper == 0) ::_exit(keep([this] { return run(); }));
  pid_t found = 0;
  for (int i = 0; i < 1'000 && found == 0; ++i) {
    ::usleep(10'000);
    found = find_command(hidden);
  }
  ASSERT_GT(found, 0);
  // The keeper goes first: nobody is left who knows whose it is.
  ::kill(keeper, SIGKILL);
  ::waitpid(keeper, nullptr, 0);
  ProcessInfo info;
  EXPECT_TRUE(process_info(found, info));
  server.be_away(0);
  epoch = 2;
  shell("echo again");
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(find_command(hidden), 0);
  EXPECT_FALSE(std::filesystem::exists(*read_file(folder + "/runner/cgroup")));
}

TEST_F(Command, a_supervisor_killed_while_it_spools_leaves_what_was_whole_to_the_next) {
  // The file's limit stops a write in the middle of a record, as a kill or a full disk does.
  constexpr rlim_t kTorn = 20'000;
  shell("echo first words; while [ ! -e go ]; do sleep 0.02; done; "
        "head -c 200000 /dev/urandom; sleep 1000");
  server.be_away(1'000'000);
  const pid_t keeper = ::fork();
  if (keeper == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{kTorn, kTorn};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::_exit(keep([this] { return run(); }));
  }
  const std::string spool = folder + "/runner/1.spool";
  const auto wait_for = [](const std::function<bool()>& come) {
    for (int i = 0; i < 1'000 && !come(); ++i) ::usleep(10'000);
    return come();
  };
  ASSERT_TRUE(wait_for([&] {
    const auto bytes = read_file(spool);
    return bytes && bytes->find("first words") != std::string::npos;
  }));
  file("go", "");
  std::error_code error;
  ASSERT_TRUE(wait_for([&] { return std::filesystem::file_size(spool, error) == kTorn; }));
  ::kill(children_of(keeper).at(0), SIGKILL);
  int status = 0;
  ::waitpid(keeper, &status, 0);
  EXPECT_FALSE(wire::decode_records(*read_file(spool))) << "the last record is torn";
  server.be_away(0);
  epoch = 2;
  shell("echo again");
  server.job.progress = {{"it", 1, 0, false}};
  EXPECT_EQ(run(), 0);
  EXPECT_TRUE(output("it", 1).starts_with("first words\n"));
  EXPECT_EQ(output("it", 2), "again\n");
  EXPECT_EQ(ending(), model::Ending::completed);
  EXPECT_FALSE(std::filesystem::exists(spool)) << "the next one is done with it";
}

TEST_F(Command, a_killed_supervisor_leaves_no_process_and_its_spool_to_the_next) {
  shell("echo first words; setsid sleep 1000 & sleep 1001");
  server.be_away(1'000'000);
  const pid_t keeper = ::fork();
  if (keeper == 0) {
    ::_exit(keep([this] { return run(); }));
  }
  // The supervisor is the keeper's only child; its test has written when the spool has output.
  pid_t supervisor = 0;
  std::vector<pid_t> tests;
  const std::string spool = folder + "/runner/1.spool";
  for (int i = 0; i < 1'000 && tests.size() < 3; ++i) {
    ::usleep(10'000);
    if (const auto children = children_of(keeper); !children.empty()) supervisor = children[0];
    if (supervisor > 0) tests = descendants_of(supervisor);
  }
  ASSERT_GE(tests.size(), 3u);
  for (int i = 0; i < 1'000; ++i) {
    const auto bytes = read_file(spool);
    if (bytes && bytes->find("first words") != std::string::npos) break;
    ::usleep(10'000);
  }
  ::kill(supervisor, SIGKILL);
  int status = 0;
  ::waitpid(keeper, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGKILL);
  for (const pid_t pid : tests) {
    ProcessInfo info;
    EXPECT_FALSE(process_info(pid, info)) << pid;
  }
  server.be_away(0);
  epoch = 2;
  shell("echo again");
  server.job.progress = {{"it", 1, 0, false}};
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(output("it", 1), "first words\n");
  EXPECT_EQ(output("it", 2), "again\n");
  EXPECT_EQ(server.records().at(0).origin_epoch, 1);
}

}  // namespace
}  // namespace baton::runner
