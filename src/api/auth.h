// SPDX-License-Identifier: MIT
#pragma once
// Who asks, and whether they may. One place for all routes: a route states the access it needs and
// dispatch.cc asks here; no handler decides for itself.
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/route.h"
#include "base/time.h"
#include "model/token.h"
#include "store/store.h"

namespace baton::api {

/// The token that a request carries: `Authorization: Bearer T`, `X-API-KEY: T`, or Basic with the
/// token as password. "" when there is none.  Errors: unauthenticated (malformed).
Result<std::string> token_of(const net::Headers& headers);

/// Looks tokens up by the SHA-256 of their secret, so that neither the database nor the time an
/// answer takes tells anything about a secret. What was found is remembered for a second, so that a
/// busy client costs no query per request; forget() makes a revocation take effect at once.
/// Any thread.
class Tokens {
 public:
  explicit Tokens(store::Store& store) : store_(store) {}
  /// Errors: unauthenticated (unknown or expired), unavailable.
  Result<model::Token> find(std::string_view secret, TimePoint wall);
  void forget();

 private:
  struct Known {
    model::Token token;
    std::chrono::steady_clock::time_point until;
  };
  std::optional<model::Token> remembered(const std::string& hash);

  store::Store& store_;
  std::mutex mutex_;
  std::unordered_map<std::string, Known> known_;
  std::uint64_t generation_ = 0;
};

/// Whether `who` may use the route. args: what matched its pattern.
/// Errors: forbidden, naming the scope that is needed.
Result<void> authorise(const Route& route, const std::vector<std::string>& args,
                       const Principal& who);

/// Refuses what a browser sends on behalf of another site: a page of evil.example must not start
/// runs on a Baton that its reader can reach.  auth: with it off, a foreign Host is refused too
/// (DNS rebinding).  Errors: forbidden.
Result<void> check_origin(const net::RequestHead& head, bool auth);

}  // namespace baton::api
