"""Members of flow records side by side, for whoever wants many columns of many records.

Records of 256 octets lie far apart: each column that is read from them meets a cache line a row.
Turned round once, word by word, a column is in a few lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WORD = 8
BLOCK_ROWS = 512
"""Records that are turned round together: they stay in the cache meanwhile."""


class MemberColumns:
    """Stands where an array of records is, and gives the same columns: `columns["member"]`."""

    def __init__(self, records: NDArray[np.void]) -> None:
        self._records = np.ascontiguousarray(records)
        words = records.dtype.itemsize // WORD
        rows = self._records.view(np.uint64).reshape(len(records), words)
        self._words = np.empty((words, len(records)), np.uint64)
        for first in range(0, len(records), BLOCK_ROWS):
            self._words[:, first : first + BLOCK_ROWS] = rows[first : first + BLOCK_ROWS].T

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, member: str) -> NDArray[Any]:
        """The values of a member; those that lie across words as the records have them."""
        kind, place = self._records.dtype.fields[member][:2]  # type: ignore[index]
        single, shape = (kind.base, kind.shape)
        found: NDArray[Any]
        word, inside = divmod(place, WORD)
        if single.kind in "iu" and shape in ((), (2,)):
            if inside + kind.itemsize <= WORD:
                found = self._words[word].view(single).reshape(len(self), WORD // single.itemsize)
                first = inside // single.itemsize
                return found[:, first] if shape == () else found[:, first : first + 2]
            if single.itemsize == WORD:
                return self._words[word : word + 2].view(single).T
        found = self._records[member]
        return found
