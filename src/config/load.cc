// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "config/check.h"
#include "config/config.h"
#include "config/read.h"

extern char** environ;

namespace baton::config {
namespace {

std::string current_folder() {
  std::error_code error;
  const auto path = std::filesystem::current_path(error);
  return error ? "/" : path.string();
}

Folders folders_of(const std::string& path) {
  Folders folders;
  folders.process = current_folder();
  folders.file = path.empty() ? folders.process
                              : (std::filesystem::path(folders.process) / path)
                                    .lexically_normal()
                                    .parent_path()
                                    .string();
  return folders;
}

// The file as a tree. An empty map stands for a file that is missing or malformed.
Node read_tree(const std::string& path, std::vector<Problem>& problems) {
  Node empty;
  empty.type = Node::Type::map;
  empty.place.source = path;
  if (path.empty()) return empty;
  const auto text = read_file(path, kConfigBytesMax);
  if (!text) {
    problems.push_back({path, "", text.error().message, "name another file with --config"});
    return empty;
  }
  auto tree = parse_yaml(*text, path);
  if (tree) return *std::move(tree);
  problems.push_back({"", "", tree.error().message,
                      tree.error().fix.empty() ? "correct the YAML there" : tree.error().fix});
  return empty;
}

// Problems in the order of the file, then those of variables and flags.
void sort_problems(std::vector<Problem>& problems) {
  const auto number = [](const Problem& problem) {
    const auto parts = split(problem.origin, ':');
    const auto at = [&](std::size_t i) {
      return parts.size() < 3 ? 0 : std::atoi(std::string(parts[parts.size() - i]).c_str());
    };
    return std::pair(at(2), at(1));
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const Problem& a, const Problem& b) { return number(a) < number(b); });
}

}  // namespace

std::string to_text(const Problem& problem) {
  std::string out = problem.origin;
  // "/suites/0/kind" reads better as suites[0].kind, but the pointer is what programs use too.
  if (!problem.path.empty()) out += (out.empty() ? "" : ": ") + problem.path;
  if (!out.empty()) out += ": ";
  out += problem.message;
  if (!problem.fix.empty()) out += "\nfix: " + problem.fix;
  return out;
}

Loaded load(const Sources& sources) {
  Loaded loaded;
  Node root = read_tree(sources.path, loaded.problems);
  merge_overrides(root, sources, loaded.problems);
  check(root, file_schema(), "", loaded.problems);
  loaded.config = read_config(root, folders_of(sources.path), loaded.problems);
  loaded.settings = settings_of(root);
  sort_problems(loaded.problems);
  return loaded;
}

Result<Config> load_config(const Sources& sources) {
  std::error_code ignored;
  if (!sources.path.empty() && !std::filesystem::exists(sources.path, ignored))
    return fail_with_fix(Code::not_found, "name another file with --config",
                         "the configuration {} does not exist", sources.path);
  Loaded loaded = load(sources);
  if (loaded.problems.empty()) return std::move(loaded.config);
  const Problem& first = loaded.problems.front();
  Problem headline = first;
  headline.fix.clear();
  Error error{Code::invalid, to_text(headline)};
  if (loaded.problems.size() > 1) {
    error.message += fmt::format(" (and {} more)", loaded.problems.size() - 1);
    error.fix = "`baton validate` lists them all";
  } else {
    error.fix = first.fix;
  }
  for (const Problem& problem : loaded.problems)
    error.details.push_back(
        {problem.path, (problem.origin.empty() ? "" : problem.origin + ": ") + problem.message});
  return tl::unexpected(std::move(error));
}

std::string find_file(const std::string& flag,
                      const std::map<std::string, std::string>& variables) {
  if (!flag.empty()) return flag;
  const auto found = variables.find("BATON_CONFIG");
  if (found != variables.end() && !found->second.empty()) return found->second;
  std::error_code ignored;
  return std::filesystem::exists("baton.yaml", ignored) ? "baton.yaml" : "";
}

std::map<std::string, std::string> process_variables() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace baton::config
