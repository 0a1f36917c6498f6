// SPDX-License-Identifier: MIT
#pragma once
// The composition root of a server: makes every part in order, connects them, stops them in the
// opposite order. The only place that knows all rooms.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/hooks.h"
#include "base/result.h"
#include "config/config.h"

namespace baton::app {

struct Options {
  config::Config config;
  /// The program that knows the runner's verb, and that verb: {"exec"} of `baton`, {"__runner"} of
  /// a program that embeds a server.
  std::string runner_program;
  std::vector<std::string> runner_verb = {"exec"};
  /// Suites that are declared besides the configuration's: those linked into an embedding program.
  std::vector<model::Suite> own_suites;
  /// Serve an example suite as well (app/demo.h).
  bool demo = false;
  /// Let the command line on this machine find the server (client/local_servers.h).
  bool announce = true;
  Hooks hooks;
  /// Kept in <data>/admin-token when the data folder is new; "" makes one.
  std::string first_token;
};

class App {
 public:
  /// Opens the database, migrates it, starts the threads and answers requests when it returns.
  /// Errors: those of store::Store::open and net::Server::start; conflict with a fix when the
  /// address or the data folder is in use.
  static Result<std::unique_ptr<App>> start(Options options);
  ~App();  // stop()

  std::string url() const;
  std::uint16_t port() const;
  /// The admin token, "" when the data folder's is not readable.
  std::string admin_token() const;
  /// True when the data folder, and with it the token, was made by this start.
  bool is_new() const;
  /// The folder that holds the admin token: the data folder, `files` beside a PostgreSQL.
  const std::string& folder() const;

  /// Refuses new runs, lets the requests under way end (at most `limit`) while it answers others,
  /// then closes the address. Running runs go on under their runners and are found again by the
  /// next start.
  void drain(Duration limit);
  void stop();

 private:
  App();
  struct State;
  std::unique_ptr<State> state_;
};

/// The path of the running program.
std::string own_program();

}  // namespace baton::app
