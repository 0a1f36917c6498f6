// SPDX-License-Identifier: MIT
#include "api/report_import.h"

#include <sys/mman.h>

#include <utility>

#include "base/file.h"
#include "reports/unique_names.h"

namespace baton::api {
namespace {

std::string whole_message(const reports::Attempt& attempt) {
  if (attempt.details.empty() || attempt.details == attempt.message) return attempt.message;
  if (attempt.message.empty() || attempt.details.starts_with(attempt.message))
    return attempt.details;
  return attempt.message + "\n" + attempt.details;
}

class Collector {
 public:
  void add(reports::Case&& item) {
    model::CaseResult& result = imported_.report.cases.emplace_back();
    result.name = item.name;
    for (reports::Attempt& attempt : item.attempts) add_attempt(result, item, attempt);
  }

  void add_summary(const std::string& file, const reports::Summary& summary) {
    for (const std::string& warning : summary.warnings)
      imported_.warnings.push_back(file + ": " + warning);
    if (!summary.output.empty()) imported_.outputs.push_back({"", 0, summary.output});
    if (summary.errored.empty()) return;
    std::string& errored = imported_.report.errored;
    errored += (errored.empty() ? "" : "; ") + summary.errored;
  }

  Imported take() { return std::move(imported_); }

 private:
  void add_attempt(model::CaseResult& result, const reports::Case& item,
                   reports::Attempt& from) {
    model::Attempt& attempt = result.attempts.emplace_back();
    attempt.test = result.name;
    attempt.number = static_cast<int>(result.attempts.size());
    attempt.outcome = from.outcome;
    attempt.duration = from.duration;
    attempt.message = whole_message(from);
    attempt.file = from.file.empty() ? item.file : from.file;
    attempt.line = from.file.empty() ? item.line : from.line;
    attempt.values = item.properties;
    attempt.log_bytes = static_cast<std::int64_t>(from.output.size());
    std::optional<TimePoint>& first = imported_.report.started_at;
    if (from.started_at) {
      attempt.started_at = *from.started_at;
      if (!first || *from.started_at < *first) first = from.started_at;
    }
    if (!from.output.empty())
      imported_.outputs.push_back({result.name, attempt.number, std::move(from.output)});
  }

  Imported imported_;
};

// From the first start to the last end, when the report says when its attempts began.
void settle_times(engine::ImportedReport& report) {
  if (!report.started_at) return;
  TimePoint end = *report.started_at;
  for (model::CaseResult& item : report.cases)
    for (model::Attempt& attempt : item.attempts) {
      if (attempt.started_at == TimePoint{}) attempt.started_at = *report.started_at;
      end = std::max(end, attempt.started_at + attempt.duration);
    }
  report.duration = end - *report.started_at;
}

}  // namespace

Result<Imported> import_files(std::span<const ReportFile> files, reports::Format format,
                              bool partial) {
  Collector collector;
  reports::UniqueNames names;
  std::optional<Error> refused;
  for (const ReportFile& file : files) {
    reports::ParseOptions options;
    options.format = format;
    options.filename = file.name;
    options.partial = partial;
    auto report = reports::parse(file.content, options);
    if (!report) {
      // Every malformed file is named in one answer.
      if (!refused) {
        refused = report.error();
      } else {
        for (ErrorDetail& detail : report.error().details) refused->details.push_back(detail);
      }
      continue;
    }
    // Within a file repetitions are numbered already; between files they are other cases as well,
    // or a pass of one platform would make a flake of another's failure.
    for (reports::Case& item : report->items) {
      item.name = names.unique(std::move(item.name));
      collector.add(std::move(item));
    }
    collector.add_summary(file.name, *report);
  }
  if (refused) return tl::unexpected(*std::move(refused));
  Imported imported = collector.take();
  settle_times(imported.report);
  return imported;
}

Result<MappedBody> MappedBody::open(const net::Request& request) {
  if (!request.spilled) return MappedBody(request.body, false);
  const std::size_t size = request.spilled->size;
  if (size == 0) return MappedBody({}, false);
  void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, request.spilled->file.get(), 0);
  if (address == MAP_FAILED) return tl::unexpected(errno_error("read the upload", errno));
  return MappedBody(std::string_view{static_cast<const char*>(address), size}, true);
}

MappedBody::MappedBody(MappedBody&& other) noexcept
    : bytes_(other.bytes_), mapped_(std::exchange(other.mapped_, false)) {}

MappedBody::~MappedBody() {
  if (mapped_) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace baton::api
