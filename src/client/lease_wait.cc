// SPDX-License-Identifier: MIT
#include "client/lease_wait.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/ids.h"
#include "client/answer.h"

namespace baton::client {
namespace {

namespace json = boost::json;

// A restarting server is waited for even by those who do not want to wait for the lease.
constexpr Duration kPatienceMin{10'000};
constexpr Duration kRetryPause{500};
// How long the server may take with one answer; half of it for the line of progress every 30 s.
constexpr Duration kPoll{15'000};
constexpr Duration kAnswerMax{10'000};
// The server ends the wait by its own clock and says why; it is given so much time to do so.
constexpr Duration kSlack{2'000};
// A server that answers at once although nothing changed is not asked without end.
constexpr Duration kPollPause{200};
constexpr Duration kCancelPatience{5'000};

HeldLease held_from(json::value document, BootTime sent) {
  HeldLease lease;
  lease.id = text_of(document, "id");
  lease.fence = number_of(document, "fence");
  lease.sent = sent;
  // One that does not expire is renewed all the same, so that its end is noticed.
  const std::int64_t left = number_of(document, "expires_in_ms");
  lease.left = left > 0 ? Duration{left} : Duration{std::chrono::hours{1}};
  lease.document = std::move(document);
  return lease;
}

class Waiting {
 public:
  Waiting(const Endpoint& endpoint, json::object request, const LeaseWait& how)
      : endpoint_(endpoint), api_(endpoint, how.stop), request_(std::move(request)), how_(how) {}

  Result<Waited> run() {
    for (;;) {
      BATON_TRY_VOID(ask());
      if (stopped_) return Waited{Waited::End::stopped, {}, {}};
      BATON_TRY(waited, follow());
      if (!again_) return std::move(waited);
      again_ = false;
    }
  }

 private:
  bool stop_requested() const { return how_.stop.stop_requested(); }
  Duration time_left() const {
    return std::chrono::duration_cast<Duration>(deadline_ - BootClock::now());
  }

  // POST until it is answered: with the same key it makes one lease, however often it arrives.
  Result<void> ask() {
    const Duration wait = std::max(Duration{0}, std::min(how_.wait, time_left()));
    request_["wait"] = format_duration(wait);
    key_ = random_hex(16);
    const BootTime until = BootClock::now() + (how_.wait.count() > 0 ? wait : kPatienceMin);
    for (;;) {
      sent_ = BootClock::now();
      auto reply = api_.call(post(kAnswerMax));
      if (reply) {
        lease_ = std::move(reply->body);
        // A stored answer tells how it was, and an answer that took long is old.
        fresh_ = reply->headers.get("Idempotency-Replayed").empty();
        return {};
      }
      if (stop_requested()) {
        withdraw();
        stopped_ = true;
        return {};
      }
      if (!is_transient(reply.error().code) || BootClock::now() >= until) {
        if (is_transient(reply.error().code)) withdraw();
        return tl::unexpected(std::move(reply).error());
      }
      if (how_.on_trouble) how_.on_trouble(reply.error());
      pause(how_.stop, kRetryPause);
    }
  }

  Call post(Duration timeout) const {
    Call call;
    call.method = "POST";
    call.path = "/leases";
    call.body = request_;
    call.headers.set("Idempotency-Key", key_);
    call.timeout = timeout;
    return call;
  }

  // Whether the request has arrived is not known: asked again, the server says which lease it made.
  void withdraw() {
    ApiClient api{endpoint_};
    const auto reply = api.call(post(kCancelPatience));
    if (reply) cancel(text_of(reply->body, "id"));
  }
  void cancel(const std::string& id) {
    static_cast<void>(release_lease(endpoint_, id, {}, kCancelPatience));
  }

  // Until the lease waits no more.
  Result<Waited> follow() {
    const std::string id = text_of(lease_, "id");
    for (;;) {
      const std::string state = text_of(lease_, "state");
      if (state == "held") {
        BATON_TRY(held, confirm(id));
        if (held) return Waited{Waited::End::held, *std::move(held), {}};
        continue;
      }
      if (state != "queued") return ended(state);
      last_queued_ = lease_;
      if (how_.on_queued) how_.on_queued(lease_);
      const Duration left = time_left();
      if (stop_requested() || left < -kSlack) {
        cancel(id);
        const auto end = stop_requested() ? Waited::End::stopped : Waited::End::timed_out;
        return Waited{end, {}, last_queued_};
      }
      BATON_TRY_VOID(poll(id, std::clamp(left + kSlack, Duration{1'000}, kPoll)));
    }
  }

  // The lease's next state, or the same after `wait`.
  Result<void> poll(const std::string& id, Duration wait) {
    Call call;
    call.path = fmt::format("/leases/{}?wait={}&seen=queued", escape(id), format_duration(wait));
    call.timeout = wait + kAnswerMax;
    const BootTime begun = BootClock::now();
    auto reply = api_.call(call);
    fresh_ = false;
    if (reply) {
      lease_ = std::move(reply->body);
      if (text_of(lease_, "state") == "queued" && BootClock::now() - begun < kPollPause)
        pause(how_.stop, kPollPause);
      return {};
    }
    if (stop_requested()) return {};
    if (!is_transient(reply.error().code)) return tl::unexpected(std::move(reply).error());
    if (how_.on_trouble) how_.on_trouble(reply.error());
    pause(how_.stop, kRetryPause);
    return {};
  }

  // How long a grant is good counts from a request of our own; and a grant must be seen in time.
  Result<std::optional<HeldLease>> confirm(const std::string& id) {
    if (fresh_) {
      HeldLease held = held_from(lease_, sent_);
      if (BootClock::now() - sent_ < held.left / 3) return std::optional{std::move(held)};
    }
    auto renewed = renew_lease(api_, id, number_of(lease_, "fence"), kAnswerMax);
    if (renewed) {
      HeldLease held = *std::move(renewed);
      // The answer to a renewal need not be the whole lease.
      for (const auto& [key, value] : held.document.as_object()) lease_.as_object()[key] = value;
      held.document = lease_;
      return std::optional{std::move(held)};
    }
    if (stop_requested() || is_transient(renewed.error().code)) {
      if (stop_requested())
        lease_.as_object()["state"] = "queued";  // follow() takes it back
      else if (BootClock::now() > deadline_ + kPatienceMin) {
        cancel(id);
        return tl::unexpected(std::move(renewed).error());
      } else if (how_.on_trouble) {
        how_.on_trouble(renewed.error());
      }
      pause(how_.stop, kRetryPause);
      return std::optional<HeldLease>{};
    }
    if (renewed.error().code != Code::gone) return tl::unexpected(std::move(renewed).error());
    lease_.as_object()["state"] = "queued";  // poll() hears how it ended
    BATON_TRY_VOID(poll(id, Duration{0}));
    return std::optional<HeldLease>{};
  }

  Waited ended(const std::string& state) {
    // The server took us for dead while the network was away; there is time to begin again.
    const bool dropped = (state == "expired" || state == "cancelled") &&
                         text_of(lease_, "ended_by").empty() && time_left() > Duration{0};
    if (dropped && !stop_requested()) {
      if (how_.on_trouble)
        how_.on_trouble(
            Error{Code::gone, "the place in the queue was lost: " + text_of(lease_, "reason")});
      again_ = true;
      return {};
    }
    if (state == "timed_out") return {Waited::End::timed_out, {}, last_queued_};
    return {stop_requested() ? Waited::End::stopped : Waited::End::ended, {}, lease_};
  }

  const Endpoint& endpoint_;
  ApiClient api_;
  json::object request_;
  const LeaseWait& how_;
  const BootTime deadline_ = BootClock::now() + how_.wait;
  std::string key_;
  BootTime sent_{};
  bool fresh_ = false;
  bool stopped_ = false;
  bool again_ = false;
  json::value lease_;
  json::value last_queued_;
};

}  // namespace

bool is_transient(Code code) {
  return code == Code::unreachable || code == Code::unavailable || code == Code::timeout;
}

Result<HeldLease> renew_lease(ApiClient& api, const std::string& id, std::int64_t fence,
                              Duration timeout) {
  Call call;
  call.method = "POST";
  call.path = fmt::format("/leases/{}/renew", escape(id));
  call.body = json::object{{"fence", fence}};
  call.timeout = timeout;
  const BootTime sent = BootClock::now();
  BATON_TRY(reply, api.call(call));
  if (!reply.body.is_object()) return fail(Code::internal, "the server's answer is no lease");
  HeldLease held = held_from(std::move(reply.body), sent);
  held.id = id;
  held.fence = fence;
  return held;
}

Result<json::value> release_lease(const Endpoint& endpoint, const std::string& id,
                                  const LeaseFarewell& farewell, Duration patience) {
  json::object body;
  if (farewell.fence > 0) body["fence"] = farewell.fence;
  if (!farewell.outcome.empty()) body["outcome"] = farewell.outcome;
  if (!farewell.note.empty()) body["note"] = farewell.note;
  ApiClient api{endpoint};
  Call call;
  call.method = "DELETE";
  call.path = "/leases/" + escape(id);
  call.body = std::move(body);
  call.timeout = std::max(patience, Duration{1'000});
  const BootTime until = BootClock::now() + patience;
  for (;;) {
    auto reply = api.call(call);
    if (reply) return std::move(reply->body);
    if (!is_transient(reply.error().code) || BootClock::now() >= until)
      return tl::unexpected(std::move(reply).error());
    pause({}, kRetryPause);
  }
}

Result<Waited> acquire_lease(const Endpoint& endpoint, json::object request, const LeaseWait& how) {
  return Waiting{endpoint, std::move(request), how}.run();
}

}  // namespace baton::client
