"""What the ends of a connection did before and after it."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.app.contacts import contact_of, surroundings
from sensor.app.flow_columns import FlowColumns
from sensor.model import flow as flows
from sensor.model.addresses import V4_PREFIX
from tests.flow_records import batch_of

SOURCE, SERVER, OTHER = (V4_PREFIX | 0xC0000200 | last for last in (10, 20, 30))
"""192.0.2.10, 192.0.2.20 and 192.0.2.30."""
DOCUMENT: dict[str, Any] = {"source": {"ip": "192.0.2.10", "port": 50432},
                            "destination": {"ip": "192.0.2.20", "port": 23}}  # fmt: skip


def flow(orig: int, resp: int, verdict: int, first_ns: int, **others: int) -> dict[str, int]:
    """A final record; it is over at once."""
    return {"orig_lo": orig, "resp_lo": resp, "verdict": verdict, "first_ns": first_ns,
            "last_ns": first_ns, "action": flows.FLOW_ENDED, **others}  # fmt: skip


def around(time_ns: int, *rows: dict[str, int]) -> Any:
    """What is found around the connection of DOCUMENT among flows."""
    kept = FlowColumns(100)
    kept.write(batch_of(*rows))
    contact = contact_of(DOCUMENT)
    assert contact is not None
    return surroundings(kept.rows(), contact, time_ns)


def test_what_the_source_tried_before_and_nothing_else() -> None:
    found = around(
        12,
        flow(SOURCE, OTHER, flows.DENIED, 1), flow(SOURCE, OTHER + 1, flows.DROPPED, 2),
        flow(SOURCE, OTHER + 1, flows.DENIED, 3, resp_port=80),
        flow(SOURCE, OTHER, flows.ACCEPTED, 4),  # at this port: it was there before
        flow(SOURCE, OTHER, flows.ACCEPTED, 5, resp_port=443),  # any client does that
        flow(OTHER, SERVER, flows.DENIED, 6), flow(SOURCE, SERVER, flows.UNKNOWN, 7),
        flow(SOURCE, SERVER, flows.ACCEPTED, 10), flow(SOURCE, OTHER, flows.DENIED, 11),
    )  # fmt: skip
    assert found.before == (
        "until then the same source had tried 2 hosts: 2 refused, 1 accepted, 1 unanswered")
    assert found.record["first_ns"] == 10


def test_the_first_contact_has_nothing_before_it() -> None:
    assert around(12, flow(SOURCE, SERVER, flows.ACCEPTED, 10)).before == ""


def test_what_the_server_opened_later_once_each_in_order_of_time() -> None:
    found = around(
        10, flow(SERVER, OTHER, flows.ACCEPTED, 30, resp_port=80),
        flow(SERVER, OTHER, flows.ACCEPTED, 20, resp_port=443),
        flow(SERVER, OTHER, flows.ACCEPTED, 40, resp_port=80),
        flow(SERVER, OTHER + 1, flows.DENIED, 41), flow(SERVER, OTHER + 2, flows.ACCEPTED, 9),
    )  # fmt: skip
    assert found.after == [("192.0.2.30:443", "192.0.2.30", 20),
                           ("192.0.2.30:80", "192.0.2.30", 30)]


def test_the_same_ports_used_again_are_the_connection_of_that_time() -> None:
    rows = [flow(SOURCE, SERVER, flows.ACCEPTED, first) for first in (10, 20, 30)]
    assert around(25, *rows).record["first_ns"] == 20
    assert around(5, *rows).record is None


def test_of_two_at_once_none_is_taken() -> None:
    rows = [flow(SOURCE, SERVER, flows.ACCEPTED, 10) | {"last_ns": 30},
            flow(SOURCE, SERVER, flows.ACCEPTED, 20)]  # fmt: skip
    assert around(25, *rows).record is None


@pytest.mark.parametrize("side", [
    {"ip": "192.0.2.10"}, {"port": 23}, {"ip": "not one", "port": 23}, {"ip": ["::1"], "port": 23},
    {"ip": "192.0.2.10", "port": "23"}, {"ip": "192.0.2.10", "port": None}, "text"])
def test_documents_that_name_no_contact(side: object) -> None:
    assert contact_of({**DOCUMENT, "source": side}) is None
    assert contact_of({**DOCUMENT, "destination": side}) is None
    assert contact_of({}) is None


def test_a_v4_address_in_v6_form_is_another_one() -> None:
    kept = FlowColumns(9)
    kept.write(batch_of(flow(SOURCE, SERVER, flows.ACCEPTED, 10)))
    mapped = {"source": {"ip": "::ffff:192.0.2.10", "port": 50432},
              "destination": {"ip": "::ffff:192.0.2.20", "port": 23}}  # fmt: skip
    contact = contact_of(mapped)
    assert contact is not None and surroundings(kept.rows(), contact, 12).record is None
