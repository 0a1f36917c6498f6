// SPDX-License-Identifier: MIT
#include "client/http_runner_calls.h"

#include "base/file.h"
#include "net/client.h"
#include "net/url.h"
#include "wire/error_map.h"
#include "wire/fields.h"

namespace baton::client {
namespace {

// The server fsyncs a batch of at most some MiB; what takes longer will be asked again.
constexpr Duration kCallTimeout{30'000};
// An artifact may be a gigabyte; a peer that is silent for so long is gone.
constexpr Duration kUploadTimeout{3'600'000};
constexpr Duration kUploadIdle{60'000};

}  // namespace

struct HttpRunnerCalls::State {
  Result<std::string> call(std::string_view what, net::HttpRequest request);
  Result<std::string> server();

  RunnerEndpoint endpoint;
  std::stop_token stop;
  std::string address = {};  // the one that answered last, or ""
  std::string key_pin = {};  // of the server at `address`
  net::Client http = {};
};

HttpRunnerCalls::HttpRunnerCalls(RunnerEndpoint endpoint, std::stop_token stop)
    : state_(std::make_unique<State>(State{std::move(endpoint), std::move(stop)})) {}

HttpRunnerCalls::~HttpRunnerCalls() = default;

// A server that was started again may listen on another port.
Result<std::string> HttpRunnerCalls::State::server() {
  if (!address.empty()) return address;
  std::string url = endpoint.url;
  if (!endpoint.address_file.empty()) {
    auto text = read_file(endpoint.address_file, 64 << 10);
    if (text) {
      BATON_TRY(object, wire::parse_object(*text, endpoint.address_file));
      wire::Fields in(object, endpoint.address_file);
      url = in.text("url");
      key_pin = in.text("key_pin");
      BATON_TRY_VOID(in.check());
    } else if (url.empty()) {
      return fail(Code::unreachable, "{}", text.error().message);
    }
  }
  if (url.empty()) return fail(Code::unreachable, "the server's address is not known");
  while (url.ends_with('/')) url.pop_back();
  address = url;
  return address;
}

Result<std::string> HttpRunnerCalls::State::call(std::string_view what, net::HttpRequest request) {
  BATON_TRY(base, server());
  std::string query = fmt::format("epoch={}", endpoint.epoch);
  if (!request.url.empty()) query += "&" + request.url;
  request.url = fmt::format("{}/api/v1/runner/runs/{}/{}?{}", base, raw(endpoint.run), what, query);
  if (!endpoint.token.empty()) {
    request.headers.set("Authorization", "Bearer " + endpoint.token);
  }
  request.pinned_key = key_pin;
  request.stop = stop;
  auto response = http.request(request);
  if (!response) {
    address.clear();
    return tl::unexpected(std::move(response).error());
  }
  if (response->status >= 200 && response->status < 300) return std::move(response->body);
  Error error = wire::parse_problem(response->status, response->body);
  // Another program may have taken the port of a server that is gone.
  if (error.code == Code::not_found || error.code == Code::unauthenticated) address.clear();
  return tl::unexpected(std::move(error));
}

Result<wire::Job> HttpRunnerCalls::job() {
  net::HttpRequest request;
  request.total_timeout = kCallTimeout;
  BATON_TRY(body, state_->call("job", std::move(request)));
  return wire::decode_job(body);
}

Result<wire::RecordsAnswer> HttpRunnerCalls::send_records(std::string batch) {
  net::HttpRequest request;
  request.method = "POST";
  request.headers.set("Content-Type", std::string(wire::kRecordsType));
  request.body = std::move(batch);
  request.total_timeout = kCallTimeout;
  BATON_TRY(body, state_->call("records", std::move(request)));
  return wire::decode_records_answer(body);
}

Result<StoredArtifact> HttpRunnerCalls::put_artifact(const ArtifactUpload& upload) {
  net::HttpRequest request;
  request.method = "PUT";
  request.url = net::format_query({{"path", upload.path},
                                   {"test", upload.test},
                                   {"attempt", fmt::format("{}", upload.attempt)}});
  if (!upload.content_type.empty()) request.headers.set("Content-Type", upload.content_type);
  request.body_file = upload.file;
  request.total_timeout = kUploadTimeout;
  request.idle_timeout = kUploadIdle;
  BATON_TRY(body, state_->call("artifacts", std::move(request)));
  BATON_TRY(object, wire::parse_object(body, "stored artifact"));
  wire::Fields in(object, "stored artifact");
  StoredArtifact stored{in.integer("size"), in.text("digest"), in.text("type")};
  BATON_TRY_VOID(in.check());
  return stored;
}

}  // namespace baton::client
