// SPDX-License-Identifier: MIT
#include "cli/env_verbs.h"

#include <boost/json.hpp>
#include <cstdio>

#include "base/file.h"
#include "cli/booking_verbs.h"
#include "cli/connection.h"
#include "cli/env_declaration.h"
#include "cli/lock_request.h"
#include "cli/pages.h"
#include "cli/simple.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

std::string path_of(const Invocation& invocation) {
  return "/environments/" + client::escape(invocation.arguments.at(0));
}

const json::array* list_in(const json::value& document, std::string_view key) {
  const json::object* object = document.if_object();
  const json::value* list = object == nullptr ? nullptr : object->if_contains(key);
  return list == nullptr ? nullptr : list->if_array();
}

// For tables: names instead of holders, and how many wait.
json::value for_people(json::value environment) {
  if (!environment.is_object()) return environment;
  std::string holders;
  if (const json::array* list = list_in(environment, "holders"))
    for (const json::value& holder : *list)
      holders += (holders.empty() ? "" : ", ") + describe_holder(holder);
  json::object& object = environment.as_object();
  object["holders"] = holders;
  std::int64_t waiting = integer_at(environment, "queue_length");
  if (const json::array* list = list_in(environment, "queue"); list != nullptr && waiting == 0)
    waiting = static_cast<std::int64_t>(list->size());
  object["waiting"] = waiting;
  if (const std::string why = text_at(environment, "state_reason"); !why.empty())
    object["state"] = fmt::format("{} ({})", text_at(environment, "state"), why);
  return environment;
}

const std::vector<Column> kLines{{"environment", "name"},
                                 {"state", "state"},
                                 {"slots", "slots"},
                                 {"free", "slots_free"},
                                 {"waiting", "waiting"},
                                 {"labels", "labels"},
                                 {"properties", "properties"},
                                 {"ttl", "ttl"},
                                 {"longest ttl", "ttl_max"},
                                 {"longest hold", "max_hold"},
                                 {"lock delay", "lock_delay"},
                                 {"links", "links"},
                                 {"description", "description"}};

// Durations of a table are texts where the server says them so, else told from milliseconds.
json::value with_texts(json::value environment) {
  for (const char* name : {"ttl", "ttl_max", "max_hold", "lock_delay"})
    if (const std::int64_t ms = integer_at(environment, std::string{name} + "_ms");
        ms > 0 && text_at(environment, name).empty())
      environment.as_object()[name] = format_duration(Duration{ms});
  return environment;
}

int print_environment(const Invocation& invocation, json::value environment) {
  const bool table = invocation.output == Output::table && environment.is_object();
  print_object(invocation.output,
               table ? with_texts(for_people(std::move(environment))) : environment, kLines);
  return kOk;
}

int list(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("env ls", api.error());
  std::string path = "/environments?limit=" + client::escape(invocation.value("--limit", "50"));
  for (const std::string& label : invocation.all("--label"))
    path += "&label=" + client::escape(label);
  if (const std::string cursor = invocation.value("--cursor"); !cursor.empty())
    path += "&cursor=" + client::escape(cursor);
  auto page = api->get(path);
  if (!page) return report("env ls", page.error());
  if (invocation.output == Output::table && page->is_object() && page->at("items").is_array())
    for (json::value& one : page->at("items").as_array()) one = for_people(std::move(one));
  print(invocation.output, *page,
        {{"NAME", "name"},
         {"STATE", "state"},
         {"SLOTS", "slots"},
         {"FREE", "slots_free"},
         {"HELD BY", "holders"},
         {"WAITING", "waiting"}});
  if (const std::string cursor = text_at(*page, "next_cursor");
      !cursor.empty() && invocation.output == Output::table)
    say("more: --cursor " + cursor);
  return kOk;
}

// Rows of holders and of who waits, as people read them.
void print_rows(const json::value& environment, std::string_view key,
                const std::vector<Column>& columns) {
  const json::array* list = list_in(environment, key);
  if (list == nullptr || list->empty()) return;
  json::array rows;
  for (const json::value& item : *list) {
    json::value row = item;
    row.as_object()["who"] = describe_holder(item);
    if (const std::int64_t eta = integer_at(item, "eta_ms"); eta > 0)
      row.as_object()["eta"] = describe_duration(Duration{eta});
    rows.push_back(std::move(row));
  }
  std::printf("\n");
  print(Output::table, json::value(std::move(rows)), columns);
}

const std::vector<Column> kQueueColumns{{"POSITION", "position"},
                                        {"WAITS", "who"},
                                        {"LEASE", "lease"},
                                        {"SINCE", "since"},
                                        {"IN ABOUT", "eta"}};

int view(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("env view", api.error());
  const auto environment = api->get(path_of(invocation));
  if (!environment) return report("env view", environment.error());
  print_environment(invocation, *environment);
  if (invocation.output != Output::table) return kOk;
  print_rows(*environment, "holders",
             {{"SLOT", "slot"},
              {"HELD BY", "who"},
              {"LEASE", "lease"},
              {"FENCE", "fence"},
              {"SINCE", "since"}});
  print_rows(*environment, "queue", kQueueColumns);
  return kOk;
}

int queue(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("env queue", api.error());
  const auto environment = api->get(path_of(invocation));
  if (!environment) return report("env queue", environment.error());
  const json::array* list = list_in(*environment, "queue");
  json::array items = list == nullptr ? json::array{} : *list;
  if (invocation.output == Output::table)
    for (json::value& item : items) {
      item.as_object()["who"] = describe_holder(item);
      if (const std::int64_t eta = integer_at(item, "eta_ms"); eta > 0)
        item.as_object()["eta"] = describe_duration(Duration{eta});
    }
  print(invocation.output, json::object{{"items", std::move(items)}}, kQueueColumns);
  return kOk;
}

// Reads, changes what the flags say, writes it back unless somebody else was faster.
int set(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("env set", api.error());
  const std::string what = "env set " + invocation.arguments.at(0);
  client::Call put;
  put.method = "PUT";
  put.path = path_of(invocation);
  if (const std::string file = invocation.value("--file"); !file.empty()) {
    auto text = read_file(file == "-" ? "/dev/stdin" : file, 1 << 20);
    if (!text) return report(what, of_file(std::move(text).error()));
    put.text = *std::move(text);
  } else {
    client::Call get;
    get.path = put.path;
    auto now = api->call(get);
    if (!now && now.error().code != Code::not_found) return report(what, now.error());
    auto body = changed_declaration(now ? now->body : json::value{}, invocation);
    if (!body) return report(what, body.error()), kUsage;
    put.body = *std::move(body);
    if (now && !now->headers.get("ETag").empty())
      put.headers.set("If-Match", std::string{now->headers.get("ETag")});
  }
  auto done = api->call(put);
  if (!done) return report(what, done.error());
  return print_environment(invocation, std::move(done->body));
}

std::function<int(Host&, const Invocation&)> change(std::string action, bool needs_reason) {
  return [action = std::move(action), needs_reason](Host&, const Invocation& invocation) {
    const std::string what = "env " + action + " " + invocation.arguments.at(0);
    const std::string reason = invocation.value("--reason");
    if (needs_reason && reason.empty())
      return report(what, Error{Code::invalid, "no reason is given; those who wait read it",
                                "--reason \"database upgrade\""});
    auto api = connect(invocation);
    if (!api) return report(what, api.error());
    json::object body;
    if (!reason.empty()) body["reason"] = reason;
    auto done = api->post(path_of(invocation) + "/" + action, std::move(body));
    if (!done) return report(what, done.error());
    return print_environment(invocation, std::move(*done));
  };
}

int history(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("env history", api.error());
  std::string path =
      path_of(invocation) + "/history?limit=" + client::escape(invocation.value("--limit", "50"));
  if (const std::string cursor = invocation.value("--cursor"); !cursor.empty())
    path += "&cursor=" + client::escape(cursor);
  auto page = api->get(path);
  if (!page) return report("env history", page.error());
  if (invocation.output == Output::table && page->is_object() && page->at("items").is_array())
    for (json::value& one : page->at("items").as_array())
      if (one.is_object()) one.as_object()["who"] = describe_holder(one);
  print(invocation.output, *page,
        {{"LEASE", "id"},
         {"HOLDER", "who"},
         {"STATE", "state"},
         {"FROM", "granted_at"},
         {"TO", "ended_at"},
         {"OUTCOME", "outcome"},
         {"ENDED BY", "ended_by"},
         {"REASON", "reason"},
         {"NOTE", "note"}});
  if (const std::string cursor = text_at(*page, "next_cursor");
      !cursor.empty() && invocation.output == Output::table)
    say("more: --cursor " + cursor);
  return kOk;
}

int utilisation(Host&, const Invocation& invocation) {
  const std::string format = invocation.value("--format", "json");
  if (format != "json" && format != "csv")
    return report("env utilisation",
                  Error{Code::invalid, "--format is json or csv", "--format csv"});
  std::string path = path_of(invocation) + "/utilisation?format=" + format;
  for (const char* name : {"from", "to"})
    if (const std::string value = invocation.value(std::string{"--"} + name); !value.empty())
      path += fmt::format("&{}={}", name, client::escape(value));
  auto api = connect(invocation);
  if (!api) return report("env utilisation", api.error());
  client::Call call;
  call.path = path;
  const auto reply = api->call(call);
  if (!reply) return report("env utilisation", reply.error());
  if (format == "csv") {
    std::fwrite(reply->text.data(), 1, reply->text.size(), stdout);
    return kOk;
  }
  print_object(invocation.output, reply->body,
               {{"from", "from"},
                {"to", "to"},
                {"slots", "slots"},
                {"seconds held", "seconds.held"},
                {"cleaning", "seconds.cleaning"},
                {"broken", "seconds.broken"},
                {"maintenance", "seconds.maintenance"},
                {"free", "seconds.free"}});
  return kOk;
}

int remove(Host&, const Invocation& invocation) {
  return delete_path(invocation, "env rm", path_of(invocation));
}

Verb make(std::string name, bool named, std::string summary, std::vector<Flag> flags,
          std::function<int(Host&, const Invocation&)> run) {
  Verb verb;
  verb.path = "env " + std::move(name);
  if (named) {
    verb.arguments = "ENV";
    verb.arguments_min = verb.arguments_max = 1;
  }
  verb.summary = std::move(summary);
  verb.flags = std::move(flags);
  verb.run = std::move(run);
  return verb;
}

}  // namespace

std::vector<Verb> environment_verbs() {
  const Flag reason{"--reason", "T", "Why; those who wait read it"};
  std::vector<Flag> list_flags = page_flags();
  list_flags.insert(list_flags.begin(), {"--label", "K=V", "Only with this label", true});
  std::vector<Verb> verbs{
      make("ls", false, "List the environments: who holds them, how many wait", list_flags, list),
      make("view", true, "Show an environment, its holders and its queue", {}, view),
      make("queue", true, "Show who waits for an environment, in order", {}, queue),
      make("set", true, "Declare an environment, or change what the flags say", declaration_flags(),
           set),
      make("rm", true, "Remove an environment that no file declares", {}, remove),
      make("drain", true, "Give it to nobody new; holders finish", {reason}, change("drain", true)),
      make("maintenance", true, "Give it to nobody until it is enabled", {reason},
           change("maintenance", true)),
      make("enable", true, "Give it out again", {reason}, change("enable", false)),
      make("restore", true, "Check its broken slots and use them again", {reason},
           change("restore", false)),
      make("history", true, "List its leases, newest first", page_flags(), history),
      make("utilisation", true, "Sum up what its seconds were used for (the last day)",
           {{"--from", "TIME", "Begin, RFC 3339"},
            {"--to", "TIME", "End, RFC 3339"},
            {"--format", "F", "json (default; --output tells how it is shown) or csv"}},
           utilisation)};
  verbs[3].example = "baton env set staging --slots 2 --ttl 10m --property url=https://staging";
  verbs[6].example = "baton env maintenance staging --reason \"database upgrade\"";
  for (Verb& verb : booking_verbs()) verbs.push_back(std::move(verb));
  return verbs;
}

}  // namespace baton::cli
