// SPDX-License-Identifier: MIT
// What the kill sweep runs through the fork server: short tests beside a service of the setup, and
// daemons that tests leave behind. Run by ../e2e/test_kill_sweep.py.
#include <baton/baton.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

using namespace std::chrono_literals;

namespace {

// As daemons do it: no parent, a session of its own, in another folder.
void start_daemon() {
  const pid_t middle = ::fork();
  if (middle == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    ::setsid();
    ::signal(SIGTERM, SIG_IGN);
    if (::chdir("/") != 0) ::_exit(1);
    for (;;) ::pause();
  }
  ::waitpid(middle, nullptr, 0);
}

}  // namespace

BATON_SUITE(sweep, {.workers = 2});
BATON_SETUP(sweep) {
  start_daemon();
  t.log("set up");
}
BATON_TEARDOWN(sweep) { t.log("torn down"); }
BATON_TEST_P(sweep, works, {1, 2, 3, 4, 5, 6}) {
  if (param % 2 == 0) start_daemon();
  t.log("case {}", param);
  t.poll(30ms, 5ms, [] { return false; });
  BATON_CHECK(param > 0);
}

int main(int argc, char** argv) { return baton::main(argc, argv); }
