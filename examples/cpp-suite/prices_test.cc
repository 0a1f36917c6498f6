// SPDX-License-Identifier: MIT
// More tests of the same suite in a file of their own: they find it by its name.
#include <baton/baton.h>

#include "shop.h"

namespace {

struct Price {
  const char* name;  // names the test: converts_prices/CHF
  int euro_cents;
  int expected;
};

}  // namespace

BATON_TEST_P(shop, converts_prices, {Price{"EUR", 1000, 1000}, Price{"CHF", 1000, 950}}) {
  const int converted = shop::convert(param.euro_cents, param.name);
  t.log("{} euro cents are {} {} cents", param.euro_cents, converted, param.name);
  BATON_CHECK(converted == param.expected);
}
