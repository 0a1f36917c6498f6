// SPDX-License-Identifier: MIT
// The `baton` program: the command line, with the parts of the server and of the runner lent to it.
#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "app/app.h"
#include "app/serve.h"
#include "base/log.h"
#include "cli/verb.h"
#include "client/local_servers.h"
#include "runner/main.h"

namespace {

using baton::cli::Invocation;

baton::app::ServeOptions serve_options(const Invocation& invocation) {
  baton::app::ServeOptions options;
  options.sources.variables = baton::config::process_variables();
  options.sources.path =
      baton::config::find_file(invocation.value("--config"), options.sources.variables);
  for (const auto& [flag, key] :
       {std::pair{"--data", "server.data"}, std::pair{"--listen", "server.listen"},
        std::pair{"--auth", "server.auth"}, std::pair{"--log-level", "server.log.level"},
        std::pair{"--log-format", "server.log.format"}})
    if (const std::string value = invocation.value(flag); !value.empty())
      options.sources.flags.push_back({key, value, flag});
  options.app.runner_program = baton::app::own_program();
  options.app.demo = invocation.has("--demo");
  return options;
}

int serve(const Invocation& invocation) { return baton::app::serve(serve_options(invocation)); }

int up(const Invocation& invocation) {
  baton::app::ServeOptions options = serve_options(invocation);
  options.open_browser = !invocation.has("--no-open");
  options.app.demo = true;
  return baton::app::serve(std::move(options));
}

// The server of `baton run -- CMD` where none is found: on a free port of loopback, for this
// process alone, with a data folder of the user, so that what was recorded can be looked at later.
class Embedded final : public baton::cli::EmbeddedServer {
 public:
  explicit Embedded(std::unique_ptr<baton::app::App> app) : app_(std::move(app)) {}
  std::string url() const override { return app_->url(); }
  std::string token() const override { return app_->admin_token(); }
  std::string folder() const override { return app_->folder(); }

 private:
  std::unique_ptr<baton::app::App> app_;
};

using EmbeddedResult = baton::Result<std::unique_ptr<baton::cli::EmbeddedServer>>;

EmbeddedResult embed_in(const std::string& folder) {
  baton::config::Sources sources;
  sources.flags = {{"server.data", folder, "--data"}, {"server.listen", "127.0.0.1:0", "--listen"}};
  baton::app::Options options;
  BATON_TRY(config, baton::config::load_config(sources));
  options.config = std::move(config);
  options.runner_program = baton::app::own_program();
  options.announce = false;
  BATON_TRY(app, baton::app::App::start(std::move(options)));
  return std::unique_ptr<baton::cli::EmbeddedServer>{std::make_unique<Embedded>(std::move(app))};
}

// A folder belongs to one process at a time: commands that run at once take one each, of a few that
// are used again and again.
EmbeddedResult embed(const std::string& data) {
  constexpr int kFoldersMax = 64;
  baton::log::set_level(baton::log::Level::error);
  if (!data.empty()) return embed_in(data);
  const std::string folder = baton::client::state_folder() + "/data";
  EmbeddedResult server = embed_in(folder);
  for (int i = 2; i <= kFoldersMax && !server; ++i) {
    if (server.error().code != baton::Code::conflict) break;
    server = embed_in(fmt::format("{}-{}", folder, i));
  }
  return server;
}

// A file that is opened while a standard descriptor is closed would take its number, and get what
// is printed.
void fill_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_descriptors();
  if (argc > 1 && std::string_view{argv[1]} == "exec")
    return baton::runner::runner_main(argc - 1, argv + 1);
  baton::cli::Host host{.serve = serve, .up = up, .embed = embed};
  return baton::cli::main(host, argc, argv);
}
