// SPDX-License-Identifier: MIT
#pragma once
// Testkube as the producer of verdicts: one poller for each profile of links.testkube, so that a
// peer that is down holds nobody else up. Learns from the journal which gates wait.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/testkube_poller.h"
#include "engine/feed.h"
#include "engine/rules.h"
#include "engine/writer.h"
#include "model/link.h"
#include "store/store.h"

namespace baton::app {

class TestkubeWatch {
 public:
  struct Parts {
    store::Store& store;
    engine::Feed& feed;
    engine::Writer& writer;  // that was started
    const engine::Rules& rules;
    std::vector<model::LinkProfile> profiles;  // those of another kind are left out
    AppendGateLog append;
    engine::Writer::Clock clock;  // the writer's; any thread
  };
  /// Goes on with the gates that an earlier server left pending. The references outlive it.
  explicit TestkubeWatch(Parts parts);
  ~TestkubeWatch();  // stops: what is under way is cancelled

  /// A webhook of this profile says that something happened to the execution ("" = to some): it is
  /// looked at now, and the word of the webhook is not taken. Any thread; does not block; harmless
  /// to repeat. Without such a profile, or a pending gate, nothing happens.
  void look_again(std::string_view profile, const std::string& execution);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::app
