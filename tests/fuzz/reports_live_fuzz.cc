// SPDX-License-Identifier: MIT
// Live output and lists of cases: what starts ends, only what started ends, and the parsers that do
// not unwrap give every byte back.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "reports/listing.h"
#include "reports/live.h"

using baton::model::Kind;
using baton::reports::LiveEvent;

namespace {

void check(bool condition, Kind kind, const char* rule) {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", std::string(name_of(kind)).c_str(), rule);
  std::abort();
}

void follow(Kind kind, std::string_view input) {
  std::multiset<std::string> open;
  std::string seen;
  const auto on_event = [&](const LiveEvent& event) {
    if (event.kind == LiveEvent::Kind::case_output) seen += event.text;
    if (event.kind == LiveEvent::Kind::case_started) open.emplace(event.test);
    if (event.kind != LiveEvent::Kind::case_finished) return;
    const auto found = open.find(std::string(event.test));
    check(found != open.end(), kind, "what ends has started");
    open.erase(found);
  };
  const auto parser = baton::reports::make_live_parser(kind);
  for (std::size_t at = 0; at < input.size();) {
    const std::size_t end = std::min(input.find('\n', at), input.size() - 1) + 1;
    parser->line(input.substr(at, end - at), on_event);
    at = end;
  }
  parser->finish("over", on_event);
  check(open.empty(), kind, "what starts ends");
  const bool unwraps = kind == Kind::go || kind == Kind::catch2;
  check(unwraps || seen == input, kind, "every byte comes back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const Kind kind : {Kind::gtest, Kind::catch2, Kind::ctest, Kind::pytest, Kind::go, Kind::tap,
                          Kind::playwright}) {
    follow(kind, input);
  }
  for (const auto list :
       {baton::reports::list_gtest, baton::reports::list_gtest_json, baton::reports::list_catch2,
        baton::reports::list_doctest, baton::reports::list_ctest, baton::reports::list_pytest,
        baton::reports::list_playwright, baton::reports::list_go}) {
    (void)list(input);
  }
  return 0;
}
