// SPDX-License-Identifier: MIT
#include "testing/gate_fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "store/lease_table.h"

namespace baton::sim {
namespace {

using engine::Attempted;
using model::Stage;

std::string member(const boost::json::object& data, std::string_view name) {
  const auto* value = data.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

bool fits(model::When when, std::string_view verdict) {
  if (when == model::When::always) return true;
  return (when == model::When::passed) == (verdict == "passed");
}

bool follows(const FoldDelivery& d) {
  return d.stage == Stage::progress || d.stage == Stage::status;
}

int rank(Stage stage) { return stage == Stage::progress ? 0 : stage == Stage::after ? 2 : 1; }

}  // namespace

const FoldDelivery* GateFold::find(const std::string& delivery) const {
  const auto found = deliveries_.find(delivery);
  return found == deliveries_.end() ? nullptr : &found->second;
}

void GateFold::reported(const std::string& delivery, const Attempted& attempt, int failures) {
  FoldDelivery& d = deliveries_.at(delivery);
  d.said = attempt;
  d.failures = failures;
  if (attempt.is_progress && !follows(d))
    d.waited_at_most += attempt.after.value_or(model::kProgressPause);
  touched_.insert(d.gate);
  // A lost answer may have been of a message that shows something.
  const bool may_show = d.state == "skipped" && attempt.kind == Attempted::Kind::again &&
                        attempt.status == 0;
  if (attempt.is_progress || may_show) d.shown = true;
}

void GateFold::redriven(const std::string& delivery) {
  const auto found = deliveries_.find(delivery);
  if (found == deliveries_.end()) return;  // its gate was opened in this very step
  found->second.redriven = true;
  gates_.at(found->second.gate).is_redriven = true;
  touched_.insert(found->second.gate);
}

void GateFold::carries_secret(const std::string& gate) {
  touched_.insert(gate);
  carried_.insert(gate);
  const auto found = gates_.find(gate);
  // Of one that is opened in this step the event comes later.
  if (found == gates_.end())
    opening_secrets_[gate] = gate;
  else
    found->second.keeps_secret = true;
}

void GateFold::restarted(Now now) {
  for (auto& [id, gate] : gates_) {
    gate.due = now.at + (gate.deadline - now.wall);
    gate.ended.at = now.at + (gate.ended.wall - now.wall);
  }
}

std::string GateFold::overdue(Now now) const {
  for (const auto& [id, gate] : gates_)
    if (gate.is_pending() && gate.due <= now.at)
      return fmt::format("the gate {} waits {} ms after its deadline", id,
                         (now.at - gate.due).count());
  return "";
}

bool GateFold::has_queued(const FoldGate& gate) const {
  return std::any_of(gate.deliveries.begin(), gate.deliveries.end(),
                     [&](const std::string& id) { return deliveries_.at(id).is_queued(); });
}

bool GateFold::waits_for_earlier(const FoldDelivery& delivery) const {
  for (const std::string& id : gates_.at(delivery.gate).deliveries) {
    const FoldDelivery& other = deliveries_.at(id);
    if (other.link == delivery.link && other.is_queued() &&
        rank(other.stage) < rank(delivery.stage))
      return true;
  }
  return false;
}

std::string GateFold::may_send(const FoldDelivery& d) const {
  const FoldGate& gate = gates_.at(d.gate);
  if (follows(d)) return "";
  if (!gate.has_verdict())
    return fmt::format("{} of the gate {} that is {} goes out", d.id, gate.id, gate.state);
  if (!fits(d.when, gate.verdict))
    return fmt::format("{} is for {} and the verdict {}", d.id, name_of(d.when), gate.verdict);
  if (gate.is_redriven) return "";
  if (waits_for_earlier(d)) return fmt::format("{} goes out before its turn", d.id);
  if (d.stage != Stage::after) return "";
  for (const std::string& id : gate.deliveries) {
    const FoldDelivery& other = deliveries_.at(id);
    if (other.link == d.link && other.stage == Stage::verdict && other.state == "dead")
      return fmt::format("{} goes out though nobody took the verdict {}", d.id, id);
  }
  return "";
}

std::string GateFold::apply(store::Session& session, const model::Event& event, Now now) {
  if (event.kind.starts_with("gate.")) return apply_gate(session, event, now);
  if (event.kind.starts_with("delivery.")) return apply_delivery(event, now);
  return "";
}

std::string GateFold::apply_gate(store::Session& session, const model::Event& event, Now now) {
  const std::string id = store::gate_of_subject(event.subject);
  touched_.insert(id);
  if (event.kind == "gate.opened") return open(session, id, now);
  const auto found = gates_.find(id);
  if (found == gates_.end()) return fmt::format("{} of the unknown gate {}", event.kind, id);
  FoldGate& gate = found->second;
  if (event.kind == "gate.observed")
    return gate.is_pending() ? "" : fmt::format("the gate {} was observed after its end", id);
  if (event.kind == "gate.late_verdict") {
    const auto data = boost::json::parse(event.data).as_object();
    if (gate.is_pending() || member(data, "verdict") != gate.verdict ||
        member(data, "state") != gate.state)
      return fmt::format("a late verdict of {} tells {} and not {}", id, event.data, gate.state);
    return "";
  }
  for (const std::string_view state : {"decided", "cancelled", "superseded"})
    if (event.kind == fmt::format("gate.{}", state)) return end(gate, state, event, now);
  return "";
}

std::string GateFold::open(store::Session& session, const std::string& id, Now now) {
  const auto row = store::find_gate(session, id).value();
  if (!row || gates_.contains(id)) return fmt::format("the gate {} was opened twice, or never", id);
  FoldGate gate;
  gate.id = id;
  gate.key = row->request.key;
  gate.deadline = row->deadline_at;
  gate.due = now.at + (gate.deadline - now.wall);
  gate.lease = row->lease;
  gate.keeps_secret = opening_secrets_.erase(id) > 0;
  for (const auto& [other, one] : gates_)
    if (!gate.key.empty() && one.key == gate.key && one.is_pending())
      return fmt::format("the gates {} and {} of the key {} wait both", other, id, gate.key);
  const auto deliveries = store::deliveries_of(session, id).value();
  for (const model::Delivery& d : deliveries) {
    FoldDelivery made;
    made.id = d.id;
    made.gate = id;
    made.link = d.target.link;
    made.stage = d.target.stage;
    made.when = d.target.when;
    gate.deliveries.push_back(d.id);
    deliveries_[d.id] = std::move(made);
  }
  order_.push_back(id);
  gates_[id] = std::move(gate);
  return "";
}

std::string GateFold::end(FoldGate& gate, std::string_view state, const model::Event& event,
                          Now now) {
  if (!gate.is_pending())
    return fmt::format("the gate {} is {} and ends as {} again", gate.id, gate.state, state);
  gate.state = state;
  gate.verdict = member(boost::json::parse(event.data).as_object(), "verdict");
  gate.ended = now;
  if ((state == "superseded") != gate.verdict.empty() ||
      (state == "cancelled" && gate.verdict != "cancelled") ||
      (state == "superseded" && gate.key.empty()))
    return fmt::format("the gate {} is {} with the verdict {:?}", gate.id, state, gate.verdict);
  for (const std::string& id : gate.deliveries)
    if (follows(deliveries_.at(id))) deliveries_.at(id).waited_at_most = Duration{0};
  return "";
}

std::string GateFold::apply_delivery(const model::Event& event, Now now) {
  const auto found = deliveries_.find(store::delivery_of_subject(event.subject));
  if (found == deliveries_.end()) return fmt::format("{} of {}", event.kind, event.subject);
  FoldDelivery& d = found->second;
  touched_.insert(d.gate);
  if (event.kind == "delivery.due") return due(d);
  if (event.kind == "delivery.redriven") return revived(d);
  if (event.kind == "delivery.failed") {
    const bool failed = d.said && d.said->kind == Attempted::Kind::again && !d.said->is_progress;
    if (failed) d.waited_at_most += longest_wait(d);
    return failed && d.is_queued() ? "" : fmt::format("{} is {} and fails", d.id, d.state);
  }
  const std::string before = d.state;
  d.state = event.kind.substr(std::string_view("delivery.").size());
  // What was delivered after all is the one thing that changes an end.
  if (before != "queued" && (d.state != "delivered" || before == "delivered"))
    return fmt::format("{} is {} and then {}", d.id, before, d.state);
  auto problem = ended(d, now);
  FoldGate& gate = gates_.at(d.gate);
  if (!gate.is_pending() && !has_queued(gate)) {
    gate.is_closed = true;
    gate.keeps_secret = false;
  }
  return problem;
}

std::string GateFold::due(FoldDelivery& d) {
  const bool revived = d.state == "skipped" && d.stage == Stage::status && d.shown;
  if (d.state == "delivered" || (d.state == "skipped" && !revived) ||
      (d.state == "dead" && !d.redriven))
    return fmt::format("{} is {} and due", d.id, d.state);
  if (!d.is_queued() || !d.was_due) d.waited_at_most = Duration{0};
  d.was_due = true;
  d.state = "queued";
  return may_send(d);
}

std::string GateFold::revived(FoldDelivery& d) {
  const FoldGate& gate = gates_.at(d.gate);
  // What was skipped because nobody took the verdict follows it after all.
  const auto is_its_verdict = [&](const std::string& id) {
    const FoldDelivery& other = deliveries_.at(id);
    return other.link == d.link && other.stage == Stage::verdict && other.redriven;
  };
  const bool follows_after_all =
      d.state == "skipped" && d.stage == Stage::after && fits(d.when, gate.verdict) &&
      std::any_of(gate.deliveries.begin(), gate.deliveries.end(), is_its_verdict);
  if (!follows_after_all && !(d.redriven && (d.state == "dead" || d.is_queued())))
    return fmt::format("{} is {} and redriven", d.id, d.state);
  d.state = "queued";
  d.was_due = false;
  return "";
}

std::string GateFold::ended(FoldDelivery& d, Now now) {
  d.was_due = false;
  const FoldGate& gate = gates_.at(d.gate);
  if (d.state == "delivered") {
    const bool taken = d.said && d.said->kind == Attempted::Kind::delivered;
    return taken ? "" : fmt::format("{} is delivered and nobody took it", d.id);
  }
  if (d.state == "dead") return died(d, now);
  if (d.state != "skipped") return fmt::format("{} is {}", d.id, d.state);
  if (gate.state == "superseded") return "";
  if (gate.has_verdict() && !fits(d.when, gate.verdict)) return "";
  for (const std::string& id : gate.deliveries) {
    const FoldDelivery& other = deliveries_.at(id);
    if (d.stage == Stage::after && other.link == d.link && other.stage == Stage::verdict &&
        other.state == "dead")
      return "";
  }
  return fmt::format("{} of the gate {} is skipped without a reason", d.id, gate.id);
}

std::string GateFold::died(const FoldDelivery& d, Now now) const {
  const FoldGate& gate = gates_.at(d.gate);
  if (d.said && d.said->kind == Attempted::Kind::dead) return "";
  const Duration grace = std::max(now.wall - gate.ended.wall, now.at - gate.ended.at);
  if (d.stage == Stage::progress && !gate.is_pending() &&
      (grace >= model::kProgressGrace || gate.is_redriven))
    return "";
  if (!d.said || d.said->kind != Attempted::Kind::again || (d.said->is_progress && follows(d)))
    return fmt::format("{} died of nothing", d.id);
  if (gate.is_pending()) return fmt::format("{} was given up before the verdict", d.id);
  if (d.waited_at_most < retry_.give_up_after)
    return fmt::format("{} was given up after at most {} ms", d.id, d.waited_at_most.count());
  return "";
}

Duration GateFold::longest_wait(const FoldDelivery& d) const {
  return std::max(d.said->after.value_or(Duration{0}),
                  model::retry_wait(retry_, d.failures, 1.0));
}

std::string GateFold::after_step(store::Session& session, bool of_all) {
  for (auto& [id, gate] : gates_) {
    if (!of_all && !touched_.contains(id)) continue;
    if (auto problem = check_gate(session, gate); !problem.empty()) return problem;
  }
  touched_.clear();
  carried_.clear();
  return "";
}

std::string GateFold::check_gate(store::Session& session, FoldGate& gate) {
  const auto row = store::find_gate(session, gate.id).value();
  if (!row || name_of(row->state) != gate.state || name_of(row->verdict) != gate.verdict)
    return fmt::format("the gate {} is not {} {} in its table", gate.id, gate.state, gate.verdict);
  const auto deliveries = store::deliveries_of(session, gate.id).value();
  for (const model::Delivery& d : deliveries) {
    const FoldDelivery& told = deliveries_.at(d.id);
    if (name_of(d.state) != told.state)
      return fmt::format("{} is {} in its table and {} in the journal", d.id, name_of(d.state),
                         told.state);
    if (told.state == "skipped" && told.stage == Stage::status && told.shown &&
        gate.state == "superseded")
      return fmt::format("{} shows for ever that the gate waits", d.id);
  }
  if (!gate.is_pending() && !has_queued(gate)) {
    gate.is_closed = true;
    gate.keeps_secret = false;
  }
  const bool secret = !store::gate_secret(session, gate.id).value().empty();
  // Closed and asked for again in one step: the order is not known here.
  if (gate.is_closed && carried_.contains(gate.id) && has_queued(gate)) gate.keeps_secret = secret;
  if (secret != gate.keeps_secret)
    return fmt::format("the gate {} {} a secret", gate.id, secret ? "still has" : "has lost");
  if (gate.lease.empty()) return "";
  const auto lease = store::find_lease(session, gate.lease).value();
  const bool is_left = gate.is_closed || gate.state == "superseded";
  if (!lease || lease->is_live() == is_left)
    return fmt::format("the lease of the gate {} ({}) is {}", gate.id, gate.state,
                       lease ? name_of(lease->state) : "not there");
  return "";
}

}  // namespace baton::sim
