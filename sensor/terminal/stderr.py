"""Lines on standard error."""

from __future__ import annotations

import contextlib

import click

from sensor.base.escape import harmless


def print_stderr(text: str) -> None:
    """A line or more on stderr, harmless; a stderr that nobody reads is no reason to stop."""
    with contextlib.suppress(OSError):
        for line in text.split("\n"):
            click.echo(harmless(line), err=True)
