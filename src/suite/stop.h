// SPDX-License-Identifier: MIT
#pragma once
// The request to stop that SIGTERM brings: one word per process, set in the signal handler, waited
// on by poll() and by the thread behind a std::stop_token.
#include <cstdint>

namespace baton::suite {

/// SIGTERM requests the stop from now on. Blocking calls of the test return EINTR.
void install_stop_handler();
bool stop_requested();
/// For the tests of this room.
void reset_stop();
/// How many threads of this process are the library's own: the watcher behind a std::stop_token.
int own_threads();
void add_own_thread();
/// Waits until the stop is requested (true) or `ns` are over; negative waits for ever.
bool wait_for_stop(std::int64_t ns);

}  // namespace baton::suite
