"""Rows with typed columns, as flow batches have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensor.model.columns import AddressColumn, CodedColumn, NumberColumn

SECOND = 1_000_000_000


class Flows:
    """Typed columns, as flow batches have them."""

    count = 4

    def __init__(self) -> None:
        valid = np.array([True, True, True, False])
        self.columns: dict[str, Any] = {
            "u16": NumberColumn(np.array([23, 80, 65535, 23], dtype=np.uint16), valid),
            "u64": NumberColumn(np.array([2**63, 2**53 + 1, 0, 1], dtype=np.uint64), None),
            "i64": NumberColumn(np.array([-1, 2**53 + 1, 0, 1], dtype=np.int64), None),
            "f64": NumberColumn(np.array([-0.5, 2.0, 0.1, 1e300]), None, "double"),
            "when": NumberColumn(np.array([0, SECOND, 86400 * SECOND, 1]), None, "date"),
            "ip": AddressColumn(np.array([0, 0, 0xFD00 << 48, 0], dtype=np.uint64),
                                np.array([0xFFFF0A000001, 0xFFFF08080808, 1, 0], dtype=np.uint64),
                                valid),
            "word": CodedColumn(np.array([0, 1, 1, 2], dtype=np.uint8), (("a", "b"), ("c",), ())),
        }

    def column(self, name: str) -> Any:
        return self.columns.get(name)

    def known_ns(self, row: int) -> int:
        return row

    def document(self, row: int) -> dict[str, Any]:
        return {"row": row}
