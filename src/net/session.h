// SPDX-License-Identifier: MIT
#pragma once
// One connection: reads a request, runs the handler, writes the response, again and again.
// Owned by its coroutine (and by what waits on it); lives on the thread of its worker and touches
// nothing of another. All waiting on the socket goes through ready(), which is where deadlines cut.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "net/caller.h"
#include "net/request_parser.h"
#include "net/sink.h"
#include "net/transport.h"
#include "net/worker.h"

namespace baton::net {

using Clock = std::chrono::steady_clock;

class Session final : public Caller::State,
                      public Sink::Port,
                      public std::enable_shared_from_this<Session> {
 public:
  /// Takes the socket, which is non-blocking. Counts as open until its coroutine ends.
  Session(Worker& worker, int socket, std::string peer);
  ~Session() override;
  Session(const Session&) = delete;

  /// The coroutine that owns the connection.
  static boost::asio::awaitable<void> run(std::shared_ptr<Session> self);

  /// The server drains: wakes what waits; the present request goes on. One that is idle ends, but
  /// for one whose first request may be on its way: that is late, it gets one request answered and
  /// nobody waits for it. `late_too`: those end as well.
  void drain(bool late_too);

  // Caller::State
  bool gone() const override { return gone_; }
  bool draining() const override { return worker_.shared.draining; }
  std::uint64_t watch(OnWake on_wake) override;
  void unwatch(std::uint64_t id) override;

  // Sink::Port
  boost::asio::awaitable<bool> write(std::string bytes) override;
  boost::asio::awaitable<void> wait_gone() override;
  /// Ends the connection now; what waits is told that the client is gone.
  void cut() override;
  Caller caller() override { return Caller{shared_from_this()}; }

 private:
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  /// What is kept of a request after the handler took it.
  struct Exchange {
    std::string method;
    std::string target;
    std::string request_id;
    bool http_1_0 = false;
    bool close = false;   // after the response
    bool linger = false;  // the client may still be sending
    Clock::time_point started;
    std::uint64_t body_bytes = 0;  // sent
  };

  /// What ends the reading of a request before its handler: an answer, or (status 0) silence.
  struct Refused {
    int status = 0;
    Error error;
  };

  // session.cc: the sequence
  Awaitable<bool> serve_one();
  Awaitable<Refused> read_head(std::size_t& size);
  Awaitable<Response> answer(Request request, ParsedHead parsed, Exchange& exchange);
  Awaitable<Response> call_handler(Request request, const Exchange& exchange);
  Admission admit(const RequestHead& head);
  Response problem(int status, const Error& error, const Exchange& exchange);
  void complete(Request& request, ParsedHead& parsed);

  // session_body.cc
  Awaitable<Refused> read_body(Request& request, const ParsedHead& parsed,
                               const BodyPolicy& policy);
  Awaitable<Refused> read_sized(Request& request, std::uint64_t size, const BodyPolicy& policy);
  Awaitable<Refused> read_chunked(Request& request, const BodyPolicy& policy);
  void expect_body(Clock::time_point& paid_until, std::uint64_t received);

  // session_reply.cc
  Awaitable<bool> send(Response response, Exchange& exchange);
  Awaitable<bool> send_file(FileBody file);
  Awaitable<bool> send_stream(StreamBody stream, bool chunked);
  void served(const Exchange& exchange, int status, bool complete);

  // session_io.cc: the socket
  enum class Direction { read, write };
  Awaitable<bool> ready(Direction direction);
  Awaitable<bool> ready(Step::Kind kind);
  Awaitable<bool> shake_hands();
  /// Reads once into `in_`. False: nothing more will come (closed, timed out, cut).
  Awaitable<bool> read_more();
  /// Reads once into the worker's scratch buffer; 0 as read_more's false.
  Awaitable<std::size_t> read_scratch();
  Awaitable<bool> write_all(std::string_view bytes);
  Awaitable<void> linger();
  /// Counts work done in one go, and lets the other connections of the thread have their turn when
  /// it was much: a fast peer never makes the socket wait.
  Awaitable<void> take_turns(std::size_t bytes);
  void expire_at(Clock::time_point deadline);
  void arm_timer();
  void arm_watch();
  void become_late();
  void on_readable(bool cancelled);
  void wake_all(Wake why);
  void close();

  Worker& worker_;
  Shared& shared_;
  const Limits& limits_;
  boost::asio::posix::stream_descriptor socket_;
  std::unique_ptr<Transport> transport_;
  std::string peer_;
  std::string in_;  // received, not yet used

  // The timer is armed at most once per deadline's length, not per request: when it fires early it
  // is armed again for the deadline in force.
  boost::asio::steady_timer timer_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool timer_armed_ = false;
  bool timed_out_ = false;

  std::size_t burst_ = 0;  // bytes moved since others had their turn

  bool idle_ = true;        // no request has begun
  bool fresh_ = true;       // not one of this connection
  bool late_ = false;       // see drain()
  bool streaming_ = false;  // a StreamBody runs
  bool chunked_ = false;    // its framing
  std::uint64_t streamed_ = 0;
  std::atomic<bool> gone_{false};

  struct Watcher {
    std::uint64_t id;
    OnWake on_wake;
  };
  std::vector<Watcher> watchers_;
  std::uint64_t next_watch_ = 1;
  bool watch_armed_ = false;
};

}  // namespace baton::net
