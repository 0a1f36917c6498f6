// SPDX-License-Identifier: MIT
#include "app/stop_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <ctime>
#include <thread>

#include "base/log.h"

namespace baton::app {

StopSignals::StopSignals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  sigemptyset(&set_);
  sigaddset(&set_, SIGTERM);
  sigaddset(&set_, SIGINT);
  // A blocked signal that is ignored would still reach sigwait().
  struct sigaction hangup {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&set_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
}

int StopSignals::wait(const std::function<bool()>& stopped) const {
  int number = 0;
  if (!stopped) {
    sigwait(&set_, &number);
  } else {
    const timespec pause{0, 200'000'000};
    while (number <= 0 && !stopped()) number = sigtimedwait(&set_, nullptr, &pause);
    if (number <= 0) return 0;
  }
  std::thread([set = set_] {
    int second = 0;
    sigwait(&set, &second);
    log::warn("serve.stopped_at_once", {{"signal", second}});
    ::_exit(128 + second);
  }).detach();
  return number;
}

}  // namespace baton::app
