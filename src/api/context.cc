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

Settings tidied(Settings settings) {
  while (settings.public_url.ends_with('/')) settings.public_url.pop_back();
  return settings;
}

}  // namespace

Context::Context(Parts parts, Settings settings_in)
    : store(parts.store),
      writer(parts.writer),
      feed(parts.feed),
      rules(parts.rules),
      streams(parts.streams),
      artifacts(parts.artifacts),
      gate_logs(parts.gate_logs),
      secret_box(parts.secret_box),
      clock(std::move(parts.clock)),
      settings(tidied(std::move(settings_in))),
      watch(store, feed),
      journal_metrics(store, metrics, end_of_journal(store)),
      tokens(store) {}

}  // namespace baton::api
