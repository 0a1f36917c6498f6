// SPDX-License-Identifier: MIT
#pragma once
// The data of a run.recorded event: all that one batch of records, or the end of a run, did to
// cases and attempts (docs/formats/events.md). Written member by member; take() closes it.
#include <string>
#include <string_view>

#include "model/record.h"
#include "store/run_table.h"

namespace baton::engine {

class RecordEvent {
 public:
  void planned(std::string_view test);
  void started(std::string_view test, int attempt);
  void finished(std::string_view test, const model::Attempt& attempt);
  void verdict(std::string_view test, model::CaseVerdict verdict);
  /// Every case without a verdict got this one.
  void settled(model::CaseVerdict verdict);
  void setup(const model::SetupRecord& setup);
  void artifact(const model::Artifact& artifact);

  bool empty() const { return lists_.empty() && extra_.empty(); }
  /// The JSON object, with the run's epoch, acked and counts.
  std::string take(const model::Run& run);

 private:
  enum List { kPlanned, kStarted, kFinished, kCases, kArtifacts, kLists };
  void item(List list, std::string text);

  struct Lists {
    std::string text[kLists];
    bool empty() const;
  } lists_;
  std::string extra_;
};

}  // namespace baton::engine
