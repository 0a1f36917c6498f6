// SPDX-License-Identifier: MIT
#include "engine/environment_ops.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "engine/booking_ops.h"
#include "engine/lease_grant.h"
#include "engine/slot_ops.h"
#include "store/lease_json.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::Environment;
using model::EnvironmentState;
using model::HookKind;
using model::SlotState;
using model::SuiteSource;
using store::SlotRow;

constexpr int kPage = 500;

Result<std::vector<Environment>> all_environments(store::Session& session) {
  std::vector<Environment> all;
  for (;;) {
    BATON_TRY(page, store::list_environments(session, all.empty() ? "" : all.back().name, kPage));
    const bool last = page.size() < static_cast<std::size_t>(kPage);
    std::move(page.begin(), page.end(), std::back_inserter(all));
    if (last) return all;
  }
}

tl::unexpected<Error> read_only(std::string_view name) {
  return fail_with_fix(Code::conflict, "change the file and restart the server",
                       "the environment {} is declared in a configuration file", name);
}

// Adds and removes slots until there are as many as declared.
Result<void> fit_slots(Context& context, const Environment& environment, bool keep_held) {
  const bool provisioned = environment.hooks.contains(HookKind::provision);
  BATON_TRY(slots, store::slots_of(context.tx.sql(), environment.name));
  std::set<int> known;
  for (SlotRow& slot : slots) {
    known.insert(slot.number);
    if (slot.number <= environment.slots) {
      // Nobody makes it any more: it is taken to be there, as in any other environment.
      if (slot.state == SlotState::absent && !provisioned) {
        slot.state = SlotState::free;
        BATON_TRY_VOID(store::put_slot(context.tx, slot, SlotState::absent));
      }
      continue;
    }
    if (slot.holders > 0 && keep_held) continue;
    if (slot.holders > 0)
      return fail_with_fix(Code::conflict, "wait for its end, or revoke it",
                           "slot {} of {} is held by the lease {}", slot.number, environment.name,
                           slot.lease);
    BATON_TRY_VOID(store::remove_slot(context.tx, environment.name, slot.number));
  }
  for (int number = 1; number <= environment.slots; ++number) {
    if (known.contains(number)) continue;
    SlotRow slot;
    slot.environment = environment.name;
    slot.number = number;
    slot.state = provisioned ? SlotState::absent : SlotState::free;
    BATON_TRY_VOID(store::insert_slot(context.tx, slot));
  }
  return {};
}

// Selectors that wait may match it now, or no longer.
Result<void> requeue_selectors(Context& context, const Environment& environment) {
  std::int64_t after = 0;
  for (;;) {
    BATON_TRY(live, store::live_leases(context.tx.sql(), after, kPage));
    for (const model::Lease& lease : live) {
      after = lease.seq;
      if (lease.state != model::LeaseState::queued) continue;
      const auto& wants = lease.request.wants;
      const bool named = std::any_of(wants.begin(), wants.end(), [&](const model::Want& want) {
        return want.environment == environment.name;
      });
      const bool matches = std::any_of(wants.begin(), wants.end(), [&](const model::Want& want) {
        return want.environment.empty() && model::has_labels(environment.labels, want.labels);
      });
      if (named) continue;
      const store::Place place{lease.order_key, lease.seq};
      BATON_TRY_VOID(store::remove_want(context.tx, environment.name, lease.seq));
      if (matches) BATON_TRY_VOID(store::add_want(context.tx, environment.name, place));
    }
    if (live.size() < static_cast<std::size_t>(kPage)) return {};
  }
}

// Those who waited for what there is no longer are told, instead of waiting to the end of their
// time with what is left set aside for them. Adds the environments that they waited for.
Result<void> end_hopeless(Context& context, const std::string& name,
                          std::set<std::string>& touched) {
  const std::string reason = fmt::format("nothing can satisfy it since {} was declared anew", name);
  std::int64_t after = 0;
  for (;;) {
    BATON_TRY(live, store::live_leases(context.tx.sql(), after, kPage));
    for (model::Lease& lease : live) {
      after = lease.seq;
      if (lease.state != model::LeaseState::queued) continue;
      BATON_TRY(wanted, store::wanted_by(context.tx.sql(), lease.seq));
      Views views;
      for (const std::string& one : wanted) {
        BATON_TRY(view, load_view(context.tx.sql(), one, context.now.wall));
        views.emplace(one, std::move(view));
      }
      if (is_satisfiable(views, lease)) continue;
      BATON_TRY(left, end_lease(context, lease, {model::LeaseState::cancelled, "", reason}));
      touched.insert(left.begin(), left.end());
    }
    if (live.size() < static_cast<std::size_t>(kPage)) return {};
  }
}

std::string declared_json(const Environment& environment) {
  return fmt::format(R"({{"slots":{},"source":"{}"}})", environment.slots,
                     name_of(environment.source));
}

bool same(const Environment& a, const Environment& b) {
  return a.slots == b.slots && a.source == b.source &&
         store::encode_environment(a) == store::encode_environment(b);
}

Result<Environment> store_declaration(Context& context, const Rules& rules,
                                      Environment environment, bool keep_held) {
  BATON_TRY_VOID(model::check_environment(environment));
  BATON_TRY(known, store::find_environment(context.tx.sql(), environment.name));
  environment.revision = 1;
  environment.created_at = context.now.wall;
  environment.state_since = context.now.wall;
  bool labels_changed = true;
  bool has_less = false;
  if (known) {
    environment.revision = known->revision + 1;
    environment.state = known->state;
    environment.state_reason = known->state_reason;
    environment.state_by = known->state_by;
    environment.state_since = known->state_since;
    environment.created_at = known->created_at;
    labels_changed = known->labels != environment.labels;
    has_less = labels_changed || environment.slots < known->slots;
  }
  BATON_TRY_VOID(store::put_environment(context.tx, environment, "environment.declared",
                                        declared_json(environment)));
  BATON_TRY_VOID(fit_slots(context, environment, keep_held));
  if (labels_changed) BATON_TRY_VOID(requeue_selectors(context, environment));
  std::set<std::string> touched{environment.name};
  if (has_less) BATON_TRY_VOID(end_hopeless(context, environment.name, touched));
  BATON_TRY_VOID(provision_for_waiters(context, environment));
  BATON_TRY_VOID(settle(context, rules, std::move(touched)));
  return environment;
}

}  // namespace

Result<Environment> get_environment(store::Session& session, std::string_view name) {
  BATON_TRY(found, store::find_environment(session, name));
  if (found) return *std::move(found);
  BATON_TRY(all, all_environments(session));
  std::vector<std::string> names;
  for (const Environment& one : all) names.push_back(one.name);
  const std::string near = nearest(name, names);
  return fail_with_fix(Code::not_found,
                       near.empty() ? "`baton env ls` lists the environments"
                                    : fmt::format("did you mean {}?", near),
                       "the environment {} is unknown", json_quote(name));
}

Result<Environment> declare_environment(Context& context, const Rules& rules,
                                        Environment environment) {
  BATON_TRY(known, store::find_environment(context.tx.sql(), environment.name));
  if (known && known->source == SuiteSource::file) return read_only(environment.name);
  environment.source = SuiteSource::api;
  return store_declaration(context, rules, std::move(environment), false);
}

Result<void> delete_environment(Context& context, std::string_view name) {
  BATON_TRY(environment, get_environment(context.tx.sql(), name));
  if (environment.source == SuiteSource::file) return read_only(name);
  BATON_TRY(slots, store::slots_of(context.tx.sql(), name));
  // What its hooks do goes on: one made anew under this name would be given out meanwhile.
  for (const SlotRow& slot : slots)
    if (hook_of(slot.state))
      return fail_with_fix(Code::conflict, "wait until its hook has ended",
                           "slot {} of the environment {} is {}", slot.number, name,
                           name_of(slot.state));
  BATON_TRY(uses, store::current_uses(context.tx.sql(), name));
  BATON_TRY(queued, store::has_queue(context.tx.sql(), name));
  if (!uses.empty() || queued)
    return fail_with_fix(Code::conflict, "drain it, and wait for its holders or revoke them",
                         "the environment {} is {}", name, uses.empty() ? "waited for" : "held");
  BATON_TRY_VOID(delete_bookings_of(context, name));
  return store::remove_environment(context.tx, name);
}

Result<void> sync_environments(Context& context, const Rules& rules,
                               const std::vector<Environment>& environments) {
  std::set<std::string> names;
  for (Environment environment : environments) {
    if (!names.insert(environment.name).second)
      return fail(Code::invalid, "the environment {} is declared twice", environment.name);
    environment.source = SuiteSource::file;
    BATON_TRY(known, store::find_environment(context.tx.sql(), environment.name));
    if (known && same(*known, environment)) continue;
    BATON_TRY_VOID(store_declaration(context, rules, std::move(environment), true));
  }
  BATON_TRY(all, all_environments(context.tx.sql()));
  for (Environment& known : all) {
    if (known.source != SuiteSource::file || names.contains(known.name)) continue;
    known.source = SuiteSource::api;
    ++known.revision;
    BATON_TRY_VOID(store::put_environment(context.tx, known, "environment.declared",
                                          declared_json(known)));
  }
  return {};
}

Result<Environment> set_environment_state(Context& context, const Rules& rules,
                                          std::string_view name, const StateChange& change) {
  BATON_TRY(environment, get_environment(context.tx.sql(), name));
  if (change.state != EnvironmentState::enabled && trim(change.reason).empty())
    return fail_with_fix(Code::invalid, "say why: those who wait will read it",
                         "a reason is needed");
  if (change.state == environment.state && change.reason == environment.state_reason)
    return environment;
  if (environment.state != EnvironmentState::enabled)
    BATON_TRY_VOID(store::close_periods(context.tx, name, 0));
  environment.state = change.state;
  environment.state_reason = std::string(change.reason);
  environment.state_by = std::string(change.by);
  environment.state_since = context.now.wall;
  BATON_TRY_VOID(store::put_environment(
      context.tx, environment, fmt::format("environment.{}", name_of(change.state)),
      fmt::format(R"({{"reason":{},"by":{}}})", json_quote(change.reason),
                  json_quote(change.by))));
  if (change.state != EnvironmentState::enabled)
    BATON_TRY_VOID(
        store::open_period(context.tx, name, 0, static_cast<std::int64_t>(change.state)));
  BATON_TRY_VOID(settle(context, rules, {environment.name}));
  return std::move(environment);
}

Result<Environment> restore_environment(Context& context, const Rules& rules,
                                        std::string_view name, std::string_view reason,
                                        std::string_view by) {
  BATON_TRY(environment, get_environment(context.tx.sql(), name));
  BATON_TRY(slots, store::slots_of(context.tx.sql(), name));
  const bool any = std::any_of(slots.begin(), slots.end(), [](const SlotRow& slot) {
    return slot.state == SlotState::broken;
  });
  if (!any) return fail(Code::conflict, "nothing of the environment {} is broken", name);
  BATON_TRY_VOID(context.tx.append("environment.restored", store::environment_subject(name),
                                   fmt::format(R"({{"reason":{},"by":{}}})", json_quote(reason),
                                               json_quote(by))));
  BATON_TRY_VOID(restore_slots(context, name));
  BATON_TRY_VOID(settle(context, rules, {environment.name}));
  return std::move(environment);
}

Result<void> make_on_first_use(Context& context, const Rules& rules, std::string_view name) {
  BATON_TRY_VOID(model::check_environment_name(name));
  if (!rules.auto_create_environments) {
    BATON_TRY(unknown, get_environment(context.tx.sql(), name));
    return {};
  }
  Environment environment;
  environment.name = std::string(name);
  environment.source = SuiteSource::adhoc;
  BATON_TRY(made, store_declaration(context, rules, std::move(environment), false));
  return {};
}

Result<std::vector<std::string>> environments_with(store::Session& session,
                                                   const model::Labels& labels) {
  BATON_TRY(all, all_environments(session));
  std::vector<std::string> names;
  for (const Environment& one : all)
    if (model::has_labels(one.labels, labels)) names.push_back(one.name);
  return names;
}

bool is_broken(const std::vector<SlotRow>& slots) {
  return !slots.empty() && std::all_of(slots.begin(), slots.end(), [](const SlotRow& slot) {
    return slot.state == SlotState::broken;
  });
}

}  // namespace baton::engine
