// SPDX-License-Identifier: MIT
#include "engine/context_ops.h"

#include "base/text.h"
#include "engine/run_ops.h"
#include "store/context_table.h"

namespace baton::engine {
namespace {

constexpr std::size_t kKeyMax = 200;
constexpr std::size_t kValueMax = 64 << 10;

}  // namespace

Result<void> add_context(Context& context, const AddContext& command) {
  const std::string key = to_valid_utf8(command.key.substr(0, kKeyMax));
  const std::string value = to_valid_utf8(command.value.substr(0, kValueMax));
  if (key.empty()) return fail(Code::invalid, "a context entry needs a key");
  BATON_TRY(row, get_run(context.tx.sql(), command.run));
  if (command.test.empty()) {
    // A run that is started again has its labels too: they keep the limits of a request.
    model::RunRequest changed = row.run.request;
    changed.labels[key] = value;
    BATON_TRY_VOID(model::check_run_request(changed));
    return store::add_label(context.tx, row, key, value);
  }
  BATON_TRY(added,
            store::add_attempt_value(context.tx, row, command.test, command.attempt, key, value));
  if (!added)
    return fail(Code::not_found, "run {} has no finished attempt {} of {}", raw(command.run),
                command.attempt, command.test);
  return {};
}

}  // namespace baton::engine
