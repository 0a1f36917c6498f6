// SPDX-License-Identifier: MIT
#include "api/journal_metrics.h"

#include <algorithm>

#include "store/case_table.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "store/lease_table.h"
#include "store/run_table.h"
#include "store/tx.h"

namespace baton::api {
namespace {

constexpr int kRows = 1'000;

}  // namespace

Result<void> JournalMetrics::advance() {
  const std::lock_guard lock(mutex_);
  for (;;) {
    BATON_TRY(snapshot, store_.snapshot());
    BATON_TRY(last, store::last_journal_seq(snapshot.sql()));
    BATON_TRY(events, store::read_journal(snapshot.sql(), cursor_, kRows));
    for (const model::Event& event : events) {
      BATON_TRY_VOID(count(snapshot.sql(), event));
      cursor_ = event.seq;
    }
    if (events.size() < kRows) {
      cursor_ = std::max(cursor_, last);
      return {};
    }
  }
}

Result<void> JournalMetrics::count(store::Session& session, const model::Event& event) {
  if (event.kind == "run.finished") return count_run(session, store::run_of_subject(event.subject));
  if (event.kind.starts_with("lease.")) return count_lease(session, event);
  if (event.kind == "gate.decided" || event.kind == "gate.cancelled" ||
      event.kind == "gate.superseded")
    return count_gate(session, event);
  if (event.kind == "delivery.delivered" || event.kind == "delivery.failed" ||
      event.kind == "delivery.dead")
    return count_delivery(session, event);
  return {};
}

Result<void> JournalMetrics::count_gate(store::Session& session, const model::Event& event) {
  BATON_TRY(gate, store::find_gate(session, store::gate_of_subject(event.subject)));
  if (gate) metrics_.gate_ended(name_of(gate->verdict));
  return {};
}

Result<void> JournalMetrics::count_delivery(store::Session& session, const model::Event& event) {
  BATON_TRY(found, store::find_delivery(session, store::delivery_of_subject(event.subject)));
  if (!found) return {};  // removed since
  metrics_.delivery_attempted(found->target.link, std::string_view{event.kind}.substr(
                                                      std::string_view{"delivery."}.size()));
  if (event.kind == "delivery.delivered" && found->first_at && found->ended_at)
    metrics_.delivered(*found->ended_at - *found->first_at);
  return {};
}

Result<void> JournalMetrics::count_lease(store::Session& session, const model::Event& event) {
  const std::string_view what =
      std::string_view{event.kind}.substr(std::string_view{"lease."}.size());
  if (what == "queued") return {};
  BATON_TRY(lease, store::find_lease(session, store::lease_of_subject(event.subject)));
  if (!lease) return {};  // removed since
  if (what == "granted") {
    if (lease->granted_at) metrics_.lease_granted(*lease->granted_at - lease->created_at);
    return {};
  }
  const auto state = model::parse_lease_state(what);
  if (!state || !lease->ended_at) return {};
  std::optional<Duration> held;
  if (lease->granted_at) held = *lease->ended_at - *lease->granted_at;
  metrics_.lease_ended(*state, held);
  return {};
}

Result<void> JournalMetrics::count_run(store::Session& session, RunId id) {
  BATON_TRY(row, store::find_run(session, id));
  if (!row) return {};  // deleted since
  std::vector<model::Outcome> attempts;
  store::CaseQuery query;
  for (bool more = true; more;) {
    BATON_TRY(page, store::list_cases(session, id, query));
    for (const model::CaseResult& item : page.cases)
      for (const model::Attempt& attempt : item.attempts) attempts.push_back(attempt.outcome);
    more = page.next_after.has_value();
    if (more) query.after = *page.next_after;
  }
  metrics_.run_finished(row->run, attempts);
  return {};
}

}  // namespace baton::api
