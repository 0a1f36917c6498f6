// SPDX-License-Identifier: MIT
// 1,000 empty cases of one C++ suite.
#include <baton/baton.h>

BATON_SUITE(empty, {.namespace_ = "bench", .workers = 2});

#define C1(n) BATON_TEST(empty, case_##n) {}
#define C10(n) \
  C1(n##0) C1(n##1) C1(n##2) C1(n##3) C1(n##4) C1(n##5) C1(n##6) C1(n##7) C1(n##8) C1(n##9)
#define C100(n) \
  C10(n##0)     \
  C10(n##1) C10(n##2) C10(n##3) C10(n##4) C10(n##5) C10(n##6) C10(n##7) C10(n##8) C10(n##9)
C100(0) C100(1) C100(2) C100(3) C100(4) C100(5) C100(6) C100(7) C100(8) C100(9)

int main(int argc, char** argv) { return baton::main(argc, argv); }
