// SPDX-License-Identifier: MIT
#include "engine/gate_ops.h"

#include "engine/delivery_ops.h"
#include "engine/lease_ops.h"
#include "engine/op_world.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::DeliveryState;
using model::ErrorClass;
using model::Gate;
using model::GateState;
using model::GateVerdict;
using model::Stage;
using model::SubjectKind;
using model::VerdictSource;

class GateWorld : public OpWorld {
 public:
  static model::GateRequest external(std::vector<model::Target> deliver = {}) {
    model::GateRequest request;
    request.deliver = std::move(deliver);
    return request;
  }
  static model::Target target(std::string link, Stage stage = Stage::verdict,
                              model::When when = model::When::always) {
    return {std::move(link), "op", "{}", when, stage};
  }

  Result<Opened> try_open(model::GateRequest request, Opening opening = {}) {
    return run([&](Context& c) { return open_gate(c, rules, request, opening); });
  }
  Opened open(model::GateRequest request, Opening opening = {}) {
    return try_open(std::move(request), std::move(opening)).value();
  }
  // Of something external, to be delivered to these; gives its id.
  std::string open_for(std::vector<model::Target> targets) {
    return open(external(std::move(targets))).gate.id;
  }
  Decided decide(const std::string& gate, GateVerdict verdict, std::string reason = "") {
    return run([&](Context& c) {
             return decide_gate(c, rules, gate, {verdict, VerdictSource::report, reason, "", {}});
           }).value();
  }
  Gate gate(const std::string& id) { return get_gate(sql(), id).value(); }
  std::vector<model::Delivery> deliveries(const std::string& gate) {
    return store::deliveries_of(sql(), gate).value();
  }
  model::Delivery attempted(const std::string& id, Attempted attempt) {
    return run([&](Context& c) { return delivery_attempted(c, rules, id, attempt); }).value();
  }
  static Attempted told() {
    return {Attempted::Kind::again, ErrorClass::none, 200, "", {}, "", true};
  }
  static Attempted failed(ErrorClass error_class = ErrorClass::transient) {
    return {Attempted::Kind::again, error_class, 503, "down", {}, "", false};
  }
  int events(std::string_view kind) {
    return static_cast<int>(store::read_journal(sql(), 0, 10'000, kind).value().size());
  }
};

TEST(Gate, the_first_verdict_wins_and_others_are_recorded) {
  GateWorld world;
  const std::string id = world.open(GateWorld::external()).gate.id;
  EXPECT_TRUE(world.decide(id, GateVerdict::passed, "all green").accepted);
  EXPECT_TRUE(world.decide(id, GateVerdict::passed).accepted);
  EXPECT_FALSE(world.decide(id, GateVerdict::failed).accepted);
  EXPECT_EQ(world.gate(id).verdict, GateVerdict::passed);
  EXPECT_EQ(world.gate(id).reason, "all green");
  EXPECT_EQ(world.events("gate.late_verdict"), 1);
}

TEST(Gate, its_deadline_answers_with_the_default) {
  GateWorld world;
  auto request = GateWorld::external();
  request.timeout = 10min;
  const std::string failing = world.open(request).gate.id;
  request.pass_on_timeout = true;
  const std::string passing = world.open(request).gate.id;
  world.advance(9min);
  EXPECT_EQ(world.gate(failing).state, GateState::pending);
  world.advance(2min);
  EXPECT_EQ(world.gate(failing).verdict, GateVerdict::timed_out);
  EXPECT_EQ(world.gate(passing).verdict, GateVerdict::passed);
  EXPECT_EQ(world.gate(passing).source, VerdictSource::timeout);
  EXPECT_FALSE(world.decide(failing, GateVerdict::passed).accepted);
}

TEST(Gate, a_deadline_that_passed_while_the_server_was_down_is_kept_at_its_start) {
  GateWorld world;
  auto request = GateWorld::external();
  request.timeout = 10min;
  const std::string id = world.open(request).gate.id;
  world.restart(1h);
  world.advance(1s);
  EXPECT_EQ(world.gate(id).verdict, GateVerdict::timed_out);
}

TEST(Gate, a_newer_gate_of_its_key_supersedes_it_without_a_word_to_anybody) {
  GateWorld world;
  auto request = GateWorld::external({GateWorld::target("webhook/a")});
  request.key = "deploy";
  const std::string older = world.open(request).gate.id;
  const std::string newer = world.open(request).gate.id;
  EXPECT_EQ(world.gate(older).state, GateState::superseded);
  EXPECT_EQ(world.deliveries(older)[0].state, DeliveryState::skipped);
  EXPECT_EQ(world.gate(newer).state, GateState::pending);
  EXPECT_FALSE(world.decide(older, GateVerdict::passed).accepted);
}

TEST(Gate, the_same_call_opens_one_gate) {
  GateWorld world;
  const Opening call{"t", "azure_devops/corp", "plan job task", ""};
  const Opened first = world.open(GateWorld::external(), call);
  const Opened second = world.open(GateWorld::external(), call);
  EXPECT_TRUE(first.is_new);
  EXPECT_FALSE(second.is_new);
  EXPECT_EQ(first.gate.id, second.gate.id);
}

TEST(Gate, a_run_decides_those_that_wait_for_it) {
  GateWorld world;
  world.declare(world.suite("shop"));
  model::GateRequest request;
  request.subject.kind = SubjectKind::suite;
  request.subject.suite.suite = "pay/shop";
  const Gate gate = world.open(request).gate;
  const RunId run = gate.request.subject.run;
  EXPECT_GT(raw(run), 0);
  request = {};
  request.subject.kind = SubjectKind::run;
  request.subject.run = run;
  const std::string second = world.open(request).gate.id;
  world.run([&](Context& c) { return cancel_run(c, world.rules, run, "enough"); }).value();
  world.advance(2min);
  EXPECT_EQ(world.gate(gate.id).verdict, GateVerdict::cancelled);
  EXPECT_EQ(world.gate(second).source, VerdictSource::run);
  // One that comes too late is decided at once.
  EXPECT_EQ(world.open(request).gate.state, GateState::decided);
}

TEST(Gate, cancelling_it_cancels_the_run_that_it_started) {
  GateWorld world;
  world.declare(world.suite("shop"));
  model::GateRequest request;
  request.subject.kind = SubjectKind::suite;
  request.subject.suite.suite = "pay/shop";
  const Gate gate = world.open(request).gate;
  world.run([&](Context& c) { return cancel_gate(c, world.rules, gate.id, "no"); }).value();
  EXPECT_EQ(world.gate(gate.id).state, GateState::cancelled);
  EXPECT_TRUE(get_run(world.sql(), gate.request.subject.run).value().run.cancel_requested);
  world.advance(2min);
  EXPECT_EQ(world.events("gate.late_verdict"), 0);
}

TEST(Gate, holds_its_environment_until_everybody_was_told) {
  GateWorld world;
  auto request = GateWorld::external({GateWorld::target("webhook/a")});
  request.environment = "uat";
  const Gate gate = world.open(request).gate;
  EXPECT_EQ(store::find_lease(world.sql(), gate.lease).value()->state, model::LeaseState::held);
  world.decide(gate.id, GateVerdict::passed);
  EXPECT_EQ(store::find_lease(world.sql(), gate.lease).value()->state, model::LeaseState::held);
  world.attempted(world.deliveries(gate.id)[0].id, {});
  EXPECT_EQ(store::find_lease(world.sql(), gate.lease).value()->state,
            model::LeaseState::released);
}

TEST(Gate, that_is_superseded_leaves_its_environment_to_the_newer_one) {
  GateWorld world;
  auto request = GateWorld::external({GateWorld::target("github/a", Stage::status)});
  request.environment = "uat";
  request.key = "deploy";
  const Gate older = world.open(request).gate;
  world.attempted(world.deliveries(older.id)[0].id, GateWorld::told());
  const Gate newer = world.open(request).gate;
  EXPECT_EQ(world.deliveries(older.id)[0].state, DeliveryState::queued);
  EXPECT_EQ(store::find_lease(world.sql(), newer.lease).value()->state, model::LeaseState::held);
}

TEST(Gate, forgets_what_the_call_carried_when_its_deliveries_have_ended) {
  GateWorld world;
  const Gate gate =
      world.open(GateWorld::external({GateWorld::target("webhook/a")}), {"t", "", "", "cipher"})
          .gate;
  EXPECT_EQ(store::gate_secret(world.sql(), gate.id).value(), "cipher");
  world.decide(gate.id, GateVerdict::failed);
  EXPECT_EQ(store::gate_secret(world.sql(), gate.id).value(), "cipher");
  world.attempted(world.deliveries(gate.id)[0].id,
                  {Attempted::Kind::dead, ErrorClass::peer_gone, 410, "gone", {}, "", false});
  EXPECT_EQ(store::gate_secret(world.sql(), gate.id).value(), "");
}

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
