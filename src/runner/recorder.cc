// SPDX-License-Identifier: MIT
#include "runner/recorder.h"

#include <chrono>

#include "base/log.h"

namespace baton::runner {
namespace {

// A full disk is not asked more often than this.
constexpr Duration kDiskRetry{200};

}  // namespace

TimePoint wall_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

Recorder::Recorder(Loop& loop, Spool& spool, std::int64_t log_limit)
    : loop_(loop), spool_(spool), log_limit_(log_limit) {}

Recorder::~Recorder() {
  if (armed_) loop_.cancel(timer_);
}

void Recorder::add(wire::RecordBody body) {
  spool_.append(std::move(body));
  write_soon(Duration{0});
}

std::unique_ptr<OutputStream> Recorder::output(const std::string& test, int attempt) {
  return std::make_unique<OutputStream>(
      loop_, test, attempt, log_limit_,
      [this](wire::OutputRecord record) { add(std::move(record)); });
}

void Recorder::write_soon(Duration delay) {
  if (spool_.crowded()) was_crowded_ = true;
  if (armed_) return;
  armed_ = true;
  timer_ = loop_.after(delay, [this] {
    armed_ = false;
    write();
  });
}

bool Recorder::write() {
  const bool written = spool_.write();
  if (written == disk_full_) {
    disk_full_ = !written;
    log::warn("runner.spool", {{"disk", disk_full_ ? "full" : "has space again"}});
  }
  if (!written) write_soon(kDiskRetry);
  check_space();
  return written;
}

void Recorder::check_space() {
  if (!was_crowded_ || spool_.crowded()) return;
  was_crowded_ = false;
  if (on_space_) on_space_();
}

}  // namespace baton::runner
