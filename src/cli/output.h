// SPDX-License-Identifier: MIT
#pragma once
// What the verbs print: data on stdout (table, JSON or YAML), narration and errors on stderr.
// Text from the server is made harmless for terminals: control bytes are shown, not sent.
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/verb.h"

namespace baton::cli {

/// One column of a table: its title and the path of the value in an item ("counts.failed").
struct Column {
  std::string title;
  std::string path;
};

/// Prints `document` as JSON or YAML; as a table its `items` (or itself) by `columns`.
void print(Output output, const boost::json::value& document, const std::vector<Column>& columns);

/// Key: value lines of one object, by the same columns.
void print_object(Output output, const boost::json::value& object,
                  const std::vector<Column>& columns);

std::string to_yaml(const boost::json::value& value);

/// The value at "a.b" as text: strings bare, null and missing as "".
std::string text_at(const boost::json::value& value, std::string_view path);
std::int64_t integer_at(const boost::json::value& value, std::string_view path);

/// Escapes control bytes except newline and tab, so that a test name cannot drive the terminal.
std::string harmless(std::string_view text);

/// A line of narration on stderr: "baton: …" is not added.
void say(std::string_view line);

/// `baton: WHAT: WHY` and `fix: …` on stderr.  Result: the exit code for the error.
int report(std::string_view what, const Error& error);

/// The error of a file of this machine as report() takes it: exit code 3 when it is missing,
/// else 1.
Error of_file(Error error);

/// True when stderr is a terminal and neither CI nor TERM=dumb asks for plain lines.
bool is_terminal();

}  // namespace baton::cli
