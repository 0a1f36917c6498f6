// SPDX-License-Identifier: MIT
// CTRF 1.0, the Common Test Report Format.
#include <algorithm>
#include <vector>

#include "base/text.h"
#include "reports/json_reader.h"
#include "reports/kept_text.h"
#include "reports/limits.h"

namespace baton::reports {
namespace {

using model::Outcome;

Outcome outcome_of(std::string_view status) {
  if (status == "passed") return Outcome::passed;
  if (status == "failed") return Outcome::failed;
  if (status == "skipped" || status == "pending") return Outcome::skipped;
  return Outcome::errored;  // "other": it ran and nobody says how it ended
}

// `suite` is a list in 1.0 and was a text before.
std::string suite_path(const json::object& test) {
  std::string path = text_in(test, "suite");
  for (const json::value& part : array_in(test, "suite")) {
    if (!path.empty()) path += " > ";
    path += text_of(part);
  }
  return path;
}

Attempt read_attempt(const json::object& object) {
  Attempt attempt;
  attempt.outcome = outcome_of(text_in(object, "status"));
  attempt.duration = from_seconds(number_in(object, "duration") / 1000);
  const double start = number_in(object, "start");
  if (start > 0 && start < 4e12) attempt.started_at = from_ms(static_cast<std::int64_t>(start));
  attempt.message = clean(text_in(object, "message"), kMessageKept);
  attempt.details = clean(text_in(object, "trace"), kDetailsKept);
  attempt.line = int_in(object, "line");
  KeptText output(kOutputKept);
  for (const char* stream : {"stdout", "stderr"}) {
    for (const json::value& line : array_in(object, stream)) {
      output.append(text_of(line));
      output.append("\n");
    }
  }
  attempt.output = output.take();
  return attempt;
}

void read_attachments(const json::object& object, Case& item) {
  for (const json::value& entry : array_in(object, "attachments")) {
    const std::string path = clean(text_in(as_object(entry), "path"), kNameKept);
    if (!path.empty() && item.attachments.size() < kPropertiesKept)
      item.attachments.push_back(path);
  }
}

class CtrfParser final : public JsonReportParser {
 public:
  CtrfParser(std::string filename, OnCase on_case)
      : JsonReportParser(Format::ctrf, std::move(filename), std::move(on_case)) {}

 protected:
  Result<void> read(const json::value& document) override {
    const json::object& results = object_in(as_object(document), "results");
    if (!results.contains("tests")) return wrong_document("no \"results.tests\": this is no CTRF");
    const json::array& tests = array_in(results, "tests");
    for (const json::value& test : tests) {
      BATON_TRY_VOID(cases_.add(read_case(as_object(test))));
    }
    const json::object& summary = object_in(results, "summary");
    if (summary.contains("tests") &&
        number_in(summary, "tests") != static_cast<double>(tests.size())) {
      cases_.warn(fmt::format("the summary announces {} tests, {} are listed",
                              number_in(summary, "tests"), tests.size()));
    }
    return {};
  }

 private:
  static Case read_case(const json::object& test);
};

Case CtrfParser::read_case(const json::object& test) {
  Case item;
  item.suite = suite_path(test);
  item.name =
      item.suite.empty() ? text_in(test, "name") : item.suite + " > " + text_in(test, "name");
  item.file = text_in(test, "filePath");
  item.line = int_in(test, "line");
  read_attachments(test, item);

  Attempt last = read_attempt(test);
  last.line = 0;  // the line of the test, not of its failure
  std::vector<Attempt> earlier;
  for (const json::value& entry : array_in(test, "retryAttempts")) {
    if (earlier.size() >= kAttemptsKept) break;
    earlier.push_back(read_attempt(as_object(entry)));
    read_attachments(as_object(entry), item);
  }
  // Some producers list the deciding attempt among the retries as well, some only those before it.
  const auto retries = static_cast<std::size_t>(int_in(test, "retries"));
  const bool repeats_last = !earlier.empty() && earlier.size() > retries && retries > 0 &&
                            earlier.back().outcome == last.outcome;
  if (repeats_last) earlier.pop_back();
  item.attempts = std::move(earlier);
  if (item.attempts.empty() && is_true(test, "flaky") && last.outcome == Outcome::passed) {
    item.attempts.push_back(
        {.outcome = Outcome::failed, .message = "an attempt that is not described"});
  }
  item.attempts.push_back(std::move(last));
  return item;
}

}  // namespace

std::unique_ptr<Parser> make_ctrf_parser(std::string filename, OnCase on_case) {
  return std::make_unique<CtrfParser>(std::move(filename), std::move(on_case));
}

}  // namespace baton::reports
