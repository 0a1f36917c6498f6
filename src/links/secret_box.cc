// SPDX-License-Identifier: MIT
#include "links/secret_box.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <boost/json.hpp>

#include <filesystem>
#include <memory>

#include "base/assert.h"
#include "base/file.h"
#include "base/ids.h"
#include "base/text.h"
#include "links/signature.h"

namespace baton::links {
namespace {

namespace json = boost::json;

// NIST SP 800-38D: 96 bits of random nonce, a tag of 128 bits.
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kKey = 32;

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Free>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

tl::unexpected<Error> unreadable() {
  return fail_with_fix(Code::invalid, "restore the file secret-key of the data folder",
                       "a stored secret was encrypted with another key");
}

std::string from_hex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out += static_cast<char>(std::strtol(std::string(text.substr(i, 2)).c_str(), nullptr, 16));
  return out;
}

}  // namespace

Result<SecretBox> SecretBox::open(const std::string& key_file) {
  if (!std::filesystem::exists(key_file))
    BATON_TRY_VOID(replace_file(key_file, random_hex(kKey) + "\n", 0600));
  BATON_TRY(text, read_file(key_file, 1 << 10));
  const std::string_view hex = trim(text);
  const bool good = hex.size() == 2 * kKey &&
                    hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!good)
    return fail_with_fix(Code::invalid, "restore it, or remove it: secrets that wait are lost then",
                         "{} holds no key", key_file);
  return SecretBox(from_hex(hex));
}

std::string SecretBox::seal(const std::map<std::string, std::string>& secrets) const {
  json::object object;
  for (const auto& [name, value] : secrets) object[name] = to_valid_utf8(value);
  const std::string plain = json::serialize(object);
  std::string out(kNonce + plain.size() + kTag, '\0');
  BATON_ASSERT(RAND_bytes(bytes(out), static_cast<int>(kNonce)) == 1, "no randomness");
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  bool ok = cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key_),
                                         bytes(out)) == 1;
  ok = ok && EVP_EncryptUpdate(cipher.get(), bytes(out) + kNonce, &length, bytes(plain),
                               static_cast<int>(plain.size())) == 1;
  ok = ok && EVP_EncryptFinal_ex(cipher.get(), bytes(out) + kNonce + length, &length) == 1;
  ok = ok && EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTag),
                                 bytes(out) + kNonce + plain.size()) == 1;
  BATON_ASSERT(ok, "AES-256-GCM failed");
  return to_base64(out);
}

Result<std::map<std::string, std::string>> SecretBox::unseal(std::string_view sealed) const {
  std::map<std::string, std::string> secrets;
  if (sealed.empty()) return secrets;
  auto in = from_base64(sealed);
  if (!in || in->size() < kNonce + kTag) return unreadable();
  std::string plain(in->size() - kNonce - kTag, '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  bool ok = cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key_),
                                         bytes(*in)) == 1;
  ok = ok && EVP_DecryptUpdate(cipher.get(), bytes(plain), &length, bytes(*in) + kNonce,
                               static_cast<int>(plain.size())) == 1;
  ok = ok && EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTag),
                                 bytes(*in) + kNonce + plain.size()) == 1;
  ok = ok && EVP_DecryptFinal_ex(cipher.get(), bytes(plain) + length, &length) == 1;
  if (!ok) return unreadable();
  boost::system::error_code error;
  const json::value value = json::parse(plain, error);
  if (error || !value.is_object()) return unreadable();
  for (const auto& [name, text] : value.as_object())
    if (text.is_string()) secrets[name] = std::string(text.as_string());
  return secrets;
}

}  // namespace baton::links
