// SPDX-License-Identifier: MIT
#include "runner/list_task.h"

namespace baton::runner {
namespace {

// For suites without an attempt_timeout. Playwright and pytest import the whole test code to list
// it: seconds, not minutes.
constexpr Duration kListMax{60'000};
constexpr std::size_t kOutputMax = 64 << 20;
constexpr std::size_t kErrorsMax = 64 << 10;

PipeReader::OnBytes keep(std::string& into, std::size_t max_bytes) {
  return [&into, max_bytes](std::string_view bytes) {
    into += bytes.substr(0, max_bytes - std::min(max_bytes, into.size()));
  };
}

}  // namespace

ListTask::ListTask(Loop& loop, Forest& forest, Readers& readers, Duration grace)
    : loop_(loop), forest_(forest), readers_(readers), grace_(grace) {}

void ListTask::fail_later(Error error) {
  loop_.after(Duration{0}, [this, error = std::move(error)] { on_cases_(tl::unexpected(error)); });
}

void ListTask::start(const model::Suite& suite, Launch launch, const std::string& scratch,
                     OnCases on_cases) {
  on_cases_ = std::move(on_cases);
  auto step = list_step(suite, scratch);
  if (!step) return fail_later(step.error());
  step_ = *std::move(step);
  auto out = PipeReader::make_pipe();
  auto err = PipeReader::make_pipe();
  if (!out || !err) return fail_later((out ? err : out).error());
  launch.command = step_.command;
  for (const auto& [name, value] : step_.environment) launch.environment[name] = value;
  launch.output = out->write.get();
  launch.errors = err->write.get();
  const auto pid = runner::launch(launch);
  if (!pid) return fail_later(pid.error());
  output_ = std::make_unique<PipeReader>(loop_, readers_, std::move(out->read),
                                         keep(collected_.output, kOutputMax));
  errors_ = std::make_unique<PipeReader>(loop_, readers_, std::move(err->read),
                                         keep(collected_.errors, kErrorsMax));
  guard_ = std::make_unique<Guard>(loop_, forest_, grace_, [this, suite] {
    output_->drain();
    errors_->drain();
    collected_.status = guard_->status().value_or(0);
    collected_.timed_out = guard_->stopped().has_value();
    loop_.after(Duration{0}, [this, suite] { on_cases_(read_list(suite, step_, collected_)); });
  });
  Forest::Tree tree{*pid, launch.environment[kMarkVariable], false, false, {}};
  tree.on_exit = [guard = guard_.get()](int status) { guard->exited(status); };
  guard_->planted(forest_.plant(std::move(tree)));
  const Duration limit =
      suite.attempt_timeout > Duration{0} ? suite.attempt_timeout : kListMax;
  collected_.limit_ms = static_cast<int>(limit.count());
  guard_->limit(limit);
}

void ListTask::stop() {
  if (guard_) guard_->stop(model::Outcome::cancelled);
}

}  // namespace baton::runner
