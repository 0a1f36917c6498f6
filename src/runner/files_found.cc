// SPDX-License-Identifier: MIT
#include "runner/files_found.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.h"
#include "model/run.h"

namespace baton::runner {
namespace {

// The clock of file times ticks every few milliseconds: a file written at once after the start of
// an attempt may carry a time just before it.
constexpr Duration kClockTick{20};
// node_modules and the like: a glob such as ** is not meant to walk a whole disk.
constexpr std::size_t kEntriesMax = 500'000;
constexpr int kDepthMax = 64;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

int open_without_links(int folder, const char* path, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how));
}

// Up to the first part that has a wildcard: the walk starts there.
std::string fixed_part(std::string_view glob) {
  std::string fixed;
  std::string_view rest = glob;
  for (;;) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return fixed;
    const std::string_view part = rest.substr(0, slash);
    if (part.find_first_of("*?") != std::string_view::npos) return fixed;
    if (!fixed.empty()) fixed += '/';
    fixed += part;
    rest.remove_prefix(slash + 1);
  }
}

bool escapes(std::string_view glob) {
  if (glob.empty() || glob.front() == '/') return true;
  for (const std::string_view part : split(glob, '/')) {
    if (part == "..") return true;
  }
  return false;
}

class Walk {
 public:
  Walk(const Search& search, Searched& found) : search_(search), found_(found) {}

  void from(int root, const std::string& glob, const std::string& folder) {
    glob_ = glob;
    Fd fd{open_without_links(root, folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY)};
    if (fd) enter(std::move(fd), folder, 0);
  }

 private:
  void enter(Fd fd, const std::string& folder, int depth) {
    const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(fd.get()));
    if (!directory) return;
    fd.release();
    const int at = ::dirfd(directory.get());
    while (const dirent* entry = ::readdir(directory.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == ".." || ++entries_ > kEntriesMax) continue;
      const std::string path =
          folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
      struct stat info {};
      if (::fstatat(at, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (S_ISDIR(info.st_mode)) {
        if (depth >= kDepthMax) continue;
        Fd below{::openat(at, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        if (below) enter(std::move(below), path, depth + 1);
      } else if (S_ISREG(info.st_mode) && glob_match(glob_, path)) {
        add(path, info);
      }
    }
  }

  void add(const std::string& path, const struct stat& info) {
    const std::int64_t modified = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1000 +
                                  info.st_mtim.tv_nsec / 1'000'000;
    if (modified < to_ms(search_.since) - kClockTick.count()) return;
    if (search_.check_names && !model::check_artifact_path(path)) {
      found_.problems.push_back(fmt::format("{}: not a name for an artifact", json_quote(path)));
      return;
    }
    found_.files.push_back({path, info.st_size});
  }

  const Search& search_;
  Searched& found_;
  std::string glob_;
  std::size_t entries_ = 0;
};

}  // namespace

Searched find_files(const Search& search) {
  Searched found;
  const Fd root{::open(search.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!root) {
    found.problems.push_back(errno_error(search.folder, errno).message);
    return found;
  }
  Walk walk(search, found);
  for (std::string_view glob : search.globs) {
    while (glob.starts_with("./")) glob.remove_prefix(2);
    if (escapes(glob)) {
      found.problems.push_back(
          fmt::format("{}: leads out of the suite's folder", json_quote(glob)));
      continue;
    }
    walk.from(root.get(), std::string(glob), fixed_part(glob));
  }
  const auto by_path = [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; };
  std::sort(found.files.begin(), found.files.end(), by_path);
  const auto same = [](const FoundFile& a, const FoundFile& b) { return a.path == b.path; };
  found.files.erase(std::unique(found.files.begin(), found.files.end(), same), found.files.end());
  if (found.files.size() > search.files_max) {
    found.problems.push_back(fmt::format("{} files match, only {} are kept", found.files.size(),
                                         search.files_max));
    found.files.resize(search.files_max);
  }
  return found;
}

Result<Fd> open_below(const std::string& folder, const std::string& path) {
  const Fd root{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!root) return tl::unexpected(errno_error(folder, errno));
  // Non-blocking, so that a pipe of that name does not make us wait.
  Fd file{open_without_links(root.get(), path.c_str(), O_RDONLY | O_NONBLOCK)};
  if (!file && (errno == ELOOP || errno == EXDEV)) {
    return fail(Code::forbidden, "{} is or goes through a link", path);
  }
  if (!file) return tl::unexpected(errno_error(path, errno));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(Code::invalid, "{} is not a regular file", path);
  }
  return file;
}

Result<std::int64_t> copy_below(const std::string& folder, const std::string& path,
                                const std::string& to, std::int64_t max_bytes) {
  BATON_TRY(from, open_below(folder, path));
  const Fd out{::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!out) return tl::unexpected(errno_error(to, errno));
  std::string buffer(1 << 20, '\0');
  std::int64_t size = 0;
  for (;;) {
    const ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(errno_error("read " + path, errno));
    if (n == 0) return size;
    size += n;
    if (size > max_bytes) {
      ::unlink(to.c_str());
      return fail(Code::too_large, "{} is larger than {} bytes", path, max_bytes);
    }
    BATON_TRY_VOID(
        write_all(out.get(), std::string_view(buffer).substr(0, static_cast<std::size_t>(n))));
  }
}

}  // namespace baton::runner
