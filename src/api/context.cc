// SPDX-License-Identifier: MIT
#include "api/context.h"

#include "store/tx.h"

namespace baton::api {
namespace {

// Where the journal ends now: what is older was counted by the process before.
Seq end_of_journal(store::Store& store) {
  auto snapshot = store.snapshot();
  if (!snapshot) return 0;
  return store::last_journal_seq(snapshot->sql()).value_or(0);
}

}  // namespace

Context::Context(Parts parts, Settings settings_in)
    : store(parts.store),
      writer(parts.writer),
      feed(parts.feed),
      rules(parts.rules),
      streams(parts.streams),
      artifacts(parts.artifacts),
      clock(std::move(parts.clock)),
      settings(std::move(settings_in)),
      watch(store, feed),
      journal_metrics(store, metrics, end_of_journal(store)),
      tokens(store) {}

}  // namespace baton::api
