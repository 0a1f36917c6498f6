// SPDX-License-Identifier: MIT
#include "reports/live.h"

#include "reports/kept_text.h"
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

// Playwright's list reporter prints a line when a test has ended, marks a test that failed as it
// was expected to like any failure, and repeats it per retry: only its JSON report tells the truth.
class PlaywrightLive final : public LiveParser {
 public:
  void line(std::string_view line, const OnEvent& on_event) override {
    constexpr std::string_view running = "Running ";
    if (line.substr(0, running.size()) == running && line.find(" test") != std::string_view::npos) {
      const int planned = leading_number(line.substr(running.size()));
      if (planned > 0) on_event({.kind = LiveEvent::Kind::plan, .planned = planned});
    }
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
    case model::Kind::playwright: return std::make_unique<PlaywrightLive>();
    case model::Kind::go: return make_go_lines();
    case model::Kind::tap: return make_tap_lines();
    case model::Kind::cpp:
    case model::Kind::junit:
    case model::Kind::command: break;
  }
  return std::make_unique<SuiteOutput>();
}

}  // namespace baton::reports
