// SPDX-License-Identifier: MIT
#include "wire/records.h"

#include <gtest/gtest.h>

namespace baton::wire {
namespace {

std::string encoded(std::int64_t seq, RecordBody body) {
  std::string out;
  append_record(out, Record{seq, std::move(body), 0, 0});
  return out;
}

OutputRecord output_of(std::int64_t bytes, std::int64_t first_line) {
  OutputRecord output;
  output.bytes = bytes;
  output.first_line = first_line;
  return output;
}

template <class T>
T round_trip(T body) {
  auto records = decode_records(encoded(1, body));
  EXPECT_TRUE(records) << records.error().message;
  return std::get<T>(records.value().at(0).body);
}

TEST(Records, a_plan_keeps_every_field_of_a_case) {
  model::Case item;
  item.name = "places an order \xc3\xa9\n";
  item.description = "d";
  item.file = "a.cc";
  item.line = 7;
  item.labels = {{"k", "v"}};
  item.max_attempts = 3;
  item.timeout = Duration{50};
  model::Case bare;
  bare.name = "b";
  const PlanRecord plan = round_trip(PlanRecord{{item, bare}});
  ASSERT_EQ(plan.cases.size(), 2u);
  EXPECT_EQ(plan.cases[0].name, item.name);
  EXPECT_EQ(plan.cases[0].labels, item.labels);
  EXPECT_EQ(plan.cases[0].max_attempts, 3);
  EXPECT_EQ(plan.cases[0].timeout, Duration{50});
  EXPECT_EQ(plan.cases[1].name, "b");
  EXPECT_FALSE(plan.cases[1].timeout);
}

TEST(Records, output_bytes_come_back_untouched) {
  OutputRecord output;
  output.test = "t";
  output.attempt = 2;
  output.lines = 1;
  for (int byte = 0; byte < 256; ++byte) output.payload.push_back(static_cast<char>(byte));
  output.bytes = 256;
  EXPECT_EQ(round_trip(output).payload, output.payload);
}

TEST(Records, an_attempt_keeps_spans_and_the_order_of_values) {
  AttemptFinished finished;
  finished.test = "t";
  finished.outcome = model::Outcome::failed;
  finished.message = "broken \xff byte";
  finished.values = {{"z", "1"}, {"a", "2"}};
  finished.spans = {{"GET /", from_ms(5), Duration{6}, {{"k", "v"}}}};
  finished.final_ = false;
  const AttemptFinished read = round_trip(finished);
  EXPECT_EQ(read.message, "broken \xef\xbf\xbd byte");
  EXPECT_EQ(read.values, finished.values);
  ASSERT_EQ(read.spans.size(), 1u);
  EXPECT_EQ(read.spans[0].context.at("k"), "v");
  EXPECT_FALSE(read.final_);
  EXPECT_EQ(read.outcome, model::Outcome::failed);
}

TEST(Records, a_stream_cut_anywhere_is_read_the_same) {
  const std::string bytes = encoded(1, AttemptStarted{"t", 1, from_ms(9)}) +
                            encoded(2, SetupRecord{}) + encoded(3, FinishedRecord{});
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    RecordDecoder decoder;
    std::vector<std::int64_t> seqs;
    for (const std::string& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
      decoder.feed(part);
      for (;;) {
        auto record = decoder.next();
        ASSERT_TRUE(record);
        if (!*record) break;
        seqs.push_back((*record)->seq);
      }
    }
    EXPECT_EQ(seqs, (std::vector<std::int64_t>{1, 2, 3}));
    EXPECT_EQ(decoder.consumed(), bytes.size());
    EXPECT_EQ(decoder.pending(), 0u);
  }
}

TEST(Records, a_torn_body_a_gap_and_foreign_bytes_are_invalid) {
  const std::string one = encoded(1, FinishedRecord{});
  EXPECT_EQ(decode_records(one.substr(0, one.size() - 1)).error().code, Code::invalid);
  EXPECT_EQ(decode_records(one + encoded(3, FinishedRecord{})).error().code, Code::invalid);
  EXPECT_EQ(decode_records("GET / HTTP/1.1\r\n\r\n").error().code, Code::too_large);
  EXPECT_EQ(decode_records(std::string("\x02\0\0\0\0\0\0\0[]", 10)).error().code, Code::invalid);
  EXPECT_TRUE(decode_records("").value().empty());
}

TEST(Records, impossible_values_are_refused) {
  EXPECT_FALSE(decode_records(encoded(0, FinishedRecord{})));
  EXPECT_FALSE(decode_records(encoded(1, output_of(5, 1))));
  EXPECT_FALSE(decode_records(encoded(1, output_of(0, 0))));
  EXPECT_FALSE(decode_records(encoded(1, AttemptFinished{})));
  EXPECT_FALSE(decode_records(encoded(1, ArtifactRecord{"", 0, "../x", 1, "", ""})));
}

TEST(Records, the_origin_of_a_record_sent_again_is_kept) {
  std::string bytes;
  append_record(bytes, Record{1, FinishedRecord{}, 3, 17});
  const auto records = decode_records(bytes);
  ASSERT_TRUE(records);
  EXPECT_EQ(records->at(0).origin_epoch, 3);
  EXPECT_EQ(records->at(0).origin_seq, 17);
}

TEST(Records, the_answer_survives_the_wire) {
  const auto answer = decode_records_answer(encode_records_answer({7, true, "by \"me\""}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->acked, 7);
  EXPECT_TRUE(answer->cancel);
  EXPECT_EQ(answer->reason, "by \"me\"");
  EXPECT_FALSE(decode_records_answer("{\"acked\":\"x\"}"));
}

}  // namespace
}  // namespace baton::wire
