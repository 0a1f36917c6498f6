// SPDX-License-Identifier: MIT
#include "config/reader.h"

#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace baton::config {

std::string absolute(const std::string& folder, const std::string& path) {
  auto whole = (std::filesystem::path(folder) / path).lexically_normal().string();
  if (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return whole;
}

void report(std::vector<Problem>& problems, const Node& node, std::string path, std::string message,
            std::string fix) {
  problems.push_back(
      Problem{node.place.text(), std::move(path), std::move(message), std::move(fix)});
}

Result<std::string> resolve_secret(const Node& node, const Folders& folders) {
  const auto& [kind, reference] = node.members.front();
  if (kind == "env") {
    const char* value = std::getenv(reference.scalar.c_str());
    if (value == nullptr || *value == '\0')
      return fail_with_fix(Code::invalid, "set it before the server starts",
                           "the variable {} is not set", reference.scalar);
    return std::string(value);
  }
  BATON_TRY(text, read_file(absolute(folders.file, reference.scalar), 64 << 10));
  return std::string(trim(text));
}

}  // namespace baton::config
