// SPDX-License-Identifier: MIT
#pragma once
// The reading sessions of a store: opened when first needed, shared by all threads, at most
// Options::readers of them. Owned by a backend; outlives every Snapshot it gave.
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/time.h"
#include "store/store.h"

namespace baton::store {

class ReaderPool {
 public:
  using Open = std::function<Result<std::unique_ptr<Session>>()>;
  /// Starts or ends the read transaction; false when the session is of no use any more.
  using Frame = std::function<bool(Session&)>;

  ReaderPool(int readers, Open open, Frame begin, Frame end);
  ~ReaderPool();

  /// Waits at most kReaderWait for a free session.  Errors: unavailable.
  Result<Snapshot> take();

 private:
  Result<std::unique_ptr<Session>> take_session();
  void give_back(std::unique_ptr<Session> session);

  const Open open_;
  const Frame begin_;
  const Frame end_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Session>> free_;
  int may_open_;
  int taken_ = 0;
};

/// Longer means that the readers are overloaded; a clear answer is better than a late one.
inline constexpr Duration kReaderWait{1'000};

}  // namespace baton::store
