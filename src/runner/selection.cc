// SPDX-License-Identifier: MIT
#include "runner/selection.h"

#include <re2/re2.h>

#include <memory>
#include <set>

namespace baton::runner {

Result<std::function<bool(const std::string& name)>> make_selection(
    const model::RunRequest& request) {
  std::shared_ptr<const re2::RE2> filter;
  if (!request.filter.empty()) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    filter = std::make_shared<const re2::RE2>(request.filter, options);
    if (!filter->ok()) return fail(Code::invalid, "filter: {}", filter->error());
  }
  if (!filter && request.only.empty()) return std::function<bool(const std::string&)>{};
  return [filter, only = std::set<std::string>(request.only.begin(), request.only.end())](
             const std::string& name) {
    return (only.empty() || only.contains(name)) &&
           (!filter || re2::RE2::PartialMatch(name, *filter));
  };
}

}  // namespace baton::runner
