// SPDX-License-Identifier: MIT
#include "app/testkube_watch.h"

#include "app/journal_reader.h"
#include "store/gate_table.h"

namespace baton::app {
namespace {

bool changes_gates(std::string_view kind) {
  return kind == "gate.opened" || kind == "gate.decided" || kind == "gate.cancelled" ||
         kind == "gate.superseded";
}

}  // namespace

struct TestkubeWatch::State {
  std::vector<std::unique_ptr<TestkubePoller>> pollers;
  std::unique_ptr<JournalReader> reader;
};

TestkubeWatch::TestkubeWatch(Parts parts) : state_(std::make_unique<State>()) {
  // The position first, the gates as they are after it: nothing falls between the two.
  JournalReader::Parts journal{parts.store, parts.feed, "gate.", parts.feed.last(), {}, {}};
  for (model::LinkProfile& profile : parts.profiles) {
    if (profile.kind != model::LinkKind::testkube) continue;
    state_->pollers.push_back(std::make_unique<TestkubePoller>(TestkubePoller::Parts{
        parts.store, parts.writer, parts.rules, std::move(profile), parts.append, parts.clock}));
  }
  if (state_->pollers.empty()) return;
  journal.on_event = [state = state_.get(),
                      &store = parts.store](const model::Event& event) -> Result<void> {
    if (!changes_gates(event.kind)) return {};
    // Each reads all of its gates again: not for those of others.
    BATON_TRY(snapshot, store.snapshot());
    BATON_TRY(gate, store::find_gate(snapshot.sql(), store::gate_of_subject(event.subject)));
    if (!gate) return {};
    const std::string watcher = store::watcher_of(gate->request.subject);
    for (const auto& poller : state->pollers)
      if (poller->watcher() == watcher) poller->gates_changed();
    return {};
  };
  state_->reader = std::make_unique<JournalReader>(std::move(journal));
}

TestkubeWatch::~TestkubeWatch() {
  state_->reader.reset();
  state_->pollers.clear();
}

void TestkubeWatch::look_again(std::string_view profile, const std::string& execution) {
  for (const auto& poller : state_->pollers)
    if (poller->name() == profile) poller->look_again(execution);
}

}  // namespace baton::app
