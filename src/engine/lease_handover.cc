// SPDX-License-Identifier: MIT
// From one holder to the next with nothing in between.
#include <algorithm>

#include "engine/lease_status.h"
#include "engine/run_finish.h"
#include "engine/run_lease.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::Grant;
using model::Lease;
using model::LeaseState;

tl::unexpected<Error> does_not_fit(const Lease& from, const Lease& to) {
  return fail_with_fix(Code::unprocessable,
                       "the waiting lease has to want what the other one holds, or part of it",
                       "what {} holds is not what {} waits for", from.id, to.id);
}

// The slots of `from` that serve every want of `to`; empty when they do not.
Result<std::vector<Grant>> part_for(store::Session& session, const Lease& from, const Lease& to) {
  std::vector<Grant> left = from.grants;
  std::vector<Grant> given;
  for (const model::Want& want : to.request.wants) {
    for (int i = 0; i < want.slots; ++i) {
      auto found = left.end();
      for (auto grant = left.begin(); grant != left.end() && found == left.end(); ++grant) {
        // A shared slot cannot become exclusive while others share it.
        const bool mode_fits = grant->mode == want.mode ||
                               grant->mode == model::LeaseMode::exclusive;
        if (!mode_fits) continue;
        if (grant->environment == want.environment) found = grant;
        if (!want.environment.empty()) continue;
        BATON_TRY(environment, store::find_environment(session, grant->environment));
        if (environment && model::has_labels(environment->labels, want.labels)) found = grant;
      }
      if (found == left.end()) return std::vector<Grant>{};
      given.push_back({found->environment, found->slot, want.mode});
      left.erase(found);
    }
  }
  return given;
}

// A lease of the new holder for exactly what the old one had.
Lease successor_of(Context& context, const Lease& from, const model::Holder& holder) {
  Lease to;
  to.id = make_lease_id(context);
  to.request.holder = holder;
  to.request.source = model::LeaseSource::api;
  for (const Grant& grant : from.grants) {
    const auto known = std::find_if(
        to.request.wants.begin(), to.request.wants.end(),
        [&](const model::Want& want) { return want.environment == grant.environment; });
    if (known == to.request.wants.end())
      to.request.wants.push_back({grant.environment, {}, grant.mode, 1});
    else
      ++known->slots;
  }
  to.request.ttl = from.request.ttl;
  to.ttl = from.ttl.count() > 0 ? from.ttl : model::kTtlDefault;
  to.max_hold = from.max_hold;
  to.token = from.token;
  to.created_at = context.now.wall;
  to.order_key = to_ms(context.now.at);
  return to;
}

Result<Lease> heir_of(Context& context, const Lease& from, const Heir& heir) {
  if (heir.lease.empty()) {
    Lease to = successor_of(context, from, heir.holder.value_or(model::Holder{}));
    BATON_TRY_VOID(model::check_lease_request(to.request));
    return to;
  }
  BATON_TRY(to, get_lease(context.tx.sql(), heir.lease));
  if (to.state != LeaseState::queued)
    return fail(Code::conflict, "the lease {} does not wait: it is {}", to.id, name_of(to.state));
  return std::move(to);
}

}  // namespace

Result<LeaseStatus> hand_over(Context& context, const Rules& rules, Lease from, const Heir& heir,
                              const End& how) {
  store::Tx& tx = context.tx;
  if (from.request.run)
    return fail_with_fix(Code::conflict, "cancel the run, or wait for its end",
                         "the lease {} belongs to run {} and ends with it", from.id,
                         raw(*from.request.run));
  BATON_TRY(to, heir_of(context, from, heir));
  BATON_TRY(slots, part_for(tx.sql(), from, to));
  if (slots.empty()) return does_not_fit(from, to);
  // Let go in the same transaction without cleaning: what is handed over stays in use. What is not
  // goes its usual way.
  std::vector<Grant> rest;
  for (const Grant& grant : from.grants) {
    const bool given = std::any_of(slots.begin(), slots.end(), [&](const Grant& slot) {
      return slot.environment == grant.environment && slot.slot == grant.slot;
    });
    if (!given) rest.push_back(grant);
  }
  const bool waited = to.seq != 0;
  BATON_TRY(wanted, store::wanted_by(tx.sql(), to.seq));
  from.successor = to.id;
  BATON_TRY_VOID(end_for(context, from, how, rest));
  Duration claim_window = model::Environment{}.claim_window;
  if (waited) {
    BATON_TRY(environment, store::find_environment(tx.sql(), slots[0].environment));
    if (environment) claim_window = environment->claim_window;
  }
  BATON_TRY_VOID(give(context, to, std::move(slots), claim_window));
  std::set<std::string> names = environments_of(from);
  names.insert(wanted.begin(), wanted.end());
  BATON_TRY_VOID(settle(context, rules, std::move(names)));
  if (to.request.run) {
    BATON_TRY_VOID(run_has_lease(context, *to.request.run));
    BATON_TRY_VOID(admit(context, rules));
  }
  return status_of(context, std::move(to));
}

}  // namespace baton::engine
