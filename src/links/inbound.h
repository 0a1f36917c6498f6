// SPDX-License-Identifier: MIT
#pragma once
// What comes in from outside systems: a call becomes the opening of a gate, the news of a subject,
// or nothing. Pure: no I/O, no state; api/ does what the result says.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/gate.h"
#include "net/http.h"

namespace baton::links {

struct InboundCall {
  const net::Request& request;
  const model::LinkProfile& profile;
  TimePoint now;  // wall clock
  /// Elsewhere for a large one that lies in a file; `request.body` is empty then. Only of kinds
  /// whose calls may be so large (github).
  std::string_view body = request.body;
};

/// How the answer is written: as the gate (200/201 with `id`), or as those who poll read it.
enum class AnswerForm {
  gate,      // 201 when it was opened, 200 when it was there, with the gate
  flagger,   // pending 409, failed 424, passed 200, with a short text
  rollback,  // the same with passed and failed exchanged
  argo       // always 200 {"status":"passed|failed|pending"}, held a little while it is pending
};

/// Opens a gate, or finds the one that the same call opened.
struct OpenGate {
  model::GateRequest request;  // `deliver` holds what goes back to the caller
  std::string ident;           // unique within the profile
  std::map<std::string, std::string> secrets;
  AnswerForm form = AnswerForm::gate;
  /// The same call again asks for the verdict again (GitLab's Retry), which is harmless there.
  bool answer_again = false;
};
/// Something happened to a Testkube execution: it is looked at now, instead of at the next poll.
struct LookAgain {
  std::string execution;
};
/// A verdict that the caller brings, for the gate with this id or this name of an event's subject.
struct BringVerdict {
  std::string gate;
  model::GateVerdict verdict = model::GateVerdict::none;
  std::string reason;
  std::string url;
  /// Unique within the profile. What comes again must not decide the next gate of the name.
  std::string ident;
};
/// Starts the subject of the gate again (a check run's "Re-run").
struct AskAgain {
  std::string gate;  // its id, or that of one of its deliveries, which peers show as theirs
  std::string ident;
};
/// The caller waits no longer: the gate that the call with this ident opened is cancelled, if it is
/// pending; unknown idents are none of our business.
struct CancelGate {
  std::string ident;
  std::string reason;
};
/// Nothing to do: an event that nobody subscribed to, a ping. Answered 202 with the reason.
struct Ignored {
  std::string reason;
};
/// Several in one call: all of them are done, in order, or none.
struct Batch {
  using Part = std::variant<OpenGate, BringVerdict, Ignored>;
  std::vector<Part> parts;
};
using Inbound =
    std::variant<OpenGate, LookAgain, BringVerdict, AskAgain, CancelGate, Ignored, Batch>;

/// Reads a call of the profile's kind. Signatures are checked here, where the kind has them.
/// Errors: invalid (headers, body), unauthenticated (the signature is missing, wrong or too old),
/// forbidden (a callback address that the allow-list does not have), unprocessable.
Result<Inbound> read_inbound(const InboundCall& call);

/// True when calls of this kind are authenticated by their signature and carry no Baton token.
bool is_signed(model::LinkKind kind);

}  // namespace baton::links
