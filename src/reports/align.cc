// SPDX-License-Identifier: MIT
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "reports/collector.h"
#include "reports/limits.h"
#include "reports/report.h"

namespace baton::reports {
namespace {

// "tests/test_a.py::TestX::test_y[a::b]" → "tests.test_a.TestX.test_y[a::b]", as JUnit has it.
std::string dotted(std::string_view node) {
  const auto colons = node.find("::");
  std::string out(node.substr(0, colons));
  if (out.size() > 3 && out.compare(out.size() - 3, 3, ".py") == 0) out.resize(out.size() - 3);
  std::replace(out.begin(), out.end(), '/', '.');
  if (colons == std::string_view::npos) return out;
  std::string_view rest = node.substr(colons);
  const std::string_view parameters = rest.substr(std::min(rest.find('['), rest.size()));
  rest.remove_suffix(parameters.size());
  while (!rest.empty()) {
    if (rest.substr(0, 2) == "::") {
      out += '.';
      rest.remove_prefix(2);
    } else {
      out += rest.front();
      rest.remove_prefix(1);
    }
  }
  return out + std::string(parameters);
}

// "x#2" → "x": what the collector added to a name that came twice.
std::string_view without_count(std::string_view name) {
  const auto hash = name.rfind('#');
  if (hash == std::string_view::npos || hash + 1 == name.size()) return name;
  const bool digits = name.find_first_not_of("0123456789", hash + 1) == std::string_view::npos;
  return digits ? name.substr(0, hash) : name;
}

class Names {
 public:
  Names(model::Kind kind, std::span<const std::string> known) : kind_(kind) {
    for (const std::string& name : known) {
      exact_.insert(name);
      if (kind == model::Kind::pytest) nodes_.emplace(dotted(name), name);
    }
  }

  std::string find(const std::string& name) const {
    for (const std::string_view candidate : {std::string_view(name), without_count(name)}) {
      const std::string text(candidate);
      if (exact_.count(text) > 0) return text;
      if (const auto node = nodes_.find(text); node != nodes_.end()) return node->second;
    }
    const bool folds =
        kind_ == model::Kind::catch2 || kind_ == model::Kind::doctest || kind_ == model::Kind::go;
    if (!folds) return name;
    // The longest known name counts: names may hold '/' themselves.
    for (auto slash = name.rfind('/'); slash != std::string::npos && slash > 0;
         slash = name.rfind('/', slash - 1)) {
      std::string parent = name.substr(0, slash);
      if (exact_.count(parent) > 0) return parent;
    }
    return name;
  }

 private:
  model::Kind kind_;
  std::unordered_set<std::string> exact_;
  std::unordered_map<std::string, std::string> nodes_;
};

void fold(Case& into, Case&& part, bool add_durations) {
  Attempt& whole = into.attempts.back();
  Attempt& piece = part.attempts.back();
  const model::Outcome outcome = worse(whole.outcome, piece.outcome);
  if (add_durations) whole.duration += piece.duration;
  const auto append = [](std::string& to, std::string& text, std::size_t limit) {
    if (text.empty() || to.size() + text.size() > limit) return;
    if (!to.empty() && to.back() != '\n') to += '\n';
    to += text;
  };
  if (piece.outcome != model::Outcome::passed) {
    if (whole.outcome == model::Outcome::passed) whole.message.clear();
    append(whole.message, piece.message, kMessageKept);
    append(whole.details, piece.details, kDetailsKept);
    if (whole.file.empty()) {
      whole.file = std::move(piece.file);
      whole.line = piece.line;
    }
  }
  append(whole.output, piece.output, kOutputKept);
  whole.outcome = outcome;
  std::move(part.attachments.begin(), part.attachments.end(), std::back_inserter(into.attachments));
}

}  // namespace

void align_names(Report& report, model::Kind kind, std::span<const std::string> known) {
  const Names names(kind, known);
  std::vector<Case> aligned;
  std::unordered_map<std::string, std::size_t> position;
  for (Case& item : report.items) {
    item.name = names.find(item.name);
    const auto [found, added] = position.emplace(item.name, aligned.size());
    if (added) {
      aligned.push_back(std::move(item));
    } else {
      // The time of a Go test holds that of its subtests.
      fold(aligned[found->second], std::move(item), kind != model::Kind::go);
    }
  }
  report.items = std::move(aligned);
  report.cases = report.items.size();
}

}  // namespace baton::reports
