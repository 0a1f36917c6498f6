// SPDX-License-Identifier: MIT
#include "runner/run_context.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/text.h"

namespace baton::runner {

Result<std::string> RunContext::make_scratch() {
  if (!spare_scratch.empty()) {
    std::string made = std::move(spare_scratch.back());
    spare_scratch.pop_back();
    return made;
  }
  std::string made = name_scratch();
  BATON_TRY_VOID(make_directories(made));
  return made;
}

void RunContext::remove_scratch(const std::string& made) {
  // Most attempts need none: one call tells.
  if (made.empty() || ::access(made.c_str(), F_OK) != 0) return;
  std::error_code ignored;
  std::filesystem::remove_all(made, ignored);
}

void RunContext::empty_scratch(const std::string& made) {
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(made, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    std::filesystem::remove_all(at->path(), error);
    if (error) break;
  }
  if (error) return remove_scratch(made);
  spare_scratch.push_back(made);
}

void RunContext::say(std::string_view text) {
  suite_output.write(fmt::format("[baton: {}]\n", text));
}

std::string kept_message(std::string_view message) {
  if (message.size() <= wire::kMessageMax) return to_valid_utf8(message);
  return to_valid_utf8(message.substr(0, wire::kMessageMax)) + "…";
}

}  // namespace baton::runner
