// SPDX-License-Identifier: MIT
#pragma once
// Artifacts by content: <folder>/<first two digits>/<SHA-256>. The same bytes are kept once. A file
// appears complete or not at all; only its digest and size become rows.
// Any thread; blocks on the disk, so never on the writer's thread.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/time.h"
#include "store/sha256.h"

namespace baton::store {

class ArtifactBlobs {
 public:
  /// Removes what interrupted uploads left.  Errors: unavailable.
  static Result<std::unique_ptr<ArtifactBlobs>> open(std::string folder);

  /// A stored blob that remove_unless() leaves alone as long as this object lives: keep it until
  /// the row that refers to the digest is committed.
  class Stored {
   public:
    Stored(Stored&& other) noexcept;
    Stored& operator=(Stored&&) = delete;
    ~Stored();
    const std::string& digest() const { return digest_; }  // SHA-256, 64 hexadecimal digits
    std::int64_t size() const { return size_; }

   private:
    friend class ArtifactBlobs;
    Stored(ArtifactBlobs& blobs, std::string digest, std::int64_t size)
        : blobs_(&blobs), digest_(std::move(digest)), size_(size) {}
    ArtifactBlobs* blobs_;
    std::string digest_;
    std::int64_t size_;
  };

  /// An upload in progress; discarded when destroyed before finish(). One thread at a time.
  class Upload {
   public:
    Upload(Upload&&) noexcept;
    Upload& operator=(Upload&&) = delete;
    ~Upload();
    /// Errors: unavailable (disk full).
    Result<void> append(std::string_view bytes);
    std::int64_t size() const { return size_; }
    /// Durable when it returns. Nothing may be appended after it.  Errors: unavailable.
    Result<Stored> finish();

   private:
    friend class ArtifactBlobs;
    Upload(ArtifactBlobs& blobs, std::string path, Fd fd);
    ArtifactBlobs* blobs_;
    std::string path_;
    Fd fd_;
    Sha256 hash_;
    std::int64_t size_ = 0;
  };
  Result<Upload> begin();
  /// The whole of a small artifact at once.
  Result<Stored> put(std::string_view bytes);

  struct Blob {
    Fd fd;  // at offset 0; stays readable when the blob is removed
    std::int64_t size = 0;
  };
  /// Errors: not_found, invalid (not a digest), unavailable.
  Result<Blob> open_blob(std::string_view digest) const;

  /// Deletes a blob unless it was just stored or `is_referenced` says that a row still names it; no
  /// upload of the same bytes can come between the question and the deletion.
  /// Result: whether it was deleted.  Errors: invalid, unavailable, and those of `is_referenced`.
  Result<bool> remove_unless(std::string_view digest,
                             const std::function<Result<bool>()>& is_referenced);

  /// The digests that begin with the two digits of `shard` (0 to 255) and whose bytes were last
  /// stored before `before` (wall clock): to find what no row names.
  Result<std::vector<std::string>> list(int shard, TimePoint before = TimePoint::max()) const;

 private:
  explicit ArtifactBlobs(std::string folder) : folder_(std::move(folder)) {}
  std::string path_of(std::string_view digest) const;
  Result<Stored> keep(const std::string& temporary, std::string digest, std::int64_t size);
  void unpin(const std::string& digest);

  const std::string folder_;
  std::mutex mutex_;                 // held while a blob appears or disappears
  std::map<std::string, int> pins_;  // guarded by mutex_
  std::uint64_t next_upload_ = 0;    // guarded by mutex_
};

}  // namespace baton::store
