// SPDX-License-Identifier: MIT
// Checks and what they say, inside an attempt of this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <baton/baton.h>
#include <baton/std.h>

#include "suite/attempt.h"

namespace baton::suite {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

template <class Body>
Ended ended(Body body) {
  EventSink events(-1);
  detail::Attempt attempt(
      {.suite = "default/s", .test = "t", .parameter = "", .file = "here.cc", .line = 1, .dir = ""},
      events);
  attempt.run(body);
  attempt.run_cleanups();
  return attempt.finish();
}

// The part of the message after "failed: ".
template <class Body>
std::string shown(Body body) {
  const std::string message = ended([&](T&) { body(); }).message;
  const std::size_t at = message.find("failed: ");
  return at == std::string::npos ? message : message.substr(at + 8);
}

enum class Plain { a = 3 };
struct Point {
  int x;
  bool operator==(const Point&) const = default;
};
std::string to_string(const Point& point) { return "(" + std::to_string(point.x) + ")"; }
struct Mute {
  bool operator==(const Mute&) const { return false; }
};

TEST(Check, shows_both_operands_of_every_kind) {
  const int one = 1;
  const std::string tea = "tea";
  EXPECT_EQ(shown([&] { BATON_CHECK(one == 2); }), "1 == 2");
  EXPECT_EQ(shown([&] { BATON_CHECK(one + 1 < 2); }), "2 < 2");
  EXPECT_EQ(shown([&] { BATON_CHECK(1.5 >= 2.5f); }), "1.5 >= 2.5");
  EXPECT_EQ(shown([&] { BATON_CHECK(tea == "mate"); }), "\"tea\" == \"mate\"");
  EXPECT_EQ(shown([&] { BATON_CHECK(tea.c_str() == "mate"); }), "\"tea\" == \"mate\"");
  EXPECT_EQ(shown([&] { BATON_CHECK('a' == 'b'); }), "'a' == 'b'");
  EXPECT_EQ(shown([&] { BATON_CHECK(Plain::a != Plain::a); }), "3 != 3");
  EXPECT_EQ(shown([&] { BATON_CHECK(Point{1} == Point{2}); }), "(1) == (2)");
  EXPECT_EQ(shown([&] { BATON_CHECK(5ms > 2s); }), "5ms > 2s");
  EXPECT_EQ(shown([&] {
              BATON_CHECK(std::vector<int>{1, 2} == std::vector<int>{3});
            }),
            "[1, 2] == [3]");
  EXPECT_EQ(shown([&] { BATON_CHECK(std::optional<int>() == 3); }), "nullopt == 3");
  EXPECT_EQ(shown([&] { BATON_CHECK(std::pair(1, tea) == std::pair(2, tea)); }),
            "(1, \"tea\") == (2, \"tea\")");
  EXPECT_EQ(shown([&] { BATON_CHECK(std::filesystem::path("/a") == std::filesystem::path("/b")); }),
            "\"/a\" == \"/b\"");
  EXPECT_THAT(shown([&] { BATON_CHECK(Mute{} == Mute{}); }), HasSubstr("without to_string"));
  const std::unique_ptr<int> none;
  EXPECT_EQ(shown([&] { BATON_CHECK(none != nullptr); }), "nullptr != nullptr");
  const std::error_code denied = std::make_error_code(std::errc::permission_denied);
  EXPECT_EQ(shown([&] { BATON_CHECK(!denied); }), "false");
  EXPECT_EQ(shown([&] { BATON_CHECK(denied == std::error_code()); }),
            "Permission denied == Success");
}

TEST(Check, shows_a_single_operand_and_falls_back_for_logic) {
  const bool ready = false;
  EXPECT_EQ(shown([&] { BATON_CHECK(ready); }), "false");
  EXPECT_EQ(shown([&] { BATON_CHECK(std::optional<int>()); }), "nullopt");
  EXPECT_EQ(shown([&] { BATON_CHECK(1 == 1 && 1 == 2); }), "false");
}

TEST(Check, compares_numbers_by_value_and_strings_by_content) {
  const int minus = -1;
  const unsigned big = 1;
  const std::size_t size = 3;
  const std::string text = "abc";
  const char copy[] = "abc";
  const Ended result = ended([&](T& t) {
    BATON_CHECK(minus < big);
    BATON_CHECK(size == 3);
    BATON_CHECK(text == copy);
    BATON_CHECK(text.c_str() == copy);
    BATON_CHECK(t.name() == std::string("t"));
    BATON_CHECK(std::string_view("t") == t.name());
  });
  EXPECT_EQ(result.outcome, Outcome::passed) << result.message;
}

TEST(Check, names_place_expression_and_message) {
  const Ended result = ended([](T&) { BATON_CHECK(1 == 2, "order {} of {}", "o-1", 3); });
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_THAT(result.message, HasSubstr("check_test.cc:"));
  EXPECT_THAT(result.message, HasSubstr("BATON_CHECK(1 == 2) failed: 1 == 2: order o-1 of 3"));
  EXPECT_GT(result.line, 1);
}

TEST(Check, allows_commas_in_the_expression) {
  const Ended result = ended([](T&) { BATON_CHECK(std::pair<int, int>{1, 2} == std::pair(1, 2)); });
  EXPECT_EQ(result.outcome, Outcome::passed) << result.message;
}

TEST(Check, records_and_goes_on_while_require_ends) {
  int reached = 0;
  const Ended result = ended([&](T&) {
    BATON_CHECK(1 == 2);
    reached = 1;
    BATON_REQUIRE(3 == 4);
    reached = 2;
  });
  EXPECT_EQ(reached, 1);
  EXPECT_THAT(result.message, HasSubstr("1 == 2"));
  EXPECT_THAT(result.message, HasSubstr("BATON_REQUIRE(3 == 4) failed: 3 == 4"));
}

TEST(Attempt, an_exception_is_an_error_with_type_and_text) {
  const Ended result = ended([](T&) { throw std::out_of_range("far"); });
  EXPECT_EQ(result.outcome, Outcome::errored);
  EXPECT_EQ(result.message, "std::out_of_range: far");
  EXPECT_EQ(result.file, "here.cc");
}

TEST(Attempt, a_skip_after_a_failure_stays_failed) {
  const auto skip = [](T& t) { t.skip("why"); };
  EXPECT_EQ(ended(skip).outcome, Outcome::skipped);
  EXPECT_EQ(ended(skip).message, "why");
  EXPECT_EQ(ended([](T& t) {
              t.fail("first");
              t.skip("why");
            }).outcome,
            Outcome::failed);
}

TEST(Attempt, cleanups_run_last_in_first_out_whatever_they_throw) {
  std::string order;
  const Ended result = ended([&](T& t) {
    t.cleanup([&] { order += 'a'; });
    t.cleanup([&] {
      order += 'b';
      throw std::runtime_error("b");
    });
    t.cleanup([&] {
      order += 'c';
      t.cleanup([&] { order += 'd'; });
      BATON_REQUIRE(1 == 2);
    });
    throw std::runtime_error("body");
  });
  EXPECT_EQ(order, "cdba");
  EXPECT_EQ(result.outcome, Outcome::errored);
  EXPECT_THAT(result.message, HasSubstr("runtime_error: body\n"));
  EXPECT_THAT(result.message, HasSubstr("in a cleanup: std::runtime_error: b"));
}

TEST(Attempt, values_and_texts_convert_to_the_standard_types) {
  ended([](T& t) {
    t.set_value("id", 42);
    const std::string text = t.value("id");
    EXPECT_EQ(text, "42");
    EXPECT_EQ(std::string(t.name()) + "!", "t!");
    const std::string_view view = t.suite();
    EXPECT_EQ(view, "default/s");
    EXPECT_EQ(std::filesystem::path(t.name()), "t");
    const std::string joined = t.name() + "/x";
    EXPECT_EQ(joined, "t/x");
    EXPECT_EQ(std::string("a ") + t.name(), "a t");
    EXPECT_EQ(streamed(t.name()), "t");
    EXPECT_EQ(chrono(seconds(2)), 2s);
  });
}

TEST(Attempt, temp_dir_exists_and_goes_away) {
  std::filesystem::path folder;
  ended([&](T& t) {
    folder = std::string(t.temp_dir());
    EXPECT_TRUE(std::filesystem::is_directory(folder));
    EXPECT_EQ(t.temp_dir(), folder.native());
    std::ofstream(std::string(t.temp_dir() + "/file")) << "x";
    t.artifact(t.temp_dir() + "/file");
    EXPECT_FALSE(t.failed());
    t.artifact("/no/such/file");
    EXPECT_TRUE(t.failed());
  });
  EXPECT_FALSE(std::filesystem::exists(folder.parent_path()));
}

TEST(Attempt, poll_tells_whether_it_became_true) {
  const Ended result = ended([](T& t) {
    int calls = 0;
    EXPECT_TRUE(t.poll(10s, 1ms, [&] { return ++calls == 3; }));
    EXPECT_EQ(calls, 3);
    EXPECT_FALSE(t.poll(3ms, 1ms, [] { return false; }));
    EXPECT_FALSE(t.failed());
    EXPECT_TRUE(t.eventually(10s, [] { return true; }));
    EXPECT_FALSE(t.eventually(milliseconds(2), milliseconds(1), [] { return false; }));
  });
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_THAT(result.message, HasSubstr("within 2 ms"));
}

}  // namespace
}  // namespace baton::suite
