"""What a run gathers for the summary at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.app.options import RunOptions
from sensor.app.outputs import RunOutputs, console_options
from sensor.engine.ledger import Ledger

if TYPE_CHECKING:  # a run that prints no summary imports none of it
    from sensor.app.stories import Stories
    from sensor.terminal.talkers import Talkers


class ClosingSummary:
    """Hears what the alerts of a run are about, and tells it at the end."""

    def __init__(self, options: RunOptions, outputs: RunOutputs, *, wanted: bool) -> None:
        """Unless `wanted` it hears and tells nothing. The receivers of the run must be complete."""
        self._options = options
        self._heard: tuple[Talkers, Stories] | None = None
        if wanted:
            from sensor.app.stories import Stories  # noqa: PLC0415
            from sensor.terminal.talkers import Talkers  # noqa: PLC0415

            talkers, stories = self._heard = Talkers(), Stories()
            outputs.sinks = [*outputs.sinks, talkers]
            stories.listen(outputs)

    def print(self, ledger: Ledger) -> None:
        """Write the summary to standard error. Errors: OSError."""
        if self._heard is not None:
            from sensor.terminal.summary import render_summary  # noqa: PLC0415

            talkers, stories = self._heard
            render_summary(ledger, talkers, console_options(self._options), stories=stories.told())
