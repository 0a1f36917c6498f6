# SPDX-License-Identifier: MIT
# What the captured pytest reports were made from (capture.sh).
import pytest


def test_adds():
    assert 2 + 2 == 4


def test_fails():
    print("printed before")
    assert 1 == 2, "one <is> not two"


@pytest.mark.skip(reason="no server here")
def test_skips():
    pass


@pytest.mark.xfail(reason="known defect")
def test_expected_failure():
    assert False


@pytest.mark.xfail(reason="was a defect")
def test_unexpected_pass():
    assert True


@pytest.fixture
def broken():
    raise RuntimeError("no database")


@pytest.fixture
def breaks_after():
    yield
    raise RuntimeError("cannot clean up")


def test_setup_error(broken):
    pass


def test_teardown_error(breaks_after):
    pass


class TestGroup:
    @pytest.mark.parametrize("n", [1, "a/b::c d"])
    def test_param(self, n):
        assert n
