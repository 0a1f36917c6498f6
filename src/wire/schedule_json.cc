// SPDX-License-Identifier: MIT
#include "wire/schedule_json.h"

#include "wire/json_reader.h"

namespace baton::wire {

void write_schedule(JsonWriter& out, const model::Schedule& schedule) {
  out.begin_object()
      .field("name", schedule.name)
      .field("suite", schedule.suite)
      .field_if("cron", schedule.cron);
  if (schedule.every)
    out.field("every", format_duration(*schedule.every)).field("every_ms", *schedule.every);
  out.field("time_zone", schedule.time_zone).field_if("filter", schedule.filter);
  if (schedule.max_runs > 0) out.field("max_runs", schedule.max_runs);
  out.field_if("until", schedule.until)
      .field("overlap", name_of(schedule.overlap))
      .field("catch_up", name_of(schedule.catch_up))
      .field("source", name_of(schedule.source))
      .field("paused", schedule.paused)
      .key("next_at");
  if (schedule.next_at) {
    out.value(*schedule.next_at);
  } else {
    out.null();
  }
  out.key("last_run");
  if (schedule.last_run) {
    out.value(raw(*schedule.last_run));
  } else {
    out.null();
  }
  out.field("run_count", schedule.run_count).field("revision", schedule.revision).end_object();
}

Result<ScheduleRequest> parse_schedule(std::string_view body, std::string_view name) {
  ScheduleRequest schedule;
  schedule.name = name;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.text("name", schedule.name);
    if (schedule.name != name) f.fault("name", "it differs from the one in the URL");
    f.require("suite");
    f.text("suite", schedule.suite);
    f.text("cron", schedule.cron);
    f.duration("every", schedule.every);
    f.text("time_zone", schedule.time_zone);
    f.text("filter", schedule.filter);
    f.integer("max_runs", schedule.max_runs, 0, INT64_MAX);
    f.time("until", schedule.until);
    f.choice("overlap", schedule.overlap, model::parse_overlap);
    f.choice("catch_up", schedule.catch_up, model::parse_catch_up);
    f.boolean("paused", schedule.paused);
    if (f.has("paused")) schedule.says_paused = schedule.paused;
    f.ignore({"every_ms", "source", "next_at", "last_run", "run_count", "revision"});
  }));
  BATON_TRY_VOID(model::check_schedule(schedule));
  return schedule;
}

}  // namespace baton::wire
