// SPDX-License-Identifier: MIT
#pragma once
// Journal events as JSON: items of GET /events. Pure.
#include "model/event.h"
#include "wire/json_writer.h"

namespace baton::wire {

/// {seq,at,kind,subject,data}
inline void write_event(JsonWriter& out, const model::Event& event) {
  out.begin_object()
      .field("seq", event.seq)
      .field("at", event.at)
      .field("kind", event.kind)
      .field("subject", event.subject)
      .key("data")
      .raw(event.data.empty() ? "{}" : event.data);
  out.end_object();
}

}  // namespace baton::wire
