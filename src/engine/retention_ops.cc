// SPDX-License-Identifier: MIT
#include "engine/retention_ops.h"

#include "engine/run_ops.h"
#include "store/booking_table.h"
#include "store/environment_table.h"
#include "store/gate_table.h"
#include "store/idempotency_table.h"
#include "store/journal_table.h"
#include "store/lease_table.h"
#include "store/run_table.h"
#include "store/suite_table.h"
#include "store/token_table.h"

namespace baton::engine {
namespace {

constexpr int kAnswersPerPiece = 500;
constexpr int kEventsPerPiece = 2'000;
constexpr int kBookingsPerPiece = 500;
constexpr int kLeasesPerPiece = 500;
constexpr int kGatesPerPiece = 100;
// Rows that a piece may remove: the writer does nothing else meanwhile.
constexpr std::int64_t kCasesPerPiece = 5'000;

Result<bool> expire_runs(Context& context, const Rules& rules) {
  if (rules.retention_age <= Duration{0}) return false;
  const TimePoint before = context.now.wall - rules.retention_age;
  BATON_TRY(suites, store::suite_ids(context.tx.sql()));
  int left = kRunsPerPiece;
  std::int64_t cases = 0;
  for (const std::int64_t suite : suites) {
    BATON_TRY(expired, store::expired_runs(context.tx.sql(), suite, rules.keep_last, before, left));
    for (const RunId run : expired) {
      BATON_TRY(row, get_run(context.tx.sql(), run));
      cases += row.run.counts.total;
      BATON_TRY_VOID(delete_run(context, run));
      if (cases >= kCasesPerPiece) return true;
    }
    left -= static_cast<int>(expired.size());
    if (left == 0) return true;
  }
  return false;
}

// What is over of leases, and what kept slots from use.
Result<bool> expire_leases(Context& context, const Rules& rules) {
  const TimePoint before = context.now.wall - rules.lease_history;
  BATON_TRY(leases, store::remove_leases_before(context.tx, before, kLeasesPerPiece));
  BATON_TRY(periods, store::remove_periods_before(context.tx, before, kLeasesPerPiece));
  return leases == kLeasesPerPiece || periods == kLeasesPerPiece;
}

// Gates, and what legacy routes took.
Result<bool> expire_gates(Context& context, const Rules& rules) {
  const TimePoint before = context.now.wall - rules.lease_history;
  BATON_TRY(gates, store::remove_gates_before(context.tx, before, kGatesPerPiece));
  BATON_TRY(alone, store::remove_deliveries_before(context.tx, before, kGatesPerPiece));
  return gates == kGatesPerPiece || alone == kGatesPerPiece;
}

}  // namespace

Result<bool> housekeeping(Context& context, const Rules& rules) {
  BATON_TRY(more_runs, expire_runs(context, rules));
  BATON_TRY(answers, store::remove_expired_answers(context.tx, context.now.wall, kAnswersPerPiece));
  BATON_TRY(events, store::prune_journal(context.tx, context.now.wall - rules.journal_age,
                                         kEventsPerPiece));
  BATON_TRY(bookings, store::remove_bookings_before(
                          context.tx, context.now.wall - rules.lease_history, kBookingsPerPiece));
  BATON_TRY_VOID(store::remove_expired_runner_tokens(context.tx, context.now.wall));
  BATON_TRY(more_leases, expire_leases(context, rules));
  BATON_TRY(more_gates, expire_gates(context, rules));
  return more_runs || more_leases || more_gates || answers == kAnswersPerPiece ||
         events == kEventsPerPiece || bookings == kBookingsPerPiece;
}

Result<void> advance_reader(Context& context, std::string_view name, Seq seq) {
  return store::set_reader_position(context.tx, name, seq);
}

}  // namespace baton::engine
