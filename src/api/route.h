// SPDX-License-Identifier: MIT
#pragma once
// What a route is, what its handler gets and gives. The table itself is routes.cc.
// A handler is a coroutine on the connection's thread: it parses, submits a command or reads a
// snapshot, and returns a response or an Error, which dispatch.cc turns into problem+json.
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "model/token.h"
#include "net/http.h"

namespace baton::api {

struct Context;
struct Route;

/// The token that a route needs. `runner`: a token made for the very run that the path names.
enum class Access { open, viewer, operator_, admin, runner };
std::string_view name_of(Access access);

/// How the body of a request is taken.
enum class Body {
  none,     // ignored, at most a few KiB
  json,     // at most Settings::json_bytes
  records,  // a runner's batch, at most kRecordsBytesMax
  webhook,  // signed JSON, at most kWebhookBytesMax; beyond Settings::json_bytes to a file
  report,   // to a file, at most Settings::report_bytes
  artifact  // to a file, at most Settings::artifact_bytes
};

/// Who asks.
struct Principal {
  std::string actor = "anonymous";  // the token's name
  std::string token_id;
  model::Scope scope = model::Scope::viewer;
  std::optional<RunId> run;  // of a runner's token
};

struct Call {
  net::Request request;
  const Route* route = nullptr;
  std::vector<std::string> args;  // what matched the pattern's {…}, decoded, in order
  Principal who;

  /// The first value of a query parameter, "" when absent.
  std::string_view query(std::string_view name) const {
    const std::string* found = request.parameter(name);
    return found != nullptr ? std::string_view{*found} : std::string_view{};
  }
};

using Answer = Result<net::Response>;
using Async = boost::asio::awaitable<Answer>;
using RouteHandler = Async (*)(Context&, Call&);

/// A query parameter for the description; `type` is a JSON Schema type.
struct QueryParameter {
  std::string_view name;
  std::string_view type;
  std::string_view description;
};

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/api/v1/runs/{id}"; a final {path...} takes the rest of the path
  Access access = Access::viewer;
  Body body = Body::none;
  std::string_view summary;
  std::string_view query = "";     // names of its query parameters (query_parameters()), by space
  std::string_view request = "";   // schema of the body, "" for none
  int status = 200;                // of success
  std::string_view response = "";  // schema of the answer, a content type, or "" for none
  RouteHandler handler = nullptr;
  bool may_make = false;  // 201 and Location when it made something new
};

/// All routes, in the order of the description.
std::span<const Route> routes();
/// Every query parameter that the table names.
std::span<const QueryParameter> query_parameters();

/// Where a path leads.
struct Match {
  const Route* route = nullptr;   // null: no route of that method
  std::vector<std::string> args;
  std::vector<std::string_view> allowed;  // methods of the path; empty: the path is unknown
};
/// HEAD finds the GET route.
Match match(std::string_view method, std::span<const std::string> segments);

}  // namespace baton::api
