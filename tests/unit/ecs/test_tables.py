"""Names of columns, cells of CSV, addresses that sort."""

from __future__ import annotations

import ipaddress
from typing import Any

import numpy as np
import pytest

from sensor.ecs.tables import cell, column_name, flow_columns, hex_texts
from sensor.model.addresses import address_halves
from sensor.model.columns import AddressColumn
from tests.flow_records import batch_of


def test_names_of_columns_need_no_quotes() -> None:
    names = [name for name, _, _ in flow_columns(batch_of({}))]
    assert all(name.isidentifier() for name in names)
    assert len(set(names)) == len(names)
    assert (column_name("@timestamp"), column_name("source.ip")) == ("timestamp", "source_ip")


@pytest.mark.parametrize(("value", "text"), [
    (None, ""), (0, "0"), (["a", "b"], "a;b"), ("=1", "'=1"), ("a\r\nb", "a\\r\\nb"),
    ("\x1b[1m", "\\x1b[1m"), ("a\u202eb", "a\\u202eb"),
])
def test_cells(value: Any, text: str) -> None:
    assert cell(value) == text


def test_networks_are_ranges_of_hexadecimal_digits() -> None:
    texts = ["10.0.0.0", "10.255.255.255", "11.0.0.0", "9.255.255.255", "::1", "2001:db8::1"]
    halves = [address_halves(text) for text in texts]
    octets = hex_texts(AddressColumn(np.array([hi for hi, _ in halves], dtype=np.uint64),
                                     np.array([lo for _, lo in halves], dtype=np.uint64))).decode()
    found = dict(zip(texts, (octets[at : at + 32] for at in range(0, len(octets), 32)),
                     strict=True))
    assert [text for text in texts if found["10.0.0.0"] <= found[text] <= found["10.255.255.255"]
            ] == ["10.0.0.0", "10.255.255.255"]
    assert found["2001:db8::1"] == f"{int(ipaddress.ip_address('2001:db8::1')):032x}"
