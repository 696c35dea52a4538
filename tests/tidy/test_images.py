"""The pictures of the documentation show what the sensor prints today."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
NAME = "replay.svg"
SPEED = re.compile(r"in [0-9.]+ m?s$|^[0-9,]+ packets/s.*$")
"""What differs between two runs of the same replay."""


def lines(path: Path) -> list[str]:
    """The lines of a picture, from top to bottom, without what depends on the machine's speed."""
    rows: dict[float, list[str]] = {}
    for element in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text"):
        if "clip-path" in element.attrib:
            words = "".join(element.itertext()).replace("\xa0", " ")
            rows.setdefault(float(element.attrib["y"]), []).append(words)
    return [SPEED.sub("", "".join(rows[y]).rstrip()) for y in sorted(rows)]


def test_picture_shows_what_a_replay_prints(tmp_path: Path) -> None:
    # If this fails: python docs/make_images.py, and look at what it drew.
    script = ROOT / "docs" / "make_images.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, script, tmp_path], check=True, env=environment)
    drawn = lines(tmp_path / NAME)
    assert "Accepted Default Telnet Port Connection" in "\n".join(drawn)
    assert drawn == lines(ROOT / "docs" / "images" / NAME)


def test_picture_fetches_nothing() -> None:
    svg = (ROOT / "docs" / "images" / NAME).read_text(encoding="utf-8")
    assert "url(http" not in svg.replace('"', "").replace("'", "")
    assert "href" not in svg


def test_the_picture_of_the_octets_is_what_its_script_draws(tmp_path: Path) -> None:
    # If this fails: python docs/make_octets.py
    script = ROOT / "docs" / "make_octets.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, cwd=ROOT)
    drawn = (tmp_path / "octets.svg").read_bytes()
    assert drawn == (ROOT / "docs" / "images" / "octets.svg").read_bytes()
