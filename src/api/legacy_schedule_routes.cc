// SPDX-License-Identifier: MIT
// handoff's routes for schedules.
#include "api/audit.h"
#include "api/handlers.h"
#include "api/legacy_json.h"
#include "api/legacy_page.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/schedule_ops.h"
#include "store/schedule_table.h"
#include "wire/json_reader.h"

namespace baton::api {
namespace {

// Suite, filter and limit from the query or the body; the expression from the header or the body.
Result<model::Schedule> read_schedule(const Call& call) {
  model::Schedule schedule;
  schedule.name = call.args[0];
  schedule.suite = call.query("suite");
  schedule.filter = call.query("filter");
  schedule.cron = call.request.headers.get("schedule");
  if (!call.request.body.empty())
    BATON_TRY_VOID(wire::read_json(call.request.body, [&](wire::JsonFields& f) {
      f.text("schedule", schedule.cron);
      f.text("suite", schedule.suite);
      f.text("filter", schedule.filter);
      f.integer("max_runs", schedule.max_runs, 0, INT64_MAX);
    }));
  if (schedule.cron.empty())
    return fail_with_fix(Code::invalid, "send the header `schedule: 0 2 * * *`",
                         "the cron expression is missing");
  if (schedule.suite.empty())
    return fail_with_fix(Code::invalid, "add ?suite=NAME", "the suite is missing");
  BATON_TRY_VOID(model::check_schedule(schedule));
  return schedule;
}

}  // namespace

Async legacy_list_schedules(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    wire::JsonWriter out;
    LegacyPage page("Schedules");
    out.begin_array();
    std::string after;
    for (;;) {
      BATON_TRY(found, store::list_schedules(session, after, kPageMax));
      for (const model::Schedule& schedule : found) {
        write_legacy_schedule(out, schedule);
        page.line("/suites/" + schedule.suite + "/runs", schedule.name);
      }
      if (static_cast<int>(found.size()) < kPageMax) break;
      after = found.back().name;
    }
    if (wants_html(call)) return page.finish();
    return json_reply(200, out.end_array().take());
  });
}

Async legacy_put_schedule(Context& context, Call& call) {
  auto schedule = read_schedule(call);
  if (!schedule) co_return tl::unexpected(schedule.error());
  Post post{.scope = "legacy-schedule:" + schedule->name, .keep = kKeepLegacyAnswers};
  PostOperation operation = [&rules = context.rules, schedule = *schedule, actor = actor_of(call)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(stored, engine::declare_schedule(c, rules, schedule));
    BATON_TRY_VOID(audit(c, actor, "schedule.declare", store::schedule_subject(schedule.name)));
    wire::JsonWriter out;
    write_legacy_schedule(out, stored);
    return store::StoredAnswer{201, "/schedules/" + stored.name, out.take()};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Async legacy_delete_schedule(Context& context, Call& call) {
  co_return co_await delete_schedule(context, call);
}

}  // namespace baton::api
