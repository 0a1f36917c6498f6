// SPDX-License-Identifier: MIT
// A chunked body gives the same bytes, and ends at the same place, however it is cut in pieces.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/chunk_decoder.h"

using namespace baton::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kMax = 1 << 16;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  ChunkDecoder whole(kMax);
  std::string body;
  const auto used = whole.decode(input, body);
  ChunkDecoder split(kMax);
  std::string pieces;
  std::size_t total = 0;
  bool good = true;
  for (std::size_t i = 0; i < size && good && !split.done(); ++i) {
    const auto one = split.decode(input.substr(i, 1), pieces);
    good = one.has_value();
    if (good) total += *one;
  }
  if (used.has_value() != good || body != pieces || body.size() > kMax) std::abort();
  if (good && (total != *used || whole.done() != split.done())) std::abort();
  return 0;
}
