// SPDX-License-Identifier: MIT
// Waiting for a lease and keeping it, against a server that answers as the test says.
#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "client/answer.h"
#include "client/lease_keep.h"
#include "client/lease_wait.h"
#include "net/await.h"
#include "net/server.h"

namespace baton::client {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

// Long for a machine, short for a person: what a test waits before it calls something stuck.
constexpr seconds kPatience{20};

// Its answers are those of `script`, called for one request at a time; nothing: the request is held
// until the script may have changed (change()).
class ScriptedServer {
 public:
  using Script = std::function<std::optional<net::Response>(const net::Request&)>;

  explicit ScriptedServer(Script script)
      : script_(std::move(script)), server_(options(), handler(), {}) {
    const auto started = server_.start();
    EXPECT_TRUE(started) << started.error().message;
  }

  Endpoint endpoint() const { return {server_.url(), "secret"}; }
  /// "POST /api/v1/leases", in the order of their arrival.
  std::vector<std::string> calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  std::size_t count(std::string_view call) {
    const auto all = calls();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), call));
  }
  void until_called(std::string_view call) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (count(call) == 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    EXPECT_GT(count(call), 0U) << call;
  }
  void change() const { gate_.notify(); }

 private:
  static net::ServerOptions options() {
    net::ServerOptions options;
    options.listen = "127.0.0.1:0";
    return options;
  }
  net::Handler handler() {
    return [this](net::Request request) -> boost::asio::awaitable<net::Response> {
      {
        const std::lock_guard lock(mutex_);
        calls_.push_back(request.method + ' ' + request.path);
      }
      for (;;) {
        auto answer = script_(request);
        if (answer) co_return *std::move(answer);
        const net::Wake wake = co_await gate_.wait(net::kForever, request.caller);
        if (wake != net::Wake::notified) co_return net::reply(204);
      }
    };
  }

  std::mutex mutex_;
  std::vector<std::string> calls_;
  net::Gate gate_;
  Script script_;
  net::Server server_;
};

net::Response lease(int status, std::string_view state, std::string_view more = "") {
  return net::reply(
      status, "application/json",
      fmt::format(R"({{"id":"lse_1","state":"{}","fence":7,"expires_in_ms":60000{}}})", state,
                  more));
}

net::Response problem(int status, std::string_view code) {
  return net::reply(
      status, "application/problem+json",
      fmt::format(R"({{"status":{},"code":"{}","detail":"so it is","fix":"mend"}})", status, code));
}

bool is(const net::Request& request, std::string_view method, std::string_view rest) {
  return request.method == method && request.path == "/api/v1/leases" + std::string{rest};
}

json::object wants_uat() { return {{"environment", "uat"}, {"holder", {{"name", "deploy"}}}}; }

TEST(Answer, what_is_missing_or_of_another_kind_is_empty) {
  const json::value answer{{"state", "held"}, {"fence", 7}};
  EXPECT_EQ(text_of(answer, "state"), "held");
  EXPECT_EQ(number_of(answer, "fence"), 7);
  EXPECT_EQ(text_of(answer, "fence"), "");
  EXPECT_EQ(number_of(answer, "state"), 0);
  EXPECT_EQ(text_of(json::value(nullptr), "state"), "");
}

TEST(LeaseWait, what_is_granted_at_once_counts_from_the_request) {
  ScriptedServer server([](const net::Request&) { return lease(201, "held"); });
  const BootTime before = BootClock::now();
  const auto waited = acquire_lease(server.endpoint(), wants_uat(), {});
  ASSERT_TRUE(waited) << waited.error().message;
  EXPECT_EQ(waited->end, Waited::End::held);
  EXPECT_EQ(waited->lease.id, "lse_1");
  EXPECT_EQ(waited->lease.fence, 7);
  EXPECT_EQ(waited->lease.left, seconds{60});
  EXPECT_GE(waited->lease.sent, before);
  EXPECT_LE(waited->lease.sent, BootClock::now());
  EXPECT_EQ(server.calls(), std::vector<std::string>{"POST /api/v1/leases"});
}

TEST(LeaseWait, a_grant_after_a_wait_is_renewed_before_it_is_counted_on) {
  std::atomic<bool> granted = false;
  ScriptedServer server([&](const net::Request& request) -> std::optional<net::Response> {
    if (is(request, "POST", "")) return lease(202, "queued", R"(,"position":1)");
    if (is(request, "POST", "/lse_1/renew")) return lease(200, "held");
    EXPECT_EQ(*request.parameter("seen"), "queued");
    if (!granted) return {};
    return lease(200, "held");
  });
  LeaseWait how{.wait = seconds{60}};
  int heard = 0;
  how.on_queued = [&](const json::value& document) {
    ++heard;
    EXPECT_EQ(number_of(document, "position"), 1);
    granted = true;
    server.change();
  };
  const auto waited = acquire_lease(server.endpoint(), wants_uat(), how);
  ASSERT_TRUE(waited) << waited.error().message;
  EXPECT_EQ(waited->end, Waited::End::held);
  EXPECT_EQ(heard, 1);
  EXPECT_EQ(server.calls().back(), "POST /api/v1/leases/lse_1/renew");
}

TEST(LeaseWait, a_lost_answer_is_asked_for_again_with_the_same_key) {
  std::vector<std::string> keys;
  ScriptedServer server([&](const net::Request& request) -> std::optional<net::Response> {
    keys.emplace_back(request.headers.get("Idempotency-Key"));
    if (keys.size() == 1) return problem(503, "unavailable");
    return lease(201, "held");
  });
  int troubles = 0;
  LeaseWait how;
  how.on_trouble = [&](const Error& error) {
    ++troubles;
    EXPECT_EQ(error.code, Code::unavailable);
  };
  const auto waited = acquire_lease(server.endpoint(), wants_uat(), how);
  ASSERT_TRUE(waited) << waited.error().message;
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_FALSE(keys[0].empty());
  EXPECT_EQ(troubles, 1);
}

TEST(LeaseWait, a_refusal_is_not_asked_for_again) {
  ScriptedServer server([](const net::Request&) { return problem(409, "busy"); });
  const auto waited = acquire_lease(server.endpoint(), wants_uat(), {.wait = seconds{60}});
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Code::busy);
  EXPECT_EQ(server.calls().size(), 1U);
}

TEST(LeaseWait, who_stops_waiting_takes_the_request_back) {
  ScriptedServer server([](const net::Request& request) -> std::optional<net::Response> {
    if (is(request, "POST", "")) return lease(202, "queued");
    if (is(request, "DELETE", "/lse_1")) return lease(200, "cancelled");
    return {};
  });
  std::stop_source stop;
  std::thread stopper([&] {
    server.until_called("GET /api/v1/leases/lse_1");
    stop.request_stop();
  });
  const auto waited = acquire_lease(server.endpoint(), wants_uat(),
                                    {.wait = seconds{60}, .stop = stop.get_token()});
  stopper.join();
  ASSERT_TRUE(waited) << waited.error().message;
  EXPECT_EQ(waited->end, Waited::End::stopped);
  EXPECT_EQ(server.calls().back(), "DELETE /api/v1/leases/lse_1");
}

TEST(LeaseWait, a_place_that_the_server_dropped_is_asked_for_anew) {
  std::vector<std::string> keys;
  ScriptedServer server([&](const net::Request& request) -> std::optional<net::Response> {
    if (!is(request, "POST", "")) return lease(200, "cancelled", R"(,"reason":"waiter gone")");
    keys.emplace_back(request.headers.get("Idempotency-Key"));
    return keys.size() == 1 ? lease(202, "queued") : lease(201, "held");
  });
  const auto waited = acquire_lease(server.endpoint(), wants_uat(), {.wait = seconds{60}});
  ASSERT_TRUE(waited) << waited.error().message;
  EXPECT_EQ(waited->end, Waited::End::held);
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_NE(keys[0], keys[1]) << "the old answer is stored under the old key";
}

TEST(LeaseWait, one_that_somebody_ended_is_not_asked_for_anew) {
  ScriptedServer server([](const net::Request& request) {
    return is(request, "POST", "") ? lease(202, "queued")
                                   : lease(200, "cancelled", R"(,"ended_by":"admin")");
  });
  const auto waited = acquire_lease(server.endpoint(), wants_uat(), {.wait = seconds{60}});
  ASSERT_TRUE(waited) << waited.error().message;
  EXPECT_EQ(waited->end, Waited::End::ended);
  EXPECT_EQ(text_of(waited->document, "ended_by"), "admin");
}

TEST(LeaseWait, a_time_out_tells_who_was_ahead_at_last) {
  ScriptedServer server([](const net::Request& request) {
    return is(request, "POST", "") ? lease(202, "queued", R"(,"position":3)")
                                   : lease(200, "timed_out");
  });
  const auto waited = acquire_lease(server.endpoint(), wants_uat(), {.wait = seconds{60}});
  ASSERT_TRUE(waited) << waited.error().message;
  EXPECT_EQ(waited->end, Waited::End::timed_out);
  EXPECT_EQ(number_of(waited->document, "position"), 3);
}

// What a keeper told, for the test's thread.
class Told {
 public:
  LeaseKeeper::Events events() {
    return {.on_renewed = [this](const HeldLease& held) { add("renewed", held.left.count()); },
            .on_lost = [this](const LostLease& lost) { add(lost.state + ": " + lost.why, 0); },
            .on_trouble = [this](const Error& error) { add("trouble: " + error.message, 0); }};
  }
  /// The first thing told that begins so; "" when it does not come.
  std::string wait_for(std::string_view begin) {
    std::unique_lock lock(mutex_);
    const auto found = [&] {
      return std::find_if(told_.begin(), told_.end(),
                          [&](const std::string& one) { return one.starts_with(begin); });
    };
    wake_.wait_for(lock, kPatience, [&] { return found() != told_.end(); });
    return found() == told_.end() ? "" : *found();
  }

 private:
  void add(std::string what, std::int64_t left) {
    const std::lock_guard lock(mutex_);
    told_.push_back(left == 0 ? what : fmt::format("{} {}", what, left));
    wake_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::string> told_;
};

HeldLease held_for(Duration left) { return {{}, "lse_1", 7, BootClock::now(), left}; }

// A server that holds each GET and answers each renewal with this.
ScriptedServer::Script renewals_get(std::function<net::Response()> answer) {
  return [answer = std::move(answer)](const net::Request& request) -> std::optional<net::Response> {
    if (is(request, "POST", "/lse_1/renew")) return answer();
    return {};
  };
}

TEST(LeaseKeep, renews_at_a_third_of_the_time) {
  ScriptedServer server(renewals_get([] { return lease(200, "held"); }));
  Told told;
  const BootTime begun = BootClock::now();
  const LeaseKeeper keeper{server.endpoint(), held_for(Duration{600}), told.events()};
  EXPECT_EQ(told.wait_for("renewed"), "renewed 60000");
  EXPECT_GE(BootClock::now() - begun, Duration{200});
}

TEST(LeaseKeep, hears_of_a_revocation_long_before_the_next_renewal) {
  std::atomic<bool> revoked = false;
  ScriptedServer server([&](const net::Request& request) -> std::optional<net::Response> {
    EXPECT_EQ(*request.parameter("seen"), "held");
    if (!revoked) return {};
    return lease(200, "revoked", R"(,"ended_by":"boss","reason":"now")");
  });
  Told told;
  const LeaseKeeper keeper{server.endpoint(), held_for(std::chrono::hours{1}), told.events()};
  server.until_called("GET /api/v1/leases/lse_1");
  revoked = true;
  server.change();
  EXPECT_EQ(told.wait_for("revoked"), "revoked: the lease lse_1 was revoked by boss: now");
}

TEST(LeaseKeep, goes_on_after_trouble) {
  std::atomic<int> asked = 0;
  ScriptedServer server(renewals_get(
      [&] { return ++asked == 1 ? problem(503, "unavailable") : lease(200, "held"); }));
  Told told;
  const LeaseKeeper keeper{server.endpoint(), held_for(Duration{300}), told.events()};
  EXPECT_EQ(told.wait_for("trouble"), "trouble: so it is");
  EXPECT_EQ(told.wait_for("renewed"), "renewed 60000");
}

TEST(LeaseKeep, a_renewal_that_comes_too_late_tells_why_it_is_lost) {
  std::atomic<bool> lost = false;
  ScriptedServer server([&](const net::Request& request) -> std::optional<net::Response> {
    if (is(request, "POST", "/lse_1/renew")) {
      lost = true;
      return problem(410, "gone");
    }
    if (!lost) return {};
    return lease(200, "expired", R"(,"reason":"not renewed in time")");
  });
  Told told;
  const LeaseKeeper keeper{server.endpoint(), held_for(Duration{300}), told.events()};
  EXPECT_EQ(told.wait_for("expired"), "expired: the lease lse_1 was expired: not renewed in time");
}

TEST(LeaseKeep, ends_although_the_server_holds_its_question) {
  ScriptedServer server([](const net::Request&) -> std::optional<net::Response> { return {}; });
  Told told;
  const auto begun = std::chrono::steady_clock::now();
  {
    const LeaseKeeper keeper{server.endpoint(), held_for(std::chrono::hours{1}), told.events()};
    server.until_called("GET /api/v1/leases/lse_1");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kPatience);
}

}  // namespace
}  // namespace baton::client
