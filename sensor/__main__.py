"""`python -m sensor` and the installed command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    # What starting makes stays: nothing is gained by looking through it. What runs for long turns
    # the collector on (settle); on the way out it would look through everything once more.
    gc.disable()
    from sensor.cli.main import main as run  # noqa: PLC0415  after sensor/__init__.py set the stage

    try:
        code = run()
    except SystemExit:  # what click makes of a reader that went away: `sensor rules list | head`
        code = 0
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
