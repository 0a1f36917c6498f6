// SPDX-License-Identifier: MIT
#include "wire/environment_json.h"

#include <array>

#include "base/text.h"
#include "wire/json_reader.h"

namespace baton::wire {
namespace {

using model::Environment;
using model::HookKind;

constexpr std::array kHooks{HookKind::reset, HookKind::health, HookKind::provision,
                            HookKind::destroy};

void write_duration(JsonWriter& out, std::string_view name, Duration value) {
  out.field(name, format_duration(value)).field(fmt::format("{}_ms", name), value);
}

void write_hook(JsonWriter& out, const model::Hook& hook) {
  out.begin_object().field("command", hook.command);
  write_duration(out, "timeout", hook.timeout);
  out.field("attempts", hook.attempts);
  write_duration(out, "retry", hook.retry);
  out.end_object();
}

// As text; in milliseconds only where there is no text.
template <class D>
void read_duration(JsonFields& f, std::string_view name, D& out) {
  f.milliseconds(fmt::format("{}_ms", name), out);
  f.duration(name, out);
}

void read_hooks(JsonFields& f, Environment& environment) {
  f.object("hooks", [&](JsonFields& hooks) {
    for (const HookKind kind : kHooks)
      hooks.object(name_of(kind), [&](JsonFields& h) {
        model::Hook& hook = environment.hooks[kind];
        h.require("command");
        h.texts("command", hook.command);
        read_duration(h, "timeout", hook.timeout);
        h.integer("attempts", hook.attempts, 1, 100);
        read_duration(h, "retry", hook.retry);
      });
  });
}

}  // namespace

void write_declaration(JsonWriter& out, const Environment& e) {
  out.field("name", e.name)
      .field("description", e.description)
      .field("slots", e.slots)
      .field("labels", e.labels)
      .field("properties", e.properties);
  write_duration(out, "ttl", e.ttl);
  write_duration(out, "ttl_max", e.ttl_max);
  if (e.max_hold) write_duration(out, "max_hold", *e.max_hold);
  write_duration(out, "lock_delay", e.lock_delay);
  out.key("queue_policy")
      .begin_object()
      .field("policy", name_of(e.policy))
      .field("max", e.queue_max);
  write_duration(out, "keep_alive", e.keep_alive);
  write_duration(out, "age_step", e.age_step);
  out.end_object();
  write_duration(out, "claim_window", e.claim_window);
  out.key("hooks").begin_object();
  for (const auto& [kind, hook] : e.hooks) {
    out.key(name_of(kind));
    write_hook(out, hook);
  }
  out.end_object();
  out.key("provision").begin_object().field("min", e.provision.min);
  write_duration(out, "idle", e.provision.idle);
  out.end_object().field_if("folder", e.folder).field("links", e.links);
}

Result<Environment> parse_environment(std::string_view body, std::string_view name) {
  Environment e;
  e.name = name;
  BATON_TRY_VOID(read_json(trim(body).empty() ? "{}" : body, [&](JsonFields& f) {
    f.text("name", e.name);
    if (e.name != name) f.fault("name", "it differs from the one in the URL");
    f.text("description", e.description);
    f.integer("slots", e.slots, 1, model::kSlotsMax);
    f.text_map("labels", e.labels);
    f.text_map("properties", e.properties);
    read_duration(f, "ttl", e.ttl);
    read_duration(f, "ttl_max", e.ttl_max);
    read_duration(f, "max_hold", e.max_hold);
    read_duration(f, "lock_delay", e.lock_delay);
    read_duration(f, "claim_window", e.claim_window);
    const auto read_queue = [&](JsonFields& q) {
      q.choice("policy", e.policy, model::parse_queue_policy);
      q.integer("max", e.queue_max, 0, 1'000'000);
      read_duration(q, "keep_alive", e.keep_alive);
      read_duration(q, "age_step", e.age_step);
    };
    // The `queue` of an answer is the list of who waits; what is declared is its `queue_policy`.
    f.object("queue_policy", read_queue);
    std::string queue;
    f.json("queue", queue);
    if (!queue.starts_with('[')) f.object("queue", read_queue);
    read_hooks(f, e);
    f.object("provision", [&](JsonFields& p) {
      p.integer("min", e.provision.min, 0, model::kSlotsMax);
      read_duration(p, "idle", e.provision.idle);
    });
    f.text("folder", e.folder);
    f.text_map("links", e.links);
    f.ignore({"state", "state_reason", "state_by", "state_since", "slots_free", "slot_states",
              "holders", "queue_length", "source", "created_at", "revision"});
  }));
  BATON_TRY_VOID(model::check_environment(e));
  return e;
}

Result<std::string> parse_reason(std::string_view body) {
  std::string reason;
  if (trim(body).empty()) return reason;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.text("reason", reason);
    if (reason.size() > 1'000 || has_control_bytes(reason))
      f.fault("reason", "must be one line of at most 1000 bytes");
  }));
  return reason;
}

}  // namespace baton::wire
