// SPDX-License-Identifier: MIT
#pragma once
// What the connections of a server share: Shared is of the server, Worker of one thread of it.
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>

#include "base/ids.h"
#include "net/server.h"
#include "net/transport.h"

namespace baton::net {

class Session;

struct Counters {
  std::atomic<std::uint64_t> total{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> malformed{0};
  std::atomic<std::uint64_t> timeouts{0};
};

/// Set before the threads start; then read by all of them.
struct Shared {
  ServerOptions options;
  Handler handler;
  Admit admit;
  Server::Problem problem;
  std::function<void(const Served&)> on_served;
  std::shared_ptr<TlsContext> tls;

  std::atomic<bool> draining{false};
  Counters counters;
  // Under the mutex, so that drain() and stop() can wait for the last connection.
  std::mutex mutex;
  std::condition_variable closed;  // the last one, or the last that is not late
  std::size_t open = 0;
  std::size_t late = 0;  // those of `open` that nobody waits for (Session::drain)
};

/// One thread, its event loop and what its connections use in turn.
struct Worker {
  explicit Worker(Shared& owner) : shared(owner) {}

  Shared& shared;
  std::thread thread;
  Ids ids;
  std::unordered_set<Session*> sessions;
  // Bytes arrive here before they go to their connection: idle ones hold no buffer.
  std::array<char, 64 * 1024> scratch;
  std::time_t date_second = 0;
  std::string date;
  // Last, so that it goes first: what it still holds refers to the rest.
  boost::asio::io_context context{1};

  /// The Date header, made once a second.
  const std::string& now_date();
};

}  // namespace baton::net
