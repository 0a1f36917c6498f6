// SPDX-License-Identifier: MIT
// The suite, its set-up, and the tests about orders.
#include <baton/baton.h>
#include <baton/std.h>

#include <filesystem>

#include "shop.h"

using namespace std::chrono_literals;

BATON_SUITE(shop, {.namespace_ = "examples",
                   .description = "Orders and prices of the **shop**.",
                   .owner = "shop-team",
                   .labels = {{"tier", "smoke"}},
                   .max_attempts = 2,
                   .timeout = 2min,
                   .attempt_timeout = 20s,
                   .workers = 2});

namespace {

std::string folder;  // set once, before the tests are forked: every test has it

shop::Shop open_shop() { return shop::Shop(folder); }

const std::vector<shop::Item> kTea{{"tea", 450}, {"cup", 900}};

}  // namespace

BATON_SETUP(shop) {
  folder = t.temp_dir();
  t.log("the shop keeps its orders in {}", folder);
}

BATON_TEARDOWN(shop) {
  for (const auto& left : std::filesystem::directory_iterator(folder))
    t.log("left behind: {}", left.path().filename());
}

BATON_TEST(shop, places_an_order, "An order is accepted and can be found again") {
  shop::Shop shop = open_shop();
  auto span = t.span("place", {{"items", kTea.size()}});
  const shop::Answer answer = shop.place(kTea);
  span.end();
  BATON_REQUIRE(answer.status == 201);
  // By value: the clean-up runs when this function is over.
  t.cleanup([shop, order = answer.order]() mutable { shop.remove(order); });
  t.set_value("order", answer.order);
  BATON_CHECK(shop.state(answer.order) == shop::State::placed);
}

BATON_TEST(shop, refuses_an_empty_basket) { BATON_CHECK(open_shop().place({}).status == 422); }

BATON_TEST(shop, ships_what_was_ordered, {.timeout = 10s}) {
  shop::Shop shop = open_shop();
  const std::string order = shop.place(kTea).order;
  t.cleanup([shop, order]() mutable { shop.remove(order); });
  BATON_REQUIRE(t.poll(5s, 5ms, [&] { return shop.state(order) == shop::State::shipped; }),
                "{} is still {}", order, shop.state(order));
}

BATON_TEST(shop, refunds_an_order_once) {
  shop::Shop shop = open_shop();
  const std::string order = shop.place(kTea).order;
  t.cleanup([shop, order]() mutable { shop.remove(order); });
  BATON_REQUIRE(shop.refund(order));
  const std::string receipt = shop.receipt(order);
  t.cleanup([receipt] { std::filesystem::remove(receipt); });
  t.artifact(receipt, "receipt.txt");
  BATON_CHECK(shop.state(order) == shop::State::refunded);
  BATON_CHECK(!shop.refund(order), "an order was refunded twice");
}
