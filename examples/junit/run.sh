#!/bin/sh
# SPDX-License-Identifier: MIT
# Stands for any tool that writes JUnit XML: into out/, where the suite's `reports` look.
cd "$(dirname "$0")" || exit 2
fail=${EXAMPLE_FAIL:-$BATON_PARAM_EXAMPLE_FAIL}
flaky=${EXAMPLE_FLAKY:-$BATON_PARAM_EXAMPLE_FLAKY}
adds_up= connection= status=0
if [ -n "$fail" ]; then
  adds_up='<failure message="expected 8, got 7">basket.js:11</failure>' status=1
fi
if [ -n "$flaky" ] && [ "${BATON_ATTEMPT:-1}" = 1 ]; then
  connection='<error message="the connection was lost"/>' status=1
fi

mkdir -p out
echo "writing out/basket.xml"
cat >out/basket.xml <<XML
<testsuites>
  <testsuite name="basket" tests="4">
    <testcase classname="basket" name="starts empty" time="0.001"/>
    <testcase classname="basket" name="adds up" time="0.002">$adds_up</testcase>
    <testcase classname="basket" name="keeps its connection" time="0.1">$connection</testcase>
    <testcase classname="basket" name="takes payment"><skipped message="no payment service"/></testcase>
  </testsuite>
</testsuites>
XML
exit $status
