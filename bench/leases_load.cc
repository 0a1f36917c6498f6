// SPDX-License-Identifier: MIT
// The load of `./dev bench leases`:
//   bench_leases cycles SYSTEM ADDRESS CLIENTS SECONDS [TOKEN]   acquire + release cycles per
//   second bench_leases handover SYSTEM ADDRESS COUNT [TOKEN]           µs from a release to the
//   waiter's answer bench_leases crowd ADDRESS WAITERS HANDOVERS TOKEN           the same with many
//   who wait bench_leases idle ADDRESS WAITERS TOKEN                      waits until its standard
//   input ends
// Each prints numbers, one a line; a thread per client, an open connection each.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lease_peers.h"

namespace {

using namespace baton::bench;
using Clock = std::chrono::steady_clock;

double micros(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

int cycles(const Target& target, int clients, double seconds) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < clients; ++i)
    peers.push_back(connect_to(target, "lock-" + std::to_string(i)));
  for (const auto& peer : peers) {  // whatever is made on first use
    peer->acquire();
    peer->release();
  }
  std::atomic<bool> stop = false;
  std::atomic<long> count = 0;
  std::vector<std::thread> threads;
  const auto began = Clock::now();
  for (const auto& peer : peers)
    threads.emplace_back([&, peer = peer.get()] {
      while (!stop) {
        peer->acquire();
        peer->release();
        ++count;
      }
    });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  for (auto& thread : threads) thread.join();
  std::printf("%.1f\n", static_cast<double>(count) * 1e6 / micros(Clock::now() - began));
  return 0;
}

// Two clients and one lock: one holds, the other waits in a thread of its own.
int handover(const Target& target, int count) {
  auto holder = connect_to(target, "handed-over");
  auto waiter = connect_to(target, "handed-over");
  holder->acquire();
  for (int i = 0; i < count; ++i) {
    waiter->ask();
    Clock::time_point given;
    std::thread waiting([&] {
      waiter->wait();
      given = Clock::now();
    });
    // The waiter has to be waiting indeed.
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    const auto released = Clock::now();
    holder->release();
    waiting.join();
    std::printf("%.1f\n", micros(given - released));
    std::swap(holder, waiter);
  }
  holder->release();
  return 0;
}

// Many wait for one lock. Each who gets it says so; the one that holds gives it back.
int crowd(const Target& target, int waiters, int count) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::pair<int, Clock::time_point>> woken;
  std::vector<std::unique_ptr<Peer>> peers;
  auto first = connect_to(target, "crowded");
  first->acquire();
  for (int i = 0; i < waiters; ++i) {
    peers.push_back(connect_to(target, "crowded"));
    peers.back()->ask();
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < waiters; ++i)
    threads.emplace_back([&, i] {
      peers[static_cast<std::size_t>(i)]->wait();
      const auto at = Clock::now();
      const std::lock_guard lock(mutex);
      woken.emplace_back(i, at);
      changed.notify_all();
    });
  std::this_thread::sleep_for(std::chrono::seconds(1));
  Peer* holder = first.get();
  for (int i = 0; i < waiters; ++i) {
    const auto released = Clock::now();
    holder->release();
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return woken.size() > static_cast<std::size_t>(i); });
    // Who is woken beside the one comes within this time; the rest of the queue is only emptied.
    if (i < count) changed.wait_for(lock, std::chrono::milliseconds(2), [] { return false; });
    if (woken.size() != static_cast<std::size_t>(i) + 1) {
      std::fprintf(stderr, "bench_leases: a release woke more than one\n");
      return 1;
    }
    if (i < count) std::printf("%.1f\n", micros(woken.back().second - released));
    holder = peers[static_cast<std::size_t>(woken.back().first)].get();
  }
  holder->release();
  for (auto& thread : threads) thread.join();
  return 0;
}

int idle(const Target& target, int waiters) {
  std::vector<std::unique_ptr<Peer>> peers;
  auto holder = connect_to(target, "awaited");
  holder->acquire();
  for (int i = 0; i < waiters; ++i) {
    peers.push_back(connect_to(target, "awaited"));
    peers.back()->ask();
  }
  std::vector<std::thread> threads;
  for (auto& peer : peers) threads.emplace_back([&peer] { peer->wait(); });
  std::printf("waiting\n");
  std::fflush(stdout);
  char byte = 0;
  while (::read(0, &byte, 1) > 0) {
  }
  std::_Exit(0);  // the threads wait for ever
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  const auto number = [&](std::size_t i) { return std::atoi(word(i).c_str()); };
  if (word(0) == "cycles" && words.size() >= 5)
    return cycles({word(1), word(2), word(5)}, number(3), std::atof(word(4).c_str()));
  if (word(0) == "handover" && words.size() >= 4)
    return handover({word(1), word(2), word(4)}, number(3));
  if (word(0) == "crowd" && words.size() == 5)
    return crowd({"baton", word(1), word(4)}, number(2), number(3));
  if (word(0) == "idle" && words.size() == 4)
    return idle({"baton", word(1), word(3)}, number(2));
  std::fputs("bench_leases: see the head of bench/leases_load.cc\n", stderr);
  return 2;
}
