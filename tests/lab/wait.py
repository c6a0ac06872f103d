# SPDX-License-Identifier: Apache-2.0
"""Waiting for what another process does, in tests that must not depend on how fast it is."""

import time


def until(condition, what, seconds=60):
    """Until CONDITION() is true, and what it was then. WHAT names it where that does not come."""
    end = time.monotonic() + seconds
    while not (met := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return met
