// SPDX-License-Identifier: MIT
#include "wire/gate_json.h"

#include <boost/json.hpp>

#include <array>

#include "base/text.h"
#include "model/sealed.h"
#include "wire/json_reader.h"
#include "wire/run_json.h"

namespace baton::wire {
namespace {

namespace json = boost::json;
using model::SubjectKind;

// What a target may ask a link for; which link knows which is links/'s business.
constexpr std::array<std::string_view, 12> kOperations{
    "run_stage", "schedule",      "artifact", "check_run", "status",       "comment",
    "dispatch",  "commit_status", "play_job", "input",     "webhook_step", "unblock"};

bool is_web_address(std::string_view url) {
  return (url.starts_with("http://") || url.starts_with("https://")) && !has_control_bytes(url);
}

void read_policy(JsonFields& f, bool& all) {
  std::string policy;
  f.text("policy", policy);
  if (!policy.empty() && policy != "latest" && policy != "all")
    f.fault("policy", "must be latest or all");
  all = policy == "all";
}

void read_subject(JsonFields& f, model::Subject& subject) {
  const int named = int{f.has("run")} + int{f.has("suite")} + int{f.has("testkube")} +
                    int{f.has("external")};
  if (named != 1) f.fault("suite", "give exactly one of run, suite, testkube and external");
  if (f.has("run")) {
    std::int64_t run = 0;
    f.integer("run", run, 1, INT64_MAX);
    subject.kind = SubjectKind::run;
    subject.run = RunId{run};
  } else if (f.has("testkube")) {
    subject.kind = SubjectKind::testkube;
    f.object("testkube", [&](JsonFields& t) {
      t.text("profile", subject.testkube.profile);
      t.text("tag", subject.testkube.tag);
      t.text("workflow", subject.testkube.workflow);
      t.text("execution", subject.testkube.execution);
      t.text_map("config", subject.testkube.config);
      read_policy(t, subject.testkube.all);
    });
  } else if (f.has("external")) {
    bool external = true;
    f.boolean("external", external);
    if (!external) f.fault("external", "is true, or something else is the subject");
  } else {
    subject.kind = SubjectKind::suite;
    read_run_request(f, subject.suite);
  }
}

void read_target(JsonFields& f, model::Target& target) {
  f.require("link");
  f.text("link", target.link);
  // "gocd" with the profile "main" is "gocd/main".
  std::string profile;
  f.text("profile", profile);
  if (!profile.empty()) target.link += "/" + profile;
  f.choice("when", target.when, model::parse_when);
  for (const std::string_view op : kOperations) {
    if (!f.has(op)) continue;
    if (!target.op.empty()) f.fault(op, "a target has one operation");
    target.op = op;
    f.json(op, target.fields);
    if (!target.fields.starts_with('{')) f.fault(op, "must be an object");
  }
}

enum class Deliver { taken, refused };

Result<model::GateRequest> read_gate(std::string_view body, Deliver deliver) {
  model::GateRequest request;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.text("name", request.name);
    f.text("key", request.key);
    if (deliver == Deliver::taken) f.require("subject");
    f.object("subject", [&](JsonFields& s) { read_subject(s, request.subject); });
    f.duration("timeout", request.timeout);
    std::string on_timeout;
    f.text("on_timeout", on_timeout);
    if (!on_timeout.empty() && on_timeout != "failed" && on_timeout != "passed")
      f.fault("on_timeout", "must be failed or passed");
    request.pass_on_timeout = on_timeout == "passed";
    if (deliver == Deliver::taken)
      f.objects("deliver",
                [&](JsonFields& t) { read_target(t, request.deliver.emplace_back()); });
    f.text("environment", request.environment);
    f.text_map("labels", request.labels);
  }));
  BATON_TRY_VOID(model::check_gate_request(request));
  return request;
}

Result<json::object> object_of(std::string_view text, std::string_view what) {
  BATON_TRY(value, parse_json(text));
  if (!value.is_object()) return fail(Code::invalid, "{} must be a JSON object", what);
  return value.as_object();
}

// The Testkube subject of the defaults, with this tag instead of what they name.
Result<json::value> subject_of_tag(const json::object& defaults, const json::value& tag) {
  const auto found = defaults.find("subject");
  const json::object* subject =
      found == defaults.end() ? nullptr : found->value().if_object();
  const json::value* testkube = subject == nullptr ? nullptr : subject->if_contains("testkube");
  if (testkube == nullptr || !testkube->is_object())
    return fail_with_fix(Code::invalid,
                         "set defaults.subject.testkube.profile of the link in baton.yaml, or "
                         "send the whole subject",
                         "`tag` is short for a Testkube subject, and the link has none");
  json::object inner = testkube->as_object();
  for (const char* other : {"tag", "workflow", "execution"}) inner.erase(other);
  inner["tag"] = tag;
  return json::value(json::object{{"testkube", std::move(inner)}});
}

// The Testkube of the subject, where only that is left out: another kind of subject has nothing to
// do with that of the defaults.
void fill_profile(json::object& object, const json::object& defaults) {
  const auto testkube_of = [](auto& fields) {
    auto* subject = fields.if_contains("subject");
    auto* inner = subject == nullptr ? nullptr : subject->if_object();
    auto* testkube = inner == nullptr ? nullptr : inner->if_contains("testkube");
    return testkube == nullptr ? nullptr : testkube->if_object();
  };
  json::object* mine = testkube_of(object);
  const json::object* known = testkube_of(defaults);
  if (mine == nullptr || known == nullptr || mine->contains("profile")) return;
  if (const json::value* profile = known->if_contains("profile")) (*mine)["profile"] = *profile;
}

void write_subject(JsonWriter& out, const model::Subject& subject) {
  out.key("subject").begin_object();
  switch (subject.kind) {
    case SubjectKind::external:
      out.field("external", true);
      break;
    case SubjectKind::run:
      out.field("run", raw(subject.run));
      break;
    case SubjectKind::suite:
      out.field("suite", subject.suite.suite).field("run", raw(subject.run));
      break;
    case SubjectKind::testkube: {
      const model::TestkubeSubject& t = subject.testkube;
      out.key("testkube").begin_object().field("profile", t.profile);
      out.field_if("tag", t.tag).field_if("workflow", t.workflow);
      out.field_if("execution", t.execution);
      if (!t.tag.empty()) out.field("policy", t.all ? "all" : "latest");
      if (!t.config.empty()) out.field("config", t.config);
      out.end_object();
      break;
    }
  }
  out.end_object();
}

void write_links(JsonWriter& out, const model::Gate& gate) {
  const std::string self = "/api/v1/gates/" + gate.id;
  out.key("links")
      .begin_object()
      .link("self", self)
      .link("junit", self, "/junit.xml")
      .link("artifacts", self, "/artifacts")
      .link("log", self, "/log");
  if (raw(gate.request.subject.run) > 0)
    out.link("run", fmt::format("/api/v1/runs/{}", raw(gate.request.subject.run)));
  out.end_object();
}

void text_or_null(JsonWriter& out, std::string_view name, std::string_view text) {
  out.key(name);
  if (text.empty()) {
    out.null();
  } else {
    out.value(text);
  }
}

}  // namespace

Result<model::GateRequest> parse_gate_request(std::string_view body) {
  return read_gate(body, Deliver::taken);
}

Result<model::GateRequest> parse_inbound_request(std::string_view body, std::string_view defaults) {
  BATON_TRY(object, object_of(trim(body).empty() ? "{}" : body, "the body"));
  BATON_TRY(missing, object_of(defaults.empty() ? "{}" : defaults, "defaults"));
  if (const auto tag = object.find("tag"); tag != object.end()) {
    if (object.contains("subject"))
      return fail(Code::invalid, "give either `tag` or `subject`, not both");
    BATON_TRY(subject, subject_of_tag(missing, tag->value()));
    object.erase("tag");
    object["subject"] = std::move(subject);
  }
  fill_profile(object, missing);
  for (const auto& [name, value] : missing)
    if (!object.contains(name)) object[name] = value;
  return read_gate(json::serialize(object), Deliver::refused);
}

Result<VerdictRequest> parse_verdict_request(std::string_view body) {
  VerdictRequest request;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.require("verdict");
    f.choice("verdict", request.verdict, model::parse_gate_verdict);
    f.text("reason", request.reason);
    if (request.reason.size() > model::kGateReasonMax)
      f.fault("reason", fmt::format("is longer than {} bytes", model::kGateReasonMax));
    f.text("url", request.url);
    // It becomes a link on pages of ours and of others.
    if (!request.url.empty() && !is_web_address(request.url))
      f.fault("url", "must be an http or https address");
    f.objects("artifacts", [&](JsonFields& a) {
      auto& [path, url] = request.artifacts.emplace_back();
      a.require("path");
      a.require("url");
      a.text("path", path);
      a.text("url", url);
      if (const auto checked = model::check_artifact_path(path); !checked)
        a.fault("path", checked.error().message);
      if (!is_web_address(url)) a.fault("url", "must be an http or https address");
    });
    if (request.artifacts.size() > 1'000) f.fault("artifacts", "has more than 1,000");
  }));
  return request;
}

Result<std::string> parse_gate_cancel(std::string_view body) {
  std::string reason;
  if (trim(body).empty()) return reason;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.text("reason", reason);
    if (reason.size() > model::kGateReasonMax)
      f.fault("reason", fmt::format("is longer than {} bytes", model::kGateReasonMax));
  }));
  return reason;
}

void write_target(JsonWriter& out, const model::Target& target) {
  out.begin_object().field("link", target.link);
  if (!target.op.empty()) out.key(target.op).raw(model::hide_sealed(target.fields));
  if (target.when != model::When::always) out.field("when", name_of(target.when));
  out.end_object();
}

void write_delivery(JsonWriter& out, const model::Delivery& delivery) {
  out.begin_object().field("id", delivery.id).field_if("gate", delivery.gate).key("target");
  write_target(out, delivery.target);
  out.field("stage", name_of(delivery.target.stage))
      .field("state", name_of(delivery.state))
      .field("attempts", delivery.attempts)
      .field_if("next_at", delivery.next_at);
  if (delivery.last_status != 0) out.field("last_status", delivery.last_status);
  out.field_if("last_error", delivery.last_error)
      .field_if("error_class", name_of(delivery.error_class))
      .field("created_at", delivery.created_at)
      .field_if("ended_at", delivery.ended_at)
      .end_object();
}

void write_gate(JsonWriter& out, const model::Gate& gate,
                std::span<const model::Delivery> deliveries) {
  out.begin_object().field("id", gate.id).field_if("name", gate.request.name);
  out.field_if("key", gate.request.key).field("state", name_of(gate.state));
  text_or_null(out, "verdict", name_of(gate.verdict));
  text_or_null(out, "reason", gate.reason);
  text_or_null(out, "source", name_of(gate.source));
  out.field_if("url", gate.url);
  write_subject(out, gate.request.subject);
  out.field("on_timeout", gate.request.pass_on_timeout ? "passed" : "failed")
      .field_if("environment", gate.request.environment)
      .field_if("lease", gate.lease)
      .field_if("link", gate.link)
      .field("labels", gate.request.labels)
      .field_if("opened_by", gate.opened_by)
      .field("created_at", gate.created_at)
      .field("deadline_at", gate.deadline_at)
      .field_if("decided_at", gate.decided_at)
      .field("log_bytes", gate.log_bytes);
  if (gate.watched != "{}") out.key("watched").raw(gate.watched);
  write_links(out, gate);
  out.key("deliveries").begin_array();
  for (const model::Delivery& delivery : deliveries) write_delivery(out, delivery);
  out.end_array().end_object();
}

std::string to_json(const model::Gate& gate, std::span<const model::Delivery> deliveries,
                    std::string_view link_base) {
  JsonWriter out(link_base);
  write_gate(out, gate, deliveries);
  return out.take();
}

}  // namespace baton::wire
