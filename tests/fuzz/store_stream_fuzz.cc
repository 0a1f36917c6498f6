// SPDX-License-Identifier: MIT
// Any bytes as a run's stream: opening cuts it where it stops making sense, and what is left reads
// alike with and without its index.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/assert.h"
#include "base/file.h"
#include "store/blobs/run_streams.h"

namespace {

using baton::RunId;
using baton::store::RunStreams;

/// One folder per process, removed at its end.
struct Folder {
  Folder() { BATON_ASSERT(::mkdtemp(path.data()), "a scratch folder can be made"); }
  ~Folder() {
    for (const char* name : {"/0/1.stream", "/0/1.index"}) ::unlink((path + name).c_str());
    ::rmdir((path + "/0").c_str());
    ::rmdir(path.c_str());
  }
  std::string path = "/tmp/baton-fuzz-XXXXXX";
};

std::string everything(const std::string& folder) {
  auto streams = RunStreams::open(folder).value();
  std::string text;
  const auto entries = streams->read(RunId{1}, 0, 100, 1 << 20);
  if (!entries) return "unreadable";
  for (const auto& entry : *entries) {
    text += entry.test + entry.payload;
    const auto log = streams->log_lines(RunId{1}, {entry.test, entry.attempt}, 1, 5);
    if (log) text += log->text;
  }
  (void)streams->log_bytes(RunId{1}, {.whole_run = true}, 0, 1 << 20);
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder kFolder;
  BATON_ASSERT(baton::make_directories(kFolder.path + "/0"), "a folder can be made");
  const std::string stream = kFolder.path + "/0/1.stream", index = kFolder.path + "/0/1.index";
  ::unlink(index.c_str());
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  BATON_ASSERT(baton::replace_file(stream, bytes), "a file can be written");
  const std::string scanned = everything(kFolder.path);
  BATON_ASSERT(everything(kFolder.path) == scanned, "the index tells the same as the stream");
  return 0;
}
