// SPDX-License-Identifier: MIT
#include "model/booking.h"

#include <algorithm>

#include "model/lease.h"
#include "model/problems.h"
#include "model/recurrence.h"

namespace baton::model {
namespace {

constexpr TimePoint kEndOfTime = std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1};
// Enough to meet every distance that two occurrences of a usual rule can have.
constexpr int kGapsLookedAt = 500;

Window window_from(const Booking& booking, TimePoint from) {
  return {from, from + (booking.to - booking.from), booking.kind, booking.owner, booking.id};
}

// The windows in order, from the first that is not over at `after`.
class Windows {
 public:
  Windows(const Booking& booking, Recurrence rule, TimePoint after)
      : booking_(booking),
        starts_(std::move(rule), booking.from,
                after - (booking.to - booking.from) + Duration{1}) {}
  std::optional<Window> next() {
    const auto start = starts_.next();
    return start ? std::optional{window_from(booking_, *start)} : std::nullopt;
  }

 private:
  const Booking& booking_;
  Starts starts_;
};

void check_rule(Problems& problems, const Booking& booking) {
  auto rule = Recurrence::parse(booking.rrule);
  if (!rule) return problems.add("/rrule", rule.error().message);
  Starts starts(*std::move(rule), booking.from, booking.from);
  auto last = starts.next();
  if (!last) return problems.add("/rrule", "never occurs after the booking's begin");
  std::optional<Duration> gap;
  for (int i = 0; i < kGapsLookedAt; ++i) {
    const auto next = starts.next();
    if (!next) break;
    gap = std::min(gap.value_or(*next - *last), *next - *last);
    last = next;
  }
  const Duration length = booking.to - booking.from;
  if (gap && length > *gap)
    problems.add("/to", fmt::format("makes the booking {} long, but it comes again after {}",
                                    describe_duration(length), describe_duration(*gap)));
}

}  // namespace

Result<void> check_booking(const Booking& booking) {
  Problems problems;
  if (booking.environment.empty() == booking.labels.empty())
    problems.add("/environment", "exactly one of environment and labels is needed");
  else if (!booking.environment.empty())
    problems.take("/environment", check_environment_name(booking.environment));
  problems.labels("/labels", booking.labels);
  const auto in_range = [&](std::string at, TimePoint time) {
    const bool is = time >= TimePoint{} && time < kEndOfTime;
    if (!is) problems.add(std::move(at), "must be in the years 1970 to 9999");
    return is;
  };
  const bool from_ok = in_range("/from", booking.from);
  const bool to_ok = in_range("/to", booking.to);
  if (from_ok && to_ok && booking.to <= booking.from)
    problems.add("/to", "is not later than `from`");
  else if (from_ok && to_ok)
    check_rule(problems, booking);
  if (booking.kind == BookingKind::booking && booking.owner.empty())
    problems.add("/owner", "is needed: the holder whose leases are let through");
  problems.line("/owner", booking.owner);
  if (booking.note.size() > kDescriptionMax || !is_valid_utf8(booking.note))
    problems.add("/note", "must be UTF-8 text of at most 64 KiB");
  return std::move(problems).finish("the booking");
}

Result<std::vector<Window>> occurrences(const Booking& booking, TimePoint from, TimePoint to,
                                        int limit) {
  BATON_TRY(rule, Recurrence::parse(booking.rrule));
  Windows windows(booking, std::move(rule), from);
  std::vector<Window> found;
  while (static_cast<int>(found.size()) < limit) {
    const auto window = windows.next();
    if (!window || window->from >= to) break;
    found.push_back(*window);
  }
  return found;
}

Result<std::optional<Window>> window_at(const Booking& booking, TimePoint wall) {
  BATON_TRY(found, occurrences(booking, wall, kEndOfTime, 1));
  return found.empty() ? std::optional<Window>{} : std::optional{std::move(found[0])};
}

Result<std::optional<TimePoint>> end_of(const Booking& booking) {
  BATON_TRY(rule, Recurrence::parse(booking.rrule));
  if (rule.is_endless()) return std::optional<TimePoint>{};
  const Duration length = booking.to - booking.from;
  if (rule.until()) return std::optional{std::max(*rule.until(), booking.from) + length};
  std::optional<TimePoint> last;
  Starts starts(std::move(rule), booking.from, booking.from);
  while (const auto start = starts.next()) last = start;
  return std::optional{last.value_or(booking.from) + length};
}

bool concerns(const Booking& booking, const Environment& environment) {
  if (!booking.environment.empty()) return booking.environment == environment.name;
  return has_labels(environment.labels, booking.labels);
}

Result<std::optional<std::pair<Window, Window>>> first_overlap(const Booking& one,
                                                               const Booking& other,
                                                               TimePoint wall) {
  using Pair = std::pair<Window, Window>;
  const TimePoint begin = std::max({one.from, other.from, wall});
  const TimePoint end = begin + std::chrono::years{kOverlapYears};
  BATON_TRY(rule, Recurrence::parse(one.rrule));
  BATON_TRY(other_rule, Recurrence::parse(other.rrule));
  Windows windows(one, std::move(rule), begin);
  Windows other_windows(other, std::move(other_rule), begin);
  auto a = windows.next();
  auto b = other_windows.next();
  while (a && b && std::max(a->from, b->from) < end) {
    if (a->from < b->to && b->from < a->to) return std::optional{Pair{*a, *b}};
    if (a->to <= b->to)
      a = windows.next();
    else
      b = other_windows.next();
  }
  return std::optional<Pair>{};
}

bool keeps_out(const Window& window, std::string_view holder, TimePoint wall,
               const std::optional<Duration>& max_hold) {
  if (window.to <= wall) return false;
  if (window.kind == BookingKind::booking && window.owner == holder) return false;
  return window.from <= wall || (max_hold && *max_hold > window.from - wall);
}

}  // namespace baton::model
