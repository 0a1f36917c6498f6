// SPDX-License-Identifier: MIT
#include "store/sqlite_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "base/file.h"
#include "store/migrations.h"

namespace baton::store {
namespace {

// Checking every page of a small file takes some milliseconds; of a large one seconds, so that is
// done only when something looks wrong.
constexpr std::int64_t kAlwaysCheckedMax = 4 << 20;
constexpr std::size_t kHeaderSize = 100;  // https://www.sqlite.org/fileformat.html §1.3

std::int64_t size_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_size : -1;
}

tl::unexpected<Error> damaged(const std::string& path, std::string_view why) {
  return fail_with_fix(Code::unavailable,
                       "restore it from a backup; to start empty, move the whole folder away",
                       "{} is damaged: {}; nothing was changed", path, why);
}

tl::unexpected<Error> lost(const std::string& path, bool is_there, const std::string& trace) {
  return fail_with_fix(Code::unavailable,
                       "restore it from a backup; to start empty, choose another folder with "
                       "--data or move the whole folder away",
                       "{} is {}, but {} shows that it was in use; nothing was changed", path,
                       is_there ? "empty" : "missing", trace);
}

// The file may be whole and yet not readable now.
tl::unexpected<Error> unreadable(const std::string& path, Error error) {
  if (error.message.starts_with(kDamagedFile))
    return damaged(path, error.message);
  if (error.fix.empty()) error.fix = fmt::format("check the permissions of {}* and the disk", path);
  return tl::unexpected(std::move(error));
}

std::uint32_t big_endian(const std::string& bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// Whether the file is shorter than its header says. A WAL may hold the missing pages.
Result<bool> looks_truncated(const std::string& path, std::int64_t size) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return tl::unexpected(errno_error("open " + path, errno));
  std::string header(kHeaderSize, '\0');
  if (::pread(fd.get(), header.data(), kHeaderSize, 0) != static_cast<ssize_t>(kHeaderSize))
    return damaged(path, "its header is cut off");
  if (header.compare(0, 16, std::string("SQLite format 3\0", 16)) != 0)
    return damaged(path, "it is not an SQLite database");
  std::uint32_t page = big_endian(header, 16, 2);
  if (page == 1) page = 65536;
  if (page < 512 || (page & (page - 1)) != 0) return damaged(path, "its page size is impossible");
  const bool count_is_valid = big_endian(header, 24, 4) == big_endian(header, 92, 4);
  const std::int64_t pages = count_is_valid ? big_endian(header, 28, 4) : 1;
  return size < pages * std::int64_t{page};
}

// Reading a WAL database makes -wal and -shm files; those that were not there go away again.
class Traces {
 public:
  explicit Traces(const std::string& path)
      : wal_(path + "-wal"),
        shm_(path + "-shm"),
        had_wal_(size_of(wal_) >= 0),
        had_shm_(size_of(shm_) >= 0) {}
  ~Traces() {
    if (!had_wal_ && size_of(wal_) == 0) ::unlink(wal_.c_str());
    if (!had_shm_) ::unlink(shm_.c_str());
  }
  Traces(const Traces&) = delete;
  Traces& operator=(const Traces&) = delete;

 private:
  std::string wal_, shm_;
  bool had_wal_, had_shm_;
};

Result<SqliteFile> inspect_content(const std::string& path, bool check_pages) {
  // What a process that was killed has left half done is undone first, which needs to write.
  const bool half_done = size_of(path + "-journal") > 0;
  BATON_TRY(session,
            SqliteSession::open(
                path, half_done ? SqliteSession::Mode::read_write : SqliteSession::Mode::read_only,
                2'000));
  const auto objects = session->query("SELECT count(*) FROM sqlite_schema");
  if (!objects) return unreadable(path, objects.error());
  if (check_pages) {
    const auto verdict = session->query("PRAGMA quick_check(1)");
    if (!verdict) return damaged(path, verdict.error().message);
    if (verdict->empty() || verdict->at(0).text(0) != "ok")
      return damaged(path, verdict->empty() ? "it cannot be checked" : verdict->at(0).text(0));
  }
  BATON_TRY(id, session->query("PRAGMA application_id"));
  if (objects->at(0).integer(0) > 0 && id.at(0).integer(0) != kApplicationId)
    return fail_with_fix(Code::unavailable, "choose another folder with --data",
                         "{} is not a database of Baton; nothing was changed", path);
  if (objects->at(0).integer(0) > 0) {
    // Its row is made in one transaction with the first table: a database without was damaged, and
    // must not be taken for a new one.
    const auto row = session->query("SELECT 1 FROM meta WHERE key = 'schema_version'");
    if (!row || row->empty()) return damaged(path, "its schema version is missing");
  }
  BATON_TRY(version, sqlite_schema_version(*session));
  if (version > schema_version())
    return fail_with_fix(Code::conflict, "install the newer Baton again, or restore a backup",
                         "{} was written by a newer Baton (schema {}, this one knows {}); "
                         "nothing was changed",
                         path, version, schema_version());
  return SqliteFile::ours;
}

}  // namespace

Result<int> sqlite_schema_version(Session& session) {
  BATON_TRY(tables, session.query("SELECT 1 FROM sqlite_schema WHERE name = 'meta'"));
  if (tables.empty()) return 0;
  BATON_TRY(rows, session.query("SELECT value FROM meta WHERE key = 'schema_version'"));
  if (rows.empty()) return 0;
  const std::string& text = rows[0].text(0);
  int version = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), version);
  if (parsed.ec != std::errc{} || version < 0)
    return fail_with_fix(Code::unavailable, "restore the database from a backup",
                         "the schema version '{}' makes no sense", text);
  return version;
}

Result<SqliteFile> inspect_sqlite_file(const std::string& path,
                                       const std::vector<std::string>& made_later) {
  const std::int64_t size = size_of(path);
  const bool has_wal = size_of(path + "-wal") > 0;
  if (size <= 0) {
    // SQLite would delete the WAL of an empty database, and what was committed to it.
    if (has_wal) return damaged(path, "the file is missing or empty, but its WAL is there");
    // A first start that was killed leaves at most an empty file, and nothing that comes later.
    for (const std::string& trace : made_later)
      if (size_of(trace) >= 0) return lost(path, size == 0, trace);
    return SqliteFile::absent;
  }
  BATON_TRY(truncated, looks_truncated(path, size));
  if (truncated && !has_wal) return damaged(path, "its end is cut off");
  const Traces traces(path);
  return inspect_content(path, truncated || size <= kAlwaysCheckedMax);
}

}  // namespace baton::store
