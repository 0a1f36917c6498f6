// SPDX-License-Identifier: MIT
#include "runner/keeper.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/log.h"
#include "runner/proc.h"

namespace baton::runner {
namespace {

// In milliseconds; a process that SIGKILL does not end by then sits in the kernel.
constexpr int kKillRounds = 30'000;

// Reaps what has ended; true when the supervisor has.
bool reap(pid_t supervisor, int& status) {
  bool ended = false;
  int one = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &one, WNOHANG)) > 0;) {
    if (pid != supervisor) continue;
    status = one;
    ended = true;
  }
  return ended;
}

}  // namespace

int keep(const std::function<int()>& supervise) {
  // Own session: a signal to the server's terminal or group is not meant for us.
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&signals, signal);
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &signals, &before);
  ::signal(SIGHUP, SIG_IGN);
  const pid_t keeper = ::getpid();
  const pid_t supervisor = ::fork();
  if (supervisor < 0) {
    log::error("runner.fork", {{"error", "the system has no room for another process"}});
    return 1;
  }
  if (supervisor == 0) {
    // Without the keeper nobody would end the tests of a dead supervisor.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != keeper) ::_exit(1);
    const int code = supervise();
    std::fflush(nullptr);
    ::_exit(code);
  }
  ::prctl(PR_SET_NAME, "baton-keeper");
  int status = 0;
  for (bool ended = false; !ended;) {
    siginfo_t info{};
    const int signal = ::sigwaitinfo(&signals, &info);
    if (signal < 0 && errno == EINTR) continue;
    if (signal == SIGTERM || signal == SIGINT) ::kill(supervisor, SIGTERM);
    ended = reap(supervisor, status);
  }
  const int left = kill_descendants([](pid_t) { return true; }, kKillRounds);
  if (left > 0) log::error("runner.unkillable", {{"processes", left}});
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace baton::runner
