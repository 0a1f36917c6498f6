// SPDX-License-Identifier: MIT
#include "links/testkube_gate_log.h"

#include <fmt/format.h>

#include <vector>

#include "links/testkube_log.h"

namespace baton::links {
namespace {

// No execution has this name, so a line tells whose text comes behind what is there.
constexpr const char* kSomebody = " ";

std::string cut_notice(std::int64_t max) {
  return fmt::format("\n--- cut at {} MiB; Testkube has the rest ---\n", max >> 20);
}

}  // namespace

TestkubeGateLogs::TestkubeGateLogs(Append append, std::int64_t max)
    : append_(std::move(append)), max_(max) {}

void TestkubeGateLogs::open(const std::string& gate, std::int64_t has,
                            const std::string& execution) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = gates_.try_emplace(gate);
  if (!is_new || has == 0) return;
  found->second.size = has;
  found->second.execution = execution.empty() ? kSomebody : execution;
}

// Null when it is not open. Waits while another thread writes.
TestkubeGateLogs::Gate* TestkubeGateLogs::find_idle(const std::string& gate,
                                                    std::unique_lock<std::mutex>& lock) {
  Gate* state = nullptr;
  written_.wait(lock, [&] {
    const auto found = gates_.find(gate);
    state = found == gates_.end() ? nullptr : &found->second;
    return state == nullptr || !state->writing;
  });
  return state;
}

void TestkubeGateLogs::close(const std::string& gate) {
  std::unique_lock lock(mutex_);
  if (find_idle(gate, lock) != nullptr) gates_.erase(gate);
}

void TestkubeGateLogs::hold(Gate& state, const std::string& execution,
                            std::string_view text) const {
  std::string whole;
  if (!state.execution.empty() && state.execution != execution)
    whole = fmt::format("{}--- {} ---\n", state.in_line ? "\n" : "", execution);
  whole += text;
  const std::int64_t room = max_ - state.size;
  if (static_cast<std::int64_t>(whole.size()) > room) {
    whole.resize(room > 0 ? static_cast<std::size_t>(room) : 0);
    whole += cut_notice(max_);
    state.full = true;
  }
  state.held += whole;
  state.execution = execution;
  state.size += static_cast<std::int64_t>(whole.size());
  state.in_line = !whole.ends_with('\n');
}

// Of one that nobody else writes. The lock is given up meanwhile.
Result<void> TestkubeGateLogs::write(const std::string& gate, Gate& state,
                                     std::unique_lock<std::mutex>& lock) {
  if (state.ended) return tl::unexpected(*state.ended);
  if (state.held.empty()) return {};
  state.writing = true;
  lock.unlock();
  const auto result = append_(gate, state.held);
  lock.lock();
  state.writing = false;
  const bool is_over = !result && takes_no_more(result.error());
  if (is_over) state.ended = result.error();
  if (result || is_over) state.held.clear();
  written_.notify_all();
  return result;
}

Result<void> TestkubeGateLogs::append(const std::string& gate, const std::string& execution,
                                      std::string_view text) {
  std::unique_lock lock(mutex_);
  Gate* state = find_idle(gate, lock);
  // Before the text is taken: when it cannot be written, whoever brings it brings it again.
  while (state != nullptr && state->held.size() >= kGateLogBatch) {
    BATON_TRY_VOID(write(gate, *state, lock));
    state = find_idle(gate, lock);
  }
  if (state == nullptr) return fail(Code::gone, "the gate {} takes no more of its log", gate);
  if (state->ended) return tl::unexpected(*state->ended);
  if (!state->full && !text.empty()) hold(*state, execution, text);
  return {};
}

bool TestkubeGateLogs::flush() {
  std::unique_lock lock(mutex_);
  std::vector<std::string> gates;
  for (const auto& [gate, state] : gates_)
    if (state.writing || !state.held.empty()) gates.push_back(gate);
  bool all = true;
  for (const std::string& gate : gates) {
    Gate* state = find_idle(gate, lock);
    if (state == nullptr) continue;
    const auto written = write(gate, *state, lock);
    all = all && (written || takes_no_more(written.error()));
  }
  return all;
}

bool TestkubeGateLogs::is_written(const std::string& gate) const {
  const std::lock_guard lock(mutex_);
  const auto found = gates_.find(gate);
  return found == gates_.end() || (found->second.held.empty() && !found->second.writing);
}

}  // namespace baton::links
