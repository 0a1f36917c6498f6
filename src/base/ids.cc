// SPDX-License-Identifier: MIT
#include "base/ids.h"

#include <sys/random.h>

#include <bit>
#include <vector>

#include "base/assert.h"

namespace baton {
namespace {

void fill_random(void* out, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(out);
  while (size > 0) {
    const ssize_t n = getrandom(bytes, size, 0);
    BATON_ASSERT(n > 0, "the kernel gives randomness");
    bytes += n;
    size -= static_cast<std::size_t>(n);
  }
}

// splitmix64, the recommended seeding for xoshiro (Blackman and Vigna, prng.di.unimi.it).
std::uint64_t split_mix(std::uint64_t& x) {
  std::uint64_t z = (x += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

}  // namespace

Ids::Ids() { fill_random(state_.data(), sizeof state_); }

Ids::Ids(std::uint64_t seed) {
  for (auto& word : state_) word = split_mix(seed);
}

std::uint64_t Ids::next() {
  // xoshiro256**
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::string Ids::make(std::string_view prefix) {
  static constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string id{prefix};
  for (int half = 0; half < 2; ++half) {
    std::uint64_t bits = next();
    for (int i = 0; i < 10; ++i) {
      id += kDigits[bits % 36];
      bits /= 36;
    }
  }
  return id;
}

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> raw_bytes(bytes);
  fill_random(raw_bytes.data(), bytes);
  std::string text;
  for (const unsigned char byte : raw_bytes) {
    static constexpr char kHex[] = "0123456789abcdef";
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

}  // namespace baton
