// SPDX-License-Identifier: MIT
#include "cli/gate_verbs.h"

#include <boost/json.hpp>
#include <cstdio>
#include <map>

#include "base/ids.h"
#include "base/time.h"
#include "cli/connection.h"
#include "cli/gate_files.h"
#include "cli/gate_log.h"
#include "cli/gate_name.h"
#include "cli/gate_request.h"
#include "cli/gate_wait.h"
#include "cli/pages.h"
#include "cli/simple.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

// A restarting server is waited for by who has something to say that cannot be said later.
constexpr Duration kPatience{60'000};

const std::vector<Column> kGateLines{{"gate", "id"},
                                     {"name", "name"},
                                     {"key", "key"},
                                     {"state", "state"},
                                     {"verdict", "verdict"},
                                     {"reason", "reason"},
                                     {"source", "source"},
                                     {"see", "url"},
                                     {"subject", "about"},
                                     {"last seen", "seen"},
                                     {"environment", "environment"},
                                     {"lease", "lease"},
                                     {"opened by", "opened_by"},
                                     {"link", "link"},
                                     {"labels", "labels"},
                                     {"opened", "created_at"},
                                     {"open until", "deadline_at"},
                                     {"ended", "decided_at"},
                                     {"log bytes", "log_bytes"}};

const std::vector<Column> kDeliveryColumns{{"DELIVERY", "id"},       {"TO", "to"},
                                           {"STATE", "state"},       {"ATTEMPTS", "attempts"},
                                           {"NEXT", "next_at"},      {"STATUS", "last_status"},
                                           {"CLASS", "error_class"}, {"ERROR", "last_error"}};

json::array deliveries_in(const json::value& gate) {
  const json::object* object = gate.if_object();
  const json::value* list = object == nullptr ? nullptr : object->if_contains("deliveries");
  return list == nullptr || !list->is_array() ? json::array{} : list->get_array();
}

json::value delivery_for_people(json::value delivery) {
  if (delivery.is_object()) delivery.as_object()["to"] = describe_target(delivery);
  return delivery;
}

// "2 delivered, 1 dead"
std::string tell_deliveries(const json::value& gate) {
  std::map<std::string, int> counts;
  for (const json::value& delivery : deliveries_in(gate)) ++counts[text_at(delivery, "state")];
  std::string text;
  for (const auto& [state, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
  return text;
}

json::value gate_for_people(json::value gate) {
  if (!gate.is_object()) return gate;
  gate.as_object()["about"] = describe_subject(gate);
  gate.as_object()["seen"] = describe_watched(gate);
  gate.as_object()["told"] = tell_deliveries(gate);
  return gate;
}

int print_gate(const Invocation& invocation, json::value gate) {
  const bool table = invocation.output == Output::table;
  print_object(invocation.output, table ? gate_for_people(std::move(gate)) : gate, kGateLines);
  return kOk;
}

// POST with a key: repeated until it is answered, done once.
Result<json::value> post_once(client::ApiClient& api, const std::string& path, json::value body,
                              const std::string& key = "") {
  api.set_patience(kPatience);
  client::Call call;
  call.method = "POST";
  call.path = path;
  call.body = std::move(body);
  call.headers.set("Idempotency-Key", key.empty() ? random_hex(16) : key);
  BATON_TRY(reply, api.call(call));
  return std::move(reply.body);
}

int open(Host&, const Invocation& invocation) {
  auto body = gate_request(invocation);
  if (!body) {
    const int code = report("gate open", body.error());
    return body.error().code == Code::invalid ? kUsage : code;
  }
  const bool wait = invocation.has("--wait");
  if (!wait && !invocation.value("--junit").empty())
    return report("gate open", Error{Code::invalid, "--junit needs the gate's end",
                                     "add --wait, or baton gate artifacts GATE --junit F later"});
  const auto target = find_target(invocation);
  if (!target) return report("gate open", target.error());
  client::ApiClient api{target->endpoint()};
  const auto gate =
      post_once(api, "/gates", *std::move(body), invocation.value("--idempotency-key"));
  if (!gate) return report("gate open", gate.error());
  if (invocation.output == Output::table) {
    // Alone on its line, so that GATE=$(baton gate open …) works.
    std::printf("%s\n", harmless(text_at(*gate, "id")).c_str());
    std::fflush(stdout);
  } else if (!wait) {
    print(invocation.output, *gate, {});
  }
  if (!wait) return kOk;
  return wait_for_gate(target->endpoint(), text_at(*gate, "id"),
                       {std::nullopt, invocation.value("--junit"), invocation.output});
}

int wait(Host&, const Invocation& invocation) {
  GateWait how{std::nullopt, invocation.value("--junit"), invocation.output};
  if (const std::string text = invocation.value("--timeout"); !text.empty()) {
    const auto limit = parse_duration(text);
    if (!limit) return report("gate wait", limit.error()), kUsage;
    how.timeout = *limit;
  }
  const auto target = find_target(invocation);
  if (!target) return report("gate wait", target.error());
  client::ApiClient api{target->endpoint()};
  api.set_patience(Duration{10'000});
  const auto gate = gate_argument(invocation, api);
  if (!gate) return report("gate wait", gate.error());
  return wait_for_gate(target->endpoint(), gate->id, how);
}

// What --artifact names: files to put, and addresses of what is kept elsewhere.
struct VerdictArtifacts {
  std::vector<std::string> files;
  json::array elsewhere;
};
VerdictArtifacts verdict_artifacts(const Invocation& invocation) {
  VerdictArtifacts artifacts;
  for (const std::string& text : invocation.all("--artifact")) {
    const std::size_t at = text.find('=');
    const std::string url = at == std::string::npos ? "" : text.substr(at + 1);
    if (url.starts_with("http://") || url.starts_with("https://"))
      artifacts.elsewhere.push_back(json::object{{"path", text.substr(0, at)}, {"url", url}});
    else
      artifacts.files.push_back(text);
  }
  return artifacts;
}

// Before the verdict: what follows it (results in Azure DevOps, files in GoCD) reads them.
Result<void> put_files(client::ApiClient& api, const std::string& id,
                       const std::vector<std::string>& names) {
  if (names.empty()) return {};
  BATON_TRY(files, gate_files_of(names));
  BATON_TRY(gate, api.get(gate_path(id)));
  // A late verdict is refused; its files would stand beside those of the one that counts.
  if (text_at(gate, "state") != "pending") return {};
  for (const GateFile& file : files) BATON_TRY_VOID(put_gate_file(api, id, file));
  return {};
}

int verdict(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("gate verdict", api.error());
  api->set_patience(kPatience);
  const auto gate = gate_argument(invocation, *api);
  if (!gate) return report("gate verdict", gate.error());
  if (gate->rest.size() != 1)
    return report("gate verdict",
                  Error{Code::invalid, "the verdict is missing",
                        "baton gate verdict GATE passed, failed, errored, cancelled or timed_out"});
  VerdictArtifacts artifacts = verdict_artifacts(invocation);
  if (const auto put = put_files(*api, gate->id, artifacts.files); !put)
    return report("gate verdict --artifact", put.error());
  json::object body{{"verdict", gate->rest[0]}};
  for (const auto& [flag, name] : {std::pair{"--reason", "reason"}, std::pair{"--details", "url"}})
    if (const std::string value = invocation.value(flag); !value.empty()) body[name] = value;
  if (!artifacts.elsewhere.empty()) body["artifacts"] = std::move(artifacts.elsewhere);
  auto done = post_once(*api, gate_path(gate->id) + "/verdict", std::move(body));
  if (!done) return report("gate verdict " + gate->id, done.error());
  return print_gate(invocation, *std::move(done));
}

int list(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("gate ls", api.error());
  std::string path = "/gates?limit=" + client::escape(invocation.value("--limit", "50"));
  for (const char* name : {"state", "key", "link", "cursor"})
    if (const std::string value = invocation.value(std::string{"--"} + name); !value.empty())
      path += fmt::format("&{}={}", name, client::escape(value));
  for (const std::string& label : invocation.all("--label"))
    path += "&label=" + client::escape(label);
  auto page = api->get(path);
  if (!page) return report("gate ls", page.error());
  if (invocation.output == Output::table && page->is_object() && page->at("items").is_array())
    for (json::value& gate : page->at("items").as_array()) gate = gate_for_people(std::move(gate));
  print(invocation.output, *page,
        {{"GATE", "id"},
         {"STATE", "state"},
         {"VERDICT", "verdict"},
         {"NAME", "name"},
         {"KEY", "key"},
         {"SUBJECT", "about"},
         {"OPENED", "created_at"},
         {"OPEN UNTIL", "deadline_at"},
         {"DELIVERIES", "told"}});
  if (const std::string cursor = text_at(*page, "next_cursor");
      !cursor.empty() && invocation.output == Output::table)
    say("more: --cursor " + cursor);
  return kOk;
}

int view(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("gate view", api.error());
  const auto named = gate_argument(invocation, *api);
  if (!named) return report("gate view", named.error());
  const auto gate = api->get(gate_path(named->id));
  if (!gate) return report("gate view", gate.error());
  print_gate(invocation, *gate);
  json::array deliveries = deliveries_in(*gate);
  if (invocation.output != Output::table || deliveries.empty()) return kOk;
  for (json::value& one : deliveries) one = delivery_for_people(std::move(one));
  std::printf("\n");
  print(Output::table, json::value(std::move(deliveries)), kDeliveryColumns);
  return kOk;
}

int cancel(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("gate cancel", api.error());
  const auto gate = gate_argument(invocation, *api);
  if (!gate) return report("gate cancel", gate.error());
  json::object body;
  if (const std::string reason = invocation.value("--reason"); !reason.empty())
    body["reason"] = reason;
  auto ended = post_once(*api, gate_path(gate->id) + "/cancel", std::move(body));
  if (!ended) return report("gate cancel " + gate->id, ended.error());
  return print_gate(invocation, *std::move(ended));
}

int deliveries(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("gate deliveries", api.error());
  std::string path = "/deliveries?limit=" + client::escape(invocation.value("--limit", "50"));
  for (const char* name : {"state", "gate", "link", "cursor"})
    if (const std::string value = invocation.value(std::string{"--"} + name); !value.empty())
      path += fmt::format("&{}={}", name, client::escape(value));
  auto page = api->get(path);
  if (!page) return report("gate deliveries", page.error());
  std::vector<Column> columns = kDeliveryColumns;
  columns.insert(columns.begin() + 1, {"GATE", "gate"});
  if (invocation.output == Output::table && page->is_object() && page->at("items").is_array())
    for (json::value& one : page->at("items").as_array()) one = delivery_for_people(std::move(one));
  print(invocation.output, *page, columns);
  if (const std::string cursor = text_at(*page, "next_cursor");
      !cursor.empty() && invocation.output == Output::table)
    say("more: --cursor " + cursor);
  return kOk;
}

// The delivery that is named, or every dead one of the gate that is.
Result<std::vector<std::string>> deliveries_meant(client::ApiClient& api, const std::string& id) {
  if (!id.starts_with("gat_")) return std::vector{id};
  BATON_TRY(dead, all_items(api, "/deliveries", "state=dead&gate=" + client::escape(id)));
  std::vector<std::string> ids;
  // The oldest first: a log goes before the verdict that follows it.
  for (auto one = dead.rbegin(); one != dead.rend(); ++one) ids.push_back(text_at(*one, "id"));
  if (!ids.empty()) return ids;
  BATON_TRY_VOID(api.get(gate_path(id)));
  return fail_with_fix(Code::conflict, "baton gate view " + id, "the gate {} has no dead delivery",
                       id);
}

int redeliver(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("gate redeliver", api.error());
  const auto ids = deliveries_meant(*api, invocation.arguments.at(0));
  if (!ids) return report("gate redeliver", ids.error());
  json::array items;
  for (const std::string& id : *ids) {
    auto sent = post_once(*api, "/deliveries/" + client::escape(id) + "/redrive", nullptr);
    if (!sent) return report("gate redeliver " + id, sent.error());
    items.push_back(delivery_for_people(std::move(*sent)));
  }
  if (invocation.output != Output::table)
    for (json::value& one : items) one.as_object().erase("to");
  print(invocation.output, json::object{{"items", std::move(items)}}, kDeliveryColumns);
  return kOk;
}

Verb make(std::string name, std::string arguments, std::string summary, std::vector<Flag> flags,
          int (*run)(Host&, const Invocation&)) {
  Verb verb;
  verb.path = "gate " + std::move(name);
  verb.arguments = std::move(arguments);
  verb.arguments_max = verb.arguments.empty() ? 0 : 1;
  verb.summary = std::move(summary);
  verb.flags = std::move(flags);
  verb.run = run;
  return verb;
}

std::vector<Flag> with_pages(std::vector<Flag> flags) {
  for (Flag& flag : page_flags()) flags.push_back(std::move(flag));
  return flags;
}

std::vector<Verb> waiting_verbs() {
  std::vector<Verb> verbs{
      make("open", "", "Open a gate: a question that is answered once, later; prints its id",
           gate_open_flags(), open),
      make("wait", "GATE", "Wait for the verdict: exit code 0 passed, 30 not, 31 timed out",
           {key_flag(),
            {"--timeout", "D", "Stop waiting after this time, with exit code 124"},
            {"--junit", "F", "Write the results as JUnit XML to this file"}},
           wait),
      make("verdict", "GATE VERDICT",
           "Say the verdict: passed, failed, errored, cancelled or timed_out; the first one counts",
           {key_flag(),
            {"--reason", "T", "Why; whoever waits reads it"},
            {"--details", "URL", "Where people find more"},
            {"--artifact", "FILE", "Keep this file with the gate; or NAME=URL, kept elsewhere",
             true}},
           verdict)};
  verbs[0].example =
      "GATE=$(baton gate open --suite pay/checkout --key shop/main --timeout 2h "
      "--deliver webhook/ci)\n  baton gate wait \"$GATE\"";
  verbs[1].example = "baton gate wait --key \"shop/$GO_PIPELINE_COUNTER\"";
  verbs[2].arguments_max = 2;
  verbs[2].example =
      "baton gate verdict gat_… failed --reason \"2 of 40 failed\" --artifact out/report.xml";
  return verbs;
}

}  // namespace

std::vector<Verb> gate_verbs() {
  std::vector<Verb> verbs = waiting_verbs();
  verbs.push_back(make("log", "GATE", "Print the log of a gate, or add standard input to it",
                       {key_flag(),
                        {"--follow", "", "Go on as lines come, until the gate has its verdict"},
                        {"--append", "", "Add standard input, line by line as it comes"},
                        {"--tee", "", "With --append: print it, too"}},
                       gate_log));
  verbs.back().example = "./tests.sh 2>&1 | baton gate log gat_… --append --tee";
  verbs.push_back(
      make("artifacts", "GATE [PATH…]", "List or download the artifacts of a gate",
           {key_flag(),
            {"--download", "DIR", "Save them below this folder (. where a PATH is given)"},
            {"--junit", "F", "Write its results as one JUnit file"}},
           gate_artifacts));
  verbs.back().arguments_max = 1000;
  verbs.back().example = "baton gate artifacts gat_… --download out --junit out/junit.xml";
  verbs.push_back(make("artifacts put", "GATE FILE…", "Keep files with a gate", {key_flag()},
                       gate_artifacts_put));
  verbs.back().arguments_max = 1000;
  verbs.back().example = "baton gate artifacts put gat_… out screenshots/";
  verbs.push_back(make("ls", "", "List gates, newest first",
                       with_pages({{"--state", "STATE", "pending, decided, cancelled, superseded"},
                                   {"--key", "K", "Only of this key"},
                                   {"--link", "LINK", "Opened by, or delivered to, this link"},
                                   {"--label", "K=V", "Only with this label", true}}),
                       list));
  verbs.push_back(make("view", "GATE", "Show a gate and its deliveries", {key_flag()}, view));
  verbs.push_back(make("cancel", "GATE", "Cancel a gate, and the run that it started",
                       {key_flag(), {"--reason", "T", "Why; whoever waits reads it"}}, cancel));
  verbs.push_back(make("deliveries", "", "List deliveries, newest first",
                       with_pages({{"--state", "STATE", "queued, delivered, dead, skipped"},
                                   {"--gate", "GATE", "Only of this gate"},
                                   {"--link", "LINK", "Only to this link"}}),
                       deliveries));
  verbs.push_back(make("redeliver", "DELIVERY",
                       "Try a dead delivery again, or a waiting one now; of a gate, all dead ones",
                       {}, redeliver));
  verbs.back().arguments_min = 1;
  return verbs;
}

}  // namespace baton::cli
