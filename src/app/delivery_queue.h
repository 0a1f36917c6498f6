// SPDX-License-Identifier: MIT
#pragma once
// What waits for one outside system, in order: verdicts, and what belongs to them, before the
// progress of gates that are open. Not safe for threads by itself.
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace baton::app {

class DeliveryQueue {
 public:
  /// Progress has so many of the calls at once at the most, so that a verdict finds one free.
  explicit DeliveryQueue(int progress_max) : progress_max_(progress_max) {}

  struct Item {
    std::string id;
    bool is_progress = false;
  };
  /// One that is known already waits in its place; what has become urgent, in a new one. What is
  /// under way comes once more.
  void add(const Item& item);
  /// What is to be brought next; nothing when there is none, or only progress beyond its share.
  std::optional<Item> take();
  /// It is over; once_more: it comes again.
  void done(const Item& item, bool once_more);

  bool has_next() const;
  /// How many wait.
  int size() const { return static_cast<int>(urgent_.size() + progress_.size()); }

 private:
  const int progress_max_;
  int progress_under_way_ = 0;
  std::deque<std::string> urgent_;    // bounded by the rows that they mirror
  std::deque<std::string> progress_;
  std::map<std::string, bool> waiting_;  // in one of them: whether in that of progress
  std::set<std::string> under_way_;
  std::map<std::string, bool> again_;  // under way, and due once more: whether that is progress
};

}  // namespace baton::app
