// SPDX-License-Identifier: MIT
#pragma once
// XML in pieces through Expat, for input that nobody vouches for. A DOCTYPE is refused, so there
// are no entities to expand and no address to open; depth, attributes and the size of a tag are
// limited. UTF-8, UTF-16, ISO-8859-1 and US-ASCII. Raw control bytes, which XML forbids and test
// output is full of, are read as '?'.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct XML_ParserStruct;

namespace baton::reports {

/// Valid during the call of start() only. Names come without their namespace prefix.
class XmlAttributes {
 public:
  explicit XmlAttributes(const char** pairs) : pairs_(pairs) {}
  /// "" when there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::size_t size() const;

 private:
  const char** pairs_;
};

class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  /// An error ends the reading; its place is added.
  virtual Result<void> start(std::string_view element, const XmlAttributes& attributes) = 0;
  virtual Result<void> end(std::string_view element) = 0;
  virtual void text(std::string_view text) = 0;
};

class XmlReader {
 public:
  XmlReader(XmlHandler& handler, std::string filename);
  ~XmlReader();
  XmlReader(const XmlReader&) = delete;
  XmlReader& operator=(const XmlReader&) = delete;

  /// Errors: unprocessable with the place; what the handler refuses.
  Result<void> feed(std::string_view bytes);
  Result<void> finish();
  bool saw_control_bytes() const { return saw_control_bytes_; }

 private:
  struct Callbacks;
  Result<void> parse(const char* bytes, std::size_t size, bool last);
  void stop(Error error);
  Error here(std::string_view what) const;

  XmlHandler& handler_;
  std::string filename_;
  XML_ParserStruct* parser_;
  std::optional<Error> error_;
  std::uint64_t fed_ = 0;
  std::size_t depth_ = 0;
  std::string start_;  // the first bytes, until the encoding can be told
  bool utf16_ = false;
  bool decided_ = false;
  bool saw_control_bytes_ = false;
  std::string cleaned_;
};

}  // namespace baton::reports
