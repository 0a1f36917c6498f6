// SPDX-License-Identifier: MIT
// Schedules: list, look at, declare, remove, pause, resume, trigger.
#include "api/audit.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/schedule_ops.h"
#include "store/schedule_table.h"
#include "wire/page.h"
#include "wire/run_json.h"
#include "wire/schedule_json.h"

namespace baton::api {
namespace {

std::string to_json(const model::Schedule& schedule) {
  wire::JsonWriter out;
  wire::write_schedule(out, schedule);
  return out.take();
}

net::Response schedule_reply(int status, const model::Schedule& schedule) {
  net::Response response = json_reply(status, to_json(schedule));
  response.headers.set("ETag", wire::etag_of_revision(schedule.revision));
  return response;
}

struct Declared {
  model::Schedule schedule;
  bool is_new = false;
};

// Pause and resume differ in the operation and its name only.
using Change = Result<model::Schedule> (*)(engine::Context&, std::string_view);

Async change_schedule(Context& context, Call& call, Change change, std::string action) {
  Post post{.scope = action + ":" + call.args[0]};
  PostOperation operation = [name = call.args[0], change, action, actor = actor_of(call)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(schedule, change(c, name));
    BATON_TRY_VOID(audit(c, actor, action, store::schedule_subject(name)));
    return store::StoredAnswer{200, {}, to_json(schedule)};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

}  // namespace

Async list_schedules(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(limit, page_limit(call));
    BATON_TRY(cursor, text_cursor(call));
    BATON_TRY(found, store::list_schedules(session, cursor.value_or(""), limit + 1));
    const auto next = cut_page(found, limit, &model::Schedule::name);
    Page page(context, call);
    for (const model::Schedule& schedule : found) wire::write_schedule(page.items(), schedule);
    return page.finish(next);
  });
}

Async get_schedule(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(schedule, engine::get_schedule(session, call.args[0]));
    // next_at, last_run and run_count change without a new revision: no 304 here.
    return schedule_reply(200, schedule);
  });
}

Async put_schedule(Context& context, Call& call) {
  auto schedule = wire::parse_schedule(call.request.body, call.args[0]);
  if (!schedule) co_return tl::unexpected(schedule.error());
  engine::Operation<Declared> operation =
      [&rules = context.rules, schedule = *schedule, bound_to = preconditions_of(call),
       actor = actor_of(call)](engine::Context& c) -> Result<Declared> {
    BATON_TRY(known, store::find_schedule(c.tx.sql(), schedule.name));
    BATON_TRY_VOID(check(bound_to, known ? wire::etag_of_revision(known->revision) : ""));
    BATON_TRY(stored, engine::declare_schedule(c, rules, schedule, schedule.says_paused));
    BATON_TRY_VOID(audit(c, actor, "schedule.declare", store::schedule_subject(schedule.name)));
    return Declared{std::move(stored), !known};
  };
  auto declared = co_await submit<Declared>(context, std::move(operation));
  if (!declared) co_return tl::unexpected(declared.error());
  net::Response response = schedule_reply(declared->is_new ? 201 : 200, declared->schedule);
  if (declared->is_new) response.headers.set("Location", call.request.path);
  co_return response;
}

Async delete_schedule(Context& context, Call& call) {
  engine::Operation<bool> operation = [name = call.args[0],
                                       actor = actor_of(call)](engine::Context& c) -> Result<bool> {
    BATON_TRY_VOID(engine::delete_schedule(c, name));
    BATON_TRY_VOID(audit(c, actor, "schedule.delete", store::schedule_subject(name)));
    return true;
  };
  auto done = co_await submit<bool>(context, std::move(operation));
  if (!done) co_return tl::unexpected(done.error());
  co_return net::reply(204);
}

Async pause_schedule(Context& context, Call& call) {
  auto answer = co_await change_schedule(context, call, engine::pause_schedule, "schedule.pause");
  co_return answer;
}

Async resume_schedule(Context& context, Call& call) {
  auto answer = co_await change_schedule(context, call, engine::resume_schedule, "schedule.resume");
  co_return answer;
}

Async trigger_schedule(Context& context, Call& call) {
  Post post{.scope = "schedule.trigger:" + call.args[0]};
  PostOperation operation = [&context, name = call.args[0], actor = actor_of(call)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(run, engine::trigger_schedule(c, context.rules, name, actor.name));
    BATON_TRY_VOID(audit(c, actor, "schedule.trigger", store::schedule_subject(name)));
    return store::StoredAnswer{201, fmt::format("/api/v1/runs/{}", raw(run.id)),
                               wire::to_json(run, context.settings.public_url)};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

}  // namespace baton::api
