"""The end of a start."""

from __future__ import annotations

import gc


def settle() -> None:
    """Everything is ready: leave what was made up to here alone, and collect garbage from now on.

    The command turned the collector off to start quickly.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
