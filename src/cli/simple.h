// SPDX-License-Identifier: MIT
#pragma once
// The three shapes most verbs have: get and print, post and print, delete.
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"
#include "cli/verb.h"

namespace baton::cli {

/// `what` names the verb in error messages.  Result: the exit code.
int get_and_print(const Invocation& invocation, std::string_view what, const std::string& path,
                  const std::vector<Column>& columns);
int get_and_print_object(const Invocation& invocation, std::string_view what,
                         const std::string& path, const std::vector<Column>& columns);
int send_and_print(const Invocation& invocation, std::string_view what, const std::string& method,
                   const std::string& path, boost::json::value body,
                   const std::vector<Column>& columns);
inline int post_and_print(const Invocation& invocation, std::string_view what,
                          const std::string& path, boost::json::value body,
                          const std::vector<Column>& columns) {
  return send_and_print(invocation, what, "POST", path, std::move(body), columns);
}
/// The run that the first argument names.  Errors: invalid.
Result<std::int64_t> run_argument(const Invocation& invocation);
/// A flag that counts: nothing when it is not given.  Errors: invalid (no number from 1).
Result<std::optional<std::int64_t>> number_of(const Invocation& invocation, std::string_view flag);
/// "k=v" pairs of a repeated flag as an object.  Errors: invalid.
Result<boost::json::object> pairs_of(const Invocation& invocation, std::string_view flag);
int delete_path(const Invocation& invocation, std::string_view what, const std::string& path);

}  // namespace baton::cli
