// SPDX-License-Identifier: MIT
// The load of `./dev bench gates`, and the peer that its verdicts are brought to:
//   bench_gates open PORT TOKEN COUNT                      opens gates that stay pending
//   bench_gates latency PORT TOKEN COUNT RECEIVER          µs from sending the verdict, and from
//   its
//                                                          answer, to the callback's first byte
//   bench_gates sustained PORT TOKEN SECONDS RATE RECEIVER 16 clients, together RATE gates a second
//                                                          (0: all they can): decided/s,
//                                                          delivered/s meanwhile, backlog, seconds
//                                                          to empty it
//   bench_gates own SECONDS                                the same, all they can, without Baton
//   bench_gates fetch PORT TOKEN PATH                      bytes and seconds of a download
// RECEIVER is the port of the link webhook/bench; this program listens there. A thread per client.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "http_call.h"

namespace {

using namespace baton::bench;
using Clock = std::chrono::steady_clock;

constexpr int kClients = 16;
constexpr std::chrono::seconds kPatience{30};

double seconds_of(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}
double micros(Clock::duration duration) { return seconds_of(duration) * 1e6; }

// A request from a connection, head and body; empty at its end.
std::string read_request(int fd, Clock::time_point* first_byte = nullptr) {
  std::string text;
  std::array<char, 16'384> bytes;
  for (std::size_t wanted = std::string::npos; text.size() < wanted;) {
    const ssize_t size = ::read(fd, bytes.data(), bytes.size());
    if (size <= 0) return {};
    if (text.empty() && first_byte) *first_byte = Clock::now();
    text.append(bytes.data(), static_cast<std::size_t>(size));
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    const char* length = ::strcasestr(text.c_str(), "content-length:");
    wanted = head + 4 + (length ? static_cast<std::size_t>(std::atol(length + 15)) : 0);
  }
  return text;
}

void write_all(int fd, std::string_view text) {
  if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    std::fputs("bench: an answer was not taken\n", stderr);
}

int listen_at(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 1024) != 0)
    give_up("cannot listen at port " + std::to_string(port));
  return fd;
}

// Takes webhooks: when each gate's first byte came.
class Receiver {
 public:
  explicit Receiver(int port) : listener_(listen_at(port)) {
    for (int i = 0; i < kClients; ++i) threads_.emplace_back([this] { serve(); });
  }
  Clock::time_point wait(const std::string& gate) {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, kPatience, [&] { return at_.contains(gate); }))
      give_up("no callback came for " + gate);
    return at_[gate];
  }
  bool wait_count(std::size_t count) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, kPatience, [&] { return at_.size() >= count; });
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return at_.size();
  }

 private:
  void serve() {
    for (int fd = 0; (fd = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(fd)) {
      Clock::time_point first_byte;
      const std::string request = read_request(fd, &first_byte);
      const std::size_t data = request.find("\"data\":");
      if (data == std::string::npos) continue;
      write_all(fd, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
      const std::lock_guard lock(mutex_);
      at_.try_emplace(member(request.substr(data), "id"), first_byte);
      came_.notify_all();
    }
  }
  int listener_;
  std::vector<std::thread> threads_;  // they serve until the program ends
  std::mutex mutex_;
  std::condition_variable came_;
  std::unordered_map<std::string, Clock::time_point> at_;  // by gate; guarded by mutex_
};

const std::string kOpen =
    R"({"subject":{"external":true},"timeout":"1h","deliver":[{"link":"webhook/bench"}]})";

std::string open_gate(Http& http) {
  return member(http.call("POST", "/api/v1/gates", kOpen), "id");
}
void decide(Http& http, const std::string& gate) {
  http.call("POST", "/api/v1/gates/" + gate + "/verdict", R"({"verdict":"passed"})");
}

// Runs `work(http)` in each of the clients until they have ended.
template <typename Work>
void with_clients(const std::string& port, const std::string& token, const Work& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i)
    threads.emplace_back([&] {
      Http http(port, token);
      work(http);
    });
  for (std::thread& thread : threads) thread.join();
}

int open_many(const std::string& port, const std::string& token, long count) {
  std::atomic<long> next = 0;
  with_clients(port, token, [&](Http& http) {
    while (next++ < count) open_gate(http);
  });
  return 0;
}

int latency(const std::string& port, const std::string& token, long count, int receiver_port) {
  Receiver receiver(receiver_port);
  Http http(port, token);
  for (long i = 0; i < count; ++i) {
    const std::string gate = open_gate(http);
    const auto sent = Clock::now();
    decide(http, gate);
    const auto answered = Clock::now();
    const auto came = receiver.wait(gate);
    std::printf("%.1f %.1f\n", micros(came - sent), micros(came - answered));
  }
  std::fflush(stdout);
  std::_Exit(0);  // the receiver waits for ever
}

int sustained(const std::string& port, const std::string& token, double seconds, double rate,
              Receiver& receiver) {
  std::atomic<long> next = 0, decided = 0;
  const auto began = Clock::now();
  const auto end =
      began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  with_clients(port, token, [&](Http& http) {
    for (;;) {
      const auto mine = static_cast<double>(next++);
      const auto due = rate > 0 ? began + std::chrono::duration_cast<Clock::duration>(
                                              std::chrono::duration<double>(mine / rate))
                                : Clock::now();
      if (due >= end) return;
      std::this_thread::sleep_until(due);
      decide(http, open_gate(http));
      ++decided;
    }
  });
  const auto stopped = Clock::now();
  const std::size_t delivered = receiver.count();
  const auto all = static_cast<std::size_t>(decided);
  if (!receiver.wait_count(all)) give_up("some callbacks did not come");
  const double took = seconds_of(stopped - began);
  std::printf("%.1f\n%.1f\n%ld\n%.3f\n", static_cast<double>(all) / took,
              static_cast<double>(delivered) / took, static_cast<long>(all - delivered),
              seconds_of(Clock::now() - stopped));
  std::fflush(stdout);
  std::_Exit(0);
}

// As little as a server of gates can be: it keeps nothing, and calls back before it answers.
void serve_own(int fd, const std::string& receiver) {
  static std::atomic<long> made = 0;
  for (std::string request; !(request = read_request(fd)).empty();) {
    const std::size_t begin = request.find("/gates/");
    std::string id = "gate_" + std::to_string(made++);
    if (begin != std::string::npos && begin < request.find('\r')) {
      id = request.substr(begin + 7, request.find('/', begin + 7) - begin - 7);
      Http(receiver, "").call("POST", "/hook", R"({"data":{"id":")" + id + "\"}}");
    }
    const std::string body = R"({"id":")" + id + "\"}";
    write_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                      body);
  }
  ::close(fd);
}

int port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

int own(double seconds) {
  const int probe = listen_at(0);
  const int receiver_port = port_of(probe);
  ::close(probe);
  Receiver receiver(receiver_port);
  const int listener = listen_at(0);
  const std::thread acceptor([listener, receiver_port] {
    const int one = 1;
    std::vector<std::thread> clients;
    for (int fd = 0; (fd = ::accept(listener, nullptr, nullptr)) >= 0;) {
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      clients.emplace_back([fd, receiver_port] { serve_own(fd, std::to_string(receiver_port)); });
    }
  });
  return sustained(std::to_string(port_of(listener)), "", seconds, 0, receiver);
}

int fetch(const std::string& port, const std::string& token, const std::string& path) {
  Http http(port, token);
  const auto began = Clock::now();
  const std::uint64_t bytes = http.drain(path);
  std::printf("%llu\n%.3f\n", static_cast<unsigned long long>(bytes),
              seconds_of(Clock::now() - began));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  const auto number = [&](std::size_t i) { return std::atoi(word(i).c_str()); };
  if (word(0) == "open" && words.size() == 4) return open_many(word(1), word(2), number(3));
  if (word(0) == "latency" && words.size() == 5)
    return latency(word(1), word(2), number(3), number(4));
  if (word(0) == "sustained" && words.size() == 6) {
    Receiver receiver(number(5));
    return sustained(word(1), word(2), std::atof(word(3).c_str()), std::atof(word(4).c_str()),
                     receiver);
  }
  if (word(0) == "own" && words.size() == 2) return own(std::atof(word(1).c_str()));
  if (word(0) == "fetch" && words.size() == 4) return fetch(word(1), word(2), word(3));
  std::fputs("bench_gates: see the head of bench/gates_load.cc\n", stderr);
  return 2;
}
