// SPDX-License-Identifier: MIT
#pragma once
// The feed wakes the readers of the journal: it carries only "the journal has reached seq".
// Readers keep a cursor of their own and read the rows from a snapshot. Any thread.
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/ids.h"

namespace baton::engine {

class Feed {
 public:
  using Subscription = std::uint64_t;
  /// `wake` is called on the writer thread after each commit that appended events whose kind begins
  /// with `kinds_prefix`, or that may have. It must not block and must not call back into the feed.
  Subscription subscribe(std::function<void(Seq)> wake, std::string kinds_prefix = "");
  /// After it returns `wake` is not called any more.
  void unsubscribe(Subscription subscription);

  /// kinds: of the new events; when that is not known everybody is woken.
  void publish(Seq last, const std::optional<std::set<std::string>>& kinds = {});
  Seq last() const;

 private:
  mutable std::mutex mutex_;
  Seq last_ = 0;
  Subscription next_ = 1;
  struct Reader {
    std::function<void(Seq)> wake;
    std::string prefix;
  };
  std::map<Subscription, Reader> readers_;
};

}  // namespace baton::engine
