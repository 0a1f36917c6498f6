// SPDX-License-Identifier: MIT
#include "cli/exec_guard.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "cli/guard_frames.h"
#include "cli/guard_process.h"
#include "runner/proc.h"

namespace baton::cli {
namespace {

constexpr std::chrono::seconds kKillPatience{30};

std::string text_of(client::BootTime time) {
  return std::to_string(time.time_since_epoch().count());
}

void add_pairs(std::vector<std::string>& words, const std::map<std::string, std::string>& pairs) {
  words.push_back(std::to_string(pairs.size()));
  for (const auto& [name, value] : pairs) {
    words.push_back(name);
    words.push_back(value);
  }
}

void add_list(std::vector<std::string>& words, const std::vector<std::string>& list) {
  words.push_back(std::to_string(list.size()));
  words.insert(words.end(), list.begin(), list.end());
}

}  // namespace

Result<ExecGuard> ExecGuard::start(bool on_terminal) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return tl::unexpected(errno_error("socketpair", errno));
  Fd mine{ends[0]};
  Fd its{ends[1]};
  // Should the guard be killed, what it watched over becomes ours.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  GuardSetup setup;
  setup.socket = its.get();
  setup.on_terminal = on_terminal;
  setup.front_group = ::getpgrp();
  const pid_t pid = ::fork();
  if (pid < 0) return tl::unexpected(errno_error("start a process", errno));
  if (pid == 0) {
    mine.reset();
    guard_process(setup);
  }
  return ExecGuard{std::move(mine)};
}

void ExecGuard::launch(const GuardedCommand& command) {
  std::vector<std::string> words{text_of(command.times.term), text_of(command.times.kill),
                                 std::to_string(command.grace.count())};
  add_list(words, command.argv);
  add_pairs(words, command.variables);
  add_list(words, command.farewell);
  add_pairs(words, command.farewell_variables);
  send('L', words);
}

void ExecGuard::set_times(const KillTimes& times) {
  send('T', {text_of(times.term), text_of(times.kill)});
}

void ExecGuard::forward(int signal) { send('S', {std::to_string(signal)}); }

void ExecGuard::send(char type, const std::vector<std::string>& words) {
  const std::lock_guard lock(*sending_);
  // A guard that is gone is noticed by the reader.
  static_cast<void>(send_frame(socket_.get(), type, words));
}

std::optional<GuardReport> ExecGuard::read() {
  const auto frame = receive_frame(socket_.get());
  GuardReport report;
  if (!frame) {
    suite::kill_strangers({}, kKillPatience);
    report.lost = true;
    return report;
  }
  if (frame->type == 'F') {
    report.error = static_cast<int>(frame->number(0));
    return report;
  }
  if (frame->type != 'E') return std::nullopt;
  report.launched = true;
  report.status = static_cast<int>(frame->number(0));
  report.ended = frame->number(1) != 0;
  return report;
}

}  // namespace baton::cli
