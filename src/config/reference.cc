// SPDX-License-Identifier: MIT
// The key table as the page docs/reference/configuration.md.
#include <fmt/core.h>

#include "config/config.h"
#include "config/keys.h"

namespace baton::config {
namespace {

constexpr std::string_view kHead = R"(# Configuration

<!-- Written by tools/gen-reference from the key table in src/config; edit that instead. -->

`baton serve --config baton.yaml` reads one YAML file. Everything has a default, so the file may be
missing. `baton validate` checks it and tells every problem with line and column;
`baton config schema` prints a JSON Schema for editors.

- A flag wins over a variable, a variable over the file, the file over the default.
  `baton config view --origin` tells which one it was.
- An unknown key is an error. Keys of the top level that begin with `x-` are free for anchors; `<<`
  merges them.
- Paths, commands and globs are relative to the folder of the file.
- Durations are `250ms`, `90s`, `15m`, `1h30m`, `30d`; sizes are bytes or `64KiB`, `64MiB`, `1GiB`.
- Secrets are references, `{env: NAME}` or `{file: PATH}`; their values are never shown.
- A file has at most 4 MiB, 200,000 values with aliases counted in full, and 32 levels.

A small one:

```yaml
server: {listen: 127.0.0.1:1337, data: ./baton-data, retention: {runs: 90d, keep_last: 100}}
suites:
  - {name: checkout, namespace: pay, kind: cpp, command: [./checkout_e2e], max_attempts: 3}
  - {name: api, kind: gtest, command: [./api_tests], isolate: case, attempt_timeout: 30s}
schedules:
  - {name: nightly, suite: pay/checkout, cron: "0 2 * * *", time_zone: Europe/Vienna}
```
)";

std::string_view name_of(Type type) {
  switch (type) {
    case Type::boolean: return "boolean";
    case Type::integer: return "integer";
    case Type::number: return "number";
    case Type::text: return "text";
    case Type::name: return "name";
    case Type::duration: return "duration";
    case Type::size: return "size";
    case Type::address: return "address";
    case Type::url: return "URL";
    case Type::path: return "path";
    case Type::choice: return "choice";
    case Type::secret: return "secret";
    case Type::list: return "list";
    case Type::map: return "map";
    case Type::object: return "keys";
    case Type::any: return "any";
  }
  return "";
}

std::string type_text(const Schema& schema) {
  if (schema.type == Type::choice) {
    std::string out;
    for (const std::string& choice : schema.choices)
      out += fmt::format("{}`{}`", out.empty() ? "" : ", ", choice);
    return out;
  }
  std::string out(name_of(schema.type));
  if (schema.type == Type::list || schema.type == Type::map)
    out += fmt::format(" of {}", type_text(schema.element.front()));
  if (schema.minimum && schema.type == Type::duration)
    out += ", at least " + format_duration(Duration{*schema.minimum});
  if (schema.minimum && schema.maximum && schema.type != Type::size)
    out += fmt::format(", {} to {}", *schema.minimum, *schema.maximum);
  for (const Schema& other : schema.alternatives) out += " or " + type_text(other);
  return out;
}

std::string default_text(const Key& key) {
  if (key.required) return "required";
  return key.schema.fallback.empty() ? "" : fmt::format("`{}`", key.schema.fallback);
}

class Page {
 public:
  std::string text{kHead};

  void section(const Key& key) {
    text += fmt::format("\n## {}\n\n{}\n\n", key.name, key.schema.about);
    const Schema& schema = key.schema;
    const Schema& rows = schema.element.empty() ? schema : schema.element.front();
    text += "| key | type | default | meaning |\n|---|---|---|---|\n";
    table(rows, "");
  }

 private:
  void table(const Schema& schema, const std::string& prefix) {
    for (const Key& key : schema.keys) {
      std::string about = key.schema.about;
      if (!key.variable.empty()) about += fmt::format(" Also `${}`.", key.variable);
      text += fmt::format("| `{}{}` | {} | {} | {} |\n", prefix, key.name, type_text(key.schema),
                          default_text(key), about);
      inner(key.schema, prefix + key.name);
    }
  }

  // Keys below a key: of an object, of each item of a list, of each value of a map.
  void inner(const Schema& schema, const std::string& path) {
    if (schema.type == Type::object) table(schema, path + ".");
    if (schema.element.empty() || schema.element.front().type != Type::object) return;
    table(schema.element.front(), path + (schema.type == Type::list ? "[]." : ".NAME."));
  }
};

}  // namespace

std::string reference_page() {
  Page page;
  for (const Key& key : file_schema().keys) page.section(key);
  return std::move(page.text);
}

}  // namespace baton::config
