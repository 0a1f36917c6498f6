// SPDX-License-Identifier: MIT
// baton::Server of <baton/server.h>, and the entry points that baton::main finds when a suite
// program is linked with baton::server.
#include <baton/baton.h>
#include <baton/server.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <utility>

#include "app/serve.h"
#include "app/stop_signals.h"
#include "runner/main.h"
#include "suite/registry.h"
#include "wire/error_map.h"

namespace baton {
namespace {

// The suites of this program as a server runs them: by starting this program again.
std::vector<model::Suite> own_suites() {
  std::vector<model::Suite> declared;
  const auto suites = suite::global_registry().resolve();
  if (!suites) return declared;
  std::error_code error;
  for (const suite::SuiteSpec& spec : *suites) {
    model::Suite suite;
    suite.namespace_ = spec.namespace_.empty() ? "default" : spec.namespace_;
    suite.name = spec.name;
    suite.description = spec.description;
    suite.owner = spec.owner;
    suite.labels.insert(spec.labels.begin(), spec.labels.end());
    suite.kind = model::Kind::cpp;
    suite.source = model::SuiteSource::file;
    suite.command = {app::own_program()};
    suite.folder = std::filesystem::current_path(error).string();
    suite.environment = spec.environment;
    suite.workers = spec.workers;
    suite.max_attempts = spec.max_attempts;
    suite.back_off = Duration{spec.back_off_ms};
    suite.timeout = Duration{spec.timeout_ms};
    suite.attempt_timeout = Duration{spec.attempt_timeout_ms};
    declared.push_back(std::move(suite));
  }
  return declared;
}

config::Sources sources_of(const ServerOptions& options) {
  config::Sources sources;
  sources.variables = config::process_variables();
  sources.path = config::find_file(options.config, options.config.empty()
                                                       ? std::map<std::string, std::string>{}
                                                       : sources.variables);
  if (!options.listen.empty()) sources.flags.push_back({"server.listen", options.listen, "listen"});
  if (!options.data.empty()) sources.flags.push_back({"server.data", options.data, "data"});
  return sources;
}

// --listen A, --data D, --config F, also as --listen=A. False: something else stands there.
bool read_arguments(int argc, char** argv, ServerOptions& options) {
  for (int i = 1; i < argc; ++i) {
    std::string_view word{argv[i]};
    if (i == 1 && word == "serve") continue;
    std::string_view value;
    const std::size_t equals = word.find('=');
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
      word = word.substr(0, equals);
    } else if (i + 1 < argc) {
      value = argv[++i];
    } else {
      return false;
    }
    if (word == "--listen") options.listen = value;
    else if (word == "--data") options.data = value;
    else if (word == "--config") options.config = value;
    else return false;
  }
  return true;
}

bool is_suite_verb(std::string_view word) {
  return word == "__runner" || word == "exec" || word == "list" || word == "run" ||
         word == "--help" || word == "--version";
}

}  // namespace

struct Server::State {
  ServerOptions options;
  app::Hooks hooks;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::unique_ptr<app::App> app;  // guarded by mutex
  Error error{Code::internal, ""};  // guarded by mutex
  config::Auth auth = config::Auth::token;
  bool failed = false;            // guarded by mutex
  bool stopping = false;          // guarded by mutex
};

Server::Server() : Server(ServerOptions{}) {}
Server::Server(ServerOptions options) : state_(std::make_shared<State>()) {
  state_->options = std::move(options);
}
Server::~Server() { shutdown(); }

void Server::add_test_hook(Hook<TestFinished> hook, bool async) {
  state_->hooks.tests.push_back({std::move(hook), async});
}
void Server::add_suite_hook(Hook<SuiteFinished> hook, bool async) {
  state_->hooks.suites.push_back({std::move(hook), async});
}

bool Server::start() {
  app::Options options;
  config::Loaded loaded = config::load(sources_of(state_->options));
  Result<std::unique_ptr<app::App>> started = fail(Code::invalid, "the configuration is not valid");
  if (loaded.problems.empty()) {
    state_->auth = loaded.config.server.auth;
    options.config = std::move(loaded.config);
    if (const char* token = std::getenv("BATON_ADMIN_TOKEN"); token != nullptr)
      options.first_token = token;
    options.runner_program = app::own_program();
    options.runner_verb = {"__runner"};
    options.hooks = state_->hooks;
    if (state_->options.serve_own_suites) options.own_suites = own_suites();
    started = app::App::start(std::move(options));
  } else {
    config::Problem headline = loaded.problems.front();
    started.error().fix = std::exchange(headline.fix, "");
    started.error().message = config::to_text(headline);
  }
  const std::lock_guard lock(state_->mutex);
  state_->failed = !started;
  if (started) state_->app = std::move(*started);
  else state_->error = started.error();
  state_->changed.notify_all();
  return !state_->failed;
}

int Server::run(int argc, char** argv) {
  if (argc > 1 && is_suite_verb(argv[1])) return baton::main(argc, argv);
  if (!read_arguments(argc, argv, state_->options)) {
    std::fprintf(stderr,
                 "baton: serve: unknown argument\nfix: use --listen, --data and --config\n");
    return wire::exit_code_of(Code::invalid);
  }
  const app::StopSignals signals;  // before any thread, so that all threads leave them to us
  if (!start()) return app::complain(state_->error);
  app::greet(*state_->app, state_->auth);
  signals.wait([state = state_] {
    const std::lock_guard lock(state->mutex);
    return state->stopping;
  });
  shutdown();
  return 0;
}

bool Server::wait_for_startup(std::chrono::milliseconds limit) {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, limit,
                           [this] { return state_->app != nullptr || state_->failed; });
  return state_->app != nullptr;
}

int Server::port() const {
  const std::lock_guard lock(state_->mutex);
  return state_->app ? state_->app->port() : 0;
}
std::string Server::url() const {
  const std::lock_guard lock(state_->mutex);
  return state_->app ? state_->app->url() : "";
}
std::string Server::token() const {
  const std::lock_guard lock(state_->mutex);
  return state_->app ? state_->app->admin_token() : "";
}
std::string Server::error() const {
  const std::lock_guard lock(state_->mutex);
  return state_->error.message;
}

void Server::shutdown() {
  std::unique_ptr<app::App> app;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    app = std::move(state_->app);
  }
  if (app) app->drain(std::chrono::seconds{5});
}

}  // namespace baton

extern "C" int baton_serve_main(int argc, char** argv) { return baton::Server{}.run(argc, argv); }

extern "C" int baton_runner_main(int argc, char** argv) {
  return baton::runner::runner_main(argc - 1, argv + 1);
}
