// SPDX-License-Identifier: MIT
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

#include "net/transport.h"

namespace baton::net {
namespace {

// One TLS record.
constexpr std::size_t kFileStep = 16 * 1024;

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

int clamp_size(std::size_t size) {
  return static_cast<int>(
      std::min(size, static_cast<std::size_t>(std::numeric_limits<int>::max())));
}

class TlsTransport final : public Transport {
 public:
  TlsTransport(SSL_CTX* context, int socket) : ssl_(SSL_new(context)), socket_(socket) {
    if (ssl_ && SSL_set_fd(ssl_.get(), socket) == 1) SSL_set_accept_state(ssl_.get());
  }

  Step handshake() override {
    if (!ssl_) return {Step::Kind::failed};
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    return result == 1 ? Step{Step::Kind::done} : not_moved(result);
  }

  Step read(char* buffer, std::size_t size) override {
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), buffer, clamp_size(size));
    if (count > 0) return {Step::Kind::done, static_cast<std::size_t>(count)};
    return not_moved(count);
  }

  Step write(const char* bytes, std::size_t size) override {
    ERR_clear_error();
    const int count = SSL_write(ssl_.get(), bytes, clamp_size(size));
    if (count > 0) return {Step::Kind::done, static_cast<std::size_t>(count)};
    return not_moved(count);
  }

  Step send_file(int file, std::uint64_t offset, std::uint64_t size) override {
    // A write that must be repeated reads the same bytes again, as OpenSSL demands.
    std::array<char, kFileStep> block;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, block.size()));
    const ssize_t count = ::pread(file, block.data(), wanted, static_cast<off_t>(offset));
    if (count < 0) return {Step::Kind::failed};
    if (count == 0) return {Step::Kind::end};
    return write(block.data(), static_cast<std::size_t>(count));
  }

  void finish_writing() override {
    ERR_clear_error();
    if (ssl_ && SSL_is_init_finished(ssl_.get()) && !failed_) SSL_shutdown(ssl_.get());
    ::shutdown(socket_, SHUT_WR);
  }

 private:
  Step not_moved(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ: return {Step::Kind::wait_read};
      case SSL_ERROR_WANT_WRITE: return {Step::Kind::wait_write};
      case SSL_ERROR_ZERO_RETURN: return {Step::Kind::end};
      default:
        failed_ = true;  // SSL_shutdown must not be called after it
        return {Step::Kind::failed};
    }
  }

  std::unique_ptr<SSL, SslFree> ssl_;
  int socket_;
  bool failed_ = false;
};

/// The only protocol spoken here; a client that offers h2 as well gets this one.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof kHttp11 - 1, in, in_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::string openssl_error() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  if (code == 0) return "unknown error";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

class OpenSslContext final : public TlsContext {
 public:
  explicit OpenSslContext(SSL_CTX* context) : context_(context) {}
  std::unique_ptr<Transport> make_transport(int socket) override {
    return std::make_unique<TlsTransport>(context_.get(), socket);
  }

 private:
  std::unique_ptr<SSL_CTX, SslFree> context_;
};

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::load(const TlsOptions& options) {
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return fail(Code::internal, "OpenSSL: {}", openssl_error());
  auto owner = std::make_shared<OpenSslContext>(context);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Idle connections hold no buffers (32 KiB each otherwise).
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets resume without memory
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1) {
    return fail_with_fix(Code::invalid, "give a PEM file with the certificate and its chain",
                         "certificate {}: {}", options.certificate_file, openssl_error());
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return fail_with_fix(Code::invalid, "give the PEM key that belongs to the certificate",
                         "key {}: {}", options.key_file, openssl_error());
  }
  return owner;
}

}  // namespace baton::net
