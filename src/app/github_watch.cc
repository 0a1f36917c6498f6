// SPDX-License-Identifier: MIT
#include "app/github_watch.h"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/log.h"
#include "engine/gate_ops.h"
#include "links/github_sweep.h"
#include "links/profiles.h"

namespace baton::app {

struct GithubWatch::State {
  api::Context& api;
  std::vector<std::jthread> threads;

  explicit State(api::Context& api_in) : api(api_in) {}

  void loop(const model::LinkProfile& profile, const std::stop_token& stop) {
    links::PeerHttp http(profile, stop);
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      if (!api.stopping) sweep(profile, http, stop);
      wake.wait_for(lock, stop, profile.sweep, [] { return false; });
    }
  }

  void sweep(const model::LinkProfile& profile, links::Http& http, const std::stop_token& stop) {
    links::GithubSweep found = links::sweep_github(profile, http, api.clock().wall);
    if (stop.stop_requested()) return;
    for (const std::string& problem : found.problems)
      log::warn("github.not_swept", {{"link", profile.id()}, {"error", problem}});
    for (links::OpenGate& open : found.waiting) {
      if (auto opened = open_gate(profile.id(), open); !opened)
        log::warn("github.not_opened", {{"link", profile.id()},
                                        {"deployment", open.ident},
                                        {"error", opened.error().message}});
    }
  }

  Result<void> open_gate(const std::string& link, links::OpenGate& open) {
    BATON_TRY_VOID(links::prepare_request(api.settings.links, api.secret_box, open.request));
    BATON_TRY(opened, api.writer.run<engine::Opened>([&](engine::Context& context) {
      return engine::open_gate(context, api.rules, open.request, {link, link, open.ident, ""});
    }));
    if (opened.is_new) log::info("github.webhook_lost", {{"link", link}, {"gate", opened.gate.id}});
    return {};
  }
};

GithubWatch::GithubWatch(api::Context& api) : state_(std::make_unique<State>(api)) {
  for (const model::LinkProfile& profile : api.settings.links) {
    if (profile.kind != model::LinkKind::github || profile.repositories.empty()) continue;
    if (!links::missing_secret(profile).empty()) continue;  // the start tells of it
    state_->threads.emplace_back([state = state_.get(), &profile](const std::stop_token& stop) {
      state->loop(profile, stop);
    });
  }
}

// All are told before the first is waited for.
GithubWatch::~GithubWatch() {
  for (std::jthread& thread : state_->threads) thread.request_stop();
}

}  // namespace baton::app
