// SPDX-License-Identifier: MIT
// Targets, queries and ranges: what is read can be written, and reads the same again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/url.h"

using namespace baton::net;

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

void check_query(std::string_view text) {
  const auto query = parse_query(text);
  std::vector<Parameter> named;  // "&" alone and "=" both read as nothing or an empty pair
  for (const Parameter& each : query) {
    if (!each.name.empty()) named.push_back(each);
  }
  const auto again = parse_query(format_query(named));
  check(again.size() == named.size());
  for (std::size_t i = 0; i < named.size(); ++i) {
    check(again[i].name == named[i].name && again[i].value == named[i].value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(percent_decode(percent_encode(input)) == std::string{input});
  check_query(input);
  if (const auto target = parse_target(input)) {
    std::string path;
    for (const std::string& segment : target->segments) path += '/' + percent_encode(segment);
    if (!target->segments.empty() && target->segments.back().empty()) path += '/';
    const auto again = parse_target(path.empty() ? "/" : path);
    check(again && again->segments == target->segments);
  }
  const auto range = parse_range(input, 1000);
  if (range && *range) check((*range)->length > 0 && (*range)->first + (*range)->length <= 1000);
  const std::string disposition = attachment_disposition(input);
  check(disposition.find_first_of("\r\n") == std::string::npos);
  return 0;
}
