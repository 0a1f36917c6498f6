// SPDX-License-Identifier: MIT
#include "engine/gate_ops.h"

#include "engine/gate_op_world.h"
#include "engine/lease_ops.h"
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

}  // namespace
}  // namespace baton::engine
