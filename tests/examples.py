"""How many examples a property is tried on."""

from __future__ import annotations

import os

from hypothesis import settings

SHARE = float(os.environ.get("SENSOR_EXAMPLES_SHARE", "1"))
"""Where everything is many times slower, one example of so many will do: the suite runs all. Less
than 1 asks for more of them: each run tries others, and a long one finds what is rare.
"""


def examples(count: int) -> settings:
    """Settings for so many examples, without a limit of time."""
    return settings(max_examples=max(int(count / SHARE), 5), deadline=None)
