// SPDX-License-Identifier: MIT
// A runner's batches: any bytes are records or an error, whatever the pieces they come in; what was
// read can be written and read again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/job.h"
#include "wire/records.h"

using namespace baton;

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

// How many records the decoder finds when the bytes come in pieces of this size.
std::size_t count_in_pieces(std::string_view input, std::size_t piece) {
  wire::RecordDecoder decoder;
  std::size_t found = 0;
  while (!input.empty()) {
    decoder.feed(input.substr(0, piece));
    input.remove_prefix(std::min(piece, input.size()));
    for (;;) {
      const auto record = decoder.next();
      if (!record) return found;
      if (!*record) break;
      ++found;
    }
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check(count_in_pieces(input, 1) == count_in_pieces(input, size + 1));
  if (const auto records = wire::decode_records(input)) {
    std::string again;
    for (const wire::Record& record : *records) wire::append_record(again, record);
    const auto second = wire::decode_records(again);
    check(second && second->size() == records->size());
  }
  (void)wire::decode_job(input);
  (void)wire::decode_discovery(input);
  (void)wire::decode_records_answer(input);
  return 0;
}
