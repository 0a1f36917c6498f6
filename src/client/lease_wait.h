// SPDX-License-Identifier: MIT
#pragma once
// Asking for a lease and waiting for it, through lost answers, restarts of the server and a network
// that comes and goes. What an interrupted or failed wait leaves at the server is taken back.
// Blocking; any thread but an event loop's.
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <stop_token>
#include <string>

#include "client/api_client.h"
#include "client/boot_clock.h"

namespace baton::client {

struct LeaseWait {
  Duration wait{0};  // 0: at once or not at all
  std::stop_token stop = {};
  /// Each time that the place in the queue is heard of: the lease's document.
  std::function<void(const boost::json::value& lease)> on_queued = {};
  /// An attempt failed and is repeated.
  std::function<void(const Error& error)> on_trouble = {};
};

/// A lease that is held, and until when its holder may count on it.
struct HeldLease {
  boost::json::value document;
  std::string id;
  std::int64_t fence = 0;
  BootTime sent;     // when the request was sent that told …
  Duration left{0};  // … of so much time: what counts is the time of sending, not of the answer
  BootTime until() const { return sent + left; }
};

/// What became of the wait.
struct Waited {
  enum class End {
    held,
    timed_out,
    stopped,  // by the stop token
    ended     // somebody or something else ended it: `document` says who and why
  };
  End end = End::held;
  HeldLease lease;              // held
  boost::json::value document;  // ended: the lease; timed_out: as it last waited, null if never
};

/// `request` is the body of POST /leases without `wait`.
/// Errors: those of POST /leases (busy, deadlock, limit, unsatisfiable …); unreachable, unavailable
/// or timeout when no server has answered until the end of the wait (10 s at least without one).
Result<Waited> acquire_lease(const Endpoint& endpoint, boost::json::object request,
                             const LeaseWait& how);

/// One POST …/renew. Errors: gone, stale_fence, not_found, conflict: it is lost; others: unknown.
Result<HeldLease> renew_lease(ApiClient& api, const std::string& id, std::int64_t fence,
                              Duration timeout);

/// The body of DELETE /leases/{id}; what is empty or 0 is left out.
struct LeaseFarewell {
  std::int64_t fence = 0;
  std::string outcome;  // "clean", "dirty", "broken"
  std::string note;
};
/// Ends the lease in whatever state it is, trying for `patience`. Result: its document.
Result<boost::json::value> release_lease(const Endpoint& endpoint, const std::string& id,
                                         const LeaseFarewell& farewell, Duration patience);

/// The failure says nothing about the request: it may have been carried out or not.
bool is_transient(Code code);

}  // namespace baton::client
