// SPDX-License-Identifier: MIT
#include "api/remote_file.h"

#include <utility>

namespace baton::api {

RemoteFile::RemoteFile(Fetch fetch)
    : thread_([this, fetch = std::move(fetch)](const std::stop_token& stop) {
        const std::stop_callback wake(stop, [this] {
          const std::lock_guard lock(mutex_);
          room_.notify_all();
        });
        end(fetch([this](std::string_view bytes) { return push(bytes); }, stop));
      }) {}

RemoteFile::~RemoteFile() {
  thread_.request_stop();
  thread_.join();
}

bool RemoteFile::push(std::string_view bytes) {
  Done done;
  Result<std::string> piece;
  {
    std::unique_lock lock(mutex_);
    const auto stopped = [this] { return thread_.get_stop_token().stop_requested(); };
    room_.wait(lock, [&] { return held_ < kRemoteAhead || stopped(); });
    if (stopped()) return false;
    held_ += bytes.size();
    pieces_.emplace_back(bytes);
    if (waiting_) {
      done = std::exchange(waiting_, {});
      piece = take();
    }
  }
  if (done) done(std::move(piece));
  return true;
}

void RemoteFile::end(Result<void> result) {
  Done done;
  Result<std::string> piece;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    result_ = std::move(result);
    if (waiting_) {
      done = std::exchange(waiting_, {});
      piece = take();
    }
  }
  if (done) done(std::move(piece));
}

Result<std::string> RemoteFile::take() {
  if (pieces_.empty()) {
    if (!result_) return tl::unexpected(result_.error());
    return std::string{};
  }
  std::string all;
  for (const std::string& piece : pieces_) all += piece;
  pieces_.clear();
  held_ = 0;
  room_.notify_one();
  return all;
}

boost::asio::awaitable<Result<std::string>> RemoteFile::next() {
  Result<std::string> piece = co_await net::from_callback<Result<std::string>>([this](Done done) {
    Result<std::string> now;
    {
      const std::lock_guard lock(mutex_);
      if (pieces_.empty() && !ended_) {
        waiting_ = std::move(done);
        return;
      }
      now = take();
    }
    done(std::move(now));
  });
  co_return piece;
}

}  // namespace baton::api
