// SPDX-License-Identifier: MIT
// ctest -V: every line of a test carries its number, so tests that run side by side stay apart.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/line_parser.h"

namespace baton::reports {
namespace {

using Kind = LiveEvent::Kind;
using model::Outcome;

struct Ended {
  int number = 0;
  Outcome outcome = Outcome::passed;
  Duration duration{0};
  std::string message;
};

// "Passed", "***Failed", "***Exception: SegFault", "***Not Run (Disabled)", …
void interpret(std::string_view status, Ended& ended) {
  if (status == "Passed") return;
  status.remove_prefix(std::min(status.find_first_not_of('*'), status.size()));
  ended.message = to_lower(status);
  if (status == "Skipped" || status == "Not Run (Disabled)") {
    ended.outcome = Outcome::skipped;
  } else if (status == "Timeout") {
    ended.outcome = Outcome::timed_out;
  } else if (status.substr(0, 6) == "Failed") {
    ended.outcome = Outcome::failed;
  } else {
    ended.outcome = Outcome::errored;  // could not be started, died of a signal
  }
}

// "2/8 Test #2: fails ....***Failed    0.00 sec"
bool parse_end(std::string_view text, Ended& ended) {
  const auto test = text.find(" Test ");
  const auto hash = text.find('#');
  if (test == std::string_view::npos || hash == std::string_view::npos || hash < test) return false;
  const std::string_view count = trim(text.substr(0, test));
  if (count.empty() || count.find_first_not_of("0123456789/") != std::string_view::npos)
    return false;
  ended.number = leading_number(text.substr(hash + 1));
  const std::string_view seconds = " sec";
  if (ended.number == 0 || text.size() < seconds.size() ||
      text.substr(text.size() - seconds.size()) != seconds) {
    return false;
  }
  text.remove_suffix(seconds.size());
  const auto blank = text.rfind(' ');
  if (blank == std::string_view::npos) return false;
  ended.duration = seconds_of(text.substr(blank + 1));
  const std::string_view rest = trim(text.substr(0, blank));
  auto stars = rest.rfind("***");
  if (stars == std::string_view::npos) stars = rest.rfind(' ') + 1;
  interpret(trim(rest.substr(stars)), ended);
  return true;
}

class CtestLive final : public LiveParser {
 public:
  void line(std::string_view line, const OnEvent& on_event) override;
  void finish(std::string_view why, const OnEvent& on_event) override;

 private:
  struct Test {
    std::string name;
  };
  std::map<int, Test> running_;
  bool planned_ = false;
};

void CtestLive::line(std::string_view line, const OnEvent& on_event) {
  const std::string_view text = without_newline(line);
  constexpr std::string_view start = "Start ";
  const std::string_view body = trim(text);
  if (body.substr(0, start.size()) == start) {  // "    Start 12: name"
    const int number = leading_number(trim(body.substr(start.size())));
    const auto colon = body.find(": ");
    if (number > 0 && colon != std::string_view::npos && running_.count(number) == 0) {
      Test& test = running_[number];
      test.name = clean_name(body.substr(colon + 2));
      on_event({.kind = Kind::case_started, .test = test.name});
      return on_event({.kind = Kind::case_output, .test = test.name, .text = line});
    }
  }
  Ended ended;
  if (parse_end(body, ended)) {
    if (!planned_) {
      const auto slash = body.find('/');
      on_event({.kind = Kind::plan, .planned = leading_number(body.substr(slash + 1))});
      planned_ = true;
    }
    const auto found = running_.find(ended.number);
    if (found != running_.end()) {
      const Test test = std::move(found->second);
      running_.erase(found);
      on_event({.kind = Kind::case_output, .test = test.name, .text = line});
      return on_event({.kind = Kind::case_finished,
                       .test = test.name,
                       .outcome = ended.outcome,
                       .duration = ended.duration,
                       .message = ended.message});
    }
  }
  // "12: what the test printed"
  const auto colon = text.find(": ");
  const std::string_view prefix = text.substr(0, colon);
  const bool numbered = colon != std::string_view::npos && colon > 0 &&
                        prefix.find_first_not_of("0123456789") == std::string_view::npos;
  const auto owner = running_.find(numbered ? leading_number(prefix) : 0);
  if (owner == running_.end()) return on_event({.kind = Kind::case_output, .text = line});
  on_event({.kind = Kind::case_output, .test = owner->second.name, .text = line});
}

void CtestLive::finish(std::string_view why, const OnEvent& on_event) {
  for (const auto& [number, test] : running_) {
    on_event({.kind = Kind::case_finished,
              .test = test.name,
              .outcome = Outcome::errored,
              .message = why});
  }
  running_.clear();
}

}  // namespace

std::unique_ptr<LiveParser> make_ctest_live() { return std::make_unique<CtestLive>(); }

}  // namespace baton::reports
