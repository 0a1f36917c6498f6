// SPDX-License-Identifier: MIT
#include "api/remote_file.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "base/log.h"

namespace baton::api {
namespace {

using Done = UniqueFunction<void(Result<std::string>)>;

}  // namespace

struct RemoteFile::State {
  std::mutex mutex;
  std::condition_variable_any room;
  std::deque<std::string> pieces;  // guarded by mutex, as what follows
  std::size_t held = 0;
  bool ended = false;
  Result<void> result;
  Done waiting;  // set while next() waits
  std::stop_source stop;

  bool push(std::string_view bytes) {
    if (bytes.empty()) return !stop.stop_requested();  // an empty piece would be the end
    Done done;
    Result<std::string> piece;
    {
      std::unique_lock lock(mutex);
      const bool has_room = room.wait(lock, stop.get_token(), [&] { return held < kRemoteAhead; });
      if (!has_room || stop.stop_requested()) return false;
      held += bytes.size();
      pieces.emplace_back(bytes);
      if (waiting) {
        done = std::exchange(waiting, {});
        piece = take();
      }
    }
    if (done) done(std::move(piece));
    return true;
  }

  void end(Result<void> how) {
    Done done;
    Result<std::string> piece;
    {
      const std::lock_guard lock(mutex);
      ended = true;
      result = std::move(how);
      if (waiting) {
        done = std::exchange(waiting, {});
        piece = take();
      }
    }
    if (done) done(std::move(piece));
  }

  // Under the lock.
  Result<std::string> take() {
    if (pieces.empty()) {
      if (!result) return tl::unexpected(result.error());
      return std::string{};
    }
    std::string all;
    for (const std::string& piece : pieces) all += piece;
    pieces.clear();
    held = 0;
    room.notify_one();
    return all;
  }
};

Result<std::shared_ptr<RemoteFile>> RemoteFile::start(RemoteCalls& calls, Fetch fetch) {
  auto state = std::make_shared<State>();
  BATON_TRY_VOID(
      calls.post([state, fetch = std::move(fetch)](const std::stop_token& server_stops) mutable {
        const std::stop_callback stop(server_stops, [&] { state->stop.request_stop(); });
        state->end(fetch([&](std::string_view bytes) { return state->push(bytes); },
                         state->stop.get_token()));
      }));
  return std::shared_ptr<RemoteFile>(new RemoteFile(std::move(state)));
}

RemoteFile::~RemoteFile() { state_->stop.request_stop(); }

boost::asio::awaitable<Result<std::string>> RemoteFile::next() {
  Result<std::string> piece = co_await net::from_callback<Result<std::string>>([this](Done done) {
    Result<std::string> now;
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->pieces.empty() && !state_->ended) {
        state_->waiting = std::move(done);
        return;
      }
      now = state_->take();
    }
    done(std::move(now));
  });
  co_return piece;
}

namespace {

boost::asio::awaitable<void> pass_on(net::Sink sink, std::shared_ptr<RemoteFile> file,
                                     std::optional<std::string> first) {
  bool alive = !first || !first->empty();  // a piece without bytes ends the file
  if (alive && first) alive = co_await sink.write(*std::move(first));
  while (alive) {
    auto piece = co_await file->next();
    if (!piece) {
      log::warn("answer.broken_off", {{"error", piece.error().message}});
      sink.cut();  // or it would be taken for the whole
      break;
    }
    if (piece->empty()) break;
    alive = co_await sink.write(*std::move(piece));
  }
}

}  // namespace

net::StreamBody remote_body(std::shared_ptr<RemoteFile> file, std::optional<std::string> first) {
  return [file = std::move(file), first = std::move(first)](net::Sink sink) {
    return pass_on(sink, file, first);
  };
}

}  // namespace baton::api
