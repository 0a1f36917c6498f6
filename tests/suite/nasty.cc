// SPDX-License-Identifier: MIT
// Suites whose tests do what tests do on a bad day. Run by test_suites.py.
#include <baton/baton.h>
#include <baton/std.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;

BATON_SUITE(nasty, {.attempt_timeout = 20s, .workers = 4});

BATON_TEST(nasty, passes) {}
BATON_TEST(nasty, crashes) { ::raise(SIGSEGV); }
BATON_TEST(nasty, aborts) { std::abort(); }
BATON_TEST(nasty, throws) { throw std::runtime_error("no connection"); }
BATON_TEST(nasty, throws_a_number) { throw 42; }
BATON_TEST(nasty, exits) { std::exit(3); }
BATON_TEST(nasty, exits_with_zero) { std::exit(0); }
BATON_TEST(nasty, fails_then_crashes) {
  BATON_CHECK(1 == 2);
  t.soft_failure();
  ::raise(SIGKILL);
}
BATON_TEST(nasty, throws_on_a_thread) {
  std::thread([] { throw std::logic_error("on a thread"); }).join();
}
BATON_TEST(nasty, requires_on_a_thread) {
  std::thread([] { BATON_REQUIRE(1 == 2); }).join();
}
BATON_TEST(nasty, requires_in_noexcept) {
  [&]() noexcept { BATON_REQUIRE(1 == 2); }();
}

BATON_TEST(nasty, ignores_sigterm, {.timeout = 200ms}) {
  ::signal(SIGTERM, SIG_IGN);
  for (;;) ::pause();
}
BATON_TEST(nasty, stops_when_asked, {.timeout = 200ms}) {
  t.cleanup([&] { t.log("cleaned up"); });
  const std::stop_token stop = t.stop_token();
  while (!stop.stop_requested()) std::this_thread::sleep_for(5ms);
}
BATON_TEST(nasty, polls_until_stopped, {.timeout = 200ms}) {
  t.cleanup([&] { t.log("cleaned up"); });
  BATON_CHECK(!t.poll(1h, 10ms, [] { return false; }));
}
BATON_TEST(nasty, extends_its_time, {.timeout = 300ms}) {
  t.set_timeout(10s);
  std::this_thread::sleep_for(600ms);
}

namespace {

// As daemons do it: no parent, a session of its own, deaf to polite signals.
void start_daemon(const std::string& pid_file) {
  const pid_t middle = ::fork();
  if (middle == 0) {
    ::setsid();
    if (::fork() == 0) {
      ::setsid();
      ::signal(SIGTERM, SIG_IGN);
      std::ofstream(pid_file + ".new") << ::getpid() << std::flush;
      std::rename((pid_file + ".new").c_str(), pid_file.c_str());
      for (;;) ::pause();
    }
    ::_exit(0);
  }
  ::waitpid(middle, nullptr, 0);
}

bool exists(const std::string& file) { return ::access(file.c_str(), F_OK) == 0; }

}  // namespace

BATON_TEST(nasty, leaves_a_daemon) {
  const std::string file = std::string(t.param("folder")) + "/daemon";
  start_daemon(file);
  BATON_REQUIRE(t.poll(5s, 2ms, [&] { return exists(file); }));
}
BATON_TEST(nasty, hangs_with_a_daemon, {.timeout = 1s}) {
  ::signal(SIGTERM, SIG_IGN);
  start_daemon(std::string(t.param("folder")) + "/hanging_daemon");
  for (;;) ::pause();
}
BATON_TEST(nasty, forks_a_crowd) {
  for (int i = 0; i < 60; ++i)
    if (::fork() == 0)
      for (;;) ::pause();
}
BATON_TEST(nasty, forks_and_returns_twice) {
  ::fork();
  t.log("one of two");
}

BATON_TEST(nasty, closes_everything_and_passes) {
  for (int fd = 0; fd < 1024; ++fd) ::close(fd);
}
BATON_TEST(nasty, closes_everything_and_fails) {
  for (int fd = 0; fd < 1024; ++fd) ::close(fd);
  BATON_CHECK(1 == 2);
}
BATON_TEST(nasty, reuses_the_event_descriptor) {
  const std::string file = std::string(t.param("folder")) + "/reused";
  for (int fd = 3; fd < 1024; ++fd) ::close(fd);
  for (int i = 0; i < 32; ++i) ::open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  BATON_CHECK(1 == 2);
}
BATON_TEST(nasty, prints_nul_and_bad_utf8) {
  std::fwrite("a\0b\xff\xfe\xc3(\x1b[31m\n", 1, 14, stdout);
  BATON_CHECK(std::string("a\0b\xff", 4) == "x");
}
BATON_TEST(nasty, prints_much) {
  const std::string line(1023, 'x');
  for (int i = 0; i < 20'000; ++i) std::puts(line.c_str());
  std::puts("the end");
}

BATON_TEST(nasty, skips) { t.skip("not here"); }
BATON_TEST(nasty, skips_after_a_failure) {
  BATON_CHECK(1 == 2);
  t.skip("too late");
}
BATON_TEST(nasty, cleans_up_in_reverse) {
  t.cleanup([&] { t.log("first"); });
  t.cleanup([] { throw std::runtime_error("in between"); });
  t.cleanup([&] { t.log("last"); });
  BATON_REQUIRE(1 == 2);
}
BATON_TEST(nasty, fails_softly) {
  t.soft_failure();
  BATON_CHECK(1 == 2);
}
BATON_TEST(nasty, is_flaky, {.max_attempts = 3}) { BATON_CHECK(t.attempt() == 3); }
BATON_TEST(nasty, names_bad_artifacts) {
  std::ofstream("/dev/null");
  const std::string file = std::string(t.temp_dir()) + "/a.txt";
  std::ofstream(file) << "kept";
  t.artifact("a.txt", "sub/a.txt");
  t.artifact(file, "../escape.txt");
  t.artifact(file, "/absolute.txt");
  t.artifact(file + ".missing");
  std::ofstream(file) << "changed later";
}
BATON_TEST(nasty, records) {
  {
    auto span = t.span("outer", {{"n", 3}, {"who", std::string("me")}});
    span.set("n", 4.5);
  }
  t.set_value("k", 1);
  t.set_value("k", std::string_view("two"));
  t.set_env("NASTY_ENV", "set");
  BATON_CHECK(std::getenv("NASTY_ENV") == "set");
  BATON_CHECK(t.value("k") == "two");
  BATON_CHECK(t.value("none") == "");
  BATON_CHECK(t.name() == "records");
  BATON_CHECK(t.suite() == "default/nasty");
  BATON_CHECK(t.environment() == "uat");
  BATON_CHECK(t.property("base-url") == "http://uat");
  BATON_CHECK(t.param("missing", "other") == std::string("other"));
  t.log("{:>4}|{}|{}|{:.1f}|{}", 7, true, 'c', 2.25, std::string("s"));
  t.log("{} {}", "too few");
  t.log("plain {braces}");
}
BATON_TEST_P(nasty, takes_numbers, {1, 2, 3}) { BATON_CHECK(param < 3); }

BATON_SUITE(slow, {.namespace_ = "other", .timeout = 700ms, .workers = 2});
BATON_TEST(slow, one) {
  t.poll(1h, [] { return false; });
}
BATON_TEST(slow, two) {
  t.poll(1h, [] { return false; });
}
BATON_TEST(slow, three) {}

BATON_SUITE(backs_off, {.max_attempts = 3, .back_off = 150ms});
BATON_TEST(backs_off, always_fails) { t.fail("again"); }

BATON_SUITE(bad_setup);
BATON_SETUP(bad_setup) {
  t.cleanup([&] { t.log("setup undone"); });
  BATON_REQUIRE(1 == 2);
}
BATON_TEARDOWN(bad_setup) { t.log("never"); }
BATON_TEST(bad_setup, never_runs) {}

BATON_SUITE(crashing_setup);
BATON_SETUP(crashing_setup) { ::raise(SIGSEGV); }
BATON_TEST(crashing_setup, never_runs) {}

namespace {
int prepared = 0;
}
BATON_SUITE(shares, {.workers = 2});
BATON_SETUP(shares) {
  prepared = 42;
  t.set_value("token", "abc");
  t.set_env("SHARED", "yes");
  t.cleanup([&] { t.log("after the teardown"); });
  start_daemon(std::string(t.param("folder")) + "/service");
}
BATON_TEARDOWN(shares) {
  t.log("teardown {}", prepared);
  BATON_CHECK(prepared == 0);
}
BATON_TEST(shares, sees_the_setup) {
  BATON_CHECK(prepared == 42);
  BATON_CHECK(t.value("token") == "abc");
  BATON_CHECK(std::getenv("SHARED") == "yes");
  prepared = 1;
}
BATON_TEST(shares, finds_the_service_alive) {
  const std::string file = std::string(t.param("folder")) + "/service";
  int pid = 0;
  BATON_REQUIRE(t.poll(5s, 2ms, [&] { return static_cast<bool>(std::ifstream(file) >> pid); }));
  BATON_CHECK(::kill(pid, 0) == 0);
  BATON_CHECK(prepared == 42);
}

BATON_SUITE(threads);
BATON_SETUP(threads) {
  // Takes every signal that it may: none must get lost for the one that forks.
  static std::thread thread([] {
    for (;;) std::this_thread::sleep_for(1ms);
  });
}
BATON_TEST_P(threads, ends, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) { BATON_CHECK(param > 0); }

BATON_SUITE(service);
BATON_SETUP(service) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) {
      [[maybe_unused]] const auto told = ::write(STDOUT_FILENO, "still here\n", 11);
      ::usleep(5'000);
    }
  }
  t.set_value("pid", pid);
}
BATON_TEST(service, lives_on_though_it_prints) {
  const int pid = std::atoi(t.value("pid").c_str());
  BATON_CHECK(!t.poll(300ms, 10ms, [&] {
    char state = 0;
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name;
    stat >> number >> name >> state;
    return state == 0 || state == 'Z';
  }));
}

BATON_SUITE(hung_teardown, {.timeout = 1s});
BATON_TEARDOWN(hung_teardown) {
  t.set_timeout(500ms);  // the 30 seconds that a teardown has are long for a test
  t.poll(200ms, [] { return false; });
  for (;;) ::pause();
}
BATON_TEST(hung_teardown, ends_well) {}

BATON_SUITE(stop_token_in_setup, {.attempt_timeout = 1s});
BATON_SETUP(stop_token_in_setup) { [[maybe_unused]] const std::stop_token stop = t.stop_token(); }
BATON_TEST(stop_token_in_setup, stops_when_asked) {
  t.cleanup([&] { t.log("cleaned up"); });
  const std::stop_token stop = t.stop_token();
  while (!stop.stop_requested()) std::this_thread::sleep_for(5ms);
}

BATON_SUITE(forked);
BATON_TEST(forked, checks_in_a_child) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    BATON_CHECK(1 == 2);
    ::_exit(0);
  }
  ::waitpid(pid, nullptr, 0);
}
BATON_TEST(forked, extends_for_ever, {.timeout = 200ms}) {
  t.set_timeout(0s);
  std::this_thread::sleep_for(500ms);
}
BATON_TEST(forked, says_its_own_limit, {.timeout = 20s}) {
  t.set_timeout(100ms);
  t.poll(1h, [] { return false; });
}
BATON_TEST(forked, records_much) {
  t.set_value("huge", std::string(3'000'000, '\x01'));
  auto span = t.span("wide", {{"small", 1}});
  for (int i = 0; i < 9; ++i) span.set("key " + std::to_string(i), std::string(60'000, 'x'));
}

BATON_SUITE(nasty_values);
BATON_TEST(nasty_values, sets_many) {
  for (int i = 0; i < 20'000; ++i) t.set_value("key " + std::to_string(i), i);
}
BATON_TEST(nasty_values, never_stops) {
  for (int i = 0;; ++i) t.set_value("key " + std::to_string(i % 20'000), i);
}

int main(int argc, char** argv) { return baton::main(argc, argv); }
