// SPDX-License-Identifier: MIT
#pragma once
// A file that is fetched from elsewhere while it is sent on: a thread reads it and stops when the
// client does not keep up, so that of a file of any size only kRemoteAhead bytes are held.
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"
#include "net/await.h"

namespace baton::api {

/// Read ahead of the client.
inline constexpr std::size_t kRemoteAhead = 1 << 20;
/// At the same time; beyond it 503. Each has a thread and a connection.
inline constexpr int kRemoteFilesMax = 64;

class RemoteFile {
 public:
  /// Takes the next bytes; false when nobody wants them any more.
  using Push = std::function<bool(std::string_view)>;
  /// Runs on the thread: gives every byte to `push` and returns at the end.
  using Fetch = std::function<Result<void>(const Push& push, const std::stop_token& stop)>;

  explicit RemoteFile(Fetch fetch);
  ~RemoteFile();  // cancels; waits for the thread, at most about a second

  /// The next piece, "" at the end; the error by which the fetch ended early.
  boost::asio::awaitable<Result<std::string>> next();

 private:
  using Done = UniqueFunction<void(Result<std::string>)>;
  bool push(std::string_view bytes);
  void end(Result<void> result);
  Result<std::string> take();  // under the lock

  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<std::string> pieces_;
  std::size_t held_ = 0;
  bool ended_ = false;
  Result<void> result_;
  Done waiting_;  // set while next() waits
  std::jthread thread_;
};

}  // namespace baton::api
