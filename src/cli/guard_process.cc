// SPDX-License-Identifier: MIT
#include "cli/guard_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "cli/exec_guard.h"
#include "cli/guard_frames.h"
#include "runner/proc.h"

namespace baton::cli {
namespace {

using client::BootClock;
using client::BootTime;

// How often a tree that was asked to end is looked at, and one that even SIGKILL does not end.
constexpr int kLookAgainMs = 10;
// One round of killing; a process that sits in the kernel is killed in the next.
constexpr std::chrono::milliseconds kKillRound{200};

class Guard {
 public:
  explicit Guard(const GuardSetup& setup) : setup_(setup), socket_(setup.socket) {
    ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
    if (setup.on_terminal)
      ::setpgid(0, 0);
    else
      ::setsid();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::prctl(PR_SET_NAME, "baton-guard");
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    signals_.reset(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    timer_.reset(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  }

  [[noreturn]] void run() {
    for (;;) {
      if (launched_) check();
      arm();
      pollfd fds[3] = {{signals_.get(), POLLIN, 0},
                       {timer_.get(), POLLIN, 0},
                       {socket_ ? socket_.get() : -1, POLLIN, 0}};
      ::poll(fds, 3, term_sent_ ? kLookAgainMs : -1);
      drain();
      if (fds[2].revents != 0) hear();
    }
  }

 private:
  // Reads what only wakes.
  void drain() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) > 0) {
    }
    std::uint64_t times = 0;
    [[maybe_unused]] const ssize_t n = ::read(timer_.get(), &times, sizeof times);
  }

  void arm() {
    if (!launched_) return;
    const BootTime next = term_sent_ ? times_.kill : std::min(times_.term, times_.kill);
    // Zero would disarm it.
    const auto ms = std::max<std::int64_t>(1, next.time_since_epoch().count());
    itimerspec at{};
    at.it_value = {static_cast<time_t>(ms / 1'000), static_cast<long>(ms % 1'000) * 1'000'000};
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
  }

  // One look at the tree and at the clock.
  void check() {
    if (reap()) return finish();
    const BootTime now = BootClock::now();
    // What the command left behind must not go on using the environment either.
    if (root_gone_ && !term_sent_) end_within_grace(now);
    if (!term_sent_ && now >= std::min(times_.term, times_.kill)) {
      term_sent_ = true;
      ended_ = !root_gone_;
      if (now < times_.kill) signal_all(SIGTERM);
    }
    if (now >= times_.kill) {
      ended_ = ended_ || !root_gone_;
      suite::kill_strangers({}, kKillRound);
      if (!root_gone_) status_ = SIGKILL;  // it was reaped just now
      root_gone_ = true;
    }
  }

  // True when nothing is left of the tree: everything that is orphaned becomes our child.
  bool reap() {
    int status = 0;
    for (;;) {
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid == 0) return false;
      if (pid < 0) return errno == ECHILD;
      if (pid != root_) continue;
      root_gone_ = true;
      status_ = status;
    }
  }

  void end_within_grace(BootTime now) {
    times_.term = now;
    times_.kill = std::min(times_.kill, now + grace_);
  }

  static void signal_all(int signal) {
    for (const pid_t pid : runner::descendants_of(::getpid())) ::kill(pid, signal);
  }

  void hear() {
    const auto frame = receive_frame(socket_.get());
    if (!frame) {
      socket_.reset();
      if (!launched_) ::_exit(0);
      if (!term_sent_) end_within_grace(BootClock::now());
      return;
    }
    if (frame->type == 'L') return launch(*frame);
    if (frame->type == 'S') return forward(static_cast<int>(frame->number(0)));
    if (frame->type == 'T') return change_times(*frame);
  }

  void forward(int signal) const {
    if (!launched_ || root_gone_) return;
    ::kill(setup_.on_terminal ? root_ : -root_, signal);
  }

  // Once the end has begun it can only come sooner.
  void change_times(const Frame& frame) {
    const BootTime term{Duration{frame.number(0)}};
    const BootTime kill{Duration{frame.number(1)}};
    times_.kill = term_sent_ ? std::min(times_.kill, kill) : kill;
    if (!term_sent_) times_.term = term;
  }

  void launch(const Frame& frame) {
    times_ = {BootTime{Duration{frame.number(0)}}, BootTime{Duration{frame.number(1)}}};
    grace_ = Duration{frame.number(2)};
    std::size_t at = 3;
    std::vector<std::string> argv = list(frame, at);
    const auto variables = pairs(frame, at);
    farewell_ = list(frame, at);
    farewell_variables_ = pairs(frame, at);
    // `lock exec` was stopped between the grant and here: it is too late to begin.
    if (BootClock::now() >= std::min(times_.term, times_.kill)) {
      send_frame(socket_.get(), 'E', {"0", "1"});
      ::_exit(0);
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_launch(errno);
    Fd in{ends[0]};
    Fd out{ends[1]};
    root_ = ::fork();
    if (root_ < 0) return fail_launch(errno);
    if (root_ == 0) become(argv, variables, out.get());
    out.reset();
    int failure = 0;
    while (::read(in.get(), &failure, sizeof failure) < 0 && errno == EINTR) {
    }
    if (failure != 0) return fail_launch(failure);
    launched_ = true;
    // Whoever reads the command's output to its end waits for the command, not for us.
    if (const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0) {
      for (const int fd : {0, 1, 2}) ::dup2(null, fd);
      ::close(null);
    }
    send_frame(socket_.get(), 'P', {std::to_string(root_)});
  }

  [[noreturn]] void fail_launch(int failure) {
    send_frame(socket_.get(), 'F', {std::to_string(failure)});
    ::_exit(0);
  }

  [[noreturn]] void become(const std::vector<std::string>& words,
                           const std::map<std::string, std::string>& variables, int failures) {
    const pid_t guard = ::getppid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != guard || guard == 1) ::_exit(127);
    if (setup_.on_terminal)
      ::setpgid(0, setup_.front_group);
    else
      ::setsid();
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    const int failure = errno;
    [[maybe_unused]] const ssize_t n = ::write(failures, &failure, sizeof failure);
    ::_exit(127);
  }

  // Nothing is alive. With nobody to tell, the lease is given back from here.
  [[noreturn]] void finish() {
    if (socket_) {
      send_frame(socket_.get(), 'E', {std::to_string(status_), ended_ ? "1" : "0"});
      ::_exit(0);
    }
    if (farewell_.empty()) ::_exit(0);
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
    for (const auto& [name, value] : farewell_variables_) ::setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> argv;
    for (std::string& word : farewell_) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(1);
  }

  static std::vector<std::string> list(const Frame& frame, std::size_t& at) {
    const auto count = static_cast<std::size_t>(frame.number(at++));
    std::vector<std::string> found;
    for (std::size_t i = 0; i < count && at < frame.words.size(); ++i)
      found.push_back(frame.words[at++]);
    return found;
  }
  static std::map<std::string, std::string> pairs(const Frame& frame, std::size_t& at) {
    const auto count = static_cast<std::size_t>(frame.number(at++));
    std::map<std::string, std::string> found;
    for (std::size_t i = 0; i < count && at + 1 < frame.words.size(); ++i, at += 2)
      found[frame.words[at]] = frame.words[at + 1];
    return found;
  }

  const GuardSetup setup_;
  Fd socket_;
  Fd signals_;
  Fd timer_;
  sigset_t mask_{};  // the command's
  KillTimes times_{};
  Duration grace_{0};
  std::vector<std::string> farewell_;
  std::map<std::string, std::string> farewell_variables_;
  pid_t root_ = 0;
  int status_ = 0;
  bool launched_ = false;
  bool root_gone_ = false;
  bool term_sent_ = false;
  bool ended_ = false;
};

}  // namespace

void guard_process(const GuardSetup& setup) { Guard{setup}.run(); }

}  // namespace baton::cli
