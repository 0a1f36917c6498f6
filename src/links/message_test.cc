// SPDX-License-Identifier: MIT
#include "links/message.h"

#include <gtest/gtest.h>

namespace baton::links {
namespace {

using model::ErrorClass;

Outcome of(int status, net::Headers headers = {}) {
  return outcome_of(net::HttpResponse{status, std::move(headers), ""}, from_ms(1'000));
}

TEST(Outcome, an_answer_says_whether_trying_again_helps) {
  EXPECT_EQ(of(204).kind, Outcome::Kind::delivered);
  EXPECT_EQ(of(502).kind, Outcome::Kind::again);
  EXPECT_EQ(of(401).error_class, ErrorClass::auth);
  EXPECT_EQ(of(410).error_class, ErrorClass::peer_gone);
  EXPECT_EQ(of(422).error_class, ErrorClass::rejected);
  EXPECT_EQ(of(302).error_class, ErrorClass::misconfigured);
}

TEST(Outcome, a_peer_may_say_when_to_come_back) {
  EXPECT_EQ(of(429, {{"Retry-After", "3"}}).after, Duration{3'000});
  EXPECT_EQ(of(503, {{"Retry-After", "Thu, 01 Jan 1970 00:00:05 GMT"}}).after, Duration{4'000});
  EXPECT_EQ(of(429, {{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", "11"}}).after,
            Duration{10'000});
  EXPECT_FALSE(of(429).after);
  EXPECT_GT(of(429, {{"Retry-After", "9223372036854775807"}}).after, std::chrono::hours{24});
  EXPECT_EQ(of(429, {{"Retry-After", "-1"}}).after, Duration{0});
}

TEST(Outcome, an_error_names_the_host_of_an_address_and_no_more) {
  const auto said = [](std::string text) {
    const Result<net::HttpResponse> lost = fail(Code::unreachable, "{}", text);
    return outcome_of(lost, {}).error;
  };
  EXPECT_EQ(said("http://ci:8080/webhook-step/t0ken: Connection refused"),
            "http://ci:8080: Connection refused");
  EXPECT_EQ(said("\"https://h?key=x\" and https://g/a/b, too"), "\"https://h\" and https://g, too");
  EXPECT_EQ(said("http://h"), "http://h");
}

TEST(Outcome, without_an_answer_it_is_tried_again_unless_somebody_must_act) {
  const Result<net::HttpResponse> lost = fail(Code::unreachable, "no route");
  EXPECT_EQ(outcome_of(lost, {}).kind, Outcome::Kind::again);
  const Result<net::HttpResponse> refused = fail(Code::forbidden, "10.0.0.1 is private");
  EXPECT_EQ(outcome_of(refused, {}).error_class, ErrorClass::misconfigured);
}

}  // namespace
}  // namespace baton::links
