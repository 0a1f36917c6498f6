// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"
#include "reports/writer.h"
#include "reports/xml_escape.h"

namespace baton::reports {
namespace {

using model::Outcome;

bool is_bad(Outcome outcome) {
  return outcome == Outcome::failed || outcome == Outcome::errored || outcome == Outcome::timed_out;
}

std::string_view word_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::running: return "running";
    case Outcome::passed: return "passed";
    case Outcome::failed: return "failed";
    case Outcome::errored: return "errored";
    case Outcome::skipped: return "skipped";
    case Outcome::timed_out: return "timed_out";
    case Outcome::cancelled: return "cancelled";
  }
  return "";
}

std::string seconds(Duration duration) {
  return fmt::format("{}.{:03}", duration.count() / 1000, duration.count() % 1000);
}

std::string attribute(std::string_view name, std::string_view value) {
  return fmt::format(" {}=\"{}\"", name, xml_attribute(value));
}

std::string property(std::string_view name, std::string_view value) {
  return fmt::format("    <property{}{}/>\n", attribute("name", name), attribute("value", value));
}

// The verdict lets the run pass although the case did not: readers must not turn it red again.
std::string excuse(const model::CaseResult& result) {
  if (result.verdict == model::CaseVerdict::quarantined_failure) return "quarantined";
  const auto& attempts = result.attempts;
  return !attempts.empty() && attempts.back().soft_failure ? "soft failure" : "";
}

}  // namespace

JunitWriter::JunitWriter(Sink sink, OutputOf output_of)
    : sink_(std::move(sink)), output_of_(std::move(output_of)) {}

void JunitWriter::put(std::string_view text) {
  if (state_) state_ = sink_(text);
}

void JunitWriter::begin(const model::Run& run) {
  suite_ = run.namespace_.empty() ? run.suite : run.namespace_ + "." + run.suite;
  const model::Counts& counts = run.counts;
  Duration duration{0};
  if (run.started_at && run.finished_at) duration = *run.finished_at - *run.started_at;
  const std::string totals =
      fmt::format(R"( tests="{}" failures="{}" errors="{}" skipped="{}" time="{}")", counts.total,
                  counts.failed, counts.errored,
                  counts.skipped + counts.quarantined + counts.pending, seconds(duration));
  std::string head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  head += "<testsuites" + attribute("name", suite_) + totals + ">\n";
  head += "  <testsuite" + attribute("name", suite_) + totals;
  head += fmt::format(" flakes=\"{}\"", counts.flaky);
  if (run.started_at) {
    std::string at = format_rfc3339(*run.started_at);
    at.resize(std::min<std::size_t>(at.size(), 19));  // the schema knows neither zone nor fraction
    head += attribute("timestamp", at);
  }
  head += ">\n    <properties>\n";
  head += property("baton.run", std::to_string(raw(run.id)));
  head += property("baton.flaky", run.flaky ? "true" : "false");
  const model::RunRequest& request = run.request;
  const std::pair<std::string_view, std::string_view> known[] = {
      {"baton.reference", request.reference},
      {"baton.revision", request.revision},
      {"baton.branch", request.branch},
      {"baton.environment", request.environment},
      {"baton.triggered_by", request.triggered_by},
      {"baton.message", run.message}};
  for (const auto& [name, value] : known) {
    if (!value.empty()) head += property(name, value);
  }
  for (const auto& [name, value] : request.labels) head += property("label." + name, value);
  put(head + "    </properties>\n");
}

void JunitWriter::put_output(const model::Attempt& attempt, bool nested) {
  if (!output_of_) return;
  const std::string output = output_of_(attempt.test, attempt.number);
  if (output.empty()) return;
  put(nested ? "<system-out>" : "      <system-out>");
  put(xml_text(output));
  put(nested ? "</system-out>" : "</system-out>\n");
}

void JunitWriter::put_attempt(std::string_view element, const model::Attempt& attempt,
                              bool nested) {
  std::string place;
  if (!attempt.file.empty()) place = fmt::format("{}:{}: ", attempt.file, attempt.line);
  const std::string text = xml_text(place + attempt.message);
  std::string out = fmt::format("      <{}{}{}", element, attribute("message", attempt.message),
                                attribute("type", word_of(attempt.outcome)));
  if (nested) {
    out += attribute("time", seconds(attempt.duration));
    if (to_ms(attempt.started_at) > 0) {
      out += attribute("timestamp", format_rfc3339(attempt.started_at));
    }
    put(out + "><stackTrace>" + text + "</stackTrace>");
    put_output(attempt, true);
  } else {
    put(out + ">" + text);
  }
  put(fmt::format("</{}>\n", element));
}

void JunitWriter::add(const model::CaseResult& result) {
  const auto& attempts = result.attempts;
  const model::Attempt none{};
  const model::Attempt& last = attempts.empty() ? none : attempts.back();
  std::string head =
      "    <testcase" + attribute("name", result.name) + attribute("classname", suite_);
  head += attribute("time", seconds(last.duration));
  if (!last.file.empty()) {
    head += attribute("file", last.file) + attribute("line", std::to_string(last.line));
  }
  put(head + ">\n");
  const std::string excused = excuse(result);
  const auto name = [](std::string_view form, const model::Attempt& attempt) {
    const std::string_view kind = attempt.outcome == Outcome::errored ? "Error" : "Failure";
    if (form.empty()) return to_lower(kind);
    return std::string(form) + std::string(kind);
  };
  if (attempts.empty() || last.outcome == Outcome::running) {
    put("      <skipped message=\"not finished\"/>\n");
  } else if (is_bad(last.outcome) && !excused.empty()) {
    put("      <skipped" + attribute("message", excused + ": " + last.message) + "/>\n");
  } else if (last.outcome == Outcome::skipped || last.outcome == Outcome::cancelled) {
    const bool cancelled = last.outcome == Outcome::cancelled && last.message.empty();
    put("      <skipped" + attribute("message", cancelled ? "cancelled" : last.message) + "/>\n");
  }
  // Surefire's order: the first failure is the case's own, the later ones are its reruns.
  const bool failed = is_bad(last.outcome) && excused.empty();
  bool own = failed;
  for (const model::Attempt& attempt : attempts) {
    if (!is_bad(attempt.outcome)) continue;
    if (own) {
      put_attempt(name("", attempt), attempt, false);
      own = false;
    } else if (failed) {
      put_attempt(name("rerun", attempt), attempt, true);
    } else if (&attempt != &last) {
      put_attempt(name("flaky", attempt), attempt, true);
    }
  }
  if (!attempts.empty()) {
    // The case's own output is that of the attempt whose result stands for it.
    const auto first_bad = std::find_if(attempts.begin(), attempts.end(), [](const auto& attempt) {
      return is_bad(attempt.outcome);
    });
    put_output(failed && first_bad != attempts.end() ? *first_bad : last, false);
  }
  put("    </testcase>\n");
}

Result<void> JunitWriter::end() {
  put("  </testsuite>\n</testsuites>\n");
  return state_;
}

}  // namespace baton::reports
