// SPDX-License-Identifier: MIT
#include <baton/baton.h>

BATON_USE_SUITE(in_library);

int main(int argc, char** argv) { return baton::main(argc, argv); }
