// SPDX-License-Identifier: MIT
#include "runner/forest.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "base/assert.h"
#include "base/log.h"
#include "runner/proc.h"

namespace baton::runner {
namespace {

// A process in uninterruptible sleep (a dead network file system) dies when the kernel lets it.
constexpr Duration kGiveUp{10'000};
// Long enough for the kernel to tear a process down, short for a person.
constexpr Duration kLookAgain{2};

// A tree that grows faster than it can be listed is killed in rounds; more do not help.
constexpr int kFreezeRounds = 50;

// SIGKILL for all that `list` finds; returns how many were alive. Freezes them first, so that the
// tree cannot grow while it is being killed.
template <class List>
int kill_all(List list) {
  std::set<pid_t> frozen;
  for (int round = 0; round < kFreezeRounds; ++round) {
    bool grown = false;
    for (const pid_t pid : list()) {
      if (frozen.insert(pid).second) grown = signal_process(pid, SIGSTOP) || grown;
    }
    if (!grown) break;
  }
  int alive = 0;
  for (const pid_t pid : frozen) alive += signal_process(pid, SIGKILL) ? 1 : 0;
  return alive;
}

}  // namespace

Forest::Forest(Loop& loop) : loop_(loop) {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child, nullptr);
  signals_ = Fd{::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK)};
  BATON_ASSERT(signals_, "signalfd works");
  watch_ = loop_.watch(signals_.get(), [this] { reap(); });
}

Forest::~Forest() { loop_.forget(watch_); }

Forest::Id Forest::plant(Tree tree) {
  const Id id{++last_id_};
  if (tree.on_exit) children_[tree.root] = id;
  trees_.emplace(id, Planted{std::move(tree)});
  return id;
}

void Forest::root_exited(Id id) {
  if (const auto found = trees_.find(id); found != trees_.end()) found->second.root_alive = false;
}

void Forest::reap() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) > 0) {
  }
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto child = children_.find(pid);
    if (child == children_.end()) continue;  // a stranger
    const Id id = child->second;
    children_.erase(child);
    const auto found = trees_.find(id);
    if (found == trees_.end()) continue;
    found->second.root_alive = false;
    const auto on_exit = found->second.tree.on_exit;
    on_exit(status);
  }
}

std::vector<pid_t> Forest::strangers() {
  std::vector<pid_t> found;
  for (const pid_t pid : children_of_main_thread()) {
    if (!children_.contains(pid)) found.push_back(pid);
  }
  return found;
}

int Forest::attempts() const {
  int count = 0;
  for (const auto& [id, planted] : trees_) count += planted.tree.suite ? 0 : 1;
  return count;
}

bool Forest::belongs(pid_t stranger, const Planted& planted) {
  if (planted.tree.holds_orphans) return true;
  ProcessInfo info;
  if (!process_info(stranger, info)) return false;
  if (info.session == planted.tree.root) return true;
  const std::string mark = initial_variable(stranger, kMarkVariable);
  if (!mark.empty() && mark == planted.tree.mark) return true;
  for (const auto& [id, other] : trees_) {
    if (&other == &planted || other.tree.suite) continue;
    if (info.session == other.tree.root || (!mark.empty() && mark == other.tree.mark)) return false;
  }
  return !planted.tree.suite && attempts() == 1;
}

std::vector<pid_t> Forest::processes_of(const Planted& planted) {
  std::vector<pid_t> found;
  const auto add = [&found](pid_t pid) {
    found.push_back(pid);
    const std::vector<pid_t> below = descendants_of(pid);
    found.insert(found.end(), below.begin(), below.end());
  };
  if (planted.root_alive) add(planted.tree.root);
  for (const pid_t stranger : strangers()) {
    if (belongs(stranger, planted)) add(stranger);
  }
  return found;
}

bool Forest::alive(Id id) {
  const auto found = trees_.find(id);
  if (found == trees_.end()) return false;
  for (const pid_t pid : processes_of(found->second)) {
    if (signal_process(pid, 0)) return true;
  }
  return false;
}

void Forest::signal(Id id, int signal) {
  const auto found = trees_.find(id);
  if (found == trees_.end()) return;
  for (const pid_t pid : processes_of(found->second)) signal_process(pid, signal);
}

void Forest::fell(Id id, std::function<void()> done) {
  fell_step(id, Clock::now() + kGiveUp, std::move(done));
}

void Forest::fell_step(Id id, Instant give_up, std::function<void()> done) {
  auto found = trees_.find(id);
  if (found == trees_.end()) return done();
  const int alive = kill_all([&] { return processes_of(found->second); });
  // Dead and not reaped yet: without its tree nobody would hear of the root's end, and the attempt
  // would never be over.
  if (alive == 0 && found->second.root_alive) {
    reap();
    found = trees_.find(id);
    if (found == trees_.end()) return done();
  }
  if (alive > 0 && Clock::now() < give_up) {
    loop_.after(kLookAgain, [this, id, give_up, done = std::move(done)] {
      fell_step(id, give_up, done);
    });
    return;
  }
  if (alive > 0) log::warn("runner.unkillable", {{"processes", alive}});
  // Where orphans are held, all strangers were looked at just now.
  const bool last =
      !found->second.tree.suite && !found->second.tree.holds_orphans && attempts() == 1;
  trees_.erase(found);
  if (!last) return done();
  // Nothing runs now: whoever is still here was left by an attempt that could not be told.
  kill_all([this] {
    std::vector<pid_t> left = strangers();
    for (std::size_t i = 0, direct = left.size(); i < direct; ++i) {
      const std::vector<pid_t> below = descendants_of(left[i]);
      left.insert(left.end(), below.begin(), below.end());
    }
    return left;
  });
  done();
}

void Forest::fell_all(std::function<void()> done) {
  fell_all_step(Clock::now() + kGiveUp, std::move(done));
}

void Forest::fell_all_step(Instant give_up, std::function<void()> done) {
  const int alive = kill_all([] { return descendants_of(::getpid()); });
  if (alive == 0 || Clock::now() >= give_up) return done();
  loop_.after(kLookAgain,
              [this, give_up, done = std::move(done)] { fell_all_step(give_up, done); });
}

}  // namespace baton::runner
