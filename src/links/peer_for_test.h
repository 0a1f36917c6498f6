// SPDX-License-Identifier: MIT
#pragma once
// For the tests of this room: messages of a decided gate, and artifacts of it.
#include <fcntl.h>
#include <sys/mman.h>

#include <string>
#include <string_view>

#include "links/adapters.h"
#include "links/message.h"
#include "links/test_http.h"

namespace baton::links {

inline const TimePoint kTestNow = from_ms(1'700'000'000'000);

inline model::LinkProfile profile_of(model::LinkKind kind, std::string url) {
  model::LinkProfile profile;
  profile.kind = kind;
  profile.name = "main";
  profile.url = std::move(url);
  return profile;
}

inline ArtifactFile artifact_of(std::string_view bytes) {
  ArtifactFile file;
  file.file = Fd(::memfd_create("artifact", MFD_CLOEXEC));
  if (!write_all(file.file.get(), bytes)) return {};
  file.size = static_cast<std::int64_t>(bytes.size());
  return file;
}

/// Of a gate that passed; its artifacts hold their own path.
inline Message message_of(std::string_view op, std::string_view fields) {
  Message message;
  message.now = kTestNow;
  message.delivery.id = "dlv_1";
  message.delivery.gate = "gate_1";
  message.delivery.target.op = op;
  message.delivery.target.fields = fields;
  message.gate.id = "gate_1";
  message.gate.state = model::GateState::decided;
  message.gate.verdict = model::GateVerdict::passed;
  message.gate.reason = "20 cases";
  message.gate.decided_at = from_ms(1'699'999'999'000);
  message.urls.gate = "https://baton/api/v1/gates/gate_1";
  message.urls.junit = message.urls.gate + "/junit.xml";
  message.open_artifact = [](const std::string& path) -> Result<ArtifactFile> {
    return artifact_of(path);
  };
  return message;
}

inline Message failed_message_of(std::string_view op, std::string_view fields) {
  Message message = message_of(op, fields);
  message.gate.verdict = model::GateVerdict::failed;
  message.gate.reason = "3 of 20 cases";
  return message;
}

}  // namespace baton::links
