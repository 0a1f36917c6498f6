// SPDX-License-Identifier: MIT
#include "wire/error_map.h"

#include <array>

#include "wire/json_reader.h"
#include "wire/json_writer.h"

namespace baton::wire {
namespace {

struct Entry {
  Code code;
  int status;
  int exit_code;
  std::string_view title;
  std::string_view fix;  // when the error itself says none
};

// clang-format off
constexpr std::array<Entry, 17> kTable{{
    {Code::invalid, 400, 2, "Invalid request",
     "correct the request; /openapi.json says what is accepted"},
    {Code::unauthenticated, 401, 4, "Authentication required",
     "send `Authorization: Bearer TOKEN`; `baton token create` makes one"},
    {Code::forbidden, 403, 4, "Forbidden",
     "use a token of a wider scope; `baton whoami` tells what yours may do"},
    {Code::not_found, 404, 3, "Not found",
     "check the name or id against the list of its kind; /openapi.json has every path"},
    {Code::conflict, 409, 7, "Conflict", "read its present state; this is not possible in it"},
    {Code::stale_fence, 409, 7, "Stale fence", "stop: the lease was given to somebody else"},
    {Code::deadlock, 409, 7, "Deadlock", "release what you hold, then ask for all of it at once"},
    {Code::busy, 409, 7, "Busy", "wait for it, or come back later"},
    {Code::gone, 410, 3, "Gone", "choose another; this one does not come back"},
    {Code::too_large, 413, 1, "Content too large", "send less, or in parts"},
    {Code::unprocessable, 422, 1, "Unprocessable content", "correct the content where it says"},
    {Code::unsatisfiable, 422, 1, "Unsatisfiable", "ask for less, or declare what is missing"},
    {Code::limit, 429, 1, "Limit reached", "repeat it later; Retry-After says when"},
    {Code::unavailable, 503, 6, "Unavailable",
     "repeat it later; the server's log says what is wrong"},
    {Code::timeout, 504, 6, "Timed out", "repeat it, or allow it more time"},
    {Code::unreachable, 502, 6, "Unreachable", "check the address, and that its server runs"},
    {Code::internal, 500, 1, "Internal error",
     "report it with the request_id and the server's log"},
}};
// clang-format on

const Entry& entry_of(Code code) {
  for (const Entry& entry : kTable)
    if (entry.code == code) return entry;
  return kTable.back();
}

}  // namespace

int http_status_of(Code code) { return entry_of(code).status; }
int exit_code_of(Code code) { return entry_of(code).exit_code; }
std::string_view title_of(Code code) { return entry_of(code).title; }
std::string_view fix_of(Code code) { return entry_of(code).fix; }

Result<Code> parse_code(std::string_view name) {
  for (const Entry& entry : kTable)
    if (name_of(entry.code) == name) return entry.code;
  return fail(Code::invalid, "\"{}\" is no error code", name);
}

Code code_of_status(int status) {
  for (const Entry& entry : kTable)
    if (entry.status == status) return entry.code;
  if (status == 412) return Code::conflict;
  return status >= 500 ? Code::unavailable : Code::invalid;
}

std::string to_problem_json(const Error& error, const ProblemContext& context) {
  JsonWriter out;
  out.begin_object()
      .field("type", "about:blank")
      .field("title", title_of(error.code))
      .field("status", context.status != 0 ? context.status : http_status_of(error.code))
      .field("detail", error.message)
      .field("instance", context.instance)
      .field("code", name_of(error.code));
  out.field("fix", error.fix.empty() ? fix_of(error.code) : std::string_view{error.fix});
  out.field("request_id", context.request_id);
  if (!error.details.empty()) {
    out.key("errors").begin_array();
    for (const ErrorDetail& detail : error.details)
      out.begin_object()
          .field("pointer", detail.pointer)
          .field("detail", detail.detail)
          .end_object();
    out.end_array();
  }
  std::string json = out.end_object().take();
  if (error.members.empty()) return json;
  json.pop_back();
  return json + "," + error.members + "}";
}

Error parse_problem(int status, std::string_view body) {
  Error error{code_of_status(status), {}};
  const auto read = read_json(
      body,
      [&](JsonFields& f) {
        f.choice("code", error.code, parse_code);
        f.text("detail", error.message);
        f.text("fix", error.fix);
        f.objects("errors", [&](JsonFields& item) {
          ErrorDetail& detail = error.details.emplace_back();
          item.text("pointer", detail.pointer);
          item.text("detail", detail.detail);
        });
      },
      Unknown::skip);
  if (!read || error.message.empty()) {
    constexpr std::size_t kQuotedMax = 500;
    error.message = fmt::format("the server answered {}", status);
    if (!body.empty()) error.message += fmt::format(": {}", body.substr(0, kQuotedMax));
  }
  return error;
}

}  // namespace baton::wire
