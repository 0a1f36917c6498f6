// SPDX-License-Identifier: MIT
#include "wire/records.h"

#include <cstring>

#include "wire/case_json.h"
#include "wire/fields.h"

namespace baton::wire {
namespace {

namespace json = boost::json;

constexpr std::size_t kHeaderSize = 8;

void append_u32(std::string& out, std::size_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return value;
}

json::object write(const PlanRecord& plan) {
  return {{"type", "plan"}, {"cases", write_cases(plan.cases)}};
}

json::object write(const SetupRecord& setup) {
  return {{"type", "setup"},
          {"outcome", name_of(setup.outcome)},
          {"message", json_text(setup.message)},
          {"duration_ms", setup.duration.count()},
          {"at", to_ms(setup.at)}};
}

json::object write(const AttemptStarted& started) {
  return {{"type", "attempt_started"},
          {"test", json_text(started.test)},
          {"attempt", started.attempt},
          {"at", to_ms(started.at)}};
}

json::object write(const OutputRecord& output) {
  return {{"type", "output"},
          {"test", json_text(output.test)},
          {"attempt", output.attempt},
          {"first_line", output.first_line},
          {"lines", output.lines},
          {"bytes", output.bytes},
          {"codec", name_of(output.codec)}};
}

json::object write(const AttemptFinished& finished) {
  json::object out{{"type", "attempt_finished"},
                   {"test", json_text(finished.test)},
                   {"attempt", finished.attempt},
                   {"outcome", name_of(finished.outcome)},
                   {"at", to_ms(finished.at)},
                   {"duration_ms", finished.duration.count()},
                   {"log_bytes", finished.log_bytes},
                   {"final", finished.final_}};
  if (finished.soft_failure) out["soft_failure"] = true;
  if (!finished.message.empty()) out["message"] = json_text(finished.message);
  if (!finished.file.empty()) out["file"] = json_text(finished.file);
  if (finished.line != 0) out["line"] = finished.line;
  json::array spans;
  for (const model::Span& span : finished.spans) {
    spans.push_back({{"name", json_text(span.name)},
                     {"started_at", to_ms(span.started_at)},
                     {"duration_ms", span.duration.count()},
                     {"context", json_texts(span.context)}});
  }
  if (!spans.empty()) out["spans"] = std::move(spans);
  // A list of pairs, not an object: the order in which a test set its values is kept.
  json::array values;
  for (const auto& [key, value] : finished.values) {
    values.push_back(json::array{json_text(key), json_text(value)});
  }
  if (!values.empty()) out["values"] = std::move(values);
  return out;
}

json::object write(const ArtifactRecord& artifact) {
  return {{"type", "artifact"},
          {"test", json_text(artifact.test)},
          {"attempt", artifact.attempt},
          {"path", json_text(artifact.path)},
          {"size", artifact.size},
          {"content_type", json_text(artifact.content_type)},
          {"digest", artifact.digest}};
}

json::object write(const FinishedRecord& finished) {
  return {{"type", "finished"},
          {"ending", name_of(finished.ending)},
          {"message", json_text(finished.message)},
          {"at", to_ms(finished.at)}};
}

PlanRecord read_plan(Fields& in) {
  if (!in.has("cases")) in.refuse("cases is missing");
  return {read_cases(in)};
}

SetupRecord read_setup(Fields& in) {
  return {in.take(model::parse_outcome(in.text("outcome")), model::Outcome::errored),
          in.text("message"), in.duration("duration_ms"), in.time("at")};
}

OutputRecord read_output(Fields& in) {
  OutputRecord output;
  output.test = in.text("test");
  output.attempt = in.small("attempt");
  output.first_line = in.integer("first_line");
  output.lines = in.integer("lines");
  output.bytes = in.integer("bytes");
  const std::string codec = in.text("codec");
  if (codec == "zstd") {
    output.codec = Codec::zstd;
  } else if (codec != "raw") {
    in.refuse("codec is neither raw nor zstd");
  }
  if (output.first_line < 1 || output.lines < 0 || output.bytes < 0) {
    in.refuse("first_line, lines or bytes is out of range");
  }
  if (output.bytes > kOutputChunkMax) in.refuse("bytes is beyond the limit of a chunk");
  return output;
}

void read_spans(Fields& in, AttemptFinished& finished) {
  const json::array* spans = in.array("spans");
  if (spans == nullptr) return;
  for (const json::value& item : *spans) {
    const json::object* object = item.if_object();
    if (object == nullptr) {
      in.refuse("a span is not an object");
      continue;
    }
    Fields span(*object, "span");
    finished.spans.push_back({span.text("name"), span.time("started_at"),
                              span.duration("duration_ms"), span.texts("context")});
    if (auto checked = span.check(); !checked) in.refuse(checked.error().message);
  }
}

void read_values(Fields& in, AttemptFinished& finished) {
  const json::array* values = in.array("values");
  if (values == nullptr) return;
  for (const json::value& item : *values) {
    const json::array* pair = item.if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() ||
        !(*pair)[1].is_string()) {
      in.refuse("a value is not a pair of strings");
      continue;
    }
    finished.values.emplace_back((*pair)[0].get_string(), (*pair)[1].get_string());
  }
}

AttemptFinished read_attempt_finished(Fields& in) {
  AttemptFinished finished;
  finished.test = in.text("test");
  finished.attempt = in.small("attempt");
  finished.outcome = in.take(model::parse_outcome(in.text("outcome")), model::Outcome::errored);
  finished.soft_failure = in.boolean("soft_failure");
  finished.at = in.time("at");
  finished.duration = in.duration("duration_ms");
  finished.message = in.text("message");
  finished.file = in.text("file");
  finished.line = in.small("line");
  read_spans(in, finished);
  read_values(in, finished);
  finished.log_bytes = in.integer("log_bytes");
  finished.final_ = in.boolean("final", true);
  if (finished.outcome == model::Outcome::running) in.refuse("a finished attempt is not running");
  if (finished.test.empty()) in.refuse("test is missing");
  return finished;
}

ArtifactRecord read_artifact(Fields& in) {
  ArtifactRecord artifact{in.text("test"),       in.small("attempt"),    in.text("path"),
                          in.integer("size"),    in.text("content_type"), in.text("digest")};
  if (auto checked = model::check_artifact_path(artifact.path); !checked) {
    in.refuse(checked.error().message);
  }
  return artifact;
}

FinishedRecord read_finished(Fields& in) {
  return {in.take(model::parse_ending(in.text("ending")), model::Ending::errored),
          in.text("message"), in.time("at")};
}

RecordBody read_body(const std::string& type, Fields& in) {
  if (type == "output") return read_output(in);
  if (type == "attempt_started") {
    AttemptStarted started{in.text("test"), in.small("attempt"), in.time("at")};
    if (started.test.empty()) in.refuse("test is missing");
    return started;
  }
  if (type == "attempt_finished") return read_attempt_finished(in);
  if (type == "plan") return read_plan(in);
  if (type == "setup") return read_setup(in);
  if (type == "artifact") return read_artifact(in);
  if (type == "finished") return read_finished(in);
  in.refuse("type is unknown");
  return FinishedRecord{};
}

Result<Record> read_record(std::string_view text, std::string_view payload) {
  BATON_TRY(object, parse_object(text, "record"));
  Fields in(object, "record");
  Record record;
  record.seq = in.integer("seq");
  if (record.seq < 1) in.refuse("seq is missing or below 1");
  record.origin_epoch = in.small("origin_epoch");
  record.origin_seq = in.integer("origin_seq");
  record.body = read_body(in.text("type"), in);
  if (OutputRecord* output = std::get_if<OutputRecord>(&record.body)) {
    if (output->codec == Codec::raw && output->bytes != static_cast<std::int64_t>(payload.size())) {
      in.refuse("bytes differs from the payload's size");
    }
    output->payload = payload;
  } else if (!payload.empty()) {
    in.refuse("only output has a payload");
  }
  BATON_TRY_VOID(in.check());
  return record;
}

}  // namespace

std::string_view name_of(Codec codec) { return codec == Codec::zstd ? "zstd" : "raw"; }

void append_record(std::string& out, const Record& record) {
  json::object object = std::visit([](const auto& body) { return write(body); }, record.body);
  object["seq"] = record.seq;
  if (record.origin_epoch != 0) {
    object["origin_epoch"] = record.origin_epoch;
    object["origin_seq"] = record.origin_seq;
  }
  const std::string text = json::serialize(object);
  const OutputRecord* output = std::get_if<OutputRecord>(&record.body);
  append_u32(out, text.size());
  append_u32(out, output == nullptr ? 0 : output->payload.size());
  out += text;
  if (output != nullptr) out += output->payload;
}

void RecordDecoder::feed(std::string_view bytes) {
  // Handed-out bytes are dropped only when they outweigh the rest, so that copying stays linear.
  if (at_ > buffer_.size() / 2) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_.append(bytes);
}

Result<std::optional<Record>> RecordDecoder::next() {
  const std::string_view rest = std::string_view(buffer_).substr(at_);
  if (rest.size() < kHeaderSize) return std::nullopt;
  const std::uint32_t json_size = read_u32(rest);
  const std::uint32_t payload_size = read_u32(rest.substr(4));
  if (json_size > kRecordJsonMax) {
    return fail(Code::too_large, "record: {} bytes of JSON, at most {}", json_size, kRecordJsonMax);
  }
  if (payload_size > kRecordPayloadMax) {
    return fail(Code::too_large, "record: payload of {} bytes, at most {}", payload_size,
                kRecordPayloadMax);
  }
  const std::size_t size = kHeaderSize + json_size + payload_size;
  if (rest.size() < size) return std::nullopt;
  BATON_TRY(record, read_record(rest.substr(kHeaderSize, json_size),
                                rest.substr(kHeaderSize + json_size, payload_size)));
  at_ += size;
  consumed_ += size;
  return std::optional<Record>(std::move(record));
}

Result<std::vector<Record>> decode_records(std::string_view body) {
  RecordDecoder decoder;
  decoder.feed(body);
  std::vector<Record> records;
  for (;;) {
    BATON_TRY(record, decoder.next());
    if (!record) break;
    if (!records.empty() && record->seq != records.back().seq + 1) {
      return fail(Code::invalid, "record: seq {} follows {}", record->seq, records.back().seq);
    }
    records.push_back(std::move(*record));
  }
  if (decoder.pending() != 0) return fail(Code::invalid, "record: the body ends within a record");
  return records;
}

std::string encode_records_answer(const RecordsAnswer& answer) {
  return json::serialize(json::object{{"acked", answer.acked},
                                      {"cancel", answer.cancel},
                                      {"reason", json_text(answer.reason)}});
}

Result<RecordsAnswer> decode_records_answer(std::string_view text) {
  BATON_TRY(object, parse_object(text, "answer to records"));
  Fields in(object, "answer to records");
  RecordsAnswer answer{in.integer("acked"), in.boolean("cancel"), in.text("reason")};
  BATON_TRY_VOID(in.check());
  return answer;
}

}  // namespace baton::wire
