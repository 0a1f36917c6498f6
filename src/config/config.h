// SPDX-License-Identifier: MIT
#pragma once
// The configuration of a server: `baton.yaml`, overridden by BATON_* variables, overridden by
// flags. Every setting knows where it came from. All problems are reported, each with its place in
// the file. Reads files; blocking; no state of its own. Keys and their rules: config/keys.h.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/delivery.h"
#include "model/environment.h"
#include "model/link.h"
#include "model/schedule.h"
#include "model/suite.h"

namespace baton::config {

enum class Auth { token, none };

/// Files in PEM. Both are set or none.
struct Tls {
  std::string certificate;
  std::string key;
};

/// Finished runs older than `runs` are removed, but for the newest `keep_last` of each suite.
struct Retention {
  Duration runs{0};
  int keep_last = 0;
};

/// Values as the file's keys name them; the defaults are in the key table. Paths are absolute.
struct Server {
  std::string listen;      // "127.0.0.1:1337"
  std::string data;        // a folder, or "postgres://…" (may hold a password: never log it)
  std::string files;       // the folder of logs, artifacts and runners; `data` where that is one
  std::string public_url;  // "" = made from the address
  Auth auth = Auth::token;
  std::optional<Tls> tls;
  Retention retention;
  bool auto_create_environments = true;
  Duration drain{0};  // how long a stopping server waits for running requests
  std::string instance;     // a label of the metrics
  std::string environment;  // where this server stands, for the legacy routes
  std::string log_level;
  std::string log_format;
};

struct Limits {
  int running_runs = 0;  // 0 = the number of cores
  int queued_runs = 0;
};

/// The legacy route /maybe.
struct Maybe {
  Duration hold{0};
  Duration ttl{0};  // 0 = for ever
};

/// How verdicts are brought to outside systems.
struct Deliveries {
  model::RetryRule retry;
  int per_peer = 8;  // calls to one link at the same time
};

/// A suite as the file has it. Of kind cpp it may lack a name, which means every suite of the
/// binary.
struct SuiteEntry : model::Suite {
  std::set<std::string> stated;  // the keys that the file has; a binary fills in others
};

struct Config {
  Server server;
  Limits limits;
  Maybe maybe;
  std::vector<SuiteEntry> suites;  // source `file`; folder is absolute
  std::vector<model::Schedule> schedules;
  std::vector<model::Environment> environments;  // source `file`; folder is absolute
  std::vector<model::LinkProfile> links;  // with the values of their secrets: never to be shown
  Deliveries deliveries;
  /// Sections that are valid and present, and that this version does not act on yet.
  std::vector<std::string> without_effect;
};

/// Something that keeps a configuration from being used.
struct Problem {
  std::string origin;  // "baton.yaml:3:11", "$BATON_LISTEN", "--listen"
  std::string path;    // JSON pointer: "/suites/0/kind"
  std::string message;
  std::string fix;  // may be empty
};
/// "baton.yaml:3:11: server.listen: …", for people.
std::string to_text(const Problem& problem);

/// One setting with its value and its origin, for `baton config view --origin`.
struct Setting {
  std::string key;     // "server.listen", "suites[0].kind"
  std::string value;   // passwords are masked, secrets are shown as references
  std::string origin;  // as Problem::origin, or "default"
};

/// A command line flag that sets a key: {"server.listen", "0.0.0.0:80", "--listen"}.
struct Flag {
  std::string key;
  std::string value;
  std::string name;
};

struct Sources {
  std::string path;                                   // the file; "" = none
  std::map<std::string, std::string> variables = {};  // the environment of the process
  std::vector<Flag> flags = {};
};

struct Loaded {
  Config config;  // to be used only when there is no problem
  std::vector<Setting> settings;
  std::vector<Problem> problems;
};

/// Reads, merges and checks everything; never stops at the first problem.
Loaded load(const Sources& sources);

/// The same for who only wants to run. Errors: not_found (no such file), invalid with one detail
/// per problem.
Result<Config> load_config(const Sources& sources);

/// Which file to read: the flag's, $BATON_CONFIG, or ./baton.yaml where it exists; "" = none.
std::string find_file(const std::string& flag, const std::map<std::string, std::string>& variables);

/// The environment of this process, as Sources::variables wants it.
std::map<std::string, std::string> process_variables();

/// JSON Schema (draft 2020-12) of the file, for editors and for `baton config schema`.
std::string json_schema();
/// docs/reference/configuration.md, from the same table.
std::string reference_page();

}  // namespace baton::config
