// SPDX-License-Identifier: MIT
#include "testing/sim_frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fnv.h"
#include "engine/deadline_ops.h"
#include "store/journal_table.h"

namespace baton::sim {
namespace {

constexpr int kJournalPage = 10'000;

std::uint64_t mix(std::uint64_t hash, std::string_view text) { return fnv1a(text, hash); }

}  // namespace

SimFrame::~SimFrame() = default;

void SimFrame::open_store() { store_ = store::Store::open({.data = ":memory:"}).value(); }

void SimFrame::open() {
  if (auto recovered = engine::recover(*store_, rules_, now_); !recovered)
    wrong("recover: " + recovered.error().message);
  writer_ = std::make_unique<engine::Writer>(
      *store_, feed_, [this] { return now_; }, Ids(random_.next()),
      [this](engine::Context& context, const store::Deadline& deadline) {
        auto result = engine::on_deadline(context, rules_, deadline);
        if (!result) wrong(fmt::format("deadline {}: {}", deadline.kind, result.error().message));
        return result;
      });
}

void SimFrame::move(Duration by) {
  now_.at += by;
  now_.wall += by;
  elapsed_ += by;
}

// The server ends: before the commit nothing has happened, after it nobody learns of it.
void SimFrame::crash() {
  losing_ = true;
  if (chance(70)) writer_->step(now_);
  writer_.reset();
  losing_ = false;
  // What was committed belongs to the time before: the start may move the queues.
  check();
  if (chance(30)) move(some_ms(600'000));
  // The clock of a server that starts is the wall clock.
  now_.at = now_.wall;
  restarting();
  open();
  check();
}

void SimFrame::commit() {
  if (chance(4)) return crash();
  losing_ = chance(5);
  writer_->step(now_);
  losing_ = false;
  check();
}

void SimFrame::step_and_check() {
  writer_->step(now_);
  check();
}

void SimFrame::advance(Duration by) {
  const TimePoint end = now_.at + by;
  while (wrong_.empty()) {
    const auto next = writer_->next_deadline().value();
    if (!next || *next > end) break;
    move(std::max(*next, now_.at) - now_.at);
    step_and_check();
  }
  move(end - now_.at);
}

void SimFrame::pass_time() {
  const std::size_t dice = pick(100);
  if (dice < 60) return advance(some_ms(3'000));
  if (dice < 85) return advance(some_ms(20'000));
  if (dice < 90) return advance(some_ms(30 * 60'000));
  if (dice < 95) {  // the server stands still
    move(some_ms(120'000));
    return commit();
  }
  // The wall clock is set, by at most two hours.
  now_.wall += some_ms(4 * 3'600'000) - Duration{std::chrono::hours{2}};
  clock_set();
  commit();
}

void SimFrame::check() {
  const auto events = store::read_journal(store_->writer(), seen_, kJournalPage).value();
  for (const model::Event& event : events) {
    seen_ = event.seq;
    hash_ = mix(mix(mix(hash_, event.kind), event.subject), event.data);
    apply(event);
  }
  check_tables();
}

}  // namespace baton::sim
