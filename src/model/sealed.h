// SPDX-License-Identifier: MIT
#pragma once
// Secrets within the fields of a target: values that only the server's key opens (the room links
// has it). They are never shown, and go when the message was delivered. Plain rules.
#include <functional>
#include <string>
#include <string_view>

namespace baton::model {

/// A text value of the fields that begins with it is sealed; base64 follows.
inline constexpr std::string_view kSealed = "sealed:";
/// What is shown instead, and what is left of it.
inline constexpr std::string_view kHidden = "(secret)";

/// Fields, a JSON object as text, with each sealed value (without kSealed) replaced by what `by`
/// gives, which is quoted here.
std::string replace_sealed(std::string_view fields,
                           const std::function<std::string(std::string_view sealed)>& by);
/// The fields as they are shown.
std::string hide_sealed(std::string_view fields);
/// Whether a secret of theirs is gone, so that they are of no use any more.
bool has_hidden(std::string_view fields);

}  // namespace baton::model
