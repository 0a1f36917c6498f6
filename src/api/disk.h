// SPDX-License-Identifier: MIT
#pragma once
// Threads for work that waits on the disk (blobs): a handler's own thread serves other connections
// meanwhile. The database is not read here, its reads are short and come from memory: but for
// answers that are long because they tell of many cases or runs.
#include <memory>
#include <utility>

#include "base/unique_function.h"
#include "net/await.h"

namespace baton::api {

class Disk {
 public:
  Disk();
  ~Disk();  // does what was posted, then joins
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  void post(UniqueFunction<void()> work);

  /// Runs `work` on one of the threads and resumes with what it gives.
  template <class R>
  boost::asio::awaitable<R> run(UniqueFunction<R()> work) {
    R result = co_await net::from_callback<R>([&](UniqueFunction<void(R)> done) {
      post([work = std::move(work), done = std::move(done)]() mutable { done(work()); });
    });
    co_return result;
  }

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace baton::api
