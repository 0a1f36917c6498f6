// SPDX-License-Identifier: MIT
#pragma once
// Tables run_case, attempt and artifact: what happened inside a run. The writing functions append
// no event of their own: the operation reports all that a batch of records did in one run.recorded.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/record.h"
#include "model/run.h"
#include "model/verdict.h"
#include "store/tx.h"

namespace baton::store {

/// Longer messages are cut when they are stored.
inline constexpr std::size_t kMessageMax = 64 << 10;

struct CaseRow {
  std::int64_t test_id = 0;
  model::CaseVerdict verdict = model::CaseVerdict::pending;
  bool soft = false;
  bool quarantined = false;
};

/// The case of this name in the run; nothing when the run does not have it.
Result<std::optional<CaseRow>> find_case(Session& session, std::int64_t suite_id, RunId run,
                                         std::string_view name);
/// Adds a pending case; nothing happens when the run has it.  Result: whether it was added.
Result<bool> add_case(Tx& tx, RunId run, std::int64_t test_id, int ord);
Result<void> set_case_verdict(Tx& tx, RunId run, std::int64_t test_id, model::CaseVerdict verdict,
                              bool soft);

/// The attempts of one case in order, without spans and values unless `whole`.
Result<std::vector<model::Attempt>> case_attempts(Session& session, RunId run, std::int64_t test_id,
                                                  bool whole = false);
/// Inserts the attempt, or completes a running one. An attempt with an outcome is never changed,
/// but for an interrupted one whose real outcome arrives late (from the spool of the lost runner).
/// Result: whether anything was stored.
Result<bool> put_attempt(Tx& tx, RunId run, std::int64_t test_id, const model::Attempt& attempt);

/// An attempt that is under way.
struct OpenAttempt {
  std::int64_t test_id = 0;
  std::string test;
  int number = 0;
  TimePoint started_at;
};
Result<std::vector<OpenAttempt>> open_attempts(Session& session, RunId run);

/// How many cases of a run have which verdict and how many of them were soft.
struct VerdictCount {
  model::CaseVerdict verdict;
  bool soft;
  int cases;
};
Result<std::vector<VerdictCount>> count_verdicts(Session& session, RunId run);
/// Tests of pending cases that have attempts.
Result<std::vector<std::int64_t>> pending_tried(Session& session, RunId run);
/// Gives the cases that are still pending a verdict.
Result<void> settle_pending(Tx& tx, RunId run, model::CaseVerdict verdict);
/// For one runner after another: what is done already.
Result<std::vector<model::CaseProgress>> case_progress(Session& session, RunId run);
/// Messages of attempts that did not pass, one after the other, at most `max_bytes`.
Result<std::string> failure_messages(Session& session, RunId run, std::size_t max_bytes);

/// Cases of a run in their order with all attempts. verdict: only these. attempts = false: without
/// them.
struct CaseQuery {
  std::optional<model::CaseVerdict> verdict = {};
  std::int64_t after = -1;  // the cursor: position of the last case seen
  int limit = 500;
  bool attempts = true;
};
struct CasePage {
  std::vector<model::CaseResult> cases;
  std::optional<std::int64_t> next_after;
};
Result<CasePage> list_cases(Session& session, RunId run, const CaseQuery& query);
/// Names, in order, of what a rerun of the failed repeats: failures, and what was not run at all.
Result<std::vector<std::string>> cases_without_success(Session& session, RunId run);
/// One case with its attempts.
Result<std::optional<model::CaseResult>> read_case(Session& session, RunId run,
                                                   std::string_view name);

Result<void> put_artifact(Tx& tx, RunId run, const model::Artifact& artifact);
/// By path; a path gives those of that name.
Result<std::vector<model::Artifact>> list_artifacts(Session& session, RunId run,
                                                    std::string_view path = "");
/// Digests of the run's artifacts that no other run has.
Result<std::vector<std::string>> unshared_digests(Session& session, RunId run);

/// Removes cases, attempts and artifacts of the run.
Result<void> remove_cases(Tx& tx, RunId run);

}  // namespace baton::store
