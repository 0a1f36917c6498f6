// SPDX-License-Identifier: MIT
#include "net/response_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "net/text.h"

namespace baton::net {
namespace {

struct Reason {
  int status;
  std::string_view text;
};

constexpr std::array kReasons = {
    Reason{100, "Continue"},
    Reason{200, "OK"},
    Reason{201, "Created"},
    Reason{202, "Accepted"},
    Reason{204, "No Content"},
    Reason{206, "Partial Content"},
    Reason{301, "Moved Permanently"},
    Reason{302, "Found"},
    Reason{303, "See Other"},
    Reason{304, "Not Modified"},
    Reason{307, "Temporary Redirect"},
    Reason{308, "Permanent Redirect"},
    Reason{400, "Bad Request"},
    Reason{401, "Unauthorized"},
    Reason{403, "Forbidden"},
    Reason{404, "Not Found"},
    Reason{405, "Method Not Allowed"},
    Reason{406, "Not Acceptable"},
    Reason{408, "Request Timeout"},
    Reason{409, "Conflict"},
    Reason{410, "Gone"},
    Reason{411, "Length Required"},
    Reason{412, "Precondition Failed"},
    Reason{413, "Content Too Large"},
    Reason{415, "Unsupported Media Type"},
    Reason{416, "Range Not Satisfiable"},
    Reason{417, "Expectation Failed"},
    Reason{422, "Unprocessable Content"},
    Reason{428, "Precondition Required"},
    Reason{429, "Too Many Requests"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{502, "Bad Gateway"},
    Reason{503, "Service Unavailable"},
    Reason{504, "Gateway Timeout"},
    Reason{507, "Insufficient Storage"},
};

constexpr std::array<std::string_view, 5> kOwnFields = {"Content-Length", "Transfer-Encoding",
                                                        "Connection", "Date", "X-Request-Id"};

bool is_own_field(std::string_view name) {
  return std::any_of(kOwnFields.begin(), kOwnFields.end(),
                     [&](std::string_view own) { return equal_no_case(own, name); });
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  const std::size_t start = out.size();
  out += value;
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(start), out.end(),
      [](char c) { return is_control(c) && c != '\t'; }, ' ');
  out += "\r\n";
}

}  // namespace

std::string_view reason_of(int status) {
  const auto* found = std::lower_bound(kReasons.begin(), kReasons.end(), status,
                                       [](const Reason& r, int s) { return r.status < s; });
  return found != kReasons.end() && found->status == status ? found->text : std::string_view{};
}

std::string format_http_date(std::time_t seconds) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm t{};
  ::gmtime_r(&seconds, &t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays.at(static_cast<std::size_t>(t.tm_wday)), t.tm_mday,
                     kMonths.at(static_cast<std::size_t>(t.tm_mon)), t.tm_year + 1900, t.tm_hour,
                     t.tm_min, t.tm_sec);
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string format_head(const Response& response, const HeadFacts& facts) {
  std::string out;
  out.reserve(320);
  fmt::format_int status(response.status);
  out += "HTTP/1.1 ";
  out.append(status.data(), status.size());
  out += ' ';
  out += reason_of(response.status);
  out += "\r\n";
  append_field(out, "Date", facts.date);
  for (const Header& field : response.headers) {
    if (is_token(field.name) && !is_own_field(field.name)) {
      append_field(out, field.name, field.value);
    }
  }
  if (!facts.request_id.empty()) append_field(out, "X-Request-Id", facts.request_id);
  if (facts.chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (facts.content_length) {
    fmt::format_int length(*facts.content_length);
    append_field(out, "Content-Length", {length.data(), length.size()});
  }
  if (facts.close) out += "Connection: close\r\n";
  out += "\r\n";
  return out;
}

}  // namespace baton::net
