// SPDX-License-Identifier: MIT
#include "cli/link_checks.h"

#include <algorithm>
#include <boost/json.hpp>

#include "cli/output.h"
#include "links/profiles.h"
#include "wire/gate_json.h"

namespace baton::cli {
namespace {

namespace json = boost::json;
using model::LinkKind;
using model::LinkProfile;

bool is_missing(const LinkProfile& link, std::string_view secret) {
  return std::any_of(link.missing.begin(), link.missing.end(),
                     [&](const std::string& text) { return text.starts_with(secret); });
}

// What the kind cannot do without; not told twice where the secret is named, but not there.
std::vector<std::string> doubts_of_kind(const LinkProfile& link) {
  std::vector<std::string> doubts;
  const bool has_token = !link.token.empty() || is_missing(link, "token");
  const bool has_password = !link.password.empty() || is_missing(link, "password");
  const bool has_key = !link.private_key.empty() || is_missing(link, "private_key");
  const bool has_secret = !link.secrets.empty() || is_missing(link, "webhook_secret");
  if (link.kind == LinkKind::azure_devops && link.allow.empty())
    doubts.emplace_back("allow has no entry, so every check is refused");
  if (link.kind == LinkKind::github && !has_token && (link.app_id == 0 || !has_key))
    doubts.emplace_back("it has neither app_id and private_key nor a token, so GitHub refuses it");
  if ((link.kind == LinkKind::github || link.kind == LinkKind::gitlab) && !has_secret)
    doubts.emplace_back("it has no webhook_secret, so what comes in is refused");
  if (link.kind == LinkKind::gocd && !has_token && (link.user.empty() || !has_password))
    doubts.emplace_back("it has neither a token nor user and password");
  if (link.kind == LinkKind::jenkins && !has_token && !has_password)
    doubts.emplace_back("it has neither a token nor a password");
  return doubts;
}

// Inbound bodies are completed with them: what is wrong here is wrong in each call.
std::string doubt_of_defaults(const LinkProfile& link, const std::vector<LinkProfile>& links) {
  boost::system::error_code bad;
  const json::value defaults = json::parse(link.defaults, bad);
  if (bad || !defaults.is_object()) return {};
  const std::string profile = text_at(defaults, "subject.testkube.profile");
  bool is_named = profile.empty();
  for (const LinkProfile& one : links)
    is_named = is_named || (one.kind == LinkKind::testkube && one.name == profile);
  if (!is_named) return fmt::format("defaults: there is no links.testkube.{}", profile);
  // A Testkube subject is completed by each call's tag.
  const bool needs_tag = !profile.empty() && text_at(defaults, "subject.testkube.tag").empty() &&
                         text_at(defaults, "subject.testkube.workflow").empty() &&
                         text_at(defaults, "subject.testkube.execution").empty();
  const auto request =
      wire::parse_inbound_request(needs_tag ? R"({"tag":"key=value"})" : "", link.defaults);
  return request ? "" : "defaults: " + request.error().message;
}

}  // namespace

std::vector<Error> link_faults(const config::Config& config) {
  std::vector<Error> faults;
  for (const LinkProfile& link : config.links)
    if (auto checked = links::check_profile(link); !checked)
      faults.push_back(std::move(checked.error()));
  return faults;
}

std::vector<std::string> link_doubts(const config::Config& config) {
  std::vector<std::string> doubts;
  for (const LinkProfile& link : config.links) {
    const std::string at = fmt::format("links.{}.{}: ", name_of(link.kind), link.name);
    for (const std::string& missing : link.missing) doubts.push_back(at + missing);
    for (const std::string& doubt : doubts_of_kind(link)) doubts.push_back(at + doubt);
    if (const std::string doubt = doubt_of_defaults(link, config.links); !doubt.empty())
      doubts.push_back(at + doubt);
  }
  if (!config.links.empty() && config.server.public_url.empty())
    doubts.emplace_back(
        "server.public_url is not set, so peers are told no whole addresses of logs and results");
  return doubts;
}

}  // namespace baton::cli
