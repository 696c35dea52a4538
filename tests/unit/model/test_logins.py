"""Logins of flows, in the records of these flows."""

from __future__ import annotations

import numpy as np

from sensor.model import flow as flows
from sensor.model.logins import LOGINS_MAX, Login, Logins
from tests.flow_records import batch_of

ROOT = Login("root", "failure")
OVER = {"first_ns": 5, "action": flows.FLOW_ENDED}


def stamped(logins: Logins, *rows: dict[str, int]) -> list[Login]:
    """The logins that records refer to."""
    records = batch_of(*rows).records
    logins.stamp(records, records["action"] == flows.FLOW_ENDED)
    return [logins[int(index)] for index in records["pending_isn"]]


def noted(**flow: int) -> Logins:
    logins = Logins()
    logins.note(batch_of(flow).records[0], ROOT)
    return logins


def test_the_final_record_of_the_flow_has_its_login_and_no_other_one() -> None:
    logins = noted(first_ns=5, first_seq=7)
    over = {"first_ns": 5, "first_seq": 7, "action": flows.FLOW_ENDED}
    others = [over | {"first_seq": 8}, over | {"first_ns": 6},
              over | {"action": flows.FLOW_ACTIVE}, over | {"action": flows.FLOW_STARTED}]
    none = Login("", "")
    assert stamped(logins, *others) == [none] * 4
    assert stamped(logins, over, over) == [ROOT, none]


def test_the_last_login_counts() -> None:
    logins = noted(first_ns=5)
    logins.note(batch_of({"first_ns": 5}).records[0], Login("guest", "success"))
    assert stamped(logins, OVER) == [Login("guest", "success")]


def test_the_owner_of_a_process_stands_before_the_account() -> None:
    assert stamped(noted(first_ns=5), OVER | {"process": 3}) == [Login("", "failure")]


def test_what_the_table_left_in_a_record_is_no_login() -> None:
    assert stamped(Logins(), {"pending_isn": 4711}) == [Login("", "")]


def test_equal_logins_share_an_index_and_their_number_is_bounded() -> None:
    logins = Logins()
    records = batch_of({}).records.repeat(LOGINS_MAX + 2)
    records["first_seq"] = np.arange(len(records))
    for number, record in enumerate(records[:LOGINS_MAX]):
        logins.note(record, Login(str(number // 2), "failure"))
    logins.note(records[LOGINS_MAX], ROOT)  # no room: nothing is known of this flow
    logins.stamp(records, np.ones(len(records), np.bool_))
    assert records["pending_isn"][:5].tolist() == [1, 1, 2, 2, 3]
    assert records["pending_isn"][-3:].tolist() == [LOGINS_MAX // 2, 0, 0]
