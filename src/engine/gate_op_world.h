// SPDX-License-Identifier: MIT
#pragma once
// For the tests of gates and deliveries: the operations on a database in memory, and what they
// leave behind.
#include <string>
#include <vector>

#include "engine/delivery_ops.h"
#include "engine/gate_ops.h"
#include "engine/op_world.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "store/journal_table.h"

namespace baton::engine {

class GateWorld : public OpWorld {
 public:
  static model::GateRequest external(std::vector<model::Target> deliver = {}) {
    model::GateRequest request;
    request.deliver = std::move(deliver);
    return request;
  }
  static model::Target target(std::string link, model::Stage stage = model::Stage::verdict,
                              model::When when = model::When::always) {
    return {std::move(link), "op", "{}", when, stage};
  }

  Result<Opened> try_open(model::GateRequest request, Opening opening = {}) {
    return run([&](Context& c) { return open_gate(c, rules, request, opening); });
  }
  Opened open(model::GateRequest request, Opening opening = {}) {
    return try_open(std::move(request), std::move(opening)).value();
  }
  // Of something external, to be delivered to these; gives its id.
  std::string open_for(std::vector<model::Target> targets) {
    return open(external(std::move(targets))).gate.id;
  }
  Decided decide(const std::string& gate, model::GateVerdict verdict, std::string reason = "") {
    return run([&](Context& c) {
             return decide_gate(c, rules, gate,
                                {verdict, model::VerdictSource::report, reason, "", {}});
           }).value();
  }
  model::Gate gate(const std::string& id) { return get_gate(sql(), id).value(); }
  std::vector<model::Delivery> deliveries(const std::string& gate) {
    return store::deliveries_of(sql(), gate).value();
  }
  model::Delivery attempted(const std::string& id, Attempted attempt) {
    return run([&](Context& c) { return delivery_attempted(c, rules, id, attempt); }).value();
  }
  static Attempted told() {
    return {Attempted::Kind::again, model::ErrorClass::none, 200, "", {}, "", true};
  }
  static Attempted failed(model::ErrorClass error_class = model::ErrorClass::transient) {
    return {Attempted::Kind::again, error_class, 503, "down", {}, "", false};
  }
  int events(std::string_view kind) {
    return static_cast<int>(store::read_journal(sql(), 0, 10'000, kind).value().size());
  }
};

}  // namespace baton::engine
