// SPDX-License-Identifier: MIT
#pragma once
// The one table from an error's code to its HTTP status, title and exit code, and the
// application/problem+json document (RFC 9457) that carries an Error over HTTP.
#include <string>
#include <string_view>

#include "base/result.h"

namespace baton::wire {

int http_status_of(Code code);
/// The exit code of `baton` (docs/reference/exit-codes.md): 1 error, 2 usage, 3 not_found …
int exit_code_of(Code code);
std::string_view title_of(Code code);
/// What to do about an error of this code that says nothing better itself.
std::string_view fix_of(Code code);
Result<Code> parse_code(std::string_view name);
/// The code that an HTTP status without a problem document stands for.
Code code_of_status(int status);

/// What a problem document says besides its Error.
struct ProblemContext {
  std::string_view instance;    // path of the request
  std::string_view request_id;
  int status = 0;  // 0: the code's own
};

/// {type,title,status,detail,instance,code,fix,request_id,errors?}
std::string to_problem_json(const Error& error, const ProblemContext& context);
/// Reads a problem document back. A body of another shape gives the status' code and the body as
/// message.
Error parse_problem(int status, std::string_view body);

}  // namespace baton::wire
