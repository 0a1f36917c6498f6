// SPDX-License-Identifier: MIT
#include "runner/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/file.h"
#include "base/text.h"
#include "runner/proc.h"

namespace baton::runner {
namespace {

// Everything the child needs, made before it exists: between vfork and exec it may not allocate.
struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<std::string> candidates;  // paths of the program to try in turn
  const char* folder = nullptr;
  int input = -1;
  int output = -1;
  int errors = -1;
  int channel = -1;
  int cgroup = -1;
  int death_signal = 0;
  pid_t parent = 0;
  volatile int failure = 0;       // errno
  volatile bool in_folder = false;  // the working directory was the problem
};

std::vector<std::string> candidates_of(const std::string& program, const Variables& environment) {
  if (program.find('/') != std::string::npos) return {program};
  std::vector<std::string> paths;
  const auto found = environment.find("PATH");
  const std::string path =
      found == environment.end() ? "/usr/local/bin:/usr/bin:/bin" : found->second;
  for (const std::string_view folder : split(path, ':')) {
    paths.push_back(fmt::format("{}/{}", folder.empty() ? "." : folder, program));
  }
  return paths;
}

// Runs in the child, in the parent's memory: only system calls.
void become(Prepared& p) {
  ::setsid();
  if (p.death_signal != 0) {
    ::prctl(PR_SET_PDEATHSIG, p.death_signal);
    if (::getppid() != p.parent) ::_exit(127);
  }
  // Before it can start anything; without the group the tree is killed process by process.
  if (p.cgroup >= 0) {
    [[maybe_unused]] const ssize_t moved = ::write(p.cgroup, "0", 1);
  }
  sigset_t none;
  ::sigemptyset(&none);
  // exec resets handlers, but what the runner (or who started it) ignores would stay ignored.
  for (const int signal : {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD}) {
    ::signal(signal, SIG_DFL);
  }
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (const int oom = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); oom >= 0) {
    [[maybe_unused]] const ssize_t n = ::write(oom, "500", 3);
    ::close(oom);
  }
  // The runner keeps its own descriptors above 3 (see launch), so none of these overwrites another.
  ::dup2(p.input, 0);
  ::dup2(p.output, 1);
  ::dup2(p.errors, 2);
  if (p.channel >= 0) ::dup2(p.channel, 3);
  ::close_range(p.channel >= 0 ? 4 : 3, ~0U, 0);
  if (::chdir(p.folder) != 0) {
    p.failure = errno;
    p.in_folder = true;
    return;
  }
  int failure = ENOENT;
  for (const std::string& candidate : p.candidates) {
    ::execve(candidate.c_str(), p.argv.data(), p.envp.data());
    // As a shell does: a program that exists and may not be run is the better message.
    if (errno != ENOENT && errno != ENOTDIR) failure = errno;
    if (failure != ENOENT && failure != EACCES) break;
  }
  p.failure = failure;
}

[[gnu::noinline]] pid_t spawn(Prepared& prepared) {
  const pid_t pid = ::vfork();
  if (pid == 0) {
    become(prepared);
    ::_exit(127);
  }
  return pid;
}

tl::unexpected<Error> refuse(const Launch& launch, const Prepared& prepared) {
  const int failure = prepared.failure;
  const std::string what = prepared.in_folder ? "working directory " + launch.folder
                                              : "program " + launch.command[0];
  Error error = errno_error(what, failure);
  if (failure == EACCES) error.code = Code::forbidden;
  if (failure == ENOEXEC) {
    error.code = Code::invalid;
    error.fix = "start the file with an interpreter line such as #!/bin/sh";
  }
  return tl::unexpected(std::move(error));
}

Result<Fd> above_standard(int fd) {
  Fd moved{::fcntl(fd, F_DUPFD_CLOEXEC, 10)};
  if (!moved) return tl::unexpected(errno_error("descriptor", errno));
  return moved;
}

}  // namespace

Result<pid_t> launch(const Launch& launch) {
  if (launch.command.empty() || launch.command[0].empty()) {
    return fail(Code::invalid, "the command is empty");
  }
  Prepared prepared;
  for (const std::string& argument : launch.command) {
    prepared.argv.push_back(const_cast<char*>(argument.c_str()));
  }
  prepared.argv.push_back(nullptr);
  std::vector<std::string> variables;
  for (const auto& [name, value] : launch.environment) variables.push_back(name + "=" + value);
  for (std::string& variable : variables) prepared.envp.push_back(variable.data());
  prepared.envp.push_back(nullptr);
  prepared.candidates = candidates_of(launch.command[0], launch.environment);
  const std::string folder = launch.folder.empty() ? "." : launch.folder;
  prepared.folder = folder.c_str();
  const Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null) return tl::unexpected(errno_error("/dev/null", errno));
  // Copies above 10, so that making descriptors 0 to 3 closes none that is still needed.
  BATON_TRY(in, above_standard(launch.input >= 0 ? launch.input : null.get()));
  BATON_TRY(out, above_standard(launch.output >= 0 ? launch.output : null.get()));
  BATON_TRY(err, above_standard(launch.errors >= 0 ? launch.errors : out.get()));
  prepared.input = in.get();
  prepared.output = out.get();
  prepared.errors = err.get();
  prepared.cgroup = launch.cgroup;
  prepared.death_signal = launch.death_signal;
  prepared.parent = ::getpid();
  Fd channel;
  if (launch.channel >= 0) {
    BATON_TRY(copy, above_standard(launch.channel));
    channel = std::move(copy);
    prepared.channel = channel.get();
  }
  const pid_t pid = spawn(prepared);
  if (pid < 0) return tl::unexpected(errno_error("start a process", errno));
  if (prepared.failure == 0) return pid;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return refuse(launch, prepared);
}

namespace {

constexpr std::size_t kErrorsKept = 64 << 10;

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return tl::unexpected(errno_error("pipe", errno));
  Pipe made{Fd{ends[0]}, Fd{ends[1]}};
  ::fcntl(made.read.get(), F_SETFL, O_NONBLOCK);
  return made;
}

// Reads what is there; closes at the end of the file. In turns: a program that writes without end
// must not keep its time-out from being noticed.
void drain(Fd& fd, std::string& into, std::size_t max_bytes) {
  char buffer[64 * 1024];
  for (int turn = 0; fd && turn < 16; ++turn) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      fd.reset();
      return;
    }
    const std::size_t room = max_bytes - std::min(max_bytes, into.size());
    into.append(buffer, std::min(room, static_cast<std::size_t>(n)));
  }
}

// The end of the process counts, not that of its output: a daemon may hold the pipe open.
bool wait_for_exit(pid_t pid, Pipe& out, Pipe& err, int timeout_ms, int stop_fd,
                   std::size_t max_bytes, Collected& collected) {
  const Fd exit{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now()).count();
    pollfd fds[4] = {{exit.get(), POLLIN, 0}, {out.read.get(), POLLIN, 0},
                     {err.read.get(), POLLIN, 0}, {stop_fd, POLLIN, 0}};
    ::poll(fds, 4, static_cast<int>(std::max<std::int64_t>(left, 0)));
    drain(out.read, collected.output, max_bytes);
    drain(err.read, collected.errors, kErrorsKept);
    if (::waitpid(pid, &collected.status, WNOHANG) == pid) return true;
    if (left <= 0 || fds[3].revents != 0) return false;
  }
}

}  // namespace

Result<Collected> collect(Launch what, int timeout_ms, int stop_fd, std::size_t max_bytes) {
  BATON_TRY(out, make_pipe());
  BATON_TRY(err, make_pipe());
  what.output = out.write.get();
  what.errors = err.write.get();
  if (what.death_signal == 0) what.death_signal = SIGKILL;
  BATON_TRY(pid, launch(what));
  out.write.reset();
  err.write.reset();
  Collected collected;
  collected.limit_ms = timeout_ms;
  if (!wait_for_exit(pid, out, err, timeout_ms, stop_fd, max_bytes, collected)) {
    collected.timed_out = true;
    for (const pid_t other : descendants_of(pid)) signal_process(other, SIGKILL);
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, &collected.status, 0) < 0 && errno == EINTR) {
    }
  }
  ::kill(-pid, SIGKILL);
  drain(out.read, collected.output, max_bytes);
  drain(err.read, collected.errors, kErrorsKept);
  return collected;
}

}  // namespace baton::runner
