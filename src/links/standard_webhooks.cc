// SPDX-License-Identifier: MIT
#include "links/standard_webhooks.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "links/signature.h"

namespace baton::links {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::string_view kVersion = "v1,";

std::string key_of(const model::Secret& secret) {
  const std::string_view text = secret.value;
  if (text.starts_with(kPrefix))
    if (auto bytes = from_base64(text.substr(kPrefix.size()))) return *std::move(bytes);
  return secret.value;
}

std::string mac_of(const model::Secret& secret, std::string_view id, std::string_view timestamp,
                   std::string_view body) {
  return hmac_sha256(key_of(secret), fmt::format("{}.{}.{}", id, timestamp, body));
}

tl::unexpected<Error> unproved(std::string why) {
  return fail_with_fix(Code::unauthenticated,
                       "sign the call as standardwebhooks.com says, with a secret of the link",
                       "{}", why);
}

bool is_current(std::string_view timestamp, TimePoint now) {
  std::int64_t seconds = 0;
  const auto [end, error] =
      std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
  // Beyond these no clock is meant, and milliseconds would overflow.
  if (error != std::errc() || end != timestamp.data() + timestamp.size() || seconds < 0 ||
      seconds > 1'000'000'000'000)
    return false;
  // Whole seconds on both sides, as the reference library compares.
  const std::int64_t apart = to_ms(now) / 1'000 - seconds;
  return std::abs(apart) <=
         std::chrono::seconds(kWebhookTolerance / std::chrono::seconds{1}).count();
}

}  // namespace

void sign_webhook(net::Headers& headers, const std::vector<model::Secret>& secrets,
                  std::string_view id, TimePoint at, std::string_view body) {
  const std::string timestamp = std::to_string(to_ms(at) / 1'000);
  headers.set("webhook-id", std::string{id});
  headers.set("webhook-timestamp", timestamp);
  std::string signatures;
  for (const model::Secret& secret : secrets) {
    if (!signatures.empty()) signatures += ' ';
    signatures.append(kVersion).append(to_base64(mac_of(secret, id, timestamp, body)));
  }
  if (!signatures.empty()) headers.set("webhook-signature", signatures);
}

Result<std::string> verify_webhook(const net::Headers& headers,
                                   const std::vector<model::Secret>& secrets, TimePoint now,
                                   std::string_view body) {
  const std::string id{headers.get("webhook-id")};
  const std::string_view timestamp = headers.get("webhook-timestamp");
  if (id.empty() || timestamp.empty() || headers.get("webhook-signature").empty())
    return unproved("webhook-id, webhook-timestamp and webhook-signature are needed");
  if (!is_current(timestamp, now))
    return unproved(fmt::format("webhook-timestamp is not within {} of this server's clock",
                                describe_duration(kWebhookTolerance)));
  for (const std::string_view signature : split(headers.get("webhook-signature"), ' ')) {
    if (!signature.starts_with(kVersion)) continue;  // of a version that is not ours
    const auto given = from_base64(signature.substr(kVersion.size()));
    if (!given) continue;
    for (const model::Secret& secret : secrets)
      if (!secret.empty() && equal_in_constant_time(*given, mac_of(secret, id, timestamp, body)))
        return id;
  }
  return unproved("webhook-signature is by no secret of the link");
}

}  // namespace baton::links
