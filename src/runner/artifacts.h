// SPDX-License-Identifier: MIT
#pragma once
// Artifacts on their way to the server: a copy in the runner's folder is taken at once, because the
// next attempt may overwrite the file, and sent by a thread of its own when the server answers.
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "client/runner_calls.h"
#include "runner/background.h"
#include "runner/files_found.h"
#include "runner/loop.h"
#include "runner/recorder.h"
#include "wire/job.h"

namespace baton::runner {

class Artifacts {
 public:
  Artifacts(Loop& loop, Background& background, Recorder& recorder,
            client::MakeRunnerCalls make_calls, std::string folder, wire::JobLimits limits);
  ~Artifacts();
  Artifacts(const Artifacts&) = delete;
  Artifacts& operator=(const Artifacts&) = delete;

  struct Owner {
    std::string test;  // "" for the run
    int attempt = 0;
  };
  /// Takes the files that match; `done` gets what a person should know of what was left out.
  using Done = std::function<void(std::vector<std::string> problems)>;
  void collect(Owner owner, Search search, Done done);
  /// Takes one file that a test named.
  void take(Owner owner, std::string file, std::string name, Done done);

  /// Nothing is on its way.
  bool idle() const { return waiting_ == 0; }
  /// Called whenever it becomes so.
  void on_idle(std::function<void()> handler) { on_idle_ = std::move(handler); }

 private:
  Result<void> copy(const Owner& owner, const std::string& folder, const std::string& path,
                    const std::string& name);
  void send(const std::stop_token& stop);
  void stored(const client::ArtifactUpload& upload, const Result<client::StoredArtifact>& stored);

  Loop& loop_;
  Background& background_;
  Recorder& recorder_;
  client::MakeRunnerCalls make_calls_;
  std::string folder_;
  wire::JobLimits limits_;
  std::function<void()> on_idle_;
  int waiting_ = 0;          // copies and uploads not done; the loop's
  std::uint64_t copies_ = 0;  // the background's
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<client::ArtifactUpload> queue_;  // guarded by mutex_
  std::jthread thread_;                       // started with the first upload
};

}  // namespace baton::runner
