// SPDX-License-Identifier: MIT
#include "app/app.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "api/context.h"
#include "api/gate_files.h"
#include "app/blob_sweep.h"
#include "app/cleaner.h"
#include "app/delivery_pump.h"
#include "app/demo.h"
#include "app/discovery.h"
#include "app/github_watch.h"
#include "app/lease_notifier.h"
#include "app/pause_clock.h"
#include "app/slot_hooks.h"
#include "app/testkube_watch.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "client/local_servers.h"
#include "engine/deadline_ops.h"
#include "engine/environment_ops.h"
#include "engine/schedule_ops.h"
#include "engine/suite_ops.h"
#include "engine/token_ops.h"
#include "executors/local.h"
#include "links/profiles.h"
#include "net/key_pin.h"
#include "net/server.h"
#include "store/token_table.h"

namespace baton::app {
namespace {

// Two event loops keep a busy server answering while one of them sends a large log.
constexpr unsigned kThreadsMax = 2;

constexpr const char* kTokenFile = "admin-token";
constexpr const char* kSecretKey = "secret-key";
constexpr const char* kStreamsFolder = "/blobs/runs";

engine::Rules rules_of(const config::Config& config) {
  engine::Rules rules;
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  rules.running_runs = config.limits.running_runs > 0 ? config.limits.running_runs : cores;
  rules.queued_runs = config.limits.queued_runs;
  rules.retention_age = config.server.retention.runs;
  rules.auto_create_environments = config.server.auto_create_environments;
  rules.keep_last = config.server.retention.keep_last;
  rules.retry = config.deliveries.retry;
  return rules;
}

// Each waiting client and each test's output takes a descriptor: use what the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

bool is_postgres(const std::string& data) {
  return data.starts_with("postgres://") || data.starts_with("postgresql://");
}

}  // namespace

struct App::State {
  Options options;
  engine::Rules rules;
  std::string folder;  // the address, the token, and the database where that is a file
  std::string files;   // logs, artifacts, runners
  PauseClock clock;
  std::string list_key;
  bool is_new = false;
  bool stopped = false;
  std::atomic<bool> looks_again = false;  // `testkube` is there

  std::unique_ptr<store::Store> store;
  engine::Feed feed;
  std::unique_ptr<engine::Writer> writer;
  std::unique_ptr<store::RunStreams> streams;
  std::unique_ptr<store::ArtifactBlobs> artifacts;
  std::unique_ptr<store::GateLogs> gate_logs;
  std::optional<links::SecretBox> secret_box;
  std::unique_ptr<api::Context> api;
  std::unique_ptr<net::Server> server;
  std::unique_ptr<executors::Local> executor;
  std::unique_ptr<Discovery> discovery;
  std::unique_ptr<Cleaner> cleaner;
  std::unique_ptr<BlobSweep> sweep;
  std::unique_ptr<HookRunner> hooks;
  std::unique_ptr<SlotHooks> slot_hooks;
  std::unique_ptr<LeaseNotifier> notifier;
  std::unique_ptr<DeliveryPump> pump;
  std::unique_ptr<TestkubeWatch> testkube;
  std::unique_ptr<GithubWatch> github;

  explicit State(Options o) : options(std::move(o)), rules(rules_of(options.config)) {}

  RunnerProgram runner() const { return {options.runner_program, options.runner_verb, list_key}; }
  Result<void> open();
  Result<void> make_first_token();
  Result<void> declare();
  Result<void> listen();
  void start_readers();
};

// The folders of the configuration: what is wrong with one of them is for the user to mend.
Result<void> make_folder(const std::string& path) {
  auto made = make_directories(path);
  if (!made && made.error().fix.empty())
    made.error().fix = "choose a folder that can be written, with --data or server.files";
  return made;
}

Result<void> App::State::open() {
  const config::Server& server_config = options.config.server;
  files = server_config.files;
  folder = is_postgres(server_config.data) ? files : server_config.data;
  BATON_TRY_VOID(make_folder(folder));
  BATON_TRY_VOID(make_folder(files + "/blobs"));
  BATON_TRY_VOID(make_folder(files + "/runners"));
  store::Options database;
  database.data = server_config.data;
  database.made_later = {folder + "/" + kTokenFile, folder + "/server.json",
                         folder + "/" + kSecretKey};
  // Kept elsewhere, the files may be those of another database.
  if (files == folder) database.made_later.push_back(files + kStreamsFolder);
  BATON_TRY(opened, store::Store::open(database));
  store = std::move(opened);
  BATON_TRY(key, open_list_key(files));
  list_key = std::move(key);
  BATON_TRY_VOID(engine::recover(*store, rules, clock()));
  writer = std::make_unique<engine::Writer>(
      *store, feed, [this] { return clock(); }, Ids{},
      [this](engine::Context& context, const store::Deadline& deadline) {
        return engine::on_deadline(context, rules, deadline);
      });
  writer->start();
  BATON_TRY(opened_streams, store::RunStreams::open(files + kStreamsFolder));
  streams = std::move(opened_streams);
  BATON_TRY(opened_artifacts, store::ArtifactBlobs::open(files + "/blobs/artifacts"));
  artifacts = std::move(opened_artifacts);
  BATON_TRY(opened_logs, store::GateLogs::open(files + "/blobs/gates"));
  gate_logs = std::move(opened_logs);
  BATON_TRY(box, links::SecretBox::open(folder + "/" + kSecretKey));
  secret_box = std::move(box);
  return {};
}

Result<void> App::State::make_first_token() {
  BATON_TRY(snapshot, store->snapshot());
  BATON_TRY(tokens, store::list_tokens(snapshot.sql()));
  if (!tokens.empty()) return {};
  is_new = true;
  const std::string secret =
      options.first_token.empty() ? "btn_" + random_hex(24) : options.first_token;
  // The file first: a token that is stored but that nobody knows could never be replaced.
  BATON_TRY_VOID(replace_file(folder + "/" + kTokenFile, secret + "\n", 0600));
  BATON_TRY(made, writer->run<model::Token>([&](engine::Context& context) {
    engine::NewToken token;
    token.name = "admin";
    token.scope = model::Scope::admin;
    token.hash = engine::hash_of_secret(secret);
    return engine::create_token(context, token);
  }));
  return {};
}

Result<void> App::State::declare() {
  std::vector<model::Suite> suites =
      complete_suites(options.config, runner(), *store);
  suites.insert(suites.end(), options.own_suites.begin(), options.own_suites.end());
  if (options.demo) {
    BATON_TRY(demo, make_demo(files + "/demo"));
    const auto same = [&](const model::Suite& suite) { return suite.id() == demo.id(); };
    if (std::none_of(suites.begin(), suites.end(), same)) suites.push_back(std::move(demo));
  }
  return writer->run<void>([&](engine::Context& context) -> Result<void> {
    BATON_TRY_VOID(
        engine::sync_environments(context, rules, options.config.environments));
    BATON_TRY_VOID(engine::sync_suites(context, suites));
    return engine::sync_schedules(context, rules, options.config.schedules);
  });
}

Result<void> App::State::listen() {
  api::Settings settings;
  settings.auth = options.config.server.auth == config::Auth::token;
  settings.version = BATON_VERSION;
  settings.instance = options.config.server.instance;
  settings.environment = options.config.server.environment;
  settings.spill_folder = files + "/blobs";
  settings.public_url = options.config.server.public_url;
  settings.maybe_hold = options.config.maybe.hold;
  settings.maybe_ttl = options.config.maybe.ttl;
  settings.config_schema = config::json_schema();
  settings.links = options.config.links;
  api = std::make_unique<api::Context>(
      api::Context::Parts{*store, *writer, feed, rules, *streams, *artifacts, *gate_logs,
                          *secret_box, [this] { return clock(); }},
      std::move(settings));
  api->look_again = [this](const model::LinkProfile& link, const std::string& execution) {
    if (looks_again) testkube->look_again(link.name, execution);
  };
  net::ServerOptions net_options;
  net_options.listen = options.config.server.listen;
  net_options.threads = std::min(kThreadsMax, std::max(1U, std::thread::hardware_concurrency()));
  std::string key_pin;  // by which runners and the command line of this machine know the server
  if (const auto& tls = options.config.server.tls) {
    net_options.tls = net::TlsOptions{tls->certificate, tls->key};
    BATON_TRY(pin, net::key_pin_of(tls->certificate));
    key_pin = std::move(pin);
  }
  server =
      std::make_unique<net::Server>(net_options, api::make_handler(*api), api::make_admit(*api));
  server->on_problem(api::server_problem);
  BATON_TRY_VOID(server->start());
  const std::string url = server->url();
  BATON_TRY_VOID(replace_file(folder + "/server.json",
                              fmt::format("{{\"url\":{},\"pid\":{},\"key_pin\":{}}}\n",
                                          json_quote(url), ::getpid(), json_quote(key_pin)),
                              0600));
  if (!options.announce) return {};
  if (auto announced = client::announce({url, folder, ::getpid(), key_pin}); !announced)
    log::debug("serve.not_announced", {{"error", announced.error().message}});
  return {};
}

void App::State::start_readers() {
  executor = std::make_unique<executors::Local>(
      executors::LocalOptions{options.runner_program, options.runner_verb, files + "/runners",
                              folder + "/server.json", rules},
      *store, feed, *writer);
  executor->start();
  discovery = std::make_unique<Discovery>(runner(), *store, feed, *writer);
  discovery->start();
  cleaner = std::make_unique<Cleaner>(*store, feed, *writer, *streams, *artifacts, *gate_logs);
  sweep = std::make_unique<BlobSweep>(*store, *artifacts);
  notifier = std::make_unique<LeaseNotifier>(*store, feed);
  pump = std::make_unique<DeliveryPump>(*api, options.config.deliveries.per_peer);
  testkube = std::make_unique<TestkubeWatch>(TestkubeWatch::Parts{
      *store, feed, *writer, rules, options.config.links,
      [this](const std::string& gate, std::string_view text) {
        return api::append_to_gate(*api, gate, text);
      },
      [this] { return clock(); }});
  github = std::make_unique<GithubWatch>(*api);
  slot_hooks = std::make_unique<SlotHooks>(list_key, rules, *store, feed, *writer);
  looks_again = true;
  if (!options.hooks.empty())
    hooks = std::make_unique<HookRunner>(std::move(options.hooks), *store, feed, *writer);
}

App::App() = default;

App::~App() { stop(); }

Result<std::unique_ptr<App>> App::start(Options options) {
  raise_descriptor_limit();
  std::unique_ptr<App> app{new App};
  app->state_ = std::make_unique<State>(std::move(options));
  State& state = *app->state_;
  for (const model::LinkProfile& link : state.options.config.links)
    BATON_TRY_VOID(links::check_profile(link));
  BATON_TRY_VOID(state.open());
  BATON_TRY_VOID(state.make_first_token());
  BATON_TRY_VOID(state.declare());
  BATON_TRY_VOID(state.listen());
  state.start_readers();
  for (const model::LinkProfile& link : state.options.config.links)
    for (const std::string& missing : link.missing)
      log::warn("links.secret_missing", {{"link", link.id()}, {"secret", missing}});
  log::info("serve.ready", {{"url", app->url()}, {"data", state.folder}});
  return app;
}

std::string App::url() const { return state_->server->url(); }
std::uint16_t App::port() const { return state_->server->port(); }
std::string App::admin_token() const { return client::stored_token(state_->folder); }
bool App::is_new() const { return state_->is_new; }
const std::string& App::folder() const { return state_->folder; }

void App::drain(Duration limit) {
  if (state_->stopped || !state_->server) return;
  state_->api->stopping = true;
  if (state_->options.announce) client::withdraw(state_->folder);
  // No new runners from now on; those that run go on without the server.
  state_->executor->stop();
  if (!state_->server->drain(limit)) log::warn("serve.drain_incomplete");
  state_->discovery->stop();
}

void App::stop() {
  if (!state_ || state_->stopped) return;
  state_->stopped = true;
  if (state_->server && state_->options.announce) client::withdraw(state_->folder);
  if (state_->executor) state_->executor->stop();
  if (state_->discovery) state_->discovery->stop();
  if (state_->api) state_->api->remote.stop();
  if (state_->server) state_->server->stop();
  state_->github.reset();
  state_->testkube.reset();
  state_->pump.reset();
  state_->notifier.reset();
  state_->slot_hooks.reset();
  state_->hooks.reset();
  state_->sweep.reset();
  state_->cleaner.reset();
  if (state_->writer) state_->writer->stop();
  state_->server.reset();
  state_->api.reset();
}

std::string own_program() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

}  // namespace baton::app
