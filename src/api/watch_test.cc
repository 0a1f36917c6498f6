// SPDX-License-Identifier: MIT
#include "api/watch.h"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <thread>

#include "api/test_server.h"

namespace baton::api {
namespace {

using model::Outcome;

TEST(Watch, a_waiter_that_does_something_else_holds_nobody_up) {
  TestServer server;
  const auto id = server.start_run();
  // As a stream that writes to a slow client: registered, and not asleep. Its key is the first one.
  Watch::Waiter busy(server.context().watch, "");
  const auto began = std::chrono::steady_clock::now();
  std::string state;
  std::thread waiting([&] {
    net::Client client;
    net::HttpRequest request;
    request.url = fmt::format("{}/api/v1/runs/{}?wait=30s", server.url(), id);
    request.headers = {{"X-API-KEY", server.secret("viewer")}};
    const auto response = client.request(request);
    if (response) state = boost::json::parse(response->body).at("state").as_string();
  });
  while (server.context().watch.waiting() < 2) std::this_thread::yield();
  Runner(server, id).play({{"a", Outcome::passed}});
  waiting.join();
  EXPECT_EQ(state, "finished");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

}  // namespace
}  // namespace baton::api
