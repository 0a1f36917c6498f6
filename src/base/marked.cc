// SPDX-License-Identifier: MIT
#include "base/marked.h"

#include <dirent.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <set>

#include "base/file.h"
#include "base/text.h"

namespace baton {
namespace {

// One that the kernel cannot end yet is looked at no longer than this many milliseconds.
constexpr int kLookRounds = 1'000;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

std::vector<pid_t> process_numbers_in(const std::string& folder) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(folder.c_str()));
  if (!directory) return numbers;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (bad == std::errc{} && end == name.data() + name.size() && number > 0)
      numbers.push_back(number);
  }
  return numbers;
}

std::string initial_variable(pid_t pid, std::string_view name) {
  const auto text = read_file(fmt::format("/proc/{}/environ", pid));
  if (!text) return {};
  for (const std::string_view variable : split(*text, '\0')) {
    if (variable.size() > name.size() && variable.starts_with(name) &&
        variable[name.size()] == '=') {
      return std::string(variable.substr(name.size() + 1));
    }
  }
  return {};
}

int kill_marked(std::string_view name, std::string_view prefix) {
  std::set<pid_t> killed;
  // A process may fork between the look and the signal: look again until nothing is found. What is
  // dead has no environment any more.
  for (int round = 0; round < kLookRounds; ++round) {
    bool found = false;
    for (const pid_t pid : process_numbers_in("/proc")) {
      if (pid == ::getpid()) continue;
      const std::string value = initial_variable(pid, name);
      if (value.empty() || !value.starts_with(prefix) || ::kill(pid, SIGKILL) != 0) continue;
      found = true;
      killed.insert(pid);
    }
    if (!found) break;
    ::poll(nullptr, 0, 1);
  }
  return static_cast<int>(killed.size());
}

}  // namespace baton
