// SPDX-License-Identifier: MIT
#include "links/github_sweep.h"

#include <map>

#include "links/github.h"
#include "net/url.h"

namespace baton::links {
namespace {

using github::Peer;
using github::Question;

// Runs of one repository that are looked at; more that wait at once are for the next sweep, when
// some of these wait no more.
constexpr int kRunsMax = 100;
// Deployments of a commit to one environment: one for each job, and those of runs before.
constexpr int kOfCommitMax = 30;
// Of an environment, where the commit is another than the run's (a merge of a pull request). Each
// costs a call.
constexpr int kOfEnvironmentMax = 10;

/// One repository.
class Sweeper {
 public:
  Sweeper(const model::LinkProfile& profile, Http& http, const Message& message,
          const github::Place& place, GithubSweep& found)
      : profile_(profile), peer_(message, profile, http, place), found_(found) {}

  void run() {
    const auto answer =
        get(peer_.repo_path(fmt::format("/actions/runs?status=waiting&per_page={}", kRunsMax)));
    if (!answer) return;
    for (const Json& run : Json(answer->body).objects("workflow_runs")) {
      if (run.number("id") <= 0) continue;
      const auto pending = get(run_path(run) + "/pending_deployments");
      if (!pending) return;
      for (const Json& each : json_objects(pending->body))
        if (!look(run, each.object("environment").text("name"))) return;
    }
  }

 private:
  // Nothing after a problem: the rest of the repository would fail as well.
  std::optional<net::HttpResponse> get(const std::string& path) {
    auto answer = peer_.send("GET", path);
    if (is_good(answer)) return std::move(*answer);
    problem(fmt::format("GET {}: {}", path, peer_.failure(answer).error));
    return std::nullopt;
  }
  void problem(std::string_view what) {
    found_.problems.push_back(fmt::format("{}: {}", peer_.place.repo, what));
  }
  std::string run_path(const Json& run) const {
    return peer_.repo_path(fmt::format("/actions/runs/{}", run.number("id")));
  }

  bool look(const Json& run, const std::string& environment) {
    bool is_ours = false;
    if (environment.empty() || !has_our_rule(environment, is_ours)) return false;
    if (!is_ours) return true;
    const std::size_t before = found_.waiting.size();
    const std::string in = "/deployments?environment=" + net::percent_encode(environment);
    const std::string of_commit = fmt::format(
        "{}&sha={}&per_page={}", in, net::percent_encode(run.text("head_sha")), kOfCommitMax);
    if (!take_waiting(run, environment, of_commit)) return false;
    if (found_.waiting.size() == before &&
        !take_waiting(run, environment, fmt::format("{}&per_page={}", in, kOfEnvironmentMax)))
      return false;
    if (found_.waiting.size() == before)
      problem(fmt::format("run {} waits for {}, but which deployment that is cannot be told",
                          run.number("id"), environment));
    return true;
  }

  bool has_our_rule(const std::string& environment, bool& is_ours) {
    const auto known = rules_.find(environment);
    if (known != rules_.end()) {
      is_ours = known->second;
      return true;
    }
    const auto answer = get(peer_.repo_path(fmt::format(
        "/environments/{}/deployment_protection_rules", net::percent_encode(environment))));
    if (!answer) return false;
    for (const Json& rule : Json(answer->body).objects("custom_deployment_protection_rules"))
      if (rule.is_true("enabled") && rule.object("app").number("id") == profile_.app_id)
        is_ours = true;
    rules_[environment] = is_ours;
    return true;
  }

  // Those whose last status says that they wait in this run.
  bool take_waiting(const Json& run, const std::string& environment, const std::string& list) {
    const auto answer = get(peer_.repo_path(list));
    if (!answer) return false;
    for (const Json& deployment : json_objects(answer->body)) {
      if (deployment.number("id") <= 0 || deployment.text("environment") != environment) continue;
      const auto statuses = get(peer_.repo_path(
          fmt::format("/deployments/{}/statuses?per_page=1", deployment.number("id"))));
      if (!statuses) return false;
      const auto last = json_objects(statuses->body);
      if (last.empty() || last.front().text("state") != "waiting") continue;
      if (is_of_run(last.front(), run.number("id"))) open(run, deployment, environment);
    }
    return true;
  }

  // "https://github.com/corp/shop/actions/runs/9/job/7"
  static bool is_of_run(const Json& status, std::int64_t run) {
    const std::string url = status.text("log_url") + "/";
    return url.find(fmt::format("/actions/runs/{}/", run)) != std::string::npos;
  }

  void open(const Json& run, const Json& deployment, const std::string& environment) {
    Question question;
    question.repo = peer_.place.repo;
    question.environment = environment;
    question.callback = profile_.url + run_path(run) + "/deployment_protection_rule";
    question.deployment = deployment.text("id");
    question.sha = deployment.text("sha");
    auto opening = github::open_question(profile_, question);
    if (opening) {
      found_.waiting.push_back(*std::move(opening));
    } else {
      problem(opening.error().message);
    }
  }

  const model::LinkProfile& profile_;
  Peer peer_;
  GithubSweep& found_;
  std::map<std::string, bool> rules_;  // by environment: whether it has one of ours
};

}  // namespace

GithubSweep sweep_github(const model::LinkProfile& profile, Http& http, TimePoint now) {
  GithubSweep found;
  Message message;
  message.now = now;
  for (const std::string& repository : profile.repositories) {
    github::Place place;
    place.repo = repository;
    Sweeper(profile, http, message, place, found).run();
  }
  return found;
}

}  // namespace baton::links
