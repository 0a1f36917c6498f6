// SPDX-License-Identifier: MIT
// Prints the given number of bytes as log lines, as fast as the reader takes them.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  long long left = argc > 1 ? std::atoll(argv[1]) : 0;
  std::string block;
  for (int i = 0; block.size() < 256 * 1024; ++i) {
    char line[128];
    std::snprintf(line, sizeof line,
                  "2026-03-01T12:00:%02d.%03dZ info order.placed id=%08x total=%d.%02d\n", i % 60,
                  i * 7 % 1000, static_cast<unsigned>(i) * 2654435761U, i % 900, i % 100);
    block += line;
  }
  while (left > 0) {
    const auto part =
        left < static_cast<long long>(block.size()) ? static_cast<std::size_t>(left) : block.size();
    const ssize_t n = ::write(1, block.data(), part);
    if (n < 0) return 1;
    left -= n;
  }
  return 0;
}
