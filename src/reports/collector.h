// SPDX-License-Identifier: MIT
#pragma once
// The last step of every parser: a case gets its unique name and goes to the caller.
#include <string>
#include <string_view>

#include "reports/report.h"
#include "reports/unique_names.h"

namespace baton::reports {

class Collector {
 public:
  Collector(Format format, OnCase on_case);

  /// Cleans the name, makes it unique ("x", "x#2", …), completes empty fields from each other and
  /// hands the case over. Errors: too_large beyond kCasesMax.
  Result<void> add(Case&& item);
  /// A failure that belongs to no case (a set-up that broke, a package that did not compile)
  /// becomes a case, so that it is seen and counted.
  Result<void> add_errored(std::string name, std::string message, std::string details);
  void warn(std::string text);

  Summary& summary() { return summary_; }

 private:
  OnCase on_case_;
  Summary summary_;
  UniqueNames names_;
};

/// An unprocessable error at a place: "report.xml:12:5: mismatched tag".
Error malformed(std::string_view file, std::uint64_t line, std::uint64_t column,
                std::string_view what);

/// Sets file and line of the attempt from its text, and drops a first line that is only that.
void locate(Attempt& attempt);

/// The worse of two outcomes of parts of one case: errored, timed_out, failed, cancelled, passed,
/// skipped.
model::Outcome worse(model::Outcome a, model::Outcome b);

}  // namespace baton::reports
