// SPDX-License-Identifier: MIT
#pragma once
// Lists longer than a page.
#include <boost/json/array.hpp>
#include <string>
#include <vector>

#include "cli/output.h"
#include "client/api_client.h"

namespace baton::cli {

/// Every item of the list at `path`, page by page. `query`: "verdict=failed", may be empty.
Result<boost::json::array> all_items(client::ApiClient& api, const std::string& path,
                                     const std::string& query = "");

/// --limit and --cursor of the verbs that print one page.
std::vector<Flag> page_flags();
/// Prints one page of the list at `path` as --limit and --cursor say.  Result: the exit code.
int print_page(const Invocation& invocation, std::string_view what, const std::string& path,
               const std::vector<Column>& columns);

}  // namespace baton::cli
