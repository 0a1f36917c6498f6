// SPDX-License-Identifier: MIT
#include "links/testkube_log.h"

#include <gtest/gtest.h>

#include "links/testkube_for_test.h"
#include "links/testkube_gate_log.h"

namespace baton::links {
namespace {

constexpr const char* kRunning = R"({"result":{"status":"running"}})";
constexpr const char* kEnd =
    R"({"result":{"status":"passed","finishedAt":"2026-01-01T00:00:00Z"}})";

std::string line(std::string_view text) { return fmt::format(R"({{"log":"{}\n"}})", text); }

// A Testkube with one execution whose notices it streams from any place on.
class LogWorld : public Http {
 public:
  LogWorld()
      : log("e1",
            [this](const std::string& gate, std::string_view text) { return append(gate, text); }) {
  }

  void say(std::string kind, std::string data) { notices.emplace_back(kind, data); }
  void say_log(std::string_view text) { say("log", line(text)); }

  Answer send(net::HttpRequest request) override {
    sent.push_back(request.url);
    if (request.url.ends_with("/logs")) return whole(request);
    request.on_head(status, {});
    if (status != 200) return answer(status);
    std::size_t after = 0;
    const std::size_t at = request.url.find("AfterSeqNo=");
    if (at != std::string::npos) after = std::stoul(request.url.substr(at + 11));
    std::string bytes;
    if (after > resumable) {
      bytes += "event: resume_unavailable\ndata: {}\n\n";
      after = 0;
    }
    for (std::size_t i = after; i < notices.size(); ++i) {
      const auto& [kind, data] = notices[i];
      bytes += is_bare ? fmt::format("{}\n\n", data)
                       : fmt::format("id: {}\nevent: {}\ndata: {}\n\n", i + 1, kind, data);
      if (!is_bare) bytes += "event: heartbeat\ndata: {}\n\n";
    }
    if (!is_bare) bytes += "event: log\ndata: {\"log\":\"waiting for a pod\"}\n\n";
    const bool is_cut = cut > 0 && cut < bytes.size();
    if (is_cut) bytes.resize(std::exchange(cut, 0));
    for (std::size_t i = 0; i < bytes.size(); i += piece)
      if (!request.on_data(std::string_view(bytes).substr(i, piece)))
        return fail(Code::gone, "cancelled");
    return is_cut ? no_answer() : answer(200);
  }
  Answer whole(const net::HttpRequest& request) const {
    request.on_head(200, {});
    if (!request.on_data(full)) return fail(Code::gone, "cancelled");
    return answer(200);
  }
  Result<void> append(const std::string& gate, std::string_view text) {
    if (refuse) return tl::unexpected(*refuse);
    logs[gate] += text;
    return {};
  }
  Result<bool> follow() {
    TestkubeApi api(profile, *this);
    return log.follow(api);
  }
  Result<void> finish() {
    TestkubeApi api(profile, *this);
    return log.finish(api);
  }

  model::LinkProfile profile = testkube_profile();
  std::vector<std::pair<std::string, std::string>> notices;
  std::map<std::string, std::string> logs;
  std::vector<std::string> sent;
  std::string full;
  std::optional<Error> refuse;
  std::size_t piece = 7;
  std::size_t cut = 0;
  std::size_t resumable = 1'000;
  int status = 200;
  bool is_bare = false;
  TestkubeLog log;
};

TEST(TestkubeLog, a_stream_is_resumed_without_loss_or_repetition) {
  for (const bool is_bare : {false, true}) {
    for (std::size_t cut = 1; cut < 400; cut += 3) {
      LogWorld world;
      world.is_bare = is_bare;
      world.log.add("g", 0);
      world.say("result", kRunning);
      for (const char* text : {"one", "two", "three"}) world.say_log(text);
      world.say("result", kEnd);
      world.cut = cut;
      world.piece = 1 + cut % 50;
      for (int i = 0; i < 3 && !world.follow().value_or(false); ++i) {
      }
      ASSERT_EQ(world.logs["g"], "one\ntwo\nthree\n") << cut << is_bare;
      EXPECT_TRUE(world.log.is_complete());
    }
  }
}

TEST(TestkubeLog, it_asks_for_what_comes_after_the_last_that_it_has) {
  LogWorld world;
  world.log.add("g", 0);
  world.say_log("one");
  world.say_log("two");
  EXPECT_FALSE(world.follow().value());  // it ended without the end of the execution
  world.say_log("three");
  world.say("result", kEnd);
  EXPECT_TRUE(world.follow().value());
  EXPECT_TRUE(world.sent[1].ends_with("/notifications?resumeAfterSeqNo=2"));
  EXPECT_EQ(world.logs["g"], "one\ntwo\nthree\n");
}

TEST(TestkubeLog, a_stream_that_cannot_be_resumed_comes_whole_and_is_taken_once) {
  LogWorld world;
  world.log.add("g", 0);
  world.say_log("one");
  world.say_log("two");
  EXPECT_FALSE(world.follow().value());
  world.resumable = 0;
  world.say_log("three");
  EXPECT_FALSE(world.follow().value());
  EXPECT_EQ(world.logs["g"], "one\ntwo\nthree\n");
}

TEST(TestkubeLog, a_gate_that_comes_later_gets_it_from_the_start) {
  LogWorld world;
  world.log.add("a", 0);
  world.say_log("one");
  EXPECT_FALSE(world.follow().value());
  world.log.add("b", 0);
  world.say_log("two");
  world.say("result", kEnd);
  EXPECT_TRUE(world.follow().value());
  EXPECT_EQ(world.logs["a"], "one\ntwo\n");
  EXPECT_EQ(world.logs["b"], "one\ntwo\n");
}

TEST(TestkubeLog, a_gate_that_has_a_part_of_it_from_an_earlier_server_gets_the_rest) {
  LogWorld world;
  world.log.add("g", 4);
  world.say_log("one");
  world.say_log("two");
  EXPECT_FALSE(world.follow().value());
  EXPECT_EQ(world.logs["g"], "two\n");
}

TEST(TestkubeLog, what_cannot_be_stored_comes_again_and_a_gate_that_has_ended_is_left) {
  LogWorld world;
  world.log.add("g", 0);
  world.say_log("one");
  world.refuse = Error{Code::unavailable, "the disk is full"};
  EXPECT_EQ(world.follow().error().code, Code::unavailable);
  world.refuse.reset();
  EXPECT_FALSE(world.follow().value());
  EXPECT_EQ(world.logs["g"], "one\n");
  world.refuse = Error{Code::gone, "it was decided"};
  world.say_log("two");
  EXPECT_FALSE(world.follow().value());
  EXPECT_FALSE(world.log.has_gates());
}

TEST(TestkubeLog, after_the_end_the_whole_log_fills_what_is_missing) {
  LogWorld world;
  world.log.add("g", 0);
  world.say_log("one");
  EXPECT_FALSE(world.follow().value());
  world.full = "one\ntwo\n";
  world.log.add("late", 0);
  ASSERT_TRUE(world.finish());
  EXPECT_EQ(world.logs["g"], "one\ntwo\n");
  EXPECT_EQ(world.logs["late"], "one\ntwo\n");
  EXPECT_TRUE(world.log.is_complete());
  ASSERT_TRUE(world.finish());
  EXPECT_EQ(world.logs["g"], "one\ntwo\n");
}

TEST(TestkubeLog, a_whole_log_of_another_form_is_not_mixed_with_the_stream) {
  LogWorld world;
  world.log.add("g", 0);
  world.say_log("one");
  EXPECT_FALSE(world.follow().value());
  world.full = "12:00 one\n12:01 two\n";
  world.log.add("late", 0);
  ASSERT_TRUE(world.finish());
  EXPECT_EQ(world.logs["g"],
            "one\n\n--- the stream of this log was cut; the whole log follows ---\n" + world.full);
  EXPECT_EQ(world.logs["late"], world.full);
}

TEST(TestkubeLog, a_number_that_the_server_refuses_is_given_up) {
  LogWorld world;
  world.log.add("g", 0);
  world.say_log("one");
  EXPECT_FALSE(world.follow().value());
  world.status = 400;
  EXPECT_FALSE(world.follow().value());
  world.status = 200;
  EXPECT_FALSE(world.follow().value());
  EXPECT_TRUE(world.sent.back().ends_with("/notifications"));
  EXPECT_EQ(world.logs["g"], "one\n");
}

TEST(TestkubeLog, its_length_is_known_without_following_it) {
  LogWorld world;
  world.say_log("one");
  world.say("ready", "{}");
  world.say_log("later");
  world.piece = 1;
  TestkubeApi api(world.profile, world);
  EXPECT_EQ(testkube_log_length(api, "e1")->bytes, 4);
}

class GateLogWorld {
 public:
  std::map<std::string, std::string> text;
  int writes = 0;
  std::optional<Error> refuse;
  TestkubeGateLogs logs{[this](const std::string& gate, std::string_view more) -> Result<void> {
                          ++writes;
                          if (refuse) return tl::unexpected(*refuse);
                          text[gate] += more;
                          return {};
                        },
                        1 << 20};
};

TEST(TestkubeGateLog, a_line_tells_whose_text_follows) {
  GateLogWorld world;
  world.logs.open("g", 0);
  for (const auto& [execution, text] :
       {std::pair{"a", "1\n"}, {"a", "2"}, {"b", "3\n"}, {"a", ""}, {"b", "4\n"}, {"a", "5\n"}})
    ASSERT_TRUE(world.logs.append("g", execution, text));
  EXPECT_TRUE(world.logs.flush());
  EXPECT_EQ(world.text["g"], "1\n2\n--- b ---\n3\n4\n--- a ---\n5\n");
}

TEST(TestkubeGateLog, a_line_parts_it_from_what_an_earlier_server_wrote_of_others) {
  GateLogWorld world;
  world.logs.open("one", 7, "a");
  world.logs.open("several", 7);
  ASSERT_TRUE(world.logs.append("one", "a", "1\n"));
  ASSERT_TRUE(world.logs.append("several", "a", "1\n"));
  EXPECT_TRUE(world.logs.flush());
  EXPECT_EQ(world.text["one"], "1\n");
  EXPECT_EQ(world.text["several"], "--- a ---\n1\n");
}

TEST(TestkubeGateLog, it_is_cut_at_its_limit_once) {
  GateLogWorld world;
  world.logs.open("g", (1 << 20) - 3, "a");
  ASSERT_TRUE(world.logs.append("g", "a", "12345"));
  ASSERT_TRUE(world.logs.append("g", "a", "678"));
  EXPECT_TRUE(world.logs.flush());
  EXPECT_EQ(world.text["g"], "123\n--- cut at 1 MiB; Testkube has the rest ---\n");
}

TEST(TestkubeGateLog, lines_are_written_together) {
  GateLogWorld world;
  world.logs.open("g", 0);
  std::string all;
  for (int i = 0; i < 3'000; ++i) {
    const std::string line = fmt::format("line {} {}\n", i, std::string(50, 'x'));
    ASSERT_TRUE(world.logs.append("g", "a", line));
    all += line;
  }
  EXPECT_FALSE(world.logs.is_written("g"));
  EXPECT_TRUE(world.logs.flush());
  EXPECT_TRUE(world.logs.is_written("g"));
  EXPECT_EQ(world.text["g"], all);
  EXPECT_LE(world.writes, static_cast<int>(all.size() / kGateLogBatch) + 1);
}

TEST(TestkubeGateLog, what_cannot_be_written_is_held_and_no_more_is_taken) {
  GateLogWorld world;
  world.logs.open("g", 0);
  world.refuse = Error{Code::unavailable, "the disk is full"};
  const std::string piece(kGateLogBatch, 'x');
  ASSERT_TRUE(world.logs.append("g", "a", piece));
  EXPECT_EQ(world.logs.append("g", "a", "more\n").error().code, Code::unavailable);
  EXPECT_FALSE(world.logs.flush());
  world.refuse.reset();
  ASSERT_TRUE(world.logs.append("g", "a", "more\n"));
  EXPECT_TRUE(world.logs.flush());
  EXPECT_EQ(world.text["g"], piece + "more\n");
}

TEST(TestkubeGateLog, a_gate_that_ended_meanwhile_is_told_of) {
  GateLogWorld world;
  world.logs.open("g", 0);
  ASSERT_TRUE(world.logs.append("g", "a", "1\n"));
  world.refuse = Error{Code::conflict, "it was decided"};
  EXPECT_TRUE(world.logs.flush());
  EXPECT_TRUE(world.logs.is_written("g"));
  EXPECT_EQ(world.logs.append("g", "a", "2\n").error().code, Code::conflict);
}

TEST(TestkubeGateLog, a_gate_that_was_closed_takes_no_more) {
  GateLogWorld world;
  world.logs.open("g", 0);
  world.logs.close("g");
  EXPECT_EQ(world.logs.append("g", "a", "1").error().code, Code::gone);
}

}  // namespace
}  // namespace baton::links
