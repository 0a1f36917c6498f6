// SPDX-License-Identifier: MIT
#include "wire/booking_json.h"

#include "wire/json_reader.h"

namespace baton::wire {

void write_booking(JsonWriter& out, const model::Booking& booking,
                   const std::optional<model::Window>& next) {
  out.begin_object().field("id", booking.id).field_if("environment", booking.environment);
  if (!booking.labels.empty()) out.field("labels", booking.labels);
  out.field("from", booking.from).field("to", booking.to).field_if("rrule", booking.rrule);
  out.field("kind", name_of(booking.kind)).field("owner", booking.owner);
  out.field("note", booking.note);
  if (next)
    out.key("next")
        .begin_object()
        .field("from", next->from)
        .field("to", next->to)
        .end_object();
  out.field("created_at", booking.created_at).field("created_by", booking.created_by);
  out.end_object();
}

Result<model::Booking> parse_booking(std::string_view body) {
  model::Booking booking;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.text("environment", booking.environment);
    f.text_map("labels", booking.labels);
    if (booking.environment.empty() == booking.labels.empty())
      f.fault("environment", "give either an environment or labels");
    f.require("from");
    f.time("from", booking.from);
    f.require("to");
    f.time("to", booking.to);
    f.text("rrule", booking.rrule);
    f.choice("kind", booking.kind, model::parse_booking_kind);
    f.text("owner", booking.owner);
    f.text("note", booking.note);
  }));
  BATON_TRY_VOID(model::check_booking(booking));
  return booking;
}

}  // namespace baton::wire
