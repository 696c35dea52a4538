"""`python -m sensor` and the installed command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from sensor.cli import main as run  # noqa: PLC0415  after sensor/__init__.py set the stage

    sys.exit(run())


if __name__ == "__main__":
    main()
