// SPDX-License-Identifier: MIT
#pragma once
// Gates and deliveries as JSON (docs/reference/http-api.md). Pure.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/delivery.h"
#include "model/gate.h"
#include "wire/json_writer.h"

namespace baton::wire {

/// The body of POST /gates:
/// {name?,key?,subject,timeout?,on_timeout?,deliver?,environment?,labels?}. Checked by
/// model::check_gate_request; the fields of targets are links/'s to check. Errors: invalid with one
/// detail per field.
Result<model::GateRequest> parse_gate_request(std::string_view body);

/// The body of an inbound call, "" for none: the same fields but `deliver`. `{"tag":"k=v"}` is
/// short for the Testkube subject of `defaults` with that tag. defaults: a JSON object with what
/// the body leaves out (LinkProfile::defaults). Without any subject it is external.
Result<model::GateRequest> parse_inbound_request(std::string_view body, std::string_view defaults);

/// {verdict,reason?,url?,artifacts?:[{path,url}]}
struct VerdictRequest {
  model::GateVerdict verdict = model::GateVerdict::none;
  std::string reason;
  std::string url;
  /// Kept elsewhere; listed with the gate's own.
  std::vector<std::pair<std::string, std::string>> artifacts;  // path, URL
};
Result<VerdictRequest> parse_verdict_request(std::string_view body);
/// {reason?}, or nothing.
Result<std::string> parse_gate_cancel(std::string_view body);

/// {link,OP:{…},when?}
void write_target(JsonWriter& out, const model::Target& target);
void write_delivery(JsonWriter& out, const model::Delivery& delivery);
void write_gate(JsonWriter& out, const model::Gate& gate,
                std::span<const model::Delivery> deliveries);
/// `link_base`: as JsonWriter has it.
std::string to_json(const model::Gate& gate, std::span<const model::Delivery> deliveries,
                    std::string_view link_base);

}  // namespace baton::wire
