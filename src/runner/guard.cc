// SPDX-License-Identifier: MIT
#include "runner/guard.h"

#include <signal.h>

namespace baton::runner {
namespace {

// How often a tree whose root obeyed SIGTERM is looked at for the others.
constexpr Duration kLookAgain{10};
// The kernel and a busy machine have this long between SIGKILL and the report of the death.
constexpr Duration kStuckAfter{5'000};

}  // namespace

Guard::Guard(Loop& loop, Forest& forest, Duration grace, std::function<void()> on_dead)
    : loop_(loop), forest_(forest), grace_(grace), on_dead_(std::move(on_dead)) {}

Guard::~Guard() {
  if (limit_) loop_.cancel(*limit_);
  if (timer_) loop_.cancel(*timer_);
  if (stuck_timer_) loop_.cancel(*stuck_timer_);
}

void Guard::planted(Forest::Id tree) {
  tree_ = tree;
  if (!stopped_) return;
  forest_.signal(*tree_, SIGTERM);
  if (Clock::now() >= kill_at_) kill();
}

void Guard::limit(Duration time) {
  if (limit_) loop_.cancel(*limit_);
  limit_.reset();
  if (time <= Duration{0} || status_) return;
  limit_ = loop_.after(time, [this] {
    limit_.reset();
    stop(model::Outcome::timed_out);
  });
}

void Guard::stop(model::Outcome outcome, std::optional<Duration> grace) {
  if (stopped_ || status_) return;
  stopped_ = outcome;
  kill_at_ = Clock::now() + grace.value_or(grace_);
  if (tree_) forest_.signal(*tree_, SIGTERM);
  timer_ = loop_.at(kill_at_, [this] {
    timer_.reset();
    kill();
  });
  stuck_timer_ = loop_.at(kill_at_ + kStuckAfter, [this] {
    stuck_timer_.reset();
    if (status_ || !on_stuck_) return;
    on_stuck_(!tree_ ? "it was not started" : felled_ ? "its end was not reported" : "it is alive");
  });
}

void Guard::exited(int wait_status) {
  if (status_) return;
  status_ = wait_status;
  if (limit_) loop_.cancel(*limit_);
  limit_.reset();
  if (!tree_) return on_dead_();
  forest_.root_exited(*tree_);
  if (felled_) return on_dead_();
  if (killing_) return;
  if (stopped_) return wait_for_rest();
  kill();
}

// The root obeyed SIGTERM; what it started has the rest of the grace.
void Guard::wait_for_rest() {
  if (!forest_.alive(*tree_) || Clock::now() >= kill_at_) return kill();
  if (timer_) loop_.cancel(*timer_);
  timer_ = loop_.after(kLookAgain, [this] {
    timer_.reset();
    wait_for_rest();
  });
}

void Guard::kill() {
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  if (killing_ || !tree_) return;
  killing_ = true;
  forest_.fell(*tree_, [this] {
    felled_ = true;
    if (status_) on_dead_();
  });
}

}  // namespace baton::runner
