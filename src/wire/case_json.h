// SPDX-License-Identifier: MIT
#pragma once
// Cases as JSON between Baton's own processes (plan records, jobs, discovery). Sources of this
// room only.
#include <boost/json.hpp>
#include <vector>

#include "model/suite.h"
#include "wire/fields.h"

namespace baton::wire {

boost::json::array write_cases(const std::vector<model::Case>& cases);
/// Reads the list `cases` of the object; problems go to `parent`.
std::vector<model::Case> read_cases(Fields& parent);

}  // namespace baton::wire
