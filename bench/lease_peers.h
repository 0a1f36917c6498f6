// SPDX-License-Identifier: MIT
#pragma once
// A client's connection to each of the systems that are measured: the same two calls, over one
// connection that stays open, each answer awaited.
#include <chrono>
#include <memory>
#include <string>

namespace baton::bench {

/// What is asked: a lock by its name.
class Peer {
 public:
  virtual ~Peer() = default;
  /// Takes it, or waits for it where the system can.
  virtual void acquire() = 0;
  virtual void release() = 0;
  /// Asks for what another holds, without waiting; then wait() until it is given.
  virtual void ask() {}
  virtual void wait() {}
};

struct Target {
  std::string system;   // baton, redis, postgres, etcd, floor
  std::string address;  // a port of 127.0.0.1, or for postgres a connection string
  std::string token;    // baton's
};

/// Aborts with a message when the system cannot be reached: a benchmark has nothing to go on with.
std::unique_ptr<Peer> connect_to(const Target& target, const std::string& name);

}  // namespace baton::bench
