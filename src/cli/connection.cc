// SPDX-License-Identifier: MIT
#include "cli/connection.h"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "cli/output.h"
#include "client/local_servers.h"

namespace baton::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultUrl = "http://127.0.0.1:1337";

Result<YAML::Node> read_yaml(const std::string& path) {
  const auto content = read_file(path, 1 << 20);
  if (!content) return tl::unexpected(of_file(content.error()));
  try {
    return YAML::Load(*content);
  } catch (const YAML::Exception& error) {
    return fail_with_fix(Code::invalid, "mend or remove " + path, "{}:{}: {}", path,
                         error.mark.line + 1, error.msg);
  }
}

std::string scalar(const YAML::Node& node, const char* key) {
  if (!node.IsMap()) return "";
  const YAML::Node value = node[key];
  return value && value.IsScalar() ? value.Scalar() : "";
}

// The nearest .baton.yaml at or above the working folder.
std::optional<std::string> project_file() {
  std::error_code error;
  for (fs::path folder = fs::current_path(error); !folder.empty(); folder = folder.parent_path()) {
    const fs::path file = folder / ".baton.yaml";
    if (fs::exists(file, error)) return file.string();
    if (folder == folder.root_path()) break;
  }
  return std::nullopt;
}

void take(Origin& origin, std::string value, const std::string& from) {
  if (origin.value.empty() && !value.empty()) origin = {std::move(value), from};
}

// A context of the user's file by its name, for --context and for `context:` in .baton.yaml.
Result<void> take_context(Target& target, const UserFile& file, const std::string& name) {
  if (name.empty()) return {};
  const auto found = file.contexts.find(name);
  if (found == file.contexts.end())
    return fail_with_fix(Code::not_found, "baton context ls", "context \"{}\" is unknown", name);
  const std::string from = fmt::format("context {} of {}", name, user_file_path());
  take(target.url, found->second.url, from);
  if (target.url.value == found->second.url) take(target.token, found->second.token, from);
  return {};
}

void take_local(Target& target) {
  if (target.url.value.empty()) {
    if (const auto server = client::default_server())
      take(target.url, server->url, "the server of " + server->data);
  }
  take(target.url, kDefaultUrl, "the default");
  std::string url = target.url.value;
  while (url.ends_with('/')) url.pop_back();
  for (const client::LocalServer& server : client::local_servers()) {
    if (server.url != url) continue;
    target.key_pin = server.key_pin;
    take(target.token, client::stored_token(server.data), server.data + "/admin-token");
  }
}

}  // namespace

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<Target> find_target(const Invocation& invocation) {
  Target target;
  take(target.url, invocation.value("--url"), "--url");
  take(target.token, invocation.value("--token"), "--token");
  BATON_TRY(user, read_user_file());
  BATON_TRY_VOID(take_context(target, user, invocation.value("--context")));
  take(target.url, variable("BATON_URL"), "BATON_URL");
  take(target.token, variable("BATON_TOKEN"), "BATON_TOKEN");
  if (const auto path = project_file()) {
    BATON_TRY(node, read_yaml(*path));
    take(target.url, scalar(node, "url"), *path);
    take(target.token, scalar(node, "token"), *path);
    BATON_TRY_VOID(take_context(target, user, scalar(node, "context")));
  }
  if (target.url.value.empty()) BATON_TRY_VOID(take_context(target, user, user.current));
  for (const auto& [name, context] : user.contexts)
    if (context.url == target.url.value)
      take(target.token, context.token, fmt::format("context {} of {}", name, user_file_path()));
  take_local(target);
  return target;
}

Result<client::ApiClient> connect(const Invocation& invocation) {
  BATON_TRY(target, find_target(invocation));
  return client::ApiClient{target.endpoint()};
}

std::string user_file_path() {
  if (const std::string config = variable("XDG_CONFIG_HOME"); config.starts_with('/'))
    return config + "/baton/config.yaml";
  const std::string home = variable("HOME");
  return home.empty() ? "" : home + "/.config/baton/config.yaml";
}

Result<UserFile> read_user_file() {
  UserFile file;
  const std::string path = user_file_path();
  std::error_code error;
  if (path.empty() || !fs::exists(path, error)) return file;
  BATON_TRY(node, read_yaml(path));
  file.current = scalar(node, "current");
  if (node.IsMap() && node["contexts"] && node["contexts"].IsMap())
    for (const auto& entry : node["contexts"])
      if (entry.first.IsScalar())
        file.contexts[entry.first.Scalar()] = {scalar(entry.second, "url"),
                                               scalar(entry.second, "token")};
  return file;
}

Result<void> write_user_file(const UserFile& file) {
  const std::string path = user_file_path();
  if (path.empty())
    return fail_with_fix(Code::unprocessable, "set HOME or XDG_CONFIG_HOME",
                         "there is no folder to keep it in");
  if (auto made = make_directories(fs::path(path).parent_path().string()); !made)
    return tl::unexpected(of_file(std::move(made).error()));
  // JSON strings are YAML strings, whatever bytes they hold.
  std::string text = fmt::format("current: {}\ncontexts:\n", json_quote(file.current));
  if (file.contexts.empty()) text = fmt::format("current: {}\ncontexts: {{}}\n", json_quote(""));
  for (const auto& [name, context] : file.contexts)
    text += fmt::format("  {}:\n    url: {}\n    token: {}\n", json_quote(name),
                        json_quote(context.url), json_quote(context.token));
  if (auto written = replace_file(path, text, 0600); !written)
    return tl::unexpected(of_file(std::move(written).error()));
  return {};
}

}  // namespace baton::cli
