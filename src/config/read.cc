// SPDX-License-Identifier: MIT
#include "config/read.h"

#include <cstdlib>
#include <set>

#include "base/text.h"
#include "config/check.h"
#include "config/reader.h"

namespace baton::config {
namespace {

bool is_database(std::string_view text) {
  return text.starts_with("postgres://") || text.starts_with("postgresql://");
}

class ConfigReader {
 public:
  ConfigReader(const Node& root, const Folders& folders, std::vector<Problem>& problems)
      : root_(root), folders_(folders), problems_(problems), file_(&root, file_schema()) {
    for (const Problem& problem : problems) troubled_.insert(item_of(problem.path));
  }

  Config read() {
    Config config;
    read_server(config.server);
    const Reader limits = file_.section("limits");
    config.limits = {.running_runs = limits.small("running_runs"),
                     .queued_runs = limits.small("queued_runs")};
    const Reader maybe = file_.section("maybe");
    config.maybe = {.hold = maybe.duration("hold"), .ttl = maybe.duration("ttl")};
    const Duration ttl = config.maybe.ttl;
    if (ttl > Duration{0} && (ttl < model::kTtlMin || ttl > model::kTtlMax))
      report(problems_, *maybe.value("ttl"), "/maybe/ttl", "it must be 1s to 720h, or 0");
    read_suites(config.suites);
    read_schedules(config.schedules);
    read_environments(config.environments);
    config.links = read_links(root_, folders_, problems_);
    read_deliveries(config.deliveries);
    for (const std::string& section : sections_without_effect())
      if (file_.has(section)) config.without_effect.push_back(section);
    return config;
  }

 private:
  void read_server(Server& server) {
    const Reader from = file_.section("server");
    server.listen = from.text("listen");
    server.data = read_data(from);
    server.files = read_files(from, server.data);
    server.public_url = from.text("public_url");
    server.auth = from.text("auth") == "none" ? Auth::none : Auth::token;
    if (const Node* tls = from.value("tls")) {
      const Reader keys = from.section("tls");
      server.tls = Tls{absolute(folder_of(*tls), keys.text("certificate")),
                       absolute(folder_of(*tls), keys.text("key"))};
    }
    const Reader retention = from.section("retention");
    server.retention = {.runs = retention.duration("runs"),
                        .keep_last = retention.small("keep_last")};
    server.auto_create_environments = from.boolean("auto_create_environments");
    server.drain = from.duration("drain");
    server.instance = from.text("instance");
    server.environment = from.text("environment");
    server.log_level = from.section("log").text("level");
    server.log_format = from.section("log").text("format");
    check_exposure(from, server);
  }

  // What the file says is relative to the file; what the command line says, to where it is typed.
  const std::string& folder_of(const Node& node) const {
    return node.place.line > 0 ? folders_.file : folders_.process;
  }

  std::string read_data(const Reader& server) {
    const Node* node = server.value("data");
    if (node == nullptr) return default_folder();
    std::string data = node->scalar;
    if (node->type == Node::Type::map && node->members.size() == 1) {
      auto secret = resolve_secret(*node, folders_);
      if (!secret)
        report(problems_, *node, "/server/data", secret.error().message, secret.error().fix);
      data = secret.value_or("");
    } else if (data.empty()) {
      report(problems_, *node, "/server/data", "the folder is empty");
    }
    return is_database(data) ? data : absolute(folder_of(*node), data);
  }

  // Where systemd says, or beside whoever starts the server.
  std::string default_folder() const {
    const char* state = std::getenv("STATE_DIRECTORY");
    return absolute(folders_.process, state != nullptr && *state != '\0' ? state : "baton-data");
  }

  std::string read_files(const Reader& server, const std::string& data) const {
    if (const Node* node = server.value("files")) return absolute(folder_of(*node), node->scalar);
    return is_database(data) ? default_folder() : data;
  }

  void check_exposure(const Reader& from, const Server& server) {
    const auto address = parse_address(server.listen);
    if (server.auth != Auth::none || !address || is_loopback(*address)) return;
    report(problems_, *from.value("auth"), "/server/auth",
           fmt::format("`none` would let everybody who reaches {} use the server", server.listen),
           "remove it, or listen on 127.0.0.1");
  }

  void read_suites(std::vector<SuiteEntry>& suites) {
    const Node* list = root_.find("suites");
    if (list == nullptr) return;
    const Schema section = suites_section();
    std::set<std::string> ids;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const Node& node = list->items[i];
      const std::string path = fmt::format("/suites/{}", i);
      SuiteEntry suite = read_suite(Reader(&node, section.element.front()), node);
      const bool whole_binary = suite.kind == model::Kind::cpp && !suite.stated.contains("name");
      if (whole_binary) {
        suite.name = "all";  // for the check
        if (suite.stated.contains("namespace"))
          report(problems_, *node.find("namespace"), path + "/namespace",
                 "a namespace without a name: the binary says both", "remove it, or add `name:`");
      } else if (!suite.stated.contains("name")) {
        report(problems_, node, path, "the key `name` is missing", "add `name:`");
        continue;
      } else if (!ids.insert(suite.id()).second) {
        report(problems_, node, path, fmt::format("the suite {} is declared twice", suite.id()),
               "give it another name or namespace");
      }
      report_model(node, path, model::check_suite(suite));
      if (whole_binary) suite.name.clear();
      suites.push_back(std::move(suite));
    }
  }

  SuiteEntry read_suite(const Reader& from, const Node& node) const {
    SuiteEntry suite;
    for (const auto& member : node.members) suite.stated.insert(member.name);
    suite.source = model::SuiteSource::file;
    suite.namespace_ = from.text("namespace");
    suite.name = from.text("name");
    suite.description = from.text("description");
    suite.owner = from.text("owner");
    suite.labels = from.text_map("labels");
    suite.kind = model::parse_kind(from.text("kind")).value_or(model::Kind::command);
    suite.command = from.texts("command");
    suite.folder = absolute(folder_of(node), from.text("folder"));
    suite.environment_variables = from.text_map("variables");
    suite.environment = from.text("environment");
    suite.isolate = model::parse_isolate(from.text("isolate")).value_or(model::Isolate::suite);
    suite.workers = from.small("workers");
    suite.max_attempts = from.small("max_attempts");
    suite.running_runs = from.small("running_runs");
    suite.back_off = from.duration("back_off");
    suite.timeout = from.duration("timeout");
    suite.attempt_timeout = from.duration("attempt_timeout");
    suite.kill_grace = from.duration("kill_grace");
    suite.log_limit = from.size("log_limit");
    suite.reports = from.texts("reports");
    suite.artifacts = from.texts("artifacts");
    suite.allow_empty = from.boolean("allow_empty");
    return suite;
  }

  void read_deliveries(Deliveries& deliveries) const {
    const Reader from = file_.section("deliveries");
    const Reader retry = from.section("retry");
    deliveries.retry = {retry.duration("first"), retry.number("factor"), retry.duration("max"),
                        retry.duration("give_up_after")};
    deliveries.per_peer = from.small("per_peer");
  }

  void read_schedules(std::vector<model::Schedule>& schedules) {
    const Node* list = root_.find("schedules");
    if (list == nullptr) return;
    const Schema section = schedules_section();
    std::set<std::string> names;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const Node& node = list->items[i];
      const std::string path = fmt::format("/schedules/{}", i);
      model::Schedule schedule = read_schedule(Reader(&node, section.element.front()), node, path);
      if (!names.insert(schedule.name).second)
        report(problems_, node, path,
               fmt::format("the schedule {} is declared twice", schedule.name));
      report_model(node, path, model::check_schedule(schedule));
      schedules.push_back(std::move(schedule));
    }
  }

  model::Schedule read_schedule(const Reader& from, const Node& node, const std::string& path) {
    model::Schedule schedule;
    schedule.source = model::SuiteSource::file;
    schedule.name = from.text("name");
    schedule.suite = from.text("suite");
    schedule.cron = from.text("cron");
    if (from.has("every")) schedule.every = from.duration("every");
    schedule.time_zone = from.text("time_zone");
    schedule.filter = from.text("filter");
    schedule.max_runs = from.integer("max_runs");
    schedule.overlap = model::parse_overlap(from.text("overlap")).value_or(schedule.overlap);
    schedule.catch_up = model::parse_catch_up(from.text("catch_up")).value_or(schedule.catch_up);
    schedule.paused = from.boolean("paused");
    if (from.has("until")) {
      const auto until = parse_rfc3339(from.text("until"));
      if (until)
        schedule.until = *until;
      else
        report(problems_, *from.value("until"), path + "/until", until.error().message);
    }
    if (from.has("cron") == from.has("every")) {
      troubled_.insert(path);
      report(problems_, node, path, "a schedule has exactly one of `cron` and `every`");
    }
    return schedule;
  }

  void read_environments(std::vector<model::Environment>& environments) {
    const Node* list = root_.find("environments");
    if (list == nullptr) return;
    const Schema section = environments_section();
    std::set<std::string> names;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const Node& node = list->items[i];
      const std::string path = fmt::format("/environments/{}", i);
      model::Environment environment = read_environment(Reader(&node, section.element.front()));
      environment.folder =
          absolute(folder_of(node), Reader(&node, section.element.front()).text("folder"));
      if (!names.insert(environment.name).second)
        report(problems_, node, path,
               fmt::format("the environment {} is declared twice", environment.name));
      report_model(node, path, model::check_environment(environment));
      environments.push_back(std::move(environment));
    }
  }

  static model::Environment read_environment(const Reader& from) {
    model::Environment e;
    e.source = model::SuiteSource::file;
    e.name = from.text("name");
    e.description = from.text("description");
    e.slots = from.small("slots");
    e.labels = from.text_map("labels");
    e.properties = from.text_map("properties");
    e.links = from.text_map("links");
    e.ttl = from.duration("ttl");
    e.ttl_max = from.duration("ttl_max");
    if (from.has("max_hold")) e.max_hold = from.duration("max_hold");
    e.lock_delay = from.duration("lock_delay");
    e.claim_window = from.duration("claim_window");
    const Reader queue = from.section("queue");
    e.policy = model::parse_queue_policy(queue.text("policy")).value_or(e.policy);
    e.queue_max = queue.small("max");
    e.keep_alive = queue.duration("keep_alive");
    e.age_step = queue.duration("age_step");
    const Reader provision = from.section("provision");
    e.provision = {provision.small("min"), provision.duration("idle")};
    const Reader hooks = from.section("hooks");
    for (const model::HookKind kind : {model::HookKind::reset, model::HookKind::health,
                                       model::HookKind::provision, model::HookKind::destroy}) {
      if (!hooks.has(name_of(kind))) continue;
      const Reader hook = hooks.section(name_of(kind));
      e.hooks[kind] = {hook.texts("command"), hook.duration("timeout"), hook.small("attempts"),
                       hook.duration("retry")};
    }
    return e;
  }

  // "/suites/3" of "/suites/3/kind".
  static std::string item_of(const std::string& path) {
    const std::size_t second = path.find('/', 1);
    return path.substr(0, second == std::string::npos ? second : path.find('/', second + 1));
  }

  // What the model refuses is told at the key's own place where the file has the key. Nothing is
  // added where check() found something: the values read there are not the file's.
  void report_model(const Node& node, const std::string& path, const Result<void>& checked) {
    if (checked || troubled_.count(path) > 0) return;
    const Error& error = checked.error();
    if (error.details.empty()) report(problems_, node, path, error.message, error.fix);
    for (const ErrorDetail& detail : error.details) {
      std::string_view name = split(std::string_view(detail.pointer).substr(1), '/').front();
      if (name == "environment_variables") name = "variables";
      const Node* at = node.find(name);
      report(problems_, at != nullptr ? *at : node, path + pointer_part(name), detail.detail);
    }
  }

  const Node& root_;
  const Folders& folders_;
  std::vector<Problem>& problems_;
  Reader file_;
  std::set<std::string> troubled_;  // items that have a problem already
};

}  // namespace

Config read_config(const Node& root, const Folders& folders, std::vector<Problem>& problems) {
  return ConfigReader(root, folders, problems).read();
}

}  // namespace baton::config
