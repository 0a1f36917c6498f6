// SPDX-License-Identifier: MIT
// bench_fill_leases DATA EVENTS: makes a history of leases in a data folder that no server has
// open: grants and releases through the operations themselves, many per commit. For `./dev bench
// leases`.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/log.h"
#include "engine/feed.h"
#include "engine/lease_ops.h"
#include "engine/writer.h"
#include "store/store.h"

namespace {

using baton::Result;
using baton::engine::Context;

constexpr long kPerCommand = 500;
constexpr long kEventsPerCycle = 2;  // lease.granted, lease.released

Result<void> cycles(Context& context, const baton::engine::Rules& rules, long first) {
  for (long i = first; i < first + kPerCommand; ++i) {
    baton::model::LeaseRequest request;
    request.wants.push_back({fmt::format("env-{}", i % 50), {}, {}, 1});
    request.holder.name = fmt::format("pipeline {}", i % 1'000);
    BATON_TRY(held, baton::engine::acquire(context, rules, std::move(request), "bench"));
    BATON_TRY(left, baton::engine::release_lease(context, rules, held.lease.id, {}, "bench"));
  }
  return {};
}

int complain(const baton::Error& error) {
  std::fprintf(stderr, "bench_fill_leases: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  baton::log::set_level(baton::log::Level::off);
  const long events = std::atol(argv[2]);
  auto store = baton::store::Store::open({.data = std::string(argv[1])});
  if (!store) return complain(store.error());
  const auto now = [] {
    const auto wall = std::chrono::floor<baton::Duration>(std::chrono::system_clock::now());
    return baton::Now{wall, wall};
  };
  const baton::engine::Rules rules;
  baton::engine::Feed feed;
  baton::engine::Writer writer(**store, feed, now, baton::Ids{},
                               [](auto&, const auto&) { return Result<void>{}; });
  for (long done = 0; done * kEventsPerCycle < events; done += kPerCommand) {
    const auto stored =
        writer.run<void>([&](Context& context) { return cycles(context, rules, done); });
    if (!stored) return complain(stored.error());
  }
  return 0;
}
