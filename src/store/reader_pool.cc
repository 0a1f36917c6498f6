// SPDX-License-Identifier: MIT
#include "store/reader_pool.h"

#include "base/assert.h"

namespace baton::store {

ReaderPool::ReaderPool(int readers, Open open, Frame begin, Frame end)
    : open_(std::move(open)), begin_(std::move(begin)), end_(std::move(end)), may_open_(readers) {
  BATON_ASSERT(readers > 0, "there is a reader");
}

ReaderPool::~ReaderPool() {
  const std::lock_guard lock(mutex_);
  BATON_ASSERT(taken_ == 0, "every snapshot is destroyed before its store");
}

Result<Snapshot> ReaderPool::take() {
  // A session that broke while it lay in the pool is replaced once.
  for (int tries = 0; tries < 2; ++tries) {
    BATON_TRY(session, take_session());
    if (begin_(*session))
      return Snapshot(std::move(session),
                      [this](std::unique_ptr<Session> used) { give_back(std::move(used)); });
    const std::lock_guard lock(mutex_);
    --taken_;
    may_open_ += 1 + static_cast<int>(free_.size());
    free_.clear();
    freed_.notify_all();
  }
  return fail(Code::unavailable, "the database cannot be read now");
}

Result<std::unique_ptr<Session>> ReaderPool::take_session() {
  {
    std::unique_lock lock(mutex_);
    if (!freed_.wait_for(lock, kReaderWait, [this] { return !free_.empty() || may_open_ > 0; }))
      return fail(Code::unavailable, "all readers of the database are busy");
    ++taken_;
    if (!free_.empty()) {
      auto session = std::move(free_.back());
      free_.pop_back();
      return session;
    }
    --may_open_;
  }
  auto session = open_();
  if (session) return session;
  const std::lock_guard lock(mutex_);
  --taken_;
  ++may_open_;
  freed_.notify_one();
  return session;
}

void ReaderPool::give_back(std::unique_ptr<Session> session) {
  const bool usable = end_(*session);
  if (!usable) session.reset();
  const std::lock_guard lock(mutex_);
  --taken_;
  if (usable)
    free_.push_back(std::move(session));
  else
    ++may_open_;
  freed_.notify_one();
}

}  // namespace baton::store
