// SPDX-License-Identifier: MIT
#include "engine/record_event.h"

#include <array>

#include "base/text.h"

namespace baton::engine {

bool RecordEvent::Lists::empty() const {
  for (const std::string& one : text)
    if (!one.empty()) return false;
  return true;
}

void RecordEvent::item(List list, std::string text) {
  std::string& all = lists_.text[list];
  if (!all.empty()) all += ',';
  all += text;
}

void RecordEvent::planned(std::string_view test) { item(kPlanned, json_quote(test)); }

void RecordEvent::started(std::string_view test, int attempt) {
  item(kStarted, fmt::format("[{},{}]", json_quote(test), attempt));
}

void RecordEvent::finished(std::string_view test, const model::Attempt& attempt) {
  item(kFinished,
       fmt::format(R"({{"test":{},"attempt":{},"outcome":"{}","duration_ms":{}{}{}}})",
                   json_quote(test), attempt.number, name_of(attempt.outcome),
                   attempt.duration.count(), attempt.soft_failure ? R"(,"soft_failure":true)" : "",
                   attempt.interrupted ? R"(,"interrupted":true)" : ""));
}

void RecordEvent::verdict(std::string_view test, model::CaseVerdict verdict) {
  item(kCases, fmt::format(R"([{},"{}"])", json_quote(test), name_of(verdict)));
}

void RecordEvent::settled(model::CaseVerdict verdict) {
  extra_ += fmt::format(R"(,"settled":"{}")", name_of(verdict));
}

void RecordEvent::setup(const model::SetupRecord& setup) {
  extra_ += fmt::format(R"(,"setup":{{"outcome":"{}","duration_ms":{}}})", name_of(setup.outcome),
                        setup.duration.count());
}

void RecordEvent::artifact(const model::Artifact& artifact) {
  item(kArtifacts, fmt::format("[{},{},{}]", json_quote(artifact.path), json_quote(artifact.test),
                               artifact.attempt));
}

std::string RecordEvent::take(const model::Run& run) {
  static constexpr std::array<std::string_view, kLists> kNames{"planned", "started", "finished",
                                                               "cases", "artifacts"};
  std::string json = fmt::format(R"({{"epoch":{},"acked":{},"counts":{}{})", run.epoch, run.acked,
                                 store::counts_json(run.counts), extra_);
  for (std::size_t i = 0; i < kLists; ++i)
    if (!lists_.text[i].empty())
      json += fmt::format(R"(,"{}":[{}])", kNames[i], lists_.text[i]);
  return json + "}";
}

}  // namespace baton::engine
