// SPDX-License-Identifier: MIT
#pragma once
// Shell completion: small scripts that ask `baton __complete -- WORDS…` for what may follow.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace baton::cli {

/// shell: bash, zsh or fish.  Errors: invalid.
Result<std::string> completion_script(std::string_view shell);

/// What may stand for the last of `words` (those after "baton"; the last may be "" or half typed).
std::vector<std::string> complete_words(const std::vector<std::string>& words);

}  // namespace baton::cli
