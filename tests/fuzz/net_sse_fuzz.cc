// SPDX-License-Identifier: MIT
// Event streams: the same events however the stream is cut, and no written field begins another.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/sse.h"

using namespace baton::net;

namespace {

std::string read_in_steps(std::string_view stream, std::size_t step) {
  std::string all;
  SseParser parser([&](const SseEvent& event) {
    all += event.event + '\x01' + event.data + '\x02' + event.id + '\x03';
  });
  for (std::size_t i = 0; i < stream.size(); i += step) parser.feed(stream.substr(i, step));
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (read_in_steps(input, size + 1) != read_in_steps(input, 1)) std::abort();
  const std::size_t third = size / 3;
  const std::string written =
      sse_format({input.substr(0, third), input.substr(third, third), input.substr(2 * third)});
  int events = 0;
  SseParser parser([&](const SseEvent&) { ++events; });
  parser.feed(written);
  if (events != 1) std::abort();
  return 0;
}
