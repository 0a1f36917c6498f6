// SPDX-License-Identifier: MIT
#include "suite/json.h"
#include "suite/progress.h"

namespace baton::suite {
namespace {

std::string attempt_json(const AttemptResult& attempt) {
  std::vector<std::string> spans;
  for (const SpanResult& span : attempt.spans)
    spans.push_back(JsonObject()
                        .text("name", span.name)
                        .number("started_at", span.started_at)
                        .number("duration_ms", span.duration_ms)
                        .raw("context", json_texts(span.context))
                        .str());
  std::vector<std::string> artifacts;
  for (const auto& [name, path] : attempt.artifacts)
    artifacts.push_back(JsonObject().text("name", name).text("path", path).str());
  JsonObject object;
  object.number("attempt", attempt.number).text("outcome", name_of(attempt.outcome));
  object.boolean("soft_failure", attempt.soft_failure);
  object.number("started_at", attempt.started_at).number("duration_ms", attempt.duration_ms);
  object.text("message", attempt.message).text("file", attempt.file).number("line", attempt.line);
  object.raw("spans", json_array(spans)).raw("values", json_texts(attempt.values));
  object.raw("artifacts", json_array(artifacts)).text("output", attempt.output);
  return object.str();
}

std::string suite_json(const SuiteResult& result) {
  std::vector<std::string> tests;
  for (const CaseResult& test : result.cases) {
    std::vector<std::string> attempts;
    for (const AttemptResult& attempt : test.attempts) attempts.push_back(attempt_json(attempt));
    tests.push_back(JsonObject()
                        .text("name", test.test->name)
                        .text("verdict", name_of(test.verdict()))
                        .boolean("flaky", test.verdict() == Verdict::flaky)
                        .raw("attempts", json_array(attempts))
                        .str());
  }
  JsonObject object;
  object.text("namespace", result.suite->namespace_).text("name", result.suite->name);
  object.text("verdict", name_of(result.verdict())).text("message", result.message);
  object.number("repetition", result.repetition).number("duration_ms", result.duration_ms);
  object.text("setup_log", result.setup.output).text("teardown_log", result.teardown.output);
  object.raw("tests", json_array(tests));
  return object.str();
}

}  // namespace

std::string report_json(const std::vector<SuiteResult>& results, const RunOptions& options,
                        int exit_code) {
  std::vector<std::string> suites;
  for (const SuiteResult& result : results) suites.push_back(suite_json(result));
  const Counts counts = count(results);
  JsonObject object;
  object.number("exit_code", exit_code);
  object.boolean("flaky", counts.flaky > 0);
  if (options.shuffle) object.text("seed", fmt::format("{}", options.seed.value_or(0)));
  object.raw("counts", JsonObject()
                           .number("total", counts.total)
                           .number("passed", counts.passed)
                           .number("failed", counts.failed)
                           .number("errored", counts.errored)
                           .number("skipped", counts.skipped)
                           .number("flaky", counts.flaky)
                           .number("pending", counts.pending)
                           .str());
  object.raw("suites", json_array(suites));
  return object.str();
}

}  // namespace baton::suite
