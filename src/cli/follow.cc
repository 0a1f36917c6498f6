// SPDX-License-Identifier: MIT
#include "cli/follow.h"

#include <boost/json.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "base/output_file.h"
#include "base/text.h"
#include "cli/pages.h"

namespace baton::cli {
namespace {

namespace json = boost::json;
using SteadyClock = std::chrono::steady_clock;

// Pipelines kill jobs that are silent for ten minutes; people look up after half a one.
constexpr auto kHeartbeat = std::chrono::seconds{30};
constexpr Duration kPatience{60'000};  // how long a restarting server is waited for

// What has been seen of the run so far, and the line that shows it.
class Progress {
 public:
  explicit Progress(std::int64_t run) : run_(run), terminal_(is_terminal()) {}

  void finished(const std::string& outcome) {
    const std::lock_guard lock(mutex_);
    ++done_;
    if (outcome != "passed" && outcome != "skipped") ++failed_;
    if (terminal_) draw();
  }
  void print(const std::string& line) {
    const std::lock_guard lock(mutex_);
    clear();
    say(line);
    if (terminal_) draw();
  }
  void heartbeat() {
    const std::lock_guard lock(mutex_);
    if (!terminal_) say(text());
  }
  void end() {
    const std::lock_guard lock(mutex_);
    clear();
  }

 private:
  std::string text() const {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::seconds>(SteadyClock::now() - start_);
    return fmt::format("run {}: {} attempts finished, {} not passed, {}", run_, done_, failed_,
                       describe_duration(elapsed));
  }
  void draw() {
    std::fprintf(stderr, "\r\x1b[K%s", text().c_str());
    drawn_ = true;
  }
  void clear() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
  }

  std::mutex mutex_;
  const std::int64_t run_;
  const bool terminal_;
  bool drawn_ = false;
  int done_ = 0, failed_ = 0;
  const SteadyClock::time_point start_ = SteadyClock::now();
};

std::string failure_line(const json::value& attempt) {
  std::string line = fmt::format("✗ {} (attempt {}) {}", text_at(attempt, "test"),
                                 integer_at(attempt, "attempt"), text_at(attempt, "outcome"));
  const std::string message = text_at(attempt, "message");
  const std::string_view first = std::string_view{message}.substr(0, message.find('\n'));
  if (!first.empty()) line += fmt::format("   {}", first);
  if (const std::string file = text_at(attempt, "file"); !file.empty())
    line += fmt::format("   {}:{}", file, integer_at(attempt, "line"));
  return harmless(line);
}

bool show_event(Progress& progress, const net::SseEvent& event, bool logs) {
  boost::system::error_code bad;
  const json::value data = json::parse(event.data, bad);
  if (bad) return true;
  if (event.event == "run_finished") return false;
  if (event.event == "attempt_finished") {
    const std::string outcome = text_at(data, "outcome");
    if (outcome != "passed" && outcome != "skipped") progress.print(failure_line(data));
    progress.finished(outcome);
  } else if (event.event == "log" && logs) {
    const std::string test = text_at(data, "test");
    progress.print(harmless(fmt::format("{}{}{}", test, test.empty() ? "" : " │ ",
                                        text_at(data, "text"))));
  }
  return true;
}

std::string summary(const json::value& run) {
  const std::string verdict = text_at(run, "verdict");
  std::string line = fmt::format("{} {}/{} #{} {}", verdict == "passed" ? "✓" : "✗",
                                 text_at(run, "namespace"), text_at(run, "suite"),
                                 integer_at(run, "id"), verdict);
  for (const char* part : {"failed", "errored", "flaky", "quarantined", "passed", "skipped"})
    if (const auto n = integer_at(run, std::string{"counts."} + part); n > 0)
      line += fmt::format(" · {} {}", n, part);
  line += fmt::format(" · {}", describe_duration(Duration{integer_at(run, "duration_ms")}));
  return line;
}

void print_summary(client::ApiClient& api, const json::value& run, const FollowOptions& options) {
  if (options.output != Output::table) return print(options.output, run, {});
  std::printf("%s\n", harmless(summary(run)).c_str());
  if (const std::string why = text_at(run, "message"); !why.empty())
    std::printf("  %s\n", harmless(why).c_str());
  const auto tests = all_items(api, fmt::format("/runs/{}/tests", integer_at(run, "id")));
  if (!tests) return;
  for (const json::value& test : *tests) {
    const std::string verdict = text_at(test, "verdict");
    if (verdict == "passed" || verdict == "skipped" || verdict == "pending") continue;
    std::string line = fmt::format("  {} {} ({})", verdict == "flaky" ? "~" : "✗",
                                   text_at(test, "name"), verdict);
    if (const json::value* attempts = test.as_object().if_contains("attempts");
        attempts != nullptr && attempts->is_array() && !attempts->get_array().empty()) {
      // Of a flaky case the attempt before the last tells why.
      const json::array& list = attempts->get_array();
      const json::value& told = list[verdict == "flaky" && list.size() > 1 ? list.size() - 2
                                                                            : list.size() - 1];
      const std::string message = text_at(told, "message");
      if (!message.empty()) line += "\n    " + message.substr(0, message.find('\n'));
      if (const std::string file = text_at(told, "file"); !file.empty())
        line += fmt::format("\n    {}:{}", file, integer_at(told, "line"));
    }
    std::printf("%s\n", harmless(line).c_str());
  }
  if (text_at(run, "verdict") != "passed" && options.server_stays)
    std::printf("logs: baton runs logs %lld --failed\n",
                static_cast<long long>(integer_at(run, "id")));
}

// Calls `beat` every kHeartbeat and ends the wait at the deadline, until it is destroyed.
class Ticker {
 public:
  Ticker(std::optional<Duration> limit, std::stop_token stop, std::stop_source& ended,
         std::function<void()> beat)
      : thread_([=, &ended, beat = std::move(beat)](const std::stop_token& own) {
          std::mutex mutex;
          std::condition_variable_any wake;
          std::unique_lock lock(mutex);
          const std::stop_callback on_signal(stop, [&] { wake.notify_all(); });
          const auto start = SteadyClock::now();
          auto next = start + kHeartbeat;
          while (!own.stop_requested()) {
            const auto until = limit ? std::min(next, start + *limit) : next;
            wake.wait_until(lock, own, until, [&] { return stop.stop_requested(); });
            if (own.stop_requested()) return;
            if (stop.stop_requested() || (limit && SteadyClock::now() >= start + *limit)) {
              ended.request_stop();
              return;
            }
            beat();
            next += kHeartbeat;
          }
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace

int exit_code_of_run(const json::value& run, bool fail_on_flaky) {
  const std::string verdict = text_at(run, "verdict");
  if (verdict == "passed") {
    const json::value* flaky = run.as_object().if_contains("flaky");
    return fail_on_flaky && flaky != nullptr && flaky->is_bool() && flaky->get_bool() ? kFlaky
                                                                                      : kOk;
  }
  if (verdict == "failed") return kTestsFailed;
  if (verdict == "cancelled") return kCancelled;
  if (verdict == "empty") return kEmpty;
  return kRunErrored;
}

Result<void> save_junit(const client::Endpoint& endpoint, std::int64_t run,
                        const std::string& path) {
  client::ApiClient api{endpoint};
  std::string content;
  BATON_TRY_VOID(api.download(fmt::format("/runs/{}/junit.xml", run), [&](std::string_view piece) {
    content += piece;
    return true;
  }));
  if (auto written = write_output_file(path, content); !written)
    return tl::unexpected(of_file(std::move(written).error()));
  return {};
}

int follow(const client::Endpoint& endpoint, std::int64_t run, const FollowOptions& options) {
  Signals signals;
  std::stop_source ended;
  Progress progress{run};
  client::ApiClient api{endpoint};
  api.set_patience(kPatience);
  const std::string path = fmt::format("/runs/{}", run);
  Result<void> streamed;
  {
    const Ticker ticker{options.timeout, signals.token(), ended, [&] { progress.heartbeat(); }};
    client::ApiClient events{endpoint, ended.get_token()};
    events.set_patience(kPatience);
    const std::string stream = path + (options.logs ? "/events" : "/events?logs=false");
    streamed = events.stream(stream, [&](const net::SseEvent& event) {
      return show_event(progress, event, options.logs);
    });
  }
  progress.end();
  const auto cancel = [&] {
    if (auto done = api.post(path + "/cancel", json::object{}); !done)
      report("cancel", done.error());
    else if (auto waited = api.get(path + "?wait=30s"); waited)
      print_summary(api, *waited, options);
  };
  if (ended.stop_requested()) {
    if (signals.received() == 0 && !options.server_stays) {
      say(fmt::format("baton: wait: run {} has not finished within --timeout {}\n"
                      "fix: it is cancelled, because its server ends with this command; give more "
                      "time",
                      run, format_duration(*options.timeout)));
      cancel();
      return kTimeout;
    }
    if (signals.received() == 0) {
      say(fmt::format("baton: wait: run {} has not finished within --timeout {}\n"
                      "fix: baton runs watch {}, or baton runs cancel {}",
                      run, format_duration(*options.timeout), run, run));
      return kTimeout;
    }
    if (options.cancel_on_signal) {
      say(fmt::format("cancelling run {}; once more to leave at once", run));
      cancel();
    }
    return signals.exit_code(kError);
  }
  if (!streamed) return report(fmt::format("run {}", run), streamed.error());
  auto document = api.get(path);
  if (!document) return report(fmt::format("run {}", run), document.error());
  print_summary(api, *document, options);
  return exit_code_of_run(*document, options.fail_on_flaky);
}

}  // namespace baton::cli
