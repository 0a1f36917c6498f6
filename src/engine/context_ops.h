// SPDX-License-Identifier: MIT
#pragma once
// Operations of hooks: what they add to an attempt or a run after its result is stored.
#include <string>

#include "engine/writer.h"

namespace baton::engine {

struct AddContext {
  RunId run{};
  std::string test;  // "" adds to the run itself
  int attempt = 0;
  std::string key;    // cut to 200 bytes
  std::string value;  // cut to 64 KiB
};

/// Becomes a value of the attempt or a label of the run.
/// Errors: not_found (the run or the attempt), gone (deleted), invalid (an empty key; a label that
/// a run's request could not have: model::check_run_request).
Result<void> add_context(Context& context, const AddContext& command);

}  // namespace baton::engine
