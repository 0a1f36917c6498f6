// SPDX-License-Identifier: MIT
#include "client/lease_keep.h"

#include <algorithm>
#include <boost/json.hpp>
#include <thread>

#include "client/answer.h"

namespace baton::client {
namespace {

namespace json = boost::json;

// Waits look at the clock so often: the one they sleep by stands still while the machine sleeps.
constexpr Duration kLookAgain{1'000};
constexpr Duration kWatch{25'000};
constexpr Duration kWatchPauseMax{5'000};
constexpr Duration kAnswerMax{10'000};
constexpr Duration kAnswerMin{500};
// When the lease is lost, every moment counts; how it was lost is told if the server says it soon.
constexpr Duration kAskWhy{1'000};

LostLease lost_from(const json::value& lease) {
  LostLease lost{text_of(lease, "state"), {}};
  lost.why = fmt::format("the lease {} was {}", text_of(lease, "id"), lost.state);
  if (const std::string at = text_of(lease, "ended_at"); !at.empty()) lost.why += " at " + at;
  if (const std::string by = text_of(lease, "ended_by"); !by.empty()) lost.why += " by " + by;
  if (const std::string why = text_of(lease, "reason"); !why.empty()) lost.why += ": " + why;
  return lost;
}

bool is_loss(Code code) {
  return code == Code::gone || code == Code::stale_fence || code == Code::not_found ||
         code == Code::conflict;
}

}  // namespace

struct LeaseKeeper::State {
  Endpoint endpoint;
  HeldLease lease;
  Events events;
  std::stop_source stop;
  std::jthread renewer;
  std::jthread watcher;

  void wait_until(BootTime time) const {
    while (!stop.stop_requested() && BootClock::now() < time)
      pause(stop.get_token(), std::min<Duration>(kLookAgain, time - BootClock::now()));
  }

  void renew() {
    ApiClient api{endpoint, stop.get_token()};
    HeldLease held = lease;
    wait_until(held.sent + held.left / 3);
    while (!stop.stop_requested()) {
      const Duration timeout = std::clamp(held.left / 3, kAnswerMin, kAnswerMax);
      auto renewed = renew_lease(api, lease.id, lease.fence, timeout);
      if (stop.stop_requested()) return;
      if (renewed) {
        held = *std::move(renewed);
        events.on_renewed(held);
        wait_until(held.sent + held.left / 3);
        continue;
      }
      if (is_loss(renewed.error().code)) return events.on_lost(explain(renewed.error()));
      // Any other refusal may be mended until the time is over: a token, a proxy, a full disk.
      events.on_trouble(renewed.error());
      pause(stop.get_token(), std::clamp(held.left / 20, Duration{50}, Duration{1'000}));
    }
  }

  LostLease explain(const Error& error) const {
    ApiClient api{endpoint, stop.get_token()};
    Call call;
    call.path = "/leases/" + escape(lease.id);
    call.timeout = kAskWhy;
    const auto reply = api.call(call);
    if (reply && text_of(reply->body, "state") != "held") return lost_from(reply->body);
    return {"", error.message};
  }

  // Otherwise a revoked lease would be noticed only by the next renewal.
  void watch() {
    ApiClient api{endpoint, stop.get_token()};
    while (!stop.stop_requested()) {
      const BootTime begun = BootClock::now();
      Call call;
      call.path =
          fmt::format("/leases/{}?wait={}&seen=held", escape(lease.id), format_duration(kWatch));
      call.timeout = kWatch + kAnswerMax;
      const auto reply = api.call(call);
      if (stop.stop_requested()) return;
      const std::string state = reply ? text_of(reply->body, "state") : "";
      if (!state.empty() && state != "held") return events.on_lost(lost_from(reply->body));
      // One that answers at once, or not at all, is asked so often that the rest of the time
      // suffices.
      wait_until(begun + std::clamp(lease.left / 20, kLookAgain, kWatchPauseMax));
    }
  }
};

LeaseKeeper::LeaseKeeper(Endpoint endpoint, HeldLease lease, Events events)
    : state_(std::make_unique<State>()) {
  state_->endpoint = std::move(endpoint);
  state_->lease = std::move(lease);
  state_->events = std::move(events);
  state_->renewer = std::jthread([state = state_.get()] { state->renew(); });
  state_->watcher = std::jthread([state = state_.get()] { state->watch(); });
}

LeaseKeeper::~LeaseKeeper() { state_->stop.request_stop(); }

}  // namespace baton::client
