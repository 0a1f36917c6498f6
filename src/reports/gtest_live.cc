// SPDX-License-Identifier: MIT
// GoogleTest's standard output: "[ RUN      ] S.c" … "[       OK ] S.c (3 ms)".
#include <algorithm>
#include <array>

#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/line_parser.h"

namespace baton::reports {
namespace {

using Kind = LiveEvent::Kind;
using model::Outcome;

struct Ending {
  std::string_view mark;
  Outcome outcome;
};
constexpr std::array<Ending, 3> kEndings{{{"[       OK ] ", Outcome::passed},
                                          {"[  FAILED  ] ", Outcome::failed},
                                          {"[  SKIPPED ] ", Outcome::skipped}}};
constexpr std::string_view kRun = "[ RUN      ] ";
constexpr std::string_view kTotal = "[==========] Running ";

// "a/b_test.cc:10: Failure" and "…: Skipped" open a message; returns where the place ends.
std::size_t message_start(std::string_view text) {
  for (const std::string_view word :
       {std::string_view(": Failure"), std::string_view(": Skipped")}) {
    if (text.size() > word.size() && text.substr(text.size() - word.size()) == word) {
      return text.size() - word.size();
    }
  }
  return std::string_view::npos;
}

class GtestLive final : public LiveParser {
 public:
  void line(std::string_view line, const OnEvent& on_event) override;
  void finish(std::string_view why, const OnEvent& on_event) override;

 private:
  bool ends(std::string_view text, const OnEvent& on_event);
  void end(Outcome outcome, Duration duration, const OnEvent& on_event);
  void collect(std::string_view text);

  std::string test_;  // the one that runs, "" between tests
  std::string file_;
  int line_ = 0;
  KeptText message_{kMessageKept};
  bool in_message_ = false;
};

void GtestLive::line(std::string_view line, const OnEvent& on_event) {
  const std::string_view text = without_newline(line);
  if (test_.empty()) {
    if (text.substr(0, kRun.size()) == kRun) {
      test_ = clean_name(text.substr(kRun.size()));
      on_event({.kind = Kind::case_started, .test = test_});
    } else if (text.substr(0, kTotal.size()) == kTotal) {
      on_event({.kind = Kind::plan, .planned = leading_number(text.substr(kTotal.size()))});
    }
    return on_event({.kind = Kind::case_output, .test = test_, .text = line});
  }
  on_event({.kind = Kind::case_output, .test = test_, .text = line});
  if (!ends(text, on_event)) collect(text);
}

// The mark may stand behind output that did not end its line.
bool GtestLive::ends(std::string_view text, const OnEvent& on_event) {
  for (const Ending& ending : kEndings) {
    const auto at = text.rfind(ending.mark);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = text.substr(at + ending.mark.size());
    if (rest.substr(0, test_.size()) != test_) continue;
    const std::string_view behind = rest.substr(test_.size());
    if (!behind.empty() && behind.front() != ' ' && behind.front() != ',') continue;
    const auto open = behind.rfind('(');
    Duration duration{0};
    if (open != std::string_view::npos)
      duration = Duration{leading_number(behind.substr(open + 1))};
    end(ending.outcome, duration, on_event);
    return true;
  }
  return false;
}

void GtestLive::collect(std::string_view text) {
  const auto at = message_start(text);
  if (at != std::string_view::npos) {
    if (const auto place = find_location(text); place && file_.empty()) {
      file_ = place->file;
      line_ = place->line;
    }
    in_message_ = true;
    return;
  }
  if (!in_message_) return;
  if (!message_.empty()) message_.append("\n");
  message_.append(text);
}

void GtestLive::end(Outcome outcome, Duration duration, const OnEvent& on_event) {
  const std::string message = outcome == Outcome::passed ? "" : message_.take();
  message_.take();
  const std::string test = std::move(test_);
  test_.clear();
  on_event({.kind = Kind::case_finished,
            .test = test,
            .outcome = outcome,
            .duration = duration,
            .message = message,
            .file = file_,
            .line = line_});
  file_.clear();
  line_ = 0;
  in_message_ = false;
}

void GtestLive::finish(std::string_view why, const OnEvent& on_event) {
  if (test_.empty()) return;
  if (!message_.empty()) message_.append("\n");
  message_.append(why);
  end(Outcome::errored, Duration{0}, on_event);
}

}  // namespace

std::unique_ptr<LiveParser> make_gtest_live() { return std::make_unique<GtestLive>(); }

}  // namespace baton::reports
