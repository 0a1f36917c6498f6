// SPDX-License-Identifier: MIT
#pragma once
// Tables suite, suite_tally and test. A suite's row is never removed while runs of it may exist:
// its numbers and the names of its runs depend on it. Writes append their event.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/suite.h"
#include "store/tx.h"

namespace baton::store {

/// declared: can be run. undeclared: the configuration that declared it does so no more; its runs
/// stay. deleted: the same by request.
enum class SuiteState { declared, undeclared, deleted };

/// What starting a run needs to know: no JSON is read for it.
struct SuiteRef {
  std::int64_t id = 0;
  std::string namespace_;
  std::string name;
  SuiteState state = SuiteState::declared;
  model::SuiteSource source = model::SuiteSource::api;
  std::string environment = {};  // the one that its runs need when they name none

  std::string full_name() const { return namespace_ + "/" + name; }
};

struct SuiteRow {
  std::int64_t id = 0;
  SuiteState state = SuiteState::declared;
  std::optional<RunId> last_run;
  int queued = 0;   // runs in this state
  int running = 0;  // runs in this state
  model::Suite suite;
};

/// By both names; nothing when there was never such a suite.
Result<std::optional<SuiteRef>> find_suite_ref(Session& session, std::string_view namespace_,
                                               std::string_view name);
/// Suites of this name in every namespace, declared ones only.
Result<std::vector<SuiteRef>> suites_named(Session& session, std::string_view name);
/// "namespace/name" of all declared suites, for suggestions.
Result<std::vector<std::string>> suite_names(Session& session);

Result<std::optional<SuiteRow>> find_suite(Session& session, std::int64_t id);
/// Declared suites by full name, after the full name `after`, at most `limit`.
/// namespace_: "" for all. with_cases: reads the cases too.
Result<std::vector<SuiteRow>> list_suites(Session& session, std::string_view after, int limit,
                                          std::string_view namespace_ = "", bool with_cases = true);
/// Suites that a configuration declared, whatever their state.
Result<std::vector<SuiteRef>> suites_of_files(Session& session);

/// Inserts or replaces the declaration; the cases stay unless `suite.cases` has some.
/// Event suite.declared when anything changed.  Result: the row's id.
Result<std::int64_t> put_suite(Tx& tx, const model::Suite& suite);
/// Event suite.undeclared or suite.deleted.
Result<void> set_suite_state(Tx& tx, const SuiteRef& suite, SuiteState state);
/// What discovery found. Event suite.discovered when it differs from what was known.
Result<void> put_cases(Tx& tx, const SuiteRef& suite, const std::vector<model::Case>& cases,
                       std::string_view discovery_error);

/// The id of the test of this name, made when it is new.
Result<std::int64_t> test_id(Tx& tx, std::int64_t suite_id, std::string_view name);
/// "" when there is none.
Result<std::string> test_name(Session& session, std::int64_t id);
/// Every suite that may have runs, whatever its state.
Result<std::vector<std::int64_t>> suite_ids(Session& session);

}  // namespace baton::store
