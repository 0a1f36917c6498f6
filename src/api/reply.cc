// SPDX-License-Identifier: MIT
#include "api/reply.h"

#include <algorithm>
#include <charconv>

#include "api/context.h"
#include "net/url.h"
#include "wire/error_map.h"
#include "wire/page.h"

namespace baton::api {
namespace {

bool read_integer(std::string_view text, std::int64_t& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc{} && end == text.data() + text.size();
}

// How long to wait before trying again: a full queue drains in well under a second, a server that
// stops or whose disk is full takes longer.
std::string_view retry_after(Code code) { return code == Code::limit ? "1" : "5"; }

int status_of(const Error& error) {
  // RFC 9110: a failed If-Match or If-None-Match is 412; the code stays `conflict`.
  if (error.code == Code::conflict && error.fix == kPreconditionFix) return 412;
  return wire::http_status_of(error.code);
}

}  // namespace

net::Response json_reply(int status, std::string body) {
  return net::reply(status, "application/json", std::move(body));
}

net::Response problem(const net::RequestHead& head, const Error& error, int status) {
  if (status == 0) status = status_of(error);
  const wire::ProblemContext about{
      .instance = head.path, .request_id = head.request_id, .status = status};
  net::Response response =
      net::reply(status, "application/problem+json", wire::to_problem_json(error, about));
  if (error.code == Code::limit || error.code == Code::unavailable)
    response.headers.set("Retry-After", std::string{retry_after(error.code)});
  if (error.code == Code::unauthenticated)
    response.headers.set("WWW-Authenticate", "Bearer realm=\"baton\"");
  return response;
}

Page::Page(const Context& context, const Call& call)
    : call_(call), out_(context.settings.public_url) {
  out_.begin_object().key("items").begin_array();
}

wire::JsonWriter& Page::end_items() {
  items_ended_ = true;
  return out_.end_array();
}

net::Response Page::finish(const std::optional<std::string>& next) {
  if (!items_ended_) out_.end_array();
  out_.field_if("next_cursor", next);
  net::Response response = json_reply(200, out_.end_object().take());
  if (next) {
    std::vector<net::Parameter> query = call_.request.query;
    std::erase_if(query, [](const net::Parameter& p) { return p.name == "cursor"; });
    query.push_back({"cursor", *next});
    response.headers.set(
        "Link", fmt::format("<{}?{}>; rel=\"next\"", call_.request.path, net::format_query(query)));
  }
  return response;
}

Result<std::optional<std::int64_t>> integer_query(const Call& call, std::string_view name,
                                                  std::int64_t min, std::int64_t max) {
  const std::string_view text = call.query(name);
  if (text.empty()) return std::nullopt;
  std::int64_t number = 0;
  if (!read_integer(text, number) || number < min || number > max)
    return fail(Code::invalid, "{}=\"{}\" must be a whole number from {} to {}", name, text, min,
                max);
  return number;
}

Result<int> page_limit(const Call& call) {
  BATON_TRY(limit, integer_query(call, "limit", 1, INT64_MAX));
  return static_cast<int>(std::min<std::int64_t>(limit.value_or(kPageDefault), kPageMax));
}

Result<std::optional<std::int64_t>> integer_cursor(const Call& call) {
  const std::string_view text = call.query("cursor");
  if (text.empty()) return std::nullopt;
  BATON_TRY(key, wire::decode_integer_cursor(text));
  return key;
}

Result<std::optional<std::string>> text_cursor(const Call& call) {
  const std::string_view text = call.query("cursor");
  if (text.empty()) return std::nullopt;
  BATON_TRY(key, wire::decode_cursor(text));
  return key;
}

Result<Duration> wait_of(const Call& call) {
  const std::string_view text = call.query("wait");
  if (text.empty()) return Duration{0};
  BATON_TRY(wait, parse_duration(text));
  return std::min(wait, kWaitMax);
}

Result<bool> flag_query(const Call& call, std::string_view name, bool absent) {
  const std::string* text = call.request.parameter(name);
  if (text == nullptr) return absent;
  if (*text == "false" || *text == "0") return false;
  if (text->empty() || *text == "true" || *text == "1") return true;
  return fail(Code::invalid, "{}=\"{}\" must be true or false", name, *text);
}

Result<std::vector<std::pair<std::string, std::string>>> label_queries(const Call& call) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (const net::Parameter& parameter : call.request.query) {
    if (parameter.name != "label") continue;
    const std::size_t at = parameter.value.find('=');
    if (at == std::string::npos || at == 0)
      return fail(Code::invalid, "label=\"{}\" must be key=value", parameter.value);
    labels.emplace_back(parameter.value.substr(0, at), parameter.value.substr(at + 1));
  }
  return labels;
}

Result<RunId> run_id_of(std::string_view text) {
  std::int64_t id = 0;
  if (!read_integer(text, id) || id < 1)
    return fail(Code::not_found, "there is no run \"{}\"", text);
  return RunId{id};
}

std::optional<net::Response> not_modified(const Call& call, const std::string& etag) {
  const std::string_view header = call.request.headers.get("If-None-Match");
  if (header.empty() || !wire::etag_matches(header, etag, true)) return std::nullopt;
  net::Response response = net::reply(304);
  response.headers.set("ETag", etag);
  return response;
}

Preconditions preconditions_of(const Call& call) {
  return {std::string{call.request.headers.get("If-Match")},
          std::string{call.request.headers.get("If-None-Match")}};
}

Result<void> check(const Preconditions& preconditions, const std::string& etag) {
  const auto& [if_match, if_none_match] = preconditions;
  if (!if_none_match.empty() && !etag.empty() && wire::etag_matches(if_none_match, etag, true))
    return fail_with_fix(Code::conflict, std::string{kPreconditionFix},
                         "If-None-Match is {}, but it exists: its ETag is {}", if_none_match,
                         etag);
  if (if_match.empty()) return {};
  if (!etag.empty() && wire::etag_matches(if_match, etag, false)) return {};
  return fail_with_fix(Code::conflict, std::string{kPreconditionFix},
                       "If-Match is {}, but the present ETag is {}", if_match,
                       etag.empty() ? "none: it does not exist" : etag);
}

}  // namespace baton::api
