// SPDX-License-Identifier: MIT
#pragma once
// The wire of call-me, an older service that gives out environments by name: POST
// /maybe?environment= takes (201, or 403 while somebody has it), DELETE gives back (204). Any
// server that speaks it. Blocking.
#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "client/boot_clock.h"

namespace baton::client {

struct CallMe {
  std::string url;           // "http://host:port"
  std::string key;           // sent as X-API-KEY
  std::string key_pin = {};  // of a server of this machine that has TLS
};

struct CallMeWait {
  Duration wait{0};      // 0: for ever
  Duration interval{0};  // between two questions
  std::stop_token stop = {};
  std::function<void(const std::string& why)> on_wait = {};  // before each pause
};

/// Takes the environment. Errors: timeout (not free in time), gone (stopped), unauthenticated,
/// invalid and others as the server refuses. A server that does not answer is asked again.
Result<void> call_me_request(const CallMe& server, const std::string& environment,
                             const CallMeWait& how);
/// Gives it back, whoever has it, trying for half a minute; of `how` stop and on_wait count.
/// Errors: as above.
Result<void> call_me_release(const CallMe& server, const std::string& environment,
                             const CallMeWait& how);

}  // namespace baton::client
