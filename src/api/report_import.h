// SPDX-License-Identifier: MIT
#pragma once
// Result files of an upload become the cases of one run. Pure but for the mapped upload.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/report_ops.h"
#include "net/http.h"
#include "reports/report.h"

namespace baton::api {

/// One uploaded file.
struct ReportFile {
  std::string name;  // for messages
  std::string_view content;
};

/// What a test of the report printed; stored as the log of its attempt.
struct ImportedOutput {
  std::string test;  // "" for the suite's own
  int attempt = 0;
  std::string text;
};

struct Imported {
  engine::ImportedReport report;  // its request is left to the caller
  std::vector<ImportedOutput> outputs;
  std::vector<std::string> warnings;
};

/// All files or nothing, unless options.partial. A case that several files have gets the attempts
/// of all of them, in the order of the files. Errors: unprocessable with the place
/// ("file:line:column") of each defect, too_large.
Result<Imported> import_files(std::span<const ReportFile> files, reports::Format format,
                              bool partial);

/// The bytes of a request's body, wherever they are; valid while it lives.
class MappedBody {
 public:
  /// Errors: unavailable.
  static Result<MappedBody> open(const net::Request& request);
  MappedBody(MappedBody&& other) noexcept;
  MappedBody& operator=(MappedBody&&) = delete;
  ~MappedBody();
  std::string_view bytes() const { return bytes_; }

 private:
  MappedBody(std::string_view bytes, bool mapped) : bytes_(bytes), mapped_(mapped) {}
  std::string_view bytes_;
  bool mapped_ = false;
};

}  // namespace baton::api
