// SPDX-License-Identifier: MIT
#include "app/delivery_queue.h"

#include <gtest/gtest.h>

namespace baton::app {
namespace {

std::string next(DeliveryQueue& queue) {
  const auto item = queue.take();
  return item ? item->id : "";
}

std::string all(DeliveryQueue& queue) {
  std::string ids;
  while (const auto item = queue.take()) ids += item->id;
  return ids;
}

TEST(DeliveryQueue, verdicts_come_before_progress_and_each_in_order) {
  DeliveryQueue queue(4);
  for (const char* id : {"p1", "p2"}) queue.add({id, true});
  for (const char* id : {"v1", "v2"}) queue.add({id, false});
  EXPECT_EQ(queue.size(), 4);
  EXPECT_EQ(all(queue), "v1v2p1p2");
}

TEST(DeliveryQueue, progress_leaves_calls_for_verdicts) {
  DeliveryQueue queue(1);
  for (const char* id : {"p1", "p2"}) queue.add({id, true});
  const auto first = queue.take();
  EXPECT_FALSE(queue.has_next());
  queue.add({"v1", false});
  EXPECT_EQ(next(queue), "v1");
  queue.done(*first, false);
  EXPECT_EQ(next(queue), "p2");
}

TEST(DeliveryQueue, what_becomes_urgent_waits_behind_no_progress) {
  DeliveryQueue queue(4);
  for (const char* id : {"p1", "p2", "p1"}) queue.add({id, true});
  queue.add({"p2", false});
  queue.add({"p2", true});
  EXPECT_EQ(queue.size(), 2);
  EXPECT_EQ(all(queue), "p2p1");
}

TEST(DeliveryQueue, what_is_due_again_while_it_is_under_way_comes_once_more) {
  DeliveryQueue queue(4);
  queue.add({"p", true});
  const auto first = queue.take();
  for (const bool is_progress : {true, false, true}) queue.add({"p", is_progress});
  EXPECT_EQ(next(queue), "") << "never twice at once";
  queue.done(*first, false);
  const auto second = queue.take();
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->is_progress);
  queue.done(*second, false);
  EXPECT_EQ(queue.size(), 0);
}

TEST(DeliveryQueue, what_could_not_be_stored_comes_again) {
  DeliveryQueue queue(4);
  queue.add({"v", false});
  queue.done(*queue.take(), true);
  EXPECT_EQ(next(queue), "v");
}

}  // namespace
}  // namespace baton::app
