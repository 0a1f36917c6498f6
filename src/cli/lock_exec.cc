// SPDX-License-Identifier: MIT
#include "cli/lock_exec.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <cstring>

#include "cli/connection.h"
#include "cli/lock_request.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "client/lease_keep.h"

namespace baton::cli {
namespace {

constexpr Duration kGrace{5'000};
// SIGKILL takes effect within it on a busy machine; of short times a part.
constexpr Duration kMarginMin{150};
constexpr Duration kMarginMax{1'500};
constexpr Duration kReleasePatience{10'000};
// A lease whose time is nearly over ends without a word, too.
constexpr Duration kLatePatience{2'000};
// As shells answer for a command that cannot be run, and for one that does not exist.
constexpr int kNotExecutable = 126;
constexpr int kNoCommand = 127;

// What a CI system, a shell or a terminal sends to whom it started.
constexpr int kForwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

sigset_t forwarded_set() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : kForwarded) ::sigaddset(&set, signal);
  return set;
}

struct Options {
  LockRequest request;
  Duration grace = kGrace;
  std::string outcome;
  bool dirty_on_failure = false;
};

Result<Options> options_of(const Invocation& invocation) {
  if (invocation.rest.empty())
    return fail_with_fix(Code::invalid, "baton lock exec ENV -- CMD…",
                         "no command stands after --");
  Options options;
  BATON_TRY(request, lock_request(invocation));
  options.request = std::move(request);
  if (const std::string text = invocation.value("--kill-grace"); !text.empty()) {
    BATON_TRY(grace, parse_duration(text));
    options.grace = grace;
  }
  options.outcome = invocation.value("--outcome", "clean");
  if (options.outcome != "clean" && options.outcome != "dirty" && options.outcome != "broken")
    return fail_with_fix(Code::invalid, "--outcome dirty",
                         "--outcome \"{}\" is not clean, dirty or broken", options.outcome);
  options.dirty_on_failure = invocation.has("--dirty-on-failure");
  return options;
}

bool in_foreground() { return ::isatty(0) == 1 && ::tcgetpgrp(0) == ::getpgrp(); }

// One command under one lease.
class Execution {
 public:
  Execution(Target target, Options options, ExecGuard guard)
      : target_(std::move(target)), options_(std::move(options)), guard_(std::move(guard)) {}

  int run(const client::HeldLease& lease, const std::vector<std::string>& command) {
    lease_ = lease;
    say(harmless(fmt::format("{} is held as {}, fence {}", grants_of(lease.document), lease.id,
                             lease.fence)));
    const sigset_t set = forwarded_set();
    const Fd signals{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
    guard_.launch(guarded(command));
    GuardReport report;
    {
      const client::LeaseKeeper keeper{target_.endpoint(), lease, events()};
      report = watch(signals.get());
    }
    return end(report, command[0]);
  }

 private:
  GuardedCommand guarded(const std::vector<std::string>& command) const {
    GuardedCommand guarded;
    guarded.argv = command;
    guarded.variables = lease_variables(lease_.document);
    guarded.times = kill_times(lease_, options_.grace);
    guarded.grace = options_.grace;
    guarded.farewell = {"baton",     "lock",
                        "release",   lease_.id,
                        "--fence",   std::to_string(lease_.fence),
                        "--outcome", "dirty",
                        "--note",    "lock exec was killed; its command was ended"};
    guarded.farewell_variables = {{"BATON_URL", target_.url.value},
                                  {"BATON_TOKEN", target_.token.value}};
    return guarded;
  }

  client::LeaseKeeper::Events events() {
    client::LeaseKeeper::Events events;
    events.on_renewed = [this](const client::HeldLease& lease) {
      guard_.set_times(kill_times(lease, options_.grace));
      if (troubled_.exchange(false)) say("the lease is renewed again");
    };
    events.on_trouble = [this](const Error& error) {
      if (!troubled_.exchange(true))
        say(harmless(fmt::format("the lease cannot be renewed: {}; trying until its time is over",
                                 error.message)));
    };
    events.on_lost = [this](const client::LostLease& lost) {
      if (lost_.exchange(true)) return;
      // Handed on by the command or its friends: it may come to its end by itself, but soon.
      const bool handed_on = lost.state == "transferred";
      const client::BootTime now = client::BootClock::now();
      handed_on_ = handed_on;
      guard_.set_times(handed_on ? KillTimes{now + options_.grace, now + options_.grace}
                                 : KillTimes{now, now});
      say(harmless(lost.why));
    };
    return events;
  }

  GuardReport watch(int signals) {
    for (;;) {
      pollfd fds[2] = {{signals, POLLIN, 0}, {guard_.fd(), POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0) continue;
      if (fds[0].revents != 0) forward(signals);
      if (fds[1].revents == 0) continue;
      if (const auto report = guard_.read()) return *report;
    }
  }

  void forward(int signals) {
    signalfd_siginfo info{};
    while (::read(signals, &info, sizeof info) == sizeof info) {
      // In the terminal's foreground the command got it from the terminal, as we did.
      const bool from_terminal = on_terminal_ && info.ssi_code == SI_KERNEL;
      if (!from_terminal) guard_.forward(static_cast<int>(info.ssi_signo));
    }
  }

  int end(const GuardReport& report, const std::string& program) {
    if (report.lost) {
      release("dirty", "the guard of lock exec was killed");
      say("baton: lock exec: the process that watches over the command was killed\n"
          "fix: see who ends processes named baton-guard; the environment is left dirty");
      return kError;
    }
    if (!report.launched) {
      release("clean", "");
      say(fmt::format("baton: lock exec: {}: {}\nfix: check the command after --",
                      harmless(program), std::strerror(report.error)));
      return report.error == ENOENT ? kNoCommand : kNotExecutable;
    }
    const bool by_signal = WIFSIGNALED(report.status);
    const int code = by_signal ? 128 + WTERMSIG(report.status) : WEXITSTATUS(report.status);
    if (lost_ && !(handed_on_ && !report.ended)) return tell_lost();
    if (report.ended) {
      release("dirty", "its time was over; the command was killed", kLatePatience);
      return tell_over();
    }
    if (lost_) return code;
    const bool dirty = by_signal || (options_.dirty_on_failure && code != 0);
    release(dirty && options_.outcome == "clean" ? "dirty" : options_.outcome,
            fmt::format("{} {}", by_signal ? "killed by signal" : "exit code",
                        by_signal ? WTERMSIG(report.status) : code));
    return code;
  }

  void release(const std::string& outcome, const std::string& note,
               Duration patience = kReleasePatience) const {
    const auto done = client::release_lease(target_.endpoint(), lease_.id,
                                            {lease_.fence, outcome, note}, patience);
    if (!done)
      say(harmless(fmt::format("the lease {} could not be given back: {}; it ends by itself",
                               lease_.id, done.error().message)));
  }

  int tell_lost() const {
    say(
        fmt::format("baton: lock exec: the lease {} is lost, and the command was killed\n"
                    "fix: ask for it again, and see above who took it",
                    lease_.id));
    return kLeaseLost;
  }
  int tell_over() const {
    say(
        fmt::format("baton: lock exec: the lease {} was not renewed in time, and the command was "
                    "killed before another could hold {}\n"
                    "fix: see whether this process was stopped or the network away; a longer --ttl "
                    "outlasts longer gaps",
                    lease_.id, options_.request.what));
    return kLeaseLost;
  }

  const Target target_;
  const Options options_;
  ExecGuard guard_;
  const bool on_terminal_ = in_foreground();
  client::HeldLease lease_;
  std::atomic<bool> troubled_{false};
  std::atomic<bool> lost_{false};
  std::atomic<bool> handed_on_{false};
};

}  // namespace

KillTimes kill_times(const client::HeldLease& lease, Duration grace) {
  const Duration margin = std::clamp(lease.left / 8, kMarginMin, kMarginMax);
  const client::BootTime kill = lease.until() - std::min(margin, lease.left);
  return {kill - std::min(grace, lease.left / 5), kill};
}

int lock_exec(Host&, const Invocation& invocation) {
  auto options = options_of(invocation);
  if (!options) return report("lock exec", options.error()), kUsage;
  auto target = find_target(invocation);
  if (!target) return report("lock exec", target.error());
  auto guard = ExecGuard::start(in_foreground());
  if (!guard) return report("lock exec", guard.error());
  // Before the first thread, and after the guard has the mask for the command.
  const sigset_t set = forwarded_set();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const LockRequest request = options->request;
  std::optional<client::HeldLease> held;
  int code = kError;
  {
    Signals signals;
    held = wait_for_lock(target->endpoint(), request, signals.token(), code);
    if (signals.received() != 0) {
      if (held)
        static_cast<void>(client::release_lease(target->endpoint(), held->id,
                                                {held->fence, "clean", ""}, kReleasePatience));
      return signals.exit_code(code);
    }
  }
  if (!held) return code;
  return Execution{*std::move(target), *std::move(options), *std::move(guard)}.run(*held,
                                                                                   invocation.rest);
}

}  // namespace baton::cli
