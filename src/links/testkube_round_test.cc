// SPDX-License-Identifier: MIT
#include "links/testkube_round.h"

#include <gtest/gtest.h>

#include <chrono>

#include "links/testkube_for_test.h"

namespace baton::links {
namespace {

using namespace std::chrono_literals;  // NOLINT: test code only
using model::GateVerdict;

// Gates, a Testkube and a clock that moves from round to round.
class RoundWorld {
 public:
  RoundWorld() {
    profile.poll = 5s;
    profile.stall_after = 10min;
  }
  model::Gate& gate(std::string id) {
    model::Gate gate;
    gate.id = std::move(id);
    gate.request.subject.kind = model::SubjectKind::testkube;
    gates.push_back(std::move(gate));
    return gates.back();
  }
  void by_tag(std::string id, std::string tag, bool all = false) {
    auto& subject = gate(std::move(id)).request.subject.testkube;
    subject.tag = std::move(tag);
    subject.all = all;
  }
  void by_workflow(std::string id, std::string workflow) {
    gate(std::move(id)).request.subject.testkube.workflow = std::move(workflow);
  }
  void by_execution(std::string id, std::string execution) {
    gate(std::move(id)).request.subject.testkube.execution = std::move(execution);
  }

  void take(const TestkubeNews& news) {
    for (const auto& one : news.observed) watched[one.gate] = one.watched;
    for (const auto& one : news.decided) {
      EXPECT_FALSE(verdicts.contains(one.gate)) << one.gate;
      verdicts[one.gate] = one;
    }
  }
  void poll(int rounds = 1) {
    for (int i = 0; i < rounds; ++i) {
      round.watch(gates, now);
      take(round.poll(testkube, now));
      now += round.pause();
    }
  }
  void look(const std::string& execution) {
    round.watch(gates, now);
    take(round.look(testkube, {execution}, now));
  }
  GateVerdict verdict(const std::string& gate) const {
    const auto found = verdicts.find(gate);
    return found == verdicts.end() ? GateVerdict::none : found->second.verdict;
  }
  std::string reason(const std::string& gate) const { return verdicts.at(gate).reason; }

  model::LinkProfile profile = testkube_profile();
  FakeTestkube testkube;
  std::vector<model::Gate> gates;
  TimePoint now = kTestkubeDay;
  TestkubeRound round{profile};
  std::map<std::string, TestkubeVerdict> verdicts;
  std::map<std::string, std::string> watched;
};

TEST(TestkubeRound, the_newest_execution_with_the_tag_decides) {
  RoundWorld world;
  world.testkube.add("e1", {{"build", "42"}});
  world.testkube.finish("e1", "failed");
  world.testkube.add("e2", {{"build", "42"}});
  world.testkube.add("e3", {{"build", "43"}});
  world.by_tag("g", "build=42");
  world.poll();
  EXPECT_EQ(world.watched["g"],
            R"({"executions":[{"id":"e2","name":"smoke-e2","status":"running"}]})");
  world.testkube.finish("e2", "passed");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::passed);
  EXPECT_EQ(world.reason("g"), "Testkube execution smoke-e2 passed: 10 tests");
}

TEST(TestkubeRound, a_newer_one_takes_the_place_of_one_that_runs) {
  RoundWorld world;
  world.by_tag("g", "build=42");
  world.testkube.add("e1", {{"build", "42"}});
  world.poll();
  world.testkube.add("e2", {{"build", "42"}});
  world.testkube.finish("e1", "failed");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  world.testkube.finish("e2", "passed");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::passed);
}

TEST(TestkubeRound, one_list_serves_all_gates) {
  RoundWorld world;
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    world.testkube.add("e" + n, {{"build", n}});
    world.by_tag("g" + n, "build=" + n);
  }
  world.poll(4);
  EXPECT_EQ(world.testkube.sent.size(), 4U);
  EXPECT_EQ(world.testkube.lists(), 4);
}

TEST(TestkubeRound, without_gates_nothing_is_asked) {
  RoundWorld world;
  world.poll(3);
  world.look("e1");
  EXPECT_TRUE(world.testkube.sent.empty());
}

TEST(TestkubeRound, an_execution_beyond_the_list_is_searched_for_once_and_then_rarely) {
  RoundWorld world;
  world.testkube.add("old", {{"build", "42"}});
  for (int i = 0; i < 250; ++i) world.testkube.add("e" + std::to_string(i));
  world.by_tag("g", "build=42");
  world.by_tag("nobody", "build=99");
  world.poll();
  EXPECT_EQ(world.testkube.lists(), 3);  // the common one and two searches
  world.testkube.finish("old", "passed");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::passed);
  world.gates.erase(world.gates.begin());
  const int before = world.testkube.lists();
  world.poll(40);
  EXPECT_LT(world.testkube.lists() - before - 40, 8);
}

TEST(TestkubeRound, tags_that_testkube_ignores_do_not_bring_a_foreign_verdict) {
  RoundWorld world;
  world.testkube.add("e1", {{"k", "other"}});
  world.testkube.finish("e1", "passed");
  world.by_tag("g", "k=a,b");
  world.poll(3);
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  world.testkube.add("e2", {{"k", "a,b"}});
  world.testkube.finish("e2", "failed");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::failed);
}

TEST(TestkubeRound, all_waits_for_every_execution_with_the_tag) {
  RoundWorld world;
  world.testkube.add("old", {{"build", "42"}});
  for (int i = 0; i < 120; ++i) world.testkube.add("e" + std::to_string(i));
  world.testkube.add("new", {{"build", "42"}});
  world.testkube.finish("new", "passed");
  world.by_tag("g", "build=42", true);
  world.poll(2);
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  world.testkube.finish("old", "failed");
  world.testkube.of("old").problem = "exit code 1";
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::failed);
  EXPECT_EQ(world.reason("g"), "1 of 2 Testkube executions failed: smoke-old; exit code 1");
}

TEST(TestkubeRound, a_status_without_its_time_is_no_end) {
  RoundWorld world;
  world.testkube.add("e1").status = "failed";
  world.by_execution("g", "e1");
  world.poll(3);
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  world.testkube.finish("e1", "passed");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::passed);
}

TEST(TestkubeRound, an_end_that_is_no_pass_is_never_one) {
  const std::vector<std::pair<std::string, GateVerdict>> table{
      {"failed", GateVerdict::failed},
      {"aborted", GateVerdict::errored},
      {"canceled", GateVerdict::cancelled}};
  for (const auto& [status, verdict] : table) {
    RoundWorld world;
    world.testkube.add("e1");
    world.testkube.finish("e1", status);
    world.by_execution("g", "smoke-e1");
    world.poll();
    EXPECT_EQ(world.verdict("g"), verdict) << status;
  }
}

TEST(TestkubeRound, one_that_passed_with_failed_tests_passes_with_a_warning) {
  RoundWorld world;
  world.testkube.add("e1").failed_tests = 3;
  world.testkube.finish("e1", "passed");
  world.by_execution("g", "e1");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::passed);
  EXPECT_EQ(world.reason("g"),
            "Testkube execution smoke-e1 passed, with a warning: 3 of 10 tests failed");
}

TEST(TestkubeRound, an_execution_that_testkube_does_not_know_is_an_error_after_some_tries) {
  RoundWorld world;
  world.by_execution("g", "nowhere");
  world.poll(2);
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::errored);
  EXPECT_EQ(world.reason("g"), "Testkube knows no execution nowhere");
}

TEST(TestkubeRound, a_name_that_is_the_group_of_others_is_not_theirs) {
  RoundWorld world;
  world.testkube.add("e1");
  world.testkube.add("e2").group = "e1";
  world.testkube.finish("e2", "failed");
  world.by_execution("g", "e1");
  world.poll(2);
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
}

TEST(TestkubeRound, a_workflow_is_started_once_and_all_of_its_group_is_waited_for) {
  RoundWorld world;
  world.testkube.runners = 3;
  world.by_workflow("g", "smoke");
  world.poll();
  ASSERT_EQ(world.testkube.executions.size(), 3U);
  world.testkube.finish("s1", "passed");
  world.testkube.finish("s2", "passed");
  world.poll(2);
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  world.testkube.finish("s3", "failed");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::failed);
  EXPECT_EQ(world.testkube.executions.size(), 3U);
  EXPECT_NE(world.watched["g"].find(R"("group":"s1")"), std::string::npos);
}

TEST(TestkubeRound, a_crash_between_the_start_and_its_note_starts_no_second_one) {
  RoundWorld world;
  world.by_workflow("g", "smoke");
  world.poll();
  RoundWorld next;
  next.testkube = world.testkube;
  next.by_workflow("g", "smoke");
  next.poll(2);
  EXPECT_EQ(next.testkube.executions.size(), 1U);
}

TEST(TestkubeRound, a_start_without_an_answer_is_looked_for_before_it_is_repeated) {
  RoundWorld world;
  world.testkube.answers_start = false;
  world.by_workflow("g", "smoke");
  world.poll(3);
  EXPECT_EQ(world.testkube.executions.size(), 1U);
  world.testkube.finish("s1", "passed");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::passed);
}

TEST(TestkubeRound, a_start_that_the_server_refuses_for_now_is_repeated) {
  RoundWorld world;
  bool busy = true;
  world.testkube.on_send = [&](const net::HttpRequest& request) -> std::optional<Answer> {
    if (busy && request.method == "POST") return answer(503, "busy");
    return {};
  };
  world.by_workflow("g", "smoke");
  world.poll(2);
  EXPECT_NE(world.watched["g"].find("status 503: busy"), std::string::npos);
  busy = false;
  world.poll(6);
  EXPECT_EQ(world.testkube.executions.size(), 1U);
  EXPECT_EQ(world.watched["g"].find("problem"), std::string::npos);
}

TEST(TestkubeRound, an_unknown_workflow_is_an_error_at_once) {
  RoundWorld world;
  world.by_workflow("g", "unknown");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::errored);
  EXPECT_TRUE(world.reason("g").starts_with("the workflow unknown cannot be started: "));
}

TEST(TestkubeRound, what_was_started_and_then_deleted_is_an_error_and_not_started_again) {
  RoundWorld world;
  world.by_workflow("g", "smoke");
  world.poll();
  world.gates[0].watched = world.watched["g"];
  RoundWorld next;
  next.gates = world.gates;
  next.poll(5);
  EXPECT_EQ(next.verdict("g"), GateVerdict::errored);
  EXPECT_TRUE(next.testkube.executions.empty());
}

TEST(TestkubeRound, a_peer_that_is_down_decides_nothing_and_is_asked_less) {
  RoundWorld world;
  world.testkube.add("e1");
  world.by_execution("g", "e1");
  world.poll();
  world.testkube.down = true;
  const auto before = world.testkube.sent.size();
  const TimePoint began = world.now;
  while (world.now - began < 1h) world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  EXPECT_LT(world.testkube.sent.size() - before, 70U);
  EXPECT_NE(world.watched["g"].find("status 502"), std::string::npos);
  world.testkube.down = false;
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);  // an hour without news is not its fault
  world.testkube.finish("e1", "passed");
  world.poll();
  EXPECT_EQ(world.verdict("g"), GateVerdict::passed);
}

TEST(TestkubeRound, a_webhook_only_makes_it_look) {
  RoundWorld world;
  world.testkube.add("e1", {{"build", "42"}});
  world.by_tag("g", "build=42");
  world.poll();
  world.look("e1");
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  world.look("nowhere");
  world.testkube.finish("e1", "passed");
  world.look("e1");
  EXPECT_EQ(world.verdict("g"), GateVerdict::passed);
}

TEST(TestkubeRound, a_webhook_of_an_older_execution_does_not_decide_for_the_newest) {
  RoundWorld world;
  world.testkube.add("e1", {{"build", "42"}});
  world.testkube.add("e2", {{"build", "42"}});
  world.testkube.finish("e1", "passed");
  world.by_tag("g", "build=42");
  world.look("e1");
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
}

TEST(TestkubeRound, one_that_stands_still_has_stalled) {
  RoundWorld world;
  world.testkube.add("e1");
  world.by_execution("g", "e1");
  world.round.set_followed({"e1"});
  world.poll(100);  // more than eight minutes
  world.testkube.of("e1").moved = 1;
  world.poll(100);
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  world.round.log_moved("e1", world.now);
  world.poll(100);
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  world.poll(30);
  EXPECT_EQ(world.verdict("g"), GateVerdict::errored);
  EXPECT_EQ(world.reason("g"),
            "stalled: smoke-e1 is running, and neither that nor its log changed for 10m");
}

TEST(TestkubeRound, a_log_that_nobody_follows_is_measured_before_it_counts_as_stalled) {
  RoundWorld world;
  world.testkube.add("e1");
  world.by_execution("g", "e1");
  std::string log;
  int lines = 0;
  bool grows = true;
  world.testkube.on_send = [&](const net::HttpRequest& request) -> std::optional<Answer> {
    if (!request.url.ends_with("/notifications")) return {};
    if (grows) log += fmt::format("id: {}\nevent: log\ndata: {{\"log\":\"x\"}}\n\n", ++lines);
    request.on_head(200, {});
    request.on_data(log);
    return answer(200);
  };
  world.poll(500);
  EXPECT_EQ(world.verdict("g"), GateVerdict::none);
  grows = false;
  world.poll(250);
  EXPECT_EQ(world.verdict("g"), GateVerdict::errored);
}

TEST(TestkubeRound, agents_that_let_wait_for_the_length_of_a_log_hold_up_no_round) {
  RoundWorld world;
  for (int i = 0; i < 20; ++i) {
    const std::string id = "e" + std::to_string(i);
    world.testkube.add(id);
    world.by_execution("g" + std::to_string(i), id);
  }
  std::map<std::string, int> measured;
  world.testkube.on_send = [&](const net::HttpRequest& request) -> std::optional<Answer> {
    if (!request.url.ends_with("/notifications")) return {};
    ++measured[request.url];
    request.on_head(200, {});
    return fail(Code::timeout, "no end of the past");
  };
  for (int i = 0; i < 100 && measured.empty(); ++i) world.poll();
  EXPECT_EQ(measured.size(), 1U);
  world.poll(19);
  EXPECT_EQ(measured.size(), 20U) << "each has its turn";
  for (const auto& [url, times] : measured) EXPECT_EQ(times, 1) << url;
  world.poll(250);
  EXPECT_EQ(world.verdict("g0"), GateVerdict::errored);
  EXPECT_EQ(world.verdict("g19"), GateVerdict::errored);
}

TEST(TestkubeRound, many_executions_between_two_lists_are_all_seen) {
  // On the second page; and behind all pages, so that it is searched.
  for (const int others : {150, 600}) {
    RoundWorld world;
    world.testkube.add("first");
    world.by_tag("g", "build=42");
    world.poll(10);
    world.testkube.add("e1", {{"build", "42"}});
    world.testkube.finish("e1", "passed");
    for (int i = 0; i < others; ++i) world.testkube.add("x" + std::to_string(i));
    world.poll();
    EXPECT_EQ(world.verdict("g"), GateVerdict::passed) << others;
  }
}

TEST(TestkubeRound, many_tags_that_nobody_has_yet_cost_one_list_each_round) {
  RoundWorld world;
  world.testkube.add("first");
  for (int i = 0; i < 200; ++i)
    world.by_tag("g" + std::to_string(i), "build=" + std::to_string(i));
  world.poll(5);
  const int before = world.testkube.lists();
  world.poll(100);
  EXPECT_LE(world.testkube.lists() - before, 106);
  world.testkube.add("late", {{"build", "150"}});
  world.testkube.finish("late", "passed");
  world.poll();
  EXPECT_EQ(world.verdict("g150"), GateVerdict::passed);
}

TEST(TestkubeRound, many_executions_at_once_are_in_one_list) {
  RoundWorld world;
  for (int i = 0; i < 500; ++i) {
    world.testkube.add("e" + std::to_string(i));
    world.by_execution("g" + std::to_string(i), "e" + std::to_string(i));
  }
  world.poll(15);
  const auto before = world.testkube.sent.size();
  world.poll(10);
  EXPECT_EQ(world.testkube.sent.size() - before, 10U);
}

TEST(TestkubeRound, many_old_executions_take_turns_and_hold_up_nobody) {
  RoundWorld world;
  for (int i = 0; i < 120; ++i) {
    world.testkube.add("old" + std::to_string(i));
    world.by_execution("g" + std::to_string(i), "old" + std::to_string(i));
  }
  for (int i = 0; i < 5'100; ++i) world.testkube.add("x" + std::to_string(i));
  world.testkube.add("new", {{"build", "42"}});
  world.by_tag("new", "build=42");
  world.poll(4);
  const auto before = world.testkube.sent.size();
  world.testkube.finish("new", "passed");
  world.poll();
  EXPECT_EQ(world.verdict("new"), GateVerdict::passed);
  EXPECT_LT(world.testkube.sent.size() - before, 60U);
  for (int i = 0; i < 120; ++i) world.testkube.finish("old" + std::to_string(i), "passed");
  world.poll(3);
  EXPECT_EQ(world.verdicts.size(), 121U);
}

TEST(TestkubeRound, what_a_gate_started_is_aborted_with_it) {
  RoundWorld world;
  world.testkube.runners = 2;
  world.by_workflow("g", "smoke");
  world.poll();
  world.testkube.finish("s1", "passed");
  TestkubeApi api(world.profile, world.testkube);
  ASSERT_TRUE(abandon_testkube(api, world.gates[0]));
  EXPECT_EQ(world.testkube.of("s1").status, "passed");
  EXPECT_EQ(world.testkube.of("s2").status, "aborted");
  ASSERT_TRUE(abandon_testkube(api, world.gates[0]));
}

TEST(TestkubeRound, what_others_started_is_not_aborted) {
  RoundWorld world;
  world.testkube.add("e1", {{"build", "42"}});
  world.by_tag("g", "build=42");
  TestkubeApi api(world.profile, world.testkube);
  ASSERT_TRUE(abandon_testkube(api, world.gates[0]));
  EXPECT_TRUE(world.testkube.sent.empty());
}

}  // namespace
}  // namespace baton::links
