// SPDX-License-Identifier: MIT
#include "reports/xml_reader.h"

#include <expat.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "reports/collector.h"
#include "reports/limits.h"

namespace baton::reports {
namespace {

// Small enough that a tag which never ends is noticed soon, large enough to cost nothing.
constexpr std::size_t kPiece = 64 << 10;

std::string_view local_name(const char* name) {
  const std::string_view whole(name);
  const auto colon = whole.rfind(':');
  return colon == std::string_view::npos ? whole : whole.substr(colon + 1);
}

// XML that is not UTF-16 has no zero among its first two bytes, and UTF-16 always has or has a
// mark.
bool looks_like_utf16(std::string_view start) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(start[i]); };
  if (start.size() < 2) return false;
  const bool mark = (byte(0) == 0xFE && byte(1) == 0xFF) || (byte(0) == 0xFF && byte(1) == 0xFE);
  return mark || byte(0) == 0 || byte(1) == 0;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 && c != '\n' && c != '\t' && c != '\r';
}

}  // namespace

std::string_view XmlAttributes::get(std::string_view name) const {
  for (const char** p = pairs_; *p != nullptr; p += 2) {
    if (local_name(p[0]) == name) return p[1];
  }
  return {};
}

bool XmlAttributes::has(std::string_view name) const {
  for (const char** p = pairs_; *p != nullptr; p += 2) {
    if (local_name(p[0]) == name) return true;
  }
  return false;
}

std::size_t XmlAttributes::size() const {
  std::size_t n = 0;
  while (pairs_[n * 2] != nullptr) ++n;
  return n;
}

// Expat is C: nothing may be thrown through it.
struct XmlReader::Callbacks {
  template <class F>
  static void guarded(void* user, F&& f) {
    auto& self = *static_cast<XmlReader*>(user);
    if (self.error_) return;
    try {
      f(self);
    } catch (const std::bad_alloc&) {
      self.stop({Code::limit, "out of memory while reading the report"});
    }
  }

  static void start(void* user, const char* name, const char** raw_attributes) {
    guarded(user, [&](XmlReader& self) {
      const XmlAttributes attributes(raw_attributes);
      if (++self.depth_ > kDepthMax) {
        return self.stop(self.here(fmt::format("elements nest deeper than {}", kDepthMax)));
      }
      if (attributes.size() > kXmlAttributesMax) {
        return self.stop(self.here(fmt::format("more than {} attributes", kXmlAttributesMax)));
      }
      auto taken = self.handler_.start(local_name(name), attributes);
      if (!taken) self.stop(std::move(taken).error());
    });
  }

  static void end(void* user, const char* name) {
    guarded(user, [&](XmlReader& self) {
      --self.depth_;
      auto taken = self.handler_.end(local_name(name));
      if (!taken) self.stop(std::move(taken).error());
    });
  }

  static void text(void* user, const char* bytes, int size) {
    guarded(user, [&](XmlReader& self) {
      self.handler_.text({bytes, static_cast<std::size_t>(size)});
    });
  }

  static void doctype(void* user, const char*, const char*, const char*, int) {
    guarded(user, [&](XmlReader& self) {
      self.stop(self.here("a DOCTYPE is refused: reports have none, attacks do"));
    });
  }
};

XmlReader::XmlReader(XmlHandler& handler, std::string filename)
    : handler_(handler), filename_(std::move(filename)), parser_(XML_ParserCreate(nullptr)) {
  if (parser_ == nullptr) {
    error_ = Error{Code::limit, "out of memory while reading the report"};
    return;
  }
  XML_SetUserData(parser_, this);
  XML_SetElementHandler(parser_, Callbacks::start, Callbacks::end);
  XML_SetCharacterDataHandler(parser_, Callbacks::text);
  XML_SetStartDoctypeDeclHandler(parser_, Callbacks::doctype);
}

XmlReader::~XmlReader() {
  if (parser_ != nullptr) XML_ParserFree(parser_);
}

Error XmlReader::here(std::string_view what) const {
  return malformed(filename_, XML_GetCurrentLineNumber(parser_),
                   XML_GetCurrentColumnNumber(parser_) + 1, what);
}

void XmlReader::stop(Error error) {
  if (error.details.empty() && error.code == Code::unprocessable) error = here(error.message);
  error_ = std::move(error);
  XML_StopParser(parser_, XML_FALSE);
}

Result<void> XmlReader::feed(std::string_view bytes) {
  if (error_) return tl::unexpected(*error_);
  std::string start;
  if (!decided_) {
    if (!start_.empty() || bytes.size() < 2) {  // fed byte by byte
      start_ += bytes;
      if (start_.size() < 2) return {};
      start = std::move(start_);
      bytes = start;
    }
    decided_ = true;
    utf16_ = looks_like_utf16(bytes);
  }
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, kPiece);
    bytes.remove_prefix(piece.size());
    if (!utf16_ && std::any_of(piece.begin(), piece.end(), is_control)) {
      saw_control_bytes_ = true;
      cleaned_ = piece;
      std::replace_if(cleaned_.begin(), cleaned_.end(), is_control, '?');
      piece = cleaned_;
    }
    BATON_TRY_VOID(parse(piece.data(), piece.size(), false));
  }
  return {};
}

Result<void> XmlReader::parse(const char* bytes, std::size_t size, bool last) {
  fed_ += size;
  const auto status = XML_Parse(parser_, bytes, static_cast<int>(size), last ? 1 : 0);
  if (error_) return tl::unexpected(*error_);
  if (status != XML_STATUS_OK) {
    error_ = here(XML_ErrorString(XML_GetErrorCode(parser_)));
    return tl::unexpected(*error_);
  }
  const auto done = XML_GetCurrentByteIndex(parser_);
  if (!last && fed_ - static_cast<std::uint64_t>(std::max<XML_Index>(done, 0)) > kXmlTokenMax) {
    error_ = here(fmt::format("a tag or comment longer than {} bytes", kXmlTokenMax));
    return tl::unexpected(*error_);
  }
  return {};
}

Result<void> XmlReader::finish() {
  if (error_) return tl::unexpected(*error_);
  if (!decided_ && !start_.empty()) {
    decided_ = true;
    BATON_TRY_VOID(parse(start_.data(), start_.size(), false));
  }
  return parse("", 0, true);
}

}  // namespace baton::reports
