// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <unistd.h>

#include <atomic>
#include <chrono>

#include "base/text.h"
#include "base/time.h"

namespace baton::log {
namespace {

std::atomic<Level> g_level{Level::info};
std::atomic<Format> g_format{Format::text};

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
    case Level::off: break;
  }
  return "off";
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" =\"\\") != std::string_view::npos ||
         has_control_bytes(value);
}

}  // namespace

void set_level(Level level) { g_level = level; }
void set_format(Format format) { g_format = format; }
bool enabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  const std::string time =
      format_rfc3339(std::chrono::floor<Duration>(std::chrono::system_clock::now()));
  std::string line;
  if (g_format == Format::json) {
    line = fmt::format(R"({{"ts":"{}","level":"{}","event":{})", time, name_of(level),
                       json_quote(event));
    for (const Field& field : fields)
      line += fmt::format(",{}:{}", json_quote(field.key), json_quote(field.value));
    line += "}\n";
  } else {
    line = fmt::format("{} {:<5} {}", time, name_of(level), event);
    for (const Field& field : fields)
      line += fmt::format(" {}={}", field.key,
                          needs_quotes(field.value) ? json_quote(field.value) : field.value);
    line += '\n';
  }
  // One write(2) per line keeps lines of several threads apart; a closed stderr is no reason to
  // stop.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace baton::log
