// SPDX-License-Identifier: MIT
#pragma once
// A run as a result file that other tools read. Both writers go case by case and hold one case.
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/run.h"

namespace baton::reports {

/// Takes the next piece of the file. An error ends the writing.
using Sink = std::function<Result<void>(std::string_view)>;
/// What attempt `number` of `test` printed, for system-out; empty when there is nothing.
using OutputOf = std::function<std::string(const std::string& test, int number)>;

/// JUnit XML with every attempt in Surefire's form: passed at last → flakyFailure/flakyError for
/// the earlier ones, else the first as failure/error and the rest as rerunFailure/rerunError.
/// Characters that XML 1.0 cannot hold are written as U+FFFD.
/// begin, add per case, end; the first error of the sink sticks and is given by end.
class JunitWriter {
 public:
  explicit JunitWriter(Sink sink, OutputOf output_of = {});
  void begin(const model::Run& run);
  void add(const model::CaseResult& result);
  Result<void> end();

 private:
  void put(std::string_view text);
  void put_attempt(std::string_view element, const model::Attempt& attempt, bool nested);
  void put_output(const model::Attempt& attempt, bool nested);

  Sink sink_;
  OutputOf output_of_;
  std::string suite_;
  Result<void> state_;
};

/// CTRF 1.0 JSON; the attempts before the last one are `retryAttempts`.
class CtrfWriter {
 public:
  explicit CtrfWriter(Sink sink);
  void begin(const model::Run& run);
  void add(const model::CaseResult& result);
  Result<void> end();

 private:
  void put(std::string_view text);

  Sink sink_;
  std::string suite_;
  bool first_ = true;
  Result<void> state_;
};

}  // namespace baton::reports
