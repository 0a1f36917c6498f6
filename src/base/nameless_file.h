// SPDX-License-Identifier: MIT
#pragma once
// A place on the disk for bytes that are too many for memory and are needed for a moment only: an
// upload, a file that is fetched to be sent on. Any thread; blocks on the disk.
#include <string>

#include "base/file.h"

namespace baton {

/// An empty file on the disk of `folder` that no folder lists: it is gone with its descriptor, also
/// when the server is killed.  Errors: unavailable with errno's text.
Result<Fd> make_nameless_file(const std::string& folder);

}  // namespace baton
