"""`python -m sensor` and the installed command."""

from __future__ import annotations

import gc
import signal
import sys

NEW_OBJECTS = 20_000
"""So many are made before the collector looks at them; 700, as Python has it, is 150 looks during
the start alone, which find nothing."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Until a run handles signals itself, an interrupt ends the process as a signal does. Python's
    # exception would come up inside an extension module that is being loaded, and not all stand it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(NEW_OBJECTS)
    from sensor.cli.main import main as run  # noqa: PLC0415  after the handler is gone

    try:
        code = run()
    except SystemExit:  # what click makes of a reader that went away: `sensor rules list | head`
        code = 0
    sys.exit(code)


if __name__ == "__main__":
    main()
