// SPDX-License-Identifier: MIT
// Gates, their files and their deliveries go in and come out alike in every backend.
#include <chrono>

#include "backends.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"

namespace baton::contract {
namespace {

using namespace std::chrono_literals;  // NOLINT: test code only
using model::Delivery;
using model::Gate;
using Texts = std::vector<std::string>;

class GateRows : public StoreTest {
 protected:
  static constexpr TimePoint kDay = std::chrono::sys_days{std::chrono::year{2026} / 3 / 2};

  static Gate gate(std::string id, std::string name = "") {
    Gate gate;
    gate.id = std::move(id);
    gate.request.name = std::move(name);
    gate.opened_by = "ann";
    gate.created_at = kDay;
    gate.deadline_at = kDay + 1h;
    return gate;
  }
  static Delivery delivery(std::string id, std::string gate,
                           model::Stage stage = model::Stage::verdict) {
    Delivery d;
    d.id = std::move(id);
    d.gate = std::move(gate);
    d.target = {"gocd/main", "run_stage", R"({"stage":"größe"})", model::When::passed, stage};
    d.created_at = kDay;
    return d;
  }
  template <class Body>
  void write(Body body) {
    const auto done = commit([&](store::Tx& tx) -> Result<void> { return body(tx); });
    ASSERT_TRUE(done) << done.error().message;
  }
  Gate insert(Gate gate) {
    write([&](store::Tx& tx) { return store::insert_gate(tx, gate); });
    return gate;
  }
  void insert(Delivery d) {
    write([&](store::Tx& tx) { return store::insert_delivery(tx, d); });
  }
  void end(Delivery d, TimePoint at) {
    d = store::find_delivery(sql(), d.id).value().value();
    d.state = model::DeliveryState::delivered;
    d.ended_at = at;
    write([&](store::Tx& tx) { return store::update_delivery(tx, d, "delivery.delivered"); });
  }
  static Texts ids(const Result<std::vector<Gate>>& gates) {
    if (!gates) return {gates.error().message};
    Texts ids;
    for (const Gate& gate : *gates) ids.push_back(gate.id);
    return ids;
  }
};

TEST_P(GateRows, keep_every_field) {
  Gate one = gate("gat_1", "Grüße\n\"quoted\"");
  one.request.key = "shop/42";
  one.request.environment = "uat";
  one.request.labels = {{"größe", "l"}};
  one.request.pass_on_timeout = true;
  one.request.subject.kind = model::SubjectKind::testkube;
  one.request.subject.testkube = {"tk", "build=42", "", "", true, {}};
  one.link = "azure_devops/corp";
  one.ident = "plan job task";
  one.lease = "lea_1";
  one = insert(one);
  one.state = model::GateState::decided;
  one.verdict = model::GateVerdict::errored;
  one.source = model::VerdictSource::testkube;
  one.reason = "it broke";
  one.url = "https://tk/1";
  one.decided_at = kDay + 5min;
  one.watched = R"({"executions":[]})";
  write([&](store::Tx& tx) { return store::update_gate(tx, one, "gate.decided"); });
  const Gate found = store::find_gate(sql(), "gat_1").value().value();
  EXPECT_EQ(found.request.name, one.request.name);
  EXPECT_EQ(found.request.key, "shop/42");
  EXPECT_EQ(found.request.environment, "uat");
  EXPECT_EQ(found.request.labels, one.request.labels);
  EXPECT_TRUE(found.request.pass_on_timeout);
  EXPECT_EQ(found.request.subject.testkube.tag, "build=42");
  EXPECT_TRUE(found.request.subject.testkube.all);
  EXPECT_EQ(found.lease, "lea_1");
  EXPECT_EQ(found.verdict, one.verdict);
  EXPECT_EQ(found.source, one.source);
  EXPECT_EQ(found.reason, "it broke");
  EXPECT_EQ(found.url, "https://tk/1");
  EXPECT_EQ(found.created_at, kDay);
  EXPECT_EQ(found.deadline_at, kDay + 1h);
  EXPECT_EQ(found.decided_at, kDay + 5min);
  EXPECT_EQ(found.watched, one.watched);
  EXPECT_EQ(store::gate_of_call(sql(), "azure_devops/corp", "plan job task").value()->id, "gat_1");
}

TEST_P(GateRows, of_deliveries_keep_every_field) {
  insert(delivery("del_1", "gat_1"));
  Delivery d = store::find_delivery(sql(), "del_1").value().value();
  EXPECT_EQ(d.failures, 0);
  EXPECT_EQ(d.waited, 0ms);
  d.attempts = 7;
  d.failures = 3;
  d.waited = 90s;
  d.next_at = kDay + 1s;
  d.first_at = kDay;
  d.last_status = 503;
  d.last_error = "down";
  d.error_class = model::ErrorClass::throttled;
  d.memo = R"({"id":7})";
  write([&](store::Tx& tx) { return store::update_delivery(tx, d, "delivery.failed"); });
  const Delivery found = store::deliveries_of(sql(), "gat_1").value().at(0);
  EXPECT_EQ(found.target.fields, R"({"stage":"größe"})");
  EXPECT_EQ(found.target.when, model::When::passed);
  EXPECT_EQ(found.attempts, 7);
  EXPECT_EQ(found.failures, 3);
  EXPECT_EQ(found.waited, 90s);
  EXPECT_EQ(found.next_at, kDay + 1s);
  EXPECT_EQ(found.first_at, kDay);
  EXPECT_EQ(found.last_status, 503);
  EXPECT_EQ(found.last_error, "down");
  EXPECT_EQ(found.error_class, model::ErrorClass::throttled);
  EXPECT_EQ(found.memo, d.memo);
  EXPECT_EQ(store::due_deliveries(sql(), 10).value().size(), 1U);
}

TEST_P(GateRows, are_found_by_what_an_event_calls_them) {
  Gate by_key = gate("gat_2", "other");
  by_key.request.key = "smoke";
  Gate watched = gate("gat_3", "smoke");
  watched.request.subject.kind = model::SubjectKind::testkube;
  watched.request.subject.testkube.profile = "tk";
  Gate ended = gate("gat_4", "smoke");
  ended.state = model::GateState::decided;
  for (const Gate& each : {gate("gat_1", "smoke"), by_key, watched, gate("gat_5", "x")})
    insert(each);
  ended = insert(ended);
  write([&](store::Tx& tx) { return store::update_gate(tx, ended, "gate.decided"); });
  EXPECT_EQ(ids(store::pending_named(sql(), "smoke")), (Texts{"gat_1", "gat_2"}));
}

TEST_P(GateRows, of_a_run_are_those_whose_progress_somebody_is_told) {
  for (const char* id : {"gat_1", "gat_2", "gat_3"}) {
    Gate of_run = gate(id);
    of_run.request.subject.kind = model::SubjectKind::run;
    of_run.request.subject.run = RunId{7};
    insert(of_run);
  }
  insert(delivery("del_1", "gat_1", model::Stage::status));
  insert(delivery("del_2", "gat_2", model::Stage::verdict));
  insert(delivery("del_3", "gat_3", model::Stage::progress));
  end(delivery("del_3", "gat_3"), kDay);
  EXPECT_EQ(ids(store::gates_of_run(sql(), RunId{7})), (Texts{"gat_1", "gat_2", "gat_3"}));
  EXPECT_EQ(ids(store::told_of_run(sql(), RunId{7})), Texts{"gat_1"});
}

TEST_P(GateRows, go_by_age_with_everything_of_theirs) {
  for (const char* id : {"gat_1", "gat_2"}) {
    Gate old = insert(gate(id));
    old.state = model::GateState::decided;
    old.decided_at = kDay;
    write([&](store::Tx& tx) { return store::update_gate(tx, old, "gate.decided"); });
  }
  insert(delivery("del_1", "gat_1"));
  end(delivery("del_1", "gat_1"), kDay);
  insert(delivery("del_2", "gat_2"));  // is under way
  write([&](store::Tx& tx) {
    return store::put_gate_artifact(tx, "gat_1", {"a/b.xml", 3, "text/xml", "d1", ""});
  });
  EXPECT_EQ(commit([&](store::Tx& tx) {
              return store::remove_gates_before(tx, kDay + 1ms, 10);
            }).value(),
            1);
  EXPECT_FALSE(store::find_gate(sql(), "gat_1").value());
  EXPECT_FALSE(store::find_delivery(sql(), "del_1").value());
  EXPECT_TRUE(store::gate_artifacts(sql(), "gat_1").value().empty());
  EXPECT_TRUE(store::find_gate(sql(), "gat_2").value());
}

TEST_P(GateRows, of_deliveries_without_a_gate_go_by_age_with_what_they_carried) {
  for (const char* id : {"del_1", "del_2", "del_3"}) {
    insert(delivery(id, ""));
    write([&](store::Tx& tx) {
      return store::put_gate_artifact(tx, id, {"file", 3, "", "d1", ""});
    });
  }
  end(delivery("del_1", ""), kDay);
  end(delivery("del_2", ""), kDay + 1h);
  insert(delivery("del_4", "gat_1"));
  end(delivery("del_4", "gat_1"), kDay);
  EXPECT_EQ(commit([&](store::Tx& tx) {
              return store::remove_deliveries_before(tx, kDay + 1min, 10);
            }).value(),
            1);
  EXPECT_FALSE(store::find_delivery(sql(), "del_1").value());
  EXPECT_TRUE(store::gate_artifacts(sql(), "del_1").value().empty());
  for (const char* id : {"del_2", "del_3", "del_4"})
    EXPECT_TRUE(store::find_delivery(sql(), id).value()) << id;
}

INSTANTIATE_TEST_SUITE_P(Store, GateRows,
                         ::testing::Values(Backend::sqlite_memory, Backend::sqlite_disk,
                                           Backend::postgres),
                         [](const auto& parameter) { return name_of(parameter.param); });

}  // namespace
}  // namespace baton::contract
