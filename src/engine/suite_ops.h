// SPDX-License-Identifier: MIT
#pragma once
// Operations on suites: who declares them, what discovery found in them.
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/writer.h"
#include "model/suite.h"
#include "store/suite_table.h"

namespace baton::engine {

/// Declares or redeclares one suite, by its `source` (api or adhoc). What a file declares is
/// read-only. The known cases stay unless `suite.cases` has some.
/// Errors: invalid (check_suite), conflict.
Result<store::SuiteRow> declare_suite(Context& context, model::Suite suite);

/// Its runs stay. Errors: not_found, conflict (a file declares it; or it has runs under way).
Result<void> delete_suite(Context& context, std::string_view namespace_, std::string_view name);

/// The suites of the configuration, all of them: declares these (source file) and hides those that
/// an earlier configuration declared and this one does not.  Errors: invalid.
Result<void> sync_suites(Context& context, const std::vector<model::Suite>& suites);

/// What discovery found, or why it found nothing.  Errors: not_found, invalid (names of cases).
Result<void> put_discovery(Context& context, std::string_view namespace_, std::string_view name,
                           const std::vector<model::Case>& cases, std::string_view error);

/// A declared suite with its cases.  Errors: as resolve_suite.
Result<store::SuiteRow> get_suite(store::Session& session, std::string_view suite);

}  // namespace baton::engine
