"""Whether what a side says can be text at all: control characters tell, block by block."""

from __future__ import annotations

BLOCK = 128
_IN_TEXT = bytes({0, *b"\a\b\t\n\r\x1b", *range(32, 256)} - {127})
_SHARE = 25
"""A block is binary if one of so many octets is a control character that no text has."""


class Binary:
    """Counts one side's octets of text; where they were cut does not matter."""

    def __init__(self) -> None:
        self.room = BLOCK
        """Octets up to the end of the block."""
        self._odd = 0

    def add(self, octets: bytes) -> bool:
        """Take at most `room` octets; True if they end a block that is binary."""
        self.room -= len(octets)
        self._odd += len(octets.translate(None, _IN_TEXT))
        if self.room > 0:
            return False
        is_binary = self._odd * _SHARE > BLOCK
        self.room, self._odd = BLOCK, 0
        return is_binary
