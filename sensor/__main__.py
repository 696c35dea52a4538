"""`python -m sensor` and the installed command."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Until a run handles signals itself, an interrupt ends the process as a signal does. Python's
    # exception would come up inside an extension module that is being loaded, and not all stand it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from sensor.cli.main import main as run  # noqa: PLC0415  after the handler is gone

    try:
        code = run()
    except SystemExit:  # what click makes of a reader that went away: `sensor rules list | head`
        code = 0
    sys.exit(code)


if __name__ == "__main__":
    main()
