// SPDX-License-Identifier: MIT
#pragma once
// A file that is fetched from elsewhere while it is sent on: a thread of the remote calls reads it
// and stops when the client does not keep up, so that of a file of any size only kRemoteAhead bytes
// are held. It may be dropped at any time, on any thread, and blocks none: the fetch is cancelled,
// and its place is free when it has ended.
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "api/remote_calls.h"
#include "base/result.h"
#include "net/http.h"

namespace baton::api {

/// Read ahead of the client.
inline constexpr std::size_t kRemoteAhead = 1 << 20;

class RemoteFile {
 public:
  /// Takes the next bytes; false when nobody wants them any more.
  using Push = std::function<bool(std::string_view)>;
  /// Runs on the thread: gives every byte to `push` and returns at the end.
  using Fetch = UniqueFunction<Result<void>(const Push& push, const std::stop_token& stop)>;

  /// Errors: those of RemoteCalls::post.
  static Result<std::shared_ptr<RemoteFile>> start(RemoteCalls& calls, Fetch fetch);
  ~RemoteFile();
  RemoteFile(const RemoteFile&) = delete;
  RemoteFile& operator=(const RemoteFile&) = delete;

  /// The next piece, "" at the end; the error by which the fetch ended early.
  boost::asio::awaitable<Result<std::string>> next();

 private:
  struct State;
  explicit RemoteFile(std::shared_ptr<State> state) : state_(std::move(state)) {}

  const std::shared_ptr<State> state_;  // shared with the fetch
};

/// A body: `first` where that was taken already, then the rest of the file. One that ends early is
/// cut.
net::StreamBody remote_body(std::shared_ptr<RemoteFile> file,
                            std::optional<std::string> first = std::nullopt);

}  // namespace baton::api
