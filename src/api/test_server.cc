// SPDX-License-Identifier: MIT
#include "api/test_server.h"

#include <stdlib.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <filesystem>

#include "api/openapi.h"
#include "api/schema_check.h"
#include "engine/deadline_ops.h"
#include "engine/token_ops.h"

namespace baton::api {
namespace {

TimePoint wall_now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

// A store whose commits fail while its disk is full.
class FullDisk final : public store::Store {
 public:
  explicit FullDisk(std::unique_ptr<Store> inner) : inner_(std::move(inner)) {}
  store::Dialect dialect() const override { return inner_->dialect(); }
  store::Session& writer() override { return inner_->writer(); }
  Result<void> begin() override { return inner_->begin(); }
  Result<void> savepoint() override { return inner_->savepoint(); }
  Result<void> release_savepoint() override { return inner_->release_savepoint(); }
  Result<void> rollback_to_savepoint() override { return inner_->rollback_to_savepoint(); }
  Result<void> commit() override {
    if (!full) return inner_->commit();
    inner_->rollback();
    return fail(Code::unavailable, "the disk is full");
  }
  void rollback() override { inner_->rollback(); }
  void between_batches() override { inner_->between_batches(); }
  void idle() override { inner_->idle(); }
  Result<store::Snapshot> snapshot() override { return inner_->snapshot(); }

  std::atomic<bool> full = false;

 private:
  std::unique_ptr<Store> inner_;
};

std::string temporary_folder() {
  std::string path = "/tmp/baton-api-test-XXXXXX";
  BATON_ASSERT(mkdtemp(path.data()) != nullptr, "a folder in /tmp");
  return path;
}

std::string secret_of(std::string_view name) { return fmt::format("btn_test_{}_0123456789", name); }

Result<bool> make_token(engine::Context& c, std::string_view name, model::Scope scope,
                        std::optional<RunId> run) {
  engine::NewToken token;
  token.name = name;
  token.scope = scope;
  token.run = run;
  token.hash = engine::hash_of_secret(secret_of(name));
  BATON_TRY_VOID(engine::create_token(c, token));
  return true;
}

net::Headers with_token(net::Headers headers, const std::string& secret) {
  if (headers.find("Authorization") == nullptr && headers.find("X-API-KEY") == nullptr)
    headers.add("Authorization", "Bearer " + secret);
  return headers;
}

}  // namespace

void expect_shape(const Reply& reply, std::string_view schema) {
  static const boost::json::value description = boost::json::parse(openapi_json("1"));
  EXPECT_EQ(violation(description, schema, reply.json), "") << reply.text;
}

std::string Reply::string(std::string_view name) const {
  const auto* found = json.is_object() ? json.get_object().if_contains(name) : nullptr;
  return found != nullptr && found->is_string() ? std::string{found->get_string()} : "";
}

TestServer::TestServer(TestOptions options) : folder_(temporary_folder()) {
  rules_.queued_runs = options.queued_runs;
  rules_.running_runs = options.running_runs;
  rules_.auto_create_environments = options.auto_create_environments;
  store_ = std::make_unique<FullDisk>(store::Store::open({.data = ":memory:"}).value());
  const auto clock = [this] { return now(); };
  writer_ = std::make_unique<engine::Writer>(
      *store_, feed_, clock, Ids{7},
      [this](engine::Context& context, const store::Deadline& deadline) {
        return engine::on_deadline(context, rules_, deadline);
      });
  writer_->start();
  streams_ = store::RunStreams::open(folder_ + "/runs").value();
  artifacts_ = store::ArtifactBlobs::open(folder_ + "/artifacts").value();
  gate_logs_ = store::GateLogs::open(folder_ + "/gates").value();
  secret_box_ = links::SecretBox::open(folder_ + "/secret-key").value();
  Settings settings;
  settings.auth = options.auth;
  settings.instance = "test";
  settings.spill_folder = folder_;
  settings.heartbeat = options.heartbeat;
  settings.streams_max = options.streams_max;
  settings.public_url = options.public_url;
  settings.config_schema = "{}";
  settings.maybe_hold = options.maybe_hold;
  settings.maybe_ttl = options.maybe_ttl;
  settings.links = options.links;
  context_ = std::make_unique<Context>(
      Context::Parts{*store_, *writer_, feed_, rules_, *streams_, *artifacts_, *gate_logs_,
                     *secret_box_, clock},
      settings);
  make_tokens();
  server_ = std::make_unique<net::Server>(net::ServerOptions{.listen = "127.0.0.1:0", .threads = 2},
                                          make_handler(*context_), make_admit(*context_));
  server_->on_problem(server_problem);
  const auto started = server_->start();
  BATON_ASSERT(started, "the server starts");
}

TestServer::~TestServer() {
  context_->remote.stop();
  server_->stop();
  server_.reset();
  writer_->stop();
  context_.reset();
  std::filesystem::remove_all(folder_);
}

Now TestServer::now() const {
  const TimePoint at = wall_now() + Duration{passed_ms_};
  return {at, at + Duration{wall_ahead_ms_}};
}

void TestServer::pass(Duration time) {
  passed_ms_ += time.count();
  // The writer sleeps until the time that it has looked up.
  const auto woken = operate<bool>([](engine::Context&) -> Result<bool> { return true; });
  EXPECT_TRUE(woken);
}

void TestServer::set_wall(Duration ahead) {
  wall_ahead_ms_ = ahead.count();
  pass(Duration{0});
}

void TestServer::fill_disk(bool full) { static_cast<FullDisk&>(*store_).full = full; }

void TestServer::make_tokens() {
  for (const auto& [name, scope] : {std::pair{"admin", model::Scope::admin},
                                    {"operator", model::Scope::operator_},
                                    {"viewer", model::Scope::viewer}}) {
    const auto made = operate<bool>([name = name, scope = scope](engine::Context& c) {
      return make_token(c, name, scope, std::nullopt);
    });
    BATON_ASSERT(made, "the token is made");
  }
}

std::string TestServer::secret(std::string_view scope) const { return secret_of(scope); }

Reply TestServer::call(std::string method, std::string path, std::string body,
                       net::Headers headers) {
  net::HttpRequest request;
  request.method = std::move(method);
  request.url = url() + path;
  request.body = std::move(body);
  request.headers = with_token(std::move(headers), secret_of("admin"));
  request.total_timeout = Duration{70'000};
  auto response = client_.request(request);
  Reply reply;
  if (!response) {
    ADD_FAILURE() << path << ": " << response.error().message;
    return reply;
  }
  reply.status = response->status;
  reply.headers = response->headers;
  reply.text = std::move(response->body);
  if (reply.headers.get("Content-Type").find("json") != std::string_view::npos) {
    boost::json::error_code ec;
    reply.json = boost::json::parse(reply.text, ec);
    EXPECT_FALSE(ec) << path << ": " << reply.text;
  }
  return reply;
}

std::vector<net::SseEvent> TestServer::events(std::string path, net::Headers headers,
                                              std::function<bool(const net::SseEvent&)> enough) {
  std::vector<net::SseEvent> events;
  bool stop = false;
  net::SseParser parser([&](const net::SseEvent& event) {
    if (stop) return;
    events.push_back(event);
    stop = enough && enough(event);
  });
  net::Client client;
  net::HttpRequest request;
  request.url = url() + path;
  request.headers = with_token(std::move(headers), secret_of("admin"));
  request.total_timeout = Duration{30'000};
  request.on_data = [&](std::string_view piece) { return parser.feed(piece) && !stop; };
  const auto response = client.request(request);
  EXPECT_TRUE(stop || response) << (response ? "" : response.error().message);
  return events;
}

std::int64_t TestServer::start_run(const std::string& name, std::string_view fields) {
  put("/api/v1/suites/default/" + name, R"({"kind":"command","command":["true"]})");
  const Reply run = post("/api/v1/runs", fmt::format(R"({{"suite":"{}"{}}})", name, fields));
  EXPECT_EQ(run.status, 201) << run.text;
  return run.status == 201 ? run.integer("id") : 0;
}

Runner::Runner(TestServer& server, std::int64_t run, int epoch)
    : server_(server), run_(run), epoch_(epoch) {
  const std::string name = fmt::format("runner-{}-{}", run, epoch);
  secret_ = secret_of(name);
  const auto made = server.operate<bool>([name, run](engine::Context& c) {
    return make_token(c, name, model::Scope::runner, RunId{run});
  });
  EXPECT_TRUE(made) << made.error().message;
}

std::string Runner::path(std::string_view rest) const {
  return fmt::format("/api/v1/runner/runs/{}/{}{}epoch={}", run_, rest,
                     rest.find('?') == std::string_view::npos ? "?" : "&", epoch_);
}

Reply Runner::job() { return server_.get(path("job"), {{"Authorization", "Bearer " + secret_}}); }

Reply Runner::send_raw(std::string body) {
  return server_.post(
      path("records"), std::move(body),
      {{"Authorization", "Bearer " + secret_}, {"Content-Type", std::string{wire::kRecordsType}}});
}

Reply Runner::send(std::vector<wire::RecordBody> bodies) {
  std::string body;
  for (wire::RecordBody& record : bodies)
    wire::append_record(body, wire::Record{++seq_, std::move(record), 0, 0});
  return send_raw(std::move(body));
}

Reply Runner::put_artifact(std::string_view file, std::string bytes, std::string_view test,
                           int attempt, std::string_view type) {
  return server_.put(path(fmt::format("artifacts?path={}&test={}&attempt={}", file, test, attempt)),
                     std::move(bytes),
                     {{"Authorization", "Bearer " + secret_}, {"Content-Type", std::string{type}}});
}

void Runner::play(const std::vector<std::pair<std::string, model::Outcome>>& tests) {
  EXPECT_EQ(job().status, 200);
  wire::PlanRecord plan;
  for (const auto& [test, outcome] : tests) {
    const bool known = std::any_of(plan.cases.begin(), plan.cases.end(),
                                   [&test = test](const model::Case& c) { return c.name == test; });
    if (!known) plan.cases.emplace_back().name = test;
  }
  EXPECT_EQ(send({plan}).status, 200);
  std::map<std::string, int> attempts;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const auto& [test, outcome] = tests[i];
    const int attempt = ++attempts[test];
    bool last = true;
    for (std::size_t j = i + 1; j < tests.size(); ++j) last &= tests[j].first != test;
    send({wire::AttemptStarted{test, attempt, wall_now()},
          output(test, attempt, fmt::format("hello from {} {}\n", test, attempt)),
          finished(test, attempt, outcome, last)});
  }
  const Reply end = send({wire::FinishedRecord{model::Ending::completed, "", wall_now()}});
  EXPECT_EQ(end.status, 200) << end.text;
}

wire::OutputRecord output(const std::string& test, int attempt, std::string text,
                          std::int64_t first_line) {
  wire::OutputRecord record;
  record.test = test;
  record.attempt = attempt;
  record.first_line = first_line;
  record.lines = std::count(text.begin(), text.end(), '\n');
  if (!text.empty() && text.back() != '\n') ++record.lines;
  record.bytes = static_cast<std::int64_t>(text.size());
  record.payload = std::move(text);
  return record;
}

wire::AttemptFinished finished(const std::string& test, int attempt, model::Outcome outcome,
                               bool final) {
  wire::AttemptFinished record;
  record.test = test;
  record.attempt = attempt;
  record.outcome = outcome;
  record.at = wall_now();
  record.duration = Duration{5};
  if (outcome != model::Outcome::passed) record.message = "expected 1, got 2";
  record.final_ = final;
  return record;
}

}  // namespace baton::api
