// SPDX-License-Identifier: MIT
// Artifacts of gates: what a peer keeps, when it hangs, breaks off, or is asked for by many.
#include "api/gate_remote.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "api/gate_files.h"
#include "api/submit.h"
#include "api/test_server.h"
#include "base/file.h"
#include "engine/gate_ops.h"
#include "store/gate_table.h"

namespace baton::api {
namespace {

constexpr std::chrono::seconds kPatience{20};

bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// A Testkube with one artifact.
class Peer {
 public:
  Peer()
      : server_(net::ServerOptions{.listen = "127.0.0.1:0"},
                [this](net::Request request) { return answer(std::move(request)); }) {
    const auto started = server_.start();
    EXPECT_TRUE(started);
  }

  links::Profiles links() const {
    model::LinkProfile profile;
    profile.kind = model::LinkKind::testkube;
    profile.name = "tk";
    profile.url = server_.url();
    return {profile};
  }

  const std::string bytes = std::string(1 << 20, 'x') + "end";
  std::size_t sends = bytes.size();  // so many of them
  std::atomic<int> lists = 0;
  std::atomic<int> downloads = 0;
  std::atomic<bool> hangs = false;
  std::atomic<int> refusal = 0;  // the status of every download, without a word

 private:
  boost::asio::awaitable<net::Response> answer(net::Request request) {
    if (request.path.ends_with("/artifacts")) {
      ++lists;
      if (hangs) {
        net::Gate never;
        co_await never.wait(net::kForever, request.caller);
      }
      co_return net::reply(200, "application/json",
                           fmt::format(R"([{{"name":"a.bin","size":{}}}])", bytes.size()));
    }
    ++downloads;
    if (refusal != 0) co_return net::reply(refusal);
    net::Response response;
    response.body = net::StreamBody([this](net::Sink sink) -> boost::asio::awaitable<void> {
      std::string some = bytes.substr(0, sends);
      co_await sink.write(std::move(some));
    });
    co_return response;
  }

  net::Server server_;
};

std::string open_gate(TestServer& server) {
  const Reply made = server.post("/api/v1/gates", R"({"subject":{"external":true}})");
  EXPECT_EQ(made.status, 201) << made.text;
  return made.string("id");
}

// One whose execution has been seen. Its path.
std::string open_testkube_gate(TestServer& server) {
  const Reply made =
      server.post("/api/v1/gates", R"({"subject":{"testkube":{"profile":"tk","execution":"e1"}}})");
  EXPECT_EQ(made.status, 201) << made.text;
  const std::string id = made.string("id");
  const auto seen = server.operate<bool>([&](engine::Context& c) -> Result<bool> {
    BATON_TRY_VOID(engine::observe_gate(
        c, id, R"({"executions":[{"id":"e1","name":"smoke-1","status":"running"}]})"));
    return true;
  });
  EXPECT_TRUE(seen);
  return "/api/v1/gates/" + id;
}

TEST(GateRemote, a_file_of_a_peer_is_passed_on_whole_or_in_part) {
  Peer peer;
  TestServer server({.links = peer.links()});
  const std::string path = open_testkube_gate(server) + "/artifacts/a.bin";
  EXPECT_EQ(server.get(path).text, peer.bytes);
  const Reply part = server.get(path, {{"Range", "bytes=-3"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.text, "end");
}

TEST(GateRemote, who_asks_for_the_head_only_holds_no_place_and_fetches_nothing) {
  Peer peer;
  TestServer server({.links = peer.links()});
  const std::string path = open_testkube_gate(server) + "/artifacts/a.bin";
  for (std::size_t i = 0; i < kRemoteCallsMax + 6; ++i) {
    const Reply head = server.call("HEAD", path);
    ASSERT_EQ(head.status, 200) << i;
    EXPECT_EQ(head.headers.get("Content-Length"), std::to_string(peer.bytes.size()));
  }
  EXPECT_EQ(peer.downloads, 0);
  EXPECT_EQ(server.get(path).text, peer.bytes);
}

TEST(GateRemote, a_file_that_ends_early_is_not_passed_on_as_whole) {
  Peer peer;
  TestServer server({.links = peer.links()});
  const std::string path = open_testkube_gate(server) + "/artifacts/a.bin";
  peer.sends = 5;
  for (const char* range : {"bytes=0-", "bytes=2-9"}) {
    net::HttpRequest request;
    request.url = server.url() + path;
    request.headers = {{"Authorization", "Bearer " + server.secret("admin")}, {"Range", range}};
    net::Client client;
    const auto answer = client.request(request);
    EXPECT_FALSE(answer) << answer->status << " with " << answer->body.size() << " bytes";
  }
}

TEST(GateRemote, a_peer_that_hangs_holds_up_nothing_else_and_not_the_end) {
  Peer peer;
  TestServer server({.links = peer.links()});
  const std::string path = open_testkube_gate(server);
  const std::string other = "/api/v1/gates/" + open_gate(server);
  peer.hangs = true;
  std::vector<std::thread> viewers;
  for (int i = 0; i < 8; ++i)
    viewers.emplace_back([&, i] {
      net::HttpRequest request;
      request.url = server.url() + path + (i % 2 == 0 ? "/artifacts" : "/junit.xml");
      request.headers = {{"Authorization", "Bearer " + server.secret("admin")}};
      static_cast<void>(net::Client().request(request));
    });
  EXPECT_TRUE(eventually([&] { return peer.lists == 8; }));
  EXPECT_EQ(server.post(other + "/log", "a line\n", {{"Content-Type", "text/plain"}}).status, 200);
  EXPECT_EQ(server.get(other + "/log").text, "a line\n");
  server.context().remote.stop();
  for (std::thread& viewer : viewers) viewer.join();
  EXPECT_EQ(server.get(path + "/artifacts").status, 503) << "nothing is begun any more";
}

TEST(GateRemote, a_file_that_its_origin_lost_is_no_outage) {
  Peer peer;
  TestServer server({.links = peer.links()});
  const std::string path = open_testkube_gate(server) + "/artifacts/a.bin";
  peer.refusal = 500;
  EXPECT_EQ(server.get(path).status, 502);
  peer.refusal = 503;
  EXPECT_EQ(server.get(path).status, 503);
}

TEST(GateRemote, a_file_for_another_system_comes_to_the_disk_and_no_call_for_it_holds_up_the_end) {
  Peer peer;
  TestServer server({.links = peer.links()});
  const std::string id = open_testkube_gate(server).substr(std::string("/api/v1/gates/").size());
  const auto gate = read(server.context(), [&](store::Session& s) {
    return engine::get_gate(s, id);
  });
  ASSERT_TRUE(gate);
  std::stop_source stop;
  const auto open = [&](const std::string& path) {
    return open_gate_artifact(server.context(), *gate, path, stop.get_token());
  };
  const auto file = open("a.bin");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->size, static_cast<std::int64_t>(peer.bytes.size()));
  EXPECT_EQ(read_file(file->path()).value(), peer.bytes);
  EXPECT_EQ(open("nix").error().code, Code::not_found);
  peer.sends = 5;
  EXPECT_EQ(open("a.bin").error().code, Code::unreachable) << "half of it is not it";
  peer.hangs = true;
  const int lists = peer.lists;
  std::thread delivery([&] { EXPECT_FALSE(open("a.bin")); });
  EXPECT_TRUE(eventually([&] { return peer.lists > lists; }));
  stop.request_stop();
  delivery.join();
}

TEST(GateRemote, many_artifacts_are_packed_in_time) {
  TestServer server;
  const std::string id = open_gate(server);
  const auto blob = server.context().artifacts.put("trace");
  ASSERT_TRUE(blob);
  const auto put = server.operate<bool>([&](engine::Context& c) -> Result<bool> {
    for (int i = 0; i < 1'500; ++i)
      BATON_TRY_VOID(store::put_gate_artifact(
          c.tx, id, {fmt::format("traces/{:05}.zip", i), 5, "", blob->digest(), ""}));
    return true;
  });
  ASSERT_TRUE(put) << put.error().message;
  const auto begin = std::chrono::steady_clock::now();
  const Reply packed = server.get("/api/v1/gates/" + id + "/artifacts.zip");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kPatience);
  EXPECT_EQ(packed.status, 200);
  EXPECT_NE(packed.text.find("traces/01499.zip"), std::string::npos);
}

TEST(RemoteFile, one_that_is_dropped_leaves_its_place) {
  const std::string piece(kRemoteAhead / 4, 'x');
  RemoteCalls calls;  // joins what uses it
  const auto start = [&] {
    return RemoteFile::start(calls, [&](const RemoteFile::Push& push, const std::stop_token&) {
      while (push(piece)) {
      }
      return Result<void>{};
    });
  };
  for (int round = 0; round < 3; ++round) {
    std::vector<std::shared_ptr<RemoteFile>> files;
    EXPECT_TRUE(eventually([&] {
      if (auto file = start()) files.push_back(*std::move(file));
      return files.size() == kRemoteCallsMax;
    }));
    const auto refused = start();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unavailable);
    EXPECT_FALSE(refused.error().fix.empty());
  }
}

TEST(RemoteCalls, all_calls_together_have_a_limit) {
  class Slow final : public links::Http {
   public:
    Result<net::HttpResponse> send(net::HttpRequest request) override {
      timeouts.push_back(request.total_timeout);
      return net::HttpResponse{};
    }
    std::vector<Duration> timeouts;
  } slow;
  TimedHttp http(slow, std::chrono::seconds{10});
  net::HttpRequest request;
  request.total_timeout = net::kForever;
  ASSERT_TRUE(http.send(request));
  EXPECT_LE(slow.timeouts.at(0), std::chrono::seconds{10});
  request.total_timeout = Duration{5};
  ASSERT_TRUE(http.send(request));
  EXPECT_EQ(slow.timeouts.at(1), Duration{5});
  TimedHttp over(slow, Duration{0});
  EXPECT_EQ(over.send(request).error().code, Code::timeout);
  EXPECT_EQ(slow.timeouts.size(), 2U);
}

}  // namespace
}  // namespace baton::api
