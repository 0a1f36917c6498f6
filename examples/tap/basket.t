#!/bin/sh
# SPDX-License-Identifier: MIT
# Any program that prints TAP is a suite.
fail=${EXAMPLE_FAIL:-$BATON_PARAM_EXAMPLE_FAIL}
flaky=${EXAMPLE_FLAKY:-$BATON_PARAM_EXAMPLE_FLAKY}

echo "TAP version 13"
echo "1..4"
echo "ok 1 - starts empty"
echo "# the total is $((3 + 4))"
if [ -n "$fail" ]; then
  echo "not ok 2 - adds up"
  echo "  ---"
  echo "  message: 'expected 8, got 7'"
  echo "  file: basket.t"
  echo "  line: 11"
  echo "  ..."
else
  echo "ok 2 - adds up"
fi
if [ -n "$flaky" ] && [ "${BATON_ATTEMPT:-1}" = 1 ]; then
  echo "not ok 3 - keeps its connection"
  echo "# the connection was lost"
  fail=1
else
  echo "ok 3 - keeps its connection"
fi
echo "ok 4 - takes payment # SKIP the payment service is not part of this example"
[ -z "$fail" ]
