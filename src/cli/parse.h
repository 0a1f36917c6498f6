// SPDX-License-Identifier: MIT
#pragma once
// argv → verb and invocation, by CLI11, built from the table of verbs.
#include "cli/verb.h"

namespace baton::cli {

struct Parsed {
  const Verb* verb = nullptr;  // null: `exit_code` is final (help was printed, or a usage error)
  Invocation invocation;
  int exit_code = kOk;
};

Parsed parse(int argc, char** argv);

/// The help text of one verb ("" for the whole program), as --help prints it.
std::string help_of(std::string_view path);

}  // namespace baton::cli
