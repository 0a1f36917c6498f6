// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"
#include "links/github.h"
#include "links/progress.h"

namespace baton::links::github {
namespace {

// A longer list is read by nobody here; the link leads to all.
constexpr int kFailuresShown = 25;
constexpr std::size_t kMessageMax = 1'500;

std::string in_code(std::string_view text) {
  std::string code = to_valid_utf8(text);
  for (char& c : code)
    if (c == '`' || static_cast<unsigned char>(c) < 0x20) c = c == '`' ? '\'' : ' ';
  return "`" + code + "`";
}

std::string in_block(std::string_view text) {
  std::string code = to_valid_utf8(cut_text(text, kMessageMax));
  std::replace(code.begin(), code.end(), '`', '\'');
  return "\n```text\n" + code + "\n```\n";
}

// What closes a text that was cut.
constexpr std::size_t kEndMax = 12;

bool has_open_block(std::string_view text) {
  bool is_open = false;
  for (const std::string_view line : split(text, '\n'))
    if (line.starts_with("```")) is_open = !is_open;
  return is_open;
}

}  // namespace

std::string report(const Message& message, const std::vector<CaseLine>& cases, std::size_t max) {
  const model::Gate& gate = message.gate;
  std::string verdict{gate.verdict == model::GateVerdict::none ? name_of(gate.state)
                                                               : name_of(gate.verdict)};
  std::replace(verdict.begin(), verdict.end(), '_', ' ');
  std::string text = "**" + verdict + "**";
  if (!gate.request.name.empty()) text += " " + in_code(gate.request.name);
  text += "\n";
  if (!gate.reason.empty()) text += in_block(gate.reason);
  if (!cases.empty()) text += "\n" + progress_of(cases).text + "\n";
  int shown = 0;
  for (const CaseLine& line : cases) {
    if (!is_bad(line) || ++shown > kFailuresShown) continue;
    text += "\n- " + in_code(line.suite + " " + line.result.name);
    const auto& attempts = line.result.attempts;
    if (!attempts.empty() && !attempts.back().message.empty())
      text += "\n" + in_block(attempts.back().message);
  }
  if (shown > kFailuresShown) text += fmt::format("\n- and {} more", shown - kFailuresShown);
  const std::string url = details_url(message);
  const std::string link = url.empty() ? "" : "\n\n[More](" + url + ")\n";
  if (text.size() + link.size() > max) {
    text = cut_text(text, max > link.size() + kEndMax ? max - link.size() - kEndMax : 0);
    if (has_open_block(text)) text += "\n```";
    text += "\n…";
  }
  return text + link;
}

}  // namespace baton::links::github
