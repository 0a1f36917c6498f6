// SPDX-License-Identifier: MIT
#include "runner/main.h"

#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "base/pid_file.h"
#include "base/text.h"
#include "client/http_runner_calls.h"
#include "runner/discover.h"
#include "runner/keeper.h"
#include "runner/probe.h"
#include "runner/supervisor.h"
#include "wire/error_map.h"
#include "wire/fields.h"

namespace baton::runner {
namespace {

constexpr const char* kTokenVariable = "BATON_RUNNER_TOKEN";
constexpr int kUsage = 2;
constexpr std::uint64_t kSpecMax = 64 << 20;

struct Options {
  std::map<std::string, std::string> values;  // "--run" → "7"; switches → "yes"
  std::vector<std::string> rest;              // behind "--"
  const std::string& at(const std::string& name) const {
    static const std::string none;
    const auto found = values.find(name);
    return found == values.end() ? none : found->second;
  }
};

Result<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--") {
      options.rest.assign(argv + i + 1, argv + argc);
      return options;
    }
    if (argument == "--discover" || argument == "--probe") {
      options.values[argument] = "yes";
      continue;
    }
    bool known = false;
    for (const char* name : {"--run", "--epoch", "--url", "--address-file", "--token-file", "--dir",
                             "--spec", "--spec-json", "--folder"}) {
      known = known || argument == name;
    }
    if (!known) return fail(Code::invalid, "exec: unknown option {}", argument);
    if (i + 1 >= argc) return fail(Code::invalid, "exec: {} needs a value", argument);
    options.values[argument] = argv[++i];
  }
  return options;
}

int complain(const Error& error, int code) {
  fmt::print(stderr, "baton: {}\n", error.message);
  if (!error.fix.empty()) fmt::print(stderr, "fix: {}\n", error.fix);
  return code;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

Result<std::string> spec_of(const Options& options) {
  if (const std::string& text = options.at("--spec-json"); !text.empty()) return text;
  const std::string& path = options.at("--spec");
  if (path.empty()) return fail(Code::invalid, "exec --discover: --spec or --spec-json is missing");
  return read_file(path == "-" ? "/dev/stdin" : path, kSpecMax);
}

int run_discover(const Options& options) {
  const auto text = spec_of(options);
  if (!text) return complain(text.error(), kUsage);
  const auto suite = wire::decode_suite_spec(*text);
  if (!suite) return complain(suite.error(), kUsage);
  // Below a keeper: what the program starts ends with the question, however that ends.
  return keep([&suite] {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);  // a request to stop ends it at once
    const auto discovery = discover(*suite);
    if (!discovery) return complain(discovery.error(), wire::exit_code_of(discovery.error().code));
    print(wire::encode_discovery(*discovery));
    return 0;
  });
}

int run_probe(const Options& options) {
  if (options.rest.empty())
    return complain({Code::invalid, "exec --probe: no command behind --"}, kUsage);
  const Probe found =
      probe(options.rest, options.at("--folder").empty() ? "." : options.at("--folder"));
  print(boost::json::serialize(boost::json::object{{"kind", name_of(found.kind)},
                                                   {"reason", wire::json_text(found.reason)},
                                                   {"suite", wire::json_text(found.suite)}}));
  return 0;
}

template <class T>
Result<T> number(const Options& options, const std::string& name) {
  const std::string& text = options.at(name);
  T value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size()) {
    return fail(Code::invalid, "exec: {} needs a number", name);
  }
  return value;
}

// The token must not be seen in the environment of tests, nor in /proc for longer than needed.
Result<std::string> take_token(const Options& options) {
  std::string token;
  if (char* value = std::getenv(kTokenVariable); value != nullptr) {
    token = value;
    for (char* at = value; *at != '\0'; ++at) *at = 'x';
    ::unsetenv(kTokenVariable);
  }
  if (const std::string& path = options.at("--token-file"); !path.empty()) {
    BATON_TRY(text, read_file(path, 4096));
    token = std::string(trim(text));
  }
  return token;
}

int supervise(const SupervisorOptions& options) {
  auto code = Supervisor(options).run();
  if (code) return *code;
  log::error("runner.failed",
             {{"code", name_of(code.error().code)}, {"error", code.error().message}});
  return wire::exit_code_of(code.error().code);
}

// A server that was killed just after it started a runner may leave its successor to start another:
// the second must not touch what the first one runs.
Result<void> claim(const std::string& folder, int epoch) {
  BATON_TRY_VOID(make_directories(folder));
  auto made = make_pid_file(fmt::format("{}/{}.pid", folder, epoch));
  if (made || made.error().code == Code::conflict) return made;
  // A full disk: without the file the run is resumed, not re-attached, after a restart.
  log::warn("runner.pid_file", {{"error", made.error().message}});
  return {};
}

Result<int> run_job(const Options& options) {
  client::RunnerEndpoint endpoint;
  BATON_TRY(run, number<std::int64_t>(options, "--run"));
  BATON_TRY(epoch, number<int>(options, "--epoch"));
  BATON_TRY(token, take_token(options));
  endpoint.run = RunId{run};
  endpoint.epoch = epoch;
  endpoint.token = token;
  endpoint.url = options.at("--url");
  endpoint.address_file = options.at("--address-file");
  if (endpoint.url.empty() && endpoint.address_file.empty()) {
    return fail(Code::invalid, "exec: --url or --address-file is missing");
  }
  if (options.at("--dir").empty()) return fail(Code::invalid, "exec: --dir is missing");
  SupervisorOptions supervisor;
  supervisor.folder = options.at("--dir");
  supervisor.epoch = epoch;
  supervisor.make_calls = [endpoint](std::stop_token stop) {
    return std::make_unique<client::HttpRunnerCalls>(endpoint, std::move(stop));
  };
  if (auto claimed = claim(supervisor.folder, epoch); !claimed) {
    log::warn("runner.not_needed", {{"error", claimed.error().message}});
    return wire::exit_code_of(claimed.error().code);
  }
  return keep([&supervisor] { return supervise(supervisor); });
}

}  // namespace

int runner_main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!options) return complain(options.error(), kUsage);
  if (options->values.contains("--discover")) return run_discover(*options);
  if (options->values.contains("--probe")) return run_probe(*options);
  const auto code = run_job(*options);
  return code ? *code : complain(code.error(), kUsage);
}

}  // namespace baton::runner
