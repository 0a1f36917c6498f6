// SPDX-License-Identifier: MIT
#pragma once
// A thread that follows the journal: calls back for each event of a prefix, in order, and sleeps
// while there is none. What fails is tried again after a second from the same event.
#include <functional>
#include <memory>
#include <string>

#include "engine/feed.h"
#include "model/event.h"
#include "store/store.h"

namespace baton::app {

class JournalReader {
 public:
  struct Parts {
    store::Store& store;
    engine::Feed& feed;
    std::string prefix;  // "run."
    Seq after = 0;       // begins behind this event
    std::function<Result<void>(const model::Event&)> on_event;
    /// May be empty: everything up to there was handled. Called for each page with such events, and
    /// now and then when there were none for long.
    std::function<void(Seq)> on_page;
    /// Not more often than so: for what may come a moment later, of a journal that never rests.
    Duration pace{0};
  };
  explicit JournalReader(Parts parts);
  ~JournalReader();  // stops after the event at hand

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
