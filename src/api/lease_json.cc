// SPDX-License-Identifier: MIT
#include "api/lease_json.h"

namespace baton::api {
namespace {

using model::Lease;
using model::LeaseState;

void write_wants(wire::JsonWriter& out, const Lease& lease) {
  out.key("wants").begin_array();
  for (const model::Want& want : lease.request.wants) {
    out.begin_object().field_if("environment", want.environment);
    if (!want.labels.empty()) out.field("labels", want.labels);
    out.field("mode", name_of(want.mode)).field("slots", want.slots).end_object();
  }
  out.end_array();
}

void write_grants(wire::JsonWriter& out, const Lease& lease) {
  out.key("grants").begin_array();
  for (const model::Grant& grant : lease.grants)
    out.begin_object()
        .field("environment", grant.environment)
        .field("slot", grant.slot)
        .field("mode", name_of(grant.mode))
        .end_object();
  out.end_array();
}

template <class T>
void field_or_null(wire::JsonWriter& out, std::string_view name, const std::optional<T>& value) {
  out.key(name);
  if (value) {
    out.value(*value);
  } else {
    out.null();
  }
}

void write_ending(wire::JsonWriter& out, const Lease& lease) {
  out.field_if("ended_at", lease.ended_at).field_if("ended_by", lease.ended_by);
  out.field_if("reason", lease.reason);
  if (lease.outcome) out.field("outcome", name_of(*lease.outcome));
  out.field_if("note", lease.note).field_if("successor", lease.successor);
}

}  // namespace

void write_holder_members(wire::JsonWriter& out, const Lease& lease) {
  const std::string holder = engine::holder_json(lease);
  // The object without its braces, and the object.
  out.raw(std::string_view{holder}.substr(1, holder.size() - 2));
  out.key("holder").raw(holder);
}

void write_place(wire::JsonWriter& out, const std::optional<engine::QueuePlace>& place) {
  field_or_null(out, "position", place ? std::optional{place->position} : std::nullopt);
  out.key("ahead").begin_array();
  if (place)
    for (const Lease& one : place->ahead) {
      out.begin_object().field("lease", one.id).field("state", name_of(one.state));
      out.field("since", one.granted_at.value_or(one.created_at));
      write_holder_members(out, one);
      out.end_object();
    }
  out.end_array();
  if (!place) return;
  out.field_if("eta_ms", place->eta);
  if (place->bars.empty()) return;
  out.key("barred").begin_array();
  for (const engine::Bar& bar : place->bars) out.raw(engine::bar_json(bar));
  out.end_array();
}

void write_lease(wire::JsonWriter& out, const engine::LeaseStatus& status,
                 const std::optional<engine::QueuePlace>& place) {
  const Lease& lease = status.lease;
  out.begin_object().field("id", lease.id).field("state", name_of(lease.state));
  write_grants(out, lease);
  field_or_null(out, "fence", lease.fence > 0 ? std::optional{lease.fence} : std::nullopt);
  field_or_null(out, "expires_in_ms", status.expires_in);
  write_place(out, place);
  out.key("holder").raw(engine::holder_json(lease));
  write_wants(out, lease);
  out.field("ttl_ms", lease.ttl).field_if("max_hold_ms", lease.max_hold);
  out.field("wait_ms", lease.request.wait).field("priority", lease.request.priority);
  out.field_if("supersede_key", lease.request.supersede_key);
  out.field("seq", lease.seq);
  if (lease.request.run) out.field("run", raw(*lease.request.run));
  out.field("created_at", lease.created_at).field_if("granted_at", lease.granted_at);
  write_ending(out, lease);
  out.field("properties", status.properties);
  out.key("links").begin_object().link("self", "/api/v1/leases/" + lease.id);
  if (lease.request.run)
    out.link("run", fmt::format("/api/v1/runs/{}", raw(*lease.request.run)));
  out.end_object().end_object();
}

}  // namespace baton::api
