// SPDX-License-Identifier: MIT
#include "store/postgres_store.h"

namespace baton::store {

bool is_postgres_url(std::string_view data) {
  return data.starts_with("postgres://") || data.starts_with("postgresql://");
}

Result<std::unique_ptr<Store>> open_postgres(const Options&) {
  return fail(Code::unavailable, "PostgreSQL is not linked");
}

}  // namespace baton::store
