// SPDX-License-Identifier: MIT
// The frame and the checks. lease_clients.cc holds what everybody does.
#include "testing/lease_world.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/environment_ops.h"
#include "engine/run_ops.h"
#include "engine/slot_ops.h"
#include "engine/suite_ops.h"
#include "store/run_table.h"

namespace baton::sim {
namespace {

// Everybody is silent now: what is held runs out, hooks succeed.
constexpr int kRestMax = 60;

}  // namespace

LeaseWorld::LeaseWorld(std::uint64_t seed) : SimFrame(seed) {
  rules_.running_runs = 1 + static_cast<std::int64_t>(pick(3));
  rules_.runner_start = std::chrono::seconds{5};
  if (chance(20)) rules_.lease_history = std::chrono::minutes{5};
  // A holder that renewed in time may believe in its lease until its time is over.
  fold_.on_end = [this](const FoldLease& lease, std::string_view reason) {
    const auto belief = beliefs_.find(lease.row.id);
    if (belief == beliefs_.end()) return;
    if (lease.state == "expired" && reason == "not renewed in time" && belief->second > elapsed_)
      wrong(fmt::format("{} expired {} ms before its holder could know", lease.row.id,
                        (belief->second - elapsed_).count()));
    beliefs_.erase(belief);
  };
  open_store();
  open();
  set_up();
}

model::Environment LeaseWorld::environment(std::string name, int slots, std::string pool) {
  model::Environment made;
  made.name = std::move(name);
  made.slots = slots;
  if (!pool.empty()) made.labels = {{"pool", std::move(pool)}};
  made.ttl = std::chrono::seconds{5 + pick(30)};
  if (chance(30)) made.ttl_max = std::chrono::seconds{10};
  if (chance(20)) made.max_hold = std::chrono::seconds{30};
  if (chance(40)) made.lock_delay = some_ms(8'000);
  if (chance(10)) made.policy = model::QueuePolicy::newest;
  if (chance(10)) made.policy = model::QueuePolicy::latest_only;
  if (chance(20)) made.queue_max = 2;
  made.age_step = std::chrono::seconds{1 + pick(60)};
  made.keep_alive = std::chrono::seconds{20};
  made.claim_window = std::chrono::seconds{5};
  const model::Hook hook{{"./hook"}, std::chrono::seconds{5}, 2, std::chrono::seconds{3}};
  if (chance(25)) made.hooks[model::HookKind::reset] = hook;
  if (chance(25)) made.hooks[model::HookKind::health] = hook;
  if (chance(15)) {
    made.hooks[model::HookKind::provision] = hook;
    made.hooks[model::HookKind::destroy] = hook;
    made.provision.min = static_cast<int>(pick(2));
    made.provision.idle = std::chrono::seconds{20};
  }
  return made;
}

void LeaseWorld::set_up() {
  const std::vector<model::Environment> declared{
      environment("one", 1, ""), environment("two", 2, ""), environment("pool-a", 1, "x"),
      environment("pool-b", 1 + static_cast<int>(pick(3)), "x")};
  for (const model::Environment& made : declared) {
    names_.push_back(made.name);
    submit<model::Environment>([this, made](engine::Context& c) {
      return engine::declare_environment(c, rules_, made);
    });
  }
  names_.emplace_back("on-first-use");
  model::Suite suite;
  suite.namespace_ = "sim";
  suite.name = "a";
  suite.command = {"./it"};
  suite_ = suite.id();
  submit<store::SuiteRow>([suite](engine::Context& c) { return engine::declare_suite(c, suite); });
  for (int i = 0; i < 6; ++i) clients_.push_back({fmt::format("c{}", i), {}, {}});
  step_and_check();
}

void LeaseWorld::apply(const model::Event& event) {
  if (places_moved_) fold_.read_places(store_->writer());
  places_moved_ = false;
  if (auto problem = fold_.apply(store_->writer(), event); !problem.empty())
    wrong(fmt::format("event {}: {}", event.seq, problem));
}

void LeaseWorld::check_tables() {
  if (places_moved_) fold_.read_places(store_->writer());
  places_moved_ = false;
  if (auto problem = fold_.after_step(store_->writer()); !problem.empty()) wrong(problem);
  for (const auto& [id, lease] : fold_.leases()) {
    if (!lease.row.request.run) continue;
    const auto row = store::find_run(store_->writer(), *lease.row.request.run).value();
    if (!row || row->run.state == model::RunState::finished)
      wrong(fmt::format("{} of a run that has ended is {}", id, lease.state));
    else if ((row->run.state == model::RunState::waiting) != (lease.state == "queued"))
      wrong(fmt::format("run {} is {} and its lease {}", raw(row->run.id),
                        name_of(row->run.state), lease.state));
  }
}

std::string LeaseWorld::live(int steps) {
  for (int i = 0; i < steps && wrong_.empty(); ++i) {
    for (auto n = 1 + pick(4); n > 0; --n) act();
    commit();
    if (chance(50)) pass_time();
  }
  if (wrong_.empty()) rest();
  return wrong_;
}

// Nobody comes back; every lease must end, and every slot be free, broken or not made.
void LeaseWorld::rest() {
  for (const std::string& name : names_)
    submit<model::Environment>([this, name](engine::Context& c) {
      return engine::set_environment_state(c, rules_, name,
                                           {model::EnvironmentState::enabled, "", "rest"});
    });
  for (int i = 0; i < kRestMax && wrong_.empty(); ++i) {
    step_and_check();
    const bool ended = fold_.leases().empty();
    for (const auto& [id, lease] : fold_.leases())
      if (lease.row.request.run)
        submit<model::Run>([this, run = *lease.row.request.run](engine::Context& c) {
          return engine::cancel_run(c, rules_, run, "time to rest");
        });
    end_hooks(true);
    step_and_check();
    advance(Duration{20'000});
    if (ended && i > 3) break;
  }
  for (const auto& [id, lease] : fold_.leases())
    wrong(fmt::format("{} is {} for ever", id, lease.state));
  for (const auto& [name, environment] : fold_.environments())
    for (const auto& [number, slot] : environment.slots)
      if (slot.state == "held" || slot.state == "cooling")
        wrong(fmt::format("{}/{} is {} for ever", name, number, slot.state));
}

}  // namespace baton::sim
