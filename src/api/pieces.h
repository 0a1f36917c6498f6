// SPDX-License-Identifier: MIT
#pragma once
// Bodies that are too long to be held: made and sent piece by piece.
#include <functional>
#include <string>

#include "api/context.h"

namespace baton::api {

/// Makes the next piece of a body, some 100 KiB; "" when there is no more. Called on a thread of
/// the disk, so it may block.
using NextPiece = std::function<Result<std::string>()>;

/// 200 with the pieces as its body. An error ends the connection in the middle, so that nobody
/// takes what came for the whole.
net::Response pieces_reply(Context& context, std::string content_type, NextPiece next);
net::StreamBody pieces_body(Context& context, NextPiece next);

}  // namespace baton::api
