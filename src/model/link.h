// SPDX-License-Identifier: MIT
#pragma once
// A link: a connector to an outside system, configured as a profile. Plain data.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/suite.h"

namespace baton::model {

enum class LinkKind {
  azure_devops, gocd, github, gitlab, jenkins, buildkite, testkube, webhook, flagger, argo,
  cloudevents
};
std::string_view name_of(LinkKind kind);
Result<LinkKind> parse_link_kind(std::string_view text);

/// A secret's value; it is in no answer, log, metric or event.
struct Secret {
  std::string value;
  bool empty() const { return value.empty(); }
};

/// One profile of `links` in baton.yaml. Which members mean something depends on the kind.
struct LinkProfile {
  LinkKind kind = LinkKind::webhook;
  std::string name;  // "main"
  std::string url;   // without a slash at the end
  /// URL prefixes that a caller may name to be called back (azure_devops).
  std::vector<std::string> allow;
  /// Networks ("10.0.0.0/8") that the names of such addresses may resolve to although they are
  /// private or local.
  std::vector<std::string> networks;
  std::string user;
  Secret token;
  Secret password;
  Secret private_key;           // PEM, of a GitHub App
  std::vector<Secret> secrets;  // that sign webhooks; several while they are rotated
  std::int64_t app_id = 0;
  std::string api_version;
  bool publish_results = false;
  std::vector<std::string> attachments;   // globs of artifacts that a published test run gets
  bool cloudevents = false;               // webhook: the body is a CloudEvent
  bool binary = false;                    // its attributes are headers, and the body is its data
  std::vector<std::string> repositories;  // github: "owner/name" of those that are swept
  Duration sweep = std::chrono::minutes{5};
  Duration poll = std::chrono::seconds{5};
  Duration stall_after = std::chrono::minutes{30};
  std::vector<std::string>
      missing;             // secrets that are not there: "token: the variable X is not set"
  std::string ca_file;     // PEM that replaces the system's authorities
  std::string defaults = "{}";  // what an inbound body leaves out: fields of POST /gates, as JSON

  /// "gocd/main"
  std::string id() const;
};

}  // namespace baton::model
