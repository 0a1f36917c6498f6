// SPDX-License-Identifier: MIT
// Playwright's list reporter on something that is no terminal:
//   "  ✓  1 [chromium] › a.spec.js:3:1 › group › title (12ms)"
// Lines come when a test has ended, so output is the suite's; the JSON report attributes it.
#include <array>

#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/line_parser.h"

namespace baton::reports {
namespace {

using Kind = LiveEvent::Kind;
using model::Outcome;

struct Mark {
  std::string_view text;
  Outcome outcome;
};
constexpr std::array<Mark, 6> kMarks{{{"✓", Outcome::passed},
                                      {"✘", Outcome::failed},
                                      {"ok", Outcome::passed},
                                      {"x", Outcome::failed},
                                      {"-", Outcome::skipped},
                                      {"°", Outcome::passed}}};
constexpr std::string_view kArrow = " › ";

// "12ms", "1.5s", "2.0m"
Duration parse_took(std::string_view text) {
  if (text.size() > 2 && text.substr(text.size() - 2) == "ms") {
    return Duration{leading_number(text)};
  }
  if (!text.empty() && text.back() == 'm') {
    return seconds_of(text.substr(0, text.size() - 1)) * 60;
  }
  return seconds_of(text);
}

// "[p] › a.spec.js:3:1 › title" → "[p] › a.spec.js › title"
std::string without_position(std::string_view text) {
  std::string out;
  bool done = false;
  while (!text.empty()) {
    const auto arrow = text.find(kArrow);
    std::string_view part = text.substr(0, arrow);
    text.remove_prefix(arrow == std::string_view::npos ? text.size() : arrow + kArrow.size());
    const auto colon = part.find(':');
    if (!done && part.substr(0, 1) != "[" && colon != std::string_view::npos) {
      part = part.substr(0, colon);
      done = true;
    }
    if (!out.empty()) out += kArrow;
    out += part;
  }
  return out;
}

class PlaywrightLive final : public LiveParser {
 public:
  void line(std::string_view line, const OnEvent& on_event) override;
  void finish(std::string_view, const OnEvent&) override {}

 private:
  static bool ended(std::string_view text, const OnEvent& on_event);
};

void PlaywrightLive::line(std::string_view line, const OnEvent& on_event) {
  on_event({.kind = Kind::case_output, .text = line});
  const std::string_view text = trim(without_newline(line));
  constexpr std::string_view running = "Running ";
  if (text.substr(0, running.size()) == running) {
    const int planned = leading_number(text.substr(running.size()));
    if (planned > 0) on_event({.kind = Kind::plan, .planned = planned});
    return;
  }
  ended(text, on_event);
}

bool PlaywrightLive::ended(std::string_view text, const OnEvent& on_event) {
  for (const Mark& mark : kMarks) {
    if (text.substr(0, mark.text.size()) != mark.text) continue;
    std::string_view rest = trim(text.substr(mark.text.size()));
    const auto blank = rest.find(' ');
    if (leading_number(rest) == 0 || blank == std::string_view::npos) continue;
    rest = trim(rest.substr(blank));
    if (rest.find(kArrow) == std::string_view::npos) continue;
    Duration duration{0};
    if (const auto open = rest.rfind(" ("); rest.back() == ')' && open != std::string_view::npos) {
      duration = parse_took(rest.substr(open + 2, rest.size() - open - 3));
      rest = rest.substr(0, open);
    }
    constexpr std::string_view retry = " (retry #";
    if (const auto at = rest.rfind(retry); at != std::string_view::npos) rest = rest.substr(0, at);
    const std::string name = clean_name(without_position(rest));
    on_event({.kind = Kind::case_started, .test = name});
    on_event({.kind = Kind::case_finished, .test = name, .outcome = mark.outcome,
              .duration = duration});
    return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<LiveParser> make_playwright_live() { return std::make_unique<PlaywrightLive>(); }

}  // namespace baton::reports
