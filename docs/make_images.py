"""Draw docs/images/replay.svg: what `sensor replay captures/demo.pcap` shows on a terminal.

    python docs/make_images.py [FOLDER]

The alerts, the notices and the summary come from the code that the command itself uses, with a
console that remembers what it printed. Only the prompt is written by hand.
"""

from __future__ import annotations

import io
import re
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from sensor.app.build import build_replay, load_rules
from sensor.app.outputs import RunOutputs
from sensor.app.stories import Stories
from sensor.base.escape import harmless
from sensor.capture.files.discover import discover
from sensor.cli.replay import full_ledger
from sensor.config import Config
from sensor.sinks.console import ConsoleSink
from sensor.terminal.summary import summary_rich
from sensor.terminal.talkers import Talkers

ROOT = Path(__file__).parents[1]
CAPTURE = "captures/demo.pcap"
WIDTH = 126
"""Columns: the longest line of the demo fits."""

FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""How rich lets a picture fetch its font from a server; ours fetches nothing."""


def main() -> int:
    """Write the picture; returns the exit code."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    (folder / "replay.svg").write_text(draw_replay(), encoding="utf-8")
    return 0


class Terminal(io.StringIO):
    """A terminal, as far as a sink can tell."""

    def isatty(self) -> bool:
        return True


def draw_replay() -> str:
    """The picture of a replay of the demo, as SVG."""
    stream = Terminal()
    console = Console(
        record=True, file=stream, force_terminal=True, color_system="truecolor", width=WIDTH,
        highlight=False, markup=False, emoji=False,
    )  # fmt: skip
    console.print(Text(f"$ sensor replay {CAPTURE}", "bold"))
    replay(console, stream)
    svg = console.export_svg(title="sensor replay", theme=MONOKAI, unique_id="replay")
    # Some programs that draw SVG trim the blanks with which rich aligns, unless told not to.
    return FONT_FACE.sub("", svg).replace("<svg ", '<svg xml:space="preserve" ', 1)


def replay(console: Console, stream: io.StringIO) -> None:
    """Replay the demo as the command does, onto `console`."""
    started_s = time.perf_counter()
    config = Config()
    ruleset = load_rules((), (), config)
    for notice in ruleset.notices_at_start(whole=False):
        console.print(harmless(f"notice: {notice}"))
    sink, talkers = ConsoleSink(stream, console=console), Talkers()
    outputs, stories = RunOutputs([sink, talkers]), Stories()
    stories.listen(outputs)
    pipeline = build_replay(discover([ROOT / CAPTURE]), ruleset, outputs, config,
                            protocols=ruleset.protocols)
    pipeline.run()
    sink.close()
    ledger = full_ledger(pipeline, ruleset, [sink], time.perf_counter() - started_s)
    console.print(summary_rich(ledger, talkers, console.width, stories=stories.told()))


if __name__ == "__main__":
    sys.exit(main())
