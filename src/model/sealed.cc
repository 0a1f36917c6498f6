// SPDX-License-Identifier: MIT
#include "model/sealed.h"

#include "base/text.h"

namespace baton::model {

std::string replace_sealed(std::string_view fields,
                           const std::function<std::string(std::string_view sealed)>& by) {
  // Base64 needs no escapes, so the value stands in the text as it is.
  constexpr std::string_view kBegin = "\"sealed:";
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = 0; (at = fields.find(kBegin, from)) != std::string_view::npos;) {
    const std::size_t begin = at + kBegin.size();
    const std::size_t end = fields.find('"', begin);
    if (end == std::string_view::npos) break;
    out += fields.substr(from, at - from);
    out += json_quote(by(fields.substr(begin, end - begin)));
    from = end + 1;
  }
  return out += fields.substr(from);
}

std::string hide_sealed(std::string_view fields) {
  return replace_sealed(fields, [](std::string_view) { return std::string(kHidden); });
}

bool has_hidden(std::string_view fields) {
  return fields.find(json_quote(kHidden)) != std::string_view::npos;
}

}  // namespace baton::model
