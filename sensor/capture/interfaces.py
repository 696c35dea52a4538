"""Interfaces: the names of the run's interfaces; a frame carries an index into them."""

from __future__ import annotations

INTERFACES_MAX = 65535
"""Distinct names in one run; a frame's index has 16 bits."""


class Interfaces:
    """Names that only grow in number: an index stays good for the whole run.

    Index 0 is the interface without a name (classic pcap never names one). Interfaces of the same
    name are one, so that rotated files of one recorder do not multiply them.
    """

    def __init__(self) -> None:
        self._indices = {"": 0}
        self._names: tuple[str, ...] = ("",)

    @property
    def names(self) -> tuple[str, ...]:
        """All names so far, by index."""
        if len(self._names) != len(self._indices):
            self._names = tuple(self._indices)
        return self._names

    def index(self, name: str) -> int:
        """The index of this name; beyond INTERFACES_MAX names, that of the nameless one."""
        if name not in self._indices and len(self._indices) >= INTERFACES_MAX:
            return 0
        return self._indices.setdefault(name, len(self._indices))
