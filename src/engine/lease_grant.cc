// SPDX-License-Identifier: MIT
#include "engine/lease_grant.h"

#include <algorithm>

#include "engine/deadline_kinds.h"
#include "engine/lease_party.h"
#include "engine/run_finish.h"
#include "engine/run_lease.h"
#include "engine/slot_ops.h"

namespace baton::engine {
namespace {

using model::Grant;
using model::Lease;
using model::LeaseState;
using store::Place;

constexpr int kQueuePage = 16;
constexpr Place kBefore{INT64_MIN, 0};

// Walks the queues of some environments together, in order, and serves who can be served. When it
// meets a lease that may be given another environment too, that one has to be walked along from its
// beginning: the walk says so and is begun again with it.
class Walk {
 public:
  Walk(Context& context, std::set<std::string> names)
      : context_(context), names_(std::move(names)) {}

  Result<void> run() {
    for (;;) {
      BATON_TRY(done, pass());
      if (done) return {};
    }
  }
  /// The environments that had less than was wanted are told to make more slots, if they can.
  Result<void> provision() {
    for (const auto& [name, view] : views_)
      BATON_TRY_VOID(provision_for_waiters(context_, view.environment));
    return {};
  }
  /// Those whose leases were granted.
  const std::vector<RunId>& runs() const { return runs_; }

 private:
  struct Queue {
    std::vector<Place> page;
    std::size_t at = 0;
    bool ended = false;
  };

  // Result: true when it is done; false: begin again, names_ has grown.
  Result<bool> pass() {
    BATON_TRY_VOID(load());
    for (;;) {
      BATON_TRY(next, first());
      if (!next) return true;
      BATON_TRY(lease, store::lease_at(context_.tx.sql(), next->seq));
      if (!lease) return fail(Code::internal, "lease {} is queued but unknown", next->seq);
      BATON_TRY(wanted, store::wanted_by(context_.tx.sql(), next->seq));
      const std::size_t known = names_.size();
      names_.insert(wanted.begin(), wanted.end());
      if (names_.size() != known) return false;
      BATON_TRY_VOID(serve(*lease));
    }
  }

  Result<void> load() {
    views_.clear();
    queues_.clear();
    done_ = kBefore;
    for (const std::string& name : names_) {
      auto view = load_view(context_.tx.sql(), name, context_.now.wall);
      if (!view && view.error().code == Code::not_found) continue;
      if (!view) return tl::unexpected(view.error());
      views_.emplace(name, *std::move(view));
      queues_[name];
    }
    return {};
  }

  // The oldest of the heads of all queues that still have something to give.
  Result<std::optional<Place>> first() {
    std::optional<Place> oldest;
    for (auto& [name, queue] : queues_) {
      if (queue.ended || views_.find(name)->second.is_exhausted()) continue;
      while (queue.at < queue.page.size() && queue.page[queue.at] <= done_) ++queue.at;
      if (queue.at >= queue.page.size()) BATON_TRY_VOID(turn(name, queue));
      if (queue.ended) continue;
      const Place& head = queue.page[queue.at];
      if (!oldest || head < *oldest) oldest = head;
    }
    if (oldest) done_ = *oldest;
    return oldest;
  }

  // Reads the queue's next page: what comes after all that was looked at, in whichever queue.
  Result<void> turn(const std::string& name, Queue& queue) {
    BATON_TRY(page, store::queue_page(context_.tx.sql(), name, done_, kQueuePage));
    queue.page = std::move(page);
    queue.at = 0;
    queue.ended = queue.page.empty();
    return {};
  }

  Result<void> serve(Lease& lease) {
    const Binds binds = [&](std::int64_t older) -> Result<bool> {
      BATON_TRY(waits, waits_for_party(context_.tx.sql(), older, lease));
      return !waits;
    };
    BATON_TRY(choice, choose(views_, lease, context_.now.wall, binds));
    if (choice.grants.empty()) {
      if (!choice.barred) set_aside(views_, lease);
      return {};
    }
    const auto& view = views_.find(choice.grants[0].environment)->second;
    BATON_TRY_VOID(give(context_, lease, choice.grants, view.environment.claim_window));
    for (const Grant& grant : lease.grants) mark(grant, lease);
    if (lease.request.run) runs_.push_back(*lease.request.run);
    return {};
  }

  void mark(const Grant& grant, const Lease& lease) {
    for (store::SlotRow& slot : views_.find(grant.environment)->second.slots) {
      if (slot.number != grant.slot) continue;
      slot.state = model::SlotState::held;
      slot.mode = grant.mode;
      ++slot.holders;
      slot.lease = lease.id;
    }
  }

  Context& context_;
  std::set<std::string> names_;
  Views views_;
  std::map<std::string, Queue> queues_;
  Place done_ = kBefore;  // everything up to here was looked at
  std::vector<RunId> runs_;
};

Result<void> leave_queue(Context& context, const Lease& lease) {
  const std::string subject = store::lease_subject(lease.id);
  BATON_TRY_VOID(store::remove_wants(context.tx, lease.seq));
  if (lease.request.waits_for_ever) return {};
  BATON_TRY_VOID(context.tx.clear_deadline(kLeaseWait, subject));
  return context.tx.clear_deadline(kLeaseSilent, subject);
}

Result<void> clear_ends(Context& context, const Lease& lease) {
  const std::string subject = store::lease_subject(lease.id);
  if (lease.max_hold) BATON_TRY_VOID(context.tx.clear_deadline(kLeaseHold, subject));
  if (lease.request.wait.count() > 0)
    BATON_TRY_VOID(context.tx.clear_deadline(kLeaseClaim, subject));
  return {};
}

bool is_clean(const Lease& lease) {
  if (lease.outcome) return *lease.outcome == model::LeaseOutcome::clean;
  return lease.state == LeaseState::released || lease.state == LeaseState::transferred;
}

// Whether somebody waits for one of these environments, or one that makes its slots is told of each
// change.
Result<bool> anybody_waits(Context& context, const std::set<std::string>& environments) {
  for (const std::string& name : environments) {
    BATON_TRY(queued, store::has_queue(context.tx.sql(), name));
    if (queued) return true;
    BATON_TRY(environment, store::find_environment(context.tx.sql(), name));
    if (environment && environment->hooks.contains(model::HookKind::provision)) return true;
  }
  return false;
}

std::string event_of(LeaseState state) { return fmt::format("lease.{}", name_of(state)); }

// The held lease has ended: its slots are left, and those in `rest` go their way between two
// leases.
Result<void> end_uses(Context& context, Lease& lease, const std::vector<Grant>& rest) {
  store::Tx& tx = context.tx;
  lease.expires_at.reset();
  BATON_TRY_VOID(clear_ends(context, lease));
  BATON_TRY_VOID(store::update_lease(tx, lease, event_of(lease.state)));
  const auto is_in_rest = [&](const Grant& grant) {
    return std::any_of(rest.begin(), rest.end(), [&](const Grant& one) {
      return one.environment == grant.environment && one.slot == grant.slot;
    });
  };
  for (const Grant& grant : lease.grants) {
    BATON_TRY_VOID(store::end_use(tx, lease, grant));
    BATON_TRY(left, store::leave_slot(tx, grant.environment, grant.slot));
    if (left == 0 && is_in_rest(grant))
      BATON_TRY_VOID(after_use(context, grant, lease, is_clean(lease)));
  }
  return {};
}

}  // namespace

std::string make_lease_id(Context& context) {
  static constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  static constexpr std::string_view kPrefix = "lse_";
  static constexpr std::size_t kTimeDigits = 9;  // of base 36: milliseconds beyond the year 5000
  std::string id = context.ids.make(kPrefix);
  auto left = static_cast<std::uint64_t>(to_ms(context.now.wall));
  for (std::size_t i = kTimeDigits; i > 0; --i, left /= 36)
    id[kPrefix.size() + i - 1] = kDigits[left % 36];
  return id;
}

std::set<std::string> environments_of(const Lease& lease) {
  std::set<std::string> names;
  for (const Grant& grant : lease.grants) names.insert(grant.environment);
  for (const model::Want& want : lease.request.wants)
    if (!want.environment.empty()) names.insert(want.environment);
  return names;
}

Result<void> settle(Context& context, const Rules& rules, std::set<std::string> environments) {
  BATON_TRY(waits, anybody_waits(context, environments));
  if (!waits) return {};
  Walk walk(context, std::move(environments));
  BATON_TRY_VOID(walk.run());
  BATON_TRY_VOID(walk.provision());
  if (walk.runs().empty()) return {};
  for (const RunId run : walk.runs()) BATON_TRY_VOID(run_has_lease(context, run));
  return admit(context, rules);
}

Result<void> give(Context& context, Lease& lease, std::vector<Grant> grants,
                  Duration claim_window) {
  store::Tx& tx = context.tx;
  const bool waited = lease.seq != 0;
  BATON_TRY(fence, store::next_fence(tx));
  lease.fence = fence;
  lease.state = LeaseState::held;
  lease.grants = std::move(grants);
  lease.granted_at = context.now.wall;
  if (lease.ttl.count() > 0) lease.expires_at = context.now.at + lease.ttl + kClockGrain;
  if (waited) {
    BATON_TRY_VOID(leave_queue(context, lease));
    BATON_TRY_VOID(store::update_lease(tx, lease, "lease.granted"));
  } else {
    BATON_TRY_VOID(store::insert_lease(tx, lease, "lease.granted"));
  }
  for (const Grant& grant : lease.grants) {
    BATON_TRY_VOID(
        store::take_slot(tx, grant.environment, grant.slot, grant.mode, lease.id));
    BATON_TRY_VOID(store::begin_use(tx, lease, grant));
  }
  const std::string subject = store::lease_subject(lease.id);
  if (lease.max_hold)
    BATON_TRY_VOID(tx.set_deadline(kLeaseHold, subject, context.now.at + *lease.max_hold));
  if (!waited || lease.request.waits_for_ever) return {};
  return tx.set_deadline(kLeaseClaim, subject, context.now.at + claim_window);
}

Result<std::set<std::string>> end_lease(Context& context, Lease& lease, const End& how) {
  store::Tx& tx = context.tx;
  const bool held = lease.state == LeaseState::held;
  lease.state = how.state;
  lease.ended_at = context.now.wall;
  lease.ended_by = std::string(how.by);
  lease.reason = std::string(how.reason);
  if (!held) {
    BATON_TRY(wanted, store::wanted_by(tx.sql(), lease.seq));
    BATON_TRY_VOID(leave_queue(context, lease));
    BATON_TRY_VOID(store::update_lease(tx, lease, event_of(how.state)));
    return std::set<std::string>(wanted.begin(), wanted.end());
  }
  BATON_TRY_VOID(end_uses(context, lease, lease.grants));
  return environments_of(lease);
}

Result<void> end_for(Context& context, Lease& lease, const End& how,
                     const std::vector<Grant>& rest) {
  lease.state = how.state;
  lease.ended_at = context.now.wall;
  lease.ended_by = std::string(how.by);
  lease.reason = std::string(how.reason);
  return end_uses(context, lease, rest);
}

}  // namespace baton::engine
