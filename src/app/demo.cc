// SPDX-License-Identifier: MIT
#include "app/demo.h"

#include "base/file.h"

namespace baton::app {
namespace {

// The third case needs a second attempt: that is what a flaky test looks like.
constexpr std::string_view kScript = R"sh(#!/bin/sh
# The example suite of `baton up`. Any program that prints TAP is a suite of kind `tap`.
echo "TAP version 13"
echo "1..4"
echo "# the shop answers at http://shop.example (not really: nothing leaves this machine)"
echo "ok 1 - the shop is up"
echo "# POST /orders {\"items\": 3} -> 201, order 1337"
echo "ok 2 - an order can be placed"
if [ "${BATON_ATTEMPT:-1}" -lt 2 ]; then
  echo "# GET /orders/1337 -> 404: the read side lags behind"
  echo "not ok 3 - the order can be seen at once"
else
  echo "# GET /orders/1337 -> 200"
  echo "ok 3 - the order can be seen at once"
fi
printf 'order 1337\n3 items\n' > receipt.txt
echo "ok 4 - a receipt is written"
)sh";

}  // namespace

Result<model::Suite> make_demo(const std::string& folder) {
  BATON_TRY_VOID(make_directories(folder));
  BATON_TRY_VOID(replace_file(folder + "/checkout.sh", kScript, 0755));
  model::Suite suite;
  suite.namespace_ = "demo";
  suite.name = "checkout";
  suite.description =
      "The example of `baton up`: a shell script that prints TAP. One case is flaky.";
  suite.kind = model::Kind::tap;
  suite.source = model::SuiteSource::file;
  suite.command = {"sh", "./checkout.sh"};
  suite.folder = folder;
  suite.max_attempts = 2;
  suite.artifacts = {"receipt.txt"};
  return suite;
}

}  // namespace baton::app
