// SPDX-License-Identifier: MIT
// What clients, people, hooks and runs do.
#include <fmt/format.h>

#include <algorithm>

#include "engine/environment_ops.h"
#include "engine/run_ops.h"
#include "engine/slot_ops.h"
#include "testing/lease_world.h"

namespace baton::sim {
namespace {

using engine::LeaseStatus;
using model::LeaseRequest;
using model::Want;

constexpr Duration kPoll = std::chrono::seconds{5};

}  // namespace

// Nothing makes the database fail here, and nobody asks for nonsense.
bool LeaseWorld::is_expected(const Error& error) const {
  switch (error.code) {
    case Code::busy:
    case Code::conflict:
    case Code::deadlock:
    case Code::gone:
    case Code::limit:
    case Code::not_found:
    case Code::stale_fence:
    case Code::unprocessable:
    case Code::unsatisfiable: return true;
    default: return false;
  }
}

void LeaseWorld::act() {
  const std::size_t dice = pick(100);
  if (dice < 80) return act_as_client(clients_[pick(clients_.size())]);
  if (dice < 88) return end_hooks(false);
  if (dice < 94) return act_as_admin();
  act_as_run();
}

void LeaseWorld::act_as_client(Client& client) {
  if (client.paused_until > elapsed_) return;
  const std::size_t dice = pick(100);
  if (dice < 2) return client.leases.clear();  // it died
  if (dice < 5) {
    client.paused_until = elapsed_ + some_ms(40'000);
    return;
  }
  if (client.leases.empty() || dice < 25) return acquire(client);
  const Known lease = client.leases[pick(client.leases.size())];
  if (dice < 35 || (dice < 70 && lease.state == "queued" && chance(20)))
    return release(client, lease);
  if (lease.state == "queued") return poll(client, lease);
  if (dice < 65) return renew(client, lease);
  if (dice < 75) return transfer(client, lease);
  if (dice < 80) return poll(client, lease);
  release(client, lease);
}

LeaseRequest LeaseWorld::request_of(const Client& client) {
  LeaseRequest request;
  request.holder.name = client.name;
  const auto mode = chance(25) ? model::LeaseMode::shared : model::LeaseMode::exclusive;
  const std::size_t dice = pick(100);
  const auto slots = [&] { return chance(20) ? 2 : 1; };
  if (dice < 40) {
    request.wants.push_back({names_[pick(2)], {}, mode, 1});
  } else if (dice < 60) {
    request.wants.push_back({"two", {}, mode, slots()});
  } else if (dice < 75) {
    request.wants.push_back({"", {{"pool", "x"}}, mode, slots()});
  } else if (dice < 85) {
    request.wants.push_back({"one", {}, model::LeaseMode::exclusive, 1});
    request.wants.push_back({"two", {}, mode, slots()});
  } else if (dice < 93) {
    request.wants.push_back({"one", {}, mode, 1});
    request.wants.push_back({"", {{"pool", "x"}}, mode, 1});
    if (chance(30)) request.wants.push_back({"", {{"pool", "x"}}, mode, 1});
  } else {
    request.wants.push_back({"on-first-use", {}, mode, 1});
  }
  if (chance(40)) request.ttl = std::chrono::seconds{1 + pick(20)};
  if (chance(85)) request.wait = std::chrono::seconds{1 + pick(120)};
  if (chance(25)) request.priority = static_cast<int>(pick(7)) - 3;
  if (chance(10)) request.supersede_key = fmt::format("pipeline-{}", pick(3));
  if (chance(10)) request.notify_url = "http://127.0.0.1/wake";
  return request;
}

// An answer that arrives: the client's belief begins when it asked, not when it heard.
void LeaseWorld::hear(std::size_t index, Duration sent, const LeaseStatus& status) {
  Client& client = clients_[index];
  const model::Lease& lease = status.lease;
  auto known = std::find_if(client.leases.begin(), client.leases.end(),
                            [&](const Known& one) { return one.id == lease.id; });
  if (!lease.is_live()) return forget(index, lease.id);
  if (known == client.leases.end()) {
    client.leases.push_back({lease.id, "queued", 0, {}});
    known = client.leases.end() - 1;
  }
  known->state = std::string(name_of(lease.state));
  known->fence = lease.fence;
  if (lease.state != model::LeaseState::held || !status.expires_in) return;
  known->until = sent + *status.expires_in;
  auto& belief = beliefs_[lease.id];
  belief = std::max(belief, known->until);
}

void LeaseWorld::forget(std::size_t index, const std::string& id) {
  std::erase_if(clients_[index].leases, [&](const Known& one) { return one.id == id; });
}

void LeaseWorld::acquire(Client& client) {
  if (client.leases.size() >= 3) return;
  const auto request = request_of(client);
  submit<LeaseStatus>(
      [this, request](engine::Context& c) { return engine::acquire(c, rules_, request, "t"); },
      [this, index = index_of(client), sent = elapsed_](Result<LeaseStatus> status) {
        expect(status);
        if (!status) return;
        hear(index, sent, *status);
        const model::Lease& lease = status->lease;
        if (lease.state == model::LeaseState::held && !lease.max_hold && lease.ttl.count() > 0 &&
            status->expires_in != lease.ttl)
          wrong(fmt::format("{} was granted for less than its {}", lease.id,
                            format_duration(lease.ttl)));
      });
}

void LeaseWorld::poll(Client& client, const Known& lease) {
  submit<LeaseStatus>(
      [id = lease.id](engine::Context& c) { return engine::see_lease(c, id, kPoll); },
      [this, index = index_of(client), id = lease.id, sent = elapsed_](Result<LeaseStatus> status) {
        expect(status);
        if (status) hear(index, sent, *status);
        if (!status) forget(index, id);
      });
}

void LeaseWorld::renew(Client& client, const Known& lease) {
  // Sometimes with a fence of old, as after a pause.
  const std::int64_t fence = chance(3) ? lease.fence - 1 : lease.fence;
  submit<LeaseStatus>(
      [id = lease.id, fence](engine::Context& c) { return engine::renew_lease(c, id, fence); },
      [this, index = index_of(client), lease, fence, sent = elapsed_](Result<LeaseStatus> status) {
        expect(status);
        if (status && fence != lease.fence)
          wrong(fmt::format("{} was renewed with a stale fence", lease.id));
        if (status) hear(index, sent, *status);
        if (!status) forget(index, lease.id);
      });
}

// Whether it is heard or not, the client uses nothing of it any more.
void LeaseWorld::release(Client& client, const Known& lease) {
  engine::Farewell farewell;
  if (chance(50) && lease.fence != 0) farewell.fence = lease.fence;
  if (chance(20)) farewell.outcome = model::LeaseOutcome::dirty;
  if (chance(5)) farewell.outcome = model::LeaseOutcome::broken;
  submit<LeaseStatus>([this, id = lease.id, farewell](engine::Context& c) {
    return engine::release_lease(c, rules_, id, farewell, "client");
  });
  beliefs_.erase(lease.id);
  forget(index_of(client), lease.id);
}

void LeaseWorld::transfer(Client& client, const Known& lease) {
  engine::Heir heir;
  Client& other = clients_[pick(clients_.size())];
  const auto waiting = std::find_if(other.leases.begin(), other.leases.end(),
                                    [](const Known& one) { return one.state == "queued"; });
  if (waiting != other.leases.end() && chance(70))
    heir.lease = waiting->id;
  else
    heir.holder = model::Holder{other.name, "", "", ""};
  submit<LeaseStatus>(
      [this, lease, heir](engine::Context& c) {
        return engine::transfer_lease(c, rules_, lease.id, lease.fence, heir, "client");
      },
      [this, from = index_of(client), to = index_of(other), id = lease.id,
       sent = elapsed_](Result<LeaseStatus> status) {
        expect(status);
        if (!status) return;
        forget(from, id);
        hear(to, sent, *status);
      });
}

void LeaseWorld::act_as_admin() {
  const std::string name = names_[pick(names_.size())];
  const std::size_t dice = pick(100);
  if (dice < 40) {
    constexpr std::array kStates{model::EnvironmentState::enabled,
                                 model::EnvironmentState::enabled,
                                 model::EnvironmentState::draining,
                                 model::EnvironmentState::maintenance};
    const auto state = kStates[pick(kStates.size())];
    submit<model::Environment>([this, name, state](engine::Context& c) {
      return engine::set_environment_state(c, rules_, name, {state, "work", "admin"});
    });
  } else if (dice < 60) {
    submit<model::Environment>([this, name](engine::Context& c) {
      return engine::restore_environment(c, rules_, name, "looked at", "admin");
    });
  } else if (dice < 75) {
    const int slots = 1 + static_cast<int>(pick(3));
    submit<model::Environment>(
        [this, name, slots](engine::Context& c) -> Result<model::Environment> {
          BATON_TRY(known, engine::get_environment(c.tx.sql(), name));
          known.slots = slots;
          return engine::declare_environment(c, rules_, known);
        });
  } else if (dice < 95 && !fold_.leases().empty()) {
    auto lease = fold_.leases().begin();
    std::advance(lease, static_cast<std::ptrdiff_t>(pick(fold_.leases().size())));
    submit<LeaseStatus>([this, id = lease->first](engine::Context& c) {
      return engine::revoke_lease(c, rules_, id, "needed elsewhere", std::nullopt, "admin");
    });
  } else {
    submit<void>([](engine::Context& c) { return engine::delete_environment(c, "on-first-use"); });
  }
}

// Hooks are run at least once: their ends come late, twice, or not at all.
void LeaseWorld::end_hooks(bool gently) {
  for (const auto& [name, environment] : fold_.environments())
    for (const auto& [number, slot] : environment.slots) {
      const auto state = slot.state;
      model::HookKind kind = model::HookKind::health;
      if (state == "cleaning") kind = model::HookKind::reset;
      if (state == "provisioning") kind = model::HookKind::provision;
      if (state == "destroying") kind = model::HookKind::destroy;
      const bool runs = state == "cleaning" || state == "checking" || state == "provisioning" ||
                        state == "destroying" || state == "broken";
      if (!runs || (!gently && chance(30))) continue;
      const bool ok = gently || chance(70);
      submit<void>([this, name = name, number = number, kind, ok](engine::Context& c) {
        return engine::hook_ended(c, rules_, name, number, kind, ok, "exit status 1");
      });
    }
}

void LeaseWorld::act_as_run() {
  model::RunRequest request;
  request.suite = suite_;
  request.environment = names_[pick(names_.size())];
  submit<model::Run>(
      [this, request](engine::Context& c) { return engine::start_run(c, rules_, request); });
}

}  // namespace baton::sim
