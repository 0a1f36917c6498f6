// SPDX-License-Identifier: MIT
#include "model/schedule.h"

#include <utility>
#include <vector>

namespace baton::model {
namespace {

Result<Cron> expression_of(const Schedule& schedule) {
  return schedule.every ? Cron::every(*schedule.every) : Cron::parse(schedule.cron);
}

}  // namespace

Result<void> check_schedule(const Schedule& schedule) {
  std::vector<ErrorDetail> details;
  const auto take = [&](std::string_view pointer, const Result<void>& checked) {
    if (!checked) details.push_back({std::string{pointer}, checked.error().message});
  };
  take("/name", check_name("a schedule", schedule.name));
  if (schedule.suite.empty()) details.push_back({"/suite", "is needed"});
  if (schedule.cron.empty() == !schedule.every) {
    details.push_back({"/cron", "exactly one of cron and every is needed"});
  } else if (auto cron = expression_of(schedule); !cron) {
    details.push_back({schedule.every ? "/every" : "/cron", cron.error().message});
  } else if (const auto first = cron->next(TimePoint{}, "UTC"); first && !*first) {
    details.push_back({"/cron", "never fires: no month has such a day"});
  }
  take("/time_zone", check_time_zone(schedule.time_zone));
  if (schedule.max_runs < 0) details.push_back({"/max_runs", "is negative"});
  if (schedule.filter.size() > 1'000)
    details.push_back({"/filter", "is longer than 1,000 bytes"});
  if (details.empty()) return {};
  Error error{Code::invalid,
              fmt::format("the schedule: {}: {}", details[0].pointer.substr(1), details[0].detail)};
  error.details = std::move(details);
  return tl::unexpected(std::move(error));
}

Result<std::optional<TimePoint>> next_fire(const Schedule& schedule, TimePoint after) {
  if (schedule.max_runs > 0 && schedule.run_count >= schedule.max_runs) return std::nullopt;
  BATON_TRY(cron, expression_of(schedule));
  BATON_TRY(next, cron.next(after, schedule.time_zone));
  if (next && schedule.until && *next > *schedule.until) return std::nullopt;
  return next;
}

}  // namespace baton::model
