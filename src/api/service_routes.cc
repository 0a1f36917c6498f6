// SPDX-License-Identifier: MIT
// What operators and their tools ask: health, metrics, the description of the API.
#include "api/handlers.h"
#include "api/openapi.h"
#include "api/reply.h"
#include "api/submit.h"
#include "store/delivery_table.h"
#include "store/environment_table.h"
#include "store/gate_table.h"
#include "store/lease_table.h"
#include "store/run_table.h"
#include "store/suite_table.h"

namespace baton::api {
namespace {

constexpr int kSuitesPerRead = 500;
constexpr int kEnvironmentsPerRead = 500;

std::string health(const Settings& settings, std::string_view status, std::string_view detail) {
  wire::JsonWriter out;
  out.begin_object().field("status", status).field("version", settings.version);
  out.field("instance", settings.instance).field_if("detail", detail);
  return out.end_object().take();
}

Result<std::vector<Gauges::Slots>> slots_now(store::Session& session) {
  std::vector<Gauges::Slots> all;
  for (;;) {
    BATON_TRY(page, store::list_environments(session, all.empty() ? "" : all.back().environment,
                                             kEnvironmentsPerRead));
    for (const model::Environment& environment : page) {
      Gauges::Slots& item = all.emplace_back();
      item.environment = environment.name;
      // Those that are usual stay visible with 0, so that their series does not vanish.
      item.by_state = {{model::SlotState::free, 0}, {model::SlotState::held, 0}};
      BATON_TRY(slots, store::slots_of(session, environment.name));
      for (const store::SlotRow& slot : slots) ++item.by_state[slot.state];
      BATON_TRY(length, store::queue_length(session, environment.name));
      item.queue_length = length;
    }
    if (static_cast<int>(page.size()) < kEnvironmentsPerRead) return all;
  }
}

Result<Gauges> read_gauges(Context& context) {
  Gauges gauges;
  gauges.instance = context.settings.instance;
  gauges.version = context.settings.version;
  gauges.waiting = context.watch.waiting();
  BATON_TRY(snapshot, context.store.snapshot());
  BATON_TRY(load, store::run_load(snapshot.sql()));
  gauges.queued = load.queued;
  BATON_TRY(seq, store::last_journal_seq(snapshot.sql()));
  gauges.journal_seq = seq;
  BATON_TRY(gates, store::count_gates(snapshot.sql()));
  gauges.gates_pending = gates.pending;
  BATON_TRY(deliveries, store::count_deliveries(snapshot.sql()));
  gauges.deliveries_queued = deliveries.queued;
  gauges.deliveries_dead = deliveries.dead;
  BATON_TRY(slots, slots_now(snapshot.sql()));
  gauges.slots = std::move(slots);
  std::string after;
  for (;;) {
    BATON_TRY(rows, store::list_suites(snapshot.sql(), after, kSuitesPerRead, "", false));
    for (const store::SuiteRow& row : rows)
      if (row.running > 0)
        gauges.running.push_back({row.suite.namespace_, row.suite.name, row.running});
    if (static_cast<int>(rows.size()) < kSuitesPerRead) return gauges;
    after = rows.back().suite.id();
  }
}

}  // namespace

Async livez(Context& context, Call&) {
  co_return json_reply(200, health(context.settings, "ok", ""));
}

Async readyz(Context& context, Call& call) {
  std::string detail;
  std::string_view status = "ok";
  if (context.stopping || call.request.caller.draining()) {
    status = "draining";
    detail = "the server is stopping";
  } else if (const auto refuses = context.writer.refuses()) {
    status = "unavailable";
    detail = "changes cannot be stored: " + refuses->message;
  } else if (context.not_ready) {
    detail = context.not_ready();
    if (!detail.empty()) status = "starting";
  }
  if (status == "ok") {
    const auto answers = read(
        context, [](store::Session& session) { return store::last_journal_seq(session); });
    if (!answers) {
      status = "unavailable";
      detail = answers.error().message;
    }
  }
  net::Response response =
      json_reply(status == "ok" ? 200 : 503, health(context.settings, status, detail));
  if (response.status == 503) response.headers.set("Retry-After", "5");
  co_return response;
}

Async get_metrics(Context& context, Call&) {
  // After a long pause between scrapes it reads many runs with all of their cases.
  auto advanced = co_await context.disk.run<Result<void>>(
      [&context] { return context.journal_metrics.advance(); });
  if (!advanced) co_return tl::unexpected(advanced.error());
  auto gauges = read_gauges(context);
  if (!gauges) co_return tl::unexpected(gauges.error());
  co_return net::reply(200, "text/plain; version=0.0.4; charset=utf-8",
                       context.metrics.text(*gauges));
}

Async get_openapi(Context& context, Call&) {
  co_return json_reply(200, openapi_json(context.settings.version));
}

Async get_config_schema(Context& context, Call&) {
  co_return net::reply(200, "application/schema+json", context.settings.config_schema);
}

}  // namespace baton::api
