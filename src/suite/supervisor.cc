// SPDX-License-Identifier: MIT
#include "suite/supervisor.h"

#include <fmt/format.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "base/time.h"
#include "suite/fork_server.h"
#include "suite/process_tree.h"

namespace baton::suite {
namespace {

constexpr std::chrono::milliseconds kBackOffMax{60'000};
// A teardown without a limit would make Ctrl-C hang on a broken environment; and one that begins
// just before the suite's time is over must have some.
constexpr std::chrono::seconds kTeardownMin{30};

constexpr int kInterrupting[] = {SIGINT, SIGTERM, SIGHUP};
std::atomic<int> interrupt_fd{-1};
std::atomic<int> interrupt_signal{0};

void on_interrupt(int number) {
  const int saved = errno;
  interrupt_signal.store(number);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(interrupt_fd.load(), &one, sizeof one);
  errno = saved;
}

void handle_interrupts(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  for (const int number : kInterrupting) ::sigaction(number, &action, nullptr);
}

std::chrono::milliseconds back_off(const SuiteSpec& suite, int next_number) {
  auto wait = std::chrono::milliseconds(suite.back_off_ms);
  for (int i = 2; i < next_number && wait < kBackOffMax; ++i) wait *= 2;
  return std::min(wait, kBackOffMax);
}

std::string over(std::string_view what, std::int64_t ms) {
  return fmt::format("{} of {} is over", what, format_duration(Duration(ms)));
}

}  // namespace

// Handlers and no signalfd: threads of static initialisers do not block the signals, and one of
// them would be ended by Ctrl-C, the program with it.
Interrupts::Interrupts() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  interrupt_fd = fd_.get();
  handle_interrupts(on_interrupt);
}

Interrupts::~Interrupts() {
  handle_interrupts(SIG_DFL);
  interrupt_fd = -1;
}

void Interrupts::take() {
  std::uint64_t more = 0;
  if (::read(fd_.get(), &more, sizeof more) != sizeof more) return;
  count_ += static_cast<int>(more);
  signal_ = interrupt_signal.load();
}

Supervisor::Supervisor(const SuiteSpec& suite, const RunOptions& options, Interrupts& interrupts,
                       Progress& progress, std::string scratch)
    : suite_(suite),
      options_(options),
      interrupts_(interrupts),
      progress_(progress),
      scratch_(std::move(scratch)) {
  result_.suite = &suite;
}

SuiteResult Supervisor::run(const std::vector<const CaseSpec*>& cases) {
  const auto start = Clock::now();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const std::int64_t timeout = options_.timeout_ms.value_or(suite_.timeout_ms);
  if (timeout > 0) suite_deadline_ = start + std::chrono::milliseconds(timeout);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    result_.cases.push_back({cases[i], {}});
    waiting_.push_back({i, 1, start});
  }
  if (start_server()) {
    result_.setup = run_hook("setup", suite_deadline_);
    const bool ready = result_.setup.outcome == Verdict::passed ||
                       result_.setup.outcome == Verdict::skipped;  // it ended early
    if (ready) {
      run_cases();
    } else if (result_.ending == Ending::completed) {
      result_.ending =
          result_.setup.outcome == Verdict::timed_out ? Ending::timed_out : Ending::setup_failed;
      result_.message = "the setup " + std::string(name_of(result_.setup.outcome)) +
                        (result_.setup.message.empty() ? "" : ": " + result_.setup.message);
    }
    if (ready && control_ && interrupts_.count() < 2) {
      std::optional<Clock::time_point> deadline;
      const auto at_least = Clock::now() + kTeardownMin;
      if (suite_deadline_) deadline = std::max(*suite_deadline_, at_least);
      if (result_.ending != Ending::completed) deadline = at_least;
      result_.teardown = run_hook("teardown", deadline);
      progress_.teardown_finished(result_.teardown);
    }
  } else {
    result_.ending = Ending::errored;
    result_.message = "the process that forks the tests could not be started";
  }
  stop_server();
  result_.setup.output += service_output_.text();
  result_.duration_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
  return std::move(result_);
}

bool Supervisor::start_server() {
  auto channel = make_channel();
  if (!channel) return false;
  // Counted here: the fork server is forked without them already.
  if (const std::int64_t threads = count_threads(); threads > 1)
    progress_.note_once(suite_.id() + ": " + fmt::format(kThreadsBeforeSetup, threads - 1));
  std::fflush(nullptr);
  server_ = ::fork();
  if (server_ < 0) return false;
  if (server_ == 0) {
    // A session of its own: Ctrl-C is for the supervisor, which tells the tests to stop.
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    channel->first.reset();
    handle_interrupts(SIG_DFL);
    ::close(interrupts_.fd());
    const int code = run_fork_server(suite_, channel->second.release());
    std::fflush(nullptr);
    ::_exit(code);
  }
  control_ = std::move(channel->first);
  const auto hello = receive_packet(control_.get());
  return hello && *hello;
}

void Supervisor::stop_server() {
  // At the end of the channel it exits by itself, unless a test's code has hung it.
  control_.reset();
  wait_for_server(kKillGrace);
  kill_strangers({});
}

void Supervisor::wait_for_server(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  while (server_ > 0 && ::waitpid(server_, &server_status_, WNOHANG) == 0) {
    if (Clock::now() > deadline) kill_tree(server_);
    ::poll(nullptr, 0, 1);
  }
  server_ = 0;
}

AttemptResult Supervisor::run_hook(const char* op, std::optional<Clock::time_point> deadline) {
  AttemptResult refused;
  auto started = LiveAttempt::start(1);
  if (!started) {
    refused.message = started.error().message;
    return refused;
  }
  LiveAttempt& hook = *started;
  hook.deadline = deadline;
  hook.stop_message = fmt::format("the {} took too long", op);
  hook.dir = scratch_ + "/" + op;
  const auto sent =
      send_packet(control_.get(), JsonObject().text("op", op).text("dir", hook.dir).str(),
                  {hook.out_write.get(), hook.events_write.get()});
  hook.out_write.reset();
  hook.events_write.reset();
  hook.pid = server_;
  hook_ok_.reset();
  hook_ = &hook;
  while (sent && control_ && !hook_ok_) {
    step(next_wake());
    if (interrupts_.count() > 0 && std::string_view(op) == "setup")
      stop_attempt(hook, Verdict::cancelled, "interrupted");
    if (interrupts_.count() > 1) hook.kill_at = Clock::now();
    check_deadlines();
  }
  hook_ = nullptr;
  AttemptResult result = hook.finish(server_status_);
  // Services that the setup has started may go on writing there as long as the suite runs.
  if (!service_out_) service_out_ = std::move(hook.out_read);
  if (result.outcome == Verdict::cancelled) result_.ending = Ending::cancelled;
  return result;
}

void Supervisor::run_cases() {
  while (result_.ending == Ending::completed ? !waiting_.empty() || !live_.empty()
                                             : !live_.empty()) {
    if (result_.ending == Ending::completed) start_due();
    step(next_wake());
    if (interrupts_.count() > 0) stop_all(Ending::cancelled, "interrupted");
    if (interrupts_.count() > 1)
      for (auto& [id, attempt] : live_) attempt.kill_at = Clock::now();
    check_deadlines();
  }
}

void Supervisor::start_due() {
  const auto workers = static_cast<std::size_t>(options_.workers.value_or(suite_.workers));
  const auto now = Clock::now();
  for (auto at = waiting_.begin(); at != waiting_.end() && live_.size() < workers;) {
    if (at->not_before > now) {
      ++at;
      continue;
    }
    const Waiting waiting = *at;
    at = waiting_.erase(at);
    if (!start_attempt(waiting)) return;
  }
}

bool Supervisor::start_attempt(const Waiting& waiting) {
  const CaseSpec& test = *result_.cases[waiting.test].test;
  auto attempt = LiveAttempt::start(waiting.number);
  if (!attempt) {
    stop_all(Ending::errored, attempt.error().message);
    return false;
  }
  const std::int64_t id = next_id_++;
  attempt->test = waiting.test;
  attempt->dir = fmt::format("{}/{}", scratch_, id);
  const std::int64_t timeout = test.timeout_ms > 0 ? test.timeout_ms : suite_.attempt_timeout_ms;
  if (timeout > 0) {
    attempt->deadline = Clock::now() + std::chrono::milliseconds(timeout);
    attempt->stop_message = over("the time-out", timeout);
  }
  JsonObject request;
  request.text("op", "attempt").number("id", id).text("test", test.name);
  request.number("attempt", waiting.number).text("dir", attempt->dir);
  request.raw("env", json_texts({{"BATON_ATTEMPT", fmt::format("{}", waiting.number)}}));
  const auto sent = send_packet(control_.get(), request.str(),
                                {attempt->out_write.get(), attempt->events_write.get()});
  attempt->out_write.reset();
  attempt->events_write.reset();
  live_.emplace(id, std::move(*attempt));
  if (!sent) on_server_gone();
  return sent.has_value();
}

std::optional<Clock::time_point> Supervisor::next_wake() const {
  std::optional<Clock::time_point> wake = suite_deadline_;
  const auto sooner = [&](const std::optional<Clock::time_point>& at) {
    if (at && (!wake || *at < *wake)) wake = at;
  };
  // A setup or teardown has its own.
  if (hook_ || result_.ending != Ending::completed) wake.reset();
  const auto consider = [&](const LiveAttempt& attempt) {
    if (!attempt.killed) sooner(attempt.kill_at ? attempt.kill_at : attempt.deadline);
  };
  for (const auto& [id, attempt] : live_) consider(attempt);
  if (hook_) consider(*hook_);
  const auto workers = static_cast<std::size_t>(options_.workers.value_or(suite_.workers));
  if (live_.size() < workers && !hook_)
    for (const Waiting& waiting : waiting_) sooner(waiting.not_before);
  return wake;
}

void Supervisor::step(std::optional<Clock::time_point> wake) {
  if (!control_) return;
  std::vector<pollfd> polled{{control_.get(), POLLIN, 0},
                             {interrupts_.fd(), POLLIN, 0},
                             {service_out_.get(), POLLIN, 0}};
  const auto add = [&](const LiveAttempt& attempt) {
    // A closed pipe's -1 is ignored by poll().
    polled.push_back({attempt.out_read.get(), POLLIN, 0});
    polled.push_back({attempt.events_read.get(), POLLIN, 0});
  };
  for (const auto& [id, attempt] : live_) add(attempt);
  if (hook_) add(*hook_);
  int timeout = -1;
  if (wake) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*wake - Clock::now()).count();
    timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
  }
  if (::poll(polled.data(), polled.size(), timeout) <= 0) return;
  std::size_t at = 3;
  const auto read = [&](LiveAttempt& attempt) {
    const bool ready = polled[at].revents != 0 || polled[at + 1].revents != 0;
    at += 2;
    if (ready) attempt.read_available();
  };
  for (auto& [id, attempt] : live_) read(attempt);
  if (hook_) read(*hook_);
  if (polled[1].revents != 0) interrupts_.take();
  if (polled[2].revents != 0) read_services();
  if (polled[0].revents != 0) read_control();
}

void Supervisor::read_services() {
  char buffer[64 * 1024];
  const ssize_t n = ::read(service_out_.get(), buffer, sizeof buffer);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return service_out_.reset();
  service_output_.add(std::string_view(buffer, static_cast<std::size_t>(n)));
}

void Supervisor::read_control() {
  for (;;) {
    bool empty = false;
    const auto packet = receive_packet(control_.get(), &empty);
    if (empty) return;
    if (!packet || !*packet) return on_server_gone();
    const auto message = parse_json((*packet)->json);
    if (!message) continue;
    const std::string_view op = message->text_of("op");
    const std::int64_t id = message->number_of("id");
    if (op == "setup_done" || op == "teardown_done") hook_ok_ = message->flag("ok");
    if (op == "setup_done" && message->number_of("threads") > 1)
      progress_.note_once(suite_.id() + ": " +
                          fmt::format(kThreadsOfSetup, message->number_of("threads") - 1));
    const auto found = live_.find(id);
    if (op == "started" && found != live_.end()) {
      found->second.pid = static_cast<pid_t>(message->number_of("pid"));
      // It was to be stopped before its process was known.
      if (found->second.kill_at) signal_tree(found->second.pid, SIGTERM);
    }
    if (op == "exited") on_exited(id, static_cast<int>(message->number_of("status")));
  }
}

void Supervisor::on_exited(std::int64_t id, int wait_status) {
  const auto found = live_.find(id);
  if (found == live_.end()) return;
  LiveAttempt attempt = std::move(found->second);
  live_.erase(found);
  // Children of live attempts stay below them: what is ours now was left behind by this one.
  if (const int left = kill_strangers({server_}); left > 0)
    progress_.note(fmt::format("{} left {} process{} running; killed",
                               result_.cases[attempt.test].test->name, left,
                               left == 1 ? "" : "es"));
  finish_attempt(std::move(attempt), wait_status);
}

void Supervisor::finish_attempt(LiveAttempt attempt, int wait_status) {
  const std::size_t test = attempt.test;
  AttemptResult result = attempt.finish(wait_status);
  keep_artifacts(*result_.cases[test].test, result);
  std::error_code ignored;
  std::filesystem::remove_all(attempt.dir, ignored);
  result_.cases[test].attempts.push_back(std::move(result));
  retry_or_report(test);
  // What is shown is shown; a million attempts' output would fill the memory.
  if (options_.junit.empty() && !options_.json) result_.cases[test].attempts.back().output = {};
}

void Supervisor::retry_or_report(std::size_t index) {
  const CaseResult& test = result_.cases[index];
  const AttemptResult& last = test.attempts.back();
  int max_attempts = test.test->max_attempts > 0 ? test.test->max_attempts : suite_.max_attempts;
  max_attempts = options_.max_attempts.value_or(max_attempts);
  const bool failed = last.outcome == Verdict::failed || last.outcome == Verdict::errored ||
                      last.outcome == Verdict::timed_out;
  const bool again = failed && last.number < max_attempts && result_.ending == Ending::completed;
  // At the end of the queue: what made it fail may have passed by then.
  if (again)
    waiting_.push_back({index, last.number + 1, Clock::now() + back_off(suite_, last.number + 1)});
  progress_.attempt_finished(test, again);
}

void Supervisor::keep_artifacts(const CaseSpec& test, AttemptResult& result) {
  if (result.artifacts.empty()) return;
  if (options_.artifacts.empty()) return result.artifacts.clear();
  namespace fs = std::filesystem;
  std::string folder = test.name;
  std::replace(folder.begin(), folder.end(), '/', '_');
  for (auto& [name, path] : result.artifacts) {
    const fs::path target = fs::path(options_.artifacts) / suite_.namespace_ / suite_.name /
                            folder / fmt::format("{}", result.number) / name;
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (!error) fs::copy_file(path, target, fs::copy_options::overwrite_existing, error);
    if (error) progress_.note(fmt::format("artifact {}: {}", target.string(), error.message()));
    path = target.string();
  }
}

void Supervisor::check_deadlines() {
  const auto now = Clock::now();
  if (suite_deadline_ && now >= *suite_deadline_ && result_.ending == Ending::completed && !hook_)
    stop_all(Ending::timed_out,
             over("the suite's time-out", options_.timeout_ms.value_or(suite_.timeout_ms)));
  const auto check = [&](LiveAttempt& attempt) {
    if (attempt.kill_at && now >= *attempt.kill_at && !attempt.killed && attempt.pid > 0) {
      attempt.killed = true;
      kill_tree(attempt.pid);
    } else if (!attempt.kill_at && attempt.deadline && now >= *attempt.deadline) {
      stop_attempt(attempt, Verdict::timed_out,
                   attempt.stop_message.empty() ? "its time is over" : attempt.stop_message);
    }
  };
  for (auto& [id, attempt] : live_) check(attempt);
  if (hook_) check(*hook_);
}

void Supervisor::stop_attempt(LiveAttempt& attempt, Verdict as, std::string message) {
  if (attempt.kill_at) return;
  attempt.stopped_as = as;
  attempt.stop_message = std::move(message);
  attempt.kill_at = Clock::now() + kKillGrace;
  if (attempt.pid > 0) signal_tree(attempt.pid, SIGTERM);
}

void Supervisor::stop_all(Ending ending, const std::string& message) {
  if (result_.ending != Ending::completed) return;
  result_.ending = ending;
  result_.message = message;
  const Verdict as = ending == Ending::cancelled   ? Verdict::cancelled
                     : ending == Ending::timed_out ? Verdict::timed_out
                                                   : Verdict::errored;
  for (auto& [id, attempt] : live_) stop_attempt(attempt, as, message);
}

void Supervisor::on_server_gone() {
  control_.reset();
  wait_for_server(std::chrono::milliseconds(200));
  kill_strangers({});
  if (hook_) return;
  auto live = std::move(live_);
  live_.clear();
  stop_all(Ending::errored,
           "the process that forks the tests was " + describe_death(server_status_));
  for (auto& [id, attempt] : live) finish_attempt(std::move(attempt), server_status_);
}

}  // namespace baton::suite
