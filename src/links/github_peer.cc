// SPDX-License-Identifier: MIT
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "base/text.h"
#include "links/github.h"
#include "wire/json_writer.h"
#include "wire/page.h"

namespace baton::links::github {
namespace {

using model::ErrorClass;

// GitHub refuses an expiry more than ten minutes away; its clock may be a minute behind ours.
constexpr Duration kAppTokenBefore{60'000};
constexpr Duration kAppTokenAfter{540'000};
// A token that ends while a call is under way is none.
constexpr Duration kTokenMargin{60'000};
// Repositories with tokens of their own; more than one Baton serves. The oldest are asked anew.
constexpr std::size_t kTokensMax = 1'000;
// What GitHub asks for where it names no time.
constexpr Duration kLimitPause{60'000};

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Else OpenSSL asks the terminal.
int no_password(char*, int, int, void*) { return 0; }

std::string sign(EVP_PKEY* key, std::string_view text) {
  const std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1)
    return {};
  std::string signature(size, '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  if (EVP_DigestSign(context.get(), out, &size, bytes, text.size()) != 1) return {};
  signature.resize(size);
  return signature;
}

struct Token {
  std::string text;
  TimePoint until;
};

/// Tokens of installations, for all threads of all profiles. Asking for one with each message would
/// use up the App's own limit.
class Tokens {
 public:
  std::string find(const std::string& key, TimePoint now) {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(key);
    return found != tokens_.end() && now + kTokenMargin < found->second.until ? found->second.text
                                                                              : std::string{};
  }
  void put(const std::string& key, Token token) {
    const std::lock_guard lock(mutex_);
    if (tokens_.size() >= kTokensMax) {
      const auto oldest = std::min_element(
          tokens_.begin(), tokens_.end(),
          [](const auto& a, const auto& b) { return a.second.until < b.second.until; });
      tokens_.erase(oldest);
    }
    tokens_.insert_or_assign(key, std::move(token));
  }
  /// Unless another thread has a newer one already.
  void drop(const std::string& key, std::string_view text) {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(key);
    if (found != tokens_.end() && found->second.text == text) tokens_.erase(found);
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    tokens_.clear();
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Token> tokens_;
};

Tokens& tokens() {
  static Tokens all;
  return all;
}

bool is_limited(const net::HttpResponse& answer) {
  if (answer.status != 403 && answer.status != 429) return false;
  return answer.status == 429 || answer.headers.find("Retry-After") != nullptr ||
         answer.headers.get("X-RateLimit-Remaining") == "0" || says(answer, "rate limit");
}

}  // namespace

Result<std::string> app_token(std::int64_t app_id, const std::string& private_key, TimePoint now) {
  const std::unique_ptr<BIO, Free> bio{
      BIO_new_mem_buf(private_key.data(), static_cast<int>(private_key.size()))};
  const std::unique_ptr<EVP_PKEY, Free> key{
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)};
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA)
    return fail_with_fix(Code::invalid, "give the PEM file that GitHub made for the App",
                         "the private key of the App is no RSA key in PEM form");
  wire::JsonWriter claims;
  claims.begin_object()
      .field("iat", to_ms(now - kAppTokenBefore) / 1'000)
      .field("exp", to_ms(now + kAppTokenAfter) / 1'000)
      .field("iss", std::to_string(app_id))
      .end_object();
  std::string text = wire::base64url_encode(R"({"alg":"RS256","typ":"JWT"})") + "." +
                     wire::base64url_encode(claims.take());
  const std::string signature = sign(key.get(), text);
  if (signature.empty()) return fail(Code::internal, "the App's key does not sign");
  text += "." + wire::base64url_encode(signature);
  return text;
}

void forget_tokens() { tokens().clear(); }

Peer::Peer(const Message& the_message, const model::LinkProfile& the_profile, Http& http,
           const Place& the_place)
    : message(the_message),
      profile(the_profile),
      place(the_place),
      memo(std::string_view{the_message.delivery.memo}),
      http_(http) {}

std::string Peer::repo_path(std::string_view below) const {
  return fmt::format("/repos/{}{}", place.repo, below);
}

std::string Peer::cache_key() const {
  return fmt::format("{} {} {} {}", profile.id(), profile.url, profile.app_id, place.repo);
}

Result<net::HttpResponse> Peer::call_with(const std::string& authorization,
                                          const std::string& method, std::string_view path,
                                          const std::string& body) {
  net::HttpRequest request = call(method, path.starts_with('/') ? profile.url : "", path);
  request.headers = {{"Accept", "application/vnd.github+json"},
                     {"X-GitHub-Api-Version", "2022-11-28"},
                     {"User-Agent", "baton"},  // without one every call is refused
                     {"Authorization", authorization}};
  if (!body.empty()) set_json(request, body);
  return http_.send(std::move(request));
}

// A new token of the installation. When that is refused, `refusal` is the answer that said so.
Result<std::string> Peer::ask_token(Result<net::HttpResponse>& refusal) {
  BATON_TRY(app, app_token(profile.app_id, profile.private_key.value, message.now));
  const std::string bearer = "Bearer " + app;
  std::int64_t installation = place.installation;
  const auto refused = [&](Result<net::HttpResponse> answer) {
    refusal = std::move(answer);
    return fail(Code::unauthenticated, "no token for {}", place.repo);
  };
  if (installation == 0) {
    auto found = call_with(bearer, "GET", repo_path("/installation"), "");
    if (!is_good(found)) return refused(std::move(found));
    installation = Json(found->body).number("id");
  }
  wire::JsonWriter only;
  only.begin_object().key("repositories").begin_array();
  only.value(place.repo.substr(place.repo.find('/') + 1)).end_array().end_object();
  auto made =
      call_with(bearer, "POST", fmt::format("/app/installations/{}/access_tokens", installation),
                only.take());
  if (!is_good(made)) return refused(std::move(made));
  const Json answer(made->body);
  const std::string token = answer.text("token");
  if (token.empty() || has_control_bytes(token))
    return refused(fail(Code::unavailable, "the answer of {} has no token", profile.url));
  const auto until = parse_rfc3339(answer.text("expires_at"));
  tokens().put(cache_key(), {token, until ? *until : message.now + Duration{600'000}});
  return token;
}

Result<std::string> Peer::authorization(Result<net::HttpResponse>& refusal) {
  if (!profile.token.empty()) return "Bearer " + profile.token.value;
  std::string token = tokens().find(cache_key(), message.now);
  if (token.empty()) {
    BATON_TRY(asked, ask_token(refusal));
    token = asked;
  }
  return "Bearer " + token;
}

Result<net::HttpResponse> Peer::send(std::string method, std::string_view path, std::string body) {
  Result<net::HttpResponse> answer = fail(Code::internal, "not sent");
  for (int attempt = 0; attempt < 2; ++attempt) {
    Result<net::HttpResponse> refusal = fail(Code::internal, "not refused");
    const auto bearer = authorization(refusal);
    // The refusal of the token is the answer; a key that is none has no answer.
    if (!bearer && bearer.error().code == Code::unauthenticated) return refusal;
    if (!bearer) return tl::unexpected(bearer.error());
    answer = call_with(*bearer, method, path, body);
    if (!answer || answer->status != 401 || !profile.token.empty()) return answer;
    tokens().drop(cache_key(), std::string_view{*bearer}.substr(7));
  }
  return answer;
}

Outcome Peer::with_memo(Outcome outcome) const {
  outcome.memo = memo.to_text();
  return outcome;
}

Outcome Peer::failure(const Result<net::HttpResponse>& answer) const {
  Outcome outcome = outcome_of(answer, message.now);
  if (!answer) return with_memo(std::move(outcome));
  if (is_limited(*answer)) {
    const auto after = retry_after(answer->headers, message.now);
    outcome = as_again(std::move(outcome), ErrorClass::throttled);
    outcome.after = after.value_or(kLimitPause);
  } else if (answer->status == 401) {
    outcome = as_dead(
        std::move(outcome), ErrorClass::auth,
        fmt::format("check app_id and private_key, or token, of links.github.{}", profile.name));
  } else if (answer->status == 403) {
    outcome = as_dead(std::move(outcome), ErrorClass::auth,
                      "the App or token lacks the permission for this");
  } else if (answer->status == 404) {
    outcome = as_dead(std::move(outcome), ErrorClass::rejected,
                      "it is not there, or the App is not installed in this repository");
  } else if (is_good(answer)) {
    outcome = again(ErrorClass::transient, answer->status, "the answer cannot be read");
  }
  return with_memo(std::move(outcome));
}

}  // namespace baton::links::github
