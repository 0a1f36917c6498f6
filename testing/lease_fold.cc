// SPDX-License-Identifier: MIT
// Folding the journal. lease_rules.cc holds what is asked of the result.
#include "testing/lease_fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "store/environment_table.h"
#include "store/lease_table.h"

namespace baton::sim {
namespace {

namespace json = boost::json;
using model::Grant;
using model::LeaseMode;

json::object parse(std::string_view data) { return json::parse(data).as_object(); }

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr ? "" : std::string(value->as_string());
}

std::vector<Grant> grants_of(const json::object& object) {
  std::vector<Grant> grants;
  for (const auto& value : object.at("grants").as_array()) {
    const auto& entry = value.as_object();
    grants.push_back({text_of(entry, "environment"), static_cast<int>(entry.at("slot").as_int64()),
                      *model::parse_lease_mode(text_of(entry, "mode"))});
  }
  return grants;
}

}  // namespace

std::string LeaseFold::apply(store::Session& session, const model::Event& event) {
  if (const std::string id = store::lease_of_subject(event.subject); !id.empty())
    return apply_lease(session, event, id);
  if (const std::string name = store::environment_of_subject(event.subject); !name.empty())
    return apply_environment(session, event, name);
  return {};
}

std::string LeaseFold::apply_lease(store::Session& session, const model::Event& event,
                                   std::string_view id) {
  touched_leases_.emplace(id);
  const auto known = leases_.find(std::string(id));
  const bool begins = event.kind == "lease.queued" || event.kind == "lease.granted";
  if (known == leases_.end()) {
    if (!begins) return fmt::format("{} of the lease {} that does not live", event.kind, id);
    auto row = store::find_lease(session, id).value();
    if (!row) return fmt::format("{} of the lease {} that has no row", event.kind, id);
    FoldLease& lease = leases_[std::string(id)];
    lease.row = *std::move(row);
    lease.state = "queued";
    if (event.kind == "lease.queued") return {};
    return grant(lease, event.data);
  }
  FoldLease& lease = known->second;
  if (event.kind == "lease.granted") {
    ++granted_from_queue_;
    return grant(lease, event.data);
  }
  if (begins) return fmt::format("the lease {} is queued twice", id);
  const json::object data = parse(event.data);
  std::string problem = end(session, lease, event.kind, text_of(data, "reason"));
  leases_.erase(known);
  return problem;
}

std::string LeaseFold::grant(FoldLease& lease, std::string_view data) {
  const json::object object = parse(data);
  if (lease.state != "queued") return fmt::format("{} is granted twice", lease.row.id);
  lease.state = "held";
  lease.fence = object.at("fence").as_int64();
  lease.grants = grants_of(object);
  if (lease.fence <= last_fence_)
    return fmt::format("the fence {} of {} comes after {}", lease.fence, lease.row.id, last_fence_);
  last_fence_ = lease.fence;
  const bool handed_over = !heir_.empty();
  if (handed_over && heir_ != lease.row.id)
    return fmt::format("{} comes between a hand-over to {}", lease.row.id, heir_);
  heir_.clear();
  if (handed_over) ++handed_over_;
  if (auto problem = check_slots(lease, handed_over); !problem.empty()) return problem;
  if (!handed_over)
    if (auto problem = check_order(lease); !problem.empty()) return problem;
  for (const Grant& one : lease.grants) {
    FoldSlot& slot = environments_[one.environment].slots[one.slot];
    slot.state = "held";
    slot.holders[lease.row.id] = one.mode;
    touched_environments_.insert(one.environment);
  }
  return {};
}

std::string LeaseFold::end(store::Session& session, FoldLease& lease, std::string_view kind,
                           std::string_view reason) {
  for (const Grant& one : lease.grants) {
    touched_environments_.insert(one.environment);
    FoldEnvironment& environment = environments_[one.environment];
    FoldSlot& slot = environment.slots[one.slot];
    if (slot.holders.erase(lease.row.id) != 1)
      return fmt::format("{} ends and did not hold {}/{}", lease.row.id, one.environment, one.slot);
    if (!slot.holders.empty()) continue;
    slot.state = "free";
    if (one.slot > environment.declared) environment.slots.erase(one.slot);
  }
  const bool held = lease.state == "held";
  lease.state = std::string(kind.substr(kind.find('.') + 1));
  const auto row = store::find_lease(session, lease.row.id).value();
  if (held && row && !row->successor.empty()) heir_ = row->successor;
  if (on_end) on_end(lease, reason);
  return {};
}

std::string LeaseFold::apply_environment(store::Session& session, const model::Event& event,
                                         std::string_view name) {
  touched_environments_.emplace(name);
  FoldEnvironment& environment = environments_[std::string(name)];
  const std::string_view what = std::string_view(event.kind).substr(event.kind.find('.') + 1);
  if (event.kind == "environment.deleted") {
    for (const auto& [number, slot] : environment.slots)
      if (!slot.holders.empty()) return fmt::format("{} is deleted while it is held", name);
    environments_.erase(std::string(name));
    return {};
  }
  if (event.kind == "environment.declared") {
    environment.declared = static_cast<int>(parse(event.data).at("slots").as_int64());
    if (const auto row = store::find_environment(session, name).value()) {
      environment.labels = row->labels;
      environment.provisioned = row->hooks.contains(model::HookKind::provision);
    }
    std::erase_if(environment.slots, [&](const auto& entry) {
      return entry.first > environment.declared && entry.second.holders.empty();
    });
    for (int number = 1; number <= environment.declared; ++number)
      environment.slots.try_emplace(number,
                                    FoldSlot{environment.provisioned ? "absent" : "free", {}});
    return {};
  }
  if (event.kind.starts_with("environment.")) {
    if (what != "restored") environment.state = std::string(what);
    return {};
  }
  if (event.kind == "slot.probe") return {};
  if (!event.kind.starts_with("slot.")) return fmt::format("an unknown event {}", event.kind);
  const int number = static_cast<int>(parse(event.data).at("slot").as_int64());
  const auto slot = environment.slots.find(number);
  if (slot == environment.slots.end())
    return fmt::format("{} of {}/{} that is not there", event.kind, name, number);
  if (!slot->second.holders.empty())
    return fmt::format("{} of {}/{} while it is held", event.kind, name, number);
  slot->second.state = std::string(what);
  return {};
}

void LeaseFold::read_places(store::Session& session) {
  for (auto& [id, lease] : leases_)
    if (lease.state == "queued")
      if (const auto row = store::find_lease(session, id).value())
        lease.row.order_key = row->order_key;
}

}  // namespace baton::sim
