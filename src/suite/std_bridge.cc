// SPDX-License-Identifier: MIT
#include <baton/std.h>

#include <mutex>
#include <thread>

#include "suite/stop.h"

namespace baton::detail {

std::stop_token std_stop_token() {
  static std::mutex mutex;
  static auto* const source = new std::stop_source();  // never destroyed: the watcher uses it
  static std::thread* watcher = nullptr;
  const std::lock_guard lock(mutex);
  // Stop callbacks take locks, so they run on a thread and not in the signal handler. It is made on
  // first use: most tests stay single-threaded, and processes forked from a setup have none.
  if (!watcher) {
    watcher = new std::thread([] {  // never joined: it waits until the process ends
      suite::wait_for_stop(-1);
      source->request_stop();
    });
  }
  return source->get_token();
}

}  // namespace baton::detail
