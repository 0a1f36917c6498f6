// SPDX-License-Identifier: MIT
// Leases: ask for one, wait for it, renew it, release it, hand it on, take it away.
#include "api/audit.h"
#include "api/handlers.h"
#include "api/heard_of.h"
#include "api/lease_json.h"
#include "api/reply.h"
#include "api/submit.h"
#include "base/text.h"
#include "store/lease_table.h"
#include "wire/lease_json.h"

namespace baton::api {
namespace {

using engine::LeaseStatus;
using model::LeaseState;

struct Shown {
  LeaseStatus status;
  std::optional<engine::QueuePlace> place;
};

std::string json_of(const Context& context, const Shown& shown) {
  wire::JsonWriter out(context.settings.public_url);
  write_lease(out, shown.status, shown.place);
  return out.take();
}

// The lease with its place, from a session that sees it.
Result<Shown> shown(store::Session& session, LeaseStatus status, TimePoint wall) {
  Shown all{std::move(status), {}};
  if (all.status.lease.state != LeaseState::queued) return all;
  BATON_TRY(place, engine::place_of(session, all.status.lease, wall));
  all.place = std::move(place);
  return all;
}

Result<store::StoredAnswer> stored(const Context& context, engine::Context& c, int status,
                                   LeaseStatus lease) {
  BATON_TRY(all, shown(c.tx.sql(), std::move(lease), c.now.wall));
  return store::StoredAnswer{status, {}, json_of(context, all)};
}

// Whoever may acquire may say that a waiter is alive; a viewer only looks.
bool speaks_for_waiters(const Call& call) {
  return covers(call.who.scope, model::Scope::operator_);
}

engine::Operation<LeaseStatus> see(const Call& call, std::string id, Duration waits_for) {
  return [id = std::move(id), waits_for,
          alive = speaks_for_waiters(call)](engine::Context& c) -> Result<LeaseStatus> {
    return alive ? engine::see_lease(c, id, waits_for) : engine::look_at_lease(c, id);
  };
}

// Tells the writer that the grant was seen, without waiting for the batch that it is at: once
// queued the note is made. False: it was refused, and the waiter must not be told that he holds it.
bool note_seen(Context& context, const Call& call, const std::string& id) {
  if (!speaks_for_waiters(call)) return true;
  const auto refused = std::make_shared<std::atomic<bool>>(false);
  context.writer.look<LeaseStatus>(see(call, id, Duration{0}), [refused](Result<LeaseStatus> seen) {
    if (!seen) *refused = true;
  });
  return !*refused;
}

Result<std::optional<LeaseState>> state_query(const Call& call, std::string_view name) {
  const std::string_view text = call.query(name);
  if (text.empty()) return std::optional<LeaseState>{};
  BATON_TRY(state, model::parse_lease_state(text));
  return std::optional{state};
}

// Whether the answer may wait for a change: the caller knows the state that it has. One who does
// not say so (`seen`) knows of a grant when somebody was told of it; a waiter that was away for the
// moment of the grant must not wait once more.
bool may_wait(const LeaseStatus& now, const std::optional<LeaseState>& seen_before) {
  if (!now.lease.is_live()) return false;
  if (seen_before) return *seen_before == now.lease.state;
  return now.lease.state == LeaseState::queued || now.was_known;
}

// The lease as it is after a wait; nothing when its state is still `before`.
Result<std::optional<net::Response>> after_wait(Context& context, const Call& call,
                                                const std::string& id,
                                                std::optional<LeaseState> before) {
  const Now now = context.clock();
  auto seen = read(context, [&](store::Session& session) -> Result<std::optional<Shown>> {
    BATON_TRY(lease, engine::get_lease(session, id));
    if (lease.state == before) return std::optional<Shown>{};
    BATON_TRY(status, engine::status_of(session, now.at, {}, std::move(lease)));
    BATON_TRY(all, shown(session, std::move(status), now.wall));
    return std::optional{std::move(all)};
  });
  if (!seen) return tl::unexpected(seen.error());
  if (!*seen) return std::optional<net::Response>{};
  const model::Lease& lease = (*seen)->status.lease;
  if (lease.state == LeaseState::held) {
    if (!note_seen(context, call, id))
      return fail_with_fix(Code::unavailable, "ask again", "the server is too busy");
    if (lease.granted_at) context.metrics.handed_over(now.wall - *lease.granted_at);
  }
  return std::optional{json_reply(200, json_of(context, **seen))};
}

// What the first look gives: the answer, or the state that the caller waits to see changed (or that
// of a lease in the queue, whose place is read beside the writer).
struct First {
  std::optional<net::Response> answer;
  LeaseState state = LeaseState::queued;
  bool waits = false;
};
// In a coroutine of its own, so that those who wait do not keep its memory.
boost::asio::awaitable<Result<First>> first_look(Context& context, const Call& call,
                                                 Duration waits_for,
                                                 std::optional<LeaseState> seen_before) {
  auto operation = see(call, call.args[0], waits_for);
  auto seen = co_await look<LeaseStatus>(context, std::move(operation));
  if (!seen) co_return tl::unexpected(seen.error());
  First first;
  first.state = seen->lease.state;
  first.waits = waits_for > Duration{0} && may_wait(*seen, seen_before);
  if (!first.waits && first.state != LeaseState::queued)
    first.answer = json_reply(200, json_of(context, {*std::move(seen), {}}));
  co_return first;
}

engine::Heir heir_of(const wire::HeirRequest& request) { return {request.lease, request.holder}; }

Result<store::LeaseFilter> lease_filter(const Call& call) {
  store::LeaseFilter filter;
  filter.environment = call.query("environment");
  filter.holder = call.query("holder");
  BATON_TRY(state, state_query(call, "state"));
  filter.state = state;
  return filter;
}

}  // namespace

Async acquire_lease(Context& context, Call& call) {
  auto request = wire::parse_lease_request(call.request.body);
  if (!request) co_return tl::unexpected(request.error());
  Post post{.scope = "leases"};
  PostOperation operation = [&context, request = *std::move(request), token = call.who.actor](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(lease, engine::acquire(c, context.rules, request, token));
    const int status = lease.lease.state == LeaseState::held ? 201 : 202;
    const std::string location = "/api/v1/leases/" + lease.lease.id;
    BATON_TRY(answer, stored(context, c, status, std::move(lease)));
    answer.location = location;
    return std::move(answer);
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Async get_lease(Context& context, Call& call) {
  auto limit = wait_of(call);
  if (!limit) co_return tl::unexpected(limit.error());
  auto seen_before = state_query(call, "seen");
  if (!seen_before) co_return tl::unexpected(seen_before.error());
  const std::string id = call.args[0];
  const auto end = std::chrono::steady_clock::now() + *limit;
  // Before the look, so that what happens after it is not missed.
  std::optional<Watch::Waiter> waiter;
  if (*limit > Duration{0}) waiter.emplace(context.watch, store::lease_subject(id));
  auto first = co_await first_look(context, call, *limit, *seen_before);
  if (!first) co_return tl::unexpected(first.error());
  if (first->answer) co_return *std::move(first->answer);
  for (net::Wake wake = net::Wake::notified; first->waits && wake == net::Wake::notified;) {
    const auto left = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
    if (left <= Duration{0}) break;
    wake = co_await waiter->wait(left, call.request.caller);
    // Nobody reads the answer: a grant is for the next then, if nobody else sees it.
    if (wake == net::Wake::gone) co_return net::reply(204);
    if (wake != net::Wake::notified) break;
    auto answer = after_wait(context, call, id, first->state);
    if (!answer) co_return tl::unexpected(answer.error());
    if (*answer) co_return **std::move(answer);
  }
  if (first->state == LeaseState::held) {
    // The writer knows what was renewed meanwhile.
    first = co_await first_look(context, call, Duration{0}, {});
    if (!first) co_return tl::unexpected(first.error());
    if (first->answer) co_return *std::move(first->answer);
  }
  auto answer = after_wait(context, call, id, {});
  if (!answer) co_return tl::unexpected(answer.error());
  co_return **std::move(answer);
}

Async list_leases(Context& context, Call& call) {
  auto filter = lease_filter(call);
  if (!filter) co_return tl::unexpected(filter.error());
  auto limit = page_limit(call);
  if (!limit) co_return tl::unexpected(limit.error());
  auto cursor = integer_cursor(call);
  if (!cursor) co_return tl::unexpected(cursor.error());
  auto found = read(context, [&](store::Session& session) {
    return store::list_leases(session, *filter, cursor->value_or(0), *limit + 1);
  });
  if (!found) co_return tl::unexpected(found.error());
  const auto next = cut_page(*found, *limit, &model::Lease::seq);
  const HeardOf heard = co_await heard_of(context, *found);
  co_return read(context, [&](store::Session& session) -> Answer {
    Page page(context, call);
    const Now now = context.clock();
    for (model::Lease& lease : *found) {
      BATON_TRY(status, status_in(session, now.at, heard, std::move(lease)));
      BATON_TRY(all, shown(session, std::move(status), now.wall));
      write_lease(page.items(), all.status, all.place);
    }
    return page.finish(next);
  });
}

Async renew_lease(Context& context, Call& call) {
  auto fence = wire::parse_renewal(call.request.body);
  if (!fence) co_return tl::unexpected(fence.error());
  if (!call.request.headers.get("Idempotency-Key").empty()) {
    Post post{.scope = "renew:" + call.args[0]};
    PostOperation operation = [&context, id = call.args[0], fence = *fence](
                                  engine::Context& c) -> Result<store::StoredAnswer> {
      BATON_TRY(lease, engine::renew_lease(c, id, fence));
      return stored(context, c, 200, std::move(lease));
    };
    auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
    co_return answer;
  }
  // Nothing is stored: renewing again is harmless, and goes on while the disk is full.
  engine::Operation<LeaseStatus> operation = [id = call.args[0],
                                              fence = *fence](engine::Context& c) {
    return engine::renew_lease(c, id, fence);
  };
  auto lease = co_await look<LeaseStatus>(context, std::move(operation));
  if (!lease) co_return tl::unexpected(lease.error());
  co_return json_reply(200, json_of(context, {*std::move(lease), {}}));
}

Async release_lease(Context& context, Call& call) {
  auto request = wire::parse_release(call.request.body);
  if (!request) co_return tl::unexpected(request.error());
  engine::Operation<LeaseStatus> operation =
      [&context, id = call.args[0], request = *std::move(request),
       by = call.who.actor](engine::Context& c) -> Result<LeaseStatus> {
    const engine::Farewell farewell{request.fence, request.outcome, request.note};
    return engine::release_lease(c, context.rules, id, farewell, by);
  };
  auto lease = co_await submit<LeaseStatus>(context, std::move(operation));
  if (!lease) co_return tl::unexpected(lease.error());
  co_return json_reply(200, json_of(context, {*std::move(lease), {}}));
}

Async transfer_lease(Context& context, Call& call) {
  auto request = wire::parse_transfer(call.request.body);
  if (!request) co_return tl::unexpected(request.error());
  Post post{.scope = "transfer:" + call.args[0]};
  PostOperation operation = [&context, id = call.args[0], request = *std::move(request),
                             by = call.who.actor](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(lease, engine::transfer_lease(c, context.rules, id, request.fence,
                                            heir_of(request.to), by));
    return stored(context, c, 200, std::move(lease));
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Async revoke_lease(Context& context, Call& call) {
  auto request = wire::parse_revocation(call.request.body);
  if (!request) co_return tl::unexpected(request.error());
  Post post{.scope = "revoke:" + call.args[0]};
  PostOperation operation = [&context, id = call.args[0], request = *std::move(request),
                             actor = actor_of(call)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    std::optional<engine::Heir> heir;
    if (request.to) heir = heir_of(*request.to);
    BATON_TRY(lease,
              engine::revoke_lease(c, context.rules, id, request.reason, heir, actor.name));
    BATON_TRY_VOID(audit(c, actor, "lease.revoke", store::lease_subject(id),
                         fmt::format(R"({{"reason":{}}})", json_quote(request.reason))));
    return stored(context, c, 200, std::move(lease));
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

}  // namespace baton::api
