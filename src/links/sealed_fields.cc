// SPDX-License-Identifier: MIT
#include "links/sealed_fields.h"

#include <boost/json.hpp>

namespace baton::links {
namespace {

namespace json = boost::json;

constexpr std::string_view kValue = "value";

void seal_text(const SecretBox& box, json::object& object, std::string_view key) {
  json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return;
  const std::string_view plain = value->get_string();
  if (!plain.starts_with(model::kSealed))
    *value = std::string(model::kSealed) + box.seal({{std::string(kValue), std::string(plain)}});
}

void seal_variables(const SecretBox& box, json::object& fields) {
  json::value* list = fields.if_contains("environment_variables");
  if (list == nullptr || !list->is_array()) return;
  for (json::value& one : list->get_array()) {
    if (!one.is_object()) continue;
    const json::value* secure = one.get_object().if_contains("secure");
    if (secure != nullptr && secure->is_bool() && secure->get_bool())
      seal_text(box, one.get_object(), kValue);
  }
}

}  // namespace

void seal_fields(const SecretBox& box, model::LinkKind kind, model::Target& target) {
  const bool has_variables = kind == model::LinkKind::gocd && target.op == "schedule";
  const bool has_token = kind == model::LinkKind::jenkins && target.op == "webhook_step";
  if (!has_variables && !has_token) return;
  boost::system::error_code bad;
  json::value fields = json::parse(target.fields, bad);
  if (bad || !fields.is_object()) return;
  if (has_variables) seal_variables(box, fields.get_object());
  if (has_token) seal_text(box, fields.get_object(), "token");
  target.fields = json::serialize(fields);
}

Result<std::string> unseal_fields(const SecretBox& box, std::string_view fields,
                                  std::vector<std::string>& opened) {
  Result<void> done;
  std::string out = model::replace_sealed(fields, [&](std::string_view sealed) -> std::string {
    auto secrets = box.unseal(sealed);
    if (secrets) return opened.emplace_back((*secrets)[std::string(kValue)]);
    done = tl::unexpected(secrets.error());
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return out;
}

}  // namespace baton::links
