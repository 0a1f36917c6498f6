// SPDX-License-Identifier: MIT
#pragma once
// Bytes over a non-blocking socket, plain or through TLS. Never waits: a step says what it did, or
// for what the caller must wait before it tries again. One thread at a time.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/server.h"

namespace baton::net {

struct Step {
  enum class Kind {
    done,        // `bytes` were moved
    wait_read,   // try again when the socket is readable
    wait_write,  // try again when it is writable
    end,         // the other side closed
    failed,
  };
  Kind kind = Kind::failed;
  std::size_t bytes = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual Step handshake() = 0;
  virtual Step read(char* buffer, std::size_t size) = 0;
  virtual Step write(const char* bytes, std::size_t size) = 0;
  /// Sends from a file; `end` when the file is shorter than that.
  virtual Step send_file(int file, std::uint64_t offset, std::uint64_t size) = 0;
  /// Says that nothing more will be written (TLS close_notify and the FIN of TCP).
  virtual void finish_writing() = 0;
};

/// The socket stays the caller's.
std::unique_ptr<Transport> make_plain_transport(int socket);

/// Certificate and key, read once; shared by all connections and threads.
class TlsContext {
 public:
  /// Errors: invalid (a file cannot be read, is no PEM, or key and certificate do not match).
  static Result<std::shared_ptr<TlsContext>> load(const TlsOptions& options);
  virtual ~TlsContext() = default;
  virtual std::unique_ptr<Transport> make_transport(int socket) = 0;
};

}  // namespace baton::net
