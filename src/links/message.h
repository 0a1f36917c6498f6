// SPDX-License-Identifier: MIT
#pragma once
// What an adapter of an outside system gets and gives: a message and a way to the network in, an
// outcome out. An adapter is a function that blocks until the peer has answered; it runs on a
// thread of the deliveries, keeps nothing between calls but what it writes into the memo, and may
// be called again for the same message after a crash at any point: it asks the peer before it
// repeats what is not idempotent there.
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "links/http.h"
#include "model/delivery.h"
#include "model/gate.h"
#include "model/run.h"

namespace baton::links {

/// Addresses of this server for people and programs, absolute when server.public_url is set.
struct GateUrls {
  std::string gate;       // GET /api/v1/gates/{id}
  std::string log;
  std::string junit;
  std::string artifacts;
  std::string run;  // "" without one
};

/// Results of the subject, for annotations and published tests.
struct CaseLine {
  std::string suite;
  model::CaseResult result;
};

/// An artifact's bytes: the whole of an open file.
struct ArtifactFile {
  Fd file;
  std::int64_t size = 0;
  std::string type;

  /// For net::HttpRequest::body_file, while `file` is open.
  std::string path() const { return fmt::format("/proc/self/fd/{}", file.get()); }
};

/// An artifact of the gate, wherever it is kept.
struct GateFile {
  std::string path;
  std::int64_t size = 0;
  bool is_ready = true;  // false: its origin has not finished it
};

struct Message {
  model::Delivery delivery;  // id is stable over attempts; attempts = those that are over
  model::Gate gate;          // with an empty id for what a legacy route took
  GateUrls urls;
  /// Of the inbound call that opened the gate: "token" and the like. Never to be logged.
  std::map<std::string, std::string> secrets;
  TimePoint now;  // wall clock
  /// The subject's log from a byte on, at most `max` bytes; "" at its present end.
  std::function<Result<std::string>(std::int64_t offset, std::size_t max)> read_log;
  std::function<Result<std::vector<CaseLine>>()> read_cases;
  /// One of the gate, wherever it is kept.  Errors: not_found, unprocessable (only its address is
  /// known), too_large, unavailable, unreachable.
  std::function<Result<ArtifactFile>(const std::string& path)> open_artifact;
  /// By path; without those that cannot be had any more.  Errors: unavailable, unreachable.
  std::function<Result<std::vector<GateFile>>()> list_files;
  /// The whole of one, wherever it is kept.  Errors: too_large (beyond `max`), not_found,
  /// unavailable, unreachable.
  std::function<Result<std::string>(const std::string& path, std::size_t max)> read_file;
};

struct Outcome {
  enum class Kind {
    delivered,
    again,  // try later: by the retry rule, or `after`
    dead    // no attempt would help
  };
  Kind kind = Kind::delivered;
  model::ErrorClass error_class = model::ErrorClass::none;
  int status = 0;      // of HTTP
  std::string error;   // what went wrong and what to do, for people
  std::optional<Duration> after = {};  // what the peer asked for
  std::string memo = {};  // replaces Delivery::memo unless empty
  /// Again, but it counts as no failure: progress that goes on, a peer that is not ready yet.
  bool is_progress = false;
};

Outcome delivered(int status, std::string memo = {});
Outcome again(model::ErrorClass error_class, int status, std::string error);
Outcome dead(model::ErrorClass error_class, int status, std::string error);
/// What an answer means where the peer's protocol says nothing else: 2xx delivered; 408, 425, 429,
/// 5xx again (Retry-After honoured, seconds or date); 401, 403 auth; 404 rejected; 410 peer_gone;
/// 3xx misconfigured; else rejected. A request without an answer: transient; certificates and
/// refused addresses: misconfigured.
Outcome outcome_of(const Result<net::HttpResponse>& answer, TimePoint now);
/// What the peer's Retry-After (or X-RateLimit-Reset …) asks for.
std::optional<Duration> retry_after(const net::Headers& headers, TimePoint now);

using Deliver = Outcome (*)(const Message& message, const model::LinkProfile& profile, Http& http);

/// The adapter of a target; null when the link's kind does not know the operation.
Deliver find_adapter(model::LinkKind kind, std::string_view op);
/// Which of the systems of its link a target is for: "" unless the link has several.
std::string system_of(model::LinkKind kind, const model::Target& target);
/// The fields of a target, when it is declared.  Errors: invalid with one detail per field.
Result<void> check_target(model::LinkKind kind, const model::Target& target);

}  // namespace baton::links
