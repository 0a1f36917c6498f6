// SPDX-License-Identifier: MIT
#include "suite/junit.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/time.h"

namespace baton::suite {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : to_valid_utf8(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      case '\t': out += "&#9;"; break;
      default:
        // XML 1.0 has no way to write the other control characters.
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
          out += "\xEF\xBF\xBD";
        else
          out += c;
    }
  }
  return out;
}

// Element text keeps its newlines, for people who read the file.
std::string element_text(std::string_view text) {
  std::string out = escaped(text);
  for (std::size_t at = 0; (at = out.find("&#10;", at)) != std::string::npos; ++at)
    out.replace(at, 5, "\n");
  return out;
}

std::string seconds_text(std::int64_t ms) { return fmt::format("{}.{:03}", ms / 1000, ms % 1000); }

std::string system_out(const AttemptResult& attempt, std::string_view indent) {
  if (attempt.output.empty()) return "";
  return fmt::format("{}<system-out>{}</system-out>\n", indent, element_text(attempt.output));
}

// The opening of one failed attempt's element, `prefix` being "", "flaky" or "rerun".
std::string failure_element(const AttemptResult& attempt, std::string_view prefix) {
  const bool is_error = attempt.outcome != Verdict::failed;
  const std::string name = prefix.empty()
                               ? (is_error ? "error" : "failure")
                               : fmt::format("{}{}", prefix, is_error ? "Error" : "Failure");
  const std::string first_line = attempt.message.substr(0, attempt.message.find('\n'));
  const std::string attributes =
      fmt::format("message=\"{}\" type=\"{}\"", escaped(first_line), name_of(attempt.outcome));
  if (prefix.empty())
    return fmt::format("      <{0} {1}>{2}</{0}>\n", name, attributes,
                       element_text(attempt.message));
  return fmt::format(
      "      <{0} {1} time=\"{2}\">\n        <stackTrace>{3}</stackTrace>\n{4}      </{0}>\n", name,
      attributes, seconds_text(attempt.duration_ms), element_text(attempt.message),
      system_out(attempt, "        "));
}

bool is_failure(const AttemptResult& attempt) {
  return attempt.outcome != Verdict::passed && attempt.outcome != Verdict::skipped;
}

// The attempt whose element says how the case ended; null for a case that is not a failure.
const AttemptResult* told_failure(const CaseResult& test) {
  const AttemptResult* const last = test.last();
  if (!last || !is_failure(*last)) return nullptr;
  for (const AttemptResult& attempt : test.attempts)
    if (is_failure(attempt)) return &attempt;
  return nullptr;
}

std::string body_of(const CaseResult& test) {
  std::string out;
  const AttemptResult* const last = test.last();
  if (!last) return "      <skipped message=\"not run\"/>\n";
  if (!last->values.empty()) {
    out += "      <properties>\n";
    for (const auto& [key, value] : last->values)
      out += fmt::format("        <property name=\"{}\" value=\"{}\"/>\n", escaped(key),
                         escaped(value));
    out += "      </properties>\n";
  }
  const bool ended_well = !is_failure(*last);
  bool first = true;
  const AttemptResult* shown = ended_well ? last : nullptr;
  for (const AttemptResult& attempt : test.attempts) {
    if (!is_failure(attempt)) continue;
    out += failure_element(attempt, ended_well ? "flaky" : first ? "" : "rerun");
    if (first && !ended_well) shown = &attempt;
    first = false;
  }
  if (last->outcome == Verdict::skipped)
    out += fmt::format("      <skipped message=\"{}\"/>\n", escaped(last->message));
  if (shown) out += system_out(*shown, "      ");
  return out;
}

Counts counts_of(const std::vector<SuiteResult>& results) {
  Counts counts = count(results);
  // Readers compare the totals with the elements: <failure> is what a check said, <error> the rest.
  counts.failed = counts.errored = counts.skipped = 0;
  for (const SuiteResult& result : results) {
    for (const CaseResult& test : result.cases) {
      if (const AttemptResult* const told = told_failure(test))
        ++(told->outcome == Verdict::failed ? counts.failed : counts.errored);
      else if (test.verdict() == Verdict::skipped)
        ++counts.skipped;
    }
    if (result.ending == Ending::completed) continue;
    ++counts.total;
    ++counts.errored;
  }
  return counts;
}

std::string suite_element(const SuiteResult& result) {
  const Counts counts = counts_of({result});
  std::string name = result.suite->id();
  if (result.repetition > 1) name += fmt::format(" (run {})", result.repetition);
  std::string out = fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" "
      "flakes=\"{}\" time=\"{}\" timestamp=\"{}\">\n",
      escaped(name), counts.total, counts.failed, counts.errored, counts.skipped + counts.pending,
      counts.flaky, seconds_text(result.duration_ms),
      format_rfc3339(from_ms(result.setup.started_at)));
  // Without this a failed setup would be a file of skipped tests, which reads as green.
  if (result.ending != Ending::completed)
    out += fmt::format(
        "    <testcase classname=\"{0}\" name=\"(suite)\" time=\"{1}\">\n"
        "      <error message=\"{2}\" type=\"{3}\">{4}</error>\n    </testcase>\n",
        escaped(result.suite->id()), seconds_text(result.duration_ms),
        escaped(result.message.substr(0, result.message.find('\n'))), name_of(result.verdict()),
        element_text(result.message));
  for (const CaseResult& test : result.cases) {
    const AttemptResult* const last = test.last();
    out += fmt::format(
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{}\">\n{}"
        "    </testcase>\n",
        escaped(result.suite->id()), escaped(test.test->name), escaped(test.test->file),
        test.test->line, seconds_text(last ? last->duration_ms : 0), body_of(test));
  }
  if (!result.setup.output.empty()) out += system_out(result.setup, "    ");
  return out + "  </testsuite>\n";
}

}  // namespace

std::string junit_xml(const std::vector<SuiteResult>& results) {
  const Counts counts = counts_of(results);
  std::int64_t total_ms = 0;
  std::string suites;
  for (const SuiteResult& result : results) {
    total_ms += result.duration_ms;
    suites += suite_element(result);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">\n{}"
      "</testsuites>\n",
      counts.total, counts.failed, counts.errored, counts.skipped + counts.pending,
      seconds_text(total_ms), suites);
}

}  // namespace baton::suite
