// SPDX-License-Identifier: MIT
// The frame and the checks. gate_actors.cc holds what everybody does, gate_pump.cc what goes out.
#include "testing/gate_world.h"

#include <fmt/format.h>

#include "engine/deadline_kinds.h"
#include "engine/environment_ops.h"
#include "engine/suite_ops.h"
#include "store/delivery_table.h"

namespace baton::sim {
namespace {

// In minutes. A clock that is set back before restarts, two hours each time, moves deadlines away.
constexpr int kRestMax = 3'000;
constexpr int kAll = 100'000;
constexpr std::string_view kSure = "sim/sure";

engine::Rules rules_of(std::size_t hurry) {
  engine::Rules rules;
  rules.running_runs = 2;
  rules.runner_start = std::chrono::seconds{5};
  if (hurry > 0) rules.retry.give_up_after = std::chrono::minutes{hurry};
  return rules;
}

}  // namespace

GateWorld::GateWorld(std::uint64_t seed)
    : SimFrame(seed),
      fold_(rules_of(seed % 3).retry),
      links_{std::string(kSure), "sim/lossy", "sim/busy", "sim/gone", "sim/slow", "sim/down"} {
  rules_ = rules_of(seed % 3);
  open_store();
  open();
  set_up();
}

void GateWorld::set_up() {
  model::Environment environment;
  environment.name = "uat";
  submit<model::Environment>([this, environment](engine::Context& c) {
    return engine::declare_environment(c, rules_, environment);
  });
  model::Suite suite;
  suite.namespace_ = "sim";
  suite.name = "a";
  suite.command = {"./it"};
  suite_ = suite.id();
  submit<store::SuiteRow>([suite](engine::Context& c) { return engine::declare_suite(c, suite); });
  step_and_check();
}

void GateWorld::apply(const model::Event& event) {
  if (auto problem = fold_.apply(store_->writer(), event, now_); !problem.empty())
    wrong(fmt::format("event {} {}: {}", event.seq, event.kind, problem));
  if (event.kind != "delivery.due" || pump_starts_) return;
  const std::string id = store::delivery_of_subject(event.subject);
  const FoldDelivery* d = fold_.find(id);
  if (d != nullptr && d->is_queued()) add(d->link, id);
}

void GateWorld::check_tables() {
  const bool of_all = pump_starts_ || is_at_rest();
  if (pump_starts_) start_pump();
  auto problem = fold_.after_step(store_->writer(), of_all);
  if (!problem.empty()) return wrong(std::move(problem));
  check_queued();
}

// No wake-up is lost: what is queued of a gate that has ended is with the pump, has a deadline, or
// waits for an earlier stage, of which the same is true.
void GateWorld::check_queued() {
  std::set<std::string> waiting, timed;
  const auto due = store::due_deliveries(store_->writer(), kAll).value();
  for (const model::Delivery& d : due) waiting.insert(d.id);
  const auto deadlines =
      store::deadlines_after(store_->writer(), engine::kDeliveryDue, {}).value();
  for (const store::Deadline& one : deadlines)
    timed.insert(store::delivery_of_subject(one.subject));
  for (const auto& [id, gate] : fold_.gates()) {
    for (const std::string& delivery : gate.deliveries) {
      const FoldDelivery& d = *fold_.find(delivery);
      if (!d.is_queued() || peers_[d.link].known.contains(delivery)) continue;
      const bool is_due = waiting.contains(delivery);
      if (is_due && !timed.contains(delivery))
        return wrong(fmt::format("{} ({} of the {} gate {}) is due and nobody knows", delivery,
                                 name_of(d.stage), gate.state, id));
      if (!is_due && !gate.is_pending() && !fold_.waits_for_earlier(d))
        return wrong(fmt::format("{} ({} of the {} gate {}) waits for nothing", delivery,
                                 name_of(d.stage), gate.state, id));
    }
  }
}

// What was sent is with its peer; whether it was reported decides what was stored.
void GateWorld::restarting() {
  for (auto& [delivery, count] : unreported_) crashed_[delivery] += count;
  unreported_.clear();
  peers_.clear();
  pump_starts_ = true;
  fold_.restarted(now_);
}

std::string GateWorld::live(int steps) {
  for (int i = 0; i < steps && wrong_.empty(); ++i) {
    for (auto n = 1 + pick(4); n > 0; --n) act();
    pump();
    commit();
    if (chance(50)) pass_time();
    pump();
    if (!chance(40)) continue;
    step_and_check();
    if (auto problem = fold_.overdue(now_); !problem.empty()) wrong(problem);
  }
  if (wrong_.empty()) rest();
  writer_->step(now_);  // nothing may be left that is answered when this world is gone
  return wrong_;
}

bool GateWorld::is_at_rest() const {
  for (const auto& [id, gate] : fold_.gates())
    if (gate.is_pending() || fold_.has_queued(gate)) return false;
  return true;
}

// Nobody opens gates any more, and all peers answer: everything must end.
void GateWorld::rest() {
  is_resting_ = true;
  for (int i = 0; i < kRestMax && wrong_.empty() && !is_at_rest(); ++i) {
    pump();
    step_and_check();
    advance(std::chrono::minutes{1});
  }
  check_ends();
}

void GateWorld::check_ends() {
  for (const auto& [id, gate] : fold_.gates()) {
    if (gate.is_pending())
      return wrong(fmt::format("the gate {} waits for ever: {} ms are left", id,
                               (gate.due - now_.at).count()));
    if (!gate.is_closed) return wrong(fmt::format("the gate {} is never closed", id));
    for (const std::string& delivery : gate.deliveries)
      check_delivery_end(gate, *fold_.find(delivery));
  }
}

void GateWorld::check_delivery_end(const FoldGate& gate, const FoldDelivery& d) {
  const int received = received_.contains(d.id) ? received_.at(d.id) : 0;
  const int crashed = crashed_.contains(d.id) ? crashed_.at(d.id) : 0;
  if (d.is_queued()) return wrong(fmt::format("{} is queued for ever", d.id));
  if (d.state == "delivered" && received == 0)
    return wrong(fmt::format("{} is delivered and its peer has nothing", d.id));
  const bool is_verdict = d.stage == model::Stage::verdict || d.stage == model::Stage::after;
  if (d.state == "delivered" && is_verdict) ++taken_;
  if (is_verdict && gate.state == "superseded" && received > 0)
    return wrong(fmt::format("the peer of {} was told of a superseded gate", d.id));
  if (d.link != kSure) return;
  if (is_verdict && (received > 1 + crashed || d.state == "dead"))
    return wrong(fmt::format("{} is {}: its peer got it {} times, with {} crashes", d.id, d.state,
                             received, crashed));
}

}  // namespace baton::sim
