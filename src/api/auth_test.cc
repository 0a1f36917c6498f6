// SPDX-License-Identifier: MIT
#include "api/auth.h"

#include <gtest/gtest.h>

#include <set>

#include "api/test_server.h"
#include "base/text.h"

namespace baton::api {
namespace {

// A path of the route with something in the place of each {…}.
std::string example_path(const Route& route) {
  std::string path;
  for (const std::string_view part : split(route.pattern.substr(1), '/'))
    path += part.starts_with('{') ? "/1" : "/" + std::string{part};
  return path;
}

int rank_of(Access access) {
  switch (access) {
    case Access::open: return 0;
    case Access::viewer: return 1;
    case Access::operator_: return 2;
    case Access::admin: return 3;
    case Access::runner: return 4;
  }
  return 4;
}

TEST(Auth, every_route_refuses_every_scope_below_its_own) {
  TestServer server;
  const std::pair<std::string, int> scopes[] = {{"viewer", 1}, {"operator", 2}, {"admin", 3}};
  for (const Route& route : routes()) {
    const std::string path = example_path(route);
    const std::string method{route.method};
    const std::string where = method + " " + path;
    const int needs = rank_of(route.access);
    const Reply nobody = server.call(method, path, "", {{"Authorization", "Bearer nothing"}});
    if (route.pattern.starts_with("/api/v1/in/") && needs == 0) {
      // A signature lets them in, once the profile is known.
      EXPECT_EQ(nobody.status, 404) << where;
      continue;
    }
    if (needs == 0) {
      EXPECT_LT(nobody.status, 400) << where;
      continue;
    }
    EXPECT_EQ(nobody.status, 401) << where;
    EXPECT_NE(nobody.headers.get("WWW-Authenticate"), "") << where;
    for (const auto& [scope, rank] : scopes) {
      if (rank >= needs) continue;
      const Reply reply =
          server.call(method, path, "", {{"Authorization", "Bearer " + server.secret(scope)}});
      EXPECT_EQ(reply.status, 403) << where << " as " << scope << ": " << reply.text;
    }
    if (needs == 4) continue;
    const std::string& enough = scopes[needs - 1].first;
    // Streams and waits would not end; everything else answers something but 401 and 403.
    const Reply reply =
        server.call(method, path, "", {{"Authorization", "Bearer " + server.secret(enough)}});
    EXPECT_NE(reply.status, 401) << where;
    EXPECT_NE(reply.status, 403) << where;
    EXPECT_LT(reply.status, 500) << where << reply.text;
  }
}

TEST(Auth, a_runner_may_speak_for_its_run_only) {
  TestServer server;
  const auto mine = server.start_run();
  const auto other = server.start_run();
  Runner runner(server, mine);
  EXPECT_EQ(runner.job().status, 200);
  const net::Headers token{{"Authorization", "Bearer " + runner.token()}};
  const std::string foreign = fmt::format("/api/v1/runner/runs/{}/job?epoch=1", other);
  EXPECT_EQ(server.get(foreign, token).status, 403);
  EXPECT_EQ(server.get("/api/v1/runs", token).status, 403);
  EXPECT_EQ(server.post("/api/v1/runs", R"({"suite":"smoke"})", token).status, 403);
  EXPECT_EQ(server.get(fmt::format("/api/v1/runner/runs/{}/job?epoch=1", mine)).status, 403)
      << "not even an admin";
}

TEST(Auth, tokens_come_as_bearer_key_or_password) {
  TestServer server;
  const std::string secret = server.secret("viewer");
  EXPECT_EQ(server.get("/api/v1/whoami", {{"X-API-KEY", secret}}).string("scope"), "viewer");
  EXPECT_EQ(server.get("/api/v1/whoami", {{"Authorization", "bearer  " + secret}}).status, 200);
  net::Client client;
  net::HttpRequest request;
  request.url = "http://anybody:" + secret + "@" + server.url().substr(7) + "/api/v1/whoami";
  const auto basic = client.request(request);
  ASSERT_TRUE(basic) << basic.error().message;
  EXPECT_EQ(basic->status, 200) << basic->body;
  for (const char* bad : {"Basic !!!", "Basic YWJj", "Digest x", "Bearer", "Bearer  "})
    EXPECT_EQ(server.get("/api/v1/whoami", {{"Authorization", bad}}).status, 401) << bad;
}

TEST(Auth, tokens_are_made_shown_once_and_revoked_at_once) {
  TestServer server;
  const net::Headers key{{"Idempotency-Key", "t"}};
  const std::string body = R"({"name":"ci","scope":"viewer","expires":"1h"})";
  const Reply made = server.post("/api/v1/tokens", body, key);
  ASSERT_EQ(made.status, 201) << made.text;
  const std::string secret = made.string("token");
  EXPECT_FALSE(secret.empty());
  EXPECT_EQ(server.post("/api/v1/tokens", body, key).text, made.text) << "replayed whole";
  EXPECT_EQ(server.get("/api/v1/tokens").text.find(secret), std::string::npos);
  const net::Headers with{{"X-API-KEY", secret}};
  EXPECT_EQ(server.get("/api/v1/whoami", with).string("name"), "ci");
  EXPECT_EQ(server.del("/api/v1/tokens/" + made.string("id")).status, 204);
  EXPECT_EQ(server.get("/api/v1/whoami", with).status, 401);
  EXPECT_EQ(server.del("/api/v1/tokens/tok_none").status, 404);
  EXPECT_EQ(server.post("/api/v1/tokens", R"({"name":"x","scope":"runner"})").status, 400);
}

TEST(Auth, tokens_are_listed_in_pages) {
  TestServer server;
  for (const char* name : {"a", "b", "c", "d"})
    server.post("/api/v1/tokens", fmt::format(R"({{"name":"{}","scope":"viewer"}})", name));
  std::vector<std::string> ids;
  std::string path = "/api/v1/tokens?limit=3";
  for (int pages = 0; !path.empty() && pages < 10; ++pages) {
    const Reply page = server.get(path);
    ASSERT_EQ(page.status, 200) << page.text;
    EXPECT_LE(page.at("items").as_array().size(), 3U);
    for (const auto& item : page.at("items").as_array())
      ids.emplace_back(item.at("id").as_string());
    const std::string link{page.headers.get("Link")};
    path = link.empty() ? "" : link.substr(1, link.find('>') - 1);
  }
  EXPECT_EQ(ids.size(), 7U) << "four, and the three of the test server";
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 7U);
  EXPECT_EQ(server.get("/api/v1/tokens?cursor=x").status, 400);
}

TEST(Auth, another_sites_page_may_not_write) {
  TestServer server;
  server.start_run();
  const auto post = [&](net::Headers headers) {
    return server.post("/api/v1/runs", R"({"suite":"smoke"})", std::move(headers)).status;
  };
  EXPECT_EQ(post({{"Origin", "https://evil.example"}}), 403);
  EXPECT_EQ(post({{"Origin", "null"}}), 403);
  EXPECT_EQ(post({{"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(post({{"Origin", server.url()}}), 201);
}

TEST(Auth, without_authentication_only_loopback_names_are_served) {
  TestServer server({.auth = false});
  const net::Headers nothing{{"Authorization", "Bearer nothing"}};
  EXPECT_EQ(server.get("/api/v1/whoami", nothing).string("scope"), "admin");
  for (const char* host : {"127.0.0.1", "127.1.2.3:80", "localhost:1337", "LOCALHOST", "[::1]:80"})
    EXPECT_EQ(server.get("/api/v1/whoami", {{"Host", host}}).status, 200) << host;
  for (const char* host : {"evil.example", "127.evil.example", "127.0.0.1.evil.example", "127.1",
                           "128.0.0.1", "[::1].evil.example", "localhost.evil.example"})
    EXPECT_EQ(server.get("/api/v1/whoami", {{"Host", host}}).status, 403) << host;
}

TEST(Dispatch, unknown_paths_and_methods) {
  TestServer server;
  EXPECT_EQ(server.get("/nothing").status, 404);
  EXPECT_EQ(server.get("/api/v1/runs/1/nothing").status, 404);
  const Reply reply = server.call("PATCH", "/api/v1/runs", "{}");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.headers.get("Allow"), "POST, GET, HEAD");
  EXPECT_EQ(reply.string("fix"), "use one of: POST, GET, HEAD");
  EXPECT_EQ(server.get("/livez").headers.get("X-Content-Type-Options"), "nosniff");
}

TEST(Dispatch, every_problem_has_all_its_fields) {
  TestServer server;
  const std::string big(1 << 20, 'x');
  const Reply problems[] = {
      server.get("/nothing"),
      server.get("/api/v1/runs/77"),
      server.get("/api/v1/runs?limit=x"),
      server.call("PATCH", "/api/v1/runs", "{}"),
      server.post("/api/v1/runs", R"({"colour":1})"),
      server.post("/api/v1/runs", big + big),
      server.post("/api/v1/runs", "{}", {{"Origin", "https://evil.example"}}),
      server.get("/api/v1/runs", {{"Authorization", "Bearer nothing"}}),
  };
  for (const Reply& reply : problems) {
    EXPECT_GE(reply.status, 400);
    for (const char* field : {"type", "title", "detail", "instance", "code", "fix", "request_id"})
      EXPECT_NE(reply.string(field), "") << field << ": " << reply.text;
  }
  EXPECT_EQ(problems[5].string("instance"), "/api/v1/runs") << problems[5].text;
}

TEST(Dispatch, what_asks_for_no_body_takes_none_worth_its_memory) {
  TestServer server;
  const std::string big(64 << 10, 'x');
  EXPECT_EQ(server.call("GET", "/livez", "{}").status, 200);
  EXPECT_EQ(server.call("GET", "/livez", big).status, 413);
  EXPECT_EQ(server.call("GET", "/metrics", big).status, 413);
}

TEST(Dispatch, links_begin_with_the_public_url) {
  TestServer server({.public_url = "https://baton.corp/"});
  server.start_run();
  const Reply run = server.post("/api/v1/runs", R"({"suite":"smoke"})");
  EXPECT_EQ(run.headers.get("Location"), "https://baton.corp/api/v1/runs/2");
  EXPECT_EQ(run.at("links").at("self").as_string(), "https://baton.corp/api/v1/runs/2");
  const Reply list = server.get("/api/v1/runs?limit=1");
  EXPECT_EQ(list.headers.get("Link").find("<https://baton.corp/api/v1/runs?limit=1&cursor="), 0U);
  EXPECT_EQ(list.at("items").at(0).at("links").at("log").as_string(),
            "https://baton.corp/api/v1/runs/2/log");
  EXPECT_EQ(server.get("/api/v1/suites/default/smoke").at("links").at("runs").as_string(),
            "https://baton.corp/api/v1/runs?suite=default/smoke");
}

}  // namespace
}  // namespace baton::api
