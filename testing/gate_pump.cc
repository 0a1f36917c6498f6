// SPDX-License-Identifier: MIT
// The pump of deliveries and the peers: as app/delivery_pump.cc does, on one thread.
#include <fmt/format.h>

#include <algorithm>

#include "engine/deadline_kinds.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "store/journal_table.h"
#include "testing/gate_world.h"

namespace baton::sim {
namespace {

using engine::Attempted;
using model::ErrorClass;
using Kind = Attempted::Kind;

constexpr std::size_t kPerPeer = 2;
constexpr int kAtStart = 100'000;

Attempted failed(ErrorClass error_class, int status) {
  return {Kind::again, error_class, status, "failed", {}, "", false};
}

}  // namespace

void GateWorld::start_pump() {
  pump_starts_ = false;
  const auto due = store::due_deliveries(store_->writer(), kAtStart).value();
  for (const model::Delivery& d : due) add(d.target.link, d.id);
}

void GateWorld::add(const std::string& link, const std::string& delivery) {
  Peer& peer = peers_[link];
  if (!peer.known.insert(delivery).second)
    peer.again.insert(delivery);
  else
    peer.queue.push_back(delivery);
}

void GateWorld::finished(const std::string& link, const std::string& delivery) {
  Peer& peer = peers_[link];
  peer.known.erase(delivery);
  if (peer.again.erase(delivery) > 0) add(link, delivery);
}

void GateWorld::pump() {
  for (const std::string& link : links_) {
    Peer& peer = peers_[link];
    std::vector<UnderWay> left;
    for (const UnderWay& sent : peer.under_way) {
      if (sent.until <= elapsed_ || is_resting_)
        report(link, sent);
      else
        left.push_back(sent);
    }
    peer.under_way = std::move(left);
    while (peer.under_way.size() < kPerPeer && !peer.queue.empty()) {
      const std::string delivery = std::move(peer.queue.front());
      peer.queue.pop_front();
      send(link, delivery);
    }
  }
}

void GateWorld::send(const std::string& link, const std::string& delivery) {
  const auto row = store::find_delivery(store_->writer(), delivery).value();
  const bool due = row->state == model::DeliveryState::queued && row->next_at;
  // A wait that is not over has a deadline, which tells of it.
  const auto wait = store::find_deadline(store_->writer(), engine::kDeliveryDue,
                                         store::delivery_subject(delivery));
  if (!due || wait.value()) return finished(link, delivery);
  const FoldDelivery& d = *fold_.find(delivery);
  if (auto problem = fold_.may_send(d); !problem.empty()) wrong("the peer is told: " + problem);
  const bool is_pending = fold_.gates().at(d.gate).is_pending();
  const auto gate = store::find_gate(store_->writer(), d.gate).value();
  if (name_of(gate->verdict) != fold_.gates().at(d.gate).verdict)
    wrong(fmt::format("{} tells another verdict than the first", delivery));
  UnderWay sent{delivery, {}, false, elapsed_};
  bool is_received = true;
  sent.outcome = outcome_of(link, is_pending, is_received);
  sent.is_final = is_received && !is_pending;
  if (!is_resting_) sent.until += some_ms(link == "sim/slow" ? 40'000 : 3'000);
  if (sent.is_final) {
    ++received_[delivery];
    ++unreported_[delivery];
  }
  peers_[link].under_way.push_back(std::move(sent));
}

Attempted GateWorld::outcome_of(const std::string& link, bool is_pending, bool& is_received) {
  Attempted good{Kind::delivered, ErrorClass::none, 200, "", {}, "", false};
  if (is_pending) {
    good.kind = Kind::again;
    good.is_progress = true;
    if (chance(10)) good.after = std::chrono::seconds{1 + pick(10)};
  }
  if (is_resting_) return good;
  is_received = false;
  if (link == "sim/down" && (elapsed_ / std::chrono::minutes{10}) % 2 == 0)
    return failed(ErrorClass::transient, 0);
  if (link == "sim/busy" && chance(40)) {
    Attempted throttled = failed(ErrorClass::throttled, 429);
    throttled.after = std::chrono::seconds{1 + pick(200)};
    return throttled;
  }
  if (link == "sim/gone" && chance(30)) {
    const auto why = chance(60) ? ErrorClass::peer_gone : ErrorClass::rejected;
    return {Kind::dead, why, 410, "gone", {}, "", false};
  }
  if (link == "sim/lossy" && chance(40)) {
    is_received = chance(60);  // and its answer is lost
    return failed(ErrorClass::transient, 0);
  }
  is_received = true;
  return good;
}

void GateWorld::report(const std::string& link, const UnderWay& sent) {
  submit<model::Delivery>([this, link, sent](engine::Context& c) -> Result<model::Delivery> {
    BATON_TRY(stored, engine::delivery_attempted(c, rules_, sent.delivery, sent.outcome));
    fold_.reported(sent.delivery, sent.outcome, stored.failures);
    if (sent.is_final) --unreported_[sent.delivery];
    finished(link, sent.delivery);
    return stored;
  });
}

}  // namespace baton::sim
