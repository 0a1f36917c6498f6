// SPDX-License-Identifier: MIT
#pragma once
// For the tests of this room: a Testkube in memory that answers as the real one does.
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "links/http.h"
#include "links/test_http.h"
#include "net/url.h"
#include "wire/json_writer.h"

namespace baton::links {

inline const TimePoint kTestkubeDay = from_ms(1'700'000'000'000);

struct FakeExecution {
  std::string id;
  std::string workflow = "smoke";
  std::map<std::string, std::string> tags;
  std::string status = "running";
  bool stamped = false;  // finishedAt is set
  std::string group;
  std::int64_t failed_tests = 0;
  std::string problem = {};
  int moved = 0;  // another statusAt
  int calls = 0;  // how often it was read by id

  std::string name() const { return workflow + "-" + id; }
};

inline model::LinkProfile testkube_profile() {
  model::LinkProfile profile;
  profile.kind = model::LinkKind::testkube;
  profile.name = "tk";
  profile.url = "http://tk:8088";
  return profile;
}

/// Executions are in the order of their start.
class FakeTestkube final : public Http {
 public:
  FakeExecution& add(std::string id, std::map<std::string, std::string> tags = {}) {
    FakeExecution made;
    made.id = std::move(id);
    made.group = made.id;
    made.tags = std::move(tags);
    executions.push_back(std::move(made));
    return executions.back();
  }
  FakeExecution& of(std::string_view id) {
    for (FakeExecution& one : executions)
      if (one.id == id || one.name() == id) return one;
    std::abort();
  }
  void finish(std::string_view id, std::string status) {
    of(id).status = std::move(status);
    of(id).stamped = true;
  }
  int lists() const { return count("GET http://tk:8088/v1/test-workflow-executions?"); }
  int count(std::string_view begin) const {
    int found = 0;
    for (const net::HttpRequest& request : sent)
      found += int{(request.method + " " + request.url).starts_with(begin)};
    return found;
  }

  Answer send(net::HttpRequest request) override {
    sent.push_back(request);
    if (down) return answer(502, R"({"title":"client problem"})");
    if (on_send)
      if (auto scripted = on_send(request)) return *std::move(scripted);
    const auto target = net::parse_target(std::string_view(request.url).substr(14)).value();
    const auto& path = target.segments;  // v1, …
    if (request.method == "POST" && path[1] == "test-workflows") return start(path[2], request);
    if (path.size() == 2) return list(target);
    for (FakeExecution& one : executions)
      if (one.id == path[2] || one.name() == path[2]) return of_one(one, path);
    return answer(404, R"({"detail":"no documents in result"})");
  }

  std::vector<FakeExecution> executions;
  std::vector<net::HttpRequest> sent;
  std::function<std::optional<Answer>(const net::HttpRequest&)> on_send;
  bool down = false;
  bool ignores_bodies = false;
  bool answers_start = true;  // false: it starts, and the connection breaks
  int runners = 1;            // executions of one start

 private:
  std::string json(const FakeExecution& one, bool whole) const {
    wire::JsonWriter out;
    const auto index = static_cast<int>(&one - executions.data());
    out.begin_object().field("id", one.id).field("name", one.name()).field("groupId", one.group);
    out.field("scheduledAt", kTestkubeDay + std::chrono::seconds{index});
    out.field("statusAt", kTestkubeDay + std::chrono::seconds{one.moved});
    out.field("tags", one.tags);
    out.key("workflow").begin_object().field("name", one.workflow).end_object();
    out.key("result").begin_object().field("status", one.status);
    if (one.stamped) {
      out.field("finishedAt", kTestkubeDay + std::chrono::hours{1});
    } else {
      out.field("finishedAt", "0001-01-01T00:00:00Z");
    }
    if (whole)
      out.key("initialization").begin_object().field("errorMessage", one.problem).end_object();
    out.end_object().key("reports").begin_array().begin_object().key("summary").begin_object();
    out.field("tests", 10).field("failed", one.failed_tests).end_object().end_object().end_array();
    out.end_object();
    return out.take();
  }

  Answer list(const net::Target& target) const {
    std::string tag;
    std::size_t page = 0;
    std::size_t size = 100;
    for (const net::Parameter& each : target.query) {
      if (each.name == "tagSelector") tag = each.value;
      if (each.name == "page") page = std::stoul(each.value);
      if (each.name == "pageSize") size = std::stoul(each.value);
    }
    std::vector<std::string> found;
    for (std::size_t i = executions.size(); i-- > 0;) {
      const auto equals = tag.find('=');
      const auto& tags = executions[i].tags;
      const auto value = tags.find(tag.substr(0, equals));
      if (tag.empty() || (value != tags.end() && value->second == tag.substr(equals + 1)))
        found.push_back(json(executions[i], false));
    }
    std::string body;
    for (std::size_t i = page * size; i < found.size() && i < (page + 1) * size; ++i)
      body += (body.empty() ? "" : ",") + found[i];
    return answer(200, R"({"results":[)" + body + "]}");
  }

  Answer start(const std::string& workflow, const net::HttpRequest& request) {
    if (workflow == "unknown") return answer(404, R"({"detail":"not found"})");
    std::map<std::string, std::string> tags;
    const std::size_t at = request.body.find(R"("baton-gate":")");
    if (!ignores_bodies && at != std::string::npos)
      tags["baton-gate"] = request.body.substr(at + 14, request.body.find('"', at + 14) - at - 14);
    const std::size_t first = executions.size();
    for (int i = 0; i < runners; ++i) {
      FakeExecution& made = add("s" + std::to_string(executions.size() + 1), tags);
      made.workflow = workflow;
      made.group = executions[first].id;
    }
    if (!answers_start) return no_answer();
    return answer(200, json(executions[first], true));
  }

  Answer of_one(FakeExecution& one, const std::vector<std::string>& path) {
    if (path.size() == 3) {
      ++one.calls;
      return answer(200, json(one, true));
    }
    if (path[3] == "abort") {
      if (one.stamped) return answer(400, R"({"detail":"execution already finished"})");
      finish(one.id, "aborted");
      return answer(204);
    }
    return answer(404);
  }
};

}  // namespace baton::links
