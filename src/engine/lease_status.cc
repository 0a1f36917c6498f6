// SPDX-License-Identifier: MIT
#include "engine/lease_status.h"

#include <algorithm>

#include "base/text.h"
#include "engine/deadline_kinds.h"
#include "store/environment_table.h"
#include "store/journal_table.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::Lease;
using model::LeaseState;

constexpr int kHoldsForEta = 20;
// Nobody plans by a place that far back, and each step costs a look at every slot.
constexpr int kEtaPlacesMax = 10'000;

std::string holders_json(const std::vector<Lease>& holders) {
  std::string list;
  for (const Lease& lease : holders) list += (list.empty() ? "" : ",") + holder_json(lease);
  return "[" + list + "]";
}

// When the environment serves one who waits after the other: slots become free in turn.
class Etas {
 public:
  static Result<Etas> of(store::Session& session, std::string_view name, TimePoint wall) {
    Etas etas;
    BATON_TRY(usual, store::usual_hold(session, name, kHoldsForEta));
    BATON_TRY(environment, store::find_environment(session, name));
    if (!usual || !environment) return etas;
    // Nobody knows when it is mended, or given out again.
    if (environment->state != model::EnvironmentState::enabled) return etas;
    BATON_TRY(slots, store::slots_of(session, name));
    const auto broken = std::count_if(slots.begin(), slots.end(), [](const store::SlotRow& slot) {
      return slot.state == model::SlotState::broken;
    });
    const int usable = environment->slots - static_cast<int>(broken);
    if (usable <= 0) return etas;
    etas.usual_ = usual;
    BATON_TRY(uses, store::current_uses(session, name));
    for (const store::Use& use : uses)
      etas.left_.push_back(std::max(Duration{0}, *usual - (wall - use.from)));
    while (static_cast<int>(etas.left_.size()) < usable) etas.left_.emplace_back(0);
    return etas;
  }
  /// Of the next one in the queue; nothing when no hold has ended yet.
  std::optional<Duration> next() {
    if (!usual_) return std::nullopt;
    const auto first = std::min_element(left_.begin(), left_.end());
    const Duration eta = *first;
    *first += *usual_;
    return eta;
  }

 private:
  std::optional<Duration> usual_;
  std::vector<Duration> left_;  // until each slot is free again
};

Result<std::optional<Duration>> eta_in(store::Session& session, std::string_view name, int position,
                                       TimePoint wall) {
  BATON_TRY(etas, Etas::of(session, name, wall));
  std::optional<Duration> eta;
  for (int i = 0; i < std::min(position, kEtaPlacesMax); ++i) eta = etas.next();
  return eta;
}

std::string join(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Result<Lease> get_lease(store::Session& session, std::string_view id) {
  BATON_TRY(found, store::find_lease(session, id));
  if (!found)
    return fail_with_fix(Code::not_found, "`baton lock ls` lists the leases",
                         "the lease {} is unknown", json_quote(id));
  return *std::move(found);
}

Result<LeaseStatus> status_of(const Context& context, Lease lease) {
  const Beats::Beat beat = context.beats.of(lease.id);
  return status_of(context.tx.sql(), context.now.at, beat, std::move(lease));
}

Result<LeaseStatus> status_of(store::Session& sql, TimePoint at, const Beats::Beat& beat,
                              Lease lease) {
  LeaseStatus status;
  if (lease.state == LeaseState::held) {
    if (lease.ttl.count() > 0) {
      TimePoint end = lease.expires_at.value_or(at);
      if (beat.fence == lease.fence) end = std::max(end, beat.until);
      status.expires_in = std::max(Duration{0}, end - at - kClockGrain);
    }
    if (lease.max_hold) {
      BATON_TRY(due, store::find_deadline(sql, kLeaseHold, store::lease_subject(lease.id)));
      const Duration left = due ? std::max(Duration{0}, *due - at) : Duration{0};
      status.expires_in = std::min(status.expires_in.value_or(left), left);
    }
    std::set<std::string> seen;
    for (const model::Grant& grant : lease.grants) {
      if (!seen.insert(grant.environment).second) continue;
      BATON_TRY(environment, store::find_environment(sql, grant.environment));
      if (environment)
        for (const auto& [key, value] : environment->properties) status.properties[key] = value;
    }
  }
  status.lease = std::move(lease);
  return status;
}

Result<QueuePlace> place_of(store::Session& session, const Lease& lease, TimePoint wall) {
  QueuePlace place;
  BATON_TRY(before, store::ahead_in_queue(session, lease));
  place.position = before + 1;
  BATON_TRY(names, store::wanted_by(session, lease.seq));
  std::set<std::int64_t> seen{lease.seq};
  const auto add = [&](std::int64_t seq) -> Result<void> {
    if (place.ahead.size() >= kAheadMax || !seen.insert(seq).second) return {};
    BATON_TRY(one, store::lease_at(session, seq));
    if (one) place.ahead.push_back(*std::move(one));
    return {};
  };
  for (const std::string& name : names) {
    BATON_TRY(uses, store::current_uses(session, name));
    for (const store::Use& use : uses) BATON_TRY_VOID(add(use.seq));
    BATON_TRY(eta, eta_in(session, name, place.position, wall));
    // It needs them all: the last one counts.
    if (eta) place.eta = std::max(place.eta.value_or(Duration{0}), *eta);
  }
  BATON_TRY(bars, bars_of(session, lease, wall));
  for (const Bar& bar : bars)
    if (bar.window && place.eta) place.eta = std::max(*place.eta, bar.window->to - wall);
  place.bars = std::move(bars);
  for (const std::string& name : names) {
    BATON_TRY(page, store::queue_page(session, name, {INT64_MIN, 0}, kAheadMax));
    for (const store::Place& one : page) {
      if (one >= store::Place{lease.order_key, lease.seq}) break;
      BATON_TRY_VOID(add(one.seq));
    }
  }
  return place;
}

Result<std::vector<Waiting>> queue_of(store::Session& session,
                                      const model::Environment& environment, TimePoint wall,
                                      int limit) {
  std::vector<Waiting> queue;
  BATON_TRY(etas, Etas::of(session, environment.name, wall));
  BATON_TRY(places, store::queue_page(session, environment.name, {INT64_MIN, 0}, limit));
  for (const store::Place& place : places) {
    BATON_TRY(lease, store::lease_at(session, place.seq));
    if (!lease) continue;
    queue.push_back({*std::move(lease), static_cast<int>(queue.size()) + 1, etas.next()});
  }
  return queue;
}

Result<bool> can_have_now(store::Session& session, std::string_view environment,
                          std::string_view holder, TimePoint wall) {
  Views views;
  BATON_TRY(view, load_view(session, environment, wall));
  views.emplace(std::string(environment), std::move(view));
  BATON_TRY(queued, store::has_queue(session, environment));
  if (queued) return false;
  Lease lease;
  lease.request.holder.name = std::string(holder);
  lease.request.wants.emplace_back().environment = std::string(environment);
  lease.max_hold = views.begin()->second.environment.max_hold;
  const Binds nothing_set_aside = [](std::int64_t) -> Result<bool> { return false; };
  BATON_TRY(choice, choose(views, lease, wall, nothing_set_aside));
  return !choice.grants.empty();
}

Result<std::vector<Lease>> holders_of(store::Session& session, std::string_view environment) {
  BATON_TRY(uses, store::current_uses(session, environment));
  std::vector<Lease> holders;
  std::set<std::int64_t> seen;
  for (const store::Use& use : uses) {
    if (!seen.insert(use.seq).second) continue;
    BATON_TRY(lease, store::lease_at(session, use.seq));
    if (lease) holders.push_back(*std::move(lease));
  }
  return holders;
}

std::string holder_json(const Lease& lease) {
  const model::Holder& holder = lease.request.holder;
  std::string json = fmt::format(R"({{"name":{})", json_quote(holder.name));
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) json += fmt::format(R"(,"{}":{})", key, json_quote(value));
  };
  add("url", holder.url);
  add("reason", holder.reason);
  if (lease.request.run)
    json += fmt::format(R"(,"run":{})", raw(*lease.request.run));
  else
    add("run", holder.run);
  if (lease.request.source != model::LeaseSource::api)
    json += fmt::format(R"(,"source":"{}")", name_of(lease.request.source));
  return json + "}";
}

Result<void> check_fence(const Lease& lease, std::int64_t fence) {
  if (fence == lease.fence) return {};
  return fail_with_fix(Code::stale_fence, "use the fence that came with the grant",
                       "the fence {} is not the lease's: it is {} now", fence, lease.fence);
}

tl::unexpected<Error> lost(const Lease& lease) {
  const std::string when = lease.ended_at ? format_rfc3339(*lease.ended_at) : "";
  Error error{Code::gone,
              fmt::format("the lease {} was lost: {} at {}{}{}", lease.id, name_of(lease.state),
                          when, lease.ended_by.empty() ? "" : " by " + lease.ended_by,
                          lease.reason.empty() ? "" : ": " + lease.reason),
              "stop using the environment at once; acquire a new lease"};
  error.members = fmt::format(R"("state":"{}","ended_at":"{}","ended_by":{},"reason":{})",
                              name_of(lease.state), when, json_quote(lease.ended_by),
                              json_quote(lease.reason));
  return tl::unexpected(std::move(error));
}

tl::unexpected<Error> busy(store::Session& session, const Lease& lease, TimePoint wall) {
  auto names = store::wanted_by(session, lease.seq);
  if (!names) return tl::unexpected(names.error());
  std::vector<Lease> holders;
  int queued = 0;
  for (const std::string& name : *names) {
    auto some = holders_of(session, name);
    if (!some) return tl::unexpected(some.error());
    for (Lease& one : *some) holders.push_back(std::move(one));
    auto length = store::queue_length(session, name);
    if (!length) return tl::unexpected(length.error());
    queued = std::max(queued, *length - 1);  // without this one
  }
  std::string who;
  for (const Lease& one : holders) who += (who.empty() ? "" : ", ") + one.request.holder.name;
  auto bars = bars_of(session, lease, wall);
  if (!bars) return tl::unexpected(bars.error());
  std::string why;
  std::string barred;
  for (const Bar& bar : *bars) {
    why += (why.empty() ? ": " : "; ") + describe(bar);
    barred += (barred.empty() ? "" : ",") + bar_json(bar);
  }
  const std::set<std::string> sorted(names->begin(), names->end());
  Error error{Code::busy,
              who.empty() ? fmt::format("{} cannot be had now{}", join(sorted), why)
                          : fmt::format("{} is held by {}{}", join(sorted), who, why),
              "wait for it: `wait` in the request, or --wait 10m"};
  error.members =
      fmt::format(R"("holders":{},"queue_length":{})", holders_json(holders), queued);
  if (!barred.empty()) error.members += fmt::format(R"(,"barred":[{}])", barred);
  return tl::unexpected(std::move(error));
}

tl::unexpected<Error> deadlock(const Lease& lease, const std::vector<std::string>& cycle) {
  std::string list;
  std::string told;
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    list += (i == 0 ? "" : ",") + json_quote(cycle[i]);
    told += (i % 2 == 0 ? (i == 0 ? "" : ", held by ") : " waits for ") + cycle[i];
  }
  if (!cycle.empty()) told += ", held by " + cycle[0];
  Error error{Code::deadlock,
              fmt::format("{} would wait for ever: {}", lease.request.holder.name, told),
              "ask for all environments in one request, or release what is held first"};
  error.members = fmt::format(R"("cycle":[{}])", list);
  return tl::unexpected(std::move(error));
}

}  // namespace baton::engine
