// SPDX-License-Identifier: MIT
#include "store/store.h"

#include "store/postgres_store.h"
#include "store/sqlite_store.h"

namespace baton::store {

Snapshot::Snapshot(std::unique_ptr<Session> session,
                   UniqueFunction<void(std::unique_ptr<Session>)> give_back)
    : session_(std::move(session)), give_back_(std::move(give_back)) {}

Snapshot::~Snapshot() {
  if (session_) give_back_(std::move(session_));
}

Snapshot& Snapshot::operator=(Snapshot&& other) noexcept {
  // The temporary gives back what this one held.
  Snapshot taken(std::move(other));
  std::swap(session_, taken.session_);
  std::swap(give_back_, taken.give_back_);
  return *this;
}

Result<std::unique_ptr<Store>> Store::open(const Options& options) {
  if (options.data == ":memory:") return open_sqlite_memory();
  if (is_postgres_url(options.data)) return open_postgres(options);
  return open_sqlite(options);
}

}  // namespace baton::store
