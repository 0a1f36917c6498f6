// SPDX-License-Identifier: MIT
// The peer of the benchmark: an ordinary GoogleTest program of about 20 MB with 1,000 tests, linked
// with all of Baton's rooms and their shared libraries so that starting it costs what starting a
// grown end-to-end test program costs. A test is empty, or computes for BENCH_CASE_US microseconds.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

// What debug information and assets are in a grown program: it is on the disk and never touched.
__asm__(".section .rodata\n.zero 10485760\n.text\n");

static void work() {
  static const char* const value = std::getenv("BENCH_CASE_US");
  if (value == nullptr) return;
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(std::atoi(value));
  while (std::chrono::steady_clock::now() < end) {}
}

#define T1(n) \
  TEST(Heavy, case_##n) { work(); }
#define T10(n) \
  T1(n##0) T1(n##1) T1(n##2) T1(n##3) T1(n##4) T1(n##5) T1(n##6) T1(n##7) T1(n##8) T1(n##9)
#define T100(n) \
  T10(n##0)     \
  T10(n##1) T10(n##2) T10(n##3) T10(n##4) T10(n##5) T10(n##6) T10(n##7) T10(n##8) T10(n##9)
T100(0) T100(1) T100(2) T100(3) T100(4) T100(5) T100(6) T100(7) T100(8) T100(9)
