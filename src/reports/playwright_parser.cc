// SPDX-License-Identifier: MIT
// Playwright's JSON reporter: suites nest, a spec has one test per project, a test one result per
// attempt. A case is "[project] › file › title › title", as the tool itself prints it.
#include <vector>

#include "base/text.h"
#include "reports/json_reader.h"
#include "reports/kept_text.h"
#include "reports/limits.h"
#include "reports/playwright.h"

namespace baton::reports {
namespace {

using model::Outcome;

// Colours are for terminals; stored text goes to pages and files.
std::string without_colours(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\x1b' || i + 1 >= text.size() || text[i + 1] != '[') {
      out += text[i];
      continue;
    }
    i += 2;
    while (i < text.size() && (text[i] < '@' || text[i] > '~')) ++i;
  }
  return out;
}

// What a test with `expectedStatus` should do decides what a status means.
Outcome outcome_of(const std::string& status, const std::string& expected) {
  if (status == "skipped") return Outcome::skipped;
  if (status == "interrupted") return Outcome::cancelled;
  if (status == expected) return Outcome::passed;
  return status == "timedOut" ? Outcome::timed_out : Outcome::failed;
}

Attempt read_result(const json::object& result, const std::string& expected, Case& item) {
  Attempt attempt;
  attempt.outcome = outcome_of(text_in(result, "status"), expected);
  attempt.duration = from_seconds(number_in(result, "duration") / 1000);
  attempt.started_at = time_of(text_in(result, "startTime"));
  KeptText message(kMessageKept), details(kDetailsKept), output(kOutputKept);
  for (const json::value& entry : array_in(result, "errors")) {
    if (!message.empty()) message.append("\n");
    message.append(without_colours(text_in(as_object(entry), "message")));
    if (attempt.file.empty()) {
      const json::object& place = object_in(as_object(entry), "location");
      attempt.file = text_in(place, "file");
      attempt.line = int_in(place, "line");
    }
  }
  details.append(without_colours(text_in(object_in(result, "error"), "stack")));
  for (const char* stream : {"stdout", "stderr"}) {
    for (const json::value& entry : array_in(result, stream)) {
      output.append(text_in(as_object(entry), "text"));
    }
  }
  for (const json::value& entry : array_in(result, "attachments")) {
    const std::string path = clean(text_in(as_object(entry), "path"), kNameKept);
    if (!path.empty() && item.attachments.size() < kPropertiesKept)
      item.attachments.push_back(path);
  }
  attempt.output = output.take();
  if (attempt.outcome == Outcome::passed) {  // also when it failed as it was expected to
    attempt.file.clear();
    attempt.line = 0;
    return attempt;
  }
  attempt.message = message.take();
  if (attempt.message.empty() && attempt.outcome == Outcome::failed) {
    attempt.message = "expected to be " + expected + " and was not";
  }
  attempt.details = details.take();
  attempt.file = clean(attempt.file, kNameKept);
  return attempt;
}

class PlaywrightParser final : public JsonReportParser {
 public:
  PlaywrightParser(std::string filename, OnCase on_case)
      : JsonReportParser(Format::playwright, std::move(filename), std::move(on_case)) {}

 protected:
  Result<void> read(const json::value& document) override;
};

Result<void> PlaywrightParser::read(const json::value& document) {
  if (!as_object(document).contains("suites")) {
    return wrong_document("no \"suites\": this is no JSON of Playwright");
  }
  BATON_TRY_VOID(for_each_playwright_test(as_object(document), [this](const PlaywrightTest& test) {
    Case item;
    item.name = test.name;
    item.suite = test.file;
    item.file = test.file;
    item.line = test.line;
    const std::string expected = text_in(*test.test, "expectedStatus");
    for (const json::value& annotation : array_in(*test.test, "annotations")) {
      const json::object& note = as_object(annotation);
      if (item.properties.size() >= kPropertiesKept) break;
      item.properties.emplace_back(clean(text_in(note, "type"), kNameKept),
                                   clean(text_in(note, "description"), kMessageKept));
    }
    for (const json::value& result : array_in(*test.test, "results")) {
      if (item.attempts.size() >= kAttemptsKept) break;
      item.attempts.push_back(
          read_result(as_object(result), expected.empty() ? "passed" : expected, item));
    }
    if (item.attempts.empty()) {
      item.attempts.push_back({.outcome = Outcome::skipped, .message = "did not run"});
    }
    return cases_.add(std::move(item));
  }));
  // Errors outside of tests: a file that does not load, a global set-up that failed.
  std::string errors;
  for (const json::value& entry : array_in(as_object(document), "errors")) {
    if (errors.size() > kMessageKept) break;
    if (!errors.empty()) errors += '\n';
    errors += without_colours(text_in(as_object(entry), "message"));
  }
  cases_.summary().errored = clean(errors, kMessageKept);
  return {};
}

}  // namespace

std::unique_ptr<Parser> make_playwright_parser(std::string filename, OnCase on_case) {
  return std::make_unique<PlaywrightParser>(std::move(filename), std::move(on_case));
}

}  // namespace baton::reports
