// SPDX-License-Identifier: MIT
#pragma once
// What a headless run prints while it goes on, and its summary. Text goes to standard output; with
// `--output json` nothing is printed until the end, notes go to standard error.
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "suite/options.h"
#include "suite/results.h"

namespace baton::suite {

class Progress {
 public:
  explicit Progress(const RunOptions& options);

  void suite_started(const SuiteSpec& suite, std::size_t tests, int workers, int repetition);
  /// The last attempt of `test` is over; `again` = another one follows.
  void attempt_finished(const CaseResult& test, bool again);
  void teardown_finished(const AttemptResult& teardown);
  void suite_finished(const SuiteResult& result);
  void note(std::string_view text);
  /// The same, and nothing when it was said before: repetitions have it again.
  void note_once(const std::string& text);
  /// Everything once more at the end: counts, failures, the seed.
  void summary(const std::vector<SuiteResult>& results, int exit_code);

 private:
  enum class Color { none, green, red, yellow, grey };
  std::string paint(Color color, std::string_view text) const;
  void line(Color color, std::string_view word, std::string_view text);
  void message(std::string_view text);
  void output(std::string_view text);
  const RunOptions& options_;
  bool quiet_;
  bool color_;
  std::set<std::string> noted_;
};

/// The whole result as one JSON document.
std::string report_json(const std::vector<SuiteResult>& results, const RunOptions& options,
                        int exit_code);

}  // namespace baton::suite
