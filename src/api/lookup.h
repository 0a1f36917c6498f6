// SPDX-License-Identifier: MIT
#pragma once
// Finding what a path or a query names, with the errors that every route gives for what is not
// there.
#include <string_view>

#include "base/result.h"
#include "store/run_table.h"
#include "store/suite_table.h"

namespace baton::api {

/// The run of a path's {id}.  Errors: not_found; gone when it existed and was deleted.
Result<store::RunRow> find_run(store::Session& session, std::string_view id);

/// A declared suite by "namespace/name", or by "name" where that is unique.
/// Errors: not_found with the nearest name as advice, invalid (the name is not unique).
Result<store::SuiteRow> find_suite(store::Session& session, std::string_view name);

}  // namespace baton::api
