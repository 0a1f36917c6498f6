// SPDX-License-Identifier: MIT
// pytest -v, with or without -s: "tests/test_a.py::test_x PASSED  [ 50%]"; with -s the output
// stands between the node id and the word. A tear-down that fails prints the node id again, so a
// case is finished when another one starts. Messages come from the short summary, or from the
// report.
#include <array>
#include <optional>

#include "base/text.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/line_parser.h"

namespace baton::reports {
namespace {

using Kind = LiveEvent::Kind;
using model::Outcome;

struct Word {
  std::string_view text;
  Outcome outcome;
};
constexpr std::array<Word, 7> kWords{{{"PASSED", Outcome::passed},
                                      {"FAILED", Outcome::failed},
                                      {"SKIPPED", Outcome::skipped},
                                      {"ERROR", Outcome::errored},
                                      {"XFAIL", Outcome::skipped},
                                      {"XPASS", Outcome::passed},
                                      {"RERUN", Outcome::failed}}};

struct Ended {
  Outcome outcome;
  std::string reason;
  std::size_t at;  // where the word stands
};

// "… PASSED", "… SKIPPED (why)", each with or without "[ 50%]" behind.
std::optional<Ended> parse_end(std::string_view text) {
  text = trim(text);
  if (!text.empty() && text.back() == ']') {
    const auto open = text.rfind('[');
    if (open == std::string_view::npos || text[text.size() - 2] != '%') return std::nullopt;
    text = trim(text.substr(0, open));
  }
  for (const Word& word : kWords) {
    auto at = text.rfind(word.text);
    while (at != std::string_view::npos) {
      const std::string_view behind = text.substr(at + word.text.size());
      const bool starts = at == 0 || text[at - 1] == ' ';
      const bool bare = behind.empty();
      const bool reasoned =
          behind.size() > 3 && behind.substr(0, 2) == " (" && behind.back() == ')';
      if (bare) return Ended{word.outcome, "", at};  // also behind output without a newline
      if (starts && reasoned) {
        return Ended{word.outcome, std::string(behind.substr(2, behind.size() - 3)), at};
      }
      at = at == 0 ? std::string_view::npos : text.rfind(word.text, at - 1);
    }
  }
  return std::nullopt;
}

// A node id starts its line with a path and "::"; its parameters may hold blanks and brackets.
std::string_view node_id(std::string_view text) {
  const auto colons = text.find("::");
  if (colons == std::string_view::npos || colons < 4) return {};
  const std::string_view path = text.substr(0, colons);
  if (path.find_first_of(" \t") != std::string_view::npos ||
      path.substr(path.size() - 3) != ".py") {
    return {};
  }
  auto end = text.find(' ', colons);
  const auto bracket = text.find('[', colons);
  if (bracket < end) {  // the parameters end at the last "] " before the outcome
    const auto ended = parse_end(text);
    const auto limit = ended ? ended->at : text.size();
    const auto close = text.rfind("] ", limit);
    if (close != std::string_view::npos && close > bracket) end = close + 1;
  }
  return text.substr(0, end);
}

class PytestLive final : public LiveParser {
 public:
  void line(std::string_view line, const OnEvent& on_event) override;
  void finish(std::string_view why, const OnEvent& on_event) override;

 private:
  void start(std::string_view node, const OnEvent& on_event);
  void end(const OnEvent& on_event);
  void take(std::optional<Ended> ended);

  std::string test_;
  std::optional<Ended> ended_;
  bool over_ = false;  // the summaries have begun
};

void PytestLive::line(std::string_view line, const OnEvent& on_event) {
  const std::string_view text = without_newline(line);
  const bool heading = text.size() > 20 && text.substr(0, 3) == "===" && text.back() == '=';
  constexpr std::string_view collected = "collected ";
  if (const auto at = text.find(collected);
      test_.empty() && !over_ && at != std::string_view::npos) {
    const int planned = leading_number(text.substr(at + collected.size()));
    if (planned > 0) on_event({.kind = Kind::plan, .planned = planned});
  }
  if (!over_) {
    if (const auto node = node_id(text); !node.empty()) {
      start(node, on_event);
      take(parse_end(text.substr(node.size())));
      return on_event({.kind = Kind::case_output, .test = test_, .text = line});
    }
    // With -s the word follows the output, which may hold such words itself: the last one counts. A
    // heading ends the last test.
    if (auto ended = parse_end(text); !test_.empty() && ended) ended_ = std::move(ended);
    if (heading && ended_) {
      end(on_event);
      over_ = true;
    }
  }
  const std::string_view owner = over_ ? std::string_view() : std::string_view(test_);
  on_event({.kind = Kind::case_output, .test = owner, .text = line});
}

void PytestLive::take(std::optional<Ended> ended) {
  if (!ended) return;
  // PASSED and then ERROR: the tear-down failed.
  if (!ended_ || ended->outcome != Outcome::passed) ended_ = std::move(ended);
}

void PytestLive::start(std::string_view node, const OnEvent& on_event) {
  const std::string name = clean_name(node);
  if (name == test_) return;
  end(on_event);
  test_ = name;
  on_event({.kind = Kind::case_started, .test = test_});
}

void PytestLive::end(const OnEvent& on_event) {
  if (test_.empty()) return;
  const Ended ended =
      ended_.value_or(Ended{Outcome::errored, "the next test began before its outcome", 0});
  on_event({.kind = Kind::case_finished,
            .test = test_,
            .outcome = ended.outcome,
            .message = ended.reason});
  test_.clear();
  ended_.reset();
}

void PytestLive::finish(std::string_view why, const OnEvent& on_event) {
  if (!test_.empty() && !ended_) ended_ = Ended{Outcome::errored, std::string(why), 0};
  end(on_event);
}

}  // namespace

std::unique_ptr<LiveParser> make_pytest_live() { return std::make_unique<PytestLive>(); }

}  // namespace baton::reports
