// SPDX-License-Identifier: MIT
#include "suite/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

namespace baton::suite {
namespace {

using Clock = std::chrono::steady_clock;

// A tree that grows faster than it can be listed is killed in rounds; more rounds do not help.
constexpr int kFreezeRounds = 50;

std::string read_small_file(const char* path) {
  std::string content;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return content;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
    content.append(buffer, static_cast<std::size_t>(n));
  ::close(fd);
  return content;
}

void append_numbers(std::string_view text, std::vector<pid_t>& out) {
  while (!text.empty()) {
    pid_t pid = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (read.ec == std::errc{}) out.push_back(pid);
    const std::size_t used = static_cast<std::size_t>(read.ptr - text.data());
    text.remove_prefix(used == 0 ? 1 : used);
  }
}

template <class F>
void for_each_number(const char* folder, F f) {
  DIR* const dir = ::opendir(folder);
  if (!dir) return;
  while (const dirent* const entry = ::readdir(dir)) {
    const long number = std::strtol(entry->d_name, nullptr, 10);
    if (number > 0) f(static_cast<pid_t>(number));
  }
  ::closedir(dir);
}

// Kernels without CONFIG_PROC_CHILDREN: every process says who its parent is.
void children_by_stat(pid_t parent, std::vector<pid_t>& out) {
  for_each_number("/proc", [&](pid_t pid) {
    const std::string stat = read_small_file(fmt::format("/proc/{}/stat", pid).c_str());
    const std::size_t name_end = stat.rfind(')');
    // "… (name) S 123 …"
    if (name_end == std::string::npos || name_end + 4 > stat.size()) return;
    if (std::atoi(stat.c_str() + name_end + 4) == parent) out.push_back(pid);
  });
}

bool has_children_files() {
  static const bool has = ::access("/proc/thread-self/children", R_OK) == 0;
  return has;
}

// Collects what is dead already; true when `pid` was.
bool reap(pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG | __WALL) == pid; }

}  // namespace

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  if (!has_children_files()) {
    children_by_stat(parent, found);
    return found;
  }
  // Children are listed by the thread that made them.
  for_each_number(fmt::format("/proc/{}/task", parent).c_str(), [&](pid_t thread) {
    append_numbers(
        read_small_file(fmt::format("/proc/{}/task/{}/children", parent, thread).c_str()), found);
  });
  return found;
}

std::vector<pid_t> descendants_of(pid_t root) {
  std::vector<pid_t> found = children_of(root);
  for (std::size_t i = 0; i < found.size(); ++i)
    for (const pid_t child : children_of(found[i])) found.push_back(child);
  return found;
}

void signal_tree(pid_t root, int signal) {
  for (const pid_t pid : descendants_of(root)) ::kill(pid, signal);
  ::kill(root, signal);
}

void kill_tree(pid_t root) {
  std::set<pid_t> frozen{root};
  ::kill(root, SIGSTOP);
  for (int round = 0; round < kFreezeRounds; ++round) {
    bool grown = false;
    for (const pid_t pid : descendants_of(root)) {
      if (!frozen.insert(pid).second) continue;
      ::kill(pid, SIGSTOP);
      grown = true;
    }
    if (!grown) break;
  }
  for (const pid_t pid : frozen) ::kill(pid, SIGKILL);
}

int kill_strangers(const std::set<pid_t>& known, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  std::set<pid_t> killed;
  for (;;) {
    bool any = false, dying = false;
    for (const pid_t pid : children_of(::getpid())) {
      if (known.contains(pid)) continue;
      any = true;
      if (reap(pid)) continue;
      if (killed.insert(pid).second) kill_tree(pid);
      dying = dying || !reap(pid);
    }
    // Killing one hands its children over to us: look again until nobody is left.
    if (!any || Clock::now() > deadline) return static_cast<int>(killed.size());
    if (dying) ::poll(nullptr, 0, 1);
  }
}

std::string describe_status(int wait_status) {
  if (!WIFSIGNALED(wait_status))
    return fmt::format("exited with code {}", WEXITSTATUS(wait_status));
  const char* const name = ::sigabbrev_np(WTERMSIG(wait_status));
  return fmt::format("killed by signal {}{}", WTERMSIG(wait_status),
                     name ? fmt::format(" (SIG{})", name) : "");
}

}  // namespace baton::suite
