// SPDX-License-Identifier: MIT
#include "suite/stop.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <ctime>

namespace baton::suite {
namespace {

// A futex, as waking it is one system call that a signal handler may make.
std::atomic<std::uint32_t> stop_word{0};
std::atomic<int> library_threads{0};

long futex(int operation, std::uint32_t value, const timespec* timeout) {
  return ::syscall(SYS_futex, &stop_word, operation, value, timeout, nullptr, 0);
}

void on_sigterm(int) {
  const int saved = errno;
  stop_word.store(1);
  futex(FUTEX_WAKE_PRIVATE, INT_MAX, nullptr);
  errno = saved;
}

}  // namespace

void install_stop_handler() {
  struct sigaction action {};
  action.sa_handler = on_sigterm;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool stop_requested() { return stop_word.load() != 0; }
void reset_stop() { stop_word.store(0); }

int own_threads() { return library_threads.load(); }
void add_own_thread() { ++library_threads; }

bool wait_for_stop(std::int64_t ns) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(ns);
  while (!stop_requested()) {
    timespec left{};
    if (ns >= 0) {
      const auto rest = (deadline - std::chrono::steady_clock::now()).count();
      if (rest <= 0) return false;
      left = {.tv_sec = rest / 1'000'000'000, .tv_nsec = rest % 1'000'000'000};
    }
    futex(FUTEX_WAIT_PRIVATE, 0, ns >= 0 ? &left : nullptr);
  }
  return true;
}

}  // namespace baton::suite
