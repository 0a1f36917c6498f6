// SPDX-License-Identifier: MIT
// bench_fill DATA RUNS CASES: stores finished runs of one suite in a data folder that no server has
// open, through the operation that imports reports, many per commit. For `./dev bench runs`.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/log.h"
#include "engine/feed.h"
#include "engine/report_ops.h"
#include "engine/writer.h"
#include "store/store.h"

namespace {

using namespace std::chrono_literals;

baton::engine::ImportedReport report(long run, long cases) {
  baton::engine::ImportedReport made;
  made.request.suite = "bench/history";
  made.request.reference = fmt::format("r{}", run % 1000);
  made.request.labels["shard"] = fmt::format("{}", run % 20);
  made.request.triggered_by = "bench";
  for (long i = 0; i < cases; ++i) {
    baton::model::CaseResult item;
    item.name = fmt::format("group_{}/case_{}", i / 10, i);
    baton::model::Attempt attempt;
    attempt.test = item.name;
    attempt.duration = baton::Duration{20 + i};
    // Two cases in a hundred fail, as in a suite that is looked after.
    const bool failed = (run * 31 + i * 17) % 50 == 0;
    attempt.outcome = failed ? baton::model::Outcome::failed : baton::model::Outcome::passed;
    if (failed) attempt.message = "expected 201, got 503: timeout of the upstream";
    item.attempts.push_back(attempt);
    made.cases.push_back(std::move(item));
  }
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  // Each command here is many operations: that it is slow is no news.
  baton::log::set_level(baton::log::Level::off);
  const long runs = std::atol(argv[2]);
  const long cases = std::atol(argv[3]);
  auto store = baton::store::Store::open({.data = argv[1]});
  if (!store) {
    std::fprintf(stderr, "bench_fill: %s\n", store.error().message.c_str());
    return 1;
  }
  const auto now = [] {
    const auto wall = std::chrono::floor<baton::Duration>(std::chrono::system_clock::now());
    return baton::Now{wall, wall};
  };
  baton::engine::Feed feed;
  baton::engine::Writer writer(**store, feed, now, baton::Ids{}, [](auto&, const auto&) {
    return baton::Result<void>{};
  });
  // Not started: run() takes steps on this thread; many reports go into each command.
  constexpr long kPerCommand = 50;
  for (long done = 0; done < runs; done += kPerCommand) {
    const auto stored =
        writer.run<void>([&](baton::engine::Context& context) -> baton::Result<void> {
          for (long run = done; run < done + kPerCommand && run < runs; ++run) {
            BATON_TRY(made, baton::engine::import_report(context, report(run, cases)));
          }
          return baton::Result<void>{};
        });
    if (!stored) {
      std::fprintf(stderr, "bench_fill: %s\n", stored.error().message.c_str());
      return 1;
    }
  }
  return 0;
}
