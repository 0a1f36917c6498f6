// SPDX-License-Identifier: MIT
#include "links/profiles.h"

#include "base/text.h"
#include "links/adapters.h"
#include "links/address_guard.h"
#include "links/allow_list.h"
#include "links/sealed_fields.h"

namespace baton::links {
namespace {

std::string names_of(const Profiles& profiles) {
  std::string names;
  for (const model::LinkProfile& profile : profiles)
    names += (names.empty() ? "" : ", ") + profile.id();
  return names;
}

std::string unknown_text(const Profiles& profiles, std::string_view id) {
  return fmt::format("the link {} is not in the configuration, which has {}", json_quote(id),
                     profiles.empty() ? "none" : names_of(profiles));
}

}  // namespace

const model::LinkProfile* find_profile(const Profiles& profiles, std::string_view id) {
  for (const model::LinkProfile& profile : profiles)
    if (profile.id() == id) return &profile;
  return nullptr;
}

Result<const model::LinkProfile*> get_profile(const Profiles& profiles, std::string_view id) {
  if (const model::LinkProfile* found = find_profile(profiles, id)) return found;
  return fail_with_fix(Code::not_found, "add it to `links` in baton.yaml", "{}",
                       unknown_text(profiles, id));
}

Result<void> check_profile(const model::LinkProfile& profile) {
  Error error{Code::invalid, "", ""};
  const auto note = [&](std::string_view key, std::size_t index, const Error& fault) {
    const std::string_view kind = name_of(profile.kind);
    if (error.details.empty()) {
      error.message = fmt::format("links.{}.{}.{}: {}", kind, profile.name, key, fault.message);
      error.fix = fault.fix;
    }
    error.details.push_back(
        {fmt::format("/links/{}/{}/{}/{}", kind, profile.name, key, index), fault.message});
  };
  for (std::size_t i = 0; i < profile.allow.size(); ++i)
    if (auto entry = parse_allow_entry(profile.allow[i]); !entry) note("allow", i, entry.error());
  for (std::size_t i = 0; i < profile.networks.size(); ++i)
    if (auto checked = check_network(profile.networks[i]); !checked)
      note("networks", i, checked.error());
  if (error.details.empty()) return {};
  return tl::unexpected(std::move(error));
}

std::string missing_secret(const model::LinkProfile& profile) {
  for (const std::string& each : profile.missing) {
    const std::string_view name = std::string_view{each}.substr(0, each.find(':'));
    // Of a link that is told by the caller's own token, or of what only comes in.
    if (name == "pat" || name == "webhook_secret") continue;
    // One of several, while they are rotated, is enough.
    if (name == "secret" && !profile.secrets.empty()) continue;
    return each;
  }
  return {};
}

Result<void> prepare_request(const Profiles& profiles, const SecretBox& box,
                             model::GateRequest& request) {
  Error error{Code::invalid, "", "see `links` in baton.yaml and docs/reference/http-api.md"};
  const auto refuse = [&](std::string pointer, std::string detail) {
    error.details.push_back({std::move(pointer), std::move(detail)});
  };
  for (std::size_t i = 0; i < request.deliver.size(); ++i) {
    model::Target& target = request.deliver[i];
    const std::string at = fmt::format("/deliver/{}", i);
    const model::LinkProfile* profile = find_profile(profiles, target.link);
    if (profile == nullptr) {
      refuse(at + "/link", unknown_text(profiles, target.link));
      continue;
    }
    target.stage = stage_of(profile->kind, target.op);
    if (const auto checked = check_target(profile->kind, target); !checked) {
      const std::string below = target.op.empty() ? at : at + "/" + target.op;
      if (checked.error().details.empty()) refuse(below, checked.error().message);
      for (const ErrorDetail& detail : checked.error().details)
        refuse(below + detail.pointer, detail.detail);
      continue;
    }
    seal_fields(box, profile->kind, target);
  }
  const model::Subject& subject = request.subject;
  if (subject.kind == model::SubjectKind::testkube) {
    const std::string id = "testkube/" + subject.testkube.profile;
    if (find_profile(profiles, id) == nullptr)
      refuse("/subject/testkube/profile", unknown_text(profiles, id));
  }
  if (error.details.empty()) return {};
  error.message = fmt::format("the gate: {} {}", error.details[0].pointer.substr(1),
                              error.details[0].detail);
  return tl::unexpected(std::move(error));
}

}  // namespace baton::links
