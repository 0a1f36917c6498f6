// SPDX-License-Identifier: MIT
#include "app/cleaner.h"

#include <boost/json.hpp>

#include "app/journal_reader.h"
#include "base/log.h"
#include "engine/retention_ops.h"
#include "store/blobs/artifact_references.h"
#include "store/gate_table.h"
#include "store/journal_table.h"
#include "store/run_table.h"

namespace baton::app {
namespace {

constexpr std::string_view kReader = "cleaner";

// The digests that no other run has: a file is removed with the last run that shows it.
std::vector<std::string> digests_of(const model::Event& event) {
  std::vector<std::string> digests;
  boost::system::error_code bad;
  const boost::json::value data = boost::json::parse(event.data, bad);
  if (bad || !data.is_object()) return digests;
  const auto* list = data.get_object().if_contains("digests");
  if (list == nullptr || !list->is_array()) return digests;
  for (const auto& digest : list->get_array())
    if (digest.is_string()) digests.emplace_back(digest.get_string());
  return digests;
}

}  // namespace

struct Cleaner::State {
  engine::Writer& writer;
  std::unique_ptr<JournalReader> reader;
  std::unique_ptr<JournalReader> gates;
};

Cleaner::Cleaner(store::Store& store, engine::Feed& feed, engine::Writer& writer,
                 store::RunStreams& streams, store::ArtifactBlobs& artifacts,
                 store::GateLogs& gate_logs)
    : state_(std::make_unique<State>(State{writer, nullptr, nullptr})) {
  Seq after = 0;
  if (auto snapshot = store.snapshot())
    if (const auto position = store::reader_position(snapshot->sql(), kReader))
      after = position->value_or(0);
  // Artifacts of gates that nothing else names are found by the sweep. Nothing finds a log whose
  // removal a crash prevented: one of gates that were 90 days old.
  state_->gates = std::make_unique<JournalReader>(JournalReader::Parts{
      store, feed, "gate.deleted", after,
      [&gate_logs](const model::Event& event) {
        return gate_logs.remove(store::gate_of_subject(event.subject));
      },
      {}});
  state_->reader = std::make_unique<JournalReader>(JournalReader::Parts{
      store, feed, "run.deleted", after,
      [&store, &streams, &artifacts](const model::Event& event) -> Result<void> {
        BATON_TRY_VOID(streams.remove(store::run_of_subject(event.subject)));
        for (const std::string& digest : digests_of(event)) {
          // Another run may have stored the same bytes since the event was written.
          BATON_TRY_VOID(artifacts.remove_unless(digest, [&]() -> Result<bool> {
            BATON_TRY(snapshot, store.snapshot());
            return store::is_referenced(snapshot.sql(), digest);
          }));
        }
        return {};
      },
      [&writer](Seq seq) {
        const auto moved = writer.run<void>([&](engine::Context& context) {
          return engine::advance_reader(context, kReader, seq);
        });
        if (!moved) log::debug("cleaner.position_not_stored", {{"error", moved.error().message}});
      }});
}

Cleaner::~Cleaner() = default;

}  // namespace baton::app
