// SPDX-License-Identifier: MIT
#include "api/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace baton::api {
namespace {

// From a read served by the page cache to a long poll at its limit.
const std::vector<double> kHttpBounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                      0.25,   0.5,   1,      2.5,   5,    10,    30,   60};
// From one fast case to a night of end-to-end tests.
const std::vector<double> kRunBounds{0.1, 0.5, 1,   5,    10,   30,   60,
                                     120, 300, 600, 1800, 3600, 7200, 14400};

// From a slot that is free to a queue of a day.
const std::vector<double> kWaitBounds{0.01, 0.1, 1,    5,    15,   30,    60,   120,
                                      300,  600, 1800, 3600, 7200, 14400, 43200, 86400};
// From the next turn of a loop to what a person notices.
const std::vector<double> kHandoffBounds{0.001, 0.002, 0.005, 0.01, 0.025, 0.05,
                                         0.1,   0.25,  0.5,   1,    5};

double in_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

std::string label(std::string_view name, std::string_view value) {
  std::string out{name};
  out += "=\"";
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

void family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

template <class N>
void sample(std::string& out, std::string_view name, std::string_view labels, N value) {
  if (labels.empty()) {
    fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
  } else {
    fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", name, labels, value);
  }
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size(), 0) {}

void Histogram::observe(double seconds) {
  for (std::size_t i = 0; i < bounds_.size(); ++i)
    if (seconds <= bounds_[i]) {
      ++counts_[i];
      break;
    }
  ++count_;
  sum_ += seconds;
}

void Histogram::write(std::string& out, std::string_view name, std::string_view labels) const {
  const std::string bucket = fmt::format("{}_bucket", name);
  const std::string comma = labels.empty() ? "" : ",";
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    below += counts_[i];
    sample(out, bucket, fmt::format("{}{}le=\"{}\"", labels, comma, bounds_[i]), below);
  }
  sample(out, bucket, fmt::format("{}{}le=\"+Inf\"", labels, comma), count_);
  sample(out, fmt::format("{}_sum", name), labels, sum_);
  sample(out, fmt::format("{}_count", name), labels, count_);
}

std::string_view legacy_result_of(const model::Run& run) {
  if (run.state != model::RunState::finished) return "pending";
  if (run.verdict == model::RunVerdict::passed) return "passed";
  return run.verdict == model::RunVerdict::empty ? "skipped" : "failed";
}

std::string_view legacy_result_of(model::Outcome outcome) {
  switch (outcome) {
    case model::Outcome::running: return "pending";
    case model::Outcome::passed: return "passed";
    case model::Outcome::skipped:
    case model::Outcome::cancelled: return "skipped";
    case model::Outcome::failed:
    case model::Outcome::errored:
    case model::Outcome::timed_out: return "failed";
  }
  return "failed";
}

void Metrics::request_served(const Route* route, int status, std::chrono::nanoseconds took) {
  const std::lock_guard lock(mutex_);
  RouteNumbers& numbers =
      routes_.try_emplace(route, RouteNumbers{{}, Histogram{kHttpBounds}}).first->second;
  ++numbers.by_status[status];
  numbers.durations.observe(std::chrono::duration<double>(took).count());
}

void Metrics::run_finished(const model::Run& run, const std::vector<model::Outcome>& attempts) {
  const std::lock_guard lock(mutex_);
  SuiteNumbers& numbers = suites_[{run.namespace_, run.suite}];
  ++numbers.runs[run.verdict];
  ++numbers.legacy_runs[{legacy_result_of(run), run.flaky}];
  for (const model::Outcome outcome : attempts) {
    ++numbers.attempts[outcome];
    ++numbers.legacy_attempts[legacy_result_of(outcome)];
  }
  if (run.started_at && run.finished_at) {
    const std::chrono::duration<double> took = *run.finished_at - *run.started_at;
    run_durations_.try_emplace(std::string{name_of(run.verdict)}, Histogram{kRunBounds})
        .first->second.observe(took.count());
  }
}

Metrics::Metrics()
    : lease_waits_(kWaitBounds),
      lease_holds_(kWaitBounds),
      handoffs_(kHandoffBounds),
      delivery_times_(kWaitBounds) {}

void Metrics::handed_over(Duration took) {
  const std::lock_guard lock(mutex_);
  handoffs_.observe(in_seconds(std::max(Duration{0}, took)));
}

void Metrics::lease_granted(Duration waited) {
  const std::lock_guard lock(mutex_);
  ++leases_granted_;
  lease_waits_.observe(in_seconds(std::max(Duration{0}, waited)));
}

void Metrics::lease_ended(model::LeaseState how, std::optional<Duration> held) {
  const std::lock_guard lock(mutex_);
  ++leases_ended_[how];
  if (held) lease_holds_.observe(in_seconds(std::max(Duration{0}, *held)));
}

void Metrics::write_leases(std::string& out, const Gauges& gauges) const {
  family(out, "baton_slots", "gauge", "Slots of each environment by their state.");
  for (const Gauges::Slots& item : gauges.slots)
    for (const auto& [state, count] : item.by_state)
      sample(out, "baton_slots",
             label("environment", item.environment) + "," + label("state", name_of(state)), count);
  family(out, "baton_queue_length", "gauge", "Leases that wait for each environment.");
  for (const Gauges::Slots& item : gauges.slots)
    sample(out, "baton_queue_length", label("environment", item.environment), item.queue_length);
  family(out, "baton_leases_granted_total", "counter", "Leases that were granted.");
  sample(out, "baton_leases_granted_total", "", leases_granted_);
  family(out, "baton_leases_ended_total", "counter", "Leases that have ended, by how.");
  for (const auto& [how, count] : leases_ended_)
    sample(out, "baton_leases_ended_total", label("state", name_of(how)), count);
  family(out, "baton_leases_expired_total", "counter",
         "Leases whose holder was not heard of in time.");
  const auto expired = leases_ended_.find(model::LeaseState::expired);
  sample(out, "baton_leases_expired_total", "",
         expired == leases_ended_.end() ? 0 : expired->second);
  family(out, "baton_lease_wait_seconds", "histogram", "Time from the request to the grant.");
  lease_waits_.write(out, "baton_lease_wait_seconds", "");
  family(out, "baton_lease_held_seconds", "histogram", "Time from the grant to the end.");
  lease_holds_.write(out, "baton_lease_held_seconds", "");
  family(out, "baton_handoff_seconds", "histogram",
         "Time from the grant to a waiter, made when a slot was left, to his answer.");
  handoffs_.write(out, "baton_handoff_seconds", "");
}

void Metrics::gate_ended(std::string_view verdict) {
  const std::lock_guard lock(mutex_);
  ++gates_ended_[std::string(verdict.empty() ? "none" : verdict)];
}

void Metrics::delivery_attempted(std::string_view link, std::string_view how) {
  const std::lock_guard lock(mutex_);
  ++deliveries_[{std::string(link), std::string(how)}];
}

void Metrics::delivered(Duration took) {
  const std::lock_guard lock(mutex_);
  delivery_times_.observe(in_seconds(std::max(Duration{0}, took)));
}

void Metrics::write_gates(std::string& out, const Gauges& gauges) const {
  family(out, "baton_gates_pending", "gauge", "Gates without a verdict.");
  sample(out, "baton_gates_pending", "", gauges.gates_pending);
  family(out, "baton_gates_ended_total", "counter", "Gates that have ended, by verdict.");
  for (const auto& [verdict, count] : gates_ended_)
    sample(out, "baton_gates_ended_total", label("verdict", verdict), count);
  family(out, "baton_deliveries_queued", "gauge", "Deliveries that are due or tried again.");
  sample(out, "baton_deliveries_queued", "", gauges.deliveries_queued);
  family(out, "baton_deliveries_dead", "gauge", "Deliveries that wait for a person.");
  sample(out, "baton_deliveries_dead", "", gauges.deliveries_dead);
  family(out, "baton_delivery_attempts_total", "counter",
         "Attempts of deliveries: delivered, failed (tried again) or dead.");
  for (const auto& [key, count] : deliveries_)
    sample(out, "baton_delivery_attempts_total",
           label("link", key.first) + "," + label("outcome", key.second), count);
  family(out, "baton_delivery_seconds", "histogram", "Time from the verdict to its delivery.");
  delivery_times_.write(out, "baton_delivery_seconds", "");
}

void Metrics::write_legacy(std::string& out, const Gauges& gauges) const {
  const auto suite_labels = [&](const std::string& namespace_, const std::string& suite) {
    return label("instance", gauges.instance) + "," + label("namespace", namespace_) + "," +
           label("suite_name", suite);
  };
  family(out, "handoff_testsuites_running", "gauge", "Test suites that run now.");
  // A suite that ran once stays visible with 0, so that its series does not vanish between runs.
  std::map<SuiteKey, std::int64_t> running;
  for (const auto& [key, numbers] : suites_) running[key] = 0;
  for (const Gauges::Running& item : gauges.running)
    running[{item.namespace_, item.suite}] = item.runs;
  for (const auto& [key, runs] : running)
    sample(out, "handoff_testsuites_running", suite_labels(key.namespace_, key.suite), runs);
  family(out, "handoff_testsuites_started_total", "counter", "Test suite runs by their result.");
  for (const auto& [key, numbers] : suites_)
    for (const auto& [result, runs] : numbers.legacy_runs)
      sample(out, "handoff_testsuites_started_total",
             suite_labels(key.namespace_, key.suite) + "," + label("result", result.first) + "," +
                 label("flaky", result.second ? "1" : "0"),
             runs);
  family(out, "handoff_tests_run_total", "counter", "Attempts of tests by their result.");
  for (const auto& [key, numbers] : suites_)
    for (const auto& [result, attempts] : numbers.legacy_attempts)
      sample(out, "handoff_tests_run_total",
             suite_labels(key.namespace_, key.suite) + "," + label("result", result), attempts);
}

void Metrics::write_runs(std::string& out) const {
  family(out, "baton_runs_total", "counter", "Finished runs by verdict.");
  for (const auto& [key, numbers] : suites_)
    for (const auto& [verdict, runs] : numbers.runs)
      sample(out, "baton_runs_total",
             label("suite", key.namespace_ + "/" + key.suite) + "," +
                 label("verdict", name_of(verdict)),
             runs);
  family(out, "baton_attempts_total", "counter", "Attempts of finished runs by outcome.");
  for (const auto& [key, numbers] : suites_)
    for (const auto& [outcome, attempts] : numbers.attempts)
      sample(out, "baton_attempts_total",
             label("suite", key.namespace_ + "/" + key.suite) + "," +
                 label("outcome", name_of(outcome)),
             attempts);
  family(out, "baton_run_duration_seconds", "histogram",
         "Time from the start of a run to its end.");
  for (const auto& [verdict, durations] : run_durations_)
    durations.write(out, "baton_run_duration_seconds", label("verdict", verdict));
}

void Metrics::write_http(std::string& out) const {
  const auto route_labels = [](const Route* route) {
    if (route == nullptr) return label("method", "other") + "," + label("route", "none");
    return label("method", route->method) + "," + label("route", route->pattern);
  };
  family(out, "baton_http_requests_total", "counter", "Answered requests.");
  for (const auto& [route, numbers] : routes_)
    for (const auto& [status, requests] : numbers.by_status)
      sample(out, "baton_http_requests_total",
             route_labels(route) + "," + label("status", std::to_string(status)), requests);
  family(out, "baton_http_request_duration_seconds", "histogram",
         "Time from the complete request to the answer, without streamed bodies.");
  for (const auto& [route, numbers] : routes_)
    numbers.durations.write(out, "baton_http_request_duration_seconds", route_labels(route));
}

std::string Metrics::text(const Gauges& gauges) const {
  const std::lock_guard lock(mutex_);
  std::string out;
  family(out, "baton_build_info", "gauge", "The version that runs.");
  sample(out, "baton_build_info", label("version", gauges.version), 1);
  write_runs(out);
  std::int64_t running = 0;
  for (const Gauges::Running& item : gauges.running) running += item.runs;
  family(out, "baton_runs_running", "gauge", "Runs in progress.");
  sample(out, "baton_runs_running", "", running);
  family(out, "baton_runs_queued", "gauge", "Runs that wait for their turn.");
  sample(out, "baton_runs_queued", "", gauges.queued);
  family(out, "baton_journal_seq", "gauge", "The last position of the journal.");
  sample(out, "baton_journal_seq", "", gauges.journal_seq);
  family(out, "baton_sse_clients", "gauge", "Open event streams.");
  sample(out, "baton_sse_clients", "", sse_clients_.load());
  family(out, "baton_waiting_requests", "gauge", "Long polls and event streams that wait.");
  sample(out, "baton_waiting_requests", "", gauges.waiting);
  write_leases(out, gauges);
  write_gates(out, gauges);
  write_http(out);
  write_legacy(out, gauges);
  return out;
}

}  // namespace baton::api
