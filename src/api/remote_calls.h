// SPDX-License-Identifier: MIT
#pragma once
// Threads for calls of outside systems that somebody waits for: what a peer keeps, listed and
// fetched. A peer that hangs holds one of them and nothing else of the server; what is too much is
// refused at once instead of waiting behind it. Any thread may call.
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_function.h"
#include "links/http.h"
#include "net/await.h"

namespace baton::api {

/// At the same time; beyond it 503. Each has a thread and a connection.
inline constexpr std::size_t kRemoteCallsMax = 64;

class RemoteCalls {
 public:
  /// The token: the server stops.
  using Work = UniqueFunction<void(const std::stop_token&)>;

  RemoteCalls();
  ~RemoteCalls();  // stops, then waits for what is under way
  RemoteCalls(const RemoteCalls&) = delete;
  RemoteCalls& operator=(const RemoteCalls&) = delete;

  /// Runs it on a thread; its place is free when it has returned.
  /// Errors: unavailable (too many at once, or the server stops): then it is dropped.
  Result<void> post(Work work);

  /// Runs `work` on one of the threads and resumes with what it gives. Errors: those of post, too.
  template <class R>
  boost::asio::awaitable<Result<R>> run(UniqueFunction<Result<R>(const std::stop_token&)> work) {
    std::optional<Result<R>> result;
    net::Gate done;
    // The frame of this coroutine, with the result, stays until it is told.
    auto posted = post([&result, done, work = std::move(work)](const auto& stop) mutable {
      result.emplace(work(stop));
      done.notify();
    });
    if (!posted) co_return tl::unexpected(posted.error());
    co_await done.wait();
    co_return *std::move(result);
  }

  /// Cancels what is under way and takes nothing more. Does not block.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A way to a peer by which all calls together take no longer than a limit; then each fails with
/// timeout. The other one outlives it.
class TimedHttp final : public links::Http {
 public:
  TimedHttp(links::Http& http, Duration limit);
  Result<net::HttpResponse> send(net::HttpRequest request) override;

 private:
  links::Http& http_;
  const Duration limit_;
  const std::chrono::steady_clock::time_point began_;
};

}  // namespace baton::api
