// SPDX-License-Identifier: MIT
// Environments: list, look at, declare, remove, change their state, check a fence.
#include "api/audit.h"
#include "api/handlers.h"
#include "api/lease_json.h"
#include "api/reply.h"
#include "api/submit.h"
#include "base/text.h"
#include "engine/environment_ops.h"
#include "engine/lease_status.h"
#include "store/lease_table.h"
#include "wire/environment_json.h"
#include "wire/page.h"

namespace baton::api {
namespace {

using model::Environment;
using model::EnvironmentState;

// Waiters that one environment tells of; in a list each tells of fewer. `queue_length` has them
// all.
constexpr int kQueueShown = 1'000;
constexpr int kQueueInList = 20;

// Everything about an environment that its answer shows, as of one moment.
struct Shown {
  Environment environment;
  std::vector<store::SlotRow> slots;
  std::vector<store::Use> uses;
  std::vector<model::Lease> holders;  // of the uses, in their order
  std::vector<engine::Waiting> queue;
  int queue_length = 0;
};

Result<Shown> load(store::Session& session, Environment environment, TimePoint wall, int queued) {
  Shown shown;
  BATON_TRY(slots, store::slots_of(session, environment.name));
  shown.slots = std::move(slots);
  BATON_TRY(uses, store::current_uses(session, environment.name));
  for (const store::Use& use : uses) {
    BATON_TRY(lease, store::lease_at(session, use.seq));
    if (!lease) continue;
    shown.uses.push_back(use);
    shown.holders.push_back(*std::move(lease));
  }
  BATON_TRY(queue, engine::queue_of(session, environment, wall, queued));
  shown.queue = std::move(queue);
  BATON_TRY(length, store::queue_length(session, environment.name));
  shown.queue_length = length;
  shown.environment = std::move(environment);
  return shown;
}

void write_holders(wire::JsonWriter& out, const Shown& shown) {
  out.key("holders").begin_array();
  for (std::size_t i = 0; i < shown.uses.size(); ++i) {
    const store::Use& use = shown.uses[i];
    const model::Lease& lease = shown.holders[i];
    out.begin_object().field("lease", lease.id).field("slot", use.slot);
    out.field("mode", name_of(use.mode)).field("fence", lease.fence).field("since", use.from);
    write_holder_members(out, lease);
    out.end_object();
  }
  out.end_array();
}

void write_slots(wire::JsonWriter& out, const Shown& shown) {
  out.key("slot_states").begin_array();
  for (const store::SlotRow& slot : shown.slots) {
    out.begin_object().field("slot", slot.number).field("state", name_of(slot.state));
    out.field("since", slot.since).field_if("lease", slot.lease);
    out.field_if("message", slot.message).end_object();
  }
  out.end_array();
}

void write_queue(wire::JsonWriter& out, const Shown& shown) {
  out.key("queue").begin_array();
  for (const engine::Waiting& waiting : shown.queue) {
    out.begin_object().field("lease", waiting.lease.id);
    out.key("holder").raw(engine::holder_json(waiting.lease));
    out.field("position", waiting.position).field_if("eta_ms", waiting.eta);
    out.field("since", waiting.lease.created_at).field("priority", waiting.lease.request.priority);
    out.end_object();
  }
  out.end_array().field("queue_length", shown.queue_length);
}

void write_environment(wire::JsonWriter& out, const Shown& shown) {
  const Environment& e = shown.environment;
  out.begin_object();
  wire::write_declaration(out, e);
  out.field("source", name_of(e.source));
  const bool broken = engine::is_broken(shown.slots);
  out.field("state", name_of(broken ? EnvironmentState::broken : e.state));
  out.field_if("state_reason", e.state_reason).field_if("state_by", e.state_by);
  out.field("state_since", e.state_since);
  int free = 0;
  for (const store::SlotRow& slot : shown.slots) free += slot.state == model::SlotState::free;
  out.field("slots_free", free);
  write_slots(out, shown);
  write_holders(out, shown);
  write_queue(out, shown);
  out.field("created_at", e.created_at).field("revision", e.revision).end_object();
}

Result<std::string> json_of(const Context& context, store::Session& session,
                            Environment environment, TimePoint wall) {
  BATON_TRY(shown, load(session, std::move(environment), wall, kQueueShown));
  wire::JsonWriter out(context.settings.public_url);
  write_environment(out, shown);
  return out.take();
}

// Those with the labels, after `after`, at most `limit` and one more.
Result<std::vector<Environment>> find_labelled(store::Session& session, const model::Labels& labels,
                                               std::string after, int limit) {
  std::vector<Environment> found;
  for (;;) {
    BATON_TRY(page, store::list_environments(session, after, kPageMax));
    for (Environment& environment : page) {
      after = environment.name;
      if (!model::has_labels(environment.labels, labels)) continue;
      found.push_back(std::move(environment));
      if (static_cast<int>(found.size()) > limit) return found;
    }
    if (static_cast<int>(page.size()) < kPageMax) return found;
  }
}

// maintenance, drain, enable and restore differ in the operation and its name only.
using Change = std::function<Result<Environment>(engine::Context&, const std::string& name,
                                                 std::string_view reason, std::string_view by)>;

Async change_environment(Context& context, Call& call, std::string action, Change change) {
  auto reason = wire::parse_reason(call.request.body);
  if (!reason) co_return tl::unexpected(reason.error());
  Post post{.scope = action + ":" + call.args[0]};
  PostOperation operation = [&context, name = call.args[0], reason = *reason, action,
                             change = std::move(change), actor = actor_of(call)](
                                engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(environment, change(c, name, reason, actor.name));
    BATON_TRY_VOID(audit(c, actor, action, store::environment_subject(name),
                         fmt::format(R"({{"reason":{}}})", json_quote(reason))));
    BATON_TRY(json, json_of(context, c.tx.sql(), std::move(environment), c.now.wall));
    return store::StoredAnswer{200, {}, std::move(json)};
  };
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  co_return answer;
}

Change state_change(Context& context, EnvironmentState state) {
  return [&rules = context.rules, state](engine::Context& c, const std::string& name,
                                         std::string_view reason, std::string_view by) {
    return engine::set_environment_state(c, rules, name, {state, reason, by});
  };
}

struct Declared {
  std::string json;
  std::int64_t revision = 0;
  bool is_new = false;
};

net::Response environment_reply(int status, std::string json, std::int64_t revision) {
  net::Response response = json_reply(status, std::move(json));
  response.headers.set("ETag", wire::etag_of_revision(revision));
  return response;
}

}  // namespace

Async list_environments(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(limit, page_limit(call));
    BATON_TRY(cursor, text_cursor(call));
    BATON_TRY(wanted, label_queries(call));
    const model::Labels labels(wanted.begin(), wanted.end());
    BATON_TRY(found, find_labelled(session, labels, cursor.value_or(""), limit));
    const auto next = cut_page(found, limit, &Environment::name);
    Page page(context, call);
    for (Environment& environment : found) {
      BATON_TRY(shown, load(session, std::move(environment), context.clock().wall, kQueueInList));
      write_environment(page.items(), shown);
    }
    return page.finish(next);
  });
}

Async get_environment(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(environment, engine::get_environment(session, call.args[0]));
    const std::int64_t revision = environment.revision;
    BATON_TRY(json, json_of(context, session, std::move(environment), context.clock().wall));
    // Holders and queue change without a new revision: no 304 here.
    return environment_reply(200, std::move(json), revision);
  });
}

Async put_environment(Context& context, Call& call) {
  auto environment = wire::parse_environment(call.request.body, call.args[0]);
  if (!environment) co_return tl::unexpected(environment.error());
  engine::Operation<Declared> operation =
      [&context, environment = *environment, bound_to = preconditions_of(call),
       actor = actor_of(call)](engine::Context& c) -> Result<Declared> {
    BATON_TRY(known, store::find_environment(c.tx.sql(), environment.name));
    BATON_TRY_VOID(check(bound_to, known ? wire::etag_of_revision(known->revision) : ""));
    BATON_TRY(declared, engine::declare_environment(c, context.rules, environment));
    BATON_TRY_VOID(audit(c, actor, "environment.declare",
                         store::environment_subject(environment.name)));
    const std::int64_t revision = declared.revision;
    BATON_TRY(json, json_of(context, c.tx.sql(), std::move(declared), c.now.wall));
    return Declared{std::move(json), revision, !known};
  };
  auto declared = co_await submit<Declared>(context, std::move(operation));
  if (!declared) co_return tl::unexpected(declared.error());
  net::Response response = environment_reply(declared->is_new ? 201 : 200,
                                             std::move(declared->json), declared->revision);
  if (declared->is_new) response.headers.set("Location", call.request.path);
  co_return response;
}

Async delete_environment(Context& context, Call& call) {
  engine::Operation<bool> operation = [name = call.args[0], bound_to = preconditions_of(call),
                                       actor = actor_of(call)](engine::Context& c) -> Result<bool> {
    if (!bound_to.if_match.empty()) {
      BATON_TRY(known, engine::get_environment(c.tx.sql(), name));
      BATON_TRY_VOID(check(bound_to, wire::etag_of_revision(known.revision)));
    }
    BATON_TRY_VOID(engine::delete_environment(c, name));
    BATON_TRY_VOID(audit(c, actor, "environment.delete", store::environment_subject(name)));
    return true;
  };
  auto done = co_await submit<bool>(context, std::move(operation));
  if (!done) co_return tl::unexpected(done.error());
  co_return net::reply(204);
}

Async start_maintenance(Context& context, Call& call) {
  Change change = state_change(context, EnvironmentState::maintenance);
  auto answer =
      co_await change_environment(context, call, "environment.maintenance", std::move(change));
  co_return answer;
}

Async drain_environment(Context& context, Call& call) {
  Change change = state_change(context, EnvironmentState::draining);
  auto answer = co_await change_environment(context, call, "environment.drain", std::move(change));
  co_return answer;
}

Async enable_environment(Context& context, Call& call) {
  Change change = state_change(context, EnvironmentState::enabled);
  auto answer = co_await change_environment(context, call, "environment.enable", std::move(change));
  co_return answer;
}

Async restore_environment(Context& context, Call& call) {
  Change change = [&rules = context.rules](engine::Context& c, const std::string& name,
                                           std::string_view reason, std::string_view by) {
    return engine::restore_environment(c, rules, name, reason, by);
  };
  auto answer =
      co_await change_environment(context, call, "environment.restore", std::move(change));
  co_return answer;
}

Async check_fence(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(environment, engine::get_environment(session, call.args[0]));
    BATON_TRY(fence, integer_query(call, "check", 0, INT64_MAX));
    if (!fence)
      return fail_with_fix(Code::invalid, "add ?check=FENCE", "the fence to check is not given");
    BATON_TRY(uses, store::current_uses(session, environment.name));
    wire::JsonWriter current;
    current.begin_array();
    for (const store::Use& use : uses) {
      if (use.fence != *fence) {
        current.value(use.fence);
        continue;
      }
      BATON_TRY(lease, store::lease_at(session, use.seq));
      wire::JsonWriter out;
      out.begin_object().field("environment", environment.name).field("fence", *fence);
      out.field("current", true);
      if (lease) {
        out.field("lease", lease->id).key("holder").raw(engine::holder_json(*lease));
      }
      return json_reply(200, out.end_object().take());
    }
    Error error{Code::stale_fence,
                fmt::format("{} is the fence of nobody who holds {} now", *fence, environment.name),
                "stop: the lease has ended, and somebody else may hold it"};
    error.members = fmt::format(R"("current":{})", current.end_array().take());
    return tl::unexpected(std::move(error));
  });
}

}  // namespace baton::api
