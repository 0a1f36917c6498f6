// SPDX-License-Identifier: MIT
#include "api/legacy_maybe.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/auth.h"
#include "base/text.h"
#include "wire/error_map.h"

namespace baton::api {
namespace {

// Clients that ask and never take what they are given are forgotten beyond this many.
constexpr std::size_t kExpectedMax = 10'000;

net::Response answer(int status, int code, std::string_view message) {
  return net::reply(status, "application/json",
                    fmt::format(R"({{"code":{},"message":{}}})", code, json_quote(message)));
}

}  // namespace

bool is_maybe(const net::RequestHead& head) { return head.path == "/maybe"; }

net::Response maybe_problem(const net::RequestHead& head, const Error& error, int status) {
  if (status == 0) status = wire::http_status_of(error.code);
  if (error.code == Code::unauthenticated) {
    const auto token = token_of(head.headers);
    const bool none = token && token->empty();
    net::Response refused = answer(
        401, 401, none ? "unauthenticated for invalid credentials" : "incorrect api key auth");
    refused.headers.set("WWW-Authenticate", "Bearer realm=\"baton\"");
    return refused;
  }
  net::Response response = answer(status, status, error.message);
  if (error.code == Code::limit || error.code == Code::unavailable)
    response.headers.set("Retry-After", "5");
  return response;
}

net::Response maybe_not_allowed(std::string_view method) {
  net::Response response =
      answer(405, 405, fmt::format("method {} is not allowed, but [GET,DELETE,POST] are", method));
  response.headers.set("Allow", "GET,DELETE,POST");
  return response;
}

void Expected::add(Client client, std::string lease) {
  const std::lock_guard lock(mutex_);
  entries_.push_back({std::move(client), std::move(lease)});
  if (entries_.size() > kExpectedMax) entries_.pop_front();
}

std::string Expected::take(const Client& client) {
  const std::lock_guard lock(mutex_);
  const auto find = [&](bool same_peer) {
    return std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return entry.client.token == client.token &&
             entry.client.environment == client.environment &&
             (!same_peer || entry.client.peer == client.peer);
    });
  };
  auto found = find(true);
  if (found == entries_.end()) found = find(false);
  if (found == entries_.end()) return {};
  std::string lease = std::move(found->lease);
  entries_.erase(found);
  return lease;
}

}  // namespace baton::api
