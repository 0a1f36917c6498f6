// SPDX-License-Identifier: MIT
#pragma once
// A result file of any test tool in one neutral form, and the way from bytes to it.
// Pure: reads no file, opens no address, starts no thread; bytes come from the caller. Nothing
// throws out of here and nothing in a report is trusted: depth, sizes and names have named limits
// (limits.h), XML with a DOCTYPE is refused, text is repaired to valid UTF-8.
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/run.h"

namespace baton::reports {

enum class Format {
  automatic,  // decided by the content, never by the name
  junit,
  ctrf,
  tap,
  gotest,
  gtest,
  playwright,
  trx,
  nunit,
  xunit,
  cucumber,
  catch2,  // the tool's own XML (-r xml): the only form that names every case once
  doctest  // the same for doctest (-r=xml), which alone tells may_fail apart
};
std::string_view name_of(Format format);  // "auto", "junit", …
/// Errors: invalid, naming the formats there are.
Result<Format> parse_format(std::string_view text);

/// One try of a case as the report tells it.
struct Attempt {
  model::Outcome outcome = model::Outcome::passed;
  Duration duration{0};
  std::optional<TimePoint> started_at = {};
  std::string message = {};  // what a list shows: the failure's text, or why it was skipped
  std::string details = {};  // stack trace, differences, all that follows the message
  std::string output = {};   // what the test printed, as far as the report holds it
  std::string file = {};     // where it failed, when the report says
  int line = 0;
};

struct Case {
  std::string name;       // stable identity, unique in the report; see docs/formats/reports.md
  std::string suite;      // the enclosing suite(s) as the file names them
  std::string classname;  // as the file says, may be empty
  std::string file;       // where the case is defined, when the report says
  int line = 0;
  std::vector<Attempt> attempts;  // oldest first, never empty; the last one decides
  std::vector<std::pair<std::string, std::string>> properties;
  std::vector<std::string> attachments;  // paths as the producer wrote them: unchecked

  model::Outcome outcome() const { return attempts.back().outcome; }
  /// Passed, but not at the first attempt.
  bool flaky() const;
};

/// What is known beside the cases.
struct Summary {
  Format format = Format::automatic;
  std::size_t cases = 0;
  std::vector<std::string> warnings;  // for a person: counters that disagree, text cut short …
  /// Why the run is errored whatever its cases say: a bail-out, a short plan; "" when it is whole.
  std::string errored;
  std::string output;  // of the suite as a whole, bounded
};

struct Report : Summary {
  std::vector<Case> items;
};

using OnCase = std::function<void(Case&&)>;

/// Takes a report piece by piece and gives each case as soon as it is complete. XML, TAP and
/// go test need memory for one case, whatever the size of the report; JSON documents are held as a
/// whole up to kJsonBytesMax. Create, feed, finish; after an error only destroy.
class Parser {
 public:
  virtual ~Parser() = default;
  /// Errors: unprocessable with one detail whose pointer is "file:line:column"; too_large.
  virtual Result<void> feed(std::string_view bytes) = 0;
  /// The end of the input. Errors: as feed; a truncated report is unprocessable.
  virtual Result<Summary> finish() = 0;
};

/// `filename` appears in errors only.
std::unique_ptr<Parser> make_parser(Format format, std::string filename, OnCase on_case);

struct ParseOptions {
  Format format = Format::automatic;
  std::string filename = "report";
  /// A malformed report gives its cases up to the defect, and `errored` says why it is not whole.
  bool partial = false;
};
Result<Report> parse(std::string_view bytes, const ParseOptions& options = {});

/// What the bytes look like; automatic when nothing known. A few kilobytes from the start suffice.
Format sniff(std::string_view bytes);

/// Gives the cases of a report the names that discovery gave them (`known`), where the tool's
/// report spells them differently: pytest's dotted classes become node ids, sections of Catch2,
/// subcases of doctest and subtests of Go are folded into their test, whose outcome is the worst of
/// its parts. Cases that match nothing keep their names.
void align_names(Report& report, model::Kind kind, std::span<const std::string> known);

}  // namespace baton::reports
