"""Write the scripted captures of captures/sessions/: `python captures/make_sessions.py [OUTDIR]`.

The same octets on every run; a test compares them with the files in the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

import telnet_bots
import telnet_campaign
import telnet_dark
import telnet_devices
import telnet_exploits
import telnet_lines
import telnet_outcomes
import telnet_places
from formats import ETHERNET, Pcap
from telnet_talk import STORIES
from traffic import Traffic

TOLD_IN = (telnet_devices, telnet_places, telnet_lines, telnet_outcomes, telnet_dark, telnet_bots,
           telnet_campaign, telnet_exploits)  # fmt: skip
"""The modules whose import enters the stories."""


def write_capture(name: str, folder: Path) -> Path:
    """Write one capture into the folder."""
    traffic = Traffic(name, ETHERNET)
    for number, tell in enumerate(STORIES[name]):
        tell(traffic, number)
    path = folder / f"{name}.pcap"
    Pcap().write(path, traffic.link, traffic.in_order())
    return path


def main() -> None:
    """Write every capture, into the folder of sessions unless another one is named."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    for name in STORIES:
        print(write_capture(name, folder))


if __name__ == "__main__":
    main()
