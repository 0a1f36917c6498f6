// SPDX-License-Identifier: MIT
// Uploads: the first line is the content type, the rest the body. Parts lie inside of the body, in
// order, without overlap.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/multipart.h"

using namespace baton::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), size);
  const std::string_view body = input.substr(std::min(line + 1, size));
  const auto parts = parse_multipart(input.substr(0, line), body);
  if (!parts) return 0;
  if (parts->size() > kPartsMax) std::abort();
  const char* position = body.data();
  for (const Part& part : *parts) {
    const char* end = part.content.data() + part.content.size();
    if (part.content.data() < position || end > body.data() + body.size()) std::abort();
    position = end;
  }
  return 0;
}
