// SPDX-License-Identifier: MIT
// A request's head: found at every split alike, and what is accepted has one reading only.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/request_parser.h"

using namespace baton::net;

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

void check_accepted(const ParsedHead& parsed) {
  const Headers& headers = parsed.head.headers;
  const auto lengths = headers.all("Content-Length").size();
  const auto encodings = headers.all("Transfer-Encoding").size();
  check(lengths + encodings <= 1);
  check(parsed.chunked == (encodings == 1));
  check(!parsed.chunked || !parsed.http_1_0);
  check(headers.all("Host").size() <= 1);
  for (const Header& field : headers) {
    check(!field.name.empty());
    check(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  for (const std::string& segment : parsed.head.segments) {
    check(segment.find('\0') == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  HeadScanner whole;
  const auto found = whole.scan(input);
  HeadScanner split;
  auto step = baton::Result<std::size_t>(0);
  for (std::size_t end = 1; end <= size && step && *step == 0; ++end) {
    step = split.scan(std::string_view{input}.substr(0, end));
  }
  check(found.has_value() == step.has_value());
  if (!found || *found == 0) return 0;
  check(*found == *step);
  const auto parsed = parse_head(std::string_view{input}.substr(0, *found), 64);
  if (parsed) check_accepted(*parsed);
  return 0;
}
