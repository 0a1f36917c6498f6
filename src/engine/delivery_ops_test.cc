// SPDX-License-Identifier: MIT
#include "engine/delivery_ops.h"

#include <chrono>

#include "engine/gate_op_world.h"

namespace baton::engine {
namespace {

using namespace std::chrono_literals;  // NOLINT: test code only
using model::DeliveryState;
using model::ErrorClass;
using model::GateState;
using model::GateVerdict;
using model::Stage;

TEST(Delivery, goes_out_by_stages_of_its_link) {
  GateWorld world;
  const std::string id =
      world.open_for({GateWorld::target("a/x", Stage::progress), GateWorld::target("a/x"),
                      GateWorld::target("a/x", Stage::after), GateWorld::target("b/y")});
  EXPECT_FALSE(world.deliveries(id)[1].next_at);
  world.decide(id, GateVerdict::passed);
  auto all = world.deliveries(id);
  EXPECT_EQ(world.events("delivery.due"), 3);  // the progress of a/x, twice, and b/y
  world.attempted(all[0].id, {});
  EXPECT_TRUE(world.deliveries(id)[1].first_at);
  EXPECT_FALSE(world.deliveries(id)[2].next_at);
  world.attempted(all[1].id, {});
  EXPECT_TRUE(world.deliveries(id)[2].next_at);
}

TEST(Delivery, progress_that_fails_does_not_hold_the_verdict_up) {
  GateWorld world;
  const std::string id =
      world.open_for({GateWorld::target("a/x", Stage::progress), GateWorld::target("a/x")});
  world.decide(id, GateVerdict::passed);
  world.attempted(world.deliveries(id)[0].id, GateWorld::failed());
  EXPECT_FALSE(world.deliveries(id)[1].first_at);
  world.advance(11s);
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::dead);
  EXPECT_TRUE(world.deliveries(id)[1].first_at);
}

TEST(Delivery, progress_is_told_when_there_is_news_but_not_too_often) {
  GateWorld world;
  const std::string id = world.open_for({GateWorld::target("a/x", Stage::progress)});
  const auto grow = [&](std::int64_t bytes) {
    world.run([&](Context& c) { return gate_log_grew(c, id, bytes); });
  };
  EXPECT_EQ(world.events("delivery.due"), 1);  // that it is waited for is news
  world.attempted(world.deliveries(id)[0].id, GateWorld::told());
  EXPECT_FALSE(world.deliveries(id)[0].next_at);
  EXPECT_EQ(world.deliveries(id)[0].attempts, 0);
  grow(20);
  EXPECT_EQ(world.events("delivery.due"), 1);
  world.advance(3s);
  EXPECT_EQ(world.events("delivery.due"), 2);
  grow(30);  // the attempt may have looked before
  world.attempted(world.deliveries(id)[0].id, GateWorld::told());
  EXPECT_EQ(world.events("delivery.due"), 2);
  world.advance(3s);
  EXPECT_EQ(world.events("delivery.due"), 3);
}

TEST(Delivery, progress_under_way_at_the_end_does_not_make_the_verdict_wait) {
  GateWorld world;
  const std::string id =
      world.open_for({GateWorld::target("a/x", Stage::progress), GateWorld::target("a/x")});
  world.decide(id, GateVerdict::passed);
  // An attempt that began before the decision asks to be called again in a while.
  world.attempted(world.deliveries(id)[0].id,
                  {Attempted::Kind::again, ErrorClass::none, 200, "", 90s, "", true});
  EXPECT_LE(*world.deliveries(id)[0].next_at, world.now.wall);
  world.advance(1ms);
  // The next one knows, and is taken at its word.
  world.attempted(world.deliveries(id)[0].id,
                  {Attempted::Kind::again, ErrorClass::none, 200, "", 5s, "", true});
  EXPECT_GT(*world.deliveries(id)[0].next_at, world.now.wall);
}

TEST(Delivery, a_status_that_cannot_be_shown_while_the_gate_is_open_is_not_given_up) {
  GateWorld world;
  auto request = GateWorld::external({GateWorld::target("github/a", Stage::status)});
  request.timeout = 24h;
  const std::string id = world.open(request).gate.id;
  const std::string delivery = world.deliveries(id)[0].id;
  world.attempted(delivery, {Attempted::Kind::again, ErrorClass::none, 201, "", {}, "{}", true});
  world.run([&](Context& c) { return gate_log_grew(c, id, 10); });
  for (int hour = 0; hour < 5; ++hour) {
    world.attempted(delivery, GateWorld::failed());
    world.advance(1h);
  }
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::queued);
}

TEST(Delivery, what_was_shown_of_a_gate_is_ended_also_when_it_is_superseded) {
  GateWorld world;
  auto request = GateWorld::external(
      {GateWorld::target("github/a", Stage::status), GateWorld::target("github/b", Stage::status)});
  request.key = "k";
  const std::string id = world.open(request).gate.id;
  world.attempted(world.deliveries(id)[0].id,
                  {Attempted::Kind::again, ErrorClass::none, 201, "", {}, "{\"id\":1}", true});
  world.open(request);
  EXPECT_EQ(world.gate(id).state, GateState::superseded);
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::queued);
  EXPECT_TRUE(world.deliveries(id)[0].next_at);
  EXPECT_EQ(world.deliveries(id)[1].state, DeliveryState::skipped);
  // The other one was being shown at that time.
  world.attempted(world.deliveries(id)[1].id,
                  {Attempted::Kind::again, ErrorClass::none, 201, "", {}, "{\"id\":2}", true});
  EXPECT_EQ(world.deliveries(id)[1].state, DeliveryState::queued);
  EXPECT_TRUE(world.deliveries(id)[1].next_at);
  EXPECT_EQ(world.deliveries(id)[1].memo, "{\"id\":2}");
}

TEST(Delivery, a_call_that_is_repeated_gets_the_answer_that_nobody_took) {
  GateWorld world;
  const Opening call{"t", "azure_devops/corp", "plan job task", "old"};
  const auto request = GateWorld::external({GateWorld::target("azure_devops/corp")});
  const std::string id = world.open(request, call).gate.id;
  world.decide(id, GateVerdict::passed);
  world.attempted(world.deliveries(id)[0].id,
                  {Attempted::Kind::dead, ErrorClass::peer_gone, 500, "gone", {}, "", false});
  EXPECT_EQ(store::gate_secret(world.sql(), id).value(), "");
  const Opening again{"t", "azure_devops/corp", "plan job task", "new"};
  EXPECT_FALSE(world.open(request, again).is_new);
  EXPECT_EQ(store::gate_secret(world.sql(), id).value(), "new");
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::queued);
}

TEST(Delivery, is_brought_once_more_when_its_call_comes_again) {
  GateWorld world;
  const auto request = GateWorld::external({GateWorld::target("gitlab/a")});
  Opening call{"t", "gitlab/a", "7!3@sha/9", ""};
  const std::string id = world.open(request, call).gate.id;
  world.decide(id, GateVerdict::passed);
  const std::string delivery = world.deliveries(id)[0].id;
  world.attempted(delivery, {});
  world.open(request, call);
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::delivered);
  call.answer_again = true;
  world.open(request, call);
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::queued);
  // Not before the call has its own answer.
  EXPECT_GT(*world.deliveries(id)[0].next_at, world.now.wall);
  world.attempted(delivery, {Attempted::Kind::dead, ErrorClass::auth, 401, "no", {}, "", false});
  call.answer_again = false;
  world.open(request, call);
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::queued);
}

TEST(Delivery, is_tried_again_until_its_time_is_over) {
  GateWorld world;
  world.rules.retry.give_up_after = 1min;
  const std::string id = world.open_for({GateWorld::target("a/x")});
  world.decide(id, GateVerdict::passed);
  const std::string delivery = world.deliveries(id)[0].id;
  for (int i = 0; i < 100 && world.deliveries(id)[0].state == DeliveryState::queued; ++i) {
    world.attempted(delivery, GateWorld::failed());
    world.advance(20s);
  }
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::dead);
  EXPECT_EQ(world.deliveries(id)[0].error_class, ErrorClass::transient);
  EXPECT_LE(world.deliveries(id)[0].attempts, 8);
  // A person sends it again: it has its whole time once more.
  world.run([&](Context& c) { return redrive_delivery(c, delivery); }).value();
  EXPECT_EQ(world.attempted(delivery, GateWorld::failed()).state, DeliveryState::queued);
  EXPECT_EQ(world.attempted(delivery, {}).state, DeliveryState::delivered);
  EXPECT_FALSE(world.run([&](Context& c) { return redrive_delivery(c, delivery); }));
}

TEST(Delivery, a_status_that_is_redriven_after_the_end_is_given_up_in_its_time) {
  GateWorld world;
  world.rules.retry.give_up_after = 1min;
  const std::string id = world.open_for({GateWorld::target("a/x", Stage::status)});
  world.decide(id, GateVerdict::passed);
  const std::string delivery = world.deliveries(id)[0].id;
  world.attempted(delivery, {Attempted::Kind::dead, ErrorClass::auth, 401, "no", {}, "", false});
  world.run([&](Context& c) { return redrive_delivery(c, delivery); }).value();
  for (int i = 0; i < 100 && world.deliveries(id)[0].state == DeliveryState::queued; ++i) {
    world.attempted(delivery, GateWorld::failed());
    world.advance(20s);
  }
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::dead);
}

TEST(Delivery, a_clock_that_is_set_back_does_not_make_progress_wait_for_nothing) {
  GateWorld world;
  const std::string id = world.open_for({GateWorld::target("a/x", Stage::progress)});
  world.now.wall -= 1h;
  world.attempted(world.deliveries(id)[0].id, GateWorld::told());
  EXPECT_FALSE(world.deliveries(id)[0].next_at);
  world.run([&](Context& c) { return gate_log_grew(c, id, 10); });
  world.advance(3s);
  EXPECT_EQ(world.events("delivery.due"), 2);
}

TEST(Delivery, progress_whose_grace_ended_while_the_server_was_down_is_over_at_its_start) {
  GateWorld world;
  const std::string id =
      world.open_for({GateWorld::target("a/x", Stage::progress), GateWorld::target("a/x")});
  world.decide(id, GateVerdict::passed);
  world.restart(1min);
  world.advance(1s);
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::dead);
  EXPECT_TRUE(world.deliveries(id)[1].first_at);
}

TEST(Delivery, that_got_through_begins_with_the_shortest_wait_at_its_next_failure) {
  GateWorld world;
  const std::string id = world.open_for({GateWorld::target("a/x", Stage::progress)});
  const std::string delivery = world.deliveries(id)[0].id;
  for (int i = 0; i < 6; ++i) world.attempted(delivery, GateWorld::failed());
  world.attempted(delivery, GateWorld::told());
  const auto failed = world.attempted(delivery, GateWorld::failed());
  EXPECT_LE(*failed.next_at - world.now.wall, world.rules.retry.first);
  EXPECT_EQ(failed.failures, 1);
}

TEST(Delivery, is_not_given_up_because_the_clock_jumped_or_the_server_was_down) {
  GateWorld world;
  const std::string id = world.open_for({GateWorld::target("a/x")});
  world.decide(id, GateVerdict::passed);
  const std::string delivery = world.deliveries(id)[0].id;
  world.attempted(delivery, GateWorld::failed());
  world.now.wall += 5h;
  EXPECT_EQ(world.attempted(delivery, GateWorld::failed()).state, DeliveryState::queued);
  world.restart(5h);
  EXPECT_EQ(world.attempted(delivery, GateWorld::failed()).state, DeliveryState::queued);
}

TEST(Delivery, honours_what_the_peer_asks_for) {
  GateWorld world;
  const std::string id = world.open_for({GateWorld::target("a/x")});
  world.decide(id, GateVerdict::passed);
  auto attempt = GateWorld::failed(ErrorClass::throttled);
  attempt.after = 90s;
  const auto delivery = world.attempted(world.deliveries(id)[0].id, attempt);
  EXPECT_EQ(*delivery.next_at - world.now.wall, 90s);
}

TEST(Delivery, waits_no_shorter_because_the_peer_asks_for_nothing) {
  GateWorld world;
  const std::string id = world.open_for({GateWorld::target("a/x")});
  world.decide(id, GateVerdict::passed);
  auto attempt = GateWorld::failed(ErrorClass::throttled);
  attempt.after = 0s;
  for (int i = 0; i < 5; ++i) world.attempted(world.deliveries(id)[0].id, attempt);
  EXPECT_GE(world.deliveries(id)[0].waited, world.rules.retry.first * 5 / 2);
}

TEST(Delivery, that_is_asked_to_come_back_later_than_its_time_does_so_once) {
  GateWorld world;
  const std::string id = world.open_for({GateWorld::target("a/x")});
  world.decide(id, GateVerdict::passed);
  auto attempt = GateWorld::failed(ErrorClass::throttled);
  attempt.after = 2h;
  const std::string delivery = world.deliveries(id)[0].id;
  EXPECT_EQ(world.attempted(delivery, attempt).state, DeliveryState::queued);
  EXPECT_EQ(world.attempted(delivery, attempt).state, DeliveryState::dead);
}

TEST(Delivery, that_the_peer_never_confirms_is_given_up) {
  GateWorld world;
  world.rules.retry.give_up_after = 1min;
  const std::string id = world.open_for({GateWorld::target("gocd/a")});
  world.decide(id, GateVerdict::passed);
  const std::string delivery = world.deliveries(id)[0].id;
  for (int i = 0; i < 100 && world.deliveries(id)[0].state == DeliveryState::queued; ++i)
    world.attempted(delivery, GateWorld::told());
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::dead);
  EXPECT_EQ(world.deliveries(id)[0].last_error, "the peer never confirmed it");
}

TEST(Delivery, of_a_verdict_that_is_redriven_brings_back_what_follows_it) {
  GateWorld world;
  const std::string id = world.open_for(
      {GateWorld::target("a/x"), GateWorld::target("a/x", Stage::after),
       GateWorld::target("a/x", Stage::after, model::When::failed),
       GateWorld::target("b/x", Stage::after, model::When::failed)});
  world.decide(id, GateVerdict::passed);
  const std::string verdict = world.deliveries(id)[0].id;
  world.attempted(verdict, {Attempted::Kind::dead, ErrorClass::auth, 401, "no", {}, "", false});
  EXPECT_EQ(world.deliveries(id)[1].state, DeliveryState::skipped);
  world.run([&](Context& c) { return redrive_delivery(c, verdict); }).value();
  EXPECT_EQ(world.deliveries(id)[1].state, DeliveryState::queued);
  EXPECT_FALSE(world.deliveries(id)[1].next_at);
  EXPECT_EQ(world.deliveries(id)[2].state, DeliveryState::skipped);
  EXPECT_EQ(world.deliveries(id)[3].state, DeliveryState::skipped);
  world.attempted(verdict, {});
  EXPECT_TRUE(world.deliveries(id)[1].next_at);
}

TEST(Delivery, a_condition_that_does_not_hold_skips_it) {
  GateWorld world;
  const std::string id =
      world
          .open(GateWorld::external(
              {GateWorld::target("a/x", Stage::verdict, model::When::passed),
               GateWorld::target("a/x", Stage::verdict, model::When::failed)}))
          .gate.id;
  world.decide(id, GateVerdict::errored);
  EXPECT_EQ(world.deliveries(id)[0].state, DeliveryState::skipped);
  EXPECT_EQ(world.deliveries(id)[1].state, DeliveryState::queued);
}

TEST(Delivery, a_wait_survives_a_restart) {
  GateWorld world;
  const std::string id = world.open_for({GateWorld::target("a/x")});
  world.decide(id, GateVerdict::passed);
  auto attempt = GateWorld::failed();
  attempt.after = 90s;
  world.attempted(world.deliveries(id)[0].id, attempt);
  world.restart(30s);
  EXPECT_EQ(world.events("delivery.due"), 1);
  world.advance(61s);
  EXPECT_EQ(world.events("delivery.due"), 2);
}

}  // namespace
}  // namespace baton::engine
