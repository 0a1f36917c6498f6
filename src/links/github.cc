// SPDX-License-Identifier: MIT
#include "links/github.h"

#include <algorithm>

#include "base/text.h"
#include "net/text.h"
#include "net/url.h"
#include "wire/json_reader.h"

namespace baton::links::github {
namespace {

using wire::JsonFields;

constexpr std::size_t kEventTypeMax = 100;
// Of the ten keys that GitHub takes one is ours; of the 64 KiB some is, too.
constexpr std::size_t kPayloadKeysMax = 9;
constexpr std::size_t kPayloadMax = 60'000;
// GitHub takes longer ones for an error.
constexpr std::size_t kNameMax = 255;

bool is_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return net::is_digit(c) || net::is_alpha(c) || c == '-' || c == '_' || c == '.';
         });
}

void read_repo(JsonFields& f, std::string& repo) {
  needed_line(f, "repo", repo);
  const std::size_t slash = std::min(repo.find('/'), repo.size());
  const bool is_repo = slash < repo.size() && is_name(std::string_view{repo}.substr(0, slash)) &&
                       is_name(std::string_view{repo}.substr(slash + 1));
  if (!repo.empty() && !is_repo) f.fault("repo", "is written OWNER/NAME");
}

void read_sha(JsonFields& f, std::string& sha) {
  needed_line(f, "sha", sha);
  const bool is_sha =
      (sha.size() == 40 || sha.size() == 64) &&
      std::all_of(sha.begin(), sha.end(), [](char c) { return net::hex_value(c) >= 0; });
  if (!sha.empty() && !is_sha) f.fault("sha", "is the whole hash of a commit");
}

void read_name(JsonFields& f, std::string_view field, std::string& name) {
  needed_line(f, field, name);
  if (name.size() > kNameMax) f.fault(field, fmt::format("is longer than {} bytes", kNameMax));
}

void read_pr(JsonFields& f, std::string& pr) {
  needed_number_or_line(f, "pr", pr);
  const bool is_number = std::all_of(pr.begin(), pr.end(), net::is_digit) && pr.size() <= 18;
  if (!is_number || pr == "0") f.fault("pr", "is the number of a pull request");
}

void read_dispatch(JsonFields& f, Place& place) {
  needed_line(f, "event_type", place.event_type);
  if (place.event_type.size() > kEventTypeMax)
    f.fault("event_type", fmt::format("is longer than {} bytes", kEventTypeMax));
  f.json("client_payload", place.client_payload);
  if (place.client_payload.empty()) return;
  const Json payload(place.client_payload);
  if (!place.client_payload.starts_with('{')) f.fault("client_payload", "must be an object");
  if (payload.raw().size() > kPayloadKeysMax || payload.has("baton"))
    f.fault("client_payload",
            fmt::format("has at most {} keys, and `baton` is not one of them", kPayloadKeysMax));
  if (place.client_payload.size() > kPayloadMax)
    f.fault("client_payload", fmt::format("is longer than {} bytes", kPayloadMax));
}

}  // namespace

Result<Place> parse_place(std::string_view op, std::string_view fields) {
  Place place;
  BATON_TRY_VOID(wire::read_json(fields, [&](JsonFields& f) {
    read_repo(f, place.repo);
    f.integer("installation", place.installation, 1, INT64_MAX);
    if (op == "check_run" || op == "status") read_sha(f, place.sha);
    if (op == "check_run") read_name(f, "name", place.name);
    if (op == "status") read_name(f, "context", place.context);
    if (op == "comment") read_pr(f, place.pr);
    if (op == "dispatch") read_dispatch(f, place);
    if (op == "progress" || op == "protection_rule") {
      needed_line(f, "callback", place.callback);
      needed_line(f, "environment", place.environment);
    }
  }));
  return place;
}

Deliver find(std::string_view op) {
  if (op == "check_run") return deliver_check_run;
  if (op == "status") return deliver_status;
  if (op == "comment") return deliver_comment;
  if (op == "dispatch") return deliver_dispatch;
  if (op == "progress") return deliver_progress;
  return op == "protection_rule" ? deliver_protection_rule : nullptr;
}

model::Stage stage(std::string_view op) {
  // A check run and a status are there from the start, so that people see what is waited for.
  if (op == "check_run" || op == "status") return model::Stage::status;
  return op == "progress" ? model::Stage::progress : model::Stage::verdict;
}

Result<void> check(const model::Target& target) {
  BATON_TRY_VOID(parse_place(target.op, target.fields));
  return {};
}

std::string short_report(const Message& message, std::size_t max) {
  return "Baton: " + verdict_line(message.gate, max - 7);
}

}  // namespace baton::links::github
