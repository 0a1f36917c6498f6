// SPDX-License-Identifier: MIT
#include "engine/lease_ops.h"

#include <gtest/gtest.h>

#include "engine/environment_ops.h"
#include "engine/lease_status.h"
#include "engine/op_world.h"
#include "engine/slot_ops.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::LeaseMode;
using model::LeaseState;

class LeaseOps : public testing::Test {
 protected:
  void declare(std::string name, int slots = 1,
               const std::function<void(model::Environment&)>& change = {}) {
    model::Environment environment;
    environment.name = std::move(name);
    environment.slots = slots;
    if (change) change(environment);
    const auto made =
        w.run([&](Context& c) { return declare_environment(c, w.rules, environment); });
    ASSERT_TRUE(made) << made.error().message;
  }
  static model::LeaseRequest want(std::string holder, std::vector<model::Want> wants,
                                  Duration wait = 10min) {
    model::LeaseRequest request;
    request.holder.name = std::move(holder);
    request.wants = std::move(wants);
    request.wait = wait;
    return request;
  }
  static model::LeaseRequest want(std::string holder, std::string environment,
                                  Duration wait = 10min) {
    return want(std::move(holder), {{std::move(environment), {}, LeaseMode::exclusive, 1}}, wait);
  }
  Result<LeaseStatus> ask(const model::LeaseRequest& request) {
    return w.run([&](Context& c) { return acquire(c, w.rules, request, "t"); });
  }
  std::string id_of(const model::LeaseRequest& request) {
    const auto status = ask(request);
    EXPECT_TRUE(status) << status.error().message;
    return status ? status->lease.id : "";
  }
  model::Lease lease(const std::string& id) { return get_lease(w.sql(), id).value(); }
  LeaseState state(const std::string& id) { return lease(id).state; }
  void let_go(const std::string& id, Farewell farewell = {}) {
    const auto left =
        w.run([&](Context& c) { return release_lease(c, w.rules, id, farewell, "t"); });
    ASSERT_TRUE(left) << left.error().message;
  }
  Result<LeaseStatus> renew(const std::string& id, std::int64_t fence) {
    return w.run([&](Context& c) { return renew_lease(c, id, fence); });
  }
  void see(const std::string& id, Duration for_long = 60s) {
    ASSERT_TRUE(w.run([&](Context& c) { return see_lease(c, id, for_long); }));
  }

  OpWorld w;
};

TEST_F(LeaseOps, the_next_in_line_gets_what_is_given_back) {
  declare("uat");
  const auto a = id_of(want("a", "uat")), b = id_of(want("b", "uat")), c = id_of(want("c", "uat"));
  EXPECT_EQ(state(a), LeaseState::held);
  let_go(a);
  EXPECT_EQ(state(b), LeaseState::held);
  EXPECT_EQ(state(c), LeaseState::queued);
  EXPECT_GT(lease(b).fence, lease(a).fence);
  let_go(c);  // it cancels what waits
  let_go(b);
  EXPECT_EQ(state(c), LeaseState::cancelled);
  EXPECT_EQ(w.kinds("lease:" + b), list("lease.queued", "lease.granted", "lease.released"));
}

TEST_F(LeaseOps, who_does_not_wait_is_told_who_holds) {
  declare("uat");
  id_of(want("deploy of shop", "uat"));
  const auto refused = ask(want("b", "uat", 0s));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::busy);
  EXPECT_TRUE(holds(refused.error().members, "deploy of shop")) << refused.error().members;
}

TEST_F(LeaseOps, a_priority_goes_first_until_others_have_waited_as_long) {
  declare("uat");
  const auto a = id_of(want("a", "uat")), old = id_of(want("old", "uat", 1h));
  see(old, 1h);
  w.advance(90s);  // one and a half steps of age
  see(a);
  ASSERT_TRUE(renew(a, lease(a).fence));
  auto urgent = want("urgent", "uat", 1h), high = want("high", "uat", 1h);
  high.priority = 1;
  urgent.priority = 2;
  const auto h = id_of(high), u = id_of(urgent);
  let_go(a);
  EXPECT_EQ(state(u), LeaseState::held);
  let_go(u);
  EXPECT_EQ(state(old), LeaseState::held) << "it has waited longer than one step of priority";
  let_go(old);
  EXPECT_EQ(state(h), LeaseState::held);
}

TEST_F(LeaseOps, several_environments_are_had_together_and_the_free_one_is_kept) {
  declare("db");
  declare("web");
  const auto web = id_of(want("a", "web"));
  const auto both = id_of(want("large", {{"db", {}, {}, 1}, {"web", {}, {}, 1}}));
  const auto db = id_of(want("small", "db"));
  EXPECT_EQ(state(both), LeaseState::queued);
  EXPECT_EQ(state(db), LeaseState::queued) << "db is free, and set aside for the older request";
  let_go(web);
  EXPECT_EQ(state(both), LeaseState::held);
  EXPECT_EQ(lease(both).grants.size(), 2U);
  let_go(both);
  EXPECT_EQ(state(db), LeaseState::held);
}

TEST_F(LeaseOps, an_environment_is_chosen_by_its_labels) {
  declare("phone-1", 1, [](auto& e) { e.labels = {{"kind", "phone"}, {"os", "14"}}; });
  declare("phone-2", 1, [](auto& e) { e.labels = {{"kind", "phone"}}; });
  const auto any =
      id_of(want("a", {{"", {{"kind", "phone"}}, {}, 1}, {"", {{"os", "14"}}, {}, 1}}));
  ASSERT_EQ(state(any), LeaseState::held);
  EXPECT_EQ(lease(any).grants[0].environment, "phone-2");
  EXPECT_EQ(lease(any).grants[1].environment, "phone-1");
  const auto never = ask(want("b", {{"", {{"kind", "toaster"}}, {}, 1}}));
  ASSERT_FALSE(never);
  EXPECT_EQ(never.error().code, Code::unsatisfiable);
  const auto many = ask(want("b", {{"phone-1", {}, {}, 2}}));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, Code::unsatisfiable);
}

TEST_F(LeaseOps, sharers_share_until_an_older_request_wants_it_alone) {
  declare("uat");
  const auto shared = [&](std::string name) {
    return id_of(want(std::move(name), {{"uat", {}, LeaseMode::shared, 1}}));
  };
  const auto a = shared("a"), b = shared("b");
  EXPECT_EQ(state(b), LeaseState::held);
  const auto alone = id_of(want("alone", "uat"));
  const auto late = shared("late");
  EXPECT_EQ(state(late), LeaseState::queued);
  let_go(a);
  EXPECT_EQ(state(alone), LeaseState::queued);
  let_go(b);
  EXPECT_EQ(state(alone), LeaseState::held);
}

TEST_F(LeaseOps, of_one_pipeline_only_the_newest_waits) {
  declare("uat");
  id_of(want("a", "uat"));
  auto request = want("build 1", "uat");
  request.supersede_key = "shop/main";
  const auto first = id_of(request);
  request.holder.name = "build 2";
  const auto second = id_of(request);
  EXPECT_EQ(state(first), LeaseState::superseded);
  EXPECT_TRUE(holds(lease(first).reason, second));
  EXPECT_EQ(state(second), LeaseState::queued);
}

TEST_F(LeaseOps, a_circle_of_waits_is_refused_with_its_names) {
  declare("db");
  declare("web");
  id_of(want("a", "db"));
  id_of(want("b", "web"));
  EXPECT_EQ(state(id_of(want("a", "web"))), LeaseState::queued);
  const auto circle = ask(want("b", "db"));
  ASSERT_FALSE(circle);
  EXPECT_EQ(circle.error().code, Code::deadlock);
  EXPECT_TRUE(holds(circle.error().members, R"(["b","db","a","web"])")) << circle.error().members;
}

TEST_F(LeaseOps, a_holder_that_is_silent_for_its_ttl_loses_it_and_is_told) {
  declare("uat", 1, [](auto& e) { e.ttl = 10s; });
  const auto a = id_of(want("a", "uat")), b = id_of(want("b", "uat"));
  see(b);
  w.advance(8s);
  ASSERT_TRUE(renew(a, lease(a).fence));
  w.advance(9s);
  EXPECT_EQ(state(a), LeaseState::held);
  see(a);  // somebody looks at it: that keeps nobody's lease
  w.advance(1s);
  EXPECT_EQ(state(a), LeaseState::held) << "until its holder has stopped, whatever is rounded";
  w.advance(1ms);
  EXPECT_EQ(state(a), LeaseState::expired);
  EXPECT_EQ(state(b), LeaseState::held);
  const auto late = renew(a, lease(a).fence);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::gone);
  EXPECT_TRUE(holds(late.error().members, "expired")) << late.error().members;
}

TEST_F(LeaseOps, a_stale_fence_renews_nothing) {
  declare("uat");
  const auto a = id_of(want("a", "uat"));
  const auto refused = renew(a, lease(a).fence - 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::stale_fence);
}

TEST_F(LeaseOps, a_grant_that_nobody_sees_goes_to_the_next) {
  declare("uat", 1, [](auto& e) { e.claim_window = 15s; });
  const auto a = id_of(want("a", "uat")), gone = id_of(want("gone", "uat")),
             next = id_of(want("next", "uat"));
  let_go(a);
  EXPECT_EQ(state(gone), LeaseState::held);
  w.advance(16s);
  EXPECT_EQ(state(gone), LeaseState::expired);
  EXPECT_EQ(lease(gone).reason, "unclaimed");
  EXPECT_EQ(state(next), LeaseState::held);
}

TEST_F(LeaseOps, a_waiter_that_is_not_heard_of_leaves_the_queue) {
  declare("uat", 1, [](auto& e) { e.ttl = 1h; e.keep_alive = 20s; });
  id_of(want("a", "uat"));
  const auto gone = id_of(want("gone", "uat")), here = id_of(want("here", "uat"));
  w.advance(15s);
  see(here, 20s);
  w.advance(10s);
  EXPECT_EQ(state(gone), LeaseState::cancelled);
  EXPECT_EQ(lease(gone).reason, "waiter gone");
  EXPECT_EQ(state(here), LeaseState::queued);
}

TEST_F(LeaseOps, a_transfer_goes_past_the_queue_with_nothing_in_between) {
  declare("uat", 1, [](auto& e) {
    e.lock_delay = 30s;
    e.hooks[model::HookKind::reset] = {{"./reset"}, 60s, 3, 5s};
  });
  const auto deploy = id_of(want("deploy", "uat")), other = id_of(want("other", "uat"));
  const auto moved = w.run([&](Context& c) {
    Heir heir;
    heir.holder = model::Holder{"test", "", "", ""};
    return transfer_lease(c, w.rules, deploy, lease(deploy).fence, heir, "t");
  });
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(state(deploy), LeaseState::transferred);
  EXPECT_EQ(moved->lease.state, LeaseState::held);
  EXPECT_GT(moved->lease.fence, lease(deploy).fence);
  EXPECT_EQ(state(other), LeaseState::queued);
  EXPECT_EQ(w.kinds("environment:uat"), list("environment.declared")) << "no rest, no reset";
}

TEST_F(LeaseOps, what_was_not_left_clean_rests_and_what_is_broken_waits_for_people) {
  declare("uat", 1, [](auto& e) { e.lock_delay = 30s; });
  const auto a = id_of(want("a", "uat")), b = id_of(want("b", "uat", 1h));
  see(b, 1h);
  let_go(a, {{}, model::LeaseOutcome::dirty, ""});
  EXPECT_EQ(state(b), LeaseState::queued);
  w.advance(30s);
  EXPECT_EQ(state(b), LeaseState::held);
  const auto c = id_of(want("c", "uat", 1h));
  see(c, 1h);
  let_go(b, {{}, model::LeaseOutcome::broken, "the database is gone"});
  w.advance(10min);
  EXPECT_EQ(state(c), LeaseState::queued);
  EXPECT_EQ(store::find_slot(w.sql(), "uat", 1).value()->lease, b);
  ASSERT_TRUE(w.run([&](Context& context) {
    return restore_environment(context, w.rules, "uat", "mended", "ann");
  }));
  EXPECT_EQ(state(c), LeaseState::held);
}

TEST_F(LeaseOps, hooks_clean_a_slot_and_break_it_when_they_keep_failing) {
  declare("uat", 1, [](auto& e) {
    e.hooks[model::HookKind::reset] = {{"./reset"}, 60s, 2, 5s};
    e.hooks[model::HookKind::health] = {{"./health"}, 60s, 1, 5s};
  });
  const auto hook = [&](model::HookKind kind, bool ok) {
    ASSERT_TRUE(w.run(
        [&](Context& c) { return hook_ended(c, w.rules, "uat", 1, kind, ok, "exit status 1"); }));
  };
  const auto a = id_of(want("a", "uat")), b = id_of(want("b", "uat", 1h));
  see(b, 1h);
  let_go(a);
  hook(model::HookKind::reset, true);
  EXPECT_EQ(state(b), LeaseState::queued) << "it is not looked at yet";
  hook(model::HookKind::health, true);
  EXPECT_EQ(state(b), LeaseState::held);
  let_go(b);
  hook(model::HookKind::reset, false);
  w.advance(5s);
  hook(model::HookKind::reset, false);
  const auto slot = store::find_slot(w.sql(), "uat", 1).value();
  EXPECT_EQ(slot->state, model::SlotState::broken);
  EXPECT_EQ(slot->lease, b);
  EXPECT_TRUE(holds(slot->message, "exit status 1")) << slot->message;
}

TEST_F(LeaseOps, a_restart_gives_everybody_the_full_time_and_fences_go_on_rising) {
  declare("uat", 1, [](auto& e) { e.ttl = 10s; });
  const auto a = id_of(want("a", "uat"));
  const auto fence = lease(a).fence;
  w.now.wall -= 2h;  // the clock was set back
  w.now.at = w.now.wall;
  w.restart(3min);
  w.advance(9s);
  EXPECT_EQ(state(a), LeaseState::held);
  ASSERT_TRUE(renew(a, fence));
  let_go(a);
  EXPECT_GT(lease(id_of(want("b", "uat"))).fence, fence);
}

TEST_F(LeaseOps, slots_below_holders_are_refused_with_who_holds) {
  declare("uat", 2);
  id_of(want("a", "uat"));
  const auto b = id_of(want("b", "uat"));
  model::Environment smaller;
  smaller.name = "uat";
  const auto refused =
      w.run([&](Context& c) { return declare_environment(c, w.rules, smaller); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_TRUE(holds(refused.error().message, b)) << refused.error().message;
}

TEST_F(LeaseOps, who_waits_for_what_is_declared_away_is_told_and_holds_nobody_up) {
  declare("uat", 2);
  declare("east", 1, [](auto& e) { e.labels["pool"] = "p"; });
  const auto a = id_of(want("a", "uat")), e = id_of(want("e", "east"));
  const auto both = id_of(want("both", {{"uat", {}, LeaseMode::exclusive, 2}}));
  const auto next = id_of(want("next", "uat"));
  const auto any = id_of(want("any", {{"", {{"pool", "p"}}, LeaseMode::exclusive, 1}}));
  EXPECT_EQ(state(next), LeaseState::queued);
  declare("uat", 1);
  EXPECT_EQ(state(both), LeaseState::cancelled);
  EXPECT_TRUE(holds(lease(both).reason, "uat")) << lease(both).reason;
  let_go(a);
  EXPECT_EQ(state(next), LeaseState::held);
  EXPECT_EQ(state(any), LeaseState::queued);
  declare("east");
  EXPECT_EQ(state(any), LeaseState::cancelled);
  EXPECT_EQ(state(e), LeaseState::held);
}

TEST_F(LeaseOps, who_waits_for_a_broken_environment_is_told_no_time) {
  declare("uat");
  let_go(id_of(want("a", "uat")));
  let_go(id_of(want("b", "uat")), {{}, model::LeaseOutcome::broken, "the disk is full"});
  const auto c = id_of(want("c", "uat"));
  const auto place = place_of(w.sql(), lease(c), w.now.wall);
  EXPECT_FALSE(place->eta);
  ASSERT_EQ(place->bars.size(), 1U);
  EXPECT_EQ(describe(place->bars[0]), "uat is broken: the disk is full");
  const auto uat = get_environment(w.sql(), "uat").value();
  EXPECT_FALSE(queue_of(w.sql(), uat, w.now.wall, 10)->at(0).eta);
}

TEST_F(LeaseOps, an_environment_is_not_deleted_below_its_hook) {
  declare("uat", 1, [](auto& e) { e.hooks[model::HookKind::reset] = {{"./reset"}, 60s, 2, 5s}; });
  let_go(id_of(want("a", "uat")));
  const auto refused = w.run([&](Context& c) { return delete_environment(c, "uat"); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  const std::string output(100'000, 'x');
  ASSERT_TRUE(w.run([&](Context& c) {
    return hook_ended(c, w.rules, "uat", 1, model::HookKind::reset, false, output);
  }));
  EXPECT_LT(store::find_slot(w.sql(), "uat", 1).value()->message.size(), 5'000U);
}

TEST_F(LeaseOps, slots_that_nobody_makes_any_more_are_there) {
  declare("uat", 1, [](auto& e) {
    for (const auto kind : {model::HookKind::provision, model::HookKind::destroy})
      e.hooks[kind] = {{"./x"}, 60s, 1, 5s};
  });
  EXPECT_EQ(store::find_slot(w.sql(), "uat", 1).value()->state, model::SlotState::absent);
  declare("uat");
  EXPECT_EQ(store::find_slot(w.sql(), "uat", 1).value()->state, model::SlotState::free);
}

TEST_F(LeaseOps, a_grant_is_known_once_somebody_was_told_of_it) {
  declare("uat");
  const auto known = [&](const std::string& id) {
    return w.run([&](Context& c) { return look_at_lease(c, id); })->was_known;
  };
  const auto a = id_of(want("a", "uat")), b = id_of(want("b", "uat"));
  EXPECT_TRUE(known(a)) << "the answer to its request was the grant";
  let_go(a);
  EXPECT_EQ(state(b), LeaseState::held);
  EXPECT_FALSE(known(b)) << "in the same moment as its request, but by somebody else's";
  see(b);
  EXPECT_TRUE(known(b));
}

TEST_F(LeaseOps, a_run_waits_for_its_environment_and_takes_over_a_deployment) {
  declare("uat");
  w.declare(w.suite("checkout"));
  const auto deploy = id_of(want("deploy", "uat"));
  model::RunRequest request;
  request.environment = "uat";
  const auto run = w.start("checkout", request);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(w.run_row(run->id).state, model::RunState::waiting);
  const std::string waiting = w.run_row(run->id).lease;
  EXPECT_EQ(state(waiting), LeaseState::queued);
  ASSERT_TRUE(w.run([&](Context& c) {
    Heir heir;
    heir.lease = waiting;
    return transfer_lease(c, w.rules, deploy, lease(deploy).fence, heir, "t");
  }));
  EXPECT_EQ(w.run_row(run->id).state, model::RunState::running);
  ASSERT_TRUE(w.claim(run->id));
  ASSERT_TRUE(w.post(run->id, 1, RecordList().plan({"t"}).started("t").passed("t").end()));
  EXPECT_EQ(state(waiting), LeaseState::released);
}

}  // namespace
}  // namespace baton::engine
