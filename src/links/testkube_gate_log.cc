// SPDX-License-Identifier: MIT
#include "links/testkube_gate_log.h"

#include <fmt/format.h>

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

void TestkubeGateLogs::close(const std::string& gate) {
  std::unique_lock lock(mutex_);
  written_.wait(lock, [&] {
    const auto found = gates_.find(gate);
    return found == gates_.end() || !found->second.writing;
  });
  gates_.erase(gate);
}

Result<void> TestkubeGateLogs::write(const std::string& gate, Gate& state,
                                     const std::string& execution, std::string_view text) const {
  std::string whole;
  if (!state.execution.empty() && state.execution != execution)
    whole = fmt::format("{}--- {} ---\n", state.in_line ? "\n" : "", execution);
  whole += text;
  const std::int64_t room = max_ - state.size;
  bool full = false;
  if (static_cast<std::int64_t>(whole.size()) > room) {
    whole.resize(room > 0 ? static_cast<std::size_t>(room) : 0);
    whole += cut_notice(max_);
    full = true;
  }
  BATON_TRY_VOID(append_(gate, whole));
  state.execution = execution;
  state.size += static_cast<std::int64_t>(whole.size());
  state.in_line = !whole.ends_with('\n');
  state.full = full;
  return {};
}

Result<void> TestkubeGateLogs::append(const std::string& gate, const std::string& execution,
                                      std::string_view text) {
  std::unique_lock lock(mutex_);
  Gate* state = nullptr;
  written_.wait(lock, [&] {
    const auto found = gates_.find(gate);
    state = found == gates_.end() ? nullptr : &found->second;
    return state == nullptr || !state->writing;
  });
  if (state == nullptr) return fail(Code::gone, "the gate {} takes no more of its log", gate);
  if (state->full || text.empty()) return {};
  state->writing = true;
  lock.unlock();
  const auto result = write(gate, *state, execution, text);
  lock.lock();
  state->writing = false;
  written_.notify_all();
  return result;
}

}  // namespace baton::links
