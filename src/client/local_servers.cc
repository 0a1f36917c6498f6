// SPDX-License-Identifier: MIT
#include "client/local_servers.h"

#include <signal.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "base/file.h"
#include "base/text.h"

namespace baton::client {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kDefaultAddress = "http://127.0.0.1:1337";

std::string servers_folder() {
  const std::string state = state_folder();
  return state.empty() ? "" : state + "/servers";
}

std::string entry_path(const std::string& data) {
  return fmt::format("{}/{:016x}.json", servers_folder(), std::hash<std::string>{}(data));
}

bool is_alive(int pid) { return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM); }

std::optional<LocalServer> read_entry(const std::string& path) {
  const auto content = read_file(path, 64 * 1024);
  if (!content) return std::nullopt;
  boost::system::error_code error;
  const json::value document = json::parse(*content, error);
  const json::object* object = error ? nullptr : document.if_object();
  if (object == nullptr) return std::nullopt;
  LocalServer server;
  if (const auto* url = object->if_contains("url"); url != nullptr && url->is_string())
    server.url = std::string{url->get_string()};
  if (const auto* data = object->if_contains("data"); data != nullptr && data->is_string())
    server.data = std::string{data->get_string()};
  if (const auto* pid = object->if_contains("pid"); pid != nullptr && pid->is_int64())
    server.pid = static_cast<int>(pid->get_int64());
  if (const auto* pin = object->if_contains("key_pin"); pin != nullptr && pin->is_string())
    server.key_pin = std::string{pin->get_string()};
  if (server.url.empty() || !is_alive(server.pid)) return std::nullopt;
  return server;
}

}  // namespace

std::string state_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
    return std::string{state} + "/baton";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::string{home} + "/.local/state/baton";
  return "";
}

Result<void> announce(const LocalServer& server) {
  const std::string folder = servers_folder();
  if (folder.empty()) return fail(Code::unavailable, "there is no home folder");
  BATON_TRY_VOID(make_directories(folder));
  return replace_file(entry_path(server.data),
                      fmt::format("{{\"url\":{},\"data\":{},\"pid\":{},\"key_pin\":{}}}\n",
                                  json_quote(server.url), json_quote(server.data), server.pid,
                                  json_quote(server.key_pin)),
                      0600);
}

void withdraw(const std::string& data) {
  if (!servers_folder().empty()) ::unlink(entry_path(data).c_str());
}

std::vector<LocalServer> local_servers() {
  std::vector<LocalServer> servers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(servers_folder(), error))
    if (auto server = read_entry(entry.path().string())) servers.push_back(std::move(*server));
  return servers;
}

std::optional<LocalServer> default_server() {
  const std::vector<LocalServer> servers = local_servers();
  std::error_code error;
  const std::string here = fs::weakly_canonical("baton-data", error).string();
  for (const LocalServer& server : servers)
    if (server.data == here) return server;
  for (const LocalServer& server : servers)
    if (server.url == kDefaultAddress) return server;
  if (servers.size() == 1) return servers.front();
  return std::nullopt;
}

std::string stored_token(const std::string& data) {
  const auto content = read_file(data + "/admin-token", 4096);
  return content ? std::string{trim(*content)} : "";
}

}  // namespace baton::client
