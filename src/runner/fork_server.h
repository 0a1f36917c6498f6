// SPDX-License-Identifier: MIT
#pragma once
// The runner's end of a C++ suite's fork server (docs/formats/suite-protocol.md): the process, its
// channel, and what an attempt tells on its events descriptor. On the supervisor's thread.
#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "model/run.h"
#include "runner/loop.h"
#include "runner/process.h"

namespace baton::runner {

/// What a setup, a teardown or an attempt said on its events descriptor.
struct AttemptReport {
  bool finished = false;  // it came to its end
  model::Outcome outcome = model::Outcome::passed;
  bool soft_failure = false;
  std::string message;
  std::string file;
  int line = 0;
  std::vector<model::Span> spans;
  std::vector<std::pair<std::string, std::string>> values;
  bool left_out = false;  // spans or values, as there were too many
};

/// Reads the events: newline-delimited JSON, of which lines that make no sense are ignored.
class EventReader {
 public:
  std::function<void(Duration timeout)> on_timeout;  // counts from now
  std::function<void(std::string path, std::string name)> on_artifact;

  void feed(std::string_view bytes);
  AttemptReport& report() { return report_; }

 private:
  void line(std::string_view text);
  void value(std::string key, std::string value);
  bool has_room(std::size_t bytes);

  std::string buffer_;
  AttemptReport report_;
  std::unordered_map<std::string, std::size_t> value_places_;  // by key, in report_.values
  std::size_t details_ = 0;  // bytes of spans and values
  bool failed_ = false;
};

/// What the fork server says.
struct ForkServerEvents {
  std::function<void(std::int64_t threads)> hello;
  std::function<void(bool ok, std::int64_t threads)> setup_done;
  std::function<void(bool ok)> teardown_done;
  std::function<void(std::int64_t id, pid_t pid)> started;
  std::function<void(std::int64_t id, int wait_status)> exited;
  std::function<void()> closed;  // it speaks no more, or nonsense
};

class ForkServer {
 public:
  ForkServer(Loop& loop, ForkServerEvents events);
  ~ForkServer();
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;

  /// Starts `command exec --suite NAME --fd 3`. Result: its pid. Errors: as launch().
  Result<pid_t> start(Launch launch, const std::string& suite);
  /// `output` and `events` are writing ends; the other process gets copies.
  bool setup(const std::string& dir, int output, int events);
  bool teardown(const std::string& dir, int output, int events);
  bool attempt(std::int64_t id, const std::string& test, int number, const std::string& dir,
               const Variables& environment, int output, int events);
  /// End of file for it: it exits.
  void close();

 private:
  bool send(const std::string& json, int output, int events);
  void on_readable();
  void handle(std::string_view json);

  Loop& loop_;
  ForkServerEvents events_;
  Fd socket_;
  Loop::Watch watch_{};
};

}  // namespace baton::runner
