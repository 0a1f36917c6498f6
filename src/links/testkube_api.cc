// SPDX-License-Identifier: MIT
#include "links/testkube_api.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/text.h"
#include "links/peer.h"
#include "net/url.h"
#include "wire/json_writer.h"

namespace baton::links {
namespace {

namespace json = boost::json;

constexpr std::string_view kExecutions = "/test-workflow-executions";
constexpr std::array<std::string_view, 4> kEnds{"passed", "failed", "aborted", "canceled"};
constexpr std::size_t kShownMax = 500;
constexpr std::size_t kProblemMax = 1'000;
// A page of a hundred whole workflows is a few megabytes; much more is no list.
constexpr std::uint64_t kAnswerMax = 64 << 20;
// Workflows nest groups of steps; the parser's own limit of 32 would refuse such an execution.
constexpr std::size_t kDepthMax = 256;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

const json::object* object_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  return value == nullptr ? nullptr : value->if_object();
}

std::string text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string{} : std::string{view(*text)};
}

std::int64_t number_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_number()) return 0;
  json::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  return error ? 0 : std::max<std::int64_t>(number, 0);
}

// The year one, which stands for "not yet", is none.
std::optional<TimePoint> time_in(const json::object& object, std::string_view name) {
  const auto time = parse_rfc3339(text_in(object, name));
  if (!time || to_ms(*time) <= 0) return {};
  return *time;
}

Result<json::value> parsed(std::string_view body) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  options.allow_invalid_utf8 = true;
  json::error_code error;
  json::value value = json::parse({body.data(), body.size()}, error, {}, options);
  if (error)
    return fail(Code::unavailable, "Testkube's answer is no JSON: {}",
                to_valid_utf8(trim(body.substr(0, kShownMax))));
  return value;
}

std::string problem_of(const json::object& result) {
  const json::object* start = object_in(result, "initialization");
  std::string problem = start == nullptr ? std::string{} : text_in(*start, "errorMessage");
  if (const json::object* steps = object_in(result, "steps"))
    for (const auto& [ref, step] : *steps) {
      if (!problem.empty()) break;
      const json::object* one = step.if_object();
      if (one != nullptr && text_in(*one, "status") != "passed")
        problem = text_in(*one, "errorMessage");
    }
  return cut_text(to_valid_utf8(trim(problem)), kProblemMax);
}

void read_reports(const json::object& object, TestkubeExecution& execution) {
  const json::value* reports = object.if_contains("reports");
  if (reports == nullptr || !reports->is_array()) return;
  for (const json::value& report : reports->get_array()) {
    const json::object* one = report.if_object();
    const json::object* summary = one == nullptr ? nullptr : object_in(*one, "summary");
    if (summary == nullptr) continue;
    execution.tests += number_in(*summary, "tests");
    execution.tests_failed += number_in(*summary, "failed") + number_in(*summary, "errored");
  }
}

TestkubeExecution read_execution(const json::object& object) {
  TestkubeExecution execution;
  execution.id = text_in(object, "id");
  execution.name = text_in(object, "name");
  execution.group = text_in(object, "groupId");
  execution.status_at = text_in(object, "statusAt");
  execution.scheduled_at = time_in(object, "scheduledAt");
  if (const json::object* workflow = object_in(object, "workflow"))
    execution.workflow = text_in(*workflow, "name");
  if (const json::object* tags = object_in(object, "tags"))
    for (const auto& [key, value] : *tags)
      if (const json::string* text = value.if_string())
        execution.tags.emplace(std::string{key.data(), key.size()}, view(*text));
  execution.status = "queued";
  if (const json::object* result = object_in(object, "result")) {
    if (std::string status = text_in(*result, "status"); !status.empty())
      execution.status = std::move(status);
    const bool ended = std::find(kEnds.begin(), kEnds.end(), execution.status) != kEnds.end();
    execution.finished = ended && time_in(*result, "finishedAt");
    execution.problem = problem_of(*result);
  }
  read_reports(object, execution);
  return execution;
}

std::string body_of(const TestkubeStart& start) {
  wire::JsonWriter out;
  out.begin_object().field("config", start.config).field("tags", start.tags);
  out.key("runningContext").begin_object();
  out.key("interface").begin_object().field("type", "ci/cd").end_object();
  out.key("actor").begin_object().field("type", "program").field("name", "baton").end_object();
  out.end_object().end_object();
  return out.take();
}

bool has_tags(const TestkubeExecution& execution, const TestkubeStart& start) {
  return std::all_of(start.tags.begin(), start.tags.end(), [&](const auto& tag) {
    const auto found = execution.tags.find(tag.first);
    return found != execution.tags.end() && found->second == tag.second;
  });
}

// As a part of a path these would lead elsewhere.
Result<void> check_part(std::string_view name, std::string_view what) {
  if (!name.empty() && name != "." && name != "..") return {};
  return fail_with_fix(Code::not_found, "name one that Testkube lists", "\"{}\" is no {}", name,
                       what);
}

}  // namespace

model::GateVerdict verdict_of(const TestkubeExecution& execution) {
  using model::GateVerdict;
  if (!execution.finished) return GateVerdict::none;
  if (execution.status == "passed") return GateVerdict::passed;
  if (execution.status == "failed") return GateVerdict::failed;
  if (execution.status == "canceled") return GateVerdict::cancelled;
  return GateVerdict::errored;
}

bool has_tag(const TestkubeExecution& execution, std::string_view tag) {
  const std::size_t equals = tag.find('=');
  if (equals == std::string_view::npos) return false;
  const auto found = execution.tags.find(std::string{tag.substr(0, equals)});
  return found != execution.tags.end() && found->second == tag.substr(equals + 1);
}

bool is_plain_tag(std::string_view tag) {
  const std::size_t equals = tag.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == tag.size()) return false;
  return std::all_of(tag.begin(), tag.end(), [&](const char& c) {
    const bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_word || std::string_view{"-_./:@"}.find(c) != std::string_view::npos ||
           &c == &tag[equals];
  });
}

Result<TestkubeExecution> parse_testkube_execution(std::string_view body) {
  BATON_TRY(value, parsed(body));
  const json::value* one = &value;
  if (value.is_array() && !value.get_array().empty()) one = &value.get_array().front();
  if (one->is_object()) {
    TestkubeExecution execution = read_execution(one->get_object());
    if (!execution.id.empty()) return execution;
  }
  return fail(Code::unavailable, "Testkube's answer is no execution: {}",
              to_valid_utf8(trim(body.substr(0, kShownMax))));
}

Result<TestkubePage> parse_testkube_page(std::string_view body, int size) {
  BATON_TRY(value, parsed(body));
  const json::value* results =
      value.is_object() ? value.get_object().if_contains("results") : &value;
  TestkubePage page;
  // Without any there may be null instead of an empty array.
  if (results == nullptr || results->is_null()) {
    if (value.is_object() && value.get_object().contains("results")) return page;
  } else if (results->is_array()) {
    page.more = results->get_array().size() >= static_cast<std::size_t>(size);
    for (const json::value& item : results->get_array()) {
      if (!item.is_object()) continue;
      TestkubeExecution execution = read_execution(item.get_object());
      if (!execution.id.empty()) page.executions.push_back(std::move(execution));
    }
    return page;
  }
  return fail(Code::unavailable, "Testkube's answer is no list of executions: {}",
              to_valid_utf8(trim(body.substr(0, kShownMax))));
}

net::HttpRequest testkube_request(const model::LinkProfile& profile, std::string method,
                                  std::string_view path) {
  std::string base = profile.url;
  while (base.ends_with('/')) base.pop_back();
  // Behind a control plane the agent is a path of an environment; alone it has a version.
  if (base.find("/organizations/") == std::string::npos && !base.ends_with("/v1")) base += "/v1";
  net::HttpRequest request = call(std::move(method), base, path);
  if (!profile.token.empty()) request.headers.set("Authorization", "Bearer " + profile.token.value);
  return request;
}

std::string testkube_execution_path(std::string_view execution, std::string_view below) {
  return fmt::format("{}/{}{}", kExecutions, net::percent_encode(execution), below);
}

Error testkube_error(int status, std::string_view body, std::string_view what) {
  const std::string said = to_valid_utf8(trim(body.substr(0, kShownMax)));
  Error error;
  error.message = fmt::format("Testkube refused to {}: status {}{}{}", what, status,
                              said.empty() ? "" : ": ", said);
  if (status == 404) {
    error.code = Code::not_found;
    error.fix = "name one that Testkube lists";
  } else if (status == 401 || status == 403) {
    error.code = Code::unauthenticated;
    error.fix = "give the link of this Testkube a token that may read and run workflows";
  } else if (status >= 500 || status == 408 || status == 425 || status == 429) {
    error.code = Code::unavailable;
    error.fix = "it is tried again; the log of Testkube's API server says why";
  } else {
    error.code = Code::unprocessable;
    error.fix = "check the link's url and the subject of the gate";
  }
  return error;
}

Result<net::HttpResponse> TestkubeApi::send(net::HttpRequest request, std::string_view what) {
  request.max_response_bytes = kAnswerMax;
  BATON_TRY(answer, http_.send(std::move(request)));
  if (answer.status >= 200 && answer.status < 300) return std::move(answer);
  return tl::unexpected(testkube_error(answer.status, answer.body, what));
}

Result<TestkubePage> TestkubeApi::list(int page, std::string_view tag, int size) {
  std::vector<net::Parameter> query{{"page", std::to_string(page)},
                                    {"pageSize", std::to_string(size)}};
  if (is_plain_tag(tag)) query.push_back({"tagSelector", std::string{tag}});
  BATON_TRY(answer,
            send(testkube_request(profile_, "GET",
                                  fmt::format("{}?{}", kExecutions, net::format_query(query))),
                 "list executions"));
  return parse_testkube_page(answer.body, size);
}

Result<TestkubeExecution> TestkubeApi::get(std::string_view execution) {
  BATON_TRY_VOID(check_part(execution, "execution of Testkube"));
  BATON_TRY(answer, send(testkube_request(profile_, "GET", testkube_execution_path(execution)),
                         fmt::format("show the execution {}", execution)));
  return parse_testkube_execution(answer.body);
}

Result<TestkubeExecution> TestkubeApi::start(const TestkubeStart& start) {
  BATON_TRY_VOID(check_part(start.workflow, "workflow of Testkube"));
  net::HttpRequest request = testkube_request(
      profile_, "POST",
      fmt::format("/test-workflows/{}/executions", net::percent_encode(start.workflow)));
  // Without a Content-Type the body is ignored, and the workflow runs all the same.
  set_json(request, body_of(start));
  BATON_TRY(answer, send(std::move(request), fmt::format("start the workflow {}", start.workflow)));
  BATON_TRY(started, parse_testkube_execution(answer.body));
  if (has_tags(started, start)) return std::move(started);
  BATON_TRY(stored, get(started.id));
  if (has_tags(stored, start)) return std::move(stored);
  BATON_TRY_VOID(abort(started.id));
  return fail_with_fix(Code::conflict,
                       "see that no proxy drops the body or its Content-Type on the way",
                       "Testkube started {} without the tags and the configuration of the request; "
                       "it was aborted",
                       started.name);
}

Result<void> TestkubeApi::abort(std::string_view execution) {
  BATON_TRY_VOID(check_part(execution, "execution of Testkube"));
  const auto answer =
      send(testkube_request(profile_, "POST", testkube_execution_path(execution, "/abort")),
           fmt::format("abort the execution {}", execution));
  if (answer) return {};
  const Error& error = answer.error();
  if (error.code == Code::not_found || error.message.find("already finished") != std::string::npos)
    return {};
  return tl::unexpected(error);
}

Result<void> TestkubeApi::stream(net::HttpRequest request, std::string_view what,
                                 std::function<bool(std::string_view)> on_bytes) {
  int status = 0;
  std::string refusal;
  request.on_head = [&status](int got, const net::Headers&) {
    status = got;
    return true;
  };
  request.on_data = [&](std::string_view bytes) {
    if (status >= 200 && status < 300) return on_bytes(bytes);
    refusal += bytes.substr(0, kShownMax - std::min(kShownMax, refusal.size()));
    return true;
  };
  BATON_TRY(answer, http_.send(std::move(request)));
  if (answer.status >= 200 && answer.status < 300) return {};
  return tl::unexpected(testkube_error(answer.status, refusal, what));
}

Result<void> TestkubeApi::log(std::string_view execution,
                              std::function<bool(std::string_view)> on_text) {
  BATON_TRY_VOID(check_part(execution, "execution of Testkube"));
  net::HttpRequest request =
      testkube_request(profile_, "GET", testkube_execution_path(execution, "/logs"));
  request.total_timeout = net::kForever;
  return stream(std::move(request), fmt::format("show the log of {}", execution),
                std::move(on_text));
}

Result<void> TestkubeApi::notifications(std::string_view execution, std::int64_t after,
                                        std::function<bool(std::string_view)> on_bytes,
                                        Duration limit) {
  BATON_TRY_VOID(check_part(execution, "execution of Testkube"));
  const std::string below =
      after > 0 ? fmt::format("/notifications?resumeAfterSeqNo={}", after) : "/notifications";
  net::HttpRequest request =
      testkube_request(profile_, "GET", testkube_execution_path(execution, below));
  request.headers.set("Accept", "text/event-stream");
  request.total_timeout = limit;
  return stream(std::move(request), fmt::format("stream the log of {}", execution),
                std::move(on_bytes));
}

}  // namespace baton::links
