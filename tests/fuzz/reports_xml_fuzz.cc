// SPDX-License-Identifier: MIT
// Reports in XML: refused with a place, or read into cases that the server can store.
#include "reports_fuzz.h"

using baton::reports::Format;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_formats(input, {Format::automatic, Format::junit, Format::trx, Format::nunit, Format::xunit,
                        Format::catch2});
  return 0;
}
