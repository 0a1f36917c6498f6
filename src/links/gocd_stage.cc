// SPDX-License-Identifier: MIT
// Runs a stage that waits for it. GoCD cannot be told "failed": the stage fetches the verdict.
#include "base/text.h"
#include "links/gocd.h"
#include "links/peer.h"
#include "net/url.h"

namespace baton::links::gocd {
namespace {

using model::ErrorClass;

// GoCD schedules a stage within the call; longer means that it will not come.
constexpr Duration kScheduledWithin = std::chrono::seconds{60};
constexpr Duration kConfirmPause = std::chrono::seconds{1};
// The previous stage may be about to be scheduled; then the same call works soon.
constexpr std::int64_t kPreviousMissingMax = 3;

struct Look {
  bool is_scheduled = false;
  std::string counter;  // of the pipeline, as GoCD says
};

tl::expected<Look, Outcome> look(const model::LinkProfile& profile, Http& http, const StageRun& run,
                                 TimePoint now) {
  const auto answer = http.send(
      call(profile, "GET",
           fmt::format("/go/api/pipelines/{}/{}/instance", net::percent_encode(run.pipeline),
                       net::percent_encode(run.counter)),
           1));
  if (!is_good(answer)) return tl::unexpected(refused(answer, now));
  const Json instance(answer->body);
  Look seen;
  seen.counter = instance.text("counter");
  for (const Json& stage : instance.objects("stages"))
    if (to_lower(stage.text("name")) == to_lower(run.stage))
      seen.is_scheduled = stage.is_true("scheduled");
  return seen;
}

/// The number that "latest" means now. It is kept: a later attempt must not mean another run.
tl::expected<std::string, Outcome> newest(const model::LinkProfile& profile, Http& http,
                                          const StageRun& run, TimePoint now) {
  const auto history = look_at_history(profile, http, run.pipeline, now);
  if (!history) return tl::unexpected(history.error());
  if (!history->runs.empty()) return std::to_string(history->runs.front().counter);
  const auto seen = look(profile, http, run, now);
  if (!seen) return tl::unexpected(seen.error());
  if (!seen->counter.empty()) return seen->counter;
  return tl::unexpected(
      dead(ErrorClass::rejected, 0, fmt::format("pipeline {} has not run yet", run.pipeline)));
}

Outcome refused_stage(const Result<net::HttpResponse>& answer, Json memo, TimePoint now) {
  Outcome outcome = refused(answer, now);
  if (!answer) return outcome;
  if (answer->status == 409) {
    if (says(*answer, "as the previous stage"))
      return as_dead(std::move(outcome), ErrorClass::rejected,
                     "run the stage before it again, then redeliver");
    // Paused, or still in progress: the stage that opened the gate ends a little after it.
    return as_again(std::move(outcome), ErrorClass::transient);
  }
  if (answer->status == 400 && says(*answer, "previous stage has not been run")) {
    const std::int64_t count = memo.number("previous_missing") + 1;
    if (count >= kPreviousMissingMax) return as_dead(std::move(outcome), ErrorClass::rejected);
    outcome = as_again(std::move(outcome), ErrorClass::transient);
    outcome.memo = memo.set("previous_missing", count).to_text();
    return outcome;
  }
  // GoCD answers 500 for a pipeline run or a stage that it does not have.
  if (answer->status == 500 && says(*answer, "not found"))
    return as_dead(std::move(outcome), ErrorClass::rejected);
  return outcome;
}

Outcome confirm(const model::LinkProfile& profile, Http& http, const StageRun& run,
                const Message& message) {
  const auto seen = look(profile, http, run, message.now);
  if (seen && seen->is_scheduled) return delivered(202);
  Json memo(message.delivery.memo);
  return later(kConfirmPause, memo.set("accepted_at", to_ms(message.now)).to_text());
}

}  // namespace

Result<StageRun> read_stage_run(std::string_view fields) {
  StageRun run;
  BATON_TRY_VOID(wire::read_json(fields, [&](wire::JsonFields& f) {
    needed_part(f, "pipeline", run.pipeline);
    needed_number_or_line(f, "counter", run.counter);
    needed_part(f, "stage", run.stage);
    const bool is_number = run.counter.find_first_not_of("0123456789") == std::string::npos;
    if (!run.counter.empty() && !is_number && run.counter != "latest")
      f.fault("counter", "must be a number or latest");
  }));
  return run;
}

Outcome run_stage(const Message& message, const model::LinkProfile& profile, Http& http) {
  auto run = read_stage_run(message.delivery.target.fields);
  if (!run) return unreadable(run.error());
  const Json memo(message.delivery.memo);
  if (run->counter == "latest" && !memo.has("counter")) {
    const auto counter = newest(profile, http, *run, message.now);
    if (!counter) return counter.error();
    return later(Duration{0}, Json(memo).set("counter", *counter).to_text());
  }
  if (run->counter == "latest") run->counter = memo.text("counter");
  const auto seen = look(profile, http, *run, message.now);
  if (!seen) return seen.error();
  if (seen->is_scheduled) return delivered(200);
  const std::int64_t accepted_at = memo.number("accepted_at");
  if (accepted_at > 0 && message.now - from_ms(accepted_at) < kScheduledWithin)
    return later(kConfirmPause, {});
  const auto answer = http.send(
      call(profile, "POST",
           fmt::format("/go/api/stages/{}/{}/{}/run", net::percent_encode(run->pipeline),
                       net::percent_encode(run->counter), net::percent_encode(run->stage)),
           2));
  if (!is_good(answer)) return refused_stage(answer, memo, message.now);
  return confirm(profile, http, *run, message);
}

}  // namespace baton::links::gocd
