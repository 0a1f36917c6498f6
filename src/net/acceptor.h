// SPDX-License-Identifier: MIT
#pragma once
// Accepts connections on the thread of the first worker and deals them out in turn. When the server
// is full it answers 503; out of descriptors it closes what waits and rests, instead of spinning.
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "base/file.h"
#include "net/worker.h"

namespace baton::net {

class Acceptor {
 public:
  /// Takes the listening socket. Outlives the event loops.
  Acceptor(Shared& shared, std::vector<Worker*> workers, int socket);
  /// Before the threads start.
  void start();
  /// On the first worker's thread. Connections that nobody accepted yet are reset.
  void close();

 private:
  enum class Next { more, wait, rest };
  void wait();
  void on_ready();
  Next accept_one();
  void shed_one();
  bool take_place();
  void hand_over(int socket, std::string peer);

  Shared& shared_;
  std::vector<Worker*> workers_;
  std::size_t next_worker_ = 0;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer rest_;
  Fd spare_;  // given up for a moment to accept and close what cannot be served
  std::size_t connections_max_;
  std::chrono::steady_clock::time_point warned_{};
};

}  // namespace baton::net
