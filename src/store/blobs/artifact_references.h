// SPDX-License-Identifier: MIT
#pragma once
// Which blobs rows still name: the question that ArtifactBlobs::remove_unless() asks.
#include <string_view>

#include "store/session.h"

namespace baton::store {

/// Whether an artifact of any run or gate has this digest.
Result<bool> is_referenced(Session& session, std::string_view digest);

}  // namespace baton::store
