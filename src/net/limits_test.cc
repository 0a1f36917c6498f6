// SPDX-License-Identifier: MIT
// What slow, idle and too many clients get.
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>

#include "net/test_support.h"

namespace baton::net {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr Duration kSoon{150};

ServerOptions hasty() {
  ServerOptions options = local_options();
  options.limits.header_timeout = kSoon;
  options.limits.idle_timeout = kSoon;
  options.limits.body_grace = kSoon;
  options.limits.linger = Duration{20};
  return options;
}

std::chrono::milliseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begin);
}

TEST(Limits, an_idle_connection_is_closed_without_a_word) {
  const auto server = serve(echo(), hasty());
  RawClient fresh(server->port());
  RawClient used(server->port());
  used.send(kGet);
  used.read_response();
  EXPECT_EQ("", fresh.read_to_end());
  EXPECT_EQ("", used.read_to_end());
}

TEST(Limits, a_header_that_trickles_in_is_cut) {
  const auto server = serve(echo(), hasty());
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 50; ++i) slow.push_back(std::make_unique<RawClient>(server->port()));
  for (auto& client : slow) client->send("GET / HTTP/1.1\r\n");
  // Each byte in time for the next, all together too late.
  while (since(begin) < kSoon * 2) {
    for (auto& client : slow) client->send("X");
    ::usleep(5'000);
  }
  RawClient other(server->port());
  other.send(kGet);
  EXPECT_EQ(200, status_of(other.read_response()));
  for (auto& client : slow) EXPECT_EQ(408, status_of(client->read_to_end()));
  EXPECT_EQ(50U, server->stats().timeouts);
}

TEST(Limits, a_body_that_trickles_in_is_cut) {
  ServerOptions options = hasty();
  options.limits.body_bytes_per_second = 1'000'000;
  const auto server = serve(echo(), options);
  for (const char* framing :
       {"Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nfffff\r\n"}) {
    RawClient client(server->port());
    client.send(fmt::format("POST / HTTP/1.1\r\nHost: h\r\n{}", framing));
    const auto begin = std::chrono::steady_clock::now();
    while (since(begin) < kSoon * 2) {
      client.send("X");
      ::usleep(5'000);
    }
    EXPECT_EQ(408, status_of(client.read_to_end())) << framing;
  }
}

TEST(Limits, much_at_once_earns_no_more_than_another_grace) {
  const auto server = serve(echo(), hasty());  // 100,000 bytes are worth more than six minutes
  for (const char* framing : {"Content-Length: 100001\r\n\r\n",
                              "Transfer-Encoding: chunked\r\n\r\n186a1\r\n"}) {
    RawClient client(server->port());
    client.send(fmt::format("POST / HTTP/1.1\r\nHost: h\r\n{}", framing));
    client.send(std::string(100'000, 'x'));
    EXPECT_EQ(408, status_of(client.read_to_end())) << framing;
  }
}

TEST(Limits, a_steady_body_may_take_longer_than_the_grace) {
  ServerOptions options = hasty();
  options.limits.body_bytes_per_second = 100;  // 10 bytes earn the time of ten naps
  const auto server = serve(echo(), options);
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6000\r\n\r\n");
  for (int i = 0; i < 60; ++i) {
    client.send(std::string(100, 'x'));
    ::usleep(5'000);
  }
  EXPECT_EQ(200, status_of(client.read_response()));
}

TEST(Limits, a_connection_too_many_gets_503) {
  ServerOptions options = local_options();
  options.limits.connections = 3;
  const auto server = serve(echo(), options);
  std::vector<std::unique_ptr<RawClient>> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(std::make_unique<RawClient>(server->port()));
    held.back()->send(kGet);
    EXPECT_EQ(200, status_of(held.back()->read_response()));
  }
  RawClient extra(server->port());
  const std::string answer = extra.read_to_end();
  EXPECT_EQ(503, status_of(answer));
  EXPECT_NE(std::string::npos, answer.find("Retry-After: "));
  held.clear();
  EXPECT_TRUE(eventually([&] { return server->stats().connections_open == 0; }));
  RawClient next(server->port());
  next.send(kGet);
  EXPECT_EQ(200, status_of(next.read_response()));
  EXPECT_EQ(1U, server->stats().connections_refused);
}

std::size_t open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  std::size_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class DescriptorLimit {
 public:
  explicit DescriptorLimit(std::size_t most) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit lower = before_;
    lower.rlim_cur = most;
    ::setrlimit(RLIMIT_NOFILE, &lower);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

TEST(Limits, without_descriptors_the_server_rests_and_recovers) {
  ServerOptions options = local_options();
  const auto server = serve(echo(), options);
  RawClient before(server->port());
  before.send(kGet);
  EXPECT_EQ(200, status_of(before.read_response()));
  {
    std::vector<std::unique_ptr<RawClient>> waiting;
    for (int i = 0; i < 5; ++i) waiting.push_back(std::make_unique<RawClient>(server->port()));
    EXPECT_TRUE(eventually([&] { return server->stats().connections_open == 6; }));
    std::vector<Fd> hoard;
    const DescriptorLimit tight(open_descriptors() + 20);
    while (true) {
      Fd next{::open("/dev/null", O_RDONLY)};
      if (!next) break;
      hoard.push_back(std::move(next));
    }
    hoard.pop_back();
    RawClient extra(server->port());  // its descriptor was the last: accept fails
    const double cpu = cpu_seconds();
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(extra.is_closed_by_server());
    EXPECT_TRUE(eventually([&] { return since(begin) > std::chrono::milliseconds(500); }));
    EXPECT_LT(cpu_seconds() - cpu, 0.25) << "the server spins";
    before.send(kGet);  // those who are in are served
    EXPECT_EQ(200, status_of(before.read_response()));
    EXPECT_GE(server->stats().connections_refused, 1U);
  }
  RawClient after(server->port());
  after.send(kGet);
  EXPECT_EQ(200, status_of(after.read_response()));
}

}  // namespace
}  // namespace baton::net
