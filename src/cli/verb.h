// SPDX-License-Identifier: MIT
#pragma once
// The command line as a table: a verb is a path of words, its arguments, its flags and a function.
// Parsing, --help, completion and docs/reference/cli.md all come from this one table.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace baton::cli {

/// The exit-code table of the contract (docs/reference/cli.md).
enum Exit : int {
  kOk = 0,
  kError = 1,
  kUsage = 2,
  kNotFound = 3,
  kAuth = 4,
  kEmpty = 5,
  kUnreachable = 6,
  kConflict = 7,
  kTestsFailed = 10,
  kRunErrored = 11,
  kFlaky = 12,
  kCancelled = 13,
  kLockTimeout = 20,
  kLeaseLost = 21,
  kUnavailable = 22,
  kGateFailed = 30,
  kGateTimedOut = 31,
  kTimeout = 124,
  kInterrupted = 130,
  kTerminated = 143,
};

/// One option of a verb. Without a `value` name it is a switch.
struct Flag {
  std::string name;   // "--filter" or "-f,--file"
  std::string value;  // "RE", "" for a switch
  std::string help;
  bool repeated = false;
};

enum class Output { table, json, yaml };

/// What the user typed, checked against the table.
struct Invocation {
  std::map<std::string, std::vector<std::string>> values;  // by long name, "--filter"
  std::map<std::string, bool> switches;
  std::vector<std::string> arguments;  // positional
  std::vector<std::string> rest;       // after "--"
  bool has_rest = false;               // "--" was there
  Output output = Output::table;

  bool has(std::string_view name) const;
  std::string value(std::string_view name, std::string_view otherwise = "") const;
  std::vector<std::string> all(std::string_view name) const;
};

struct Host;

struct Verb {
  std::string path;       // "runs ls"
  std::string arguments;  // "SUITE…" as help shows it; "" for none
  std::size_t arguments_min = 0;
  std::size_t arguments_max = 0;
  bool takes_rest = false;  // "-- CMD…"
  std::string summary;
  std::string example;
  std::vector<Flag> flags;
  std::function<int(Host&, const Invocation&)> run;
};

/// A verb with one argument, which it needs, or none ("").
Verb make_verb(std::string path, std::string arguments, std::string summary,
               std::vector<Flag> flags, std::function<int(Host&, const Invocation&)> run);

/// A server running inside this process, for `baton run -- CMD` where no server is found. Nobody
/// else finds it.
struct EmbeddedServer {
  virtual ~EmbeddedServer() = default;
  virtual std::string url() const = 0;
  virtual std::string token() const = 0;
  /// The data folder.
  virtual std::string folder() const = 0;
};

/// What the composition root lends to the verbs: the parts that live in rooms the cli may not see.
struct Host {
  std::function<int(const Invocation&)> serve;
  std::function<int(const Invocation&)> up;
  /// data: folder of the database; "" is one in the user's state folder that no process uses.
  std::function<Result<std::unique_ptr<EmbeddedServer>>(const std::string& data)> embed;
};

const std::vector<Verb>& all_verbs();
/// Options that every verb takes.
const std::vector<Flag>& global_flags();

/// Runs the verb that argv names. Prints usage errors itself.  Result: the exit code.
int main(Host& host, int argc, char** argv);

}  // namespace baton::cli
