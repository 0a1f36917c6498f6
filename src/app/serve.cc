// SPDX-License-Identifier: MIT
#include "app/serve.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstddef>
#include <cstring>

#include "app/stop_signals.h"
#include "base/file.h"
#include "base/log.h"
#include "wire/error_map.h"

namespace baton::app {
namespace {

// Tells systemd (Type=notify) that the server is ready or stopping: one datagram, sd_notify(3).
void notify_systemd(std::string_view message) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const Fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd) return;
  ::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
}

void print_problems(const std::vector<config::Problem>& problems) {
  for (const config::Problem& problem : problems) {
    std::fprintf(stderr, "baton: serve: %s\n", config::to_text(problem).c_str());
  }
}

void apply_log_settings(const config::Server& server) {
  log::set_format(server.log_format == "json" ? log::Format::json : log::Format::text);
  for (const auto& [name, level] :
       {std::pair{"debug", log::Level::debug}, std::pair{"info", log::Level::info},
        std::pair{"warn", log::Level::warn}, std::pair{"error", log::Level::error},
        std::pair{"off", log::Level::off}})
    if (server.log_level == name) log::set_level(level);
}

void open_page(const std::string& url) {
  if (isatty(STDOUT_FILENO) != 1 || std::getenv("DISPLAY") == nullptr) return;
  const std::string command = "xdg-open '" + url + "' >/dev/null 2>&1 &";
  [[maybe_unused]] const int status = std::system(command.c_str());
}

}  // namespace

void greet(const App& app, config::Auth auth) {
  std::printf("Baton is ready at %s\n", app.url().c_str());
  if (auth == config::Auth::none) std::printf("Authentication is off.\n");
  else if (app.is_new())
    std::printf("Admin token (shown once, kept in %s/admin-token): %s\n", app.folder().c_str(),
                app.admin_token().c_str());
  else std::printf("The admin token is in %s/admin-token\n", app.folder().c_str());
  std::fflush(stdout);
}

int complain(const Error& error) {
  const char* const fix =
      error.fix.empty() ? "check that its folders can be written" : error.fix.c_str();
  std::fprintf(stderr, "baton: serve: %s\nfix: %s\n", error.message.c_str(), fix);
  // 3, 4 and 6 are a client's: here it is this machine that refuses.
  const int code = wire::exit_code_of(error.code);
  return error.code == Code::invalid || error.code == Code::conflict ? code : 1;
}

int serve(ServeOptions options) {
  const StopSignals signals;
  config::Loaded loaded = config::load(options.sources);
  if (!loaded.problems.empty()) {
    print_problems(loaded.problems);
    return wire::exit_code_of(Code::invalid);
  }
  const config::Server server = loaded.config.server;
  apply_log_settings(server);
  for (const std::string& section : loaded.config.without_effect)
    log::warn("config.without_effect", {{"section", section}});
  options.app.config = std::move(loaded.config);
  if (const char* token = std::getenv("BATON_ADMIN_TOKEN"); token != nullptr)
    options.app.first_token = token;

  auto app = App::start(std::move(options.app));
  if (!app) return complain(app.error());
  if (!options.quiet) greet(**app, server.auth);
  if (options.open_browser) open_page((*app)->url());
  notify_systemd("READY=1");

  const int number = signals.wait();
  log::info("serve.stopping", {{"signal", number}});
  notify_systemd("STOPPING=1");
  (*app)->drain(server.drain);
  app->reset();
  log::info("serve.stopped");
  return 0;
}

}  // namespace baton::app
