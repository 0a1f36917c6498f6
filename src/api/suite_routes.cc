// SPDX-License-Identifier: MIT
// Suites: list, look at, declare, remove.
#include "api/audit.h"
#include "api/handlers.h"
#include "api/lookup.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/suite_ops.h"
#include "store/schedule_table.h"
#include "wire/page.h"
#include "wire/suite_json.h"

namespace baton::api {
namespace {

Result<void> write_row(store::Session& session, wire::JsonWriter& out, const store::SuiteRow& row) {
  wire::SuiteExtras extras;
  BATON_TRY(schedules, store::schedules_of(session, row.suite.id()));
  for (const model::Schedule& schedule : schedules) extras.schedules.push_back(schedule.name);
  if (row.last_run) {
    BATON_TRY(run, store::find_run(session, *row.last_run));
    if (run) extras.last_run = std::move(run->run);
  }
  wire::write_suite(out, row.suite, extras);
  return {};
}

Result<net::Response> suite_reply(const Context& context, store::Session& session,
                                  const store::SuiteRow& row) {
  wire::JsonWriter out(context.settings.public_url);
  BATON_TRY_VOID(write_row(session, out, row));
  net::Response response = json_reply(200, out.take());
  response.headers.set("ETag", wire::etag_of_revision(row.suite.revision));
  return response;
}

}  // namespace

Async list_suites(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(limit, page_limit(call));
    BATON_TRY(cursor, text_cursor(call));
    // One more than asked for tells whether there is a next page.
    BATON_TRY(rows,
              store::list_suites(session, cursor.value_or(""), limit + 1, call.query("namespace")));
    Page page(context, call);
    std::optional<std::string> next;
    for (int i = 0; i < static_cast<int>(rows.size()); ++i) {
      const store::SuiteRow& row = rows[static_cast<std::size_t>(i)];
      if (i == limit) {
        next = wire::encode_cursor(rows[static_cast<std::size_t>(i - 1)].suite.id());
        break;
      }
      BATON_TRY_VOID(write_row(session, page.items(), row));
    }
    return page.finish(next);
  });
}

Async get_suite(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(row, find_suite(session, call.args[0] + "/" + call.args[1]));
    // Cases, schedules and the last run change without a new revision: no 304 here.
    return suite_reply(context, session, row);
  });
}

Async put_suite(Context& context, Call& call) {
  auto suite = wire::parse_suite(call.request.body, call.args[0], call.args[1]);
  if (!suite) co_return tl::unexpected(suite.error());
  engine::Operation<bool> operation = [suite = *suite, bound_to = preconditions_of(call),
                                       actor = actor_of(call)](engine::Context& c) -> Result<bool> {
    BATON_TRY(ref, store::find_suite_ref(c.tx.sql(), suite.namespace_, suite.name));
    const bool exists = ref && ref->state == store::SuiteState::declared;
    std::string etag;
    if (exists) {
      BATON_TRY(row, store::find_suite(c.tx.sql(), ref->id));
      etag = wire::etag_of_revision(row->suite.revision);
    }
    BATON_TRY_VOID(check(bound_to, etag));
    BATON_TRY_VOID(engine::declare_suite(c, suite));
    BATON_TRY_VOID(audit(c, actor, "suite.declare", "suite:" + suite.id()));
    return !exists;
  };
  auto created_now = co_await submit<bool>(context, std::move(operation));
  if (!created_now) co_return tl::unexpected(created_now.error());
  auto answer = read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(row, find_suite(session, call.args[0] + "/" + call.args[1]));
    return suite_reply(context, session, row);
  });
  if (answer && *created_now) {
    answer->status = 201;
    answer->headers.set("Location", call.request.path);
  }
  co_return answer;
}

Async delete_suite(Context& context, Call& call) {
  engine::Operation<bool> operation = [namespace_ = call.args[0], name = call.args[1],
                                       actor = actor_of(call)](engine::Context& c) -> Result<bool> {
    BATON_TRY_VOID(engine::delete_suite(c, namespace_, name));
    BATON_TRY_VOID(audit(c, actor, "suite.delete", "suite:" + namespace_ + "/" + name));
    return true;
  };
  auto done = co_await submit<bool>(context, std::move(operation));
  if (!done) co_return tl::unexpected(done.error());
  co_return net::reply(204);
}

}  // namespace baton::api
