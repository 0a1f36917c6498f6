// SPDX-License-Identifier: MIT
#pragma once
// Files of a test's folder by glob, without following a link and without leaving the folder.
// Blocking; any thread.
#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/time.h"

namespace baton::runner {

struct FoundFile {
  std::string path;  // relative to the folder
  std::int64_t size = 0;
};

struct Search {
  std::string folder;
  std::vector<std::string> globs;
  TimePoint since{};        // older files are ignored
  std::size_t files_max = 1'000;
  bool check_names = true;  // leave out names that cannot be an artifact's path
};

struct Searched {
  std::vector<FoundFile> files;       // sorted by path
  std::vector<std::string> problems;  // for a person: a bad glob, too many files
};
Searched find_files(const Search& search);

/// Opens a regular file below the folder for reading; no part of the path may be a link.
/// Errors: not_found, forbidden (a link), invalid (not a regular file), unavailable.
Result<Fd> open_below(const std::string& folder, const std::string& path);

/// Copies it to a new file. Errors: as open_below; too_large beyond `max_bytes`.
Result<std::int64_t> copy_below(const std::string& folder, const std::string& path,
                                const std::string& to, std::int64_t max_bytes);

}  // namespace baton::runner
