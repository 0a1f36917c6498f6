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
};

constexpr std::array<Entry, 17> kTable{{
    {Code::invalid, 400, 2, "Invalid request"},
    {Code::unauthenticated, 401, 4, "Authentication required"},
    {Code::forbidden, 403, 4, "Forbidden"},
    {Code::not_found, 404, 3, "Not found"},
    {Code::conflict, 409, 7, "Conflict"},
    {Code::stale_fence, 409, 7, "Stale fence"},
    {Code::deadlock, 409, 7, "Deadlock"},
    {Code::busy, 409, 7, "Busy"},
    {Code::gone, 410, 3, "Gone"},
    {Code::too_large, 413, 1, "Content too large"},
    {Code::unprocessable, 422, 1, "Unprocessable content"},
    {Code::unsatisfiable, 422, 1, "Unsatisfiable"},
    {Code::limit, 429, 1, "Limit reached"},
    {Code::unavailable, 503, 6, "Unavailable"},
    {Code::timeout, 504, 6, "Timed out"},
    {Code::unreachable, 502, 6, "Unreachable"},
    {Code::internal, 500, 1, "Internal error"},
}};

const Entry& entry_of(Code code) {
  for (const Entry& entry : kTable)
    if (entry.code == code) return entry;
  return kTable.back();
}

}  // namespace

int http_status_of(Code code) { return entry_of(code).status; }
int exit_code_of(Code code) { return entry_of(code).exit_code; }
std::string_view title_of(Code code) { return entry_of(code).title; }

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
  out.field_if("fix", error.fix);
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
  return out.end_object().take();
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
