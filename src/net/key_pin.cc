// SPDX-License-Identifier: MIT
#include "net/key_pin.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>
#include <memory>

namespace baton::net {
namespace {

struct Free {
  void operator()(FILE* file) const { std::fclose(file); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
};

}  // namespace

Result<std::string> key_pin_of(const std::string& certificate_file) {
  const std::unique_ptr<FILE, Free> file{std::fopen(certificate_file.c_str(), "re")};
  const std::unique_ptr<X509, Free> certificate{
      file ? PEM_read_X509(file.get(), nullptr, nullptr, nullptr) : nullptr};
  unsigned char* bytes = nullptr;
  const int size =
      certificate ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &bytes) : 0;
  const std::unique_ptr<unsigned char, Free> owner{bytes};
  if (size <= 0)
    return fail(Code::invalid, "{} cannot be read as a certificate", certificate_file);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned digest_size = 0;
  EVP_Digest(bytes, static_cast<std::size_t>(size), digest.data(), &digest_size, EVP_sha256(),
             nullptr);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> text{};
  const int text_size = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest_size));
  return "sha256//" + std::string(reinterpret_cast<const char*>(text.data()),
                                  static_cast<std::size_t>(text_size));
}

}  // namespace baton::net
