// SPDX-License-Identifier: MIT
#include "client/api_client.h"

#include <boost/json.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/text.h"
#include "wire/error_map.h"

namespace baton::client {
namespace {

namespace json = boost::json;
using SteadyClock = std::chrono::steady_clock;

// Long enough not to hammer a server that restarts, short enough not to be felt by a person.
constexpr Duration kRetryPause{250};

bool may_repeat(const Call& call) {
  return call.method == "GET" || call.headers.find("Idempotency-Key") != nullptr;
}

}  // namespace

void pause(const std::stop_token& stop, Duration duration) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
}

std::string escape(std::string_view text) {
  static constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

ApiClient::ApiClient(Endpoint endpoint, std::stop_token stop)
    : endpoint_(std::move(endpoint)), stop_(std::move(stop)) {
  while (endpoint_.url.ends_with('/')) endpoint_.url.pop_back();
}

net::HttpRequest ApiClient::prepare(const Call& call) const {
  net::HttpRequest request;
  request.method = call.method;
  const bool root = call.path == "/healthz" || call.path == "/readyz" || call.path == "/livez" ||
                    call.path == "/metrics" || call.path == "/openapi.json";
  request.url =
      endpoint_.url + (root || call.path.starts_with("/api/") ? "" : "/api/v1") + call.path;
  request.headers = call.headers;
  if (!endpoint_.token.empty()) request.headers.set("Authorization", "Bearer " + endpoint_.token);
  if (!call.body_file.empty()) request.body_file = call.body_file;
  else if (!call.text.empty()) request.body = call.text;
  else if (!call.body.is_null()) request.body = json::serialize(call.body);
  if (!call.body_file.empty() || !request.body.empty())
    request.headers.set("Content-Type", call.content_type);
  request.pinned_key = endpoint_.key_pin;
  request.total_timeout = call.timeout;
  request.stop = stop_;
  return request;
}

Result<Reply> ApiClient::call_once(const Call& call) {
  BATON_TRY(response, http_.request(prepare(call)));
  if (response.status >= 400)
    return tl::unexpected(wire::parse_problem(response.status, response.body));
  // A proxy or a login page answers, too. Every answer of Baton carries the request's id.
  if (response.headers.get("X-Request-Id").empty())
    return fail_with_fix(Code::unreachable,
                         "check --url or BATON_URL, and what stands before the server",
                         "what answers is not a Baton server (status {})", response.status);
  Reply reply{response.status, std::move(response.headers), nullptr, {}};
  if (reply.headers.get("Content-Type").find("json") != std::string_view::npos) {
    boost::system::error_code bad;
    reply.body = json::parse(response.body, bad);
    if (bad) return fail(Code::internal, "the server's answer is not JSON: {}", bad.message());
  }
  reply.text = std::move(response.body);
  return reply;
}

Result<Reply> ApiClient::call(const Call& call) {
  const auto until = SteadyClock::now() + patience_;
  for (;;) {
    auto reply = call_once(call);
    const bool again = !reply &&
                       (reply.error().code == Code::unreachable ||
                        reply.error().code == Code::unavailable) &&
                       may_repeat(call) && !stop_.stop_requested() && SteadyClock::now() < until;
    if (!again) {
      if (!reply && reply.error().code == Code::unreachable && reply.error().fix.empty())
        reply.error().fix = "start a server with `baton up`, or name one with --url or BATON_URL";
      return reply;
    }
    pause(stop_, kRetryPause);
  }
}

Result<json::value> ApiClient::get(const std::string& path) {
  Call request;
  request.path = path;
  BATON_TRY(reply, call(request));
  return std::move(reply.body);
}

Result<json::value> ApiClient::post(const std::string& path, json::value body) {
  Call request;
  request.method = "POST";
  request.path = path;
  request.body = std::move(body);
  BATON_TRY(reply, call(request));
  return std::move(reply.body);
}

Result<void> ApiClient::stream_once(const std::string& path, const std::string& last_id,
                                    const std::function<bool(const net::SseEvent&)>& on_event,
                                    StreamState& state) {
  Call call;
  call.path = path;
  call.headers.set("Accept", "text/event-stream");
  if (!last_id.empty()) call.headers.set("Last-Event-ID", last_id);
  net::HttpRequest request = prepare(call);
  request.total_timeout = net::kForever;
  // The server sends a comment every 15 s; three missing ones mean a dead connection.
  request.idle_timeout = Duration{50'000};
  net::SseParser parser([&](const net::SseEvent& event) {
    if (!state.stopped && !on_event(event)) state.stopped = true;
  });
  int status = 0;
  std::string refusal;
  request.on_head = [&](int code, const net::Headers&) {
    status = code;
    state.connected = code < 400;
    return true;
  };
  request.on_data = [&](std::string_view piece) {
    if (status >= 400) {
      if (refusal.size() < 64 * 1024) refusal += piece;
      return true;
    }
    return parser.feed(piece) && !state.stopped;
  };
  auto response = http_.request(request);
  if (status >= 400) return tl::unexpected(wire::parse_problem(status, refusal));
  if (response || state.stopped) return {};
  if (response.error().code == Code::timeout) response.error().code = Code::unreachable;
  return tl::unexpected(std::move(response).error());
}

Result<void> ApiClient::stream(const std::string& path,
                               const std::function<bool(const net::SseEvent&)>& on_event) {
  std::string last_id;
  const auto remember = [&](const net::SseEvent& event) {
    if (!event.id.empty()) last_id = event.id;
    return on_event(event);
  };
  auto until = SteadyClock::now() + patience_;
  for (;;) {
    StreamState state;
    auto result = stream_once(path, last_id, remember, state);
    if (state.stopped && result) return {};
    if (!result && result.error().code != Code::unreachable &&
        result.error().code != Code::unavailable)
      return tl::unexpected(std::move(result).error());
    // The time without a server begins where the connection broke, however quiet it was before. A
    // server that stops ends its streams in good order: that is a break like any other.
    if (state.connected) until = SteadyClock::now() + patience_;
    if (stop_.stop_requested() || SteadyClock::now() >= until) return result;
    pause(stop_, kRetryPause);
  }
}

Result<void> ApiClient::download(const std::string& path,
                                 const std::function<bool(std::string_view)>& on_data) {
  Call call;
  call.path = path;
  net::HttpRequest request = prepare(call);
  request.total_timeout = net::kForever;
  request.idle_timeout = Duration{60'000};
  int status = 0;
  std::string refusal;
  request.on_head = [&](int code, const net::Headers&) {
    status = code;
    return true;
  };
  request.on_data = [&](std::string_view piece) {
    if (status < 400) return on_data(piece);
    if (refusal.size() < 64 * 1024) refusal += piece;
    return true;
  };
  const auto response = http_.request(request);
  if (status >= 400) return tl::unexpected(wire::parse_problem(status, refusal));
  if (!response) return tl::unexpected(response.error());
  return {};
}

}  // namespace baton::client
