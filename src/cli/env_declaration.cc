// SPDX-License-Identifier: MIT
#include "cli/env_declaration.h"

#include <boost/json.hpp>

#include "base/text.h"
#include "base/time.h"
#include "cli/simple.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

// The text of a duration, else its milliseconds: both are members of an answer, one of a request.
void copy_durations(json::object& to, const json::object& from,
                    std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const json::value* text = from.if_contains(name);
    const json::value* ms = from.if_contains(std::string{name} + "_ms");
    boost::system::error_code bad;
    if (text != nullptr && text->is_string())
      to[name] = *text;
    else if (ms != nullptr && ms->is_number())
      to[name] = format_duration(Duration{ms->to_number<std::int64_t>(bad)});
  }
}

// The declared part of an answer: who holds it and who waits is none.
json::object declaration_in(const json::value& now) {
  json::object body;
  const json::object* object = now.if_object();
  if (object == nullptr) return body;
  for (const char* name :
       {"description", "slots", "labels", "properties", "links", "hooks", "provision", "folder"})
    if (const json::value* value = object->if_contains(name); value != nullptr && !value->is_null())
      body[name] = *value;
  copy_durations(body, *object, {"ttl", "ttl_max", "max_hold", "lock_delay", "claim_window"});
  const json::value* queue = object->if_contains("queue_policy");
  if (queue == nullptr || !queue->is_object()) queue = object->if_contains("queue");
  if (queue != nullptr && queue->is_object()) {
    json::object declared;
    for (const char* name : {"policy", "max"})
      if (const json::value* value = queue->get_object().if_contains(name)) declared[name] = *value;
    copy_durations(declared, queue->get_object(), {"keep_alive", "age_step"});
    body["queue"] = std::move(declared);
  }
  return body;
}

// "k=v" adds or replaces, "k=" removes.
Result<void> change_pairs(json::object& body, const char* key, const Invocation& invocation,
                          std::string_view flag) {
  for (const std::string& pair : invocation.all(flag)) {
    const std::size_t at = pair.find('=');
    if (at == std::string::npos || at == 0)
      return fail_with_fix(Code::invalid, fmt::format("{} key=value", flag),
                           "{} \"{}\" has no key and value", flag, pair);
    if (!body.contains(key) || !body[key].is_object()) body[key] = json::object{};
    json::object& pairs = body[key].as_object();
    if (at + 1 == pair.size())
      pairs.erase(pair.substr(0, at));
    else
      pairs[pair.substr(0, at)] = pair.substr(at + 1);
  }
  return {};
}

Result<void> change_duration(json::object& body, const char* key, const Invocation& invocation,
                             std::string_view flag) {
  const std::string text = invocation.value(flag);
  if (text.empty()) return {};
  BATON_TRY(duration, parse_duration(text));
  body[key] = format_duration(duration);
  return {};
}

Result<void> change_queue(json::object& body, const Invocation& invocation) {
  json::object queue;
  if (const json::value* now = body.if_contains("queue"); now != nullptr && now->is_object())
    queue = now->get_object();
  if (const std::string policy = invocation.value("--queue-policy"); !policy.empty())
    queue["policy"] = policy;
  BATON_TRY(max, number_of(invocation, "--queue-max"));
  if (max) queue["max"] = *max;
  BATON_TRY_VOID(change_duration(queue, "keep_alive", invocation, "--keep-alive"));
  if (!queue.empty()) body["queue"] = std::move(queue);
  return {};
}

// A command is a line of words; a shell is used only where it is one of them.
Result<void> change_hooks(json::object& body, const Invocation& invocation) {
  for (const char* kind : {"reset", "health"}) {
    const std::string text = invocation.value(std::string{"--"} + kind);
    if (text.empty()) continue;
    if (!body.contains("hooks") || !body["hooks"].is_object()) body["hooks"] = json::object{};
    json::object& hooks = body["hooks"].as_object();
    json::array command;
    for (const std::string_view word : split(text, ' '))
      if (!word.empty()) command.push_back(json::string(word));
    if (command.empty() || text == "none") {
      hooks.erase(kind);
      continue;
    }
    json::object hook;
    if (const json::value* now = hooks.if_contains(kind); now != nullptr && now->is_object())
      hook = now->get_object();
    hook["command"] = std::move(command);
    hooks[kind] = std::move(hook);
  }
  return {};
}

}  // namespace

std::vector<Flag> declaration_flags() {
  return {{"--slots", "N", "So many may hold it at once (1)"},
          {"--ttl", "D", "Time of a lease that names none (2m)"},
          {"--ttl-max", "D", "A longer one is lowered to it (30d)"},
          {"--max-hold", "D", "A lease ends so long after its grant, renewed or not"},
          {"--lock-delay", "D", "A slot rests so long after a lease that did not end cleanly"},
          {"--claim-window", "D", "A grant that is not seen for so long goes to the next (15s)"},
          {"--queue-policy", "P", "fifo, newest or latest_only"},
          {"--queue-max", "N", "At most so many wait"},
          {"--keep-alive", "D", "A waiter not heard of for so long is gone (60s)"},
          {"--label", "K=V", "Add a label; K= removes it", true},
          {"--property", "K=V", "Given to holders as BATON_ENV_K; K= removes it", true},
          {"--link", "K=URL", "Shown to people; K= removes it", true},
          {"--description", "T", "What it is"},
          {"--reset", "CMD", "Run on the server after each use; none removes it"},
          {"--health", "CMD", "Run on the server before the next use; none removes it"},
          {"--file", "F", "The whole declaration as JSON (- reads standard input)"}};
}

Result<json::object> changed_declaration(const json::value& now, const Invocation& invocation) {
  json::object body = declaration_in(now);
  BATON_TRY(slots, number_of(invocation, "--slots"));
  if (slots) body["slots"] = *slots;
  for (const auto& [flag, key] :
       {std::pair{"--ttl", "ttl"}, std::pair{"--ttl-max", "ttl_max"},
        std::pair{"--max-hold", "max_hold"}, std::pair{"--lock-delay", "lock_delay"},
        std::pair{"--claim-window", "claim_window"}})
    BATON_TRY_VOID(change_duration(body, key, invocation, flag));
  if (const std::string text = invocation.value("--description"); !text.empty())
    body["description"] = text;
  for (const auto& [flag, key] :
       {std::pair{"--label", "labels"}, std::pair{"--property", "properties"},
        std::pair{"--link", "links"}})
    BATON_TRY_VOID(change_pairs(body, key, invocation, flag));
  BATON_TRY_VOID(change_queue(body, invocation));
  BATON_TRY_VOID(change_hooks(body, invocation));
  return body;
}

}  // namespace baton::cli
