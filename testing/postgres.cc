// SPDX-License-Identifier: MIT
#include "testing/postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace baton::testing {
namespace {

using Clock = std::chrono::steady_clock;

/// Debian keeps the programs of each version in a folder that is not in PATH.
std::string program_folder() {
  if (const char* folder = std::getenv("BATON_POSTGRES_BIN")) return folder;
  std::string newest;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored))
    if (std::filesystem::exists(entry.path() / "bin/initdb", ignored))
      newest = std::max(newest, (entry.path() / "bin").string());
  return newest;
}

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
};

User server_user() {
  if (::geteuid() != 0) return {::geteuid(), ::getegid()};
  const passwd* entry = ::getpwnam("postgres");
  return entry ? User{entry->pw_uid, entry->pw_gid} : User{65534, 65534};
}

// Only calls that are safe between fork and exec in a program with threads.
[[noreturn]] void become(const User& user, const char* log, const char* folder,
                         char* const arguments[]) {
  const int out = ::open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(user.gid) != 0 ||
                           ::setuid(user.uid) != 0))
    ::_exit(126);
  // After setuid, which clears it.
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (::chdir(folder) != 0) ::_exit(126);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<PostgresCluster>> PostgresCluster::start(bool durable) {
  std::unique_ptr<PostgresCluster> cluster{new PostgresCluster};
  cluster->durable_ = durable;
  BATON_TRY_VOID(cluster->initialise());
  BATON_TRY_VOID(cluster->start_server());
  return cluster;
}

PostgresCluster& PostgresCluster::shared() {
  static const std::unique_ptr<PostgresCluster> kCluster = [] {
    auto started = start();
    if (!started) {
      std::fprintf(stderr, "%s\n", started.error().message.c_str());
      std::abort();
    }
    return std::move(*started);
  }();
  return *kCluster;
}

PostgresCluster::~PostgresCluster() {
  stop_server(SIGQUIT);
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string PostgresCluster::url() const {
  return "postgres://baton@/postgres?host=" + folder_;
}

pid_t PostgresCluster::spawn(const std::string& program,
                             const std::vector<std::string>& arguments) {
  const std::string path = program_folder() + "/" + program;
  const std::string log = folder_ + "/log";
  std::vector<char*> argv{const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const User user = server_user();
  const pid_t pid = ::fork();
  if (pid == 0) become(user, log.c_str(), folder_.c_str(), argv.data());
  return pid;
}

Result<void> PostgresCluster::initialise() {
  if (program_folder().empty())
    return fail_with_fix(Code::unavailable, "apt-get install postgresql-15",
                         "PostgreSQL is not installed");
  // Short: the path of a Unix socket may have 107 bytes.
  char pattern[] = "/tmp/baton-pg-XXXXXX";
  if (!::mkdtemp(pattern)) return tl::unexpected(errno_error("mkdtemp", errno));
  folder_ = pattern;
  const User user = server_user();
  if (::geteuid() == 0 && ::chown(pattern, user.uid, user.gid) != 0)
    return tl::unexpected(errno_error("chown " + folder_, errno));
  const pid_t pid = spawn("initdb", {"-D", folder_ + "/data", "-U", "baton", "-A", "trust",
                                     "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"});
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || status != 0)
    return fail(Code::unavailable, "initdb failed: {}",
                read_file(folder_ + "/log").value_or("no log"));
  return {};
}

Result<void> PostgresCluster::start_server() {
  std::vector<std::string> arguments{"-D", folder_ + "/data", "-k", folder_,
                                     "-c", "listen_addresses=", "-c", "max_connections=60"};
  if (!durable_)
    for (const char* setting : {"fsync=off", "full_page_writes=off"}) {
      arguments.push_back("-c");
      arguments.push_back(setting);
    }
  server_ = spawn("postgres", arguments);
  if (server_ < 0) return tl::unexpected(errno_error("fork", errno));
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  while (PQping(url().c_str()) != PQPING_OK) {
    if (::waitpid(server_, nullptr, WNOHANG) == server_) {
      server_ = -1;
      return fail(Code::unavailable, "PostgreSQL ended: {}",
                  read_file(folder_ + "/log").value_or("no log"));
    }
    if (Clock::now() > deadline) return fail(Code::timeout, "PostgreSQL does not start");
    ::poll(nullptr, 0, 20);
  }
  return {};
}

void PostgresCluster::stop_server(int signal) {
  if (server_ < 0) return;
  ::kill(server_, signal);
  ::waitpid(server_, nullptr, 0);
  server_ = -1;
}

Result<void> PostgresCluster::restart_at_once() {
  stop_server(SIGQUIT);
  return start_server();
}

}  // namespace baton::testing
