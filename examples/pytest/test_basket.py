# SPDX-License-Identifier: MIT
import os

import pytest


def wished(what):
    return os.environ.get(f"EXAMPLE_{what}") or os.environ.get(f"BATON_PARAM_EXAMPLE_{what}")


def test_starts_empty():
    assert sum([]) == 0


class TestTotal:
    @pytest.mark.parametrize("prices, total", [([3], 3), ([3, 4], 7)])
    def test_adds_up(self, prices, total):
        print("the prices are", prices)
        assert sum(prices) == (8 if wished("FAIL") and total == 7 else total)


def test_keeps_its_connection():
    first = os.environ.get("BATON_ATTEMPT", "1") == "1"
    assert not (wished("FLAKY") and first), "the connection was lost"


@pytest.mark.skip(reason="the payment service is not part of this example")
def test_takes_payment():
    raise AssertionError
