// SPDX-License-Identifier: MIT
// Bookings: list, look at, make, remove, and as a calendar.
#include "api/audit.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/booking_ops.h"
#include "engine/environment_ops.h"
#include "reports/calendar.h"
#include "store/booking_table.h"
#include "wire/booking_json.h"

namespace baton::api {
namespace {

void write(wire::JsonWriter& out, const model::Booking& booking, TimePoint wall) {
  // A rule that is stored can be read.
  const auto next = model::window_at(booking, wall);
  wire::write_booking(out, booking, next ? *next : std::nullopt);
}

std::string to_json(const model::Booking& booking, TimePoint wall) {
  wire::JsonWriter out;
  write(out, booking, wall);
  return out.take();
}

// Those that concern the environment of the query, or all, by id after `after`, at most `limit`.
Result<std::vector<model::Booking>> find(store::Session& session, const Call& call,
                                         std::string after, int limit) {
  std::optional<model::Environment> environment;
  if (const std::string_view name = call.query("environment"); !name.empty()) {
    BATON_TRY(known, engine::get_environment(session, name));
    environment = std::move(known);
  }
  std::vector<model::Booking> found;
  for (;;) {
    BATON_TRY(page, store::list_bookings(session, after, kPageMax));
    for (model::Booking& booking : page) {
      after = booking.id;
      if (environment && !model::concerns(booking, *environment)) continue;
      found.push_back(std::move(booking));
      if (static_cast<int>(found.size()) == limit) return found;
    }
    if (static_cast<int>(page.size()) < kPageMax) return found;
  }
}

}  // namespace

Async list_bookings(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(limit, page_limit(call));
    BATON_TRY(cursor, text_cursor(call));
    BATON_TRY(found, find(session, call, cursor.value_or(""), limit + 1));
    const auto next = cut_page(found, limit, &model::Booking::id);
    Page page(context, call);
    for (const model::Booking& booking : found) write(page.items(), booking, context.clock().wall);
    return page.finish(next);
  });
}

Async get_bookings_calendar(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(found, find(session, call, "", INT32_MAX));
    return net::reply(200, "text/calendar; charset=utf-8", reports::calendar_of(found));
  });
}

Async get_booking(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(booking, engine::get_booking(session, call.args[0]));
    return json_reply(200, to_json(booking, context.clock().wall));
  });
}

Async create_booking(Context& context, Call& call) {
  auto booking = wire::parse_booking(call.request.body);
  if (!booking) co_return tl::unexpected(booking.error());
  Post post{.scope = "bookings"};
  PostOperation operation = [booking = *std::move(booking), actor = actor_of(call)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(made, engine::create_booking(c, booking, actor.name));
    BATON_TRY_VOID(audit(c, actor, "booking.create", store::booking_subject(made.id)));
    return store::StoredAnswer{201, "/api/v1/bookings/" + made.id, to_json(made, c.now.wall)};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Async delete_booking(Context& context, Call& call) {
  engine::Operation<bool> operation = [&context, id = call.args[0],
                                       actor = actor_of(call)](engine::Context& c) -> Result<bool> {
    BATON_TRY_VOID(engine::delete_booking(c, context.rules, id));
    BATON_TRY_VOID(audit(c, actor, "booking.delete", store::booking_subject(id)));
    return true;
  };
  auto done = co_await submit<bool>(context, std::move(operation));
  if (!done) co_return tl::unexpected(done.error());
  co_return net::reply(204);
}

}  // namespace baton::api
