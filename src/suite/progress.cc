// SPDX-License-Identifier: MIT
#include "suite/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "base/time.h"
#include "suite/json.h"

namespace baton::suite {
namespace {

// A failed test's last lines tell most; all of them are in the JUnit file.
constexpr std::size_t kOutputShown = 16 * 1024;

std::string plural(std::size_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c == '_' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

std::string duration(std::int64_t ms) { return describe_duration(Duration(ms)); }

std::string counts_text(const Counts& counts) {
  std::string out = plural(static_cast<std::size_t>(counts.total), "test") + ":";
  const auto add = [&](int n, std::string_view what) {
    if (n > 0) out += fmt::format(" {} {},", n, what);
  };
  add(counts.passed, "passed");
  add(counts.flaky, "flaky");
  add(counts.failed, "failed");
  add(counts.errored, "errored");
  add(counts.skipped, "skipped");
  add(counts.pending, "not run");
  out.pop_back();
  return out;
}

// Control bytes of a test's output must not drive the reader's terminal; colours are kept.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : to_valid_utf8(text)) {
    const bool control =
        (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\x1b') ||
        c == 0x7f;
    if (control)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out;
}

}  // namespace

Progress::Progress(const RunOptions& options) : options_(options), quiet_(options.json) {
  const char* const no_color = std::getenv("NO_COLOR");
  color_ = options.color && (!no_color || !*no_color) && ::isatty(STDOUT_FILENO) == 1;
}

std::string Progress::paint(Color color, std::string_view text) const {
  if (!color_ || color == Color::none) return std::string(text);
  constexpr std::string_view kCodes[] = {"0", "32", "31", "33", "90"};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(color)], text);
}

void Progress::line(Color color, std::string_view word, std::string_view text) {
  if (quiet_) return;
  fmt::print("  {}  {}\n", paint(color, fmt::format("{:<9}", word)), text);
  std::fflush(stdout);
}

void Progress::message(std::string_view text) {
  if (quiet_ || text.empty()) return;
  for (const std::string_view part : split(trim(text), '\n'))
    fmt::print("             {}\n", printable(part));
}

void Progress::output(std::string_view text) {
  if (quiet_ || trim(text).empty()) return;
  if (text.size() > kOutputShown) {
    fmt::print("           {} …\n", paint(Color::grey, "|"));
    text.remove_prefix(text.size() - kOutputShown);
  }
  if (text.ends_with('\n')) text.remove_suffix(1);
  for (const std::string_view part : split(text, '\n'))
    fmt::print("           {} {}\n", paint(Color::grey, "|"), printable(part));
  std::fflush(stdout);
}

void Progress::suite_started(const SuiteSpec& suite, std::size_t tests, int workers,
                             int repetition) {
  if (quiet_) return;
  std::string text = fmt::format("{}: {}", suite.id(), plural(tests, "test"));
  if (workers > 1) text += fmt::format(", {} workers", workers);
  if (options_.shuffle) text += fmt::format(", seed {}", options_.seed.value_or(0));
  if (options_.repeat > 1) text += fmt::format(", run {} of {}", repetition, options_.repeat);
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

void Progress::attempt_finished(const CaseResult& test, bool again) {
  if (quiet_) return;
  const AttemptResult& last = test.attempts.back();
  const std::string_view name = test.test->name;
  const std::string took = duration(last.duration_ms);
  const bool failed = last.outcome != Verdict::passed && last.outcome != Verdict::skipped;
  if (again) {
    line(Color::yellow, "retry",
         fmt::format("{}: attempt {} {} ({})", name, last.number, name_of(last.outcome), took));
  } else if (test.verdict() == Verdict::flaky) {
    line(Color::yellow, "FLAKY",
         fmt::format("{}: passed on attempt {} ({})", name, last.number, took));
  } else if (last.outcome == Verdict::passed) {
    line(Color::green, "passed", fmt::format("{} ({})", name, took));
  } else if (last.outcome == Verdict::skipped) {
    line(Color::grey, "skipped",
         fmt::format("{}{}{}", name, last.message.empty() ? "" : ": ", last.message));
  } else {
    const bool soft = last.soft_failure && last.outcome != Verdict::errored;
    const std::string word = to_upper(name_of(last.outcome));
    line(soft ? Color::yellow : Color::red, word,
         fmt::format("{} ({}{}{})", name, took,
                     last.number > 1 ? fmt::format(", attempt {}", last.number) : "",
                     soft ? ", soft" : ""));
  }
  if (failed) message(last.message);
  if (failed || options_.verbose) output(last.output);
}

void Progress::teardown_finished(const AttemptResult& teardown) {
  const bool failed = teardown.outcome != Verdict::passed;
  if (failed) {
    line(Color::yellow, "teardown", std::string(name_of(teardown.outcome)));
    message(teardown.message);
  }
  if (failed || options_.verbose) output(teardown.output);
}

void Progress::suite_finished(const SuiteResult& result) {
  if (result.ending == Ending::completed) return;
  const std::string word = to_upper(name_of(result.verdict()));
  line(Color::red, word, result.suite->id());
  message(result.message);
  if (result.ending == Ending::setup_failed || options_.verbose) output(result.setup.output);
}

void Progress::note(std::string_view text) {
  if (quiet_) return fmt::print(stderr, "note: {}\n", text);
  line(Color::grey, "note", text);
}

void Progress::note_once(const std::string& text) {
  if (noted_.insert(text).second) note(text);
}

void Progress::summary(const std::vector<SuiteResult>& results, int exit_code) {
  if (quiet_) return;
  std::int64_t total_ms = 0;
  bool heading = true;
  for (const SuiteResult& result : results) {
    total_ms += result.duration_ms;
    for (const CaseResult& test : result.cases) {
      const Verdict verdict = test.verdict();
      if (verdict == Verdict::passed || verdict == Verdict::skipped) continue;
      if (heading) fmt::print("\n");
      heading = false;
      const bool soft = test.last() && test.last()->soft_failure;
      fmt::print("  {:<9}  {} {}{}\n", name_of(verdict), result.suite->id(), test.test->name,
                 soft ? " (soft)" : "");
    }
  }
  const std::string_view word = exit_code == kExitPassed     ? "PASSED"
                                : exit_code == kExitEmpty    ? "EMPTY"
                                : exit_code == kExitFlaky    ? "FLAKY"
                                : exit_code == kExitFailed   ? "FAILED"
                                : exit_code == kExitTimedOut ? "TIMED OUT"
                                : exit_code > 128            ? "INTERRUPTED"
                                                             : "ERRORED";
  const Color color = exit_code == kExitPassed  ? Color::green
                      : exit_code == kExitFlaky ? Color::yellow
                                                : Color::red;
  fmt::print("\n{} · {} · {}", paint(color, word), counts_text(count(results)), duration(total_ms));
  if (options_.shuffle) fmt::print(" · seed {}", options_.seed.value_or(0));
  fmt::print("\n");
  std::fflush(stdout);
}

}  // namespace baton::suite
