// SPDX-License-Identifier: MIT
#include "api/lookup.h"

#include "api/reply.h"
#include "engine/run_ops.h"

namespace baton::api {

Result<store::RunRow> find_run(store::Session& session, std::string_view id) {
  BATON_TRY(run_id, run_id_of(id));
  return engine::get_run(session, run_id);
}

Result<store::SuiteRow> find_suite(store::Session& session, std::string_view name) {
  BATON_TRY(ref, engine::resolve_suite(session, name));
  BATON_TRY(row, store::find_suite(session, ref.id));
  if (!row) return fail(Code::not_found, "there is no suite {}", name);
  return *std::move(row);
}

}  // namespace baton::api
