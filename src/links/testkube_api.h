// SPDX-License-Identifier: MIT
#pragma once
// Testkube's agent API as typed calls, standalone or behind a control plane. It reads what the
// server really sends, which is not what its OpenAPI document says: one object where an array is
// declared, the year one for "not yet", filters that are dropped without a word. Blocking; owned by
// one thread; keeps nothing.
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "links/http.h"
#include "model/gate.h"

namespace baton::links {

/// On every execution that a gate starts: the id of the gate.
inline constexpr std::string_view kTestkubeGateTag = "baton-gate";
/// Testkube's own default; and what its own command line asks for.
inline constexpr int kTestkubePageSize = 100;
inline constexpr int kTestkubePageMax = 1'000;

/// One execution of a workflow. Lists leave `problem` out.
struct TestkubeExecution {
  std::string id;
  std::string name;
  std::string group;  // of those that one call started
  std::string workflow;
  std::map<std::string, std::string> tags;
  std::string status;     // in Testkube's words; "queued" while it has no result
  std::string status_at;  // as it was written: only ever compared
  std::optional<TimePoint> scheduled_at;
  bool finished = false;          // its status is an end, and there is a time of it
  std::string problem;            // what it, or one of its steps, says went wrong
  std::int64_t tests = 0;         // of all its reports
  std::int64_t tests_failed = 0;  // and errored
};

struct TestkubePage {
  std::vector<TestkubeExecution> executions;  // newest first
  bool more = false;
};

struct TestkubeStart {
  std::string workflow;
  std::map<std::string, std::string> config;
  std::map<std::string, std::string> tags;
};

/// passed for passed, failed for failed, errored for aborted, cancelled for canceled; none before
/// the end.
model::GateVerdict verdict_of(const TestkubeExecution& execution);

/// What a "key=value" says.  Result: false also when it is none.
bool has_tag(const TestkubeExecution& execution, std::string_view tag);
/// Testkube drops a selector that it does not understand, and answers with everything.
bool is_plain_tag(std::string_view tag);

/// One execution, from an object or an array of one.  Errors: unavailable (something else).
Result<TestkubeExecution> parse_testkube_execution(std::string_view body);
/// The answer of a list that was asked for `size` executions.  Errors: unavailable.
Result<TestkubePage> parse_testkube_page(std::string_view body, int size = kTestkubePageSize);

/// A request of the profile's peer; `path` begins behind "/v1" or "/agent".
net::HttpRequest testkube_request(const model::LinkProfile& profile, std::string method,
                                  std::string_view path);
/// "/test-workflow-executions/ID" + below.
std::string testkube_execution_path(std::string_view execution, std::string_view below = {});
/// What an answer that is not 2xx means. not_found; unauthenticated; unavailable (5xx, 408, 425,
/// 429: may work later); unprocessable (any other refusal).
Error testkube_error(int status, std::string_view body, std::string_view what);

/// Errors of each: those of testkube_error and of Http::send.
class TestkubeApi {
 public:
  /// Both outlive it.
  TestkubeApi(const model::LinkProfile& profile, Http& http) : profile_(profile), http_(http) {}

  /// tag: "" for all. Only a plain one is sent; whoever asks looks at the tags himself.
  Result<TestkubePage> list(int page, std::string_view tag = {}, int size = kTestkubePageSize);
  /// By id or name.
  Result<TestkubeExecution> get(std::string_view execution);
  /// The first of those that it starts. Further errors: conflict, with the name of an execution
  /// that was started without the tags of the request, and is aborted again.
  Result<TestkubeExecution> start(const TestkubeStart& start);
  /// One that has finished, or is gone, is left alone.
  Result<void> abort(std::string_view execution);
  /// The whole log of one that has finished, in pieces; false cancels (gone).
  Result<void> log(std::string_view execution, std::function<bool(std::string_view)> on_text);
  /// What happens to it, as it happens: raw bytes for TestkubeNotices. after: the last number that
  /// is known, 0 for none. Further errors: timeout, after `limit`.
  Result<void> notifications(std::string_view execution, std::int64_t after,
                             std::function<bool(std::string_view)> on_bytes,
                             Duration limit = net::kForever);

 private:
  Result<net::HttpResponse> send(net::HttpRequest request, std::string_view what);
  Result<void> stream(net::HttpRequest request, std::string_view what,
                      std::function<bool(std::string_view)> on_bytes);

  const model::LinkProfile& profile_;
  Http& http_;
};

}  // namespace baton::links
