// SPDX-License-Identifier: MIT
#pragma once
// Beats: when a holder or a waiter was last heard of. They are many and worth little each, so they
// are kept in memory only: a renewal costs no disk write, and works while the disk is full. After a
// restart nobody has been heard of, and everybody gets his full time again (recover_leases). Writer
// thread only. What an operation notes here stays when it is rolled back: that can only make a
// lease live longer than it had to.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/time.h"

namespace baton::engine {

class Beats {
 public:
  struct Beat {
    TimePoint until;         // on the clock of Now::at: alive at least so long
    std::int64_t fence = 0;  // that the caller has seen; 0 while it waits
  };
  /// Never shortens.
  void note(const std::string& lease, TimePoint until, std::int64_t fence, TimePoint now) {
    Beat& beat = beats_[lease];
    if (beat.fence != fence || until > beat.until) beat.until = until;
    beat.fence = fence;
    if (beats_.size() >= sweep_at_) sweep(now);
  }
  /// Nothing heard: {} with fence 0.
  Beat of(const std::string& lease) const {
    const auto found = beats_.find(lease);
    return found == beats_.end() ? Beat{} : found->second;
  }
  std::size_t size() const { return beats_.size(); }

 private:
  // A beat that is long over says nothing that the deadline in the database does not.
  static constexpr Duration kForgetAfter = std::chrono::hours{24};
  static constexpr std::size_t kSweepMin = 1'024;

  void sweep(TimePoint now) {
    std::erase_if(beats_,
                  [&](const auto& entry) { return entry.second.until + kForgetAfter < now; });
    sweep_at_ = std::max(kSweepMin, beats_.size() * 2);
  }

  std::unordered_map<std::string, Beat> beats_;
  std::size_t sweep_at_ = kSweepMin;
};

}  // namespace baton::engine
