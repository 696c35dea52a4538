"""Draw docs/images/octets.svg: who owns the octets of a frame, and for how long.

    python docs/make_octets.py [FOLDER]

A test draws it anew and compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

TITLE = "Who owns the octets of a frame, and for how long"
LANES = ("capture", "decode thread", "table's thread", "rules, sinks")
WIDTH, LANE, TOP, LEFT = 940, 84, 64, 150
BOXES = (
    # lane, from, to, title, what is said of it, colour
    (0, 0, 250, "window or ring block", "octets of many frames; filled anew then", "#cfe3f5"),
    (1, 70, 250, "decode, prepare, select", "reads the window", "#e8e8e8"),
    (1, 250, 470, "packet batch: kept", "payloads that are wanted, copied", "#d7efd2"),
    (2, 330, 470, "table.advance", "flows, verdicts", "#e8e8e8"),
    (2, 470, 640, "segments", "payload and flow, copied again", "#d7efd2"),
    (2, 640, 800, "streams, analyzers", "in order, each octet once", "#e8e8e8"),
    (3, 640, 780, "flow events", "records, no octets", "#f6e6c8"),
    (3, 780, 940, "documents", "what was said, as values", "#f6e6c8"),
)


def draw() -> str:
    """The picture as SVG."""
    height = TOP + LANE * len(LANES) + 20
    right = LEFT + WIDTH + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{right}" height="{height}" '
        f'viewBox="0 0 {right} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{right}" height="{height}" fill="white"/>',
        f'<text x="12" y="26" font-size="16">{TITLE}</text>',
        f'<text x="{LEFT}" y="48" fill="#666">time of one batch &#8594;</text>',
    ]
    for number, name in enumerate(LANES):
        y = TOP + LANE * number
        parts.append(f'<line x1="12" y1="{y}" x2="{right - 12}" y2="{y}" stroke="#ccc"/>')
        parts.append(f'<text x="12" y="{y + LANE / 2 + 5}">{escape(name)}</text>')
    for lane, start, end, title, note, colour in BOXES:
        x, y = LEFT + start, TOP + LANE * lane + 10
        parts.append(f'<rect x="{x}" y="{y}" width="{end - start - 6}" height="{LANE - 20}" rx="5" '
                     f'fill="{colour}" stroke="#888"/>')
        parts.append(f'<text x="{x + 8}" y="{y + 22}">{escape(title)}</text>')
        for row, line in enumerate(wrapped(note, (end - start - 20) // 6)):
            parts.append(f'<text x="{x + 8}" y="{y + 39 + 14 * row}" font-size="11" '
                         f'fill="#444">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most so many characters."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
    (folder / "octets.svg").write_text(draw(), encoding="utf-8")
