// SPDX-License-Identifier: MIT
#include "cli/completion.h"

#include <set>

#include "base/text.h"
#include "cli/verb.h"

namespace baton::cli {
namespace {

constexpr std::string_view kBash = R"(_baton() {
  local IFS=$'\n'
  COMPREPLY=($(baton __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _baton baton
)";
constexpr std::string_view kZsh = R"(#compdef baton
_baton() {
  local -a found
  found=("${(@f)$(baton __complete -- "${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
  compadd -a found
}
compdef _baton baton
)";
constexpr std::string_view kFish = R"(complete -c baton -f -a '(
  set -l words (commandline -opc) (commandline -ct)
  baton __complete -- $words[2..-1] 2>/dev/null
)'
)";

std::vector<std::string> words_of(std::string_view path) {
  std::vector<std::string> words;
  for (const std::string_view word : split(path, ' ')) words.emplace_back(word);
  return words;
}

void add_flags(std::set<std::string>& found, const std::vector<Flag>& flags,
               std::string_view typed) {
  for (const Flag& flag : flags)
    for (const std::string_view name : split(flag.name, ','))
      if (name.starts_with("--") && name.starts_with(typed)) found.emplace(name);
}

}  // namespace

Result<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return std::string{kBash};
  if (shell == "zsh") return std::string{kZsh};
  if (shell == "fish") return std::string{kFish};
  return fail_with_fix(Code::invalid, "baton completion bash", "no completion for shell \"{}\"",
                       shell);
}

std::vector<std::string> complete_words(const std::vector<std::string>& words) {
  std::set<std::string> found;
  const std::string typed = words.empty() ? "" : words.back();
  std::vector<std::string> before(words.begin(), words.empty() ? words.end() : words.end() - 1);
  std::erase_if(before, [](const std::string& word) { return word.starts_with("-"); });
  for (const Verb& verb : all_verbs()) {
    if (verb.path.starts_with("__")) continue;
    const std::vector<std::string> path = words_of(verb.path);
    std::size_t same = 0;
    while (same < path.size() && same < before.size() && path[same] == before[same]) ++same;
    if (same == path.size()) {
      if (typed.starts_with("-")) {
        add_flags(found, verb.flags, typed);
        add_flags(found, global_flags(), typed);
      }
    } else if (same == before.size() && path[same].starts_with(typed)) {
      found.insert(path[same]);
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace baton::cli
