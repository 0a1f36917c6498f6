// SPDX-License-Identifier: MIT
#pragma once
// Asks a suite's program for its cases beside the loop: its own process, a time-out, whole-tree
// kill.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runner/kinds/tool.h"
#include "runner/run_context.h"

namespace baton::runner {

class ListTask {
 public:
  using OnCases = std::function<void(Result<std::vector<model::Case>> cases)>;
  ListTask(Loop& loop, Forest& forest, Readers& readers, Duration grace);
  /// `scratch` outlives the task. on_cases is called from the loop, never from within start().
  void start(const model::Suite& suite, Launch launch, const std::string& scratch,
             OnCases on_cases);
  /// Ends the process; on_cases gets an error.
  void stop();

 private:
  void fail_later(Error error);

  Loop& loop_;
  Forest& forest_;
  Readers& readers_;
  Duration grace_;
  OnCases on_cases_;
  Step step_;
  Collected collected_;
  std::unique_ptr<Guard> guard_;
  std::unique_ptr<PipeReader> output_;
  std::unique_ptr<PipeReader> errors_;
};

}  // namespace baton::runner
