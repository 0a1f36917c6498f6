// SPDX-License-Identifier: MIT
#include "executors/runner_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <filesystem>

#include "base/cgroup.h"
#include "base/marked.h"
#include "base/text.h"

extern char** environ;

namespace baton::executors {
namespace {

namespace fs = std::filesystem;

// The mark of all that a run starts (runner/forest.h).
constexpr std::string_view kKeyVariable = "BATON_RUN_KEY";

// The server's own settings and secrets are none of the tests' business.
std::vector<std::string> inherited_environment() {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!std::string_view{*entry}.starts_with("BATON_")) kept.emplace_back(*entry);
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> arguments(const RunnerCommand& command) {
  std::vector<std::string> argv{command.program};
  argv.insert(argv.end(), command.verb.begin(), command.verb.end());
  for (const auto& [flag, value] :
       {std::pair<const char*, std::string>{"--run", std::to_string(raw(command.run))},
        {"--epoch", std::to_string(command.epoch)},
        {"--address-file", command.address_file},
        {"--token-file", command.folder + "/token"},
        {"--dir", command.folder}}) {
    argv.emplace_back(flag);
    argv.push_back(value);
  }
  return argv;
}

Result<int> spawn(const RunnerCommand& command) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = command.folder + "/runner.log";
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigfillset(&defaults);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> argv = arguments(command);
  std::vector<std::string> environment = inherited_environment();
  pid_t pid = 0;
  const int bad = ::posix_spawn(&pid, command.program.c_str(), &actions, &attributes,
                                pointers(argv).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (bad != 0) return tl::unexpected(errno_error("start " + command.program, bad));
  return pid;
}

}  // namespace

Result<RunnerProcess> start_runner(const RunnerCommand& command) {
  BATON_TRY_VOID(make_directories(command.folder));
  BATON_TRY_VOID(replace_file(command.folder + "/token", command.token, 0600));
  BATON_TRY(pid, spawn(command));
  return pin_process(pid);
}

std::optional<RunnerProcess> find_runner(const std::string& folder, int epoch) {
  return find_by_pid_file(fmt::format("{}/{}.pid", folder, epoch));
}

void remove_runner_folder(const std::string& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
}

int kill_leftovers(const std::string& folder) {
  const auto group = read_file(folder + "/cgroup", 4096);
  if (group) kill_cgroup(std::string(trim(*group)));
  const auto key = read_file(folder + "/key", 256);
  if (!key || trim(*key).empty()) return 0;
  return kill_marked(kKeyVariable, trim(*key));
}

}  // namespace baton::executors
