// SPDX-License-Identifier: MIT
#pragma once
// The numbers behind /metrics, in the Prometheus text format. Counters start at zero with the
// process and count what the journal and the handlers tell. No label holds a test's name: their
// number is without bound. Any thread.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/route.h"
#include "model/lease.h"
#include "model/run.h"

namespace baton::api {

/// Cumulative buckets in seconds.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void observe(double seconds);
  /// `labels`: "a=\"b\"," or "".
  void write(std::string& out, std::string_view name, std::string_view labels) const;

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

/// What is read at the moment of a scrape.
struct Gauges {
  struct Running {
    std::string namespace_;
    std::string suite;
    std::int64_t runs = 0;
  };
  std::string instance;
  std::string version;
  std::vector<Running> running;
  std::int64_t queued = 0;
  struct Slots {
    std::string environment;
    std::map<model::SlotState, int> by_state;
    int queue_length = 0;
  };
  std::vector<Slots> slots;
  std::int64_t gates_pending = 0;
  std::int64_t deliveries_queued = 0;  // that are due, or wait to be tried again
  std::int64_t deliveries_dead = 0;
  Seq journal_seq = 0;
  std::size_t waiting = 0;
};

class Metrics {
 public:
  Metrics();
  void request_served(const Route* route, int status, std::chrono::nanoseconds took);
  /// `attempts`: every attempt of the run, once.
  void run_finished(const model::Run& run, const std::vector<model::Outcome>& attempts);
  /// A waiter was told that the lease is his, so long after the grant.
  void handed_over(Duration took);
  /// A lease was granted, so long after it was asked for.
  void lease_granted(Duration waited);
  /// held: nothing when it was never granted.
  void lease_ended(model::LeaseState how, std::optional<Duration> held);
  /// verdict: "" for a gate that ended without one.
  void gate_ended(std::string_view verdict);
  /// An attempt, by how it ended: delivered, failed (it comes again), dead.
  void delivery_attempted(std::string_view link, std::string_view how);
  /// It was there, so long after it was due.
  void delivered(Duration took);
  /// An event stream opened (+1) or ended (-1).
  void stream_changed(int by) { sse_clients_ += by; }
  std::string text(const Gauges& gauges) const;

 private:
  struct SuiteKey {
    std::string namespace_;
    std::string suite;
    auto operator<=>(const SuiteKey&) const = default;
  };
  struct SuiteNumbers {
    std::map<model::RunVerdict, std::uint64_t> runs;
    std::map<model::Outcome, std::uint64_t> attempts;
    // handoff's words: result and whether it was flaky.
    std::map<std::pair<std::string_view, bool>, std::uint64_t> legacy_runs;
    std::map<std::string_view, std::uint64_t> legacy_attempts;
  };
  struct RouteNumbers {
    std::map<int, std::uint64_t> by_status;
    Histogram durations;
  };
  void write_http(std::string& out) const;
  void write_runs(std::string& out) const;
  void write_leases(std::string& out, const Gauges& gauges) const;
  void write_gates(std::string& out, const Gauges& gauges) const;
  void write_legacy(std::string& out, const Gauges& gauges) const;

  std::atomic<int> sse_clients_ = 0;
  mutable std::mutex mutex_;
  std::map<SuiteKey, SuiteNumbers> suites_;
  std::map<std::string, Histogram> run_durations_;  // by verdict
  std::map<const Route*, RouteNumbers> routes_;     // null: no route
  std::uint64_t leases_granted_ = 0;
  std::map<model::LeaseState, std::uint64_t> leases_ended_;
  Histogram lease_waits_;
  Histogram lease_holds_;
  Histogram handoffs_;
  std::map<std::string, std::uint64_t> gates_ended_;  // by verdict
  std::map<std::pair<std::string, std::string>, std::uint64_t> deliveries_;  // by link and how
  Histogram delivery_times_;
};

/// The words of handoff for a run and for an attempt: passed, failed, skipped or pending.
std::string_view legacy_result_of(const model::Run& run);
std::string_view legacy_result_of(model::Outcome outcome);

}  // namespace baton::api
