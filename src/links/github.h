// SPDX-License-Identifier: MIT
#pragma once
// GitHub: check runs, commit statuses, comments and dispatches that a gate names, and deployments
// that a protection rule of a GitHub App holds until their gate is decided. Not for other rooms.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "links/adapters.h"
#include "links/peer.h"

namespace baton::links::github {

/// What a press on a check run's own button "Re-run" brings back.
inline constexpr std::string_view kRerunAction = "rerun";

/// The fields of a target; which of them are there depends on the operation.
struct Place {
  std::string repo;  // "owner/name"
  std::string sha;
  std::string name;     // of a check run
  std::string context;  // of a status
  std::string pr;       // the number of a pull request or issue
  std::string event_type;
  std::string client_payload;  // a JSON object, or ""
  std::string callback;        // where a held deployment is answered
  std::string environment;
  std::int64_t installation = 0;  // 0: it is looked up by the repository
};
/// Errors: invalid with one detail per field.
Result<Place> parse_place(std::string_view op, std::string_view fields);

/// A token that proves an App, for ten minutes at most.  Errors: invalid: the key is none.
Result<std::string> app_token(std::int64_t app_id, const std::string& private_key, TimePoint now);

/// The calls of one attempt. Tokens of installations are kept for the hour that they are valid, by
/// profile and repository, for all threads.
class Peer {
 public:
  Peer(const Message& message, const model::LinkProfile& profile, Http& http, const Place& place);

  /// path: of the API ("/repos/…"), or a whole address below profile.url. body: "" for none.
  /// A token that is refused is replaced once.
  Result<net::HttpResponse> send(std::string method, std::string_view path, std::string body = {});
  /// What an answer that is not good means, with the memo. Limits are waited for.
  Outcome failure(const Result<net::HttpResponse>& answer) const;
  Outcome with_memo(Outcome outcome) const;
  /// "/repos/owner/name" + `below`
  std::string repo_path(std::string_view below) const;

  const Message& message;
  const model::LinkProfile& profile;
  const Place& place;
  Json memo;

 private:
  Result<net::HttpResponse> call_with(const std::string& authorization, const std::string& method,
                                      std::string_view path, const std::string& body);
  Result<std::string> authorization(Result<net::HttpResponse>& refusal);
  Result<std::string> ask_token(Result<net::HttpResponse>& refusal);
  std::string cache_key() const;
  Http& http_;
};

/// Forgets the tokens of installations, for tests.
void forget_tokens();

/// What people read, as Markdown: the verdict, its reason, the tests that failed and where to look.
/// Names and reasons stand in code, so that they mention nobody.
std::string report(const Message& message, const std::vector<CaseLine>& cases, std::size_t max);
/// One line of it.
std::string short_report(const Message& message, std::size_t max);

Outcome deliver_check_run(const Message&, const model::LinkProfile&, Http&);
Outcome deliver_status(const Message&, const model::LinkProfile&, Http&);
Outcome deliver_comment(const Message&, const model::LinkProfile&, Http&);
Outcome deliver_dispatch(const Message&, const model::LinkProfile&, Http&);
Outcome deliver_progress(const Message&, const model::LinkProfile&, Http&);
Outcome deliver_protection_rule(const Message&, const model::LinkProfile&, Http&);

/// A deployment that waits for the verdict of a protection rule, as GitHub tells of it.
struct Question {
  std::string repo;  // "owner/name"
  std::string environment;
  std::string callback;
  std::string deployment;  // its id, a number; "" in the events of old servers
  std::string sha;         // "" when it is not known
  std::int64_t installation = 0;
};
/// The gate that answers it: the same for a webhook and for the sweep that found it.
/// Errors: forbidden (the callback is not below profile.url), invalid.
Result<OpenGate> open_question(const model::LinkProfile& profile, const Question& question);

Deliver find(std::string_view op);
model::Stage stage(std::string_view op);
Result<void> check(const model::Target& target);
Result<Inbound> read(const InboundCall& call);

}  // namespace baton::links::github
