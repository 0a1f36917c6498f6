// SPDX-License-Identifier: MIT
#include "store/blobs/run_streams.h"

#include <algorithm>

#include "base/assert.h"
#include "base/file.h"
#include "store/blobs/run_stream.h"

namespace baton::store {

struct RunStreams::Slot {
  explicit Slot(std::string path) : stream(std::move(path)) {}
  RunStream stream;
  int pins = 0;                         // guarded by RunStreams::mutex_
  std::list<RunId>::iterator position;  // in recent_
};

RunStreams::RunStreams(std::string folder) : folder_(std::move(folder)) {}
RunStreams::~RunStreams() = default;

Result<std::unique_ptr<RunStreams>> RunStreams::open(std::string folder) {
  BATON_TRY_VOID(make_directories(folder));
  return std::unique_ptr<RunStreams>(new RunStreams(std::move(folder)));
}

RunStreams::Pin::Pin(RunStreams& streams, RunId run) : streams_(streams) {
  const std::lock_guard lock(streams.mutex_);
  auto& slot = streams.slots_[run];
  if (slot) {
    streams.recent_.splice(streams.recent_.begin(), streams.recent_, slot->position);
  } else {
    slot = std::make_unique<Slot>(
        fmt::format("{}/{}/{}", streams.folder_, raw(run) / 1000, raw(run)));
    streams.recent_.push_front(run);
    slot->position = streams.recent_.begin();
  }
  ++slot->pins;
  slot_ = slot.get();
}

RunStreams::Pin::~Pin() {
  const std::lock_guard lock(streams_.mutex_);
  --slot_->pins;
  streams_.close_unused();
}

RunStream& RunStreams::Pin::operator*() const { return slot_->stream; }

// The lock is held.
void RunStreams::close_unused() {
  std::size_t memory = 0;
  for (const auto& [run, slot] : slots_) memory += slot->stream.memory();
  auto it = recent_.end();
  while (it != recent_.begin() && (slots_.size() > kOpenStreamsMax || memory > kIndexMemoryMax)) {
    --it;
    const auto found = slots_.find(*it);
    if (found->second->pins > 0) continue;
    memory -= found->second->stream.memory();
    slots_.erase(found);
    it = recent_.erase(it);
  }
}

Result<Appended> RunStreams::append(RunId run, std::span<const StreamEntry> entries) {
  return Pin(*this, run)->append(entries);
}

Result<StreamState> RunStreams::state(RunId run) { return Pin(*this, run)->state(); }

Result<std::vector<StreamEntry>> RunStreams::read(RunId run, std::int64_t after, std::size_t limit,
                                                  std::size_t max_bytes) {
  return Pin(*this, run)->read(after, limit, max_bytes);
}

Result<LogSize> RunStreams::log_size(RunId run, const LogSelection& selection) {
  return Pin(*this, run)->log_size(selection);
}

Result<std::string> RunStreams::log_bytes(RunId run, const LogSelection& selection,
                                          std::int64_t offset, std::int64_t size) {
  return Pin(*this, run)->log_bytes(selection, offset, size);
}

Result<std::int64_t> RunStreams::line_offset(RunId run, const LogSelection& selection,
                                             std::int64_t line) {
  return Pin(*this, run)->line_offset(selection, line);
}

Result<LogLines> RunStreams::log_lines(RunId run, const LogSelection& selection,
                                       std::int64_t from_line, std::int64_t lines) {
  return Pin(*this, run)->log_lines(selection, from_line, lines);
}

Result<void> RunStreams::remove(RunId run) { return Pin(*this, run)->remove(); }

}  // namespace baton::store
