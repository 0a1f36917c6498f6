// SPDX-License-Identifier: MIT
#include "suite/attempt_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "suite/stop.h"

// Present in a program built with --coverage: an attempt ends with _exit(), which writes no counts.
extern "C" __attribute__((weak)) void __gcov_dump();

namespace baton::suite {
namespace {

// A thread of the test, or a noexcept function, let an exception escape.
[[noreturn]] void on_terminate() {
  std::string message = "std::terminate was called";
  if (std::current_exception()) {
    try {
      throw;
    } catch (const AttemptEnd&) {
      message = "a check failed where no exception may pass (a noexcept function or destructor)";
    } catch (const std::exception& error) {
      message = std::string("an exception left its thread or a noexcept function: ") + error.what();
    } catch (...) {
      message = "an exception left its thread or a noexcept function";
    }
  }
  if (detail::Attempt* const attempt = detail::Attempt::current()) attempt->die(message);
  std::abort();
}

// Handlers stay: those that are set are the setup's own.
void unblock_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void prepare_process(const AttemptOrder& order) {
  ::setsid();
  // Orphans of this test become its children, so that its whole tree can be found and killed.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Should the fork server be killed, its attempts must not go on unwatched.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  unblock_signals();
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  if (null > STDERR_FILENO) ::close(null);
  ::dup2(order.out, STDOUT_FILENO);
  ::dup2(order.out, STDERR_FILENO);
  if (order.out > STDERR_FILENO) ::close(order.out);
  // Line by line, so that people can watch; a pipe would be buffered by the block.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  for (const auto& [name, value] : order.environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::set_terminate(on_terminate);
  install_stop_handler();
}

}  // namespace

void run_attempt_process(const AttemptOrder& order) {
  prepare_process(order);
  EventSink events(order.events, order.mailbox);
  detail::Attempt attempt({.suite = order.suite.id(),
                           .test = order.test.name,
                           .parameter = order.test.parameter_text,
                           .file = order.test.file,
                           .line = order.test.line,
                           .number = order.number,
                           .dir = order.dir},
                          events, order.values);
  attempt.run([&](T& t) {
    if (order.test.parameter_body)
      order.test.parameter_body(t, order.test.parameter);
    else
      order.test.body(t);
  });
  attempt.run_cleanups();
  const Ended ended = attempt.finish();
  std::fflush(nullptr);
  events.send_last(attempt.finished_event());
  if (__gcov_dump) __gcov_dump();
  // No destructors of globals: threads of the test may still use them.
  ::_exit(ended.outcome == Outcome::passed || ended.outcome == Outcome::skipped ? 0 : 1);
}

}  // namespace baton::suite
