"""Columns of any form as codes into their distinct values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.base.units import SECOND_NS
from sensor.model.addresses import address_text
from sensor.model.columns import AddressColumn, CodedColumn, Column, Mask, Scalar

Values = tuple[Scalar, ...]


def recoded(column: Column) -> CodedColumn:
    """Any column as codes into its distinct values."""
    if isinstance(column, CodedColumn):
        return column
    if isinstance(column, AddressColumn):
        pairs, codes = np.unique(
            np.stack((column.hi, column.lo), axis=1), axis=0, return_inverse=True
        )
        texts = [address_text(int(hi), int(lo)) for hi, lo in pairs]
        return _with_missing(codes.reshape(-1), [(text,) for text in texts], column.valid, "ip")
    numbers, codes = np.unique(column.values, return_inverse=True)
    table: list[Values] = [(number,) for number in numbers.tolist()]
    if column.ecs_type == "date":
        table = [(date_text(int(number)),) for number in numbers.tolist()]
    return _with_missing(codes, table, column.valid, column.ecs_type)


def _with_missing(
    codes: NDArray[Any], table: list[Values], valid: Mask | None, ecs_type: str
) -> CodedColumn:
    if valid is not None:
        codes = np.where(valid, codes, len(table))
        table = [*table, ()]
    return CodedColumn(codes, tuple(table), ecs_type)


def date_text(time_ns: int) -> str:
    """RFC 3339 with nine decimals.

    Units: nanoseconds since 1970 UTC.
    """
    seconds, fraction = divmod(time_ns, SECOND_NS)
    try:
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return "9999-12-31T23:59:59.999999999Z"
    return f"{start:%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
