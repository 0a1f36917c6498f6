// SPDX-License-Identifier: MIT
#pragma once
// What the parts that run a suite share. Owned by the supervisor, which outlives them; one thread.
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runner/artifacts.h"
#include "runner/background.h"
#include "runner/environment.h"
#include "runner/forest.h"
#include "runner/guard.h"
#include "runner/loop.h"
#include "runner/pipe_reader.h"
#include "runner/recorder.h"
#include "runner/schedule.h"
#include "wire/job.h"

namespace baton::runner {

struct RunContext {
  Loop& loop;
  Forest& forest;
  Recorder& recorder;
  Readers& readers;
  Schedule& schedule;
  Background& background;
  Artifacts& artifacts;
  const wire::Job& job;
  std::string folder;   // the suite's working directory, absolute
  std::string scratch;  // folder for the scratch folders of processes
  int cgroup;           // of its test processes (Launch::cgroup), or -1
  std::string key;      // marks every process of the run
  OutputStream& suite_output;
  bool open = false;        // the cases are not known before they run
  bool everything = false;  // no case was left out of what the tool would run by itself
  /// Whether the run's filter takes a case that was not known before; empty takes all.
  std::function<bool(const std::string& name)> wanted = {};
  std::uint64_t serial = 0;  // counts processes
  std::vector<std::string> spare_scratch = {};  // empty folders; at most as many as workers

  /// A mark that only one process tree has.
  std::string next_mark() { return fmt::format("{}.{}", key, ++serial); }
  /// The path of a scratch folder that does not exist yet; who needs it makes it.
  std::string name_scratch() { return fmt::format("{}/{}", scratch, ++serial); }
  /// An empty folder, named by a number. Errors: unavailable.
  Result<std::string> make_scratch();
  void remove_scratch(const std::string& folder);
  /// Removes what is in a folder of make_scratch() and keeps it for the next process.
  void empty_scratch(const std::string& folder);
  /// A line of Baton's own in the suite's output.
  void say(std::string_view text);
  Duration timeout_of(const model::Case& item) const {
    return item.timeout.value_or(job.suite.attempt_timeout);
  }
};

/// How a suite was brought to its end.
using OnEnd = std::function<void(model::Ending ending, std::string message)>;

/// Runs what the schedule holds: one for fork servers, one for tools.
class Driver {
 public:
  virtual ~Driver() = default;
  virtual void start() = 0;
  /// Starts nothing more and ends what runs with this outcome; OnEnd follows.
  virtual void stop(model::Outcome outcome) = 0;
};

std::unique_ptr<Driver> make_cpp_driver(RunContext& context, OnEnd on_end);
std::unique_ptr<Driver> make_tool_driver(RunContext& context, OnEnd on_end);

/// Failed, errored or timed out: what is tried again.
inline bool is_failure(model::Outcome outcome) {
  return outcome == model::Outcome::failed || outcome == model::Outcome::errored ||
         outcome == model::Outcome::timed_out;
}

/// Valid UTF-8, cut at wire::kMessageMax: the log has the rest.
std::string kept_message(std::string_view message);

}  // namespace baton::runner
