// SPDX-License-Identifier: MIT
// From a request to its handler and back: where it goes, who asks, how its body is taken, and the
// one place where an Error becomes a response.
#include <fmt/format.h>

#include <chrono>

#include "api/context.h"
#include "api/legacy_maybe.h"
#include "api/reply.h"
#include "api/submit.h"
#include "base/log.h"
#include "engine/token_ops.h"

namespace baton::api {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// A batch holds at least one record of the largest size (wire/records.h), or many small ones.
constexpr std::uint64_t kRecordsBytesMax = 32 << 20;
// GitHub sends no larger one.
constexpr std::uint64_t kWebhookBytesMax = 25 << 20;
// Clients send "{}" where nothing is asked for; more than a few KiB of it is no mistake, and it
// would be held in memory before anybody has shown a token.
constexpr std::uint64_t kIgnoredBytesMax = 4 << 10;
// `last_used_at` is kept by the hour: a write per request would cost more than it tells.
constexpr Duration kUsedGrain{3'600'000};

// What the head of a request decided.
struct Admitted {
  const Route* route = nullptr;
  std::vector<std::string> args;
  Principal who;
  SteadyTime began;
};

bool makes_run(const Route& route) {
  return route.status == 201 && (route.response == "Run" || route.response == "LegacyRun");
}

// Who sent it is known when all of it is there, so that much of it is not held in memory before.
net::BodyPolicy webhook_policy(const net::RequestHead& head, const Settings& settings) {
  const bool is_chunked = head.headers.find("Transfer-Encoding") != nullptr;
  return {.max_bytes = kWebhookBytesMax,
          .spill = is_chunked || head.content_length.value_or(0) > settings.json_bytes,
          .spill_folder = settings.spill_folder};
}

net::BodyPolicy body_policy(const Route& route, const net::RequestHead& head,
                            const Settings& settings) {
  switch (route.body) {
    case Body::none: return {.max_bytes = kIgnoredBytesMax};
    case Body::json: return {.max_bytes = settings.json_bytes};
    case Body::records: return {.max_bytes = kRecordsBytesMax};
    case Body::webhook: return webhook_policy(head, settings);
    case Body::report:
      return {
          .max_bytes = settings.report_bytes, .spill = true, .spill_folder = settings.spill_folder};
    case Body::artifact:
      return {.max_bytes = settings.artifact_bytes,
              .spill = true,
              .spill_folder = settings.spill_folder};
  }
  return {};
}

// Notes when a token was last used. Nobody waits for it, and a lost note is made by the next
// request.
void note_use(Context& context, const model::Token& token, TimePoint wall) {
  if (token.last_used_at && wall - *token.last_used_at < kUsedGrain) return;
  context.writer.submit<bool>(
      [id = token.id](engine::Context& c) -> Result<bool> {
        BATON_TRY_VOID(engine::touch_token(c, id));
        return true;
      },
      [](Result<bool>) {});
}

Result<Principal> authenticate(Context& context, const Route& route, const net::RequestHead& head) {
  Principal who;
  if (!context.settings.auth) {
    who.scope = model::Scope::admin;
    return who;
  }
  if (route.access == Access::open) return who;
  BATON_TRY(secret, token_of(head.headers));
  if (secret.empty())
    return fail_with_fix(Code::unauthenticated,
                         "send `Authorization: Bearer TOKEN`; `baton token create` makes one",
                         "this needs a token");
  const TimePoint wall = context.clock().wall;
  BATON_TRY(token, context.tokens.find(secret, wall));
  note_use(context, token, wall);
  who = {.actor = token.name, .token_id = token.id, .scope = token.scope, .run = token.run};
  return who;
}

// Clients of /maybe cannot read a problem document.
net::Response refusal_of(const net::RequestHead& head, const Error& error, int status = 0) {
  return is_maybe(head) ? maybe_problem(head, error, status) : problem(head, error, status);
}

net::Response method_not_allowed(const net::RequestHead& head,
                                 const std::vector<std::string_view>& allowed) {
  if (is_maybe(head)) return maybe_not_allowed(head.method);
  const std::string methods = fmt::format("{}", fmt::join(allowed, ", "));
  const Error error{Code::invalid, fmt::format("{} is not possible here", head.method),
                    "use one of: " + methods};
  net::Response response = problem(head, error, 405);
  response.headers.set("Allow", methods);
  return response;
}

// The decision, or the refusal to send.
Result<Admitted> admit(Context& context, const net::RequestHead& head, net::Response& refusal) {
  Admitted admitted;
  admitted.began = std::chrono::steady_clock::now();
  const auto decide = [&]() -> Result<void> {
    BATON_TRY_VOID(check_origin(head, context.settings.auth));
    Match found = match(head.method, head.segments);
    if (found.route == nullptr) {
      if (found.allowed.empty())
        return fail_with_fix(Code::not_found, "/openapi.json has every path",
                             "there is nothing at {}", head.path);
      refusal = method_not_allowed(head, found.allowed);
      return fail(Code::invalid, "method");
    }
    admitted.route = found.route;
    admitted.args = std::move(found.args);
    BATON_TRY(who, authenticate(context, *admitted.route, head));
    admitted.who = who;
    if (context.settings.auth)
      BATON_TRY_VOID(authorise(*admitted.route, admitted.args, admitted.who));
    if (context.stopping && makes_run(*admitted.route))
      return fail_with_fix(Code::unavailable, "send it again when the server is back",
                           "the server is stopping and starts no new runs");
    return {};
  };
  const Result<void> decided = decide();
  if (decided) return admitted;
  if (refusal.status == 200) refusal = refusal_of(head, decided.error());
  context.metrics.request_served(admitted.route, refusal.status,
                                 std::chrono::steady_clock::now() - admitted.began);
  return tl::unexpected(decided.error());
}

// Headers of every answer: nothing that Baton serves may be taken for something else by a browser.
void add_safety_headers(net::Response& response) {
  response.headers.set("X-Content-Type-Options", "nosniff");
  if (response.headers.find("Content-Security-Policy") == nullptr)
    response.headers.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  if (response.headers.find("Cache-Control") == nullptr)
    response.headers.set("Cache-Control", "no-store");
}

// Paths of this server in headers become whole URLs where it knows how others reach it.
void add_public_url(net::Response& response, const std::string& base) {
  if (base.empty()) return;
  if (const std::string location{response.headers.get("Location")}; location.starts_with('/'))
    response.headers.set("Location", base + location);
  if (const std::string link{response.headers.get("Link")}; link.starts_with("</"))
    response.headers.set("Link", "<" + base + link.substr(1));
}

boost::asio::awaitable<net::Response> answer(Context& context, Call& call) {
  try {
    Answer result = co_await call.route->handler(context, call);
    if (result) co_return std::move(*result);
    if (result.error().code == Code::internal)
      log::error("bug.internal", {{"route", call.route->pattern},
                                  {"error", result.error().message},
                                  {"req", call.request.request_id}});
    co_return refusal_of(call.request, result.error());
  } catch (const std::exception& exception) {
    log::error("bug.uncaught", {{"route", call.route->pattern},
                                {"what", exception.what()},
                                {"req", call.request.request_id}});
  }
  co_return refusal_of(call.request, Error{Code::internal, "the server failed; see its log"});
}

boost::asio::awaitable<net::Response> handle(Context& context, net::Request request) {
  net::Response response;
  Admitted admitted;
  if (auto* given = std::any_cast<Admitted>(&request.context)) {
    admitted = std::move(*given);
    request.context.reset();
  } else if (auto decided = admit(context, request, response)) {
    admitted = *std::move(decided);
  } else {
    add_safety_headers(response);
    co_return response;
  }
  Call call;
  call.request = std::move(request);
  call.route = admitted.route;
  call.args = std::move(admitted.args);
  call.who = std::move(admitted.who);
  response = co_await answer(context, call);
  add_public_url(response, context.settings.public_url);
  add_safety_headers(response);
  context.metrics.request_served(call.route, response.status,
                                 std::chrono::steady_clock::now() - admitted.began);
  co_return response;
}

}  // namespace

net::Admit make_admit(Context& context) {
  return [&context](const net::RequestHead& head) {
    net::Admission admission;
    net::Response refusal;
    if (auto admitted = admit(context, head, refusal)) {
      admission.body = body_policy(*admitted->route, head, context.settings);
      admission.context = *std::move(admitted);
    } else {
      add_safety_headers(refusal);
      admission.refusal = std::move(refusal);
    }
    return admission;
  };
}

net::Response server_problem(int status, const Error& error, const net::RequestHead& head) {
  net::Response response = refusal_of(head, error, status);
  add_safety_headers(response);
  return response;
}

net::Handler make_handler(Context& context) {
  return [&context](net::Request request) { return handle(context, std::move(request)); };
}

}  // namespace baton::api
