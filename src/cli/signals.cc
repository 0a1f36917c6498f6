// SPDX-License-Identifier: MIT
#include "cli/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/file.h"

namespace baton::cli {

namespace {

sigset_t both() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

SignalsHeld::SignalsHeld() {
  const sigset_t set = both();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

SignalsHeld::~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

struct Signals::State {
  SignalsHeld held;
  Fd signals;
  Fd quit{::eventfd(0, EFD_CLOEXEC)};
  std::stop_source stop;
  std::atomic<int> received{0};
  std::thread thread;

  void watch() {
    for (;;) {
      pollfd fds[2] = {{signals.get(), POLLIN, 0}, {quit.get(), POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0) continue;
      if (fds[1].revents != 0) return;
      signalfd_siginfo info{};
      if (::read(signals.get(), &info, sizeof info) != sizeof info) continue;
      const int number = static_cast<int>(info.ssi_signo);
      if (received.exchange(number) != 0) ::_exit(128 + number);
      stop.request_stop();
    }
  }
};

Signals::Signals() : state_(std::make_unique<State>()) {
  const sigset_t set = both();
  state_->signals.reset(::signalfd(-1, &set, SFD_CLOEXEC));
  state_->thread = std::thread([state = state_.get()] { state->watch(); });
}

Signals::~Signals() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(state_->quit.get(), &one, sizeof one);
  state_->thread.join();
}

std::stop_token Signals::token() const { return state_->stop.get_token(); }
int Signals::received() const { return state_->received; }
int Signals::exit_code(int otherwise) const {
  return received() == 0 ? otherwise : 128 + received();
}

}  // namespace baton::cli
