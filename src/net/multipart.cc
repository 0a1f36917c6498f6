// SPDX-License-Identifier: MIT
#include "net/multipart.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "net/text.h"

namespace baton::net {
namespace {

// RFC 2046: 1 to 70 characters.
constexpr std::size_t kBoundaryMax = 70;

std::string_view skip_space(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

/// Reads `"…"` with backslash escapes, and cuts it from `text`. Browsers write a quote as %22 and
/// leave backslashes of Windows paths alone, so only `\"` and `\\` are escapes.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    const bool escape =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escape) ++i;
    value += text[i];
  }
  return std::nullopt;
}

/// The value of `; name=value` in a header such as Content-Disposition. Empty: not there, or
/// broken.
std::optional<std::string> find_parameter(std::string_view header, std::string_view wanted) {
  std::string_view rest = header;
  const std::size_t start = rest.find(';');
  if (start == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(start);
  while (!rest.empty() && rest.front() == ';') {
    rest = skip_space(rest.substr(1));
    const std::size_t name_end = rest.find_first_of("=;");
    if (name_end == std::string_view::npos || rest[name_end] == ';') {
      rest.remove_prefix(std::min(name_end, rest.size()));
      continue;
    }
    const std::string_view name = trim(rest.substr(0, name_end));
    rest = skip_space(rest.substr(name_end + 1));
    std::optional<std::string> value;
    if (rest.starts_with('"')) {
      value = take_quoted(rest);
      if (!value) return std::nullopt;
      rest = skip_space(rest);
    } else {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      value = std::string{trim(rest.substr(0, end))};
      rest.remove_prefix(end);
    }
    if (equal_no_case(name, wanted)) return value;
  }
  return std::nullopt;
}

Result<std::string> boundary_of(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  if (!equal_no_case(type, "multipart/form-data")) {
    return fail(Code::invalid, "the content type is not multipart/form-data");
  }
  const auto boundary = find_parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kBoundaryMax ||
      has_control_bytes(*boundary)) {
    return fail(Code::invalid, "the content type names no valid boundary");
  }
  return *boundary;
}

void read_part_field(std::string_view line, Part& part, bool& has_disposition) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = trim(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1));
  if (equal_no_case(name, "Content-Type")) part.content_type = value;
  if (!equal_no_case(name, "Content-Disposition")) return;
  if (!equal_no_case(trim(value.substr(0, value.find(';'))), "form-data")) return;
  const auto field = find_parameter(value, "name");
  if (!field) return;
  has_disposition = true;
  part.name = *field;
  part.file_name = find_parameter(value, "filename").value_or("");
}

/// Cuts the header block from `rest`, which starts behind the line of a boundary.
Result<Part> take_part_header(std::string_view& rest) {
  Part part;
  bool has_disposition = false;
  std::size_t used = 0;
  while (true) {
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) {
      return fail(Code::invalid, "a part's header does not end");
    }
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (line.empty()) break;
    used += end;
    if (used > kPartHeaderBytesMax) {
      return fail(Code::too_large, "a part's header is longer than {} bytes", kPartHeaderBytesMax);
    }
    read_part_field(line, part, has_disposition);
  }
  if (!has_disposition) {
    return fail(Code::invalid, "a part has no Content-Disposition with a name");
  }
  return part;
}

/// Cuts what follows a delimiter up to its line end. True: it was the closing one.
Result<bool> take_delimiter_end(std::string_view& rest) {
  if (rest.starts_with("--")) return true;
  rest = skip_space(rest);
  if (!rest.starts_with("\r\n"))
    return fail(Code::invalid, "a boundary is not followed by a line end");
  rest.remove_prefix(2);
  return false;
}

/// The parts before the first whose head on_head refuses.
template <class OnHead>
Result<std::vector<Part>> read_parts(std::string_view content_type, std::string_view body,
                                     const OnHead& on_head) {
  BATON_TRY(boundary, boundary_of(content_type));
  const std::string delimiter = "\r\n--" + boundary;
  std::string_view rest = body;
  if (rest.starts_with(std::string_view{delimiter}.substr(2))) {
    rest.remove_prefix(delimiter.size() - 2);
  } else {
    const std::size_t first = rest.find(delimiter);
    if (first == std::string_view::npos)
      return fail(Code::invalid, "the first boundary is missing");
    rest.remove_prefix(first + delimiter.size());
  }
  std::vector<Part> parts;
  while (true) {
    BATON_TRY(closed, take_delimiter_end(rest));
    if (closed) return parts;
    if (parts.size() == kPartsMax) {
      return fail(Code::too_large, "the body has more than {} parts", kPartsMax);
    }
    BATON_TRY(part, take_part_header(rest));
    if (!on_head(part)) return parts;
    const std::size_t end = rest.find(delimiter);
    if (end == std::string_view::npos) {
      return fail(Code::invalid, "the closing boundary is missing");
    }
    part.content = rest.substr(0, end);
    rest.remove_prefix(end + delimiter.size());
    parts.push_back(std::move(part));
  }
}

}  // namespace

Result<std::vector<Part>> parse_multipart(std::string_view content_type, std::string_view body) {
  return read_parts(content_type, body, [](const Part&) { return true; });
}

Result<bool> has_part(std::string_view content_type, std::string_view body,
                      std::initializer_list<std::string_view> names) {
  bool found = false;
  BATON_TRY_VOID(read_parts(content_type, body, [&](const Part& part) {
    found = std::find(names.begin(), names.end(), part.name) != names.end();
    return !found;
  }));
  return found;
}

}  // namespace baton::net
