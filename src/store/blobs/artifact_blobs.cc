// SPDX-License-Identifier: MIT
#include "store/blobs/artifact_blobs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/assert.h"
#include "store/blobs/artifact_references.h"

namespace baton::store {
namespace {

constexpr std::size_t kDigestSize = 64;

Result<void> check_digest(std::string_view digest) {
  if (digest.size() == kDigestSize &&
      digest.find_first_not_of("0123456789abcdef") == std::string_view::npos)
    return {};
  return fail(Code::invalid, "'{}' is not a SHA-256 digest", digest.substr(0, 80));
}

/// Names in a folder; none when it does not exist.
Result<std::vector<std::string>> names_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* handle = ::opendir(folder.c_str());
  if (!handle) {
    if (errno == ENOENT) return names;
    return tl::unexpected(errno_error("list " + folder, errno));
  }
  while (const dirent* entry = ::readdir(handle))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  ::closedir(handle);
  return names;
}

}  // namespace

ArtifactBlobs::Stored::Stored(Stored&& other) noexcept
    : blobs_(std::exchange(other.blobs_, nullptr)), digest_(other.digest_), size_(other.size_) {}

ArtifactBlobs::Stored::~Stored() {
  if (blobs_) blobs_->unpin(digest_);
}

ArtifactBlobs::Upload::Upload(ArtifactBlobs& blobs, std::string path, Fd fd)
    : blobs_(&blobs), path_(std::move(path)), fd_(std::move(fd)) {}

ArtifactBlobs::Upload::Upload(Upload&& other) noexcept
    : blobs_(other.blobs_),
      path_(std::exchange(other.path_, {})),
      fd_(std::move(other.fd_)),
      hash_(std::move(other.hash_)),
      size_(other.size_) {}

ArtifactBlobs::Upload::~Upload() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> ArtifactBlobs::Upload::append(std::string_view bytes) {
  BATON_ASSERT(fd_, "the upload is not finished");
  BATON_TRY_VOID(write_all(fd_.get(), bytes));
  hash_.add(bytes);
  size_ += static_cast<std::int64_t>(bytes.size());
  return {};
}

Result<ArtifactBlobs::Stored> ArtifactBlobs::Upload::finish() {
  BATON_ASSERT(fd_, "an upload is finished once");
  if (::fsync(fd_.get()) != 0) return tl::unexpected(errno_error("fsync " + path_, errno));
  fd_.reset();
  auto stored = blobs_->keep(path_, hash_.hexadecimal(), size_);
  if (stored) path_.clear();
  return stored;
}

Result<std::unique_ptr<ArtifactBlobs>> ArtifactBlobs::open(std::string folder) {
  const std::string uploads = folder + "/uploads";
  BATON_TRY_VOID(make_directories(uploads));
  BATON_TRY(left, names_in(uploads));
  for (const std::string& name : left) ::unlink((uploads + "/" + name).c_str());
  return std::unique_ptr<ArtifactBlobs>(new ArtifactBlobs(std::move(folder)));
}

std::string ArtifactBlobs::path_of(std::string_view digest) const {
  return fmt::format("{}/{}/{}", folder_, digest.substr(0, 2), digest);
}

Result<ArtifactBlobs::Upload> ArtifactBlobs::begin() {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    path = fmt::format("{}/uploads/{}", folder_, ++next_upload_);
  }
  Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!fd) return tl::unexpected(errno_error("create " + path, errno));
  return Upload(*this, std::move(path), std::move(fd));
}

Result<ArtifactBlobs::Stored> ArtifactBlobs::put(std::string_view bytes) {
  BATON_TRY(upload, begin());
  BATON_TRY_VOID(upload.append(bytes));
  return upload.finish();
}

Result<ArtifactBlobs::Stored> ArtifactBlobs::keep(const std::string& temporary, std::string digest,
                                                  std::int64_t size) {
  const std::string path = path_of(digest);
  const std::string folder = path.substr(0, path.rfind('/'));
  const std::lock_guard lock(mutex_);
  if (::mkdir(folder.c_str(), 0700) == 0) {
    BATON_TRY_VOID(synchronise_folder(folder_));
  } else if (errno != EEXIST) {
    return tl::unexpected(errno_error("mkdir " + folder, errno));
  }
  // Over a blob of the same bytes: it may have been damaged since, and this one was just written.
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return tl::unexpected(errno_error("rename " + temporary, errno));
  BATON_TRY_VOID(synchronise_folder(folder));
  ++pins_[digest];
  return Stored(*this, std::move(digest), size);
}

void ArtifactBlobs::unpin(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = pins_.find(digest);
  if (--found->second == 0) pins_.erase(found);
}

Result<ArtifactBlobs::Blob> ArtifactBlobs::open_blob(std::string_view digest) const {
  BATON_TRY_VOID(check_digest(digest));
  const std::string path = path_of(digest);
  Blob blob{Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)}, 0};
  if (!blob.fd) return tl::unexpected(errno_error("open " + path, errno));
  struct stat info {};
  if (::fstat(blob.fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail(Code::unavailable, "{} is not a file", path);
  blob.size = info.st_size;
  return blob;
}

Result<bool> ArtifactBlobs::remove_unless(std::string_view digest,
                                          const std::function<Result<bool>()>& is_referenced) {
  BATON_TRY_VOID(check_digest(digest));
  const std::lock_guard lock(mutex_);
  if (pins_.contains(std::string(digest))) return false;
  BATON_TRY(referenced, is_referenced());
  if (referenced) return false;
  const std::string path = path_of(digest);
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return tl::unexpected(errno_error("delete " + path, errno));
}

Result<bool> is_referenced(Session& session, std::string_view digest) {
  for (const std::string_view sql : {"SELECT 1 FROM artifact WHERE digest = ? LIMIT 1",
                                     "SELECT 1 FROM gate_artifact WHERE digest = ? LIMIT 1"}) {
    BATON_TRY(rows, session.query(sql, {std::string(digest)}));
    if (!rows.empty()) return true;
  }
  return false;
}

Result<std::vector<std::string>> ArtifactBlobs::list(int shard, TimePoint before) const {
  const std::string folder = fmt::format("{}/{:02x}", folder_, shard);
  BATON_TRY(names, names_in(folder));
  std::erase_if(names, [&](const std::string& name) {
    struct stat info {};
    return !check_digest(name) || ::stat((folder + "/" + name).c_str(), &info) != 0 ||
           from_ms(std::int64_t{info.st_mtim.tv_sec} * 1'000) >= before;
  });
  return names;
}

}  // namespace baton::store
