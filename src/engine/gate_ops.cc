// SPDX-License-Identifier: MIT
#include "engine/gate_ops.h"

#include <algorithm>

#include "base/text.h"
#include "engine/deadline_kinds.h"
#include "engine/delivery_ops.h"
#include "engine/lease_ops.h"
#include "engine/run_ops.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"

namespace baton::engine {
namespace {

using model::Gate;
using model::GateState;
using model::GateVerdict;
using model::SubjectKind;
using model::VerdictSource;

constexpr int kPage = 500;
// An answer must not overtake the one of the call itself.
constexpr Duration kAfterCall{1'000};

Result<void> set_due(Context& context, const Gate& gate) {
  return context.tx.set_deadline(kGateDue, store::gate_subject(gate.id),
                                 context.now.at + (gate.deadline_at - context.now.wall));
}

// A run that the gate itself started has nobody else who wants to know.
Result<void> cancel_subject(Context& context, const Rules& rules, const Gate& gate,
                            std::string_view reason) {
  const model::Subject& subject = gate.request.subject;
  if (subject.kind != SubjectKind::suite || raw(subject.run) == 0) return {};
  const auto cancelled = cancel_run(context, rules, subject.run, reason);
  // Finished, or deleted, meanwhile.
  if (!cancelled && cancelled.error().code != Code::conflict &&
      cancelled.error().code != Code::gone && cancelled.error().code != Code::not_found)
    return tl::unexpected(cancelled.error());
  return {};
}

Result<void> release_lease_of(Context& context, const Rules& rules, const Gate& gate) {
  if (gate.lease.empty()) return {};
  const Farewell farewell{
      {},
      gate.verdict == GateVerdict::passed ? model::LeaseOutcome::clean
                                          : model::LeaseOutcome::dirty,
      fmt::format("gate {} {}", gate.id, name_of(gate.state))};
  auto released = release_lease(context, rules, gate.lease, farewell, "gate");
  if (!released && released.error().code != Code::not_found)
    return tl::unexpected(std::move(released).error());
  return {};
}

// The one way in which a gate ends.
Result<void> end_gate(Context& context, const Rules& rules, Gate& gate, GateState state,
                      const Verdict& verdict) {
  gate.state = state;
  gate.verdict = verdict.verdict;
  gate.source = verdict.source;
  gate.reason = verdict.reason;
  if (!verdict.url.empty()) gate.url = verdict.url;
  gate.decided_at = context.now.wall;
  BATON_TRY_VOID(context.tx.clear_deadline(kGateDue, store::gate_subject(gate.id)));
  BATON_TRY_VOID(
      store::update_gate(context.tx, gate, fmt::format("gate.{}", name_of(state))));
  if (state == GateState::superseded) {
    BATON_TRY_VOID(skip_deliveries(context, gate));
    // The newer gate may wait for the same environment, whatever is still to be told of this one.
    BATON_TRY_VOID(release_lease_of(context, rules, gate));
  } else {
    BATON_TRY_VOID(deliver_verdict(context, gate));
  }
  return close_if_delivered(context, rules, gate);
}

Result<void> supersede(Context& context, const Rules& rules, const std::string& key,
                       const std::string& by) {
  if (key.empty()) return {};
  BATON_TRY(older, store::pending_of_key(context.tx.sql(), key));
  if (!older) return {};
  const std::string reason = fmt::format("gate {} of the same key was opened", by);
  BATON_TRY_VOID(
      end_gate(context, rules, *older, GateState::superseded,
               {GateVerdict::none, VerdictSource::none, reason, "", {}}));
  return cancel_subject(context, rules, *older, reason);
}

// A run of a suite is started, and holds the environment itself; else the gate does.
Result<void> begin_subject(Context& context, const Rules& rules, Gate& gate) {
  model::GateRequest& request = gate.request;
  model::Subject& subject = request.subject;
  if (subject.kind == SubjectKind::run) {
    BATON_TRY(row, get_run(context.tx.sql(), subject.run));
    return {};
  }
  if (subject.kind == SubjectKind::suite) {
    model::RunRequest run = subject.suite;
    if (run.environment.empty()) run.environment = request.environment;
    if (run.triggered_by.empty())
      run.triggered_by = "gate " + (request.name.empty() ? gate.id : request.name);
    BATON_TRY(started, start_run(context, rules, std::move(run)));
    subject.run = started.id;
    subject.suite.suite = started.request.suite;
  }
  return {};
}

Result<void> take_lease(Context& context, const Rules& rules, Gate& gate) {
  if (gate.request.environment.empty() || gate.request.subject.kind == SubjectKind::suite)
    return {};
  model::LeaseRequest lease;
  lease.wants.push_back({gate.request.environment, {}, model::LeaseMode::exclusive, 1});
  lease.holder.name = "gate " + (gate.request.name.empty() ? gate.id : gate.request.name);
  lease.holder.reason = gate.id;
  lease.source = model::LeaseSource::gate;
  lease.no_expiry = true;
  lease.waits_for_ever = true;
  BATON_TRY(status, acquire(context, rules, std::move(lease), gate.opened_by));
  gate.lease = status.lease.id;
  return {};
}

Result<std::vector<model::Delivery>> add_deliveries(Context& context, const Gate& gate) {
  std::vector<model::Delivery> deliveries;
  for (const model::Target& target : gate.request.deliver) {
    model::Delivery d;
    d.id = context.ids.make("del_");
    d.gate = gate.id;
    d.target = target;
    d.created_at = context.now.wall;
    BATON_TRY_VOID(store::insert_delivery(context.tx, d));
    deliveries.push_back(std::move(d));
  }
  return deliveries;
}

// The peer asks once more: what it carries now is what it is answered with, and an answer that it
// did not take any more goes out again.
Result<void> repeat_call(Context& context, const Gate& gate, const Opening& opening) {
  BATON_TRY(deliveries, store::deliveries_of(context.tx.sql(), gate.id));
  bool open = false;
  for (const model::Delivery& d : deliveries) {
    const bool is_answer =
        d.target.stage == model::Stage::verdict || d.target.stage == model::Stage::status;
    const bool is_over = d.state == model::DeliveryState::dead ||
                         (d.state == model::DeliveryState::delivered && opening.answer_again);
    if (is_over && is_answer) {
      BATON_TRY_VOID(repeat_delivery(context, d, kAfterCall));
      open = true;
    }
    open = open || d.state == model::DeliveryState::queued;
  }
  if (!open || opening.secret.empty()) return {};
  return store::put_gate_secret(context.tx, gate.id, opening.secret);
}

std::string run_reason(const model::Run& run) {
  const model::Counts& counts = run.counts;
  std::string reason = fmt::format("run {} {}: {} of {} passed", raw(run.id), name_of(run.verdict),
                                   counts.passed + counts.flaky, counts.total);
  if (counts.failed > 0) reason += fmt::format(", {} failed", counts.failed);
  if (counts.errored > 0) reason += fmt::format(", {} errored", counts.errored);
  if (counts.flaky > 0) reason += fmt::format(", {} flaky", counts.flaky);
  if (!run.message.empty()) reason += "; " + run.message;
  return reason.substr(0, model::kGateReasonMax);
}

Verdict verdict_of(const model::Run& run) {
  return {model::gate_verdict_of(run.verdict), VerdictSource::run, run_reason(run), "", {}};
}

Result<void> note_late(Context& context, const Gate& gate, const Verdict& verdict) {
  BATON_TRY_VOID(context.tx.append(
      "gate.late_verdict", store::gate_subject(gate.id),
      fmt::format(R"({{"gate":{},"state":"{}","verdict":"{}","late":"{}","source":"{}",)"
                  R"("reason":{}}})",
                  json_quote(gate.id), name_of(gate.state), name_of(gate.verdict),
                  name_of(verdict.verdict), name_of(verdict.source), json_quote(verdict.reason))));
  return {};
}

Result<Decided> decide(Context& context, const Rules& rules, Gate gate, const Verdict& verdict) {
  if (gate.state != GateState::pending) {
    if (gate.state == GateState::decided && gate.verdict == verdict.verdict)
      return Decided{std::move(gate), true};
    BATON_TRY_VOID(note_late(context, gate, verdict));
    return Decided{std::move(gate), false};
  }
  for (const auto& [path, url] : verdict.artifacts)
    BATON_TRY_VOID(store::put_gate_artifact(context.tx, gate.id, {path, 0, "", "", url}));
  BATON_TRY_VOID(end_gate(context, rules, gate, GateState::decided, verdict));
  return Decided{std::move(gate), true};
}

}  // namespace

Result<Gate> get_gate(store::Session& session, std::string_view id) {
  BATON_TRY(found, store::find_gate(session, id));
  if (!found)
    return fail_with_fix(Code::not_found, "`baton gate ls` lists the gates",
                         "the gate {} is unknown", json_quote(id));
  return *std::move(found);
}

Result<Opened> open_gate(Context& context, const Rules& rules, model::GateRequest request,
                         const Opening& opening) {
  if (!opening.ident.empty()) {
    BATON_TRY(known, store::gate_of_call(context.tx.sql(), opening.link, opening.ident));
    if (known) {
      BATON_TRY_VOID(repeat_call(context, *known, opening));
      BATON_TRY(deliveries, store::deliveries_of(context.tx.sql(), known->id));
      return Opened{*std::move(known), std::move(deliveries), false};
    }
  }
  BATON_TRY_VOID(model::check_gate_request(request));
  Gate gate;
  gate.id = context.ids.make("gat_");
  gate.request = std::move(request);
  gate.link = opening.link;
  gate.ident = opening.ident;
  gate.opened_by = opening.opened_by;
  gate.created_at = context.now.wall;
  gate.deadline_at =
      gate.created_at + gate.request.timeout.value_or(model::kGateTimeoutDefault);
  BATON_TRY_VOID(supersede(context, rules, gate.request.key, gate.id));
  BATON_TRY_VOID(begin_subject(context, rules, gate));
  BATON_TRY_VOID(take_lease(context, rules, gate));
  BATON_TRY_VOID(store::insert_gate(context.tx, gate));
  if (!opening.secret.empty())
    BATON_TRY_VOID(store::put_gate_secret(context.tx, gate.id, opening.secret));
  BATON_TRY_VOID(set_due(context, gate));
  BATON_TRY(deliveries, add_deliveries(context, gate));
  BATON_TRY_VOID(deliver_progress(context, gate));
  if (gate.request.subject.kind == SubjectKind::run ||
      gate.request.subject.kind == SubjectKind::suite) {
    BATON_TRY(row, get_run(context.tx.sql(), gate.request.subject.run));
    if (row.run.state == model::RunState::finished) {
      BATON_TRY(decided, decide(context, rules, std::move(gate), verdict_of(row.run)));
      gate = std::move(decided.gate);
      BATON_TRY(sent, store::deliveries_of(context.tx.sql(), gate.id));
      deliveries = std::move(sent);
    }
  }
  return Opened{std::move(gate), std::move(deliveries), true};
}

Result<Decided> decide_gate(Context& context, const Rules& rules, std::string_view id,
                            const Verdict& verdict) {
  BATON_TRY(gate, get_gate(context.tx.sql(), id));
  return decide(context, rules, std::move(gate), verdict);
}

Result<Gate> cancel_gate(Context& context, const Rules& rules, std::string_view id,
                         std::string_view reason) {
  BATON_TRY(gate, get_gate(context.tx.sql(), id));
  if (gate.state == GateState::decided)
    return fail_with_fix(Code::conflict, "a verdict is not taken back; open a new gate",
                         "the gate {} was decided: {}", gate.id, name_of(gate.verdict));
  if (gate.state != GateState::pending) return std::move(gate);
  const std::string why = reason.empty() ? "cancelled" : std::string(reason);
  BATON_TRY_VOID(end_gate(context, rules, gate, GateState::cancelled,
                          {GateVerdict::cancelled, VerdictSource::cancel, why, "", {}}));
  BATON_TRY_VOID(cancel_subject(context, rules, gate, why));
  return std::move(gate);
}

Result<void> observe_gate(Context& context, std::string_view id, std::string_view watched) {
  BATON_TRY(gate, get_gate(context.tx.sql(), id));
  if (gate.state != GateState::pending || gate.watched == watched) return {};
  gate.watched = watched;
  BATON_TRY_VOID(store::update_gate(context.tx, gate, "gate.observed"));
  return deliver_progress(context, gate);
}

Result<void> gate_log_grew(Context& context, std::string_view id, std::int64_t bytes,
                           std::int64_t posted) {
  BATON_TRY(gate, get_gate(context.tx.sql(), id));
  if (bytes <= gate.log_bytes && posted == 0) return {};
  BATON_TRY_VOID(
      store::set_gate_log(context.tx, id, std::max(bytes, gate.log_bytes), posted));
  if (gate.state != GateState::pending) return {};
  return deliver_progress(context, gate);
}

Result<void> decide_gates_of(Context& context, const Rules& rules, const store::RunRow& row) {
  BATON_TRY(gates, store::gates_of_run(context.tx.sql(), row.run.id));
  for (Gate& gate : gates) {
    // A run that ends with its gate has nothing new to say.
    if (gate.state == GateState::cancelled || gate.state == GateState::superseded) continue;
    BATON_TRY_VOID(decide(context, rules, std::move(gate), verdict_of(row.run)));
  }
  return {};
}

Result<void> tell_gates_of(Context& context, RunId run) {
  BATON_TRY(gates, store::told_of_run(context.tx.sql(), run));
  for (const Gate& gate : gates) BATON_TRY_VOID(deliver_progress(context, gate));
  return {};
}

Result<void> gate_due(Context& context, const Rules& rules, std::string_view id) {
  BATON_TRY(found, store::find_gate(context.tx.sql(), id));
  if (!found || found->state != GateState::pending) return {};
  const bool pass = found->request.pass_on_timeout;
  const std::string reason = fmt::format(
      "no verdict within {}", format_duration(found->deadline_at - found->created_at));
  return end_gate(context, rules, *found, GateState::decided,
                  {pass ? GateVerdict::passed : GateVerdict::timed_out, VerdictSource::timeout,
                   reason, "", {}});
}

Result<void> close_if_delivered(Context& context, const Rules& rules, const Gate& gate) {
  BATON_TRY(deliveries, store::deliveries_of(context.tx.sql(), gate.id));
  for (const model::Delivery& d : deliveries)
    if (d.state == model::DeliveryState::queued) return {};
  BATON_TRY_VOID(store::remove_gate_secret(context.tx, gate.id));
  if (gate.state == GateState::superseded) return {};
  return release_lease_of(context, rules, gate);
}

Result<void> recover_gates(Context& context) {
  std::int64_t after = 0;
  for (;;) {
    BATON_TRY(page, store::all_pending_gates(context.tx.sql(), after, kPage));
    for (const Gate& gate : page) BATON_TRY_VOID(set_due(context, gate));
    if (page.size() < static_cast<std::size_t>(kPage)) return {};
    after = page.back().seq;
  }
}

}  // namespace baton::engine
