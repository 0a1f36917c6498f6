// SPDX-License-Identifier: MIT
#pragma once
// Runs the suites of test tools: one process per case, several at a time, or one process for all
// cases and then one for each round of retries.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/run_context.h"
#include "runner/tool_process.h"

namespace baton::runner {

class ToolDriver final : public Driver {
 public:
  ToolDriver(RunContext& context, OnEnd on_end);
  ~ToolDriver() override;
  void start() override { fill(); }
  void stop(model::Outcome outcome) override;

 private:
  void fill();
  bool start_single(const Turn& turn);
  bool start_several();
  bool launch(ToolProcess::Order order);
  void process_ended(std::uint64_t id, const ToolProcess::End& end);
  void not_run(const ToolProcess::End& end);
  void errored(const Turn& turn, const std::string& why);

  RunContext& c_;
  OnEnd on_end_;
  const ToolTraits& traits_;
  bool single_;
  bool began_ = false;   // the first process of an open suite was started
  bool broken_ = false;  // the program cannot be started
  std::map<std::uint64_t, std::unique_ptr<ToolProcess>> processes_;
  std::uint64_t last_id_ = 0;
  std::optional<model::Outcome> stopping_;
  std::optional<Loop::Timer> retry_timer_;
  std::string problem_;
  bool ended_ = false;
};

}  // namespace baton::runner
