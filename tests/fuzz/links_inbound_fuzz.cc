// SPDX-License-Identifier: MIT
// Any call of an outside system, signed as it should be: "KIND", lines "Header: value", an empty
// line and the body. A gate that it opens can be stored and delivered, and is never called back at
// an address that the link does not allow.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "links/adapters.h"
#include "links/message.h"
#include "links/signature.h"
#include "links/standard_webhooks.h"

namespace {

using namespace baton;

constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TimePoint kNow = from_ms(1'700'000'000'000);

void check(bool condition) {
  if (!condition) std::abort();
}

model::LinkProfile profile_of(model::LinkKind kind) {
  model::LinkProfile profile;
  profile.kind = kind;
  profile.name = "p";
  profile.url = "https://api.example";
  profile.allow = {"https://dev.azure.com/corp/"};
  profile.secrets = {{std::string(kSecret)}};
  profile.defaults = R"({"subject":{"external":true},"timeout":"2h"})";
  return profile;
}

void sign(net::Request& request, const model::LinkProfile& profile) {
  request.headers.set("X-Hub-Signature-256",
                      "sha256=" + links::to_hex(links::hmac_sha256(kSecret, request.body)));
  request.headers.set("X-Gitlab-Token", std::string(kSecret));
  if (profile.kind == model::LinkKind::webhook)
    links::sign_webhook(request.headers, profile.secrets, "msg_1", kNow, request.body);
}

void check_opened(const links::OpenGate& open, const model::LinkProfile& profile) {
  for (const model::Target& target : open.request.deliver) {
    check(target.fields.find('\0') == std::string::npos);
    if (target.link != profile.id()) continue;
    check(links::find_adapter(profile.kind, target.op) != nullptr);
    // Whom an Azure DevOps check calls back stands in the call itself.
    if (profile.kind != model::LinkKind::azure_devops) continue;
    constexpr std::string_view kAllowed = R"("plan_url":"https://dev.azure.com/corp)";
    const auto at = target.fields.find(kAllowed);
    check(at != std::string::npos);
    const char next = target.fields[at + kAllowed.size()];
    check(next == '/' || next == '"');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto next_line = [&rest] {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
  };
  const auto kind = model::parse_link_kind(next_line());
  if (!kind) return 0;
  const model::LinkProfile profile = profile_of(*kind);
  net::Request request;
  request.method = "POST";
  request.headers.set("Content-Type", "application/json");
  for (std::string_view line = next_line(); !line.empty(); line = next_line()) {
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) break;
    request.headers.add(std::string(line.substr(0, colon)), std::string(line.substr(colon + 2)));
  }
  request.body = rest;
  sign(request, profile);
  const auto inbound = links::read_inbound({request, profile, kNow, request.body});
  if (!inbound) {
    check(!inbound.error().message.empty());
    return 0;
  }
  if (const auto* open = std::get_if<links::OpenGate>(&*inbound)) check_opened(*open, profile);
  return 0;
}
