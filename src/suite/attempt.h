// SPDX-License-Identifier: MIT
#pragma once
// What stands behind baton::T: the state of the attempt (or setup or teardown) that runs in this
// process. Failures, spans, values and cleanups are collected here and told to the runner as
// events. Its functions may be called from any thread of the test.
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <baton/baton.h>

#include "suite/events.h"

namespace baton::suite {

enum class Outcome { passed, failed, errored, skipped };
std::string_view name_of(Outcome outcome);

/// Thrown to unwind a test that has ended. Not a std::exception, so that a test's own handlers let
/// it through; what it stands for is recorded before it is thrown.
struct AttemptEnd {};

/// Who runs.
struct Setting {
  std::string suite;  // "namespace/name"
  std::string test;
  std::string parameter;
  std::string file;  // where the test is defined: the place of an exception
  int line = 0;
  int number = 1;
  std::string dir;  // scratch of this attempt; made when first needed; "" = a fresh temporary one
};

/// What became of it.
struct Ended {
  Outcome outcome = Outcome::passed;
  std::string message;
  std::string file;
  int line = 0;
  bool soft_failure = false;
};

/// A copy of `text` that lives as long as the process.
Text keep(std::string_view text);

}  // namespace baton::suite

namespace baton::detail {

class Attempt {
 public:
  using Values = std::map<std::string, std::string, std::less<>>;

  Attempt(suite::Setting setting, suite::EventSink& events, Values values = {});
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  /// The attempt whose body or cleanups run now in this process; null outside.
  static Attempt* current();

  /// Calls `body`, turning what it throws into failures. Does not run the cleanups.
  void run(const std::function<void(T&)>& body);
  /// Last in, first out; what one throws is recorded and the next one runs.
  void run_cleanups();
  /// Closes open spans and says how it ended. `finished_event` is its last event.
  suite::Ended finish();
  std::string finished_event() const;
  /// For a thread that dies of an exception: reports it and ends the process.
  [[noreturn]] void die(std::string_view message);

  void fail(std::string message, std::string file, int line, bool fatal,
            suite::Outcome as = suite::Outcome::failed);
  /// Ends the test by throwing, where that is possible: on the test's own thread.
  [[noreturn]] void end();
  [[noreturn]] void skip(std::string_view reason);
  void set_soft();
  bool failed() const;
  std::size_t open_span(std::string_view name, Attributes context);
  void set_span(std::size_t index, std::string_view key, std::string value);
  void close_span(std::size_t index);
  void set_value(std::string_view key, std::string value);
  std::optional<std::string> value(std::string_view key) const;
  const Values& values() const { return values_; }
  void add_cleanup(Callback callback);
  void keep_artifact(const std::string& path, std::string name);
  void set_timeout(std::int64_t ms);
  /// Made on first use.
  Text temp_dir();
  const suite::Setting& setting() const { return setting_; }

 private:
  struct OpenSpan {
    std::string name;
    std::int64_t started_at = 0;
    std::chrono::steady_clock::time_point start;
    std::vector<std::pair<std::string, std::string>> context;
    bool open = true;
  };
  std::string folder();  // setting_.dir, or a temporary one
  void guarded(const std::function<void()>& body, std::string_view where);

  const suite::Setting setting_;
  suite::EventSink& events_;
  const pid_t process_;
  const std::thread::id thread_;
  mutable std::recursive_mutex mutex_;
  suite::Ended ended_;
  int failures_ = 0;
  std::vector<OpenSpan> spans_;
  Values values_;
  std::vector<Callback> cleanups_;
  std::string own_dir_;  // a temporary folder to remove
  Text temp_dir_;
  int artifacts_ = 0;
  T t_{this};  // lives as long as the cleanups, which may refer to it
};

}  // namespace baton::detail
