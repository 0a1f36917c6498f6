// SPDX-License-Identifier: MIT
#pragma once
// Brings the spool's records to the server, in order and until each is acknowledged, on a thread of
// its own; sends a sign of life when there is nothing else. Gives up only on records that the
// server will never take: then it ends the run as errored, with the reason.
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "base/result.h"
#include "client/runner_calls.h"
#include "runner/spool.h"

namespace baton::runner {

/// The server takes a runner for lost after several missed signs of life.
inline constexpr Duration kHeartbeat{3'000};

/// All are called on the uploader's thread; the supervisor posts them to its loop.
struct UploadEvents {
  std::function<void()> acknowledged;                   // something new is at the server
  std::function<void(std::string reason)> cancel;       // the run shall end (may come again)
  std::function<void(bool)> away;  // whether the server is, when that changes
  std::function<void(const Error& error)> lost;  // gone, or another runner owns the run: the end
};

class Uploader {
 public:
  Uploader(Spool& spool, client::MakeRunnerCalls make_calls, UploadEvents events);
  /// Stops without waiting for what is not acknowledged.
  ~Uploader();
  Uploader(const Uploader&) = delete;
  Uploader& operator=(const Uploader&) = delete;

 private:
  void work(const std::stop_token& stop);
  bool send(client::RunnerCalls& calls, Spool::Batch batch, const std::stop_token& stop);
  void give_up(client::RunnerCalls& calls, const Error& why);

  Spool& spool_;
  client::MakeRunnerCalls make_calls_;
  UploadEvents events_;
  Duration retry_{0};      // 0 while the server answers
  std::jthread thread_;
};

}  // namespace baton::runner
