// SPDX-License-Identifier: MIT
// Cucumber's JSON: features, their scenarios, steps with results in nanoseconds. Rows of an outline
// share a name, so the id, which tells them apart, or the line completes it.
#include <set>

#include "base/text.h"
#include "reports/json_reader.h"
#include "reports/kept_text.h"
#include "reports/limits.h"

namespace baton::reports {
namespace {

using model::Outcome;

Outcome outcome_of(const std::string& status) {
  if (status == "passed") return Outcome::passed;
  if (status == "failed") return Outcome::failed;
  if (status == "skipped" || status == "pending") return Outcome::skipped;
  return Outcome::errored;  // undefined, ambiguous, unknown
}

class CucumberParser final : public JsonReportParser {
 public:
  CucumberParser(std::string filename, OnCase on_case)
      : JsonReportParser(Format::cucumber, std::move(filename), std::move(on_case)) {}

 protected:
  Result<void> read(const json::value& document) override;

 private:
  struct Totals {
    Attempt attempt;
    double nanoseconds = 0;
    bool any = false;
    KeptText output{kOutputKept};
  };
  Case read_scenario(const json::object& scenario, const json::object& feature,
                     const json::object* background);
  static void read_steps(const json::object& scenario, Totals& totals);
  static void read_step(const json::object& step, Totals& totals);
};

Result<void> CucumberParser::read(const json::value& document) {
  if (!document.is_array()) return wrong_document("no list of features: this is no Cucumber JSON");
  for (const json::value& entry : as_array(document)) {
    const json::object& feature = as_object(entry);
    if (!feature.contains("elements") && !feature.contains("uri") && !feature.contains("name")) {
      return wrong_document("an entry that is no feature: this is no Cucumber JSON");
    }
    const json::object* background = nullptr;
    std::set<std::string> names;
    for (const json::value& element : array_in(feature, "elements")) {
      const json::object& scenario = as_object(element);
      if (text_in(scenario, "type") == "background") {
        background = &scenario;  // runs before the scenario that follows
        continue;
      }
      Case item = read_scenario(scenario, feature, background);
      background = nullptr;
      if (!names.insert(item.name).second)
        item.name += fmt::format(":{}", int_in(scenario, "line"));
      BATON_TRY_VOID(cases_.add(std::move(item)));
    }
  }
  return {};
}

Case CucumberParser::read_scenario(const json::object& scenario, const json::object& feature,
                                   const json::object* background) {
  Case item;
  item.suite = text_in(feature, "name");
  item.file = text_in(feature, "uri");
  item.line = int_in(scenario, "line");
  item.name = item.suite + " > " + text_in(scenario, "name");
  Totals totals;
  totals.attempt.started_at = time_of(text_in(scenario, "start_timestamp"));
  if (background != nullptr) read_steps(*background, totals);
  read_steps(scenario, totals);
  if (!totals.any) {
    totals.attempt.outcome = Outcome::skipped;
    totals.attempt.message = "has no steps";
  }
  totals.attempt.duration = from_seconds(totals.nanoseconds / 1e9);
  totals.attempt.output = totals.output.take();
  item.attempts.push_back(std::move(totals.attempt));
  return item;
}

void CucumberParser::read_steps(const json::object& scenario, Totals& totals) {
  for (const char* list : {"before", "steps", "after"}) {
    for (const json::value& step : array_in(scenario, list)) read_step(as_object(step), totals);
  }
}

void CucumberParser::read_step(const json::object& step, Totals& totals) {
  const json::object& result = object_in(step, "result");
  const std::string status = text_in(result, "status");
  const Outcome outcome = outcome_of(status);
  totals.nanoseconds += number_in(result, "duration");
  for (const json::value& line : array_in(step, "output")) {
    totals.output.append(text_of(line));
    totals.output.append("\n");
  }
  // Steps behind a failed or pending one are skipped: they say nothing of their own.
  Attempt& attempt = totals.attempt;
  totals.any = true;
  if (outcome == Outcome::passed) return;
  const bool says_more = attempt.message.empty() || attempt.outcome == Outcome::skipped;
  if (outcome == Outcome::skipped && attempt.outcome != Outcome::passed) return;
  attempt.outcome = outcome == Outcome::skipped ? outcome : worse(attempt.outcome, outcome);
  if (!says_more) return;
  attempt.message = clean(text_in(result, "error_message"), kDetailsKept);
  if (!attempt.message.empty()) return;
  const std::string step_name = text_in(step, "keyword") + text_in(step, "name");
  attempt.message = fmt::format("{}: {}", clean(step_name, kNameKept), clean(status, kNameKept));
}

}  // namespace

std::unique_ptr<Parser> make_cucumber_parser(std::string filename, OnCase on_case) {
  return std::make_unique<CucumberParser>(std::move(filename), std::move(on_case));
}

}  // namespace baton::reports
