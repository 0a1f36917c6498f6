# SPDX-License-Identifier: MIT
"""Faithful fakes of the systems that Baton talks with; see the head of each module."""
