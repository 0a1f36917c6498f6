// SPDX-License-Identifier: MIT
#include "runner/uploader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "runner/recorder.h"
#include "runner/run_context.h"

namespace baton::runner {
namespace {

// A server that is restarted is back within a second; one that is gone is asked gently.
constexpr Duration kRetryFirst{100};
constexpr Duration kRetryMax{2'000};
// Each batch costs the runner and the server a durable write: small ones are sent this far apart at
// the least. The first after a pause goes at once, so that a line is with its readers in no time.
constexpr Duration kPace{15};
constexpr std::size_t kSmallBatch = 256 << 10;

void pause(const std::stop_token& stop, Duration duration) {
  if (duration <= Duration{0}) return;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
}

// The same bytes will get the same answer.
bool never_taken(Code code) {
  return code == Code::invalid || code == Code::too_large || code == Code::unprocessable;
}

}  // namespace

Uploader::Uploader(Spool& spool, client::MakeRunnerCalls make_calls, UploadEvents events)
    : spool_(spool),
      make_calls_(std::move(make_calls)),
      events_(std::move(events)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Uploader::~Uploader() {
  thread_.request_stop();
  spool_.interrupt();
}

void Uploader::work(const std::stop_token& stop) {
  const std::unique_ptr<client::RunnerCalls> calls = make_calls_(stop);
  while (!stop.stop_requested()) {
    auto batch = spool_.next(kHeartbeat);
    if (stop.stop_requested()) return;
    const auto began = std::chrono::steady_clock::now();
    const bool small = batch && batch->bytes.size() < kSmallBatch;
    if (!batch) {
      log::error("runner.spool", {{"error", batch.error().message}});
      retry_ = kRetryMax;
    } else if (!send(*calls, *std::move(batch), stop)) {
      return;
    }
    const Duration spent =
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
    const Duration rest = small ? kPace - spent : Duration{0};
    pause(stop, std::max(retry_, rest));
  }
}

// False when the run is not ours any more.
bool Uploader::send(client::RunnerCalls& calls, Spool::Batch batch, const std::stop_token& stop) {
  const std::int64_t before = spool_.acked();
  const std::int64_t last = batch.last_seq;
  const auto answer = calls.send_records(std::move(batch.bytes));
  if (stop.stop_requested()) return false;
  if (!answer) {
    const Error& error = answer.error();
    if (error.code == Code::gone || error.code == Code::conflict) {
      events_.lost(error);
      return false;
    }
    if (last > 0 && never_taken(error.code)) {
      give_up(calls, error);
      return false;
    }
    if (retry_ == Duration{0}) {
      log::warn("runner.server_away", {{"code", name_of(error.code)}, {"error", error.message}});
      events_.away(true);
    }
    retry_ = std::clamp(retry_ * 2, kRetryFirst, kRetryMax);
    return true;
  }
  if (retry_ > Duration{0}) {
    log::info("runner.server_back", {{"acked", answer->acked}});
    events_.away(false);
  }
  retry_ = Duration{0};
  spool_.acknowledge(answer->acked);
  if (answer->cancel) events_.cancel(answer->reason);
  if (spool_.acked() > before) events_.acknowledged();
  // A server that takes a batch without keeping it must not be flooded with it.
  if (last > 0 && spool_.acked() == before) retry_ = kRetryFirst;
  return true;
}

// Sent for ever, such records would cost the run its runners one by one. The last record stands in
// their place; the run ends with what the server has.
void Uploader::give_up(client::RunnerCalls& calls, const Error& why) {
  const std::int64_t seq = spool_.acked() + 1;
  log::error("runner.records_refused",
             {{"seq", seq}, {"code", name_of(why.code)}, {"error", why.message}});
  std::string record;
  wire::append_record(record, {seq, wire::FinishedRecord{model::Ending::errored,
                                                         kept_message("the server refused what "
                                                                      "the runner recorded: " +
                                                                      why.message),
                                                         wall_now()}});
  if (const auto answer = calls.send_records(std::move(record)); !answer) {
    log::error("runner.end_refused", {{"error", answer.error().message}});
  }
  events_.lost(why);
}

}  // namespace baton::runner
