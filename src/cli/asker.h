// SPDX-License-Identifier: MIT
#pragma once
// Who asks for a lease: what others read while they wait for it. Pure but for the variables that
// the caller lends.
#include <functional>
#include <string>

namespace baton::cli {

struct Asker {
  std::string name;
  std::string url;
  std::string run;
};

using Variable = std::function<std::string(const char* name)>;

/// Of a CI job: its pipeline, build and job, with a link. Else "user@host:PROCESS": requests of one
/// name are one party, which would wait for itself.
Asker find_asker(const Variable& variable, const std::string& host, int process);

/// Whether a holder's name and run are those of `asker`, perhaps of an earlier command of the same
/// user on the same machine, or of another job of the same build.
bool is_same_asker(const Asker& asker, const std::string& name, const std::string& run);

}  // namespace baton::cli
