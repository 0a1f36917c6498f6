// SPDX-License-Identifier: MIT
// The `baton` program: the command line, with the parts of the server and of the runner lent to it.
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
        std::pair{"--auth", "server.auth"}, std::pair{"--log-level", "server.log_level"},
        std::pair{"--log-format", "server.log_format"}})
    if (const std::string value = invocation.value(flag); !value.empty())
      options.sources.flags.push_back({key, value, flag});
  options.app.runner_program = baton::app::own_program();
  return options;
}

int serve(const Invocation& invocation) { return baton::app::serve(serve_options(invocation)); }

int up(const Invocation& invocation) {
  baton::app::ServeOptions options = serve_options(invocation);
  options.open_browser = !invocation.has("--no-open");
  return baton::app::serve(std::move(options));
}

// The server of `baton run -- CMD` where none is found: on a free port of loopback, with the user's
// own data folder, so that what was recorded can be looked at later.
class Embedded final : public baton::cli::EmbeddedServer {
 public:
  explicit Embedded(std::unique_ptr<baton::app::App> app) : app_(std::move(app)) {}
  std::string url() const override { return app_->url(); }
  std::string token() const override { return app_->admin_token(); }

 private:
  std::unique_ptr<baton::app::App> app_;
};

baton::Result<std::unique_ptr<baton::cli::EmbeddedServer>> embed(const std::string& data) {
  baton::log::set_level(baton::log::Level::error);
  baton::config::Sources sources;
  const std::string folder = data.empty() ? baton::client::state_folder() + "/data" : data;
  sources.flags = {{"server.data", folder, "--data"}, {"server.listen", "127.0.0.1:0", "--listen"}};
  baton::app::Options options;
  BATON_TRY(config, baton::config::load_config(sources));
  options.config = std::move(config);
  options.runner_program = baton::app::own_program();
  BATON_TRY(app, baton::app::App::start(std::move(options)));
  return std::unique_ptr<baton::cli::EmbeddedServer>{std::make_unique<Embedded>(std::move(app))};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view{argv[1]} == "exec")
    return baton::runner::runner_main(argc - 1, argv + 1);
  baton::cli::Host host{.serve = serve, .up = up, .embed = embed};
  return baton::cli::main(host, argc, argv);
}
