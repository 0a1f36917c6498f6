// SPDX-License-Identifier: MIT
#include "api/disk.h"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace baton::api {
namespace {

// As many fsyncs as are useful at once on one disk.
constexpr std::size_t kThreads = 4;

}  // namespace

struct Disk::Pool {
  boost::asio::thread_pool threads{kThreads};
};

Disk::Disk() : pool_(std::make_unique<Pool>()) {}

Disk::~Disk() { pool_->threads.join(); }

void Disk::post(UniqueFunction<void()> work) {
  boost::asio::post(pool_->threads, [work = std::move(work)]() mutable { work(); });
}

}  // namespace baton::api
