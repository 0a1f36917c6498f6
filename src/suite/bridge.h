// SPDX-License-Identifier: MIT
#pragma once
// Assertions of other frameworks inside Baton tests: <baton/gtest.h> registers how to prepare the
// framework; the fork server does it once, before the setup.
namespace baton::suite {

void run_bridges();

}  // namespace baton::suite
