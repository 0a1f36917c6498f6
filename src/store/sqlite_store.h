// SPDX-License-Identifier: MIT
#pragma once
// The SQLite backend: <data>/baton.db in WAL mode behind one writing session that alone writes and
// checkpoints, and read-only sessions beside it. See store.h.
#include "store/store.h"

namespace baton::store {

Result<std::unique_ptr<Store>> open_sqlite(const Options& options);
/// A database that is gone when closed. A snapshot and a batch exclude each other.
Result<std::unique_ptr<Store>> open_sqlite_memory();

}  // namespace baton::store
