// SPDX-License-Identifier: MIT
#pragma once
// The JSON texts inside rows: what is stored and read back whole and never filtered by. What equals
// its default is left out, so that most rows hold "{}". Unknown members are ignored: a newer Baton
// of the same schema may have written them.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/run.h"
#include "model/suite.h"

namespace baton::store {

/// How to run the suite; not its name, source, cases and revision, which are columns.
std::string encode_definition(const model::Suite& suite);
/// Errors (all decoders): internal, when the row holds something else than what was written.
Result<void> decode_definition(std::string_view json, model::Suite& suite);

std::string encode_cases(const std::vector<model::Case>& cases);
Result<std::vector<model::Case>> decode_cases(std::string_view json);

/// What of the request is no column of the run.
std::string encode_request(const model::RunRequest& request);
Result<void> decode_request(std::string_view json, model::RunRequest& request);

/// File, line, spans and values of an attempt; "" when it has none.
std::string encode_attempt(const model::Attempt& attempt);
Result<void> decode_attempt(std::string_view json, model::Attempt& attempt);

}  // namespace baton::store
