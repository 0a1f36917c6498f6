// SPDX-License-Identifier: MIT
// What pipelines, testers, people and runs do.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/report_ops.h"
#include "engine/run_ops.h"
#include "testing/gate_world.h"

namespace baton::sim {
namespace {

using model::GateVerdict;
using model::Stage;
using model::SubjectKind;
using model::When;

constexpr std::size_t kGatesMax = 40;

}  // namespace

bool GateWorld::is_expected(const Error& error) const {
  switch (error.code) {
    case Code::busy:
    case Code::conflict:
    case Code::gone:
    case Code::limit:
    case Code::not_found: return true;
    default: return false;
  }
}

std::optional<std::string> GateWorld::some_gate() {
  const auto& order = fold_.order();
  if (order.empty()) return std::nullopt;
  // Mostly one of the newest: those still wait.
  const std::size_t among = chance(70) ? std::min<std::size_t>(order.size(), 5) : order.size();
  return order[order.size() - 1 - pick(among)];
}

void GateWorld::act() {
  const std::size_t dice = pick(100);
  if (dice < 40) return open_gate();
  if (dice < 60) return decide();
  if (dice < 80) return act_on_gate();
  if (dice < 90) return act_on_runs();
  redrive();
}

void GateWorld::add_targets(model::GateRequest& request) {
  for (auto links = pick(4); links > 0; --links) {
    const std::string link = links_[pick(links_.size())];
    const auto add = [&](Stage stage, When when) {
      request.deliver.push_back({link, "op", "{}", when, stage});
    };
    if (chance(40)) add(Stage::progress, When::always);
    if (chance(30)) add(Stage::status, When::always);
    if (chance(30)) {
      add(Stage::verdict, When::passed);
      add(Stage::verdict, When::failed);
    } else if (chance(85)) {
      add(Stage::verdict, When::always);
    }
    if (chance(30)) add(Stage::after, chance(70) ? When::always : When::failed);
  }
}

model::GateRequest GateWorld::request() {
  model::GateRequest request;
  const std::size_t dice = pick(100);
  if (dice < 20) {
    request.subject.kind = SubjectKind::suite;
    request.subject.suite.suite = suite_;
  } else if (dice < 35 && !runs_.empty()) {
    request.subject.kind = SubjectKind::run;
    request.subject.run = runs_[pick(runs_.size())];
  }
  if (chance(35)) request.key = fmt::format("deploy-{}", pick(3));
  if (chance(85)) request.timeout = std::chrono::seconds{5 + pick(chance(50) ? 60 : 900)};
  request.pass_on_timeout = chance(30);
  if (chance(25)) request.environment = "uat";
  add_targets(request);
  return request;
}

// An inbound call is repeated as it was; what it asks for the second time does not matter.
void GateWorld::open_gate() {
  if (fold_.gates().size() >= kGatesMax && chance(80)) return;
  engine::Opening opening{"pipeline", "", "", ""};
  if (chance(50)) {
    opening.link = links_[pick(links_.size())];
    opening.ident = fmt::format("job {}", pick(8));
  }
  if (chance(50)) opening.secret = "cipher";
  submit<engine::Opened>(
      [this, opening, request = request()](engine::Context& c) -> Result<engine::Opened> {
        BATON_TRY(opened, engine::open_gate(c, rules_, request, opening));
        const std::string& id = opened.gate.id;
        const std::string call = opening.link + " " + opening.ident;
        if (!opening.ident.empty()) {
          const auto [known, is_new] = calls_.emplace(call, id);
          if (is_new != opened.is_new || known->second != id)
            wrong(fmt::format("the call {} opened {} and then {}", call, known->second, id));
        }
        bool has_queued = opened.is_new;
        for (const model::Delivery& d : opened.deliveries) {
          has_queued = has_queued || d.state == model::DeliveryState::queued;
          if (!opened.is_new) fold_.redriven(d.id);
        }
        if (!opening.secret.empty() && has_queued) fold_.carries_secret(id);
        return std::move(opened);
      });
}

void GateWorld::decide() {
  const auto gate = some_gate();
  if (!gate) return;
  constexpr std::array kVerdicts{GateVerdict::passed, GateVerdict::passed, GateVerdict::failed,
                                 GateVerdict::errored};
  const engine::Verdict verdict{kVerdicts[pick(kVerdicts.size())], model::VerdictSource::report,
                                "because", "", {}};
  submit<engine::Decided>([this, gate, verdict](engine::Context& c) {
    return engine::decide_gate(c, rules_, *gate, verdict);
  });
}

void GateWorld::act_on_gate() {
  const auto gate = some_gate();
  if (!gate) return;
  const std::size_t dice = pick(100);
  if (dice < 15) {
    submit<model::Gate>([this, gate](engine::Context& c) {
      return engine::cancel_gate(c, rules_, *gate, "not needed");
    });
  } else if (dice < 70) {
    const auto bytes = static_cast<std::int64_t>(pick(100'000));
    submit<void>(
        [gate, bytes](engine::Context& c) { return engine::gate_log_grew(c, *gate, bytes); });
  } else {
    const std::string watched = fmt::format(R"({{"seen":{}}})", pick(100));
    submit<void>([gate, watched](engine::Context& c) {
      return engine::observe_gate(c, *gate, watched);
    });
  }
}

void GateWorld::act_on_runs() {
  if (!runs_.empty() && chance(30)) {
    const RunId run = runs_[pick(runs_.size())];
    submit<model::Run>(
        [this, run](engine::Context& c) { return engine::cancel_run(c, rules_, run, "enough"); });
    return;
  }
  const auto hear = [this](Result<model::Run> run) {
    expect(run);
    if (run) runs_.push_back(run->id);
  };
  if (chance(50)) {
    model::RunRequest request;
    request.suite = suite_;
    submit<model::Run>(
        [this, request](engine::Context& c) { return engine::start_run(c, rules_, request); },
        hear);
    return;
  }
  engine::ImportedReport report;
  report.request.suite = "sim/reports";
  report.cases.resize(pick(3));
  for (std::size_t i = 0; i < report.cases.size(); ++i) {
    report.cases[i].name = fmt::format("case {}", i);
    report.cases[i].attempts.resize(1);
    report.cases[i].attempts[0].outcome =
        chance(70) ? model::Outcome::passed : model::Outcome::failed;
  }
  submit<model::Run>([report](engine::Context& c) { return engine::import_report(c, report); },
                     hear);
}

void GateWorld::redrive() {
  const auto gate = some_gate();
  if (!gate || fold_.gates().at(*gate).deliveries.empty()) return;
  const auto& deliveries = fold_.gates().at(*gate).deliveries;
  const std::string delivery = deliveries[pick(deliveries.size())];
  // Mostly the dead ones: a queued one that is sent at once does not wait for its stage any more.
  if (fold_.find(delivery)->state != "dead" && !chance(10)) return;
  submit<model::Delivery>([this, delivery](engine::Context& c) -> Result<model::Delivery> {
    BATON_TRY(d, engine::redrive_delivery(c, delivery));
    fold_.redriven(delivery);
    return d;
  });
}

}  // namespace baton::sim
