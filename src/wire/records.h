// SPDX-License-Identifier: MIT
#pragma once
// What a runner tells the server: an ordered stream of records, each `u32le json_len,
// u32le payload_len, json, payload` (docs/formats/runner.md). The spool file and the body of
// POST …/records hold the same bytes. Pure: no clock, no I/O; safe from any thread, one decoder
// per thread.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/run.h"
#include "model/suite.h"
#include "model/verdict.h"

namespace baton::wire {

inline constexpr std::string_view kRecordsType = "application/x-baton-records";

/// The runner keeps below it: plans are sent in parts, what a test records is cut.
inline constexpr std::uint32_t kRecordJsonMax = 16 << 20;
/// The runner cuts output into chunks of at most kOutputChunkMax bytes; zstd may add a little.
inline constexpr std::uint32_t kRecordPayloadMax = 1 << 20;
inline constexpr std::int64_t kOutputChunkMax = 256 << 10;
/// Longer messages of failures, spans and values are cut by the runner.
inline constexpr std::size_t kMessageMax = 64 << 10;

/// The selected cases in order; comes before anything else, and again after a resume.
struct PlanRecord {
  std::vector<model::Case> cases;
};

/// The suite's setup has ended.
struct SetupRecord {
  model::Outcome outcome = model::Outcome::passed;
  std::string message;
  Duration duration{0};
  TimePoint at;
};

struct AttemptStarted {
  std::string test;
  int attempt = 1;
  TimePoint at;
};

enum class Codec { raw, zstd };
std::string_view name_of(Codec codec);

/// A piece of an attempt's output, in order. `test` "" and attempt 0: the suite's own output.
/// `lines` counts the lines that start in it, the first of which has the number `first_line`;
/// bytes before the first line start go on with line `first_line - 1`.
struct OutputRecord {
  std::string test;
  int attempt = 0;
  std::int64_t first_line = 1;  // number of the first line that starts in this chunk, from 1
  std::int64_t lines = 0;
  std::int64_t bytes = 0;  // before compression
  Codec codec = Codec::raw;
  std::string payload;  // one zstd frame, or the bytes as written
};

struct AttemptFinished {
  std::string test;
  int attempt = 1;
  model::Outcome outcome = model::Outcome::passed;
  bool soft_failure = false;
  TimePoint at;
  Duration duration{0};
  std::string message;
  std::string file;
  int line = 0;
  std::vector<model::Span> spans;
  std::vector<std::pair<std::string, std::string>> values;
  std::int64_t log_bytes = 0;
  bool final_ = true;  // no further attempt of this case will come
};

/// The bytes are at the server already (PUT …/artifacts).
struct ArtifactRecord {
  std::string test;  // "" when it belongs to the run
  int attempt = 0;
  std::string path;
  std::int64_t size = 0;
  std::string content_type;
  std::string digest;
};

/// The last record of a run.
struct FinishedRecord {
  model::Ending ending = model::Ending::completed;
  std::string message;
  TimePoint at;
};

using RecordBody = std::variant<PlanRecord, SetupRecord, AttemptStarted, OutputRecord,
                                AttemptFinished, ArtifactRecord, FinishedRecord>;

/// seq: from 1 for each epoch, rising by 1.
/// A runner that finds the spool of a dead runner of the same run sends its records again as its
/// own; `origin_epoch` and `origin_seq` say what they were, so that the server drops those it has.
struct Record {
  std::int64_t seq = 0;
  RecordBody body;
  int origin_epoch = 0;  // 0: the runner's own record
  std::int64_t origin_seq = 0;
};

/// Appends the framed record. Text that is not UTF-8 is repaired (payloads are kept as they are).
void append_record(std::string& out, const Record& record);

/// Cuts a byte stream into records. Feed what arrives, then call next() until it has no record.
class RecordDecoder {
 public:
  void feed(std::string_view bytes);
  /// No value: more bytes are needed.  Errors: too_large (a length beyond the limits),
  /// invalid (not JSON, a field missing or of the wrong type, an unknown type). After an error
  /// the stream is of no further use.
  Result<std::optional<Record>> next();
  /// Bytes of whole records handed out so far: where the stream may be cut.
  std::uint64_t consumed() const { return consumed_; }
  /// Bytes fed that do not make a whole record yet; not 0 at the end means a torn stream.
  std::size_t pending() const { return buffer_.size() - at_; }

 private:
  std::string buffer_;
  std::size_t at_ = 0;
  std::uint64_t consumed_ = 0;
};

/// A whole body. Errors: as RecordDecoder::next; invalid when it ends within a record or when
/// the sequence numbers do not rise by 1.
Result<std::vector<Record>> decode_records(std::string_view body);

/// The answer to a batch: the last seq that is durable, and whether the run shall end.
struct RecordsAnswer {
  std::int64_t acked = 0;
  bool cancel = false;
  std::string reason;
};
std::string encode_records_answer(const RecordsAnswer& answer);
/// Errors: invalid.
Result<RecordsAnswer> decode_records_answer(std::string_view json);

}  // namespace baton::wire
