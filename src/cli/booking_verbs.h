// SPDX-License-Identifier: MIT
#pragma once
// `baton env book|bookings|unbook`: the calendar of the environments.
#include "cli/verb.h"

namespace baton::cli {
std::vector<Verb> booking_verbs();
}  // namespace baton::cli
