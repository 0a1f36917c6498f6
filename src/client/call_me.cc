// SPDX-License-Identifier: MIT
#include "client/call_me.h"

#include <algorithm>

#include "base/ids.h"
#include "client/api_client.h"
#include "client/lease_wait.h"
#include "net/client.h"
#include "wire/error_map.h"

namespace baton::client {
namespace {

// A server that holds the question until it can say yes; call-me itself does not read it.
constexpr Duration kHold{20'000};
// A server that answers no sooner than this has held the question: it is asked again at once.
constexpr Duration kWasHeld{1'000};
constexpr Duration kAnswerMax{30'000};
// Releasing goes on while a server restarts, but a job's end must not hang.
constexpr Duration kReleasePatience{30'000};
constexpr Duration kRetryPause{1'000};

net::HttpRequest request_for(const CallMe& server, const char* method,
                             const std::string& environment) {
  net::HttpRequest request;
  request.method = method;
  std::string url = server.url;
  while (url.ends_with('/')) url.pop_back();
  request.url = url + "/maybe?environment=" + escape(environment);
  request.headers.set("X-API-KEY", server.key);
  request.headers.set("Accept", "application/json");
  request.pinned_key = server.key_pin;
  request.total_timeout = kAnswerMax;
  return request;
}

Error refusal(const net::HttpResponse& response) {
  Error error{wire::code_of_status(response.status),
              fmt::format("the server answered {}", response.status)};
  constexpr std::size_t kQuotedMax = 300;
  if (!response.body.empty()) error.message += ": " + response.body.substr(0, kQuotedMax);
  return error;
}

}  // namespace

Result<void> call_me_request(const CallMe& server, const std::string& environment,
                             const CallMeWait& how) {
  net::Client http;
  const bool for_ever = how.wait.count() == 0;
  const BootTime until = BootClock::now() + how.wait;
  // After a lost answer the same key asks what became of it, where the server knows such keys.
  std::string key = random_hex(16);
  for (;;) {
    const BootTime asked = BootClock::now();
    const Duration left = for_ever ? kHold : std::max(Duration{0}, until - asked);
    net::HttpRequest request = request_for(server, "POST", environment);
    request.url += "&wait=" + format_duration(std::min(kHold, left));
    request.headers.set("Idempotency-Key", key);
    request.stop = how.stop;
    const auto response = http.request(request);
    if (how.stop.stop_requested()) return fail(Code::gone, "stopped");
    if (response && response->status >= 200 && response->status < 300) return {};
    const bool taken = response && response->status == 403;
    if (response && !taken && response->status < 500 && response->status != 429)
      return tl::unexpected(refusal(*response));
    if (!response && !is_transient(response.error().code)) return tl::unexpected(response.error());
    if (response) key = random_hex(16);
    const BootTime now = BootClock::now();
    if (!for_ever && now >= until) {
      if (!response) return tl::unexpected(response.error());
      if (!taken) return tl::unexpected(refusal(*response));
      return fail(Code::timeout, "it was not free within {}", format_duration(how.wait));
    }
    if (how.on_wait)
      how.on_wait(taken ? "" : response ? refusal(*response).message : response.error().message);
    if (taken && now - asked > kWasHeld) continue;
    const Duration pause_for = for_ever ? how.interval : std::min(how.interval, until - now);
    pause(how.stop, pause_for);
    if (how.stop.stop_requested()) return fail(Code::gone, "stopped");
  }
}

Result<void> call_me_release(const CallMe& server, const std::string& environment,
                             const CallMeWait& how) {
  net::Client http;
  const BootTime until = BootClock::now() + kReleasePatience;
  for (;;) {
    net::HttpRequest request = request_for(server, "DELETE", environment);
    request.stop = how.stop;
    const auto response = http.request(request);
    if (response && response->status >= 200 && response->status < 300) return {};
    const bool again = response ? response->status >= 500 : is_transient(response.error().code);
    const Error error = response ? refusal(*response) : response.error();
    if (!again || how.stop.stop_requested() || BootClock::now() >= until)
      return tl::unexpected(error);
    if (how.on_wait) how.on_wait(error.message);
    pause(how.stop, kRetryPause);
  }
}

}  // namespace baton::client
