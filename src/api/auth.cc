// SPDX-License-Identifier: MIT
#include "api/auth.h"

#include "base/address.h"
#include "base/text.h"
#include "engine/token_ops.h"
#include "wire/page.h"

namespace baton::api {
namespace {

// Long enough for a burst of requests, short enough that a change behind our back is soon seen.
constexpr std::chrono::seconds kRememberFor{1};
constexpr std::size_t kRememberedMax = 10'000;

Error unauthenticated(std::string message) {
  return {Code::unauthenticated, std::move(message),
          "send `Authorization: Bearer TOKEN`; `baton token create` makes one"};
}

// "http://127.0.0.1:1337" → "127.0.0.1:1337"
std::string_view authority_of(std::string_view origin) {
  const std::size_t at = origin.find("://");
  return at == std::string_view::npos ? origin : origin.substr(at + 3);
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// host: of a Host header, with its port. Browsers take names below localhost for this machine.
bool names_loopback(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return host.substr(0, end + 1) == "[::1]" &&
           (end + 1 == host.size() || host[end + 1] == ':');
  }
  const std::string name = to_lower(host.substr(0, host.find(':')));
  return is_loopback_host(name) || name.ends_with(".localhost");
}

}  // namespace

Result<std::string> token_of(const net::Headers& headers) {
  const std::string_view header = headers.get("Authorization");
  if (header.empty()) return std::string{headers.get("X-API-KEY")};
  const std::size_t space = header.find(' ');
  const std::string scheme = to_lower(header.substr(0, space));
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view{} : trim(header.substr(space));
  if (scheme == "bearer") return std::string{rest};
  if (scheme != "basic")
    return tl::unexpected(unauthenticated("the Authorization scheme must be Bearer or Basic"));
  const auto credentials = wire::base64_decode(rest);
  const std::size_t colon = credentials ? credentials->find(':') : std::string::npos;
  if (colon == std::string::npos)
    return tl::unexpected(unauthenticated("the Basic credentials are malformed"));
  return credentials->substr(colon + 1);
}

std::optional<model::Token> Tokens::remembered(const std::string& hash) {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(hash);
  if (it == known_.end()) return std::nullopt;
  if (it->second.until > std::chrono::steady_clock::now()) return it->second.token;
  known_.erase(it);
  return std::nullopt;
}

void Tokens::forget() {
  const std::lock_guard lock(mutex_);
  known_.clear();
  ++generation_;
}

Result<model::Token> Tokens::find(std::string_view secret, TimePoint wall) {
  const std::string hash = engine::hash_of_secret(secret);
  std::optional<model::Token> token = remembered(hash);
  if (!token) {
    std::uint64_t generation = 0;
    {
      const std::lock_guard lock(mutex_);
      generation = generation_;
    }
    BATON_TRY(snapshot, store_.snapshot());
    BATON_TRY(found, engine::authenticate(snapshot.sql(), hash, wall));
    token = found;
    const std::lock_guard lock(mutex_);
    // A token that was revoked while it was read must not be remembered.
    if (generation == generation_) {
      if (known_.size() >= kRememberedMax) known_.clear();
      known_[hash] = {found, std::chrono::steady_clock::now() + kRememberFor};
    }
  }
  if (token->expires_at && *token->expires_at <= wall)
    return tl::unexpected(unauthenticated("the token has expired"));
  return *token;
}

Result<void> authorise(const Route& route, const std::vector<std::string>& args,
                       const Principal& who) {
  const auto refuse = [&](std::string_view needs) {
    return fail_with_fix(Code::forbidden, "use a token of that scope",
                         "this needs the scope {}, and the token \"{}\" has {}", needs, who.actor,
                         name_of(who.scope));
  };
  switch (route.access) {
    case Access::open: return {};
    case Access::viewer:
      return covers(who.scope, model::Scope::viewer) ? Result<void>{} : refuse("viewer");
    case Access::operator_:
      return covers(who.scope, model::Scope::operator_) ? Result<void>{} : refuse("operator");
    case Access::admin:
      return covers(who.scope, model::Scope::admin) ? Result<void>{} : refuse("admin");
    case Access::runner:
      if (who.scope == model::Scope::runner && who.run && !args.empty() &&
          std::to_string(raw(*who.run)) == args[0])
        return {};
      return refuse("runner of this run");
  }
  return refuse("admin");
}

Result<void> check_origin(const net::RequestHead& head, bool auth) {
  const std::string_view host = head.headers.get("Host");
  if (!auth && head.peer != "unix" && !host.empty() && !names_loopback(host))
    return fail_with_fix(Code::forbidden,
                         "open it as http://127.0.0.1, or switch authentication on",
                         "without authentication only loopback names are served, not \"{}\"", host);
  if (is_safe(head.method)) return {};
  const std::string_view site = head.headers.get("Sec-Fetch-Site");
  const std::string_view origin = head.headers.get("Origin");
  const bool foreign_site = !site.empty() && site != "same-origin" && site != "none";
  const bool foreign_origin = !origin.empty() && authority_of(origin) != host;
  if (foreign_site || foreign_origin)
    return fail_with_fix(Code::forbidden,
                         "send it from a page of this server, or without a browser",
                         "a page of another site may not do this");
  return {};
}

}  // namespace baton::api
