// SPDX-License-Identifier: MIT
#pragma once
// The clock by which a holder knows how long its lease is good: it never goes back, nobody can set
// it, and it counts on while the machine sleeps, as the server's time does. Linux only.
#include <ctime>

#include "base/time.h"

namespace baton::client {

struct BootClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return time_point{Duration{time.tv_sec * 1'000 + time.tv_nsec / 1'000'000}};
  }
};
using BootTime = BootClock::time_point;

}  // namespace baton::client
