// SPDX-License-Identifier: MIT
#pragma once
// Signatures of standardwebhooks.com 1.0, symmetric: what webhooks go out and come in with. Pure.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/link.h"
#include "net/http.h"

namespace baton::links {

/// How far the sender's clock, or the call, may be behind or ahead.
inline constexpr Duration kWebhookTolerance = std::chrono::minutes{5};

/// Sets webhook-id, webhook-timestamp and, with any secret, webhook-signature: one signature for
/// each, so that the receiver may know the old one or the new one.
/// A secret is `whsec_` and base64, or a text that is taken as it is. id: stable over attempts.
/// at: of the attempt.
void sign_webhook(net::Headers& headers, const std::vector<model::Secret>& secrets,
                  std::string_view id, TimePoint at, std::string_view body);

/// The call's id.
/// Errors: unauthenticated (headers missing, too old or too new, no signature by any secret).
Result<std::string> verify_webhook(const net::Headers& headers,
                                   const std::vector<model::Secret>& secrets, TimePoint now,
                                   std::string_view body);

}  // namespace baton::links
