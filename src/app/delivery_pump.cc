// SPDX-License-Identifier: MIT
#include "app/delivery_pump.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "api/gate_files.h"
#include "api/submit.h"
#include "app/delivery_queue.h"
#include "app/journal_reader.h"
#include "base/log.h"
#include "engine/deadline_kinds.h"
#include "engine/delivery_ops.h"
#include "engine/gate_ops.h"
#include "links/adapters.h"
#include "links/message.h"
#include "links/profiles.h"
#include "links/sealed_fields.h"
#include "store/delivery_table.h"
#include "store/gate_table.h"
#include "store/journal_table.h"

namespace baton::app {
namespace {

using model::Delivery;
using model::DeliveryState;
using model::ErrorClass;

// When an attempt's result could not be stored (the disk is full) the delivery comes again.
constexpr std::chrono::seconds kStoreAgain{1};
constexpr int kAtStart = 100'000;

engine::Attempted attempted_of(const links::Outcome& outcome) {
  using Kind = engine::Attempted::Kind;
  const Kind kind = outcome.kind == links::Outcome::Kind::delivered ? Kind::delivered
                    : outcome.kind == links::Outcome::Kind::again   ? Kind::again
                                                                    : Kind::dead;
  return {kind,          outcome.error_class, outcome.status,     outcome.error,
          outcome.after, outcome.memo,        outcome.is_progress};
}

}  // namespace

struct DeliveryPump::State {
  // One system of a link: what waits for it, and its threads.
  struct Peer {
    explicit Peer(int per_peer) : queue(std::max(1, per_peer / 2)) {}
    const model::LinkProfile* profile = nullptr;
    DeliveryQueue queue;
    std::vector<std::thread> threads;  // as many as were ever needed at once
    int idle = 0;                      // threads that wait for the queue
    std::condition_variable work;
    std::condition_variable pause;  // of those whose result could not be stored
  };

  api::Context& api;
  const int per_peer;
  std::mutex mutex;
  bool stopping = false;  // guarded by mutex, as what follows
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Peer>> peers;  // by link, system
  std::stop_source stop;
  std::unique_ptr<JournalReader> reader;

  State(api::Context& api_in, int per_peer_in) : api(api_in), per_peer(per_peer_in) {}

  Result<void> on_event(const model::Event& event) {
    const std::string id = store::delivery_of_subject(event.subject);
    BATON_TRY(found,
              api::read(api, [&](store::Session& s) { return store::find_delivery(s, id); }));
    return found ? add(*found) : Result<void>{};
  }

  // What is told while its gate is open can wait; whatever follows the end cannot.
  Result<bool> tells_progress(const Delivery& d) {
    const model::Stage stage = d.target.stage;
    if (stage != model::Stage::progress && stage != model::Stage::status) return false;
    BATON_TRY(gate, api::read(api, [&](store::Session& s) { return store::find_gate(s, d.gate); }));
    return gate && gate->state == model::GateState::pending;
  }

  Result<void> add(const Delivery& d) {
    if (d.state != DeliveryState::queued) return {};
    BATON_TRY(is_progress, tells_progress(d));
    const std::string& link = d.target.link;
    const model::LinkProfile* profile = links::find_profile(api.settings.links, link);
    const std::string system =
        profile == nullptr ? "" : links::system_of(profile->kind, d.target);
    const std::lock_guard lock(mutex);
    if (stopping) return {};
    std::unique_ptr<Peer>& slot = peers[{link, system}];
    if (!slot) {
      slot = std::make_unique<Peer>(per_peer);
      slot->profile = profile;
    }
    Peer& peer = *slot;
    peer.queue.add({d.id, is_progress});
    // One that was woken a moment ago still counts as idle, and so does what it was woken for.
    if (peer.queue.has_next() && peer.idle < peer.queue.size() &&
        static_cast<int>(peer.threads.size()) < per_peer)
      peer.threads.emplace_back([this, &peer] { loop(peer); });
    peer.work.notify_one();
    return {};
  }

  void loop(Peer& peer) {
    std::optional<links::PeerHttp> http;
    if (peer.profile != nullptr) http.emplace(*peer.profile, stop.get_token());
    std::unique_lock lock(mutex);
    for (;;) {
      ++peer.idle;
      peer.work.wait(lock, [&] { return stopping || peer.queue.has_next(); });
      --peer.idle;
      if (stopping) return;
      const DeliveryQueue::Item item = *peer.queue.take();
      lock.unlock();
      const bool stored = bring(peer, http, item.id);
      lock.lock();
      if (!stored) peer.pause.wait_for(lock, kStoreAgain, [&] { return stopping; });
      peer.queue.done(item, !stored);
      // There is room for progress again, which others may wait for.
      if (item.is_progress) peer.work.notify_one();
    }
  }

  // False: its result could not be stored.
  bool bring(Peer& peer, std::optional<links::PeerHttp>& http, const std::string& id) {
    auto message = message_of(id);
    if (!message) {
      log::warn("delivery.not_read", {{"delivery", id}, {"error", message.error().message}});
      return false;
    }
    if (!*message) return true;  // not due any more
    const links::Outcome outcome = attempt(peer, http, **message);
    if (stop.stop_requested() && outcome.kind != links::Outcome::Kind::delivered) return true;
    auto stored = api.writer.run<Delivery>([&](engine::Context& context) {
      return engine::delivery_attempted(context, api.rules, id, attempted_of(outcome));
    });
    if (!stored) {
      log::warn("delivery.not_stored", {{"delivery", id}, {"error", stored.error().message}});
      return false;
    }
    note(*stored, outcome);
    return true;
  }

  static void note(const Delivery& d, const links::Outcome& outcome) {
    if (outcome.is_progress) return;
    if (d.state == DeliveryState::dead) {
      log::warn("delivery.dead", {{"delivery", d.id},
                                  {"link", d.target.link},
                                  {"class", std::string(name_of(d.error_class))},
                                  {"error", d.last_error}});
    } else {
      log::debug("delivery.attempted", {{"delivery", d.id},
                                        {"link", d.target.link},
                                        {"state", std::string(name_of(d.state))},
                                        {"status", std::to_string(d.last_status)}});
    }
  }

  links::Outcome attempt(const Peer& peer, std::optional<links::PeerHttp>& http,
                         links::Message& message) {
    model::Target& target = message.delivery.target;
    if (peer.profile == nullptr)
      return links::dead(ErrorClass::misconfigured, 0,
                         fmt::format("the link {} is not in the configuration any more; add it to "
                                     "`links` in baton.yaml and redeliver",
                                     target.link));
    if (const std::string missing = links::missing_secret(*peer.profile); !missing.empty())
      return links::dead(ErrorClass::misconfigured, 0,
                         fmt::format("a secret of the link {} is missing: {}; give it, start Baton "
                                     "again and redeliver",
                                     target.link, missing));
    std::vector<std::string> secrets;
    for (const auto& [name, value] : message.secrets) secrets.push_back(value);
    auto fields = links::unseal_fields(api.secret_box, target.fields, secrets);
    if (!fields)
      return links::dead(ErrorClass::misconfigured, 0,
                         fmt::format("a secret of the target cannot be read: {}; open a gate with "
                                     "it again",
                                     fields.error().message));
    target.fields = *std::move(fields);
    const links::Deliver deliver = links::find_adapter(peer.profile->kind, target.op);
    if (deliver == nullptr)
      return links::dead(ErrorClass::misconfigured, 0,
                         fmt::format("a link of kind {} cannot do `{}`",
                                     name_of(peer.profile->kind), target.op));
    http->hide(std::move(secrets));
    return deliver(message, *peer.profile, *http);
  }

  // Nothing when it is not due.
  Result<std::optional<links::Message>> message_of(const std::string& id) {
    using Maybe = std::optional<links::Message>;
    links::Message message;
    std::string sealed;
    BATON_TRY(due, api::read(api, [&](store::Session& session) -> Result<bool> {
                BATON_TRY(delivery, store::find_delivery(session, id));
                if (!delivery || delivery->state != DeliveryState::queued || !delivery->next_at)
                  return false;
                // A wait that is not over has a deadline, which tells of it. The wall clock does
                // not: it may have been set back since the delivery is due.
                BATON_TRY(wait, store::find_deadline(session, engine::kDeliveryDue,
                                                     store::delivery_subject(id)));
                if (wait) return false;
                message.delivery = *std::move(delivery);
                if (message.delivery.gate.empty()) return true;
                BATON_TRY(gate, engine::get_gate(session, message.delivery.gate));
                message.gate = std::move(gate);
                BATON_TRY(secret, store::gate_secret(session, message.gate.id));
                sealed = std::move(secret);
                return true;
              }));
    if (!due) return Maybe{};
    message.now = api.clock().wall;
    if (auto secrets = api.secret_box.unseal(sealed)) {
      message.secrets = *std::move(secrets);
    } else {
      log::warn("delivery.secret_lost", {{"delivery", id}, {"error", secrets.error().message}});
    }
    add_readers(message);
    return Maybe{std::move(message)};
  }

  void add_readers(links::Message& message) {
    message.urls = api::gate_urls(api, message.gate);
    const auto gate = std::make_shared<const model::Gate>(message.gate);
    message.read_log = [this, gate](std::int64_t offset, std::size_t max) {
      return api::gate_log(api, *gate, offset, max);
    };
    message.read_cases = [this, gate] {
      // Progress comes every few seconds, for each gate; what a peer keeps is there at the end.
      return gate->state == model::GateState::pending
                 ? api::local_cases(api, *gate)
                 : api::gate_cases(api, *gate, stop.get_token());
    };
    message.list_files = [this, gate] {
      return api::files_of_gate(api, *gate, stop.get_token());
    };
    message.read_file = [this, gate](const std::string& path, std::size_t max) {
      return api::read_file_of_gate(api, *gate, path, max, stop.get_token());
    };
    message.open_artifact = [this, gate, id = message.delivery.id](
                                const std::string& path) -> Result<links::ArtifactFile> {
      // Without a gate the delivery itself keeps what it was given.
      model::Gate owner = *gate;
      if (owner.id.empty()) owner.id = id;
      return api::open_gate_artifact(api, owner, path, stop.get_token());
    };
  }
};

DeliveryPump::DeliveryPump(api::Context& api, int per_peer)
    : state_(std::make_unique<State>(api, per_peer)) {
  JournalReader::Parts parts{api.store, api.feed, "delivery.due", api.feed.last(), {}, {}};
  parts.on_event = [state = state_.get()](const model::Event& event) {
    return state->on_event(event);
  };
  state_->reader = std::make_unique<JournalReader>(std::move(parts));
  const auto left = api::read(api, [](store::Session& session) {
    return store::due_deliveries(session, kAtStart);
  });
  if (!left) {
    log::warn("delivery.not_read", {{"error", left.error().message}});
    return;
  }
  for (const Delivery& delivery : *left)
    if (const auto added = state_->add(delivery); !added)
      log::warn("delivery.not_read",
                {{"delivery", delivery.id}, {"error", added.error().message}});
}

DeliveryPump::~DeliveryPump() {
  state_->reader.reset();
  state_->stop.request_stop();
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    for (auto& [link, peer] : state_->peers) {
      peer->work.notify_all();
      peer->pause.notify_all();
    }
  }
  for (auto& [link, peer] : state_->peers)
    for (std::thread& thread : peer->threads) thread.join();
}

}  // namespace baton::app
