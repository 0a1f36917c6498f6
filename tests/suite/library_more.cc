// SPDX-License-Identifier: MIT
// A second file of that library, with tests only.
#include <baton/baton.h>

BATON_TEST(in_library, is_linked_whole) {}
