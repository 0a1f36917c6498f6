// SPDX-License-Identifier: MIT
#include "suite/fork_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "suite/attempt.h"
#include "suite/attempt_process.h"
#include "suite/bridge.h"
#include "suite/channel.h"
#include "suite/json.h"
#include "suite/process_tree.h"
#include "suite/stop.h"

namespace baton::suite {
namespace {

// Attempts in flight: the largest number of workers, and as many that are being replaced.
constexpr std::size_t kMailboxes = 128;

// How often a child without a descriptor (the process has too many open) is asked for.
constexpr int kAskMs = 200;

// A descriptor tells of a death whatever the setup does with SIGCHLD and its threads: a thread that
// does not block the signal takes it away from a signalfd.
Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))); }

class ForkServer {
 public:
  ForkServer(const SuiteSpec& suite, int control) : suite_(suite), control_(control) {
    for (const CaseSpec& test : suite.cases) tests_.emplace(test.name, &test);
  }
  int run();

 private:
  struct Child {
    std::int64_t id = 0;
    Fd events;  // kept for a test that closes its own
    std::size_t mailbox = 0;
    Fd exit;  // readable when it has ended
  };
  bool make_mailboxes();
  bool tell(const JsonObject& packet) {
    return send_packet(control_.get(), packet.str()).has_value();
  }
  bool handle(Packet packet);
  bool fork_attempt(const Json& request, Packet packet);
  bool refuse(std::int64_t id, std::string_view why, int events);
  bool run_hook(detail::Body body, std::string_view name, Packet packet);
  bool reap();
  void kill_all();

  const SuiteSpec& suite_;
  Fd control_;
  std::unordered_map<std::string_view, const CaseSpec*> tests_;
  std::map<pid_t, Child> children_;
  Mailbox* mailboxes_ = nullptr;
  std::vector<std::size_t> free_mailboxes_;
  // The setup's attempt lives on until the teardown: its cleanups belong to the suite.
  std::unique_ptr<EventSink> setup_events_;
  std::unique_ptr<detail::Attempt> setup_;
};

bool ForkServer::make_mailboxes() {
  void* const memory = ::mmap(nullptr, kMailboxes * sizeof(Mailbox), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  mailboxes_ = static_cast<Mailbox*>(memory);
  for (std::size_t i = kMailboxes; i-- > 0;) free_mailboxes_.push_back(i);
  return true;
}

int ForkServer::run() {
  if (!make_mailboxes()) return 1;
  // While the setup runs, daemons that it starts become our children instead of the runner's, which
  // takes every stranger for the leftover of a test.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  run_bridges();
  if (!tell(JsonObject()
                .text("op", "hello")
                .number("protocol", kProtocol)
                .number("threads", count_threads())))
    return 1;
  std::vector<pollfd> ready;
  for (bool open = true; open;) {
    ready.assign(1, {control_.get(), POLLIN, 0});
    int timeout = -1;
    for (const auto& [pid, child] : children_) {
      ready.push_back({child.exit.get(), POLLIN, 0});
      if (!child.exit) timeout = kAskMs;
    }
    const int count = ::poll(ready.data(), ready.size(), timeout);
    if (count < 0) continue;
    if (count == 0 || count > (ready[0].revents != 0 ? 1 : 0)) open = reap();
    if (!open || ready[0].revents == 0) continue;
    auto packet = receive_packet(control_.get());
    open = packet && *packet && handle(std::move(**packet));
  }
  kill_all();
  return 0;
}

bool ForkServer::handle(Packet packet) {
  const auto request = parse_json(packet.json);
  if (!request) return false;
  const std::string_view op = request->text_of("op");
  if (op == "setup") return run_hook(suite_.setup, "setup", std::move(packet));
  if (op == "attempt") return fork_attempt(*request, std::move(packet));
  if (op == "teardown") return run_hook(suite_.teardown, "teardown", std::move(packet));
  return true;  // a later protocol's addition
}

bool ForkServer::run_hook(detail::Body body, std::string_view name, Packet packet) {
  if (packet.fds.size() < 2) return false;
  const bool is_setup = name == "setup";
  std::fflush(nullptr);
  const Fd old_out(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  const Fd old_error(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  ::dup2(packet.fds[0].get(), STDOUT_FILENO);
  ::dup2(packet.fds[0].get(), STDERR_FILENO);
  packet.fds[0].reset();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  reset_stop();
  install_stop_handler();
  const Fd events_fd(std::move(packet.fds[1]));
  auto events = std::make_unique<EventSink>(events_fd.get());
  auto attempt = std::make_unique<detail::Attempt>(
      Setting{.suite = suite_.id(),
              .test = std::string(name),
              .parameter = "",
              .file = suite_.file,
              .line = suite_.line,
              .dir = std::string(parse_json(packet.json)->text_of("dir"))},
      *events, setup_ ? setup_->values() : detail::Attempt::Values{});
  if (body) attempt->run(body);
  const bool body_failed = attempt->failed();
  // A failed setup is never followed by tests: what it registered is undone at once.
  if (!is_setup || body_failed) attempt->run_cleanups();
  if (!is_setup && setup_) {
    setup_events_->rebind(events_fd.get());
    setup_->run_cleanups();
    if (setup_->failed()) attempt->fail(setup_->finish().message, suite_.file, suite_.line, false);
  }
  const bool ok = !attempt->failed();
  attempt->finish();
  std::fflush(nullptr);
  events->send(attempt->finished_event());
  if (is_setup) setup_ = std::move(attempt), setup_events_ = std::move(events);
  ::dup2(old_out.get(), STDOUT_FILENO);
  ::dup2(old_error.get(), STDERR_FILENO);
  ::signal(SIGTERM, SIG_DFL);
  return tell(JsonObject()
                  .text("op", is_setup ? "setup_done" : "teardown_done")
                  .boolean("ok", ok)
                  .number("threads", count_threads()));
}

bool ForkServer::refuse(std::int64_t id, std::string_view why, int events) {
  EventSink(events).send(
      JsonObject().text("ev", "finished").text("outcome", "errored").text("message", why).str());
  return tell(JsonObject().text("op", "exited").number("id", id).number("status", 1 << 8));
}

bool ForkServer::fork_attempt(const Json& request, Packet packet) {
  const std::int64_t id = request.number_of("id");
  if (packet.fds.size() < 2) return false;
  const int events = packet.fds[1].get();
  const auto test = tests_.find(request.text_of("test"));
  if (test == tests_.end()) return refuse(id, "the suite has no such test", events);
  if (free_mailboxes_.empty()) return refuse(id, "too many attempts at once", events);
  // From here on orphans are of tests and go to the runner, unless their test adopts them.
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  const std::size_t mailbox = free_mailboxes_.back();
  mailboxes_[mailbox].size = 0;
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return refuse(id, "fork: the system has no room for another process", events);
  if (pid == 0) {
    control_.reset();
    for (auto& [other, child] : children_) child.events.reset(), child.exit.reset();
    AttemptOrder order{.suite = suite_,
                       .test = *test->second,
                       .number = static_cast<int>(request.number_of("attempt", 1)),
                       .dir = std::string(request.text_of("dir")),
                       .environment = {},
                       .out = packet.fds[0].release(),
                       .events = events,
                       .mailbox = &mailboxes_[mailbox],
                       .values = setup_ ? setup_->values() : detail::Attempt::Values{}};
    if (const Json* const environment = request.find("env"))
      for (const auto& [name, value] : environment->members)
        order.environment.emplace_back(name, value.text);
    run_attempt_process(order);
  }
  free_mailboxes_.pop_back();
  children_[pid] = Child{id, std::move(packet.fds[1]), mailbox, open_pidfd(pid)};
  return tell(JsonObject().text("op", "started").number("id", id).number("pid", pid));
}

bool ForkServer::reap() {
  bool open = true;
  // Only our attempts: what the setup started is waited for by the suite's own code.
  for (auto at = children_.begin(); at != children_.end();) {
    int status = 0;
    const pid_t dead = ::waitpid(at->first, &status, WNOHANG);
    // ECHILD: somebody else took its status (the setup ignores SIGCHLD, or waits for any child).
    if (dead == 0 || (dead < 0 && errno != ECHILD)) {
      ++at;
      continue;
    }
    Child& child = at->second;
    const Mailbox& mailbox = mailboxes_[child.mailbox];
    if (mailbox.size > 0 && mailbox.size <= sizeof mailbox.line)
      EventSink(child.events.get()).send(std::string_view(mailbox.line, mailbox.size));
    child.events.reset();  // before the answer, so that the runner sees the end of the events
    free_mailboxes_.push_back(child.mailbox);
    open =
        tell(JsonObject().text("op", "exited").number("id", child.id).number("status", status)) &&
        open;
    at = children_.erase(at);
  }
  return open;
}

void ForkServer::kill_all() {
  for (const auto& [pid, child] : children_) kill_tree(pid);
  for (const auto& [pid, child] : children_) ::waitpid(pid, nullptr, 0);
}

}  // namespace

std::int64_t count_threads() {
  std::error_code ignored;
  // The watcher of <baton/std.h> is made anew in every process that needs it.
  std::int64_t count = -own_threads();
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/self/task", ignored))
    ++count;
  return count;
}

int run_fork_server(const SuiteSpec& suite, int control) {
  return ForkServer(suite, control).run();
}

}  // namespace baton::suite
