// SPDX-License-Identifier: MIT
// Runs a simulation: `sim_test [--world runs|leases|gates] [--seeds N] [--from S] [--steps N]
// [--jobs N]`, or `--seed S` for one. A seed that fails prints how to repeat it.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "testing/gate_world.h"
#include "testing/lease_world.h"
#include "testing/sim_world.h"

namespace baton::sim {
namespace {

struct Arguments {
  std::uint64_t from = 1;
  std::uint64_t seeds = 2'000;
  int steps = 60;
  int jobs = 1;
  bool one = false;
  std::string world = "runs";
};

// A run without a seed, or of something else than was asked for, must not look like a success.
[[noreturn]] void refuse(std::string_view word) {
  fmt::print(stderr,
             "sim_test: {} is not understood\n"
             "fix: sim_test [--world runs|leases|gates] [--seeds N] [--from S] [--steps N] "
             "[--jobs N] | --seed S\n",
             word);
  std::exit(2);
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string_view text = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--world") {
      if (text != "runs" && text != "leases" && text != "gates") refuse(text);
      arguments.world = text;
      continue;
    }
    std::uint64_t value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || bad != std::errc{} || end != text.data() + text.size() || value == 0)
      refuse(name);
    if (name == "--seeds")
      arguments.seeds = value;
    else if (name == "--from")
      arguments.from = value;
    else if (name == "--steps")
      arguments.steps = static_cast<int>(value);
    else if (name == "--jobs")
      arguments.jobs = static_cast<int>(value);
    else if (name == "--seed") {
      arguments.from = value;
      arguments.seeds = 1;
      arguments.one = true;
    } else {
      refuse(name);
    }
  }
  return arguments;
}

struct Outcome {
  std::string wrong;
  std::uint64_t hash = 0;
  std::int64_t commands = 0;
  std::int64_t decided = 0;
};

template <class World>
Outcome live(std::uint64_t seed, int steps) {
  World world(seed);
  Outcome outcome;
  outcome.wrong = world.live(steps);
  outcome.hash = world.trace_hash();
  outcome.commands = world.commands();
  outcome.decided = world.decided();
  return outcome;
}

Outcome simulate(const Arguments& arguments, std::uint64_t seed) {
  if (arguments.world == "leases") return live<LeaseWorld>(seed, arguments.steps);
  if (arguments.world == "gates") return live<GateWorld>(seed, arguments.steps);
  return live<SimWorld>(seed, arguments.steps);
}

// The seeds of one process: those that are `part` modulo `parts`.
int run_part(const Arguments& arguments, std::uint64_t part, std::uint64_t parts) {
  int failures = 0;
  std::int64_t commands = 0, decided = 0, lived = 0;
  for (std::uint64_t i = part; i < arguments.seeds && failures < 5; i += parts) {
    const std::uint64_t seed = arguments.from + i;
    Outcome outcome = simulate(arguments, seed);
    commands += outcome.commands;
    decided += outcome.decided;
    ++lived;
    // Some seeds live twice: the same seed must give the same history.
    if (outcome.wrong.empty() && seed % 100 == 0 &&
        simulate(arguments, seed).hash != outcome.hash)
      outcome.wrong = "two lives of one seed differ";
    if (arguments.one)
      fmt::print("seed {}: {} commands, trace {:016x}\n", seed, outcome.commands, outcome.hash);
    if (outcome.wrong.empty()) continue;
    ++failures;
    fmt::print("seed {} (trace {:016x}): {}\n  repeat: ./dev sim --world {} --steps {} --seed {}\n",
               seed, outcome.hash, outcome.wrong, arguments.world, arguments.steps, seed);
    std::fflush(stdout);
  }
  // A server that refuses or cancels everything keeps all the other promises. (Of the world of
  // leases it is the grants after a wait that are counted, of that of gates what peers took.)
  if (!arguments.one && decided < lived) {
    ++failures;
    fmt::print("{} seeds have only {} verdicts, or grants after a wait\n", lived, decided);
  }
  if (!arguments.one && part == 0)
    fmt::print("{} commands, {} verdicts or grants in the first of {} processes\n", commands,
               decided, parts);
  std::fflush(stdout);
  return failures == 0 ? 0 : 1;
}

int run(const Arguments& arguments) {
  if (arguments.jobs <= 1) return run_part(arguments, 0, 1);
  std::vector<pid_t> children;
  for (int i = 0; i < arguments.jobs; ++i) {
    const pid_t child = fork();
    if (child == 0)
      std::exit(run_part(arguments, static_cast<std::uint64_t>(i),
                         static_cast<std::uint64_t>(arguments.jobs)));
    children.push_back(child);
  }
  int result = 0;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) result = 1;
  }
  return result;
}

}  // namespace
}  // namespace baton::sim

int main(int argc, char** argv) {
  baton::log::set_level(baton::log::Level::off);
  const auto began = std::chrono::steady_clock::now();
  const auto arguments = baton::sim::parse(argc, argv);
  const int result = baton::sim::run(arguments);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("{} seeds of {} steps in {:.1f} s: {}\n", arguments.seeds, arguments.steps,
             took.count(), result == 0 ? "ok" : "FAILED");
  return result;
}
