// SPDX-License-Identifier: MIT
#pragma once
// Azure DevOps: a check or gate that invoked this server ("Callback") and waits to be told. What is
// told goes to the place that the call named, with the token of its job: live log lines and the
// state of the timeline record, the verdict, and the results as a test run. Not for other rooms.
#include <span>
#include <string>
#include <string_view>

#include "links/adapters.h"
#include "links/peer.h"

namespace baton::links::azure {

/// Where a check is, as its headers said; the fields of the targets. No secret is in it.
struct Place {
  std::string plan_url;  // of the collection, without a slash at the end
  std::string project;
  std::string hub;
  std::string plan;
  std::string job;
  std::string timeline;
  std::string task;           // the id of its record
  std::string task_name;      // ""
  std::string build;          // a number; "" when the check does not send BuildId
  bool is_task_made = false;  // the call had no TaskInstanceId

  /// "…/_apis/distributedtask/hubs/{hub}/plans/{plan}"
  std::string plan_path() const;
  std::string records_path() const;  // of the timeline
};
std::string to_fields(const Place& place);
Result<Place> parse_place(std::string_view fields);

/// The calls of one attempt: with the token of the job, or the profile's own once that is refused;
/// with the second version of the API once the first is refused. What it learns is in `memo`.
class Peer {
 public:
  Peer(const Message& message, const model::LinkProfile& profile, Http& http);

  /// versions: at least one; `request` without api-version.
  Result<net::HttpResponse> send(net::HttpRequest request, std::span<const std::string> versions);
  /// What an answer that is not good means, with the memo.
  Outcome failure(const Result<net::HttpResponse>& answer);
  Outcome with_memo(Outcome outcome) const;
  /// The versions of the events' API: those configured, then those every server has.
  std::vector<std::string> event_versions() const;

  const Message& message;
  const model::LinkProfile& profile;
  Json memo;

 private:
  bool use_token(net::HttpRequest& request) const;
  Http& http_;
};

/// False also for the page that asks people to sign in, which comes with a 203.
bool is_taken(const Result<net::HttpResponse>& answer);
/// The check is over for Azure DevOps, or it never waited, or does not wait yet.
bool is_session_missing(const Result<net::HttpResponse>& answer);

Outcome deliver_log(const Message& message, const model::LinkProfile& profile, Http& http);
Outcome deliver_check(const Message& message, const model::LinkProfile& profile, Http& http);
Outcome deliver_results(const Message& message, const model::LinkProfile& profile, Http& http);

/// The artifacts that the profile names become attachments of the test run at `run`
/// ("…/_apis/test/Runs/7"), a few in each attempt. The test run is complete.
Outcome attach_artifacts(Peer& peer, const std::string& run);

Deliver find(std::string_view op);
model::Stage stage(std::string_view op);
Result<Inbound> read(const InboundCall& call);

/// For logs, timelines and plans, and for tests. Azure DevOps Server 2019 and later take them.
std::span<const std::string> task_versions();
std::span<const std::string> test_versions();

}  // namespace baton::links::azure
