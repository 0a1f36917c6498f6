// SPDX-License-Identifier: MIT
// The section `links`.
#include <algorithm>
#include <boost/json.hpp>
#include <cctype>

#include "config/reader.h"

namespace baton::config {
namespace {

namespace json = boost::json;
using model::LinkKind;

// YAML's plain scalars as JSON reads them; what is neither a number nor a word of JSON is a text.
json::value scalar_value(const Node& node) {
  if (node.quoted) return json::value(node.scalar);
  if (node.scalar == "true" || node.scalar == "false") return json::value(node.scalar == "true");
  if (node.scalar == "null" || node.scalar == "~") return json::value();
  std::int64_t number = 0;
  const char* end = node.scalar.data() + node.scalar.size();
  const auto [stop, error] = std::from_chars(node.scalar.data(), end, number);
  if (error == std::errc() && stop == end && !node.scalar.empty()) return json::value(number);
  return json::value(node.scalar);
}

json::value json_of(const Node& node) {
  switch (node.type) {
    case Node::Type::null:
      return json::value();
    case Node::Type::scalar:
      return scalar_value(node);
    case Node::Type::list: {
      json::array array;
      for (const Node& item : node.items) array.push_back(json_of(item));
      return json::value(std::move(array));
    }
    case Node::Type::map: {
      json::object object;
      for (const auto& [name, value] : node.members) object[name] = json_of(value);
      return json::value(std::move(object));
    }
  }
  return json::value();
}

class LinksReader {
 public:
  explicit LinksReader(const Folders& folders) : folders_(folders) {}

  model::LinkProfile read(const Reader& from, LinkKind kind, const std::string& name) {
    model::LinkProfile profile;
    profile.kind = kind;
    profile.name = name;
    profile.url = from.text("url");
    // Paths are put behind it; a webhook's is posted to as it is.
    while (kind != LinkKind::webhook && profile.url.ends_with('/')) profile.url.pop_back();
    profile.allow = from.texts("allow");
    profile.networks = from.texts("networks");
    profile.user = from.text(kind == LinkKind::buildkite ? "organization" : "user");
    profile.token = secret(from, kind == LinkKind::azure_devops ? "pat" : "token", profile);
    profile.password = secret(from, "password", profile);
    profile.private_key = secret(from, "private_key", profile);
    add_secrets(from, kind == LinkKind::webhook ? "secret" : "webhook_secret", profile);
    profile.app_id = from.integer("app_id");
    profile.api_version = from.text("api_version");
    profile.publish_results = from.boolean("publish_results");
    profile.attachments = from.texts("attachments");
    profile.binary = from.text("format") == "cloudevents-binary";
    profile.cloudevents = profile.binary || from.text("format") == "cloudevents";
    profile.repositories = from.texts("repositories");
    if (kind == LinkKind::github) profile.sweep = from.duration("sweep");
    if (kind == LinkKind::testkube) {
      profile.poll = from.duration("poll");
      profile.stall_after = from.duration("stall_after");
    }
    if (from.has("ca_file")) profile.ca_file = absolute(folders_.file, from.text("ca_file"));
    if (const Node* defaults = from.value("defaults"))
      if (defaults->type == Node::Type::map) profile.defaults = json::serialize(json_of(*defaults));
    return profile;
  }

 private:
  // What is missing keeps the link from working, not the server from starting: a file with many
  // links is of use where only some of their secrets are.
  model::Secret resolved(const Node& node, const std::string& name, model::LinkProfile& profile) {
    if (node.type != Node::Type::map || node.members.size() != 1) return {};  // check() refused it
    auto value = resolve_secret(node, folders_);
    if (!value) profile.missing.push_back(fmt::format("{}: {}", name, value.error().message));
    return {value.value_or("")};
  }
  model::Secret secret(const Reader& from, const std::string& name, model::LinkProfile& profile) {
    const Node* node = from.value(name);
    return node == nullptr ? model::Secret{} : resolved(*node, name, profile);
  }
  // Never an empty one: anybody could sign with it.
  void add_secrets(const Reader& from, const std::string& name, model::LinkProfile& profile) {
    const Node* node = from.value(name);
    if (node == nullptr) return;
    const auto add = [&](const Node& one) {
      model::Secret value = resolved(one, name, profile);
      if (!value.empty()) profile.secrets.push_back(std::move(value));
    };
    if (node->type != Node::Type::list) return add(*node);
    if (node->items.empty()) profile.missing.push_back(name + ": the list is empty");
    for (const Node& item : node->items) add(item);
  }

  const Folders& folders_;
};

bool is_plain(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  });
}

// What keys mean together.
void check_profile(const model::LinkProfile& profile, const Node& node, const std::string& path,
                   std::vector<Problem>& problems) {
  if (!profile.attachments.empty() && !profile.publish_results)
    report(problems, *node.find("attachments"), path + "/attachments",
           "they belong to a test run, and none is published", "add `publish_results: true`");
  if (profile.repositories.empty()) return;
  const Node& repositories = *node.find("repositories");
  if (profile.app_id == 0)
    report(problems, repositories, path + "/repositories",
           "only an App has protection rules that deployments wait for",
           "give app_id and private_key, or remove it");
  for (std::size_t i = 0; i < profile.repositories.size(); ++i) {
    const std::string& name = profile.repositories[i];
    const std::size_t slash = std::min(name.find('/'), name.size());
    if (!is_plain(name.substr(0, slash)) || slash == name.size() ||
        !is_plain(name.substr(slash + 1)))
      report(problems, repositories.items[i], fmt::format("{}/repositories/{}", path, i),
             fmt::format("\"{}\" is no OWNER/NAME", name));
  }
}

}  // namespace

std::vector<model::LinkProfile> read_links(const Node& root, const Folders& folders,
                                           std::vector<Problem>& problems) {
  std::vector<model::LinkProfile> profiles;
  const Node* section = root.find("links");
  if (section == nullptr) return profiles;
  const Schema schema = links_section();
  LinksReader reader(folders);
  for (const auto& [word, kinds] : section->members) {
    const auto kind = model::parse_link_kind(word);
    const auto key = std::find_if(schema.keys.begin(), schema.keys.end(),
                                  [&](const Key& one) { return one.name == word; });
    if (!kind || key == schema.keys.end()) continue;  // check() has refused it
    for (const auto& [name, node] : kinds.members) {
      const std::string path = fmt::format("/links/{}/{}", word, name);
      if (!is_plain(name))
        report(problems, node, path,
               "the name of a profile has letters, digits, '-', '_' and '.' only");
      profiles.push_back(reader.read(Reader(&node, key->schema.element.front()), *kind, name));
      check_profile(profiles.back(), node, path, problems);
    }
  }
  return profiles;
}

}  // namespace baton::config
