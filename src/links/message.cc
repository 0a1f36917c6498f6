// SPDX-License-Identifier: MIT
#include "links/message.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace baton::links {
namespace {

using model::ErrorClass;

// What a peer says of a refusal fits here; the rest is for its own log.
constexpr std::size_t kBodyShown = 500;
// What a peer says beyond the year 9999 is no time.
constexpr std::int64_t kSecondsMax = 253'402'300'799;

// RFC 9110: "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<TimePoint> http_date(std::string_view text) {
  std::tm tm{};
  const std::string copy(text);
  if (::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &tm) == nullptr) return {};
  return from_ms(std::int64_t{::timegm(&tm)} * 1'000);
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

std::string shown(const net::HttpResponse& answer) {
  const std::string text = to_valid_utf8(trim(std::string_view(answer.body).substr(0, kBodyShown)));
  return fmt::format("status {}{}{}", answer.status, text.empty() ? "" : ": ", text);
}

// What follows the host may be a secret: the token of a webhook step, the key of a webhook.
std::string without_paths(std::string text) {
  for (std::size_t at = 0; (at = text.find("://", at)) != std::string::npos;) {
    at = text.find_first_of("/?# \"", at + 3);
    if (at == std::string::npos || text[at] == ' ' || text[at] == '"') continue;
    auto end = std::min(text.find_first_of(" \"", at), text.size());
    while (end > at && std::string_view{":,;."}.find(text[end - 1]) != std::string::npos) --end;
    text.erase(at, end - at);
  }
  return text;
}

Outcome of_error(const Error& error) {
  std::string text =
      error.fix.empty() ? error.message : fmt::format("{}; {}", error.message, error.fix);
  text = without_paths(std::move(text));
  // A name, a certificate or an address that is refused stays so until somebody acts.
  if (error.code == Code::forbidden || error.code == Code::invalid)
    return dead(ErrorClass::misconfigured, 0, text);
  return again(ErrorClass::transient, 0, text);
}

}  // namespace

Outcome delivered(int status, std::string memo) {
  Outcome outcome;
  outcome.status = status;
  outcome.memo = std::move(memo);
  return outcome;
}

Outcome again(ErrorClass error_class, int status, std::string error) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::again;
  outcome.error_class = error_class;
  outcome.status = status;
  outcome.error = std::move(error);
  return outcome;
}

Outcome dead(ErrorClass error_class, int status, std::string error) {
  Outcome outcome = again(error_class, status, std::move(error));
  outcome.kind = Outcome::Kind::dead;
  return outcome;
}

std::optional<Duration> retry_after(const net::Headers& headers, TimePoint now) {
  const std::string_view after = headers.get("Retry-After");
  if (const auto seconds = whole_number(after))
    return std::chrono::seconds{std::clamp<std::int64_t>(*seconds, 0, kSecondsMax)};
  if (const auto date = http_date(after)) return std::max(Duration{0}, *date - now);
  if (headers.get("X-RateLimit-Remaining") != "0") return {};
  const auto reset = whole_number(headers.get("X-RateLimit-Reset"));
  if (!reset) return {};
  const Duration left = from_ms(std::clamp<std::int64_t>(*reset, 0, kSecondsMax) * 1'000) - now;
  return std::max(Duration{0}, left);
}

Outcome outcome_of(const Result<net::HttpResponse>& answer, TimePoint now) {
  if (!answer) return of_error(answer.error());
  const int status = answer->status;
  if (status >= 200 && status < 300) return delivered(status);
  const std::string text = shown(*answer);
  if (status == 429 || status == 408 || status == 425 || status >= 500) {
    const auto after = retry_after(answer->headers, now);
    const bool throttled = status == 429 || (status == 503 && after);
    Outcome outcome =
        again(throttled ? ErrorClass::throttled : ErrorClass::transient, status, text);
    outcome.after = after;
    return outcome;
  }
  if (status == 401 || status == 403) return dead(ErrorClass::auth, status, text);
  if (status == 410) return dead(ErrorClass::peer_gone, status, text);
  if (status < 400)
    return dead(ErrorClass::misconfigured, status, "it redirects elsewhere, " + text);
  return dead(ErrorClass::rejected, status, text);
}

}  // namespace baton::links
