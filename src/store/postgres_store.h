// SPDX-License-Identifier: MIT
#pragma once
// The PostgreSQL backend (15 or later): one writing connection that holds the advisory lock which
// elects the one writer, and reading connections beside it. Lock and transactions live on the same
// connection, so that who has lost the lock cannot commit either. See store.h.
#include "store/store.h"

namespace baton::store {

/// "postgres://…" or "postgresql://…".
bool is_postgres_url(std::string_view data);
Result<std::unique_ptr<Store>> open_postgres(const Options& options);

}  // namespace baton::store
