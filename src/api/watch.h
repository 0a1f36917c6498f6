// SPDX-License-Identifier: MIT
#pragma once
// Watch wakes the requests that wait: long polls and event streams. A waiter names a subject of the
// journal ("run:17", or "" for any event) and is woken only by what concerns it. Nobody polls and
// no thread is kept for it: a commit wakes one of the waiters that are parked, which reads the new
// part of the journal and wakes those it is for. When none is parked, the next one to park reads
// first: a waiter that is busy elsewhere (a stream that writes to a slow client) holds nobody up.
// Any thread. Outlives every waiter.
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "engine/feed.h"
#include "model/event.h"
#include "net/await.h"
#include "store/store.h"

namespace baton::api {

class Watch {
 public:
  Watch(store::Store& store, engine::Feed& feed);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Wakes those who wait for this key, for what is not in the journal: output of a run.
  void notify(std::string_view key);

  /// One waiting request. Register, read the state, then wait: a change in between is not missed.
  class Waiter {
   public:
    /// also: another key that wakes it, "" = none.
    Waiter(Watch& watch, std::string key, std::string also = {});
    ~Waiter();
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    /// Parks until something happened to the key; spurious wake-ups are possible.
    boost::asio::awaitable<net::Wake> wait(Duration limit, net::Caller caller);

   private:
    friend class Watch;
    class Parked;
    void hit();

    Watch& watch_;
    std::string key_;
    std::string also_;
    net::Gate gate_;
    std::atomic<bool> hit_ = false;
  };

  std::size_t waiting() const;

 private:
  void add(Waiter& waiter);
  void remove(Waiter& waiter);
  void forget(const std::string& key, const Waiter& waiter);
  void park(Waiter& waiter);
  void unpark(Waiter& waiter);
  void wake_one();
  // Reads the journal up to the feed's position and marks the waiters it concerns.
  void pump();
  void mark(std::string_view key);
  Seq cursor() const;
  Result<std::vector<model::Event>> read(Seq after);

  store::Store& store_;
  engine::Feed& feed_;
  engine::Feed::Subscription subscription_;
  std::mutex pumping_;
  mutable std::mutex mutex_;
  Seq cursor_ = 0;
  std::multimap<std::string, Waiter*, std::less<>> waiters_;
  std::set<const Waiter*> parked_;  // asleep, or just woken
};

}  // namespace baton::api
