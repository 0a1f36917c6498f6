// SPDX-License-Identifier: MIT
#include "suite/json.h"

#include <charconv>

#include "base/text.h"

namespace baton::suite {
namespace {

// Deep enough for every report; shallow enough that hostile input cannot exhaust the stack.
constexpr int kDepthMax = 32;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Json> document() {
    BATON_TRY(value, read_value(0));
    skip_blank();
    if (at_ != text_.size()) return bad("nothing more is expected");
    return std::move(value);
  }

 private:
  tl::unexpected<Error> bad(std::string_view why) const {
    return baton::fail(Code::invalid, "JSON at byte {}: {}", at_, why);
  }
  void skip_blank() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  Result<Json> read_value(int depth) {
    if (depth > kDepthMax) return bad("nested too deeply");
    skip_blank();
    Json value;
    if (take("null")) return value;
    if (take("true") || take("false")) {
      value.kind = Json::Kind::boolean;
      value.number = text_[at_ - 2] == 'u' ? 1 : 0;  // tr-u-e
      return value;
    }
    if (take("{")) return read_members(depth);
    if (take("[")) return read_items(depth);
    if (take("\"")) {
      value.kind = Json::Kind::text;
      BATON_TRY(text, read_text());
      value.text = std::move(text);
      return value;
    }
    return read_number();
  }

  Result<Json> read_items(int depth) {
    Json value;
    value.kind = Json::Kind::array;
    skip_blank();
    if (take("]")) return value;
    for (;;) {
      BATON_TRY(item, read_value(depth + 1));
      value.items.push_back(std::move(item));
      skip_blank();
      if (take("]")) return value;
      if (!take(",")) return bad("',' or ']' is expected");
    }
  }

  Result<Json> read_members(int depth) {
    Json value;
    value.kind = Json::Kind::object;
    skip_blank();
    if (take("}")) return value;
    for (;;) {
      skip_blank();
      if (!take("\"")) return bad("a key is expected");
      BATON_TRY(key, read_text());
      skip_blank();
      if (!take(":")) return bad("':' is expected");
      BATON_TRY(member, read_value(depth + 1));
      value.members.emplace_back(std::move(key), std::move(member));
      skip_blank();
      if (take("}")) return value;
      if (!take(",")) return bad("',' or '}' is expected");
    }
  }

  Result<Json> read_number() {
    Json value;
    value.kind = Json::Kind::number;
    const char* const first = text_.data() + at_;
    const char* const last = text_.data() + text_.size();
    const auto read = std::from_chars(first, last, value.number);
    if (read.ec != std::errc{}) return bad("a value is expected");
    at_ += static_cast<std::size_t>(read.ptr - first);
    while (at_ < text_.size() && std::string_view("0123456789.eE+-").find(text_[at_]) != text_.npos)
      ++at_;
    return value;
  }

  Result<std::string> read_text() {
    std::string out;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return out;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ == text_.size()) break;
      const char escape = text_[at_++];
      const std::size_t simple = std::string_view("\"\\/bfnrt").find(escape);
      if (simple != std::string_view::npos) {
        out += "\"\\/\b\f\n\r\t"[simple];
      } else if (escape == 'u') {
        BATON_TRY_VOID(read_unicode(out));
      } else {
        return bad("unknown escape");
      }
    }
    return bad("the text does not end");
  }

  Result<unsigned> read_hex() {
    unsigned unit = 0;
    const char* const first = text_.data() + at_;
    if (text_.size() - at_ < 4 || std::from_chars(first, first + 4, unit, 16).ptr != first + 4)
      return bad("four hexadecimal digits are expected");
    at_ += 4;
    return unit;
  }

  Result<void> read_unicode(std::string& out) {
    BATON_TRY(unit, read_hex());
    unsigned point = unit;
    if (unit >= 0xD800 && unit < 0xDC00 && take("\\u")) {
      BATON_TRY(low, read_hex());
      point = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    const auto tail = [&](int shift) {
      out += static_cast<char>(0x80 | ((point >> shift) & 0x3F));
    };
    if (point < 0x80) {
      out += static_cast<char>(point);
    } else if (point < 0x800) {
      out += static_cast<char>(0xC0 | (point >> 6)), tail(0);
    } else if (point < 0x10000) {
      out += static_cast<char>(0xE0 | (point >> 12)), tail(6), tail(0);
    } else {
      out += static_cast<char>(0xF0 | ((point >> 18) & 7)), tail(12), tail(6), tail(0);
    }
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

void JsonObject::key(std::string_view key) {
  if (text_.size() > 1) text_ += ',';
  text_ += json_quote(key);
  text_ += ':';
}

JsonObject& JsonObject::text(std::string_view k, std::string_view value) {
  return raw(k, json_quote(value));
}

JsonObject& JsonObject::number(std::string_view k, std::int64_t value) {
  return raw(k, fmt::format("{}", value));
}

JsonObject& JsonObject::boolean(std::string_view k, bool value) {
  return raw(k, value ? "true" : "false");
}

JsonObject& JsonObject::raw(std::string_view k, std::string_view json) {
  key(k);
  text_ += json;
  return *this;
}

std::string json_array(const std::vector<std::string>& parts) {
  std::string out = "[";
  for (const std::string& part : parts) {
    if (out.size() > 1) out += ',';
    out += part;
  }
  return out + "]";
}

std::string json_texts(const std::vector<std::pair<std::string, std::string>>& fields) {
  JsonObject object;
  for (const auto& [key, value] : fields) object.text(key, value);
  return object.str();
}

const Json* Json::find(std::string_view key) const {
  for (const auto& [name, value] : members)
    if (name == key) return &value;
  return nullptr;
}

std::string_view Json::text_of(std::string_view key) const {
  const Json* const value = find(key);
  return value && value->kind == Kind::text ? std::string_view(value->text) : std::string_view();
}

std::int64_t Json::number_of(std::string_view key, std::int64_t otherwise) const {
  const Json* const value = find(key);
  const bool is_number = value && (value->kind == Kind::number || value->kind == Kind::boolean);
  return is_number ? value->number : otherwise;
}

Result<Json> parse_json(std::string_view text) { return Reader(text).document(); }

}  // namespace baton::suite
