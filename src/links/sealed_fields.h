// SPDX-License-Identifier: MIT
#pragma once
// Secrets within the fields of targets: sealed before a target is stored, opened when its message
// goes out.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "links/secret_box.h"
#include "model/gate.h"
#include "model/link.h"
#include "model/sealed.h"

namespace baton::links {

/// Seals what is secret in the target's operation: the secure variables of a GoCD pipeline, the
/// token of a Jenkins webhook step. Fields that were refused, or are sealed, stay as they are.
void seal_fields(const SecretBox& box, model::LinkKind kind, model::Target& target);
/// The fields with their secrets, which are added to `opened`.  Errors: invalid (another key).
Result<std::string> unseal_fields(const SecretBox& box, std::string_view fields,
                                  std::vector<std::string>& opened);

}  // namespace baton::links
