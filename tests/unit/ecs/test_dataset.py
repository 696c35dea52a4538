"""The columns of a dataset of flows: they hold what the documents of flows hold."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterator

import pytest

from sensor.ecs.dataset import DELTA_COLUMNS, DICTIONARY_COLUMNS, LEFT_OUT, dataset_table
from sensor.ecs.schema import FLOW_FIELDS
from sensor.ecs.tables import column_name
from tests import ecs
from tests.flow_records import batch_of, random_batch

pytest.importorskip("pyarrow")


def pairs(seed: int) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Rows of the dataset with the values of the documents, by column."""
    batch = random_batch(seed)
    rows = dataset_table(batch).to_pylist()
    for row, document in zip(rows, batch.to_dicts(), strict=True):
        yield row, {column_name(name): value for name, value in ecs.leaves(document)}


def test_a_column_holds_what_the_documents_hold() -> None:
    for row, document in pairs(21):
        assert row.pop("flow_id").hex() == document["flow_id"]  # type: ignore[attr-defined]
        digest = row.pop("network_community_id")
        assert isinstance(digest, bytes)
        assert f"1:{base64.b64encode(digest).decode()}" == document["network_community_id"]
        for side in ("source_ip", "destination_ip"):
            address = ipaddress.ip_address(str(document[side]))
            expected = int(address) if address.version == 4 else None
            if not str(document[side]).startswith("::ffff:"):
                assert row[f"{side}4"] == expected
            del row[f"{side}4"]
        for name in ("event_start", "event_end"):
            stamp = row.pop(name)
            assert str(document[name])[:19] == f"{stamp:%Y-%m-%dT%H:%M:%S}"
        for name, value in row.items():
            assert value == document.get(name), name


def test_times_keep_their_nanoseconds() -> None:
    table = dataset_table(batch_of({}))
    assert table.column("event_start").cast("int64").to_pylist() == [1767323045_000000001]
    assert table.column("event_end").cast("int64").to_pylist() == [1767323046_000000003]


def test_every_batch_of_a_run_has_the_same_columns() -> None:
    batches = (batch_of({}), random_batch(1), random_batch(2, live=True), batch_of())
    assert len({str(dataset_table(batch).schema) for batch in batches}) == 1


def test_every_column_has_one_encoding_and_what_is_left_out_is_a_field() -> None:
    names = set(dataset_table(batch_of({})).column_names)
    encoded = [*DELTA_COLUMNS, *DICTIONARY_COLUMNS]
    assert len(encoded) == len(set(encoded))
    assert names - set(encoded) == {"flow_id", "network_community_id"} and set(encoded) <= names
    assert set(LEFT_OUT) <= set(FLOW_FIELDS)
    assert not names & set(map(column_name, LEFT_OUT))
