// SPDX-License-Identifier: MIT
#pragma once
// A file that a person named on the command line: a regular file is replaced whole; a device, a
// pipe or a link (/dev/stdout, /dev/null) is written to and stays what it is. Blocking.
#include <string>
#include <string_view>

#include "base/result.h"

namespace baton {

/// Errors: unavailable with errno's text ("disk full" too).
Result<void> write_output_file(const std::string& path, std::string_view content);

}  // namespace baton
