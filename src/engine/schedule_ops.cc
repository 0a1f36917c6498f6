// SPDX-License-Identifier: MIT
#include "engine/schedule_ops.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "engine/deadline_kinds.h"
#include "engine/run_ops.h"
#include "store/schedule_table.h"

namespace baton::engine {
namespace {

using model::Schedule;
using model::SuiteSource;

// The wall clock may jump while a deadline waits on the steady one: it is looked at again after
// this, soon enough that a jump over the due time does not make the fire a missed one.
constexpr Duration kLookAgain = std::chrono::seconds{50};
static_assert(kLookAgain < kMissedAfter);
constexpr int kPage = 500;

Result<void> set_due(Context& context, const Schedule& schedule) {
  const std::string subject = store::schedule_subject(schedule.name);
  if (!schedule.next_at) return context.tx.clear_deadline(kScheduleDue, subject);
  const Duration wait = *schedule.next_at - context.now.wall;
  return context.tx.set_deadline(kScheduleDue, subject,
                                 context.now.at + std::clamp(wait, Duration{0}, kLookAgain));
}

std::string next_json(const Schedule& schedule) {
  return schedule.next_at ? json_quote(format_rfc3339(*schedule.next_at)) : "null";
}

// Stores the schedule with its event, and sets its deadline.
Result<void> save(Context& context, const Schedule& schedule, std::string_view kind,
                  std::string_view extra = "") {
  BATON_TRY_VOID(
      store::put_schedule(context.tx, schedule, kind,
                          fmt::format(R"({{"next_at":{}{}}})", next_json(schedule), extra)));
  return set_due(context, schedule);
}

std::optional<Duration> interval_of(const Schedule& schedule) {
  if (schedule.every) return schedule.every;
  const auto cron = model::Cron::parse(schedule.cron);
  return cron ? cron->interval() : std::nullopt;  // `@every 5m`
}

// The first fire after now. An interval keeps its phase: it counts from the fire that was due.
Result<std::optional<TimePoint>> next_after_now(const Context& context, const Schedule& schedule) {
  TimePoint from = context.now.wall;
  const auto interval = interval_of(schedule);
  if (interval && schedule.next_at && *schedule.next_at <= from)
    from -= (from - *schedule.next_at) % *interval;
  return model::next_fire(schedule, from);
}

bool same_declaration(const Schedule& a, const Schedule& b) {
  return a.suite == b.suite && a.cron == b.cron && a.every == b.every &&
         a.time_zone == b.time_zone && a.filter == b.filter && a.max_runs == b.max_runs &&
         a.until == b.until && a.overlap == b.overlap && a.catch_up == b.catch_up &&
         a.source == b.source && a.declared_paused == b.declared_paused;
}

Result<void> check_until(const Context& context, Schedule schedule) {
  if (!schedule.until) return {};
  schedule.run_count = 0;  // that max_runs are over is no mistake
  BATON_TRY(next, model::next_fire(schedule, context.now.wall));
  if (next) return {};
  const std::string until = format_rfc3339(*schedule.until);
  if (*schedule.until <= context.now.wall)
    return fail_with_fix(Code::invalid, "state a later `until`, or delete the schedule",
                         "the schedule would never fire: until {} is past", until);
  return fail_with_fix(Code::invalid, "state a later `until`",
                       "the schedule would never fire: it is not due until {}", until);
}

// paused: whether it shall be; not set: as it is.
Result<Schedule> store_declaration(Context& context, Schedule schedule,
                                   std::optional<bool> paused) {
  BATON_TRY_VOID(check_schedule(schedule));
  BATON_TRY_VOID(check_filter(schedule.filter));
  BATON_TRY(suite, resolve_suite(context.tx.sql(), schedule.suite));
  schedule.suite = suite.full_name();
  BATON_TRY(found, store::find_schedule(context.tx.sql(), schedule.name));
  schedule.revision = 1;
  schedule.paused = paused.value_or(found && found->paused);
  schedule.waiting = false;
  schedule.next_at.reset();
  schedule.last_run.reset();
  schedule.run_count = 0;
  if (found) {
    if (same_declaration(*found, schedule) && found->paused == schedule.paused) return *found;
    schedule.revision = found->revision + 1;
    schedule.waiting =
        found->waiting && !schedule.paused && schedule.overlap == model::Overlap::queue;
    schedule.last_run = found->last_run;
    schedule.run_count = found->run_count;
  }
  // A file may outlive its schedules; who declares one now means it to fire.
  if (schedule.source == SuiteSource::api) BATON_TRY_VOID(check_until(context, schedule));
  if (!schedule.paused) {
    BATON_TRY(next, model::next_fire(schedule, context.now.wall));
    schedule.next_at = next;
  }
  BATON_TRY_VOID(save(context, schedule, "schedule.declared",
                      fmt::format(R"(,"suite":{})", json_quote(schedule.suite))));
  return schedule;
}

Result<model::Run> start(Context& context, const Rules& rules, Schedule& schedule,
                         std::string_view triggered_by) {
  model::RunRequest request;
  request.suite = schedule.suite;
  request.filter = schedule.filter;
  request.schedule = schedule.name;
  request.triggered_by = std::string(triggered_by);
  return start_run(context, rules, std::move(request));
}

// Starts the run that is due and stores the schedule. That it cannot be started (its suite is gone,
// the queue is full) is an event, not an error: the schedule goes on. start_run refuses before it
// writes, so nothing is half done.
Result<void> fire(Context& context, const Rules& rules, Schedule& schedule,
                  TimePoint scheduled_for) {
  const std::string planned =
      fmt::format(R"(,"scheduled_for":"{}")", format_rfc3339(scheduled_for));
  auto run = start(context, rules, schedule, fmt::format("schedule {}", schedule.name));
  if (!run) {
    const Code code = run.error().code;
    if (code == Code::unavailable || code == Code::internal) return tl::unexpected(run.error());
    return save(context, schedule, "schedule.failed",
                fmt::format(R"({},"message":{})", planned, json_quote(run.error().message)));
  }
  schedule.last_run = run->id;
  ++schedule.run_count;
  // The count may have ended it.
  if (schedule.max_runs > 0 && schedule.run_count >= schedule.max_runs) schedule.next_at.reset();
  return save(context, schedule, "schedule.fired",
              fmt::format(R"({},"run":{})", planned, raw(run->id)));
}

tl::unexpected<Error> read_only(std::string_view name) {
  return fail_with_fix(Code::conflict, "change the file, then restart the server",
                       "the schedule {} is declared in a configuration file", name);
}

}  // namespace

Result<Schedule> get_schedule(store::Session& session, std::string_view name) {
  BATON_TRY(found, store::find_schedule(session, name));
  if (!found)
    return fail_with_fix(Code::not_found, "`baton schedule ls` lists the schedules",
                         "the schedule {} is unknown", json_quote(name));
  return *std::move(found);
}

Result<Schedule> declare_schedule(Context& context, const Rules&, Schedule schedule,
                                  std::optional<bool> paused) {
  BATON_TRY(found, store::find_schedule(context.tx.sql(), schedule.name));
  if (found && found->source == SuiteSource::file) return read_only(schedule.name);
  schedule.source = SuiteSource::api;
  schedule.declared_paused = false;
  return store_declaration(context, std::move(schedule), paused);
}

Result<void> delete_schedule(Context& context, std::string_view name) {
  BATON_TRY(found, get_schedule(context.tx.sql(), name));
  if (found.source == SuiteSource::file) return read_only(name);
  BATON_TRY_VOID(context.tx.clear_deadline(kScheduleDue, store::schedule_subject(name)));
  return store::remove_schedule(context.tx, name);
}

Result<void> sync_schedules(Context& context, const Rules&,
                            const std::vector<Schedule>& schedules) {
  std::set<std::string> names;
  for (Schedule schedule : schedules) {
    if (!names.insert(schedule.name).second)
      return fail(Code::invalid, "the schedule {} is declared twice", schedule.name);
    schedule.source = SuiteSource::file;
    schedule.declared_paused = schedule.paused;
    BATON_TRY(known, store::find_schedule(context.tx.sql(), schedule.name));
    const bool was = known && known->source == SuiteSource::file && known->declared_paused;
    const std::optional<bool> paused =
        known && was == schedule.paused ? std::nullopt : std::optional{schedule.paused};
    BATON_TRY_VOID(store_declaration(context, std::move(schedule), paused));
  }
  std::string after;
  for (;;) {
    BATON_TRY(page, store::list_schedules(context.tx.sql(), after, kPage));
    for (const Schedule& known : page) {
      if (known.source != SuiteSource::file || names.contains(known.name)) continue;
      BATON_TRY_VOID(context.tx.clear_deadline(kScheduleDue, store::schedule_subject(known.name)));
      BATON_TRY_VOID(store::remove_schedule(context.tx, known.name));
    }
    if (page.size() < static_cast<std::size_t>(kPage)) return {};
    after = page.back().name;
  }
}

Result<Schedule> pause_schedule(Context& context, std::string_view name) {
  BATON_TRY(schedule, get_schedule(context.tx.sql(), name));
  if (schedule.paused) return schedule;
  schedule.paused = true;
  schedule.waiting = false;
  schedule.next_at.reset();
  BATON_TRY_VOID(save(context, schedule, "schedule.paused"));
  return schedule;
}

Result<Schedule> resume_schedule(Context& context, std::string_view name) {
  BATON_TRY(schedule, get_schedule(context.tx.sql(), name));
  if (!schedule.paused) return schedule;
  schedule.paused = false;
  BATON_TRY(next, model::next_fire(schedule, context.now.wall));
  schedule.next_at = next;
  BATON_TRY_VOID(save(context, schedule, "schedule.resumed"));
  return schedule;
}

Result<model::Run> trigger_schedule(Context& context, const Rules& rules, std::string_view name,
                                    std::string_view triggered_by) {
  BATON_TRY(schedule, get_schedule(context.tx.sql(), name));
  BATON_TRY(run, start(context, rules, schedule, triggered_by));
  schedule.last_run = run.id;
  BATON_TRY_VOID(
      save(context, schedule, "schedule.triggered", fmt::format(R"(,"run":{})", raw(run.id))));
  return std::move(run);
}

Result<void> schedule_due(Context& context, const Rules& rules, std::string_view name) {
  BATON_TRY(found, store::find_schedule(context.tx.sql(), name));
  if (!found || found->paused || !found->next_at) return {};
  Schedule& schedule = *found;
  const TimePoint due = *schedule.next_at;
  if (context.now.wall < due) return set_due(context, schedule);
  BATON_TRY(next, next_after_now(context, schedule));
  schedule.next_at = next;
  const std::string planned = fmt::format(R"(,"scheduled_for":"{}")", format_rfc3339(due));
  const bool missed = context.now.wall - due > kMissedAfter;
  if (missed && schedule.catch_up == model::CatchUp::none)
    return save(context, schedule, "schedule.missed", planned);
  if (schedule.overlap != model::Overlap::allow) {
    BATON_TRY(live, store::has_live_run(context.tx.sql(), schedule.name));
    if (live && schedule.overlap == model::Overlap::skip)
      return save(context, schedule, "schedule.skipped", planned);
    if (live) {
      schedule.waiting = true;
      return save(context, schedule, "schedule.waiting", planned);
    }
  }
  return fire(context, rules, schedule, due);
}

Result<void> schedule_run_ended(Context& context, const Rules& rules, const store::RunRow& row) {
  BATON_TRY(found, store::find_schedule(context.tx.sql(), row.run.request.schedule));
  if (!found || !found->waiting) return {};
  // One that was triggered by hand may go on.
  BATON_TRY(live, store::has_live_run(context.tx.sql(), found->name));
  if (live) return {};
  found->waiting = false;
  return fire(context, rules, *found, context.now.wall);
}

Result<void> rearm_schedules(Context& context) {
  std::string after;
  for (;;) {
    BATON_TRY(page, store::list_schedules(context.tx.sql(), after, kPage));
    for (const Schedule& schedule : page) BATON_TRY_VOID(set_due(context, schedule));
    if (page.size() < static_cast<std::size_t>(kPage)) return {};
    after = page.back().name;
  }
}

}  // namespace baton::engine
