#!/bin/sh
# SPDX-License-Identifier: MIT
# One case of the suite, named by the first argument. 77 means skipped.
fail=${EXAMPLE_FAIL:-$BATON_PARAM_EXAMPLE_FAIL}
flaky=${EXAMPLE_FLAKY:-$BATON_PARAM_EXAMPLE_FLAKY}

case $1 in
  starts_empty) exit 0 ;;
  adds_up)
    total=$((3 + 4))
    echo "the total is $total"
    [ "$total" = "${fail:+8}" ] || [ -z "$fail" ]
    ;;
  keeps_its_connection)
    if [ -n "$flaky" ] && [ "${BATON_ATTEMPT:-1}" = 1 ]; then
      echo "the connection was lost"
      exit 1
    fi
    ;;
  takes_payment) exit 77 ;;
  *) echo "there is no case $1" && exit 2 ;;
esac
