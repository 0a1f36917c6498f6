// SPDX-License-Identifier: MIT
// Environments, links to outside systems, deliveries and notifications.
#include "config/keys.h"
#include "config/make.h"

namespace baton::config {
namespace {

using make::choice;
using make::duration;
using make::integer;
using make::labels;
using make::list;
using make::map;
using make::object;
using make::of;
using make::secret;
using make::secrets;
using make::text;
using make::texts;

Schema hook(std::string about) {
  return object(std::move(about), {
                                      {"command", texts("Program and arguments."), true},
                                      {"timeout", duration("Of one attempt.", "60s")},
                                      {"attempts", integer("Tries until it works.", "3", 1, 100)},
                                      {"retry", duration("The wait between them.", "5s")},
                                  });
}

Schema queue() {
  return object("How those wait who cannot have it at once.",
                {
                    {"policy", choice("Who is next.", "fifo", {"fifo", "newest", "latest_only"})},
                    {"max", integer("So many may wait; beyond it, 429.", "100000", 0, 1'000'000)},
                    {"keep_alive", duration("A waiter that is silent for so long is gone.", "60s")},
                    {"age_step", duration("A waiter's priority rises by one in this time.", "60s")},
                });
}

// What an inbound body leaves out.
Key defaults() {
  return {"defaults",
          object("What an inbound body leaves out.",
                 {
                     {"subject", of(Type::any,
                                    "What is asked about: a run, a suite, a Testkube "
                                    "execution.")},
                     {"timeout", duration("How long the gate may stay open.")},
                     {"on_timeout", choice("What it says then.", "failed", {"failed", "passed"})},
                     {"key", text("A newer gate of the same key supersedes an older one.")},
                     {"labels", labels("For filters.")},
                 })};
}

Key required_url(std::string about) { return {"url", of(Type::url, std::move(about)), true}; }

Schema profiles(std::string about, std::vector<Key> keys) {
  keys.push_back({"ca_file", of(Type::path, "Authorities in PEM that replace the system's.")});
  keys.push_back(defaults());
  return map(std::move(about), object("One profile.", std::move(keys)));
}

Schema azure_devops() {
  return profiles(
      "Azure DevOps: checks of environments and pipelines.",
      {
          {"allow", texts("URL prefixes that may be called back; each ends at a path boundary."),
           true},
          {"networks", texts("Private networks (`10.0.0.0/8`) that those names may resolve to.")},
          {"pat", secret("A personal access token, where the call carries no token of its own.")},
          {"api_version", text("Of the outbound calls.", "2.0-preview.1")},
          {"publish_results", make::boolean("Publish test results too.", false)},
          {"attachments", texts("Globs of artifacts that the published test run gets as well.")},
      });
}

Schema gocd() {
  return profiles("GoCD: stages, pipelines, artifacts.",
                  {
                      required_url("The server, without `/go`."),
                      {"token", secret("An access token; or `user` and `password`.")},
                      {"user", text("For basic authentication.")},
                      {"password", secret("For basic authentication.")},
                  });
}

Schema github() {
  return profiles("GitHub: check runs, statuses, comments.",
                  {
                      {"url", of(Type::url, "The API.", "https://api.github.com")},
                      {"app_id", integer("Of the GitHub App; or `token`.", "", 1, 1LL << 53)},
                      {"private_key", secret("Of the GitHub App, PEM.")},
                      {"token", secret("Instead of an App.")},
                      {"webhook_secret", secrets("Signs what comes in.")},
                      {"repositories",
                       texts("`OWNER/NAME` of those that are asked which deployments wait for the "
                             "App's rule, in case a webhook is lost.")},
                      {"sweep", make::at_least(100, duration("How often they are asked.", "5m"))},
                  });
}

Schema gitlab() {
  return profiles("GitLab: commit statuses, manual jobs.",
                  {
                      required_url("The server."),
                      {"token", secret("An access token."), true},
                      {"webhook_secret", secrets("Proves what comes in.")},
                  });
}

Schema jenkins() {
  return profiles("Jenkins: input steps.",
                  {
                      required_url("The server."),
                      {"user", text("Whose token it is."), true},
                      {"token", secret("An API token; or `password`.")},
                      {"password", secret("Needs a crumb for each call; "
                                          "better is a token.")},
                      {"webhook_secret", secrets("The authToken of `webhook-step`s.")},
                  });
}

Schema buildkite() {
  return profiles("Buildkite: block steps.",
                  {
                      {"url", of(Type::url, "The API.", "https://api.buildkite.com")},
                      {"token", secret("An API token that may write builds."), true},
                      {"organization", text("Of targets that name none.")},
                  });
}

Schema testkube() {
  return profiles(
      "Testkube: executions that answer a gate.",
      {
          required_url("The API server."),
          {"token", secret("Where it asks for one.")},
          {"poll", make::at_least(50, duration("How often an execution is looked at.", "5s"))},
          {"stall_after", duration("One that does not move for so long has failed.", "30m")},
      });
}

Schema webhook() {
  return profiles("Signed webhooks, in and out.",
                  {
                      required_url("Where verdicts are posted."),
                      {"secret", secrets("Signs both directions; several while rotating."), true},
                      {"format", choice("Of what is posted; a binary event has its attributes in "
                                        "headers.",
                                        "baton", {"baton", "cloudevents", "cloudevents-binary"})},
                  });
}

}  // namespace

Schema environments_section() {
  return list(
      "What deployments and tests share. What a file declares cannot be changed over HTTP.",
      object(
          "One environment.",
          {
              {"name", text("Unique on the server."), true},
              {"slots", integer("How many may have it at once.", "1", 1, 1'000)},
              {"labels", labels("For requests that do not care which one.")},
              {"properties", map("What a holder's processes get as `BATON_ENV_<KEY>`.", text(""))},
              {"ttl", duration("A lease that is not renewed for so long expires.", "2m")},
              {"ttl_max", duration("A longer request is lowered to it.", "720h")},
              {"max_hold", duration("A lease ends after so long, renewed or not.")},
              {"lock_delay",
               duration("A slot rests so long after a lease that did not end cleanly.", "0s")},
              {"queue", queue()},
              {"claim_window",
               duration("A granted lease that nobody looks at is taken back.", "15s")},
              {"hooks",
               object("Commands that the server runs for each slot of it.",
                      {
                          {"reset", hook("After each lease.")},
                          {"health", hook("After that: whether the next one may have it.")},
                          {"provision", hook("Makes a slot when somebody waits for one.")},
                          {"destroy", hook("Removes it when nobody needs it.")},
                      })},
              {"provision",
               object("Which slots there are when nobody needs them, with a `provision` hook.",
                      {
                          {"min", integer("So many always.", "0", 0, 1'000)},
                          {"idle", duration("Others go when nobody used them so long.", "10m")},
                      })},
              {"folder", of(Type::path, "Working directory of the hooks.", ".")},
              {"description", text("Markdown.")},
              {"links", map("Where people find more: name to URL.", of(Type::url, ""))},
          }));
}

Schema links_section() {
  return object(
      "Outside systems: for each kind, profiles by name. A delivery names KIND/PROFILE; what comes "
      "in is posted to /api/v1/in/KIND/PROFILE.",
      {
          {"azure_devops", azure_devops()},
          {"gocd", gocd()},
          {"github", github()},
          {"gitlab", gitlab()},
          {"jenkins", jenkins()},
          {"buildkite", buildkite()},
          {"testkube", testkube()},
          {"webhook", webhook()},
          {"flagger", profiles("Flagger: webhooks of canary releases.", {})},
          {"cloudevents", profiles("CloudEvents that open gates.", {})},
          {"argo", profiles("Argo Rollouts: analysis of web metrics.", {})},
      });
}

Schema deliveries_section() {
  return object(
      "How verdicts are brought to outside systems.",
      {
          {"retry",
           object("When one fails.",
                  {
                      {"first", make::at_least(10, duration("The first wait.", "1s"))},
                      {"factor",
                       make::limited(of(Type::number, "Each wait is so many times the last.", "2"),
                                     1, 100)},
                      {"max", duration("No wait is longer.", "5m")},
                      {"give_up_after",
                       duration("When its waits together are longer it is dead at its next "
                                "failure, until a person redelivers it.",
                                "1h")},
                  })},
          {"per_peer", integer("Calls to one system at the same time.", "8", 1, 1000)},
      });
}

Schema notify_section() {
  const Schema target = object("A channel.", {{"webhook", secret("Its address."), true}});
  return list(
      "Who is told of what. Takes effect with notifications.",
      object("One rule.",
             {
                 {"on", texts("Events: `run_failed`, `failure_overdue` …"), true},
                 {"to",
                  object("Where to.", {{"slack", target},
                                       {"teams", target},
                                       {"pagerduty", object("A service.", {{"key",
                                                                            secret("Its routing "
                                                                                   "key."),
                                                                            true}})},
                                       {"webhook", text("A profile of `links.webhook`.")}}),
                  true},
                 {"suites", texts("Only these: `namespace/name`, `namespace/*`.")},
             }));
}

}  // namespace baton::config
