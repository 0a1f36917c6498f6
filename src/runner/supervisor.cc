// SPDX-License-Identifier: MIT
#include "runner/supervisor.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "model/case_limit.h"
#include "runner/proc.h"
#include "runner/selection.h"

namespace baton::runner {
namespace {

using model::Ending;
using model::Kind;
using model::Outcome;

constexpr Duration kJobRetryFirst{100};
constexpr Duration kJobRetryMax{2'000};
// A full disk is not asked more often than this.
constexpr Duration kSpaceRetry{200};
// Whoever sends SIGTERM waits for our end: so long for what may still reach the server.
constexpr Duration kAskedAckMax{1'000};
constexpr int kExitConflict = 7;
constexpr int kExitUnreachable = 6;

bool worth_retrying(Code code) {
  return code == Code::unreachable || code == Code::unavailable || code == Code::timeout ||
         code == Code::limit || code == Code::internal;
}

// The same for every runner of the run that uses this folder.
Result<std::string> run_key(const std::string& folder) {
  const std::string path = folder + "/key";
  if (auto key = read_file(path, 4096); key && !trim(*key).empty()) return std::string(trim(*key));
  const std::string key = random_hex(12);
  BATON_TRY_VOID(replace_file(path, key + "\n", 0600));
  return key;
}

// A plan of any size as records that the server takes; JSON may write each byte as six.
constexpr std::size_t kPlanPartMax = 2 << 20;
constexpr std::size_t kCaseOverhead = 200;

std::size_t size_of(const model::Case& item) {
  std::size_t bytes = item.name.size() + item.description.size() + item.file.size() + kCaseOverhead;
  for (const auto& [key, value] : item.labels) bytes += key.size() + value.size() + kCaseOverhead;
  return bytes;
}

void add_plan(Recorder& recorder, const std::vector<model::Case>& cases) {
  wire::PlanRecord part;
  std::size_t bytes = 0;
  for (const model::Case& item : cases) {
    const std::size_t more = size_of(item);
    if (!part.cases.empty() && bytes + more > kPlanPartMax) {
      recorder.add(std::exchange(part, {}));
      bytes = 0;
    }
    bytes += more;
    part.cases.push_back(item);
  }
  recorder.add(std::move(part));
}

}  // namespace

Supervisor::Supervisor(SupervisorOptions options) : options_(std::move(options)), forest_(loop_) {
  // Tests are told paths below it, and they run in another folder.
  options_.folder = std::filesystem::absolute(options_.folder).lexically_normal().string();
}

Supervisor::~Supervisor() = default;

Result<void> Supervisor::open_folder() {
  BATON_TRY_VOID(make_directories(options_.folder));
  old_ = old_spools(options_.folder, options_.epoch);
  // First of all: where there is another runner of this epoch nothing is touched.
  BATON_TRY(spool, Spool::create(options_.folder, options_.epoch, wire::JobLimits{}.spool_bytes));
  spool_ = std::move(spool);
  BATON_TRY(key, run_key(options_.folder));
  key_ = key;
  // What an earlier runner of this run left alive must not disturb what follows.
  if (const int killed = kill_marked(kKeyVariable, key_); killed > 0) {
    log::warn("runner.leftovers_killed", {{"processes", killed}});
  }
  BATON_TRY_VOID(open_cgroup());
  std::error_code ignored;
  std::filesystem::remove_all(options_.folder + "/scratch", ignored);
  return {};
}

// What hid from an earlier runner's marks is in its group. Ours is written down for a later one.
Result<void> Supervisor::open_cgroup() {
  const std::string path = options_.folder + "/cgroup";
  if (const auto earlier = read_file(path, 4096)) kill_cgroup(std::string(trim(*earlier)));
  cgroup_ = make_cgroup(fmt::format("baton-{}-{}", key_, options_.epoch));
  if (!cgroup_) return {};
  return replace_file(path, cgroup_->path + "\n", 0600);
}

void Supervisor::watch_signals() {
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGTERM);
  ::sigaddset(&ends, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals_ = Fd{::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK)};
  loop_.watch(signals_.get(), [this] {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) > 0) {
    }
    asked_to_stop();
  });
}

Result<int> Supervisor::run() {
  // Whatever a test orphans becomes our child instead of init's.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  BATON_TRY_VOID(open_folder());
  watch_signals();
  recorder_ = std::make_unique<Recorder>(loop_, *spool_, std::int64_t{1} << 20);
  readers_ = std::make_unique<Readers>(*recorder_);
  background_ = std::make_unique<Background>(loop_);
  UploadEvents events;
  events.acknowledged = [this] { loop_.post([this] { on_acknowledged(); }); };
  events.cancel = [this](std::string reason) {
    loop_.post([this, reason = std::move(reason)] { stop(Ending::cancelled, reason); });
  };
  events.away = [this](bool away) {
    loop_.post([this, away] {
      away_ = away;
      if (away && asked_ && finishing_) hurry();
    });
  };
  events.lost = [this](const Error& error) { loop_.post([this, error] { lost(error); }); };
  uploader_ = std::make_unique<Uploader>(*spool_, options_.make_calls, std::move(events));
  send_old_spools();
  loop_.run();
  background_.reset();  // before what its work refers to
  uploader_.reset();
  artifacts_.reset();
  if (cgroup_) kill_cgroup(cgroup_->path);
  return result_;
}

// The server learns what the dead runner knew before it says what is left to do. While the disk is
// full the acknowledgements make room; nothing may be left out.
void Supervisor::send_old_spools() {
  if (left_) return;
  for (; old_at_ < old_.size(); ++old_at_, resend_.reset()) {
    if (!send_old(old_[old_at_])) {
      loop_.after(kSpaceRetry, [this] { send_old_spools(); });
      return;
    }
  }
  recorder_->write();
  old_last_seq_ = spool_->last_seq();
  if (old_last_seq_ == 0) return fetch_job(kJobRetryFirst);
  on_acknowledged();  // all of it may be there already
}

// False when there is no space for now. A spool that cannot be read is told and kept.
bool Supervisor::send_old(const OldSpool& old) {
  const auto unreadable = [&old](const Error& error) {
    log::warn("runner.old_spool", {{"path", old.path}, {"error", error.message}});
    return true;
  };
  if (!resend_) {
    auto opened = Resend::open(old);
    if (!opened) return unreadable(opened.error());
    resend_ = std::move(*opened);
  }
  for (;;) {
    if (!recorder_->write()) return false;
    const auto more = resend_->step(*spool_);
    if (!more) return unreadable(more.error());
    if (!*more) break;
  }
  sent_.push_back(old);
  return true;
}

void Supervisor::fetch_job(Duration wait) {
  background_->submit([this, wait](const std::stop_token& stop) -> Background::Done {
    auto job = options_.make_calls(stop)->job();
    return [this, wait, job = std::move(job)] {
      if (left_) return;
      if (job) return job_arrived(*job);
      if (!worth_retrying(job.error().code)) return refused(job.error());
      // Stopped before there was anything to stop: the server will give the run to another runner.
      if (ending_) return leave(kExitUnreachable);
      loop_.after(wait, [this, wait] { fetch_job(std::min(wait * 2, kJobRetryMax)); });
    };
  });
}

void Supervisor::refused(const Error& error) {
  if (error.code == Code::gone || error.code == Code::conflict) return lost(error);
  leave(tl::unexpected(error));
}

void Supervisor::job_arrived(wire::Job job) {
  job_ = std::move(job);
  has_job_ = true;
  for (const OldSpool& old : sent_) {
    ::unlink(old.path.c_str());
    ::unlink(old.acked_path.c_str());
  }
  spool_->limit(job_.limits.spool_bytes);
  recorder_->set_log_limit(job_.suite.log_limit);
  artifacts_ = std::make_unique<Artifacts>(loop_, *background_, *recorder_, options_.make_calls,
                                           options_.folder + "/artifacts", job_.limits);
  suite_output_ = recorder_->output("", 0);
  if (job_.request.max_attempts) job_.suite.max_attempts = *job_.request.max_attempts;
  schedule_ = std::make_unique<Schedule>(job_.suite.max_attempts, job_.suite.back_off);
  const std::string folder = job_.suite.folder.empty() ? "." : job_.suite.folder;
  context_ = std::make_unique<RunContext>(
      RunContext{loop_, forest_, *recorder_, *readers_, *schedule_, *background_, *artifacts_, job_,
                 folder, options_.folder + "/scratch", cgroup_ ? cgroup_->procs.get() : -1, key_,
                 *suite_output_});
  const Duration timeout =
      job_.time_left.value_or(job_.request.timeout.value_or(job_.suite.timeout));
  if (job_.time_left || timeout > Duration{0}) {
    loop_.after(timeout, [this] { stop(Ending::timed_out, "the run's time-out was over"); });
  }
  auto wanted = make_selection(job_.request);
  if (!wanted) return driver_ended(Ending::errored, wanted.error().message);
  context_->wanted = std::move(*wanted);
  if (job_.cancel) stop(Ending::cancelled, job_.cancel_reason);
  if (ending_) return driver_ended(Ending::completed, "");
  list_cases();
}

void Supervisor::list_cases() {
  const ToolTraits& traits = traits_of(job_.suite.kind);
  if (job_.suite.kind == Kind::command) {
    model::Case whole;
    whole.name = job_.suite.name;
    return plan({whole});
  }
  // A whole-suite process of a tool that lists slowly tells its cases as it runs them.
  const bool selected = context_->wanted || !job_.progress.empty();
  const bool one_process = job_.suite.isolate == model::Isolate::suite;
  if (!traits.lists || (!traits.cheap && one_process && !selected)) {
    context_->open = true;
    return plan({});
  }
  auto scratch = context_->make_scratch();
  if (!scratch) return driver_ended(Ending::errored, scratch.error().message);
  Launch launch;
  launch.folder = context_->folder;
  launch.cgroup = context_->cgroup;
  launch.environment = test_environment(job_, context_->next_mark());
  list_ = std::make_unique<ListTask>(loop_, forest_, *readers_, job_.suite.kill_grace);
  list_->start(job_.suite, std::move(launch), *scratch,
               [this, scratch = *scratch](Result<std::vector<model::Case>> cases) {
                 context_->remove_scratch(scratch);
                 if (ending_) return driver_ended(Ending::completed, "");
                 if (!cases) return driver_ended(Ending::errored, cases.error().message);
                 if (cases->size() > model::kCasesMax)
                   return driver_ended(Ending::errored, model::too_many_cases(cases->size()));
                 plan(*std::move(cases));
               });
}

void Supervisor::plan(std::vector<model::Case> cases) {
  std::vector<model::Case> run;
  std::map<std::string, const wire::CaseProgress*> progress;
  for (const wire::CaseProgress& item : job_.progress) progress[item.name] = &item;
  context_->everything = true;
  for (model::Case& item : cases) {
    const auto known = progress.find(item.name);
    if (context_->wanted && !context_->wanted(item.name)) {
      context_->everything = false;
      continue;
    }
    // What a person asks of this run goes before what the case declares.
    if (job_.request.max_attempts) item.max_attempts.reset();
    item.description = kept_message(item.description);
    run.push_back(item);
    if (known != progress.end()) context_->everything = false;
  }
  if (!run.empty() || !context_->open) add_plan(*recorder_, run);
  for (model::Case& item : run) {
    const auto known = progress.find(item.name);
    const bool disabled = item.labels.contains("disabled") && !runs_disabled(job_.suite);
    if (disabled && known == progress.end()) {
      skip_disabled(item);
      continue;
    }
    schedule_->add(std::move(item), known == progress.end() ? nullptr : known->second);
  }
  if (context_->open && !job_.progress.empty()) {
    for (const wire::CaseProgress& item : job_.progress) {
      model::Case again;
      again.name = item.name;
      schedule_->add(std::move(again), &item);
    }
  }
  start_driver();
}

void Supervisor::skip_disabled(const model::Case& item) {
  const TimePoint now = wall_now();
  recorder_->add(wire::AttemptStarted{item.name, 1, now});
  wire::AttemptFinished finished;
  finished.test = item.name;
  finished.outcome = Outcome::skipped;
  finished.at = now;
  finished.message = "disabled";
  recorder_->add(std::move(finished));
}

void Supervisor::start_driver() {
  OnEnd on_end = [this](Ending ending, const std::string& message) {
    loop_.after(Duration{0}, [this, ending, message] { driver_ended(ending, message); });
  };
  const bool nothing = schedule_->empty() && !context_->open;
  if (nothing) return driver_ended(Ending::completed, "");
  driver_ = job_.suite.kind == Kind::cpp ? make_cpp_driver(*context_, std::move(on_end))
                                         : make_tool_driver(*context_, std::move(on_end));
  driver_->start();
}

void Supervisor::stop(Ending ending, std::string message) {
  if (ending_ || finishing_ || left_) return;
  ending_ = ending;
  message_ = std::move(message);
  if (driver_) {
    driver_->stop(ending == Ending::timed_out ? Outcome::timed_out : Outcome::cancelled);
  } else if (list_) {
    list_->stop();
  }
}

void Supervisor::asked_to_stop() {
  asked_ = true;
  stop(Ending::cancelled, "the runner was asked to stop");
  if (!has_job_ || finishing_) hurry();
}

// No longer a day for the server: what it does not have is in the spool, for the next runner.
void Supervisor::hurry() {
  if (away_) return leave_to_spool();
  loop_.after(kAskedAckMax, [this] { leave_to_spool(); });
}

void Supervisor::leave_to_spool() {
  if (left_) return;
  if (has_job_ && !finished_written_) write_finished();
  recorder_->write();
  leave(kExitUnreachable);
}

void Supervisor::driver_ended(Ending ending, const std::string& message) {
  if (finishing_ || left_) return;
  finishing_ = true;
  if (!ending_) {
    ending_ = ending;
    message_ = message;
  }
  forest_.fell_all([this] {
    finish();
    if (asked_) hurry();
  });
}

void Supervisor::finish() {
  if (artifacts_ && !artifacts_->idle()) {
    artifacts_->on_idle([this] { loop_.after(Duration{0}, [this] { finish(); }); });
    return;
  }
  if (!finished_written_ && !left_) write_finished();
}

void Supervisor::write_finished() {
  finished_written_ = true;
  if (suite_output_) suite_output_->finish();
  recorder_->add(wire::FinishedRecord{*ending_, kept_message(message_), wall_now()});
  loop_.after(options_.last_ack_max, [this] {
    log::error("runner.gave_up", {{"unacknowledged", spool_->last_seq() - spool_->acked()}});
    leave(kExitUnreachable);
  });
}

void Supervisor::on_acknowledged() {
  recorder_->check_space();
  if (!has_job_ && old_last_seq_ > 0 && spool_->acked() >= old_last_seq_) {
    old_last_seq_ = 0;
    return fetch_job(kJobRetryFirst);
  }
  if (!finished_written_ || spool_->acked() < spool_->last_seq() || left_) return;
  // All is at the server: nothing of this folder is needed any more.
  std::error_code ignored;
  std::filesystem::remove_all(options_.folder + "/scratch", ignored);
  std::filesystem::remove_all(options_.folder + "/artifacts", ignored);
  std::filesystem::remove(fmt::format("{}/{}.spool", options_.folder, options_.epoch), ignored);
  std::filesystem::remove(fmt::format("{}/{}.acked", options_.folder, options_.epoch), ignored);
  leave(0);
}

// Another runner has the run, or it is over: what is running here disturbs.
void Supervisor::lost(const Error& error) {
  if (left_) return;
  left_ = true;
  log::warn("runner.lost", {{"code", name_of(error.code)}, {"error", error.message}});
  result_ = error.code == Code::conflict ? kExitConflict : 0;
  forest_.fell_all([this] { loop_.stop(); });
}

void Supervisor::leave(Result<int> result) {
  if (left_) return;
  left_ = true;
  result_ = std::move(result);
  forest_.fell_all([this] { loop_.stop(); });
}

}  // namespace baton::runner
