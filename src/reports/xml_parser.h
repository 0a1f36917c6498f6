// SPDX-License-Identifier: MIT
#pragma once
// What the parsers of XML reports have in common.
#include <string>
#include <utility>

#include "reports/collector.h"
#include "reports/report.h"
#include "reports/xml_reader.h"

namespace baton::reports {

class XmlReportParser : public Parser, protected XmlHandler {
 public:
  XmlReportParser(Format format, std::string filename, OnCase on_case)
      : cases_(format, std::move(on_case)), filename_(filename), reader_(*this, filename) {}

  Result<void> feed(std::string_view bytes) final { return reader_.feed(bytes); }
  Result<Summary> finish() final {
    BATON_TRY_VOID(reader_.finish());
    BATON_TRY_VOID(complete());
    if (reader_.saw_control_bytes())
      cases_.warn("control bytes, which XML forbids, were read as '?'");
    return std::move(cases_.summary());
  }

 protected:
  /// The document is read and was well-formed.
  virtual Result<void> complete() { return {}; }

  /// The document is another than it should be.
  tl::unexpected<Error> wrong_document(std::string_view what) const {
    return tl::unexpected(malformed(filename_, 1, 1, what));
  }

  Collector cases_;

 private:
  std::string filename_;
  XmlReader reader_;
};

std::unique_ptr<Parser> make_junit_parser(std::string filename, OnCase on_case);
std::unique_ptr<Parser> make_trx_parser(std::string filename, OnCase on_case);
std::unique_ptr<Parser> make_nunit_parser(std::string filename, OnCase on_case);
std::unique_ptr<Parser> make_xunit_parser(std::string filename, OnCase on_case);
/// Catch2's and doctest's own XML.
std::unique_ptr<Parser> make_native_xml_parser(Format format, std::string filename, OnCase on_case);

}  // namespace baton::reports
