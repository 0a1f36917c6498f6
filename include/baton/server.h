// SPDX-License-Identifier: MIT
#pragma once
// A whole Baton server inside a program: suites linked into the same program are served, run in
// processes of their own and recorded. Link with baton::server.
//
//   int main(int argc, char** argv) {
//     baton::Server server;
//     server.on_test_finished([](const baton::TestFinished& test) { … });
//     return server.run(argc, argv);   // or start(), wait_for_startup(), port(), shutdown()
//   }
//
// Hooks are called after the result is stored, on threads of their own: a hook that is slow, throws
// or never returns can neither change nor delay a result.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace baton {

/// An attempt of a test has its outcome.
struct TestFinished {
  std::int64_t run = 0;
  std::string suite;  // "namespace/name"
  std::string test;
  int attempt = 1;
  std::string outcome;  // passed, failed, errored, skipped, timed_out, cancelled
  bool soft_failure = false;
  std::string message;
  std::chrono::milliseconds duration{0};
};

/// A run has its verdict.
struct SuiteFinished {
  std::int64_t run = 0;
  std::string suite;    // "namespace/name"
  std::string verdict;  // passed, failed, errored, cancelled, timed_out, empty
  bool flaky = false;
  std::string reference;
  int total = 0, passed = 0, failed = 0, errored = 0, skipped = 0, flaky_cases = 0;
};

/// What a hook wants to be kept with the test or the run: shown as `context` by the API.
/// A handle: copies may be kept and used from any thread, also after the hook has returned, until
/// the server is shut down.
class HookContext {
 public:
  /// Adds or replaces one entry. Of a test: key at most 200 bytes, value at most 64 KiB; longer
  /// ones are cut. Of a run it becomes one of the run's labels and has their limits: at most 100
  /// labels, a key of 1 to 100 bytes without '=', one line of at most 1,000 bytes; what goes beyond
  /// is left out, and the server's log says so.
  void add(std::string_view key, std::string_view value);

  struct Sink;
  explicit HookContext(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}

 private:
  std::shared_ptr<Sink> sink_;
};

struct ServerOptions {
  std::string listen = "127.0.0.1:0";  // "host:port"; port 0 takes a free one
  std::string data;                    // data folder; "" is ./baton-data
  std::string config;                  // a baton.yaml, "" for none
  bool serve_own_suites = true;        // the BATON_SUITEs of this program
};

class Server {
 public:
  Server();
  explicit Server(ServerOptions options);
  ~Server();  // shuts down
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// `hook(const TestFinished&)` or `hook(const TestFinished&, HookContext)`: called one at a time,
  /// in the order in which the results were stored. Register before start() or run().
  template <class F>
  Server& on_test_finished(F hook) {
    add_test_hook(adapt<TestFinished>(std::move(hook)), false);
    return *this;
  }
  /// The same, each call on a thread of a small pool, in no particular order.
  template <class F>
  Server& on_test_finished_async(F hook) {
    add_test_hook(adapt<TestFinished>(std::move(hook)), true);
    return *this;
  }
  template <class F>
  Server& on_suite_finished(F hook) {
    add_suite_hook(adapt<SuiteFinished>(std::move(hook)), false);
    return *this;
  }
  template <class F>
  Server& on_suite_finished_async(F hook) {
    add_suite_hook(adapt<SuiteFinished>(std::move(hook)), true);
    return *this;
  }

  /// Starts in the background. False when it cannot (error() says why).
  bool start();
  /// Serves until SIGTERM, SIGINT or shutdown(). Takes --listen, --data and --config.
  /// Result: an exit code.
  int run(int argc, char** argv);

  /// Waits until requests are answered. False after the time, or when starting failed.
  bool wait_for_startup(std::chrono::milliseconds limit = std::chrono::seconds{30});
  /// The bound port, 0 before startup.
  int port() const;
  /// "http://127.0.0.1:40123", "" before startup.
  std::string url() const;
  /// A token with every right, "" before startup.
  std::string token() const;
  std::string error() const;

  /// Lets requests end and stops; runs go on and are found again by the next server on the same
  /// data. From any thread, also more than once.
  void shutdown();

 private:
  template <class Event>
  using Hook = std::function<void(const Event&, HookContext)>;

  template <class Event, class F>
  static Hook<Event> adapt(F hook) {
    if constexpr (std::is_invocable_v<F&, const Event&, HookContext>)
      return [hook = std::move(hook)](const Event& event, HookContext context) mutable {
        hook(event, std::move(context));
      };
    else if constexpr (std::is_invocable_v<F&, const Event&, HookContext&>)
      return [hook = std::move(hook)](const Event& event, HookContext context) mutable {
        hook(event, context);
      };
    else
      return
          [hook = std::move(hook)](const Event& event, const HookContext&) mutable { hook(event); };
  }
  void add_test_hook(Hook<TestFinished> hook, bool async);
  void add_suite_hook(Hook<SuiteFinished> hook, bool async);

  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace baton
