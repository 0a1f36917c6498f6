// SPDX-License-Identifier: MIT
#include <baton/std.h>

#include <unistd.h>

#include <mutex>
#include <thread>

#include "suite/stop.h"

namespace baton::detail {

std::stop_token std_stop_token() {
  struct Watch {
    pid_t process;
    std::stop_source source;
    std::thread* thread = nullptr;  // never joined: it waits until the process ends
  };
  // Stop callbacks take locks, so they run on a thread and not in the signal handler. It is made on
  // first use, as most tests stay single-threaded, and again in a process that was forked from one
  // that had it: threads are not inherited.
  static std::mutex mutex;
  static Watch* watch = nullptr;  // never destroyed: the watcher uses it
  const std::lock_guard lock(mutex);
  if (!watch || watch->process != ::getpid()) {
    watch = new Watch{::getpid(), {}};
    suite::add_own_thread();
    watch->thread = new std::thread([mine = watch] {
      suite::wait_for_stop(-1);
      mine->source.request_stop();
    });
  }
  return watch->source.get_token();
}

}  // namespace baton::detail
