// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "api/test_leases.h"

namespace baton::api {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TEST(Environments, are_declared_read_changed_and_removed) {
  TestServer server;
  const std::string path = "/api/v1/environments/uat";
  const Reply made = server.put(path, R"({"slots":2,"labels":{"team":"pay"},"ttl":"90s",
      "properties":{"url":"https://uat"},"queue":{"policy":"newest","max":7},"lock_delay":"5s",
      "hooks":{"health":{"command":["true"]}},"links":{"page":"https://x"}})");
  ASSERT_EQ(made.status, 201) << made.text;
  expect_shape(made, "Environment");
  EXPECT_EQ(made.headers.get("Location"), path);
  const Reply read = server.get(path);
  expect_shape(read, "Environment");
  EXPECT_EQ(read.headers.get("ETag"), made.headers.get("ETag"));
  EXPECT_EQ(read.string("ttl"), "1m30s");
  EXPECT_EQ(read.integer("ttl_ms"), 90'000);
  EXPECT_EQ(read.at("queue_policy").at("policy").as_string(), "newest");
  EXPECT_EQ(read.at("hooks").at("health").at("timeout").as_string(), "1m");
  EXPECT_EQ(read.string("state"), "enabled");
  EXPECT_EQ(read.integer("slots_free"), 2);
  // What was read can be sent back as it is.
  const Reply same =
      server.put(path, read.text, {{"If-Match", std::string{read.headers.get("ETag")}}});
  EXPECT_EQ(same.status, 200) << same.text;
  EXPECT_EQ(same.integer("ttl_ms"), 90'000);
  EXPECT_EQ(same.at("queue_policy").at("max").as_int64(), 7);
  EXPECT_EQ(server.put(path, "{}", {{"If-Match", "\"r0\""}}).status, 412);
  EXPECT_EQ(server.put(path, "{}", {{"If-None-Match", "*"}}).status, 412);
  const Reply defaults = server.put(path, "{}");
  EXPECT_EQ(defaults.status, 200) << "If-Match is not needed";
  EXPECT_EQ(defaults.integer("slots"), 1);
  EXPECT_EQ(defaults.integer("ttl_ms"), 120'000);
  EXPECT_TRUE(defaults.at("labels").as_object().empty());
  EXPECT_EQ(server.del(path).status, 204);
  EXPECT_EQ(server.get(path).status, 404);
}

TEST(Environments, wrong_declarations_are_refused_by_their_field) {
  TestServer server;
  const auto refused = [&](std::string body, std::string_view pointer) {
    const Reply reply = server.put("/api/v1/environments/uat", body);
    EXPECT_EQ(reply.status, 400) << body << reply.text;
    EXPECT_EQ(reply.at("errors").at(0).at("pointer").as_string(), pointer) << reply.text;
    return reply.text;
  };
  refused(R"({"slots":0})", "/slots");
  refused(R"({"slots":-1})", "/slots");
  refused(R"({"ttl":"0s"})", "/ttl");
  refused(R"({"ttl_max":"1000h"})", "/ttl_max");
  refused(R"({"queue":{"policy":"lifo"}})", "/queue/policy");
  refused(R"({"hooks":{"reset":{}}})", "/hooks/reset/command");
  refused(R"({"name":"other"})", "/name");
  EXPECT_NE(refused(R"({"slot":2})", "/slot").find("slots"), std::string::npos) << "a suggestion";
}

TEST(Environments, show_who_holds_them_and_who_waits) {
  TestServer server;
  const Reply held = acquire(server, "uat", "deploy", R"(,"priority":1)");
  acquire(server, "uat", "b", R"(,"wait":"1m")");
  acquire(server, "uat", "urgent", R"(,"wait":"1m","priority":5)");
  const Reply uat = server.get("/api/v1/environments/uat");
  expect_shape(uat, "Environment");
  EXPECT_EQ(uat.integer("slots_free"), 0);
  EXPECT_EQ(uat.at("holders").at(0).at("name").as_string(), "deploy");
  EXPECT_EQ(uat.at("holders").at(0).at("fence").as_int64(), held.integer("fence"));
  ASSERT_EQ(uat.at("queue").as_array().size(), 2U);
  EXPECT_EQ(uat.at("queue").at(0).at("holder").at("name").as_string(), "urgent");
  EXPECT_EQ(uat.at("queue").at(0).at("position").as_int64(), 1);
  EXPECT_EQ(uat.at("queue").at(1).at("position").as_int64(), 2);
  EXPECT_EQ(server.del("/api/v1/environments/uat").status, 409) << "it is held";
  const Reply list = server.get("/api/v1/environments");
  expect_shape(list, "EnvironmentList");
  EXPECT_EQ(list.at("items").as_array().size(), 1U);
  EXPECT_EQ(server.get("/api/v1/environments?label=a=b").at("items").as_array().size(), 0U);
  EXPECT_EQ(server.get("/api/v1/environments?label=a").status, 400);
}

TEST(Environments, are_listed_in_pages_and_by_label) {
  TestServer server;
  for (int i = 0; i < 5; ++i)
    server.put(fmt::format("/api/v1/environments/e{}", i),
               fmt::format(R"({{"labels":{{"parity":"{}"}}}})", i % 2));
  const Reply page = server.get("/api/v1/environments?limit=2&label=parity=0");
  ASSERT_EQ(page.at("items").as_array().size(), 2U);
  EXPECT_NE(page.headers.get("Link").find("rel=\"next\""), std::string::npos);
  const Reply next = server.get("/api/v1/environments?limit=2&label=parity=0&cursor=" +
                                page.string("next_cursor"));
  ASSERT_EQ(next.at("items").as_array().size(), 1U);
  EXPECT_EQ(next.at("items").at(0).at("name").as_string(), "e4");
}

TEST(Environments, slots_are_not_taken_from_holders) {
  TestServer server;
  server.put("/api/v1/environments/uat", R"({"slots":2})");
  acquire(server, "uat", "a");
  const Reply second = acquire(server, "uat", "b");
  const Reply refused = server.put("/api/v1/environments/uat", R"({"slots":1})");
  EXPECT_EQ(refused.status, 409) << refused.text;
  EXPECT_EQ(server.get("/api/v1/environments/uat").integer("slots"), 2);
  server.call("DELETE", path_of(second));
  EXPECT_EQ(server.put("/api/v1/environments/uat", R"({"slots":1})").status, 200);
}

TEST(Environments, maintenance_keeps_everybody_out_until_it_is_over) {
  TestServer server;
  const std::string path = "/api/v1/environments/uat";
  server.put(path, "{}");
  EXPECT_EQ(server.post(path + "/maintenance", "{}").status, 400) << "a reason is needed";
  const Reply maintenance = server.post(path + "/maintenance", R"({"reason":"upgrade"})");
  EXPECT_EQ(maintenance.string("state"), "maintenance") << maintenance.text;
  EXPECT_EQ(maintenance.string("state_reason"), "upgrade");
  EXPECT_EQ(acquire(server, "uat", "a").code(), "busy");
  const Reply waits = acquire(server, "uat", "b", R"(,"wait":"1m")");
  EXPECT_EQ(waits.status, 202) << waits.text;
  EXPECT_EQ(server.post(path + "/enable", R"({"reason":"done"})").string("state"), "enabled");
  EXPECT_EQ(server.get(path_of(waits)).string("state"), "held");
  EXPECT_EQ(server.post(path + "/drain").status, 400);
  EXPECT_EQ(server.post(path + "/drain", R"({"reason":"x"})").string("state"), "draining");
  EXPECT_EQ(server.post(path + "/restore", R"({"reason":"x"})").status, 409) << "nothing is broken";
}

TEST(Environments, a_broken_one_waits_to_be_restored) {
  TestServer server;
  const Reply held = acquire(server, "uat", "a");
  server.call("DELETE", path_of(held), R"({"outcome":"broken","note":"disk died"})");
  const Reply broken = server.get("/api/v1/environments/uat");
  EXPECT_EQ(broken.string("state"), "broken") << broken.text;
  EXPECT_EQ(broken.at("slot_states").at(0).at("lease").as_string(), held.string("id"));
  EXPECT_EQ(acquire(server, "uat", "b").status, 409);
  EXPECT_EQ(server.post("/api/v1/environments/uat/restore", R"({"reason":"new disk"})").status,
            200);
  EXPECT_EQ(acquire(server, "uat", "b").status, 201);
}

TEST(Environments, a_fence_is_checked) {
  TestServer server;
  const Reply first = acquire(server, "uat", "a");
  const auto check = [&](std::int64_t fence) {
    return server.get(fmt::format("/api/v1/environments/uat/fence?check={}", fence));
  };
  const Reply current = check(first.integer("fence"));
  EXPECT_EQ(current.status, 200) << current.text;
  expect_shape(current, "FenceCheck");
  server.call("DELETE", path_of(first));
  const Reply second = acquire(server, "uat", "b");
  const Reply stale = check(first.integer("fence"));
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.code(), "stale_fence");
  EXPECT_EQ(check(second.integer("fence")).status, 200);
  EXPECT_EQ(check(second.integer("fence") + 1).status, 409);
  EXPECT_EQ(server.get("/api/v1/environments/uat/fence").status, 400);
  EXPECT_EQ(server.get("/api/v1/environments/none/fence?check=1").status, 404);
}

TEST(Environments, remember_their_leases_and_add_up_their_seconds) {
  TestServer server;
  server.put("/api/v1/environments/uat", R"({"slots":2})");
  const Reply first = acquire(server, "uat", "a", R"(,"ttl":"10h")");
  server.pass(hours(1));
  server.call("DELETE", path_of(first), R"({"outcome":"clean"})");
  acquire(server, "uat", "b");
  const Reply history = server.get("/api/v1/environments/uat/history?limit=1");
  expect_shape(history, "LeaseList");
  EXPECT_EQ(history.at("items").at(0).at("holder").at("name").as_string(), "b");
  const Reply older = server.get("/api/v1/environments/uat/history?limit=1&cursor=" +
                                 history.string("next_cursor"));
  EXPECT_EQ(older.at("items").at(0).at("holder").at("name").as_string(), "a");
  EXPECT_EQ(older.at("items").at(0).at("outcome").as_string(), "clean");
  server.post("/api/v1/environments/uat/maintenance", R"({"reason":"x"})");
  server.pass(minutes(30));
  const Reply used = server.get("/api/v1/environments/uat/utilisation");
  EXPECT_EQ(used.status, 200) << used.text;
  expect_shape(used, "Utilisation");
  double sum = 0;
  for (const auto& entry : used.at("seconds").as_object())
    sum += entry.value().to_number<double>();
  EXPECT_NEAR(sum, 2 * 24 * 3600.0, 0.001);
  EXPECT_NEAR(used.at("seconds").at("held").to_number<double>(), 3600 + 1800, 5)
      << "expired when the clock was looked at again: " << used.text;
  EXPECT_NEAR(used.at("seconds").at("maintenance").to_number<double>(), 1800, 5);
  const Reply csv = server.get("/api/v1/environments/uat/utilisation?format=csv");
  EXPECT_EQ(csv.headers.get("Content-Type"), "text/csv; charset=utf-8");
  EXPECT_TRUE(csv.text.starts_with("environment,from,to,slots,held,")) << csv.text;
  for (const char* bad :
       {"from=x", "format=xml", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"})
    EXPECT_EQ(server.get(std::string("/api/v1/environments/uat/utilisation?") + bad).status, 400);
}

TEST(Environments, their_leases_pass_on_without_a_gap) {
  TestServer server;
  const Reply deploy = acquire(server, "uat", "deploy");
  const Reply waits = acquire(server, "uat", "test", R"(,"wait":"1m")");
  acquire(server, "uat", "other", R"(,"wait":"1m","priority":9)");
  const Reply given = server.post(
      path_of(deploy, "/transfer"), fmt::format(R"({{"fence":{},"to":{{"lease":"{}"}}}})",
                                                deploy.integer("fence"), waits.string("id")));
  EXPECT_EQ(given.status, 200) << given.text;
  EXPECT_EQ(given.string("id"), waits.string("id"));
  EXPECT_EQ(given.string("state"), "held");
  EXPECT_GT(given.integer("fence"), deploy.integer("fence"));
  EXPECT_EQ(server.get(path_of(deploy)).string("state"), "transferred");
  const Reply named =
      server.post(path_of(given, "/transfer"),
                  fmt::format(R"({{"fence":{},"to":{{"holder":{{"name":"cleanup"}}}}}})",
                              given.integer("fence")));
  EXPECT_EQ(named.at("holder").at("name").as_string(), "cleanup") << named.text;
  EXPECT_EQ(server.post(path_of(named, "/transfer"), R"({"fence":1,"to":{}})").status, 400);
  const Reply stolen = server.post(path_of(named, "/revoke"),
                                   R"({"reason":"incident","to":{"holder":{"name":"sre"}}})");
  EXPECT_EQ(stolen.string("state"), "held") << stolen.text;
  EXPECT_EQ(stolen.at("holder").at("name").as_string(), "sre");
  EXPECT_EQ(server.get(path_of(named)).string("state"), "revoked");
  EXPECT_EQ(server.post(path_of(stolen, "/revoke"), "{}").status, 400);
  EXPECT_EQ(server.post(path_of(stolen, "/revoke"), R"({"reason":"over"})").string("state"),
            "revoked");
  const Reply audit = server.get("/api/v1/audit");
  EXPECT_NE(audit.text.find("lease.revoke"), std::string::npos);
  EXPECT_NE(audit.text.find("incident"), std::string::npos);
}

TEST(Environments, tell_of_themselves_in_the_journal_and_the_metrics) {
  TestServer server;
  server.put("/api/v1/environments/uat", R"({"slots":2})");
  const Reply held = acquire(server, "uat", "a");
  server.pass(minutes(3));
  const auto events =
      server.events("/api/v1/events?kind=lease.", {{"Accept", "text/event-stream"}},
                    [](const net::SseEvent& e) { return e.event == "lease.expired"; });
  ASSERT_EQ(events.size(), 2U);
  EXPECT_NE(events[0].data.find(held.string("id")), std::string::npos);
  const Reply about = server.get("/api/v1/events?subject=lease:" + held.string("id"));
  EXPECT_EQ(about.at("items").as_array().size(), 2U);
  const Reply environment = server.get("/api/v1/events?subject=environment:uat");
  EXPECT_EQ(environment.at("items").at(0).at("kind").as_string(), "environment.declared");
  const std::string metrics = server.get("/metrics").text;
  for (const char* line : {"baton_slots{environment=\"uat\",state=\"free\"} 2",
                           "baton_queue_length{environment=\"uat\"} 0",
                           "baton_leases_granted_total 1", "baton_leases_expired_total 1",
                           "baton_lease_wait_seconds_count 1", "baton_lease_held_seconds_count 1",
                           "baton_handoff_seconds_count 0"})
    EXPECT_NE(metrics.find(line), std::string::npos) << line;
}

TEST(Bookings, keep_an_environment_and_are_a_calendar) {
  TestServer server;
  server.put("/api/v1/environments/uat", "{}");
  const TimePoint now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  const auto body = [&](Duration from, Duration to, std::string_view more) {
    return fmt::format(R"({{"environment":"uat","from":"{}","to":"{}"{}}})",
                       format_rfc3339(now + from), format_rfc3339(now + to), more);
  };
  const Reply made = server.post("/api/v1/bookings",
                                 body(minutes(-1), hours(1), R"(,"owner":"team","note":"load")"));
  ASSERT_EQ(made.status, 201) << made.text;
  expect_shape(made, "Booking");
  EXPECT_EQ(acquire(server, "uat", "other").code(), "busy");
  EXPECT_EQ(acquire(server, "uat", "team").status, 201);
  EXPECT_EQ(server.post("/api/v1/bookings", body(minutes(5), hours(2), R"(,"owner":"x")")).status,
            409);
  EXPECT_EQ(server.post("/api/v1/bookings", body(hours(2), hours(1), R"(,"owner":"x")")).status,
            400);
  EXPECT_EQ(server.post("/api/v1/bookings", body(hours(2), hours(3), R"(,"colour":"x")")).status,
            400);
  const Reply list = server.get("/api/v1/bookings?environment=uat");
  expect_shape(list, "BookingList");
  EXPECT_EQ(list.at("items").as_array().size(), 1U);
  const Reply calendar = server.get("/api/v1/bookings.ics");
  EXPECT_TRUE(calendar.headers.get("Content-Type").starts_with("text/calendar"));
  EXPECT_NE(calendar.text.find("BEGIN:VEVENT"), std::string::npos);
  const std::string path = "/api/v1/bookings/" + made.string("id");
  EXPECT_EQ(server.get(path).status, 200);
  EXPECT_EQ(server.del(path).status, 204);
  EXPECT_EQ(server.del(path).status, 404);
}

TEST(Environments, runs_wait_for_them_and_say_for_whom) {
  TestServer server;
  server.put("/api/v1/environments/uat", R"({"properties":{"base-url":"https://uat"}})");
  const Reply held = acquire(server, "uat", "deploy");
  const auto id = server.start_run("smoke", R"(,"environment":"uat")");
  const std::string path = fmt::format("/api/v1/runs/{}", id);
  const Reply waits = server.get(path);
  EXPECT_EQ(waits.string("state"), "waiting") << waits.text;
  expect_shape(waits, "Run");
  EXPECT_EQ(waits.at("waiting").at("position").as_int64(), 1);
  EXPECT_EQ(waits.at("waiting").at("ahead").at(0).at("name").as_string(), "deploy");
  const Reply given = server.post(
      path_of(held, "/transfer"), fmt::format(R"({{"fence":{},"to":{{"lease":"{}"}}}})",
                                              held.integer("fence"), waits.string("lease")));
  EXPECT_EQ(given.status, 200) << given.text;
  const Reply runs = server.get(path);
  EXPECT_EQ(runs.string("state"), "running") << runs.text;
  EXPECT_EQ(runs.integer("fence"), given.integer("fence"));
  Runner runner(server, id);
  const Reply job = runner.job();
  EXPECT_NE(job.text.find(R"("BATON_ENV_BASE_URL":"https://uat")"), std::string::npos) << job.text;
  EXPECT_NE(job.text.find(R"("BATON_LEASE")"), std::string::npos);
  runner.play({{"a", model::Outcome::passed}});
  const Reply finished = server.get(path);
  expect_shape(finished, "Run");
  EXPECT_EQ(finished.integer("fence"), given.integer("fence"));
  EXPECT_TRUE(finished.json.as_object().contains("environment_events")) << finished.text;
  EXPECT_EQ(server.get("/api/v1/environments/uat").integer("slots_free"), 1);
}

}  // namespace
}  // namespace baton::api
