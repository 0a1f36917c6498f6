// SPDX-License-Identifier: MIT
#include "runner/proc.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>

#include "base/file.h"
#include "base/text.h"

namespace baton::runner {
namespace {

pid_t to_pid(std::string_view text) {
  pid_t pid = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), pid);
  return failure == std::errc{} && end == text.data() + text.size() ? pid : 0;
}

bool alive(pid_t pid) {
  ProcessInfo info;
  return process_info(pid, info) && info.state != 'Z';
}

}  // namespace

std::vector<pid_t> children_of_main_thread() {
  const pid_t self = ::getpid();
  const auto text = read_file(fmt::format("/proc/{}/task/{}/children", self, self));
  if (!text) return children_of(self);  // a kernel that does not list them by thread
  std::vector<pid_t> children;
  for (const std::string_view number : split(*text, ' ')) {
    if (const pid_t child = to_pid(number); child > 0) children.push_back(child);
  }
  return children;
}

bool process_info(pid_t pid, ProcessInfo& info) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid));
  if (!text) return false;
  // The name in parentheses may hold anything, parentheses too.
  const std::size_t close = text->rfind(')');
  if (close == std::string::npos) return false;
  const std::vector<std::string_view> fields =
      split(std::string_view(*text).substr(close + 2), ' ');
  if (fields.size() < 4) return false;
  info.state = fields[0].empty() ? '?' : fields[0][0];
  info.parent = to_pid(fields[1]);
  info.session = to_pid(fields[3]);
  return true;
}

bool signal_process(pid_t pid, int signal) { return alive(pid) && ::kill(pid, signal) == 0; }

int kill_descendants(const std::function<bool(pid_t)>& chosen, int rounds) {
  for (int round = 0;; ++round) {
    int left = 0;
    for (const pid_t child : children_of(::getpid())) {
      if (!chosen(child)) continue;
      // Parents first: a parent that is alive could start another child meanwhile.
      if (signal_process(child, SIGKILL)) ++left;
      for (const pid_t below : descendants_of(child))
        left += signal_process(below, SIGKILL) ? 1 : 0;
      int status = 0;
      ::waitpid(child, &status, WNOHANG);
    }
    if (left == 0 || round >= rounds) return left;
    ::usleep(1'000);
  }
}

}  // namespace baton::runner
