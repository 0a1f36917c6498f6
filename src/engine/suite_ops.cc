// SPDX-License-Identifier: MIT
#include "engine/suite_ops.h"

#include <set>
#include <string>

#include "base/text.h"
#include "engine/run_ops.h"
#include "model/case_limit.h"

namespace baton::engine {
namespace {

using model::SuiteSource;
using store::SuiteRef;
using store::SuiteState;

Result<SuiteRef> declared(store::Session& session, std::string_view namespace_,
                          std::string_view name) {
  return resolve_suite(session, fmt::format("{}/{}", namespace_, name));
}

tl::unexpected<Error> read_only(const SuiteRef& suite) {
  return fail_with_fix(Code::conflict, "change the file, then restart the server",
                       "the suite {} is declared in a configuration file", suite.full_name());
}

}  // namespace

Result<store::SuiteRow> declare_suite(Context& context, model::Suite suite) {
  BATON_TRY_VOID(check_suite(suite));
  if (suite.source == SuiteSource::file)
    return fail(Code::internal, "suites of a file are declared by sync_suites");
  store::Session& session = context.tx.sql();
  BATON_TRY(found, store::find_suite_ref(session, suite.namespace_, suite.name));
  if (found && found->state == SuiteState::declared && found->source == SuiteSource::file)
    return read_only(*found);
  BATON_TRY(id, store::put_suite(context.tx, suite));
  BATON_TRY(row, store::find_suite(session, id));
  if (!row) return fail(Code::internal, "the suite {} is not there", suite.id());
  return *std::move(row);
}

Result<void> delete_suite(Context& context, std::string_view namespace_, std::string_view name) {
  BATON_TRY(suite, declared(context.tx.sql(), namespace_, name));
  if (suite.source == SuiteSource::file) return read_only(suite);
  BATON_TRY(row, store::find_suite(context.tx.sql(), suite.id));
  if (row && row->queued + row->running > 0)
    return fail_with_fix(Code::conflict, "cancel them or wait for their end",
                         "the suite {} has {} runs that have not finished", suite.full_name(),
                         row->queued + row->running);
  return store::set_suite_state(context.tx, suite, SuiteState::deleted);
}

Result<void> sync_suites(Context& context, const std::vector<model::Suite>& suites) {
  std::set<std::string> names;
  for (const model::Suite& suite : suites) {
    BATON_TRY_VOID(check_suite(suite));
    if (!names.insert(suite.id()).second)
      return fail(Code::invalid, "the suite {} is declared twice", suite.id());
  }
  for (model::Suite suite : suites) {
    suite.source = SuiteSource::file;
    BATON_TRY_VOID(store::put_suite(context.tx, suite));
  }
  BATON_TRY(known, store::suites_of_files(context.tx.sql()));
  for (const SuiteRef& suite : known)
    if (suite.state == SuiteState::declared && !names.contains(suite.full_name()))
      BATON_TRY_VOID(store::set_suite_state(context.tx, suite, SuiteState::undeclared));
  return {};
}

Result<void> put_discovery(Context& context, std::string_view namespace_, std::string_view name,
                           const std::vector<model::Case>& cases, std::string_view error) {
  BATON_TRY(suite, declared(context.tx.sql(), namespace_, name));
  // Its runs would end errored with the same words.
  if (cases.size() > model::kCasesMax)
    return store::put_cases(context.tx, suite, {}, model::too_many_cases(cases.size()));
  std::set<std::string_view> seen;
  for (const model::Case& entry : cases) {
    BATON_TRY_VOID(model::check_case_name(entry.name));
    if (!seen.insert(entry.name).second)
      return fail(Code::invalid, "the case {} was found twice", json_quote(entry.name));
  }
  return store::put_cases(context.tx, suite, cases, error);
}

Result<store::SuiteRow> get_suite(store::Session& session, std::string_view suite) {
  BATON_TRY(ref, resolve_suite(session, suite));
  BATON_TRY(row, store::find_suite(session, ref.id));
  if (!row) return fail(Code::internal, "the suite {} is not there", ref.full_name());
  return *std::move(row);
}

}  // namespace baton::engine
