// SPDX-License-Identifier: MIT
#include "store/lease_json.h"

#include "store/row_members.h"

namespace baton::store {
namespace {

using model::HookKind;
using Writer = MemberWriter;
using Reader = MemberReader;

constexpr std::array kHookKinds{HookKind::reset, HookKind::health, HookKind::provision,
                                HookKind::destroy};

json::object hook_value(const model::Hook& hook) {
  static const model::Hook kDefault;
  Writer out;
  out.list("command", hook.command);
  out.integer("timeout_ms", hook.timeout.count(), kDefault.timeout.count());
  out.integer("attempts", hook.attempts, kDefault.attempts);
  out.integer("retry_ms", hook.retry.count(), kDefault.retry.count());
  return out.take();
}

model::Hook hook_of(const Reader& in) {
  static const model::Hook kDefault;
  model::Hook hook;
  hook.command = in.list("command");
  hook.timeout = in.duration("timeout_ms", kDefault.timeout);
  hook.attempts = in.small("attempts", kDefault.attempts);
  hook.retry = in.duration("retry_ms", kDefault.retry);
  return hook;
}

json::object want_value(const model::Want& want) {
  Writer out;
  out.text("environment", want.environment);
  out.texts("labels", want.labels);
  out.integer("mode", static_cast<std::int64_t>(want.mode));
  out.integer("slots", want.slots, 1);
  return out.take();
}

}  // namespace

std::string encode_environment(const model::Environment& e) {
  static const model::Environment kDefault;
  Writer out;
  out.text("description", e.description);
  out.texts("labels", e.labels);
  out.texts("properties", e.properties);
  out.texts("links", e.links);
  out.integer("ttl_ms", e.ttl.count(), kDefault.ttl.count());
  out.integer("ttl_max_ms", e.ttl_max.count(), kDefault.ttl_max.count());
  if (e.max_hold) out.integer("max_hold_ms", e.max_hold->count(), -1);
  out.integer("lock_delay_ms", e.lock_delay.count());
  out.integer("policy", static_cast<std::int64_t>(e.policy));
  out.integer("queue_max", e.queue_max, kDefault.queue_max);
  out.integer("age_step_ms", e.age_step.count(), kDefault.age_step.count());
  out.integer("keep_alive_ms", e.keep_alive.count(), kDefault.keep_alive.count());
  out.integer("claim_window_ms", e.claim_window.count(), kDefault.claim_window.count());
  for (const HookKind kind : kHookKinds)
    if (const auto found = e.hooks.find(kind); found != e.hooks.end())
      out.value(name_of(kind), hook_value(found->second));
  out.integer("provision_min", e.provision.min);
  out.integer("provision_idle_ms", e.provision.idle.count(), kDefault.provision.idle.count());
  out.text("folder", e.folder);
  return out.serialize();
}

Result<void> decode_environment(std::string_view text, model::Environment& e) {
  static const model::Environment kDefault;
  return decode(text, [&](const json::value& value) {
    const Reader in(value.as_object());
    e.description = in.text("description");
    e.labels = in.texts("labels");
    e.properties = in.texts("properties");
    e.links = in.texts("links");
    e.ttl = in.duration("ttl_ms", kDefault.ttl);
    e.ttl_max = in.duration("ttl_max_ms", kDefault.ttl_max);
    if (const auto ms = in.optional<std::int64_t>("max_hold_ms")) e.max_hold = Duration{*ms};
    e.lock_delay = in.duration("lock_delay_ms");
    e.policy = static_cast<model::QueuePolicy>(in.integer("policy"));
    e.queue_max = in.small("queue_max", kDefault.queue_max);
    e.age_step = in.duration("age_step_ms", kDefault.age_step);
    e.keep_alive = in.duration("keep_alive_ms", kDefault.keep_alive);
    e.claim_window = in.duration("claim_window_ms", kDefault.claim_window);
    for (const HookKind kind : kHookKinds)
      if (const auto* hook = value.as_object().if_contains(name_of(kind)))
        e.hooks.emplace(kind, hook_of(Reader(hook->as_object())));
    e.provision.min = in.small("provision_min");
    e.provision.idle = in.duration("provision_idle_ms", kDefault.provision.idle);
    e.folder = in.text("folder");
  });
}

std::string encode_lease_request(const model::Lease& lease) {
  const model::LeaseRequest& request = lease.request;
  Writer out;
  json::array wants;
  for (const model::Want& want : request.wants) wants.push_back(want_value(want));
  out.value("wants", std::move(wants));
  out.text("url", request.holder.url);
  out.text("reason", request.holder.reason);
  out.text("run", request.holder.run);
  if (request.ttl) out.integer("ttl_ms", request.ttl->count(), -1);
  out.integer("wait_ms", request.wait.count());
  out.integer("priority", request.priority);
  out.text("notify", request.notify_url);
  out.integer("source", static_cast<std::int64_t>(request.source));
  out.flag("no_expiry", request.no_expiry);
  out.flag("waits", request.waits_for_ever);
  out.text("token", lease.token);
  return out.serialize();
}

Result<void> decode_lease_request(std::string_view text, model::Lease& lease) {
  return decode(text, [&](const json::value& value) {
    const Reader in(value.as_object());
    model::LeaseRequest& request = lease.request;
    if (const json::array* wants = in.array("wants"))
      for (const json::value& entry : *wants) {
        const Reader one(entry.as_object());
        request.wants.push_back({one.text("environment"), one.texts("labels"),
                                 static_cast<model::LeaseMode>(one.integer("mode")),
                                 one.small("slots", 1)});
      }
    request.holder.url = in.text("url");
    request.holder.reason = in.text("reason");
    request.holder.run = in.text("run");
    if (const auto ms = in.optional<std::int64_t>("ttl_ms")) request.ttl = Duration{*ms};
    request.wait = in.duration("wait_ms");
    request.priority = in.small("priority");
    request.notify_url = in.text("notify");
    request.source = static_cast<model::LeaseSource>(in.integer("source"));
    request.no_expiry = in.flag("no_expiry");
    request.waits_for_ever = in.flag("waits");
    lease.token = in.text("token");
  });
}

std::string encode_grants(const std::vector<model::Grant>& grants) {
  if (grants.empty()) return {};
  std::string text;
  for (const model::Grant& grant : grants) {
    text += text.empty() ? R"([{"environment":)" : R"(,{"environment":)";
    text += json_quote(grant.environment);
    text += R"(,"slot":)" + std::to_string(grant.slot);
    text += R"(,"mode":)" + json_quote(name_of(grant.mode));
    text += '}';
  }
  return text + "]";
}

Result<std::vector<model::Grant>> decode_grants(std::string_view text) {
  std::vector<model::Grant> grants;
  if (text.empty()) return grants;
  BATON_TRY_VOID(decode(text, [&](const json::value& value) {
    for (const json::value& entry : value.as_array()) {
      const Reader one(entry.as_object());
      grants.push_back({one.text("environment"), one.small("slot", 1),
                        model::parse_lease_mode(one.text("mode")).value_or(
                            model::LeaseMode::exclusive)});
    }
  }));
  return grants;
}

std::string encode_ending(const model::Lease& lease) {
  Writer out;
  out.text("note", lease.note);
  out.text("successor", lease.successor);
  return out.empty() ? "" : out.serialize();
}

Result<void> decode_ending(std::string_view text, model::Lease& lease) {
  if (text.empty()) return {};
  return decode(text, [&](const json::value& value) {
    const Reader in(value.as_object());
    lease.note = in.text("note");
    lease.successor = in.text("successor");
  });
}

std::string encode_labels(const model::Labels& labels) {
  Writer out;
  out.texts("labels", labels);
  return out.empty() ? "" : out.serialize();
}

Result<model::Labels> decode_labels(std::string_view text) {
  model::Labels labels;
  if (text.empty()) return labels;
  BATON_TRY_VOID(decode(text, [&](const json::value& value) {
    labels = Reader(value.as_object()).texts("labels");
  }));
  return labels;
}

}  // namespace baton::store
