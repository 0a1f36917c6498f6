// SPDX-License-Identifier: MIT
// The parts of the runner that need no test process.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runner/environment.h"
#include "runner/files_found.h"
#include "runner/forest.h"
#include "runner/kinds/tool.h"
#include "runner/output.h"
#include "runner/pipe_reader.h"
#include "runner/schedule.h"
#include "runner/selection.h"
#include "runner/spool.h"

namespace baton::runner {
namespace {

using model::Outcome;

model::Case named(const std::string& name) {
  model::Case item;
  item.name = name;
  return item;
}

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / "baton-parts-XXXXXX").string();
  Folder() { ::mkdtemp(path.data()); }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(Schedule, retries_wait_for_the_rest_and_for_their_back_off) {
  Schedule schedule(2, Duration{100});
  schedule.add(named("a"), nullptr);
  schedule.add(named("b"), nullptr);
  const Instant now{};
  const Turn a = *schedule.take(now);
  EXPECT_FALSE(schedule.ended(a, Outcome::failed, now));
  EXPECT_EQ(schedule.take(now)->index, 1u);
  EXPECT_FALSE(schedule.take(now));
  EXPECT_EQ(schedule.next_ready(), now + Duration{100});
  const Turn again = *schedule.take(now + Duration{100});
  EXPECT_EQ(again.attempt, 2);
  EXPECT_TRUE(schedule.ended(again, Outcome::failed, now));
  EXPECT_TRUE(schedule.empty());
}

TEST(Schedule, an_interrupted_attempt_of_an_earlier_runner_costs_no_try) {
  Schedule schedule(1, Duration{0});
  const wire::CaseProgress interrupted{"a", 1, 0, false};
  schedule.add(named("a"), &interrupted);
  const wire::CaseProgress done{"b", 1, 1, true};
  schedule.add(named("b"), &done);
  const Turn turn = *schedule.take({});
  EXPECT_EQ(turn.attempt, 2);
  EXPECT_FALSE(schedule.take({}));
}

TEST(Output, chunks_end_at_lines_and_count_them) {
  Loop loop;
  std::vector<wire::OutputRecord> chunks;
  OutputStream stream(loop, "t", 1, 1 << 20,
                      [&](wire::OutputRecord r) { chunks.push_back(std::move(r)); });
  stream.write("one\ntwo\nthr");
  stream.finish();
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].payload, "one\ntwo\n");
  EXPECT_EQ(chunks[0].first_line, 1);
  EXPECT_EQ(chunks[0].lines, 2);
  EXPECT_EQ(chunks[1].first_line, 3);
  EXPECT_EQ(chunks[1].lines, 1);
}

TEST(Output, the_middle_of_a_long_output_is_left_out_and_said) {
  Loop loop;
  std::string text;
  OutputStream stream(loop, "t", 1, 100, [&](const wire::OutputRecord& r) {
    EXPECT_EQ(r.codec, wire::Codec::raw);
    text += r.payload;
  });
  for (int i = 0; i < 100; ++i) stream.write(fmt::format("line {:03}\n", i));
  stream.finish();
  EXPECT_EQ(text,
            "line 000\nline 001\nline 002\nline 003\nline 004\nline 005\nline 006\nline 007\nlin\n"
            "[baton: 807 bytes are left out here]\nline 098\nline 099\n");
}

TEST(Output, what_just_fits_is_kept_whole) {
  Loop loop;
  std::string text;
  OutputStream stream(loop, "t", 1, 100, [&](const wire::OutputRecord& r) { text += r.payload; });
  stream.write(std::string(100, 'x'));
  stream.finish();
  EXPECT_EQ(text, std::string(100, 'x'));
}

TEST(Spool, what_is_not_acknowledged_comes_again_in_order) {
  const Folder folder;
  auto spool = Spool::create(folder.path, 1, 1 << 20);
  ASSERT_TRUE(spool);
  (*spool)->append(wire::AttemptStarted{"a", 1, {}});
  ASSERT_TRUE((*spool)->write());
  (*spool)->append(wire::AttemptStarted{"b", 1, {}});
  ASSERT_TRUE((*spool)->write());
  EXPECT_EQ((*spool)->next(Duration{0})->last_seq, 2);
  (*spool)->acknowledge(1);
  const auto batch = (*spool)->next(Duration{0});
  ASSERT_TRUE(batch);
  const auto records = wire::decode_records(batch->bytes);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ(records->at(0).seq, 2);
  (*spool)->acknowledge(2);
  EXPECT_TRUE((*spool)->next(Duration{0})->bytes.empty());
}

TEST(Spool, what_was_held_up_is_sent_in_batches) {
  const Folder folder;
  auto spool = Spool::create(folder.path, 1, 64 << 20);
  const std::string message(1 << 20, 'x');
  for (int i = 0; i < 20; ++i) {
    (*spool)->append(wire::FinishedRecord{model::Ending::errored, message, {}});
  }
  ASSERT_TRUE((*spool)->write());
  int batches = 0;
  for (std::int64_t last = 0; last < 20; ++batches) {
    const auto batch = (*spool)->next(Duration{0});
    ASSERT_TRUE(batch);
    ASSERT_GT(batch->last_seq, last);
    EXPECT_LT(batch->bytes.size(), 2 * kBatchMax);
    const auto records = wire::decode_records(batch->bytes);
    ASSERT_TRUE(records);
    EXPECT_EQ(records->front().seq, last + 1);
    last = records->back().seq;
    EXPECT_EQ(last, batch->last_seq);
    (*spool)->acknowledge(last);
  }
  EXPECT_GT(batches, 2);
}

void send_all_again(const OldSpool& old, Spool& spool) {
  auto resend = Resend::open(old);
  ASSERT_TRUE(resend);
  for (auto more = resend->step(spool); more && *more;) more = resend->step(spool);
  EXPECT_TRUE(spool.write());
}

TEST(Spool, a_dead_runners_records_are_sent_again_up_to_the_tear) {
  const Folder folder;
  {
    auto dead = Spool::create(folder.path, 1, 1 << 20);
    for (const char* name : {"a", "b", "c"}) {
      (*dead)->append(wire::AttemptStarted{name, 1, {}});
      (*dead)->write();
    }
    (*dead)->acknowledge(1);
  }
  std::filesystem::resize_file(folder.path + "/1.spool",
                               std::filesystem::file_size(folder.path + "/1.spool") - 1);
  auto next = Spool::create(folder.path, 2, 1 << 20);
  const auto old = old_spools(folder.path, 2);
  ASSERT_EQ(old.size(), 1u);
  send_all_again(old[0], **next);
  const auto records = wire::decode_records((*next)->next(Duration{0})->bytes);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ(records->at(0).seq, 1);
  EXPECT_EQ(records->at(0).origin_epoch, 1);
  EXPECT_EQ(records->at(0).origin_seq, 2);
}

TEST(PipeReader, a_writer_that_has_survived_does_not_hold_up_the_end) {
  const Folder folder;
  Loop loop;
  auto spool = Spool::create(folder.path, 1, 1 << 20);
  Recorder recorder(loop, **spool, 1 << 20);
  Readers readers(recorder);
  auto pipe = PipeReader::make_pipe();
  ASSERT_TRUE(pipe);
  ::signal(SIGPIPE, SIG_IGN);
  std::atomic<std::int64_t> written = 0;
  std::jthread writer([&written, fd = pipe->write.get()] {
    const std::string bytes(4096, 'x');
    while (::write(fd, bytes.data(), bytes.size()) > 0) written += 4096;
  });
  std::int64_t read = 0;
  {
    PipeReader reader(loop, readers, std::move(pipe->read), [&read](std::string_view bytes) {
      read += static_cast<std::int64_t>(bytes.size());
    });
    while (written < 8192) std::this_thread::yield();
    reader.drain();
  }
  EXPECT_GE(read, 8192);
}

// The timer that looks after a killed tree and the signal of its root's end race: the end was lost
// when the timer came first, and the attempt was never over.
TEST(Forest, the_end_of_a_root_that_died_just_now_is_told) {
  Loop loop;
  Forest forest(loop);
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  int status = -1;
  const auto id = forest.plant(
      {pid, "mark", false, false, [&status](int wait_status) { status = wait_status; }});
  ::kill(pid, SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  bool felled = false;
  forest.fell(id, [&felled] { felled = true; });
  EXPECT_TRUE(felled);
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
}

TEST(Names, filters_match_awkward_names_and_only_them) {
  EXPECT_EQ(gtest_filter_name("A/B.c/x:y-z*"), "A/B.c/x?y?z?");
  EXPECT_EQ(catch2_filter_name("a, [b] \"c\""), "a\\, \\[b\\] \\\"c\\\"");
  EXPECT_EQ(doctest_filter_name("a,b*"), "a\\,b?");
  EXPECT_EQ(regex_escape("a.b(c)+"), "a\\.b\\(c\\)\\+");
  EXPECT_EQ(go_run_pattern("example.com/x/pkg.TestA/sub.1"), "^TestA$/^sub\\.1$");
  EXPECT_NE(playwright_grep("[chromium] › a.spec.js › does (it)").find("does \\(it\\)"),
            std::string::npos);
}

TEST(Names, long_selections_are_cut_into_processes) {
  const std::vector<std::string> names(10'000, std::string(100, 'x'));
  const std::size_t fit = names_that_fit(model::Kind::gtest, names);
  EXPECT_GT(fit, 100u);
  EXPECT_LT(fit, 1'000u);
  EXPECT_EQ(names_that_fit(model::Kind::pytest, names), names.size());
  // A regular expression of CMake's cannot be as long as an argument.
  EXPECT_LT(names_that_fit(model::Kind::ctest, names), 100u);
}

TEST(Files, globs_neither_follow_links_nor_leave_the_folder) {
  const Folder folder;
  std::filesystem::create_directories(folder.path + "/out/deep");
  std::ofstream(folder.path + "/out/a.xml") << "x";
  std::ofstream(folder.path + "/out/deep/b.xml") << "x";
  std::ofstream(folder.path + "/out/c.txt") << "x";
  std::filesystem::create_symlink("a.xml", folder.path + "/out/link.xml");
  std::filesystem::create_directory_symlink("/etc", folder.path + "/out/etc");
  const Searched found = find_files({folder.path, {"out/**/*.xml", "../*", "/etc/*"}});
  ASSERT_EQ(found.files.size(), 2u);
  EXPECT_EQ(found.files[0].path, "out/a.xml");
  EXPECT_EQ(found.files[1].path, "out/deep/b.xml");
  EXPECT_EQ(found.problems.size(), 2u);
  EXPECT_EQ(open_below(folder.path, "out/link.xml").error().code, Code::forbidden);
}

TEST(Selection, filter_and_names_both_apply) {
  model::RunRequest request;
  EXPECT_FALSE(*make_selection(request));
  request.filter = "a|b";
  request.only = {"b", "c"};
  const auto wanted = make_selection(request);
  ASSERT_TRUE(wanted);
  EXPECT_TRUE((*wanted)("b"));
  EXPECT_FALSE((*wanted)("a"));
  EXPECT_FALSE((*wanted)("c"));
  request.filter = "(";
  EXPECT_EQ(make_selection(request).error().code, Code::invalid);
}

TEST(Environment, parameters_become_variables) {
  EXPECT_EQ(parameter_variable("base-url.x"), "BATON_PARAM_BASE_URL_X");
}

}  // namespace
}  // namespace baton::runner
