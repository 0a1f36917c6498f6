#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes the captured outputs of the parent folder again, from the tools installed here:
# g++ with GoogleTest, Catch2 2 and doctest, CTest, pytest, Go and Playwright. The tests then show
# what changed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(dirname "$here")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/." "$work/"
cd "$work" || exit 1

g++ -std=c++17 gtest.cc -o gtest_sample -lgtest -lgtest_main -pthread
./gtest_sample --gtest_list_tests >"$out/gtest_list.txt"
./gtest_sample --gtest_list_tests --gtest_output="json:$out/gtest_list.json" >/dev/null
./gtest_sample --gtest_output="json:$out/gtest.json" >"$out/gtest_live.txt"
./gtest_sample --gtest_output="xml:$out/gtest.xml" >/dev/null

g++ -std=c++17 catch2.cc -o catch2_sample
./catch2_sample --list-test-names-only >"$out/catch2_list.txt"
./catch2_sample -r junit -o "$out/catch2.xml"
./catch2_sample -r xml -o "$out/catch2_native.xml" >/dev/null
./catch2_sample -r xml -d yes >"$out/catch2_live.txt"

g++ -std=c++17 doctest.cc -o doctest_sample
./doctest_sample -ltc -r=xml >"$out/doctest_list.xml"
./doctest_sample -r=junit -o="$out/doctest.xml" >/dev/null
./doctest_sample -r=xml -d=true -o="$out/doctest_native.xml" >/dev/null
./doctest_sample -r=xml -d=true >"$out/doctest_live.txt"

(cd pytest && export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH= &&
  /usr/bin/python3 -m pytest -p no:cacheprovider --collect-only -q >"$out/pytest_list.txt"
  /usr/bin/python3 -m pytest -p no:cacheprovider -v --junitxml="$work/pytest.xml" >"$out/pytest_live.txt"
  /usr/bin/python3 -m pytest -p no:cacheprovider -q -o junit_family=xunit1 \
    --junitxml="$out/pytest_xunit1.xml" >/dev/null
  cp "$work/pytest.xml" "$out/"
  /usr/bin/python3 -m pytest -p no:cacheprovider -v -s >"$out/pytest_live_s.txt")

(cd go && export GOFLAGS=-mod=mod GOCACHE="$work/gocache" &&
  go test -list . ./calc ./panics >"$out/go_list.txt"
  go test -json ./... >"$out/go.jsonl" 2>/dev/null)

node_modules=$here/../../../../examples/playwright/node_modules
(cd playwright && ln -s "$node_modules" node_modules && export CI= FORCE_COLOR=0 &&
  npx playwright test --list --reporter=json >"$out/playwright_list.json"
  export PLAYWRIGHT_JUNIT_INCLUDE_RETRIES=1
  PLAYWRIGHT_JSON_OUTPUT_NAME="$out/playwright.json" PLAYWRIGHT_JUNIT_OUTPUT_NAME="$out/playwright.xml" \
    npx playwright test --reporter=list,json,junit >"$out/playwright_live.txt")

cmake -S ctest -B build >/dev/null
(cd build &&
  ctest --show-only=json-v1 >"$out/ctest_list.json"
  ctest --timeout 60 --output-junit "$out/ctest.xml" -V >"$out/ctest_live.txt" 2>&1)

# Paths and the machine's name are not part of what the tests look at. (Playwright's host names are
# its projects.)
sed -i -e "s#$work#/sample#g" "$out"/*.{txt,xml,json,jsonl}
sed -i -e "s#hostname=\"[^\"]*\"#hostname=\"host\"#" "$out"/{catch2,ctest,pytest,pytest_xunit1}.xml
