// SPDX-License-Identifier: MIT
#include "cli/service_verbs.h"

#include <boost/json.hpp>
#include <cstdio>

#include "base/file.h"
#include "base/text.h"
#include "cli/completion.h"
#include "cli/connection.h"
#include "cli/doctor.h"
#include "cli/signals.h"
#include "cli/simple.h"
#include "client/local_servers.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

int whoami(Host&, const Invocation& invocation) {
  return get_and_print_object(invocation, "whoami", "/whoami",
                              {{"name", "name"}, {"scope", "scope"}, {"token", "token"}});
}

int version(Host&, const Invocation& invocation) {
  print_object(invocation.output,
               json::object{{"version", BATON_VERSION}, {"compiler", __VERSION__}},
               {{"baton", "version"}});
  return kOk;
}

int print_event(const Invocation& invocation, const json::value& event) {
  if (invocation.output == Output::table)
    std::printf(
        "%s %s %s %s %s\n", text_at(event, "seq").c_str(), text_at(event, "at").c_str(),
        harmless(text_at(event, "kind")).c_str(), harmless(text_at(event, "subject")).c_str(),
        event.as_object().contains("data") ? harmless(json::serialize(event.at("data"))).c_str()
                                           : "");
  else std::printf("%s\n", json::serialize(event).c_str());
  std::fflush(stdout);
  return kOk;
}

// The journal as it grows, until a signal or `limit` events.
int follow_events(const Target& target, const Invocation& invocation, const std::string& path,
                  std::optional<std::int64_t> limit) {
  Signals signals;
  client::ApiClient api{target.endpoint(), signals.token()};
  api.set_patience(Duration{60'000});
  std::int64_t printed = 0;
  const auto done = api.stream(path, [&](const net::SseEvent& event) {
    boost::system::error_code bad;
    const json::value document = json::parse(event.data, bad);
    if (bad || !document.is_object()) return true;
    print_event(invocation, document);
    return !limit || ++printed < *limit;
  });
  if (signals.received() != 0) return signals.exit_code(kOk);
  return done ? kOk : report("events", done.error());
}

int events(Host&, const Invocation& invocation) {
  const auto limit = number_of(invocation, "--limit");
  if (!limit) return report("events", limit.error()), kUsage;
  const auto target = find_target(invocation);
  if (!target) return report("events", target.error());
  const std::string path = "/events?after=" + client::escape(invocation.value("--after", "0"));
  if (invocation.has("--follow")) return follow_events(*target, invocation, path, *limit);
  client::ApiClient api{target->endpoint()};
  const auto page = api.get(fmt::format("{}&limit={}", path, limit->value_or(50)));
  if (!page) return report("events", page.error());
  for (const json::value& event : page->at("items").as_array()) print_event(invocation, event);
  return kOk;
}

int call_api(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("api", api.error());
  client::Call call;
  const bool bare = invocation.arguments.size() == 1;
  call.method = bare ? "GET" : invocation.arguments[0];
  call.path = invocation.arguments.back();
  if (!call.path.starts_with('/')) call.path.insert(0, 1, '/');
  if (const std::string text = invocation.value("--data"); !text.empty()) {
    boost::system::error_code bad;
    call.body = json::parse(text, bad);
    if (bad)
      return report("api",
                    Error{Code::invalid, "--data is not JSON: " + bad.message(), "--data '{}'"}),
             kUsage;
  }
  call.body_file = invocation.value("--data-file");
  for (const std::string& header : invocation.all("--header")) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos)
      return report("api", Error{Code::invalid, fmt::format("--header \"{}\" has no colon", header),
                                 "--header \"Name: value\""}),
             kUsage;
    call.headers.set(header.substr(0, colon), std::string{trim(header.substr(colon + 1))});
  }
  const auto reply = api->call(call);
  if (!reply) return report("api", reply.error());
  if (!reply->body.is_null())
    print(invocation.output == Output::table ? Output::json : invocation.output, reply->body, {});
  else std::fwrite(reply->text.data(), 1, reply->text.size(), stdout);
  return kOk;
}

Verb make(std::string path, std::string summary, std::vector<Flag> flags,
          int (*run)(Host&, const Invocation&)) {
  Verb verb;
  verb.path = std::move(path);
  verb.summary = std::move(summary);
  verb.flags = std::move(flags);
  verb.run = run;
  return verb;
}

int completion(Host&, const Invocation& invocation) {
  const auto script = completion_script(invocation.arguments.at(0));
  if (!script) return report("completion", script.error()), kUsage;
  std::fwrite(script->data(), 1, script->size(), stdout);
  return kOk;
}

int complete(Host&, const Invocation& invocation) {
  for (const std::string& word : complete_words(invocation.rest)) std::puts(word.c_str());
  return kOk;
}

int login(Host&, const Invocation& invocation) {
  const std::string url =
      invocation.arguments.empty() ? "http://127.0.0.1:1337" : invocation.arguments[0];
  std::string token = invocation.value("--token");
  if (token.empty() && invocation.has("--token-stdin")) {
    char line[4096];
    if (std::fgets(line, sizeof line, stdin) != nullptr) token = trim(line);
  }
  if (token.empty())
    for (const auto& server : client::local_servers())
      if (server.url == url) token = client::stored_token(server.data);
  if (token.empty())
    return report("login", Error{Code::unauthenticated, "no token is given",
                                 "baton login URL --token-stdin < token-file"});
  client::Endpoint endpoint{url, token};
  for (const auto& server : client::local_servers())
    if (server.url == url) endpoint.key_pin = server.key_pin;
  client::ApiClient api{std::move(endpoint)};
  const auto who = api.get("/whoami");
  if (!who) return report("login " + url, who.error());
  auto file = read_user_file();
  if (!file) return report("login", file.error());
  const std::string name = invocation.value("--name", url);
  file->contexts[name] = {url, token};
  file->current = name;
  if (auto written = write_user_file(*file); !written) return report("login", written.error());
  say(fmt::format("logged in to {} as {} ({}), kept in {}", url, text_at(*who, "name"),
                  text_at(*who, "scope"), user_file_path()));
  return kOk;
}

int context_list(Host&, const Invocation& invocation) {
  const auto file = read_user_file();
  if (!file) return report("context ls", file.error());
  json::array items;
  for (const auto& [name, context] : file->contexts)
    items.push_back({{"name", name}, {"url", context.url}, {"current", name == file->current}});
  print(invocation.output, json::object{{"items", std::move(items)}},
        {{"NAME", "name"}, {"URL", "url"}, {"CURRENT", "current"}});
  return kOk;
}

int context_change(const Invocation& invocation, bool remove) {
  auto file = read_user_file();
  if (!file) return report("context", file.error());
  const std::string& name = invocation.arguments.at(0);
  if (!file->contexts.contains(name))
    return report("context", Error{Code::not_found, fmt::format("context \"{}\" is unknown", name),
                                   "baton context ls"});
  if (remove) file->contexts.erase(name);
  else file->current = name;
  if (remove && file->current == name) file->current.clear();
  const auto written = write_user_file(*file);
  return written ? kOk : report("context", written.error());
}

}  // namespace

std::vector<Verb> service_verbs() {
  std::vector<Verb> verbs{
      make("whoami", "Show who the server takes you for", {}, whoami),
      make("events", "Print the journal: what happened, in order",
           {{"--after", "SEQ", "Begin after this position"},
            {"--limit", "N", "At most so many (50; up to 500); with --follow all, or so many"},
            {"--follow", "", "Go on as events come"}},
           events),
      make("doctor", "Check the connection, the token and the suites", {}, doctor),
      make("version", "Print the version", {}, version),
      make("api", "Call the HTTP API", {{"--data", "JSON", "The body"},
                                        {"--data-file", "F", "The body, from a file"},
                                        {"--header", "NAME: VALUE", "A further header", true}},
           call_api),
      make("completion", "Print the completion script of a shell", {}, completion),
      make("__complete", "", {}, complete),
  };
  verbs[4].arguments = "[METHOD] PATH";
  verbs[4].arguments_min = 1;
  verbs[4].arguments_max = 2;
  verbs[4].example = "baton api POST /runs --data '{\"suite\":\"checkout\"}'";
  verbs[5].arguments = "bash|zsh|fish";
  verbs[5].arguments_min = verbs[5].arguments_max = 1;
  verbs[5].example = "source <(baton completion bash)";
  verbs[6].takes_rest = true;
  return verbs;
}

std::vector<Verb> context_verbs() {
  std::vector<Verb> verbs{
      make("login", "Check a token and keep it for this server",
           {{"--name", "NAME", "Name of the context (the address)"},
            {"--token-stdin", "", "Read the token from standard input"}},
           login),
      make("context ls", "List the servers that are known", {}, context_list),
      make("context use", "Make one of them the current one", {},
           [](Host&, const Invocation& invocation) { return context_change(invocation, false); }),
      make("context rm", "Forget one of them and its token", {},
           [](Host&, const Invocation& invocation) { return context_change(invocation, true); }),
  };
  verbs[0].arguments = "URL";
  verbs[0].arguments_max = 1;
  for (std::size_t i : {2U, 3U}) {
    verbs[i].arguments = "NAME";
    verbs[i].arguments_min = verbs[i].arguments_max = 1;
  }
  return verbs;
}

}  // namespace baton::cli
