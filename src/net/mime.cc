// SPDX-License-Identifier: MIT
#include "net/mime.h"

#include <algorithm>
#include <array>

#include "net/text.h"

namespace baton::net {
namespace {

struct Entry {
  std::string_view extension;
  std::string_view type;
};

constexpr std::string_view kText = "text/plain; charset=utf-8";

// Sorted by extension.
constexpr std::array kTypes = {
    Entry{"7z", "application/x-7z-compressed"},
    Entry{"avif", "image/avif"},
    Entry{"bmp", "image/bmp"},
    Entry{"bz2", "application/x-bzip2"},
    Entry{"c", kText},
    Entry{"cc", kText},
    Entry{"cpp", kText},
    Entry{"css", "text/css; charset=utf-8"},
    Entry{"csv", "text/csv; charset=utf-8"},
    Entry{"diff", kText},
    Entry{"eot", "application/vnd.ms-fontobject"},
    Entry{"gif", "image/gif"},
    Entry{"gz", "application/gzip"},
    Entry{"h", kText},
    Entry{"har", "application/json"},
    Entry{"htm", "text/html; charset=utf-8"},
    Entry{"html", "text/html; charset=utf-8"},
    Entry{"ico", "image/x-icon"},
    Entry{"ini", kText},
    Entry{"jpeg", "image/jpeg"},
    Entry{"jpg", "image/jpeg"},
    Entry{"js", "text/javascript; charset=utf-8"},
    Entry{"json", "application/json"},
    Entry{"jsonl", "application/x-ndjson"},
    Entry{"log", kText},
    Entry{"map", "application/json"},
    Entry{"md", "text/markdown; charset=utf-8"},
    Entry{"mjs", "text/javascript; charset=utf-8"},
    Entry{"mp3", "audio/mpeg"},
    Entry{"mp4", "video/mp4"},
    Entry{"ndjson", "application/x-ndjson"},
    Entry{"ogg", "audio/ogg"},
    Entry{"otf", "font/otf"},
    Entry{"patch", kText},
    Entry{"pcap", "application/vnd.tcpdump.pcap"},
    Entry{"pdf", "application/pdf"},
    Entry{"png", "image/png"},
    Entry{"py", kText},
    Entry{"sh", kText},
    Entry{"svg", "image/svg+xml"},
    Entry{"tap", kText},
    Entry{"tar", "application/x-tar"},
    Entry{"tgz", "application/gzip"},
    Entry{"toml", kText},
    Entry{"trx", "application/xml"},
    Entry{"ttf", "font/ttf"},
    Entry{"txt", kText},
    Entry{"wasm", "application/wasm"},
    Entry{"wav", "audio/wav"},
    Entry{"webm", "video/webm"},
    Entry{"webmanifest", "application/manifest+json"},
    Entry{"webp", "image/webp"},
    Entry{"woff", "font/woff"},
    Entry{"woff2", "font/woff2"},
    Entry{"xhtml", "application/xhtml+xml"},
    Entry{"xml", "application/xml"},
    Entry{"xz", "application/x-xz"},
    Entry{"yaml", "application/yaml"},
    Entry{"yml", "application/yaml"},
    Entry{"zip", "application/zip"},
    Entry{"zst", "application/zstd"},
};

constexpr bool before(const Entry& a, const Entry& b) { return a.extension < b.extension; }
static_assert(std::is_sorted(kTypes.begin(), kTypes.end(), before));

constexpr std::size_t kLongestExtension = 11;

}  // namespace

std::string_view content_type_of(std::string_view path) {
  constexpr std::string_view kUnknown = "application/octet-stream";
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return kUnknown;
  const std::string_view extension = name.substr(dot + 1);
  if (extension.size() > kLongestExtension) return kUnknown;
  std::array<char, kLongestExtension> lowered{};
  std::transform(extension.begin(), extension.end(), lowered.begin(), lower);
  const std::string_view wanted{lowered.data(), extension.size()};
  const auto* found = std::lower_bound(kTypes.begin(), kTypes.end(), Entry{wanted, {}}, before);
  return found != kTypes.end() && found->extension == wanted ? found->type : kUnknown;
}

}  // namespace baton::net
