// SPDX-License-Identifier: MIT
#include "reports/live.h"

#include "reports/line_parser.h"

namespace baton::reports {
namespace {

class SuiteOutput final : public LiveParser {
 public:
  void line(std::string_view line, const OnEvent& on_event) override {
    on_event({.kind = LiveEvent::Kind::case_output, .text = line});
  }
  void finish(std::string_view, const OnEvent&) override {}
};

}  // namespace

std::unique_ptr<LiveParser> make_live_parser(model::Kind kind) {
  switch (kind) {
    case model::Kind::gtest: return make_gtest_live();
    case model::Kind::catch2:
    case model::Kind::doctest: return make_native_xml_live();
    case model::Kind::ctest: return make_ctest_live();
    case model::Kind::pytest: return make_pytest_live();
    case model::Kind::playwright: return make_playwright_live();
    case model::Kind::go: return make_go_lines();
    case model::Kind::tap: return make_tap_lines();
    case model::Kind::cpp:
    case model::Kind::junit:
    case model::Kind::command: break;
  }
  return std::make_unique<SuiteOutput>();
}

}  // namespace baton::reports
