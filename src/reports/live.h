// SPDX-License-Identifier: MIT
#pragma once
// Reads a test tool's standard output while it runs and says which line belongs to which case.
// One parser per process, fed by one thread. Never fails: what it does not understand is output.
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/run.h"

namespace baton::reports {

struct LiveEvent {
  enum class Kind {
    plan,           // `planned` cases will come
    case_started,   // `test`
    case_output,    // `text` was printed by `test`, or by the suite when `test` is empty
    case_finished,  // `test`, `outcome`, `duration`, `message`, `file`, `line`
    bail_out        // the tool gave up: `message`. The run is errored
  };
  Kind kind = Kind::case_output;
  std::string_view test = {};
  std::string_view text = {};  // raw bytes, with the newline if the line had one
  model::Outcome outcome = model::Outcome::passed;
  Duration duration{0};
  std::string_view message = {};
  std::string_view details = {};
  std::string_view file = {};
  int line = 0;
  int planned = 0;
};
/// The views of an event are valid during the call only.
using OnEvent = std::function<void(const LiveEvent&)>;

/// Every byte that is fed comes back in exactly one case_output, in order; tools that wrap output
/// (go test -json, the XML of Catch2 and doctest) have it unwrapped instead. A case's output lies
/// between its case_started and its case_finished, unless the tool prints it elsewhere. Cases of
/// parallel tools may overlap; a tool that retries by itself starts and finishes a case several
/// times.
class LiveParser {
 public:
  virtual ~LiveParser() = default;
  /// One line with its "\n"; the last one, and a piece of an over-long line, come without.
  virtual void line(std::string_view line, const OnEvent& on_event) = 0;
  /// The output is over. Cases that were started and not finished end as errored with `why`
  /// ("killed by signal 11 (SIGSEGV)"); a plan that was not fulfilled gives bail_out.
  virtual void finish(std::string_view why, const OnEvent& on_event) = 0;
};

/// The parser for a kind, expecting the flags of docs/formats/reports.md ("Live output").
/// Kinds whose output says nothing (cpp, junit, command), and Playwright, whose report alone tells
/// attempts apart, get one that calls everything the suite's.
std::unique_ptr<LiveParser> make_live_parser(model::Kind kind);

}  // namespace baton::reports
