// SPDX-License-Identifier: MIT
#include "cli/gate_name.h"

#include <algorithm>
#include <boost/json.hpp>

#include "cli/output.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

// Of executions so many are named.
constexpr std::size_t kNamedMax = 3;

Result<std::string> newest_of_key(client::ApiClient& api, const std::string& key) {
  BATON_TRY(page, api.get("/gates?limit=1&key=" + client::escape(key)));
  const json::object* object = page.if_object();
  const json::value* items = object == nullptr ? nullptr : object->if_contains("items");
  if (items == nullptr || !items->is_array())
    return fail(Code::internal, "the server's answer to /gates is not a list");
  if (items->get_array().empty())
    return fail_with_fix(Code::not_found,
                         "baton gate ls shows the gates with their keys; baton gate open --key "
                         "opens one",
                         "there is no gate of the key \"{}\"", key);
  return text_at(items->get_array().front(), "id");
}

}  // namespace

Flag key_flag() { return {"--key", "K", "Instead of a gate's id: the newest gate of this key"}; }

Result<GateArgument> gate_argument(const Invocation& invocation, client::ApiClient& api) {
  if (const std::string key = invocation.value("--key"); !key.empty()) {
    BATON_TRY(id, newest_of_key(api, key));
    return GateArgument{std::move(id), invocation.arguments};
  }
  if (invocation.arguments.empty() || invocation.arguments[0].empty())
    return fail_with_fix(Code::invalid, "give an id, or --key; `baton gate ls` lists them",
                         "no gate is named");
  return GateArgument{invocation.arguments[0],
                      {invocation.arguments.begin() + 1, invocation.arguments.end()}};
}

std::string gate_path(const std::string& id) { return "/gates/" + client::escape(id); }

std::string describe_gate(const json::value& gate) {
  std::string name = text_at(gate, "name");
  if (name.empty()) name = text_at(gate, "key");
  return text_at(gate, "id") + (name.empty() ? "" : fmt::format(" ({})", name));
}

std::string describe_subject(const json::value& gate) {
  const std::string suite = text_at(gate, "subject.suite");
  const std::string run = text_at(gate, "subject.run");
  const std::string profile = text_at(gate, "subject.testkube.profile");
  if (!suite.empty()) return fmt::format("suite {}, run {}", suite, run);
  if (!run.empty()) return "run " + run;
  if (profile.empty()) return "external";
  for (const char* kind : {"tag", "workflow", "execution"})
    if (const std::string text = text_at(gate, std::string{"subject.testkube."} + kind);
        !text.empty())
      return fmt::format("testkube {}, {} {}", profile, kind, text);
  return "testkube " + profile;
}

std::string describe_watched(const json::value& gate) {
  std::string text;
  const json::object* object = gate.if_object();
  const json::value* watched = object == nullptr ? nullptr : object->if_contains("watched");
  if (watched == nullptr || !watched->is_object()) return text;
  const json::value* executions = watched->get_object().if_contains("executions");
  if (executions != nullptr && executions->is_array()) {
    const json::array& list = executions->get_array();
    for (std::size_t i = 0; i < std::min(list.size(), kNamedMax); ++i)
      text += fmt::format("{}{} {}", i == 0 ? "" : ", ", text_at(list[i], "name"),
                          text_at(list[i], "status"));
    if (list.size() > kNamedMax) text += fmt::format(" and {} more", list.size() - kNamedMax);
  }
  if (const std::string problem = text_at(*watched, "problem"); !problem.empty())
    text += (text.empty() ? "" : "; ") + problem;
  return text;
}

std::string describe_target(const json::value& delivery) {
  std::string text = text_at(delivery, "target.link");
  const json::object* object = delivery.if_object();
  const json::value* target = object == nullptr ? nullptr : object->if_contains("target");
  if (target == nullptr || !target->is_object()) return text;
  for (const auto& [name, value] : target->get_object())
    if (value.is_object()) text += " " + std::string{name};
  return text;
}

}  // namespace baton::cli
