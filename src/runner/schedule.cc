// SPDX-License-Identifier: MIT
#include "runner/schedule.h"

#include <algorithm>

namespace baton::runner {
namespace {

constexpr Duration kBackOffMax{60'000};

}  // namespace

Schedule::Schedule(int max_attempts, Duration back_off)
    : max_attempts_(max_attempts), back_off_(back_off) {}

std::size_t Schedule::add(model::Case item, const wire::CaseProgress* progress) {
  const auto [known, fresh] = by_name_.emplace(item.name, entries_.size());
  if (!fresh) return known->second;
  const std::size_t index = entries_.size();
  entries_.push_back({std::move(item), progress == nullptr ? 0 : progress->counted});
  if (progress == nullptr) {
    first_.push_back({index, 1});
  } else if (!progress->finished) {
    first_.push_back({index, progress->attempts + 1});
  }
  return index;
}

std::size_t Schedule::add_running(model::Case item) {
  by_name_.emplace(item.name, entries_.size());
  entries_.push_back({std::move(item), 0});
  return entries_.size() - 1;
}

std::optional<std::size_t> Schedule::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

std::optional<Turn> Schedule::take(Instant now) {
  if (!first_.empty()) {
    const Turn turn = first_.front();
    first_.pop_front();
    return turn;
  }
  if (retries_.empty() || retries_.begin()->first > now) return std::nullopt;
  const Turn turn = retries_.begin()->second;
  retries_.erase(retries_.begin());
  return turn;
}

std::optional<Instant> Schedule::next_ready() const {
  if (!first_.empty() || retries_.empty()) return std::nullopt;
  return retries_.begin()->first;
}

void Schedule::give_back(const Turn& turn) { first_.push_front(turn); }

Duration Schedule::back_off_before(int counted) const {
  Duration wait = back_off_;
  for (int i = 1; i < counted && wait < kBackOffMax; ++i) wait *= 2;
  return std::min(wait, kBackOffMax);
}

bool Schedule::ended(const Turn& turn, model::Outcome outcome, Instant now) {
  Entry& entry = entries_[turn.index];
  ++entry.counted;
  const bool bad = outcome == model::Outcome::failed || outcome == model::Outcome::errored ||
                   outcome == model::Outcome::timed_out;
  if (!bad || entry.counted >= entry.item.max_attempts.value_or(max_attempts_)) return true;
  retries_.emplace(now + back_off_before(entry.counted), Turn{turn.index, turn.attempt + 1});
  return false;
}

void Schedule::interrupted(const Turn& turn, Instant now) {
  retries_.emplace(now, Turn{turn.index, turn.attempt + 1});
}

}  // namespace baton::runner
