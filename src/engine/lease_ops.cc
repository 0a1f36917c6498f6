// SPDX-License-Identifier: MIT
#include "engine/lease_ops.h"

#include <algorithm>

#include "base/text.h"
#include "engine/deadline_kinds.h"
#include "engine/environment_ops.h"
#include "engine/lease_grant.h"
#include "engine/lease_party.h"
#include "engine/lease_status.h"
#include "engine/run_lease.h"
#include "store/environment_table.h"
#include "store/journal_table.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::Lease;
using model::LeaseState;

// The environments that could serve it, made when they have to be. Errors: not_found.
Result<Views> views_for(Context& context, const Rules& rules, const Lease& lease) {
  Views views;
  for (const model::Want& want : lease.request.wants) {
    if (want.environment.empty()) continue;
    auto view = load_view(context.tx.sql(), want.environment, context.now.wall);
    if (!view && view.error().code == Code::not_found) {
      BATON_TRY_VOID(make_on_first_use(context, rules, want.environment));
      view = load_view(context.tx.sql(), want.environment, context.now.wall);
    }
    if (!view) return tl::unexpected(std::move(view).error());
    views.emplace(want.environment, *std::move(view));
  }
  for (const model::Want& want : lease.request.wants) {
    if (!want.environment.empty()) continue;
    BATON_TRY(names, environments_with(context.tx.sql(), want.labels));
    for (const std::string& name : names) {
      if (views.contains(name)) continue;
      BATON_TRY(view, load_view(context.tx.sql(), name, context.now.wall));
      views.emplace(name, std::move(view));
    }
  }
  return views;
}

tl::unexpected<Error> unsatisfiable(const Lease& lease) {
  std::string what;
  for (const model::Want& want : lease.request.wants) {
    what += what.empty() ? "" : ", ";
    if (!want.environment.empty()) {
      what += want.environment;
    } else {
      std::string labels;
      for (const auto& [key, value] : want.labels)
        labels += fmt::format("{}{}={}", labels.empty() ? "" : ",", key, value);
      what += fmt::format("[{}]", labels);
    }
    if (want.slots > 1) what += fmt::format(" × {}", want.slots);
  }
  return fail_with_fix(Code::unsatisfiable,
                       "`baton env ls` shows the environments, their labels and slots",
                       "no environments can ever satisfy this request: {}", what);
}

// TTL and longest hold in force: the strictest of its environments.
void set_times(Lease& lease, const Views& views) {
  const bool for_ever = lease.request.no_expiry || lease.request.run;
  Duration ttl = lease.request.ttl.value_or(Duration::max());
  for (const auto& [name, view] : views) {
    const model::Environment& e = view.environment;
    ttl = std::min({ttl, e.ttl_max, lease.request.ttl ? Duration::max() : e.ttl});
    if (e.max_hold) lease.max_hold = std::min(lease.max_hold.value_or(*e.max_hold), *e.max_hold);
  }
  lease.ttl = for_ever ? Duration{0} : ttl;
  if (lease.request.run) lease.max_hold.reset();
}

Result<void> put_in_queues(Context& context, Lease& lease, const Views& views) {
  model::QueuePolicy policy = model::QueuePolicy::fifo;
  Duration age_step = Duration::max();
  for (const auto& [name, view] : views) {
    if (view.environment.policy == model::QueuePolicy::newest) policy = view.environment.policy;
    age_step = std::min(age_step, view.environment.age_step);
  }
  lease.order_key =
      model::order_key(context.now.at, lease.request.priority, age_step, policy);
  BATON_TRY_VOID(store::insert_lease(context.tx, lease, "lease.queued"));
  for (const auto& [name, view] : views) {
    BATON_TRY(length, store::queue_length(context.tx.sql(), name));
    if (length >= view.environment.queue_max && lease.request.wait.count() > 0)
      return fail_with_fix(Code::limit, "try again later, or raise queue.max of the environment",
                           "the queue of {} is full: {} wait already", name, length);
    BATON_TRY_VOID(
        store::add_want(context.tx, name, {lease.order_key, lease.seq}));
  }
  return {};
}

// Those who waited and are done with because of the newer request.
Result<std::set<std::string>> supersede(Context& context, const Lease& lease, const Views& views) {
  std::set<std::int64_t> older;
  if (!lease.request.supersede_key.empty()) {
    BATON_TRY(seqs,
              store::waiting_with_key(context.tx.sql(), lease.request.supersede_key));
    older.insert(seqs.begin(), seqs.end());
  }
  for (const auto& [name, view] : views) {
    if (view.environment.policy != model::QueuePolicy::latest_only) continue;
    BATON_TRY(places, store::queue_page(context.tx.sql(), name, {INT64_MIN, 0}, INT32_MAX));
    for (const store::Place& place : places) older.insert(place.seq);
  }
  older.erase(lease.seq);
  std::set<std::string> touched;
  for (const std::int64_t seq : older) {
    BATON_TRY(found, store::lease_at(context.tx.sql(), seq));
    if (!found || found->state != LeaseState::queued) continue;
    const std::string reason = fmt::format("superseded by {}", lease.id);
    BATON_TRY(names, end_lease(context, *found, {LeaseState::superseded, "", reason}));
    touched.insert(names.begin(), names.end());
  }
  return touched;
}

Result<void> begin_wait(Context& context, const Lease& lease, const Views& views) {
  if (lease.request.waits_for_ever) return {};
  const std::string subject = store::lease_subject(lease.id);
  BATON_TRY_VOID(context.tx.set_deadline(kLeaseWait, subject,
                                         context.now.at + lease.request.wait));
  if (!lease.request.notify_url.empty()) return {};
  Duration silent = Duration::max();
  for (const auto& [name, view] : views) silent = std::min(silent, view.environment.keep_alive);
  return context.tx.set_deadline(kLeaseSilent, subject, context.now.at + silent);
}

std::set<std::string> names_in(const Views& views) {
  std::set<std::string> names;
  for (const auto& [name, view] : views) names.insert(name);
  return names;
}

// Nobody waits and everything is free: the usual case, without a row in any queue.
Result<bool> granted_at_once(Context& context, Lease& lease, const Views& views) {
  for (const auto& [name, view] : views) {
    BATON_TRY(queued, store::has_queue(context.tx.sql(), name));
    if (queued) return false;
  }
  const Binds nothing_set_aside = [](std::int64_t) -> Result<bool> { return false; };
  BATON_TRY(choice, choose(views, lease, context.now.wall, nothing_set_aside));
  if (choice.grants.empty()) return false;
  lease.order_key = to_ms(context.now.at);
  BATON_TRY_VOID(give(context, lease, std::move(choice.grants), Duration{0}));
  return true;
}

Result<LeaseStatus> acquire_in_turn(Context& context, const Rules& rules, Lease lease,
                                    const Views& views) {
  BATON_TRY_VOID(put_in_queues(context, lease, views));
  BATON_TRY(touched, supersede(context, lease, views));
  const bool waits = lease.request.waits_for_ever || lease.request.wait.count() > 0;
  if (waits) BATON_TRY_VOID(begin_wait(context, lease, views));
  std::set<std::string> names = names_in(views);
  names.insert(touched.begin(), touched.end());
  BATON_TRY_VOID(settle(context, rules, std::move(names)));
  BATON_TRY(now, store::lease_at(context.tx.sql(), lease.seq));
  if (!now) return fail(Code::internal, "lease {} is lost", lease.id);
  if (now->state == LeaseState::held) {
    // Whoever asked hears of it at once: nothing has to be claimed.
    BATON_TRY_VOID(context.tx.clear_deadline(kLeaseClaim, store::lease_subject(lease.id)));
    return status_of(context, *std::move(now));
  }
  if (!waits) return busy(context.tx.sql(), *now, context.now.wall);
  BATON_TRY(cycle, find_deadlock(context.tx.sql(), *now));
  if (!cycle.empty()) return deadlock(*now, cycle);
  return status_of(context, *std::move(now));
}

// The answer to its request was the grant, or somebody has seen it since. One that waited has a
// deadline for being seen from the grant on, even when that came in the moment of the request.
Result<bool> knows_of_grant(const Context& context, const Lease& lease) {
  if (lease.state != LeaseState::held) return false;
  if (context.beats.of(lease.id).fence == lease.fence) return true;
  if (lease.granted_at != lease.created_at) return false;
  BATON_TRY(claim,
            store::find_deadline(context.tx.sql(), kLeaseClaim, store::lease_subject(lease.id)));
  return !claim;
}

}  // namespace

Result<LeaseStatus> acquire(Context& context, const Rules& rules, model::LeaseRequest request,
                            std::string_view token) {
  BATON_TRY_VOID(model::check_lease_request(request));
  Lease lease;
  lease.id = make_lease_id(context);
  lease.request = std::move(request);
  lease.token = std::string(token);
  lease.created_at = context.now.wall;
  BATON_TRY(views, views_for(context, rules, lease));
  if (views.empty() || !is_satisfiable(views, lease)) return unsatisfiable(lease);
  set_times(lease, views);
  BATON_TRY(granted, granted_at_once(context, lease, views));
  if (!granted) return acquire_in_turn(context, rules, std::move(lease), views);
  if (!lease.request.supersede_key.empty()) {
    BATON_TRY(touched, supersede(context, lease, views));
    if (!touched.empty()) BATON_TRY_VOID(settle(context, rules, std::move(touched)));
  }
  return status_of(context, std::move(lease));
}

Result<LeaseStatus> see_lease(Context& context, std::string_view id, Duration waits_for) {
  BATON_TRY(lease, get_lease(context.tx.sql(), id));
  BATON_TRY(known, knows_of_grant(context, lease));
  if (lease.state == LeaseState::held)
    context.beats.note(lease.id, context.now.at, lease.fence, context.now.at);
  if (lease.state == LeaseState::queued && !lease.request.waits_for_ever) {
    BATON_TRY(names, store::wanted_by(context.tx.sql(), lease.seq));
    Duration silent = model::kTtlMax;
    for (const std::string& name : names) {
      BATON_TRY(environment, store::find_environment(context.tx.sql(), name));
      if (environment) silent = std::min(silent, environment->keep_alive);
    }
    context.beats.note(lease.id, context.now.at + waits_for + silent, 0, context.now.at);
  }
  BATON_TRY(status, status_of(context, std::move(lease)));
  status.was_known = known;
  return std::move(status);
}

Result<LeaseStatus> look_at_lease(Context& context, std::string_view id) {
  BATON_TRY(lease, get_lease(context.tx.sql(), id));
  BATON_TRY(known, knows_of_grant(context, lease));
  BATON_TRY(status, status_of(context, std::move(lease)));
  status.was_known = known;
  return std::move(status);
}

Result<LeaseStatus> renew_lease(Context& context, std::string_view id, std::int64_t fence) {
  BATON_TRY(lease, get_lease(context.tx.sql(), id));
  if (lease.state == LeaseState::queued)
    return fail_with_fix(Code::conflict, "wait for it: GET the lease with ?wait=25s",
                         "the lease {} is not held yet", id);
  BATON_TRY_VOID(check_fence(lease, fence));
  if (lease.state != LeaseState::held) return lost(lease);
  context.beats.note(lease.id, context.now.at + lease.ttl + kClockGrain, lease.fence,
                     context.now.at);
  return status_of(context, std::move(lease));
}

Result<void> reserve_lease(Context& context, std::string_view id, Duration window) {
  BATON_TRY(lease, get_lease(context.tx.sql(), id));
  return context.tx.set_deadline(kLeaseClaim, store::lease_subject(lease.id),
                                 context.now.at + window);
}

Result<bool> claim_lease(Context& context, std::string_view id) {
  BATON_TRY(lease, store::find_lease(context.tx.sql(), id));
  if (!lease || lease->state != LeaseState::held) return false;
  BATON_TRY_VOID(context.tx.clear_deadline(kLeaseClaim, store::lease_subject(id)));
  context.beats.note(lease->id, context.now.at + lease->ttl, lease->fence, context.now.at);
  return true;
}

Result<LeaseStatus> release_lease(Context& context, const Rules& rules, std::string_view id,
                                  const Farewell& farewell, std::string_view by) {
  BATON_TRY(lease, get_lease(context.tx.sql(), id));
  if (farewell.fence) BATON_TRY_VOID(check_fence(lease, *farewell.fence));
  if (!lease.is_live()) return status_of(context, std::move(lease));
  if (lease.request.run) return end_with_run(context, rules, std::move(lease), by, farewell.note);
  const bool held = lease.state == LeaseState::held;
  if (held) lease.outcome = farewell.outcome.value_or(model::LeaseOutcome::clean);
  lease.note = farewell.note;
  BATON_TRY(names, end_lease(context, lease,
                             {held ? LeaseState::released : LeaseState::cancelled, by, ""}));
  BATON_TRY_VOID(settle(context, rules, std::move(names)));
  return status_of(context, std::move(lease));
}

Result<LeaseStatus> revoke_lease(Context& context, const Rules& rules, std::string_view id,
                                 std::string_view reason, const std::optional<Heir>& heir,
                                 std::string_view by) {
  BATON_TRY(lease, get_lease(context.tx.sql(), id));
  if (!lease.is_live())
    return fail(Code::conflict, "the lease {} has ended: {}", id, name_of(lease.state));
  if (heir && lease.state == LeaseState::queued)
    return fail(Code::conflict, "the lease {} is not held yet: it has nothing to hand over", id);
  if (lease.request.run && !heir)
    return end_with_run(context, rules, std::move(lease), by, reason);
  if (heir)
    return hand_over(context, rules, std::move(lease), *heir,
                     {LeaseState::revoked, by, reason});
  BATON_TRY(names, end_lease(context, lease, {LeaseState::revoked, by, reason}));
  BATON_TRY_VOID(settle(context, rules, std::move(names)));
  return status_of(context, std::move(lease));
}

Result<LeaseStatus> transfer_lease(Context& context, const Rules& rules, std::string_view id,
                                   std::int64_t fence, const Heir& heir, std::string_view by) {
  BATON_TRY(lease, get_lease(context.tx.sql(), id));
  if (lease.state == LeaseState::queued)
    return fail(Code::conflict, "the lease {} is not held yet: it has nothing to hand over", id);
  BATON_TRY_VOID(check_fence(lease, fence));
  if (lease.state != LeaseState::held) return lost(lease);
  return hand_over(context, rules, std::move(lease), heir, {LeaseState::transferred, by, ""});
}

}  // namespace baton::engine
