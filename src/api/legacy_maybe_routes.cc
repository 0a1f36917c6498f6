// SPDX-License-Identifier: MIT
// call-me's route: GET whether an environment is free, POST to take it, DELETE to free it. Answers
// are empty and have no Content-Type, as its clients expect. With ?wait= or maybe.hold a GET or
// POST is held until its turn comes.
#include "api/handlers.h"
#include "api/legacy_maybe.h"
#include "api/reply.h"
#include "api/submit.h"
#include "base/text.h"
#include "engine/environment_ops.h"
#include "engine/lease_status.h"
#include "store/lease_table.h"

namespace baton::api {
namespace {

using engine::LeaseStatus;
using model::LeaseState;

// Its client gives a request up after 30 s.
constexpr Duration kHoldMax{25'000};
// A client takes what it was told is free in the next moment, or never.
constexpr Duration kKeepFor{5'000};

net::Response no_environment() {
  return net::reply(422, "application/json",
                    R"({"code":602,"message":"environment in query is required"})");
}

// The last one counts.
std::string environment_of(const Call& call) {
  std::string environment;
  for (const net::Parameter& parameter : call.request.query)
    if (parameter.name == "environment") environment = parameter.value;
  return environment;
}

Result<Duration> hold_of(const Context& context, const Call& call) {
  if (call.request.parameter("wait") == nullptr)
    return std::min(context.settings.maybe_hold, kHoldMax);
  return wait_of(call);
}

model::LeaseRequest request_of(const Context& context, const Call& call,
                               const std::string& environment, Duration wait) {
  model::LeaseRequest request;
  request.wants.emplace_back().environment = environment;
  request.holder.name = call.who.actor;
  request.source = model::LeaseSource::legacy;
  request.wait = wait;
  if (context.settings.maybe_ttl > Duration{0}) {
    request.ttl = context.settings.maybe_ttl;
  } else {
    request.no_expiry = true;
  }
  return request;
}

Expected::Client client_of(const Call& call, const std::string& environment) {
  return {call.who.actor, environment, call.request.peer};
}

// Ends the wait: what was granted in the last moment counts. Result: whether it is held.
engine::Operation<bool> end_wait(Context& context, std::string id, bool wanted, std::string by) {
  return [&context, id = std::move(id), wanted, by = std::move(by)](
             engine::Context& c) -> Result<bool> {
    BATON_TRY(lease, engine::get_lease(c.tx.sql(), id));
    if (wanted && lease.state == LeaseState::held) return true;
    BATON_TRY(ended, engine::release_lease(c, context.rules, id, {}, by));
    return false;
  };
}

// Queues for the environment and waits. Result: the lease that is held, "" when the time was over.
boost::asio::awaitable<Result<std::string>> wait_for_turn(Context& context, Call& call,
                                                          std::string environment, Duration hold) {
  const auto end = std::chrono::steady_clock::now() + hold;
  engine::Operation<LeaseStatus> ask =
      [&context, request = request_of(context, call, environment, hold), hold,
       token = call.who.actor](engine::Context& c) -> Result<LeaseStatus> {
    BATON_TRY(lease, engine::acquire(c, context.rules, request, token));
    if (lease.lease.state == LeaseState::held)
      BATON_TRY_VOID(engine::reserve_lease(c, lease.lease.id, kKeepFor));
    else
      BATON_TRY_VOID(engine::see_lease(c, lease.lease.id, hold));
    return std::move(lease);
  };
  auto asked = co_await submit<LeaseStatus>(context, std::move(ask));
  if (!asked) co_return tl::unexpected(asked.error());
  const std::string id = asked->lease.id;
  LeaseState state = asked->lease.state;
  Watch::Waiter waiter(context.watch, store::lease_subject(id));
  net::Wake wake = net::Wake::notified;
  while (wake == net::Wake::notified) {
    auto lease =
        read(context, [&](store::Session& session) { return engine::get_lease(session, id); });
    if (!lease) co_return tl::unexpected(lease.error());
    state = lease->state;
    if (state != LeaseState::queued) break;
    const auto left = std::chrono::ceil<Duration>(end - std::chrono::steady_clock::now());
    if (left <= Duration{0}) break;
    wake = co_await waiter.wait(left, call.request.caller);
  }
  if (state == LeaseState::held) co_return id;
  if (state != LeaseState::queued) co_return std::string{};
  auto give_up = end_wait(context, id, wake != net::Wake::gone, call.who.actor);
  auto held = co_await submit<bool>(context, std::move(give_up));
  if (!held) co_return tl::unexpected(held.error());
  co_return *held ? id : std::string{};
}

// Takes what was kept for this client. Result: whether it is his now.
boost::asio::awaitable<Result<bool>> claim(Context& context, std::string id) {
  engine::Operation<bool> operation = [id = std::move(id)](engine::Context& c) {
    return engine::claim_lease(c, id);
  };
  Result<bool> claimed = co_await submit<bool>(context, std::move(operation));
  co_return claimed;
}

Async take_at_once(Context& context, Call& call, const std::string& environment) {
  Post post{.scope = "maybe:" + environment, .keep = kKeepLegacyAnswers};
  PostOperation operation = [&context, token = call.who.actor,
                             request = request_of(context, call, environment, Duration{0})](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(lease, engine::acquire(c, context.rules, request, token));
    return store::StoredAnswer{201, {}, {}};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  if (!answer && answer.error().code == Code::busy) co_return net::reply(403);
  co_return answer;
}

bool is_json(const Call& call) {
  const std::string type = to_lower(call.request.headers.get("Content-Type"));
  return trim(std::string_view{type}.substr(0, type.find(';'))) == "application/json";
}

// The lease of a legacy client to free: the caller's own, or for an administrator anybody's.
Result<std::string> lease_to_free(store::Session& session, const std::string& environment,
                                  const Principal& who) {
  BATON_TRY(uses, store::current_uses(session, environment));
  std::string another;
  for (const store::Use& use : uses) {
    BATON_TRY(lease, store::lease_at(session, use.seq));
    if (!lease || lease->request.source != model::LeaseSource::legacy) continue;
    if (lease->request.holder.name == who.actor) return lease->id;
    if (covers(who.scope, model::Scope::admin) && another.empty()) another = lease->id;
  }
  return another;
}

}  // namespace

Async legacy_maybe_get(Context& context, Call& call) {
  if (call.request.method != "GET") co_return maybe_not_allowed(call.request.method);
  const std::string environment = environment_of(call);
  if (environment.empty()) co_return no_environment();
  auto hold = hold_of(context, call);
  if (!hold) co_return tl::unexpected(hold.error());
  if (*hold > Duration{0}) {
    auto id = co_await wait_for_turn(context, call, environment, *hold);
    if (!id) co_return tl::unexpected(id.error());
    if (id->empty()) co_return net::reply(403);
    context.expected.add(client_of(call, environment), *std::move(id));
    co_return net::reply(200);
  }
  auto free = read(context, [&](store::Session& session) {
    return engine::can_have_now(session, environment, call.who.actor, context.clock().wall);
  });
  // One that nobody has ever used is free, where the first use makes it.
  if (!free && free.error().code == Code::not_found && context.rules.auto_create_environments)
    co_return net::reply(200);
  if (!free) co_return tl::unexpected(free.error());
  co_return net::reply(*free ? 200 : 403);
}

Async legacy_maybe_post(Context& context, Call& call) {
  if (!call.request.body.empty() && !is_json(call))
    co_return maybe_problem(
        call.request,
        Error{Code::invalid, fmt::format("unsupported media type \"{}\", only [application/json] "
                                         "are allowed",
                                         call.request.headers.get("Content-Type"))},
        415);
  const std::string environment = environment_of(call);
  if (environment.empty()) co_return no_environment();
  auto hold = hold_of(context, call);
  if (!hold) co_return tl::unexpected(hold.error());
  std::string kept = context.expected.take(client_of(call, environment));
  if (!kept.empty()) {
    auto claimed = co_await claim(context, std::move(kept));
    if (!claimed) co_return tl::unexpected(claimed.error());
    if (*claimed) co_return net::reply(201);
  }
  if (*hold <= Duration{0}) {
    auto taken = co_await take_at_once(context, call, environment);
    co_return taken;
  }
  auto id = co_await wait_for_turn(context, call, environment, *hold);
  if (!id) co_return tl::unexpected(id.error());
  if (id->empty()) co_return net::reply(403);
  auto claimed = co_await claim(context, *std::move(id));
  if (!claimed) co_return tl::unexpected(claimed.error());
  co_return net::reply(*claimed ? 201 : 403);
}

Async legacy_maybe_delete(Context& context, Call& call) {
  const std::string environment = environment_of(call);
  if (environment.empty()) co_return no_environment();
  engine::Operation<bool> operation = [&context, environment,
                                       who = call.who](engine::Context& c) -> Result<bool> {
    BATON_TRY(id, lease_to_free(c.tx.sql(), environment, who));
    if (id.empty()) return false;
    BATON_TRY(released, engine::release_lease(c, context.rules, id, {}, who.actor));
    return true;
  };
  auto done = co_await submit<bool>(context, std::move(operation));
  if (!done) co_return tl::unexpected(done.error());
  co_return net::reply(204);
}

}  // namespace baton::api
