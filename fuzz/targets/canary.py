"""Planted faults that a living harness finds within seconds, and a dead one never.

- `canary_read`: a frame record claims octets that its memory does not have. It shows only to a
  sanitizer that watches the compiled core.
- `canary_native`: fails for a TCP segment in a well-formed packet. Chance alone does not make one
  in hours: what the compiled decoder covers and compares must guide the fuzzer there.
- `canary_python`: the same for a word that Python code compares letter by letter.
"""

from __future__ import annotations

from collections.abc import Callable

from fuzz.targets.frames import ETHERNET, Decoding
from sensor.model.packets import KIND_FLOW, PROTOCOL_TCP

DECODING = Decoding()


class PlantedError(AssertionError):
    """The fault that was to be found."""


def make(name: str) -> Callable[[bytes], None]:
    """The check of one canary."""
    return {"canary_read": over_read, "canary_native": segment, "canary_python": word}[name]


def over_read(octets: bytes) -> None:
    """Decode a frame whose record promises 40 octets more than there are."""
    size = len(octets) + 40
    DECODING.decode(octets + b"\0", (0, size, size, ETHERNET))


def segment(octets: bytes) -> None:
    """Fail for a frame that carries a sound TCP segment to port 23."""
    row = DECODING.check(ETHERNET, octets, 0)
    if row["kind"] == KIND_FLOW and row["protocol"] == PROTOCOL_TCP:
        raise PlantedError("a TCP segment")


def word(octets: bytes) -> None:
    """Fail for octets that start with a certain word."""
    for place, letter in enumerate(b"telnet"):
        if len(octets) <= place or octets[place] != letter:
            return
    raise PlantedError("the word")
