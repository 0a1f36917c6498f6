// SPDX-License-Identifier: MIT
#include "net/server.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.h"
#include "base/log.h"
#include "base/text.h"
#include "net/acceptor.h"
#include "net/listener.h"
#include "net/response_head.h"
#include "net/session.h"

namespace baton::net {

namespace asio = boost::asio;

namespace {

// stop() waits so long for handlers that nothing can interrupt; then it leaves their memory behind
// rather than free it under them.
constexpr std::chrono::seconds kStopWait{10};

Response default_problem(int status, const Error& error, const RequestHead& head) {
  std::string body = fmt::format(R"({{"type":"about:blank","title":{},"status":{},"detail":{},)"
                                 R"("code":{},"request_id":{})",
                                 json_quote(reason_of(status)), status, json_quote(error.message),
                                 json_quote(name_of(error.code)), json_quote(head.request_id));
  if (!error.fix.empty()) body += ",\"fix\":" + json_quote(error.fix);
  return reply(status, "application/problem+json", body + "}\n");
}

/// Signals are for the main thread; a write to a closed connection must not end the process.
void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF}) {
    ::sigdelset(&all, fault);
  }
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

void run_loop(Worker& worker) {
  block_signals();
  while (!worker.context.stopped()) {
    try {
      worker.context.run();
    } catch (const std::exception& e) {
      log::error("bug.uncaught", {{"where", "event loop"}, {"what", e.what()}});
    } catch (...) {
      log::error("bug.uncaught", {{"where", "event loop"}, {"what", "not a std::exception"}});
    }
  }
}

template <class Action>
void for_each_session(Worker& worker, Action action) {
  asio::post(worker.context, [&worker, action] {
    const std::vector<Session*> sessions(worker.sessions.begin(), worker.sessions.end());
    for (Session* session : sessions) action(*session);
  });
}

}  // namespace

const std::string& Worker::now_date() {
  const std::time_t now = ::time(nullptr);
  if (now != date_second) {
    date_second = now;
    date = format_http_date(now);
  }
  return date;
}

struct Server::State {
  using Guard = asio::executor_work_guard<asio::io_context::executor_type>;

  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<Guard> guards;
  std::unique_ptr<Acceptor> acceptor;  // on the first worker's thread
  Listener listener;
  bool is_running = false;

  void close_acceptor() {
    asio::post(workers[0]->context, [this] {
      if (acceptor) acceptor->close();
    });
  }

  using Until = std::chrono::steady_clock::time_point;
  bool wait_closed(Until until) {
    std::unique_lock lock(shared->mutex);
    return shared->closed.wait_until(lock, until, [this] { return shared->open == 0; });
  }
  // Not for those that came since: a prober that asks again and again would hold it for ever.
  bool wait_early_closed(Until until) {
    std::unique_lock lock(shared->mutex);
    return shared->closed.wait_until(lock, until, [this] { return shared->open == shared->late; });
  }
  void drain_sessions(bool late_too) {
    for (const auto& worker : workers)
      for_each_session(*worker, [late_too](Session& session) { session.drain(late_too); });
  }
};

Server::Server(ServerOptions options, Handler handler, Admit admit)
    : state_(std::make_unique<State>()) {
  Shared& shared = *state_->shared;
  shared.options = std::move(options);
  shared.handler = std::move(handler);
  shared.admit = std::move(admit);
  shared.problem = default_problem;
}

Server::~Server() { stop(); }

void Server::on_served(std::function<void(const Served&)> observer) {
  state_->shared->on_served = std::move(observer);
}

void Server::on_problem(Problem problem) { state_->shared->problem = std::move(problem); }

Result<void> Server::start() {
  BATON_ASSERT(!state_->is_running, "a server is started once");
  Shared& shared = *state_->shared;
  if (shared.options.tls) {
    BATON_TRY(tls, TlsContext::load(*shared.options.tls));
    shared.tls = std::move(tls);
  }
  BATON_TRY(listener, open_listener(shared.options));
  state_->listener = std::move(listener);
  const unsigned count = std::max(shared.options.threads, 1U);
  for (unsigned i = 0; i < count; ++i) {
    state_->workers.push_back(std::make_unique<Worker>(shared));
    state_->guards.emplace_back(state_->workers.back()->context.get_executor());
  }
  std::vector<Worker*> targets;
  for (const auto& worker : state_->workers) targets.push_back(worker.get());
  state_->acceptor =
      std::make_unique<Acceptor>(shared, std::move(targets), state_->listener.socket.release());
  state_->acceptor->start();
  for (const auto& worker : state_->workers) {
    worker->thread = std::thread([target = worker.get()] { run_loop(*target); });
  }
  state_->is_running = true;
  return {};
}

std::uint16_t Server::port() const { return state_->listener.port; }

std::string Server::url() const { return state_->listener.url; }

bool Server::drain(Duration deadline) {
  if (!state_->is_running) return true;
  const auto until = std::chrono::steady_clock::now() + deadline;
  state_->shared->draining = true;
  state_->drain_sessions(false);
  state_->wait_early_closed(until);
  state_->close_acceptor();
  state_->drain_sessions(true);
  return state_->wait_closed(until);
}

void Server::stop() {
  if (!state_->is_running) return;
  state_->is_running = false;
  state_->shared->draining = true;
  state_->close_acceptor();
  for (const auto& worker : state_->workers) {
    for_each_session(*worker, [](Session& session) { session.cut(); });
  }
  const bool closed = state_->wait_closed(std::chrono::steady_clock::now() + kStopWait);
  state_->guards.clear();
  for (const auto& worker : state_->workers) {
    if (!closed) worker->context.stop();
    worker->thread.join();
  }
  if (!state_->listener.unix_path.empty()) ::unlink(state_->listener.unix_path.c_str());
  if (closed) return;
  log::error("net.handlers_stuck", {{"connections", state_->shared->open}});
  // A callback that comes yet must find its event loop: it is never freed.
  for (auto& worker : state_->workers) static_cast<void>(worker.release());
  static_cast<void>(state_->acceptor.release());
  static_cast<void>(new std::shared_ptr<Shared>(state_->shared));
}

ServerStats Server::stats() const {
  Shared& shared = *state_->shared;
  ServerStats stats;
  {
    const std::lock_guard lock(shared.mutex);
    stats.connections_open = shared.open;
  }
  stats.connections_total = shared.counters.total;
  stats.connections_refused = shared.counters.refused;
  stats.requests_total = shared.counters.requests;
  stats.requests_malformed = shared.counters.malformed;
  stats.timeouts = shared.counters.timeouts;
  return stats;
}

}  // namespace baton::net
