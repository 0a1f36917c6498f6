// SPDX-License-Identifier: MIT
#pragma once
// A PostgreSQL cluster of the tests' own: made in a scratch folder, reached through a Unix socket
// there, stopped and removed with the object. It ends with the test process, even a killed one.
// As root it runs as the user `postgres`, because PostgreSQL refuses to run as root.
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace baton::testing {

class PostgresCluster {
 public:
  /// durable: with fsync, for tests that kill it; without, it starts and commits faster.
  static Result<std::unique_ptr<PostgresCluster>> start(bool durable = false);
  /// One per test program, started at the first call.
  static PostgresCluster& shared();
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  /// "postgres://baton@/baton?host=…"
  std::string url() const;
  /// As a crash and a restart of the server: every connection breaks.
  Result<void> restart_at_once();
  /// Ends the server; start_server() brings it back.
  void stop_server(int signal);
  Result<void> start_server();

 private:
  PostgresCluster() = default;
  Result<void> initialise();
  pid_t spawn(const std::string& program, const std::vector<std::string>& arguments);

  std::string folder_;
  bool durable_ = false;
  pid_t server_ = -1;
};

}  // namespace baton::testing
