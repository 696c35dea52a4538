"""Logins in documents and columns of flows."""

from __future__ import annotations

import numpy as np

from sensor.ecs.flow_batch import FlowBatch
from sensor.model.columns import CodedColumn
from sensor.model.logins import Login, Logins
from sensor.model.processes import Process, Processes
from tests.flow_records import batch_of


def mixed() -> FlowBatch:
    """A flow with a login, one of a known process, one with both, one with neither."""
    logins, processes = Logins(), Processes()
    owner = processes.index(Process(pid=7, user_name="daemon"))
    batch = batch_of({}, {"process": owner}, {"process": owner}, {},
                     logins=logins, processes=processes)  # fmt: skip
    batch.records["first_seq"] = range(4)
    for row, user in ((0, "root"), (2, "admin")):
        logins.note(batch.records[row], Login(user, "success"))
    logins.stamp(batch.records, np.ones(4, np.bool_))
    return batch


def test_documents() -> None:
    told = [(one.get("user", {}).get("name"), one.get("telnet")) for one in mixed().to_dicts()]
    login = {"login": {"outcome": "success"}}
    assert told == [("root", login), ("daemon", None), ("daemon", login), (None, None)]


def test_columns_are_what_documents_say() -> None:
    batch = mixed()
    for name, wanted in (("user.name", ["root", "daemon", "daemon", None]),
                         ("telnet.login.outcome", ["success", None, "success", None])):
        column = batch.column(name)
        assert isinstance(column, CodedColumn)
        values = [column.table[code] for code in column.codes.tolist()]
        assert values == [(one,) if one else () for one in wanted]


def test_a_batch_without_them_has_no_column() -> None:
    assert batch_of({}, logins=Logins()).column("user.name") is None
