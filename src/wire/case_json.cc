// SPDX-License-Identifier: MIT
#include "wire/case_json.h"

namespace baton::wire {
namespace {

namespace json = boost::json;

// Fields at their defaults are left out: most cases have only a name.
json::object write_case(const model::Case& item) {
  json::object out;
  out["name"] = json_text(item.name);
  if (!item.description.empty()) out["description"] = json_text(item.description);
  if (!item.file.empty()) out["file"] = json_text(item.file);
  if (item.line != 0) out["line"] = item.line;
  if (!item.labels.empty()) out["labels"] = json_texts(item.labels);
  if (item.max_attempts) out["max_attempts"] = *item.max_attempts;
  if (item.timeout) out["timeout_ms"] = item.timeout->count();
  return out;
}

model::Case read_case(const json::object& object, Fields& parent) {
  Fields in(object, "case");
  model::Case item;
  item.name = in.text("name");
  item.description = in.text("description");
  item.file = in.text("file");
  item.line = in.small("line");
  item.labels = in.texts("labels");
  if (in.has("max_attempts")) item.max_attempts = in.small("max_attempts");
  if (in.has("timeout_ms")) item.timeout = in.duration("timeout_ms");
  if (item.name.empty()) in.refuse("name is missing");
  if (auto checked = in.check(); !checked) parent.refuse(checked.error().message);
  return item;
}

}  // namespace

json::array write_cases(const std::vector<model::Case>& cases) {
  json::array out;
  out.reserve(cases.size());
  for (const model::Case& item : cases) out.push_back(write_case(item));
  return out;
}

std::vector<model::Case> read_cases(Fields& parent) {
  std::vector<model::Case> cases;
  const json::array* items = parent.array("cases");
  if (items == nullptr) return cases;
  cases.reserve(items->size());
  for (const json::value& item : *items) {
    if (const json::object* object = item.if_object()) {
      cases.push_back(read_case(*object, parent));
    } else {
      parent.refuse("a case is not an object");
    }
  }
  return cases;
}

}  // namespace baton::wire
