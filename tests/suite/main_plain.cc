// SPDX-License-Identifier: MIT
#include <baton/baton.h>

int main(int argc, char** argv) { return baton::main(argc, argv); }
