// SPDX-License-Identifier: MIT
#pragma once
// For tests: the whole API over an in-memory database, served on a free port of 127.0.0.1 and
// driven over HTTP. No runner is started; Runner plays one.
#include <gtest/gtest.h>
#include <boost/json/value.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/context.h"
#include "net/client.h"
#include "net/server.h"
#include "net/sse.h"
#include "wire/records.h"

namespace baton::api {

struct TestOptions {
  bool auth = true;
  std::int64_t queued_runs = 1'000;
  std::int64_t running_runs = 100;
  Duration heartbeat{15'000};
  int streams_max = 100;
  std::string public_url = {};
  bool auto_create_environments = true;
  Duration maybe_hold{0};
  Duration maybe_ttl{7'200'000};
  links::Profiles links = {};
};

/// An answer with its body parsed where it is JSON.
struct Reply {
  int status = 0;
  net::Headers headers;
  std::string text;
  boost::json::value json;

  const boost::json::value& at(std::string_view name) const { return json.at(name); }
  std::string string(std::string_view name) const;
  std::int64_t integer(std::string_view name) const {
    return json.at(name).to_number<std::int64_t>();
  }
  std::string code() const { return string("code"); }
};

/// Expects the answer to have the shape of this component of /openapi.json.
void expect_shape(const Reply& reply, std::string_view schema);

class TestServer {
 public:
  explicit TestServer(TestOptions options = {});
  ~TestServer();

  /// The secret of a token of this scope: "admin", "operator", "viewer"; "" gives none.
  std::string secret(std::string_view scope) const;

  /// With the admin token unless headers say otherwise.
  Reply call(std::string method, std::string path, std::string body = "",
             net::Headers headers = {});
  Reply get(std::string path, net::Headers headers = {}) { return call("GET", path, "", headers); }
  Reply post(std::string path, std::string body = "", net::Headers headers = {}) {
    return call("POST", path, body, headers);
  }
  Reply put(std::string path, std::string body, net::Headers headers = {}) {
    return call("PUT", path, body, headers);
  }
  Reply del(std::string path) { return call("DELETE", path); }

  /// Reads an event stream until it ends or `enough` says so.
  std::vector<net::SseEvent> events(std::string path, net::Headers headers = {},
                                    std::function<bool(const net::SseEvent&)> enough = {});

  /// Declares default/`name` and starts a run of it.
  std::int64_t start_run(const std::string& name = "smoke", std::string_view fields = "");

  template <class R>
  Result<R> operate(engine::Operation<R> operation) {
    return writer_->run<R>(std::move(operation));
  }
  Context& context() { return *context_; }
  /// Lets time pass: on the clock of deadlines, and on the wall as well unless it is set apart.
  void pass(Duration time);
  void set_wall(Duration ahead);
  /// From now on no change can be stored, or can be again; what was there can be read.
  void fill_disk(bool full);
  net::Server& server() { return *server_; }
  std::string url() const { return server_->url(); }

 private:
  void make_tokens();
  Now now() const;

  std::string folder_;
  std::atomic<std::int64_t> passed_ms_ = 0;
  std::atomic<std::int64_t> wall_ahead_ms_ = 0;
  engine::Rules rules_;
  std::unique_ptr<store::Store> store_;
  engine::Feed feed_;
  std::unique_ptr<engine::Writer> writer_;
  std::unique_ptr<store::RunStreams> streams_;
  std::unique_ptr<store::ArtifactBlobs> artifacts_;
  std::unique_ptr<store::GateLogs> gate_logs_;
  std::optional<links::SecretBox> secret_box_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<net::Server> server_;
  net::Client client_;
};

/// A runner of one run, over HTTP.
class Runner {
 public:
  Runner(TestServer& server, std::int64_t run, int epoch = 1);

  Reply job();
  /// Sends the records with the next numbers.
  Reply send(std::vector<wire::RecordBody> bodies);
  Reply send_raw(std::string body);
  Reply put_artifact(std::string_view path, std::string bytes, std::string_view test, int attempt,
                     std::string_view type = "text/plain");
  /// plan, started, output, finished(outcome) for each test, then the end.
  void play(const std::vector<std::pair<std::string, model::Outcome>>& tests);
  const std::string& token() const { return secret_; }
  std::string path(std::string_view rest) const;

 private:
  TestServer& server_;
  std::int64_t run_;
  int epoch_;
  std::int64_t seq_ = 0;
  std::string secret_;
};

wire::OutputRecord output(const std::string& test, int attempt, std::string text,
                          std::int64_t first_line = 1);
wire::AttemptFinished finished(const std::string& test, int attempt, model::Outcome outcome,
                               bool final = true);

}  // namespace baton::api
