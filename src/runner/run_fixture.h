// SPDX-License-Identifier: MIT
#pragma once
// For the tests of this room: a run with real processes against a FakeServer, and what came of it.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "runner/fake_server.h"
#include "runner/supervisor.h"

namespace baton::runner {

struct RunFixture : ::testing::Test {
  std::string folder;
  FakeServer server;
  int epoch = 1;
  std::atomic<bool> cancel_soon = false;

  RunFixture() {
    std::string path = (std::filesystem::temp_directory_path() / "baton-runner-XXXXXX").string();
    folder = ::mkdtemp(path.data());
    server.job.run = RunId{7};
    server.job.suite.name = "it";
    server.job.suite.folder = folder;
    server.job.suite.kill_grace = Duration{300};
  }
  ~RunFixture() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  model::Suite& suite() { return server.job.suite; }
  void shell(const std::string& script) { suite().command = {"/bin/sh", "-c", script}; }
  static std::string self() { return std::filesystem::read_symlink("/proc/self/exe").string(); }
  void file(const std::string& name, const std::string& text) {
    std::ofstream(folder + "/" + name) << text;
  }

  int run() {
    SupervisorOptions options;
    options.folder = folder + "/runner";
    options.epoch = epoch;
    options.make_calls = server.calls();
    Supervisor supervisor(options);
    const auto code = supervisor.run();
    EXPECT_TRUE(code) << code.error().message;
    return code.value_or(-1);
  }

  template <class T>
  std::vector<T> all() {
    std::vector<T> found;
    for (const wire::Record& record : server.records()) {
      if (const T* body = std::get_if<T>(&record.body)) found.push_back(*body);
    }
    return found;
  }
  /// "name#attempt outcome" in order of their end.
  std::vector<std::string> outcomes() {
    std::vector<std::string> found;
    for (const auto& item : all<wire::AttemptFinished>()) {
      found.push_back(fmt::format("{}#{} {}", item.test, item.attempt, name_of(item.outcome)));
    }
    return found;
  }
  wire::AttemptFinished only() {
    const auto found = all<wire::AttemptFinished>();
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? wire::AttemptFinished{} : found.front();
  }
  model::Ending ending() {
    const auto found = all<wire::FinishedRecord>();
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? model::Ending::errored : found.front().ending;
  }
  std::string message() {
    const auto found = all<wire::FinishedRecord>();
    return found.empty() ? "" : found.front().message;
  }
  std::string output(const std::string& test, int attempt) {
    std::string text;
    for (const auto& chunk : all<wire::OutputRecord>()) {
      if (chunk.test != test || chunk.attempt != attempt) continue;
      if (chunk.codec == wire::Codec::raw) {
        text += chunk.payload;
        continue;
      }
      std::string plain(static_cast<std::size_t>(chunk.bytes), '\0');
      EXPECT_EQ(
          ZSTD_decompress(plain.data(), plain.size(), chunk.payload.data(), chunk.payload.size()),
          plain.size());
      text += plain;
    }
    return text;
  }
};

}  // namespace baton::runner
