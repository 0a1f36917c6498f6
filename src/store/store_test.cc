// SPDX-License-Identifier: MIT
#include "store/store.h"

#include <gtest/gtest.h>

#include "store/tx.h"

namespace baton::store {
namespace {

TEST(Store, memory_database_keeps_a_journal) {
  auto store = Store::open({.data = ":memory:"});
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_TRUE((*store)->begin());
  Tx tx((*store)->writer(), {from_ms(5), from_ms(7)});
  EXPECT_EQ(tx.append("run.queued", "run:1", R"({"a":1})").value(), 1);
  EXPECT_EQ(tx.append("suite.changed", "suite:a/b").value(), 2);
  ASSERT_TRUE((*store)->commit());
  auto snapshot = (*store)->snapshot();
  ASSERT_TRUE(snapshot);
  auto events = read_journal(snapshot->sql(), 0, 10, "run.");
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ((*events)[0].data, R"({"a":1})");
  EXPECT_EQ((*events)[0].at, from_ms(7));
}

}  // namespace
}  // namespace baton::store
