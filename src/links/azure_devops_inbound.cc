// SPDX-License-Identifier: MIT
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "links/allow_list.h"
#include "links/azure_devops.h"
#include "links/loose_fields.h"
#include "links/signature.h"
#include "net/text.h"
#include "wire/gate_json.h"
#include "wire/json_reader.h"

namespace baton::links::azure {
namespace {

namespace json = boost::json;

// An address that an organisation has; more is an attempt at something.
constexpr std::size_t kPlanUrlMax = 2'000;
constexpr std::size_t kHubMax = 64;

/// The headers of a call, with all that is wrong with them.
class Given {
 public:
  explicit Given(const net::Headers& headers) : headers_(headers) {}

  std::string_view get(std::string_view name) const { return trim(headers_.get(name)); }

  std::string needed(std::string_view name) {
    const std::string_view value = get(name);
    if (value.empty()) fault(name, "is missing");
    return std::string{value};
  }

  // Lower case, so that the same call has the same ids.
  std::string guid(std::string_view name) {
    const std::string value = to_lower(needed(name));
    if (!value.empty() && !is_guid(value)) fault(name, "is not a GUID");
    return value;
  }

  void fault(std::string_view name, std::string_view why) {
    problem_ += fmt::format("{}{} {}", problem_.empty() ? "" : ", ", name, why);
    details_.push_back({fmt::format("/headers/{}", name), std::string{why}});
  }

  Result<void> check() {
    if (details_.empty()) return {};
    auto refused = fail_with_fix(Code::invalid,
                                 "use the headers that Azure DevOps suggests for Invoke REST API, "
                                 "with the Completion event Callback",
                                 "headers of the check: {}", problem_);
    refused.value().details = std::move(details_);
    return refused;
  }

 private:
  static bool is_guid(std::string_view text) {
    constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    return text.size() == kShape.size() &&
           std::equal(text.begin(), text.end(), kShape.begin(), [](char c, char shape) {
             return shape == '-' ? c == '-' : net::hex_value(c) >= 0;
           });
  }

  const net::Headers& headers_;
  std::string problem_;
  std::vector<ErrorDetail> details_;
};

std::string hub_of(Given& given) {
  const std::string_view hub = given.get("HubName");
  if (hub.empty()) return "Release";  // as Microsoft's helper takes it
  for (const std::string_view known : {"Build", "Release", "Gates", "Checks"})
    if (net::equal_no_case(hub, known)) return std::string{known};
  const bool is_plain = std::all_of(hub.begin(), hub.end(), [](char c) {
    return net::is_digit(c) || net::is_alpha(c) || c == '-' || c == '_';
  });
  if (!is_plain || hub.size() > kHubMax) given.fault("HubName", "is no name of a hub");
  return std::string{hub};
}

// The same for every repetition of the call (a UUID of version 8: made from what we chose).
std::string made_task(const Place& place) {
  std::string hex = to_hex(hmac_sha256(place.plan, place.job)).substr(0, 32);
  hex[12] = '8';
  hex[16] = "89ab"[net::hex_value(hex[16]) & 3];
  for (const std::size_t at : {8, 13, 18, 23}) hex.insert(at, "-");
  return hex;
}

Place read_place(Given& given) {
  Place place;
  place.plan_url = given.needed("PlanUrl");
  place.project = given.guid("ProjectId");
  place.hub = hub_of(given);
  place.plan = given.guid("PlanId");
  place.job = given.guid("JobId");
  place.timeline = given.guid("TimelineId");
  place.is_task_made = given.get("TaskInstanceId").empty();
  place.task = place.is_task_made ? made_task(place) : given.guid("TaskInstanceId");
  place.task_name = cut_text(to_valid_utf8(given.get("TaskInstanceName")), 200);
  place.build = given.get("BuildId");
  if (!std::all_of(place.build.begin(), place.build.end(), net::is_digit) ||
      place.build.size() > 18)
    given.fault("BuildId", "is not a number");
  if (has_control_bytes(place.task_name)) given.fault("TaskInstanceName", "is not one line");
  return place;
}

bool is_cancel(Given& given) {
  const std::string_view type = given.get("RequestType");
  if (!type.empty() && !net::equal_no_case(type, "Execute") && !net::equal_no_case(type, "Cancel"))
    given.fault("RequestType", "is neither Execute nor Cancel");
  return net::equal_no_case(type, "Cancel");
}

model::Target target_of(const model::LinkProfile& profile, std::string op,
                        const std::string& fields) {
  model::Target target;
  target.link = profile.id();
  target.op = std::move(op);
  target.fields = fields;
  return target;
}

}  // namespace

Result<Inbound> read(const InboundCall& call) {
  Given given(call.request.headers);
  Place place = read_place(given);
  const bool cancels = is_cancel(given);
  std::string token{given.get("AuthToken")};
  // A check never shows its variables' names: one that did was not run by Azure DevOps.
  if (token.starts_with("$(")) given.fault("AuthToken", "is not a token");
  if (token.empty() && call.profile.token.empty()) given.fault("AuthToken", "is missing");
  if (place.plan_url.size() > kPlanUrlMax) given.fault("PlanUrl", "is too long");
  const auto plan_url = parse_callback_url(place.plan_url);
  const bool is_malformed = !plan_url && plan_url.error().code == Code::invalid;
  if (is_malformed && !place.plan_url.empty()) given.fault("PlanUrl", plan_url.error().message);
  if (plan_url && !plan_url->query.empty()) given.fault("PlanUrl", "has a query");
  BATON_TRY_VOID(given.check());
  BATON_TRY_VOID(allowed_by(place.plan_url, call.profile.allow));
  place.plan_url = plan_url->text();
  while (place.plan_url.ends_with('/')) place.plan_url.pop_back();
  const std::string ident = fmt::format("{}/{}/{}", place.plan, place.job, place.task);
  if (cancels) return CancelGate{ident, "Azure DevOps cancelled the check"};

  std::string body = call.request.body;
  if (trim(body).empty() && !call.request.query.empty()) {
    BATON_TRY(fields, fields_of_query(call.request.query));
    body = json::serialize(fields);
  }
  OpenGate open;
  BATON_TRY(request, wire::parse_inbound_request(body, call.profile.defaults));
  open.request = std::move(request);
  if (open.request.name.empty()) open.request.name = place.task_name;
  if (!place.build.empty()) open.request.labels.try_emplace("build_id", place.build);
  const std::string fields = to_fields(place);
  open.request.deliver = {target_of(call.profile, "log", fields),
                          target_of(call.profile, "check", fields)};
  if (call.profile.publish_results)
    open.request.deliver.push_back(target_of(call.profile, "results", fields));
  BATON_TRY_VOID(model::check_gate_request(open.request));
  open.ident = ident;
  if (!token.empty()) open.secrets["token"] = std::move(token);
  return open;
}

}  // namespace baton::links::azure
