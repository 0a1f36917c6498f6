// SPDX-License-Identifier: MIT
// A suite in a static library, in one file.
#include <baton/baton.h>

BATON_SUITE(in_library);
BATON_TEST(in_library, is_linked) {}
