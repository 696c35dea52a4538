"""Logins: the account that logs in within a flow, and whether it worked, as far as packets show.

Analyzers tell them while the flow goes on; its final record refers to the last one by its index in
the run's `Logins`. Index 0 stands for none. Earlier events of the flow do not: what they say must
not hang on how many events are looked at together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LOGINS_MAX = 65_536
"""Logins that are told apart in a run, and flows in progress of which one is known. Records of
further ones say nothing of it; the protocol events do."""


class Login(NamedTuple):
    """An account, empty where none is known or a process's owner stands for it, and an outcome."""

    user: str
    outcome: str


class Logins:
    """The logins of one run by index, each once. Workers note theirs, one thread stamps records."""

    def __init__(self) -> None:
        self._known = [Login("", "")]
        self._indices: dict[Login, int] = {}
        self._of_flows: dict[tuple[int, int], Login] = {}
        """By time and sequence number of a flow's first packet."""

    def __getitem__(self, index: int) -> Login:
        return self._known[index]

    def note(self, flow: Any, login: Login) -> None:
        """The last login of a flow, by a record of it."""
        name = int(flow["first_ns"]), int(flow["first_seq"])
        if name in self._of_flows or len(self._of_flows) < LOGINS_MAX:
            self._of_flows[name] = login

    def stamp(self, records: NDArray[np.void], ended: NDArray[np.bool_]) -> None:
        """Write the index of its login into each record of a flow that `ended`, and forget it."""
        indices = records["pending_isn"]
        indices[:] = 0
        if not self._of_flows:
            return
        known = list(self._of_flows)  # at once: other threads note theirs
        times = np.array([first_ns for first_ns, _ in known], np.int64)
        for row in np.flatnonzero(ended & np.isin(records["first_ns"], times)).tolist():
            name = int(records["first_ns"][row]), int(records["first_seq"][row])
            login = self._of_flows.pop(name, None)
            if login is not None:
                hidden = login._replace(user="") if records["process"][row] else login
                indices[row] = self._index(hidden)

    def _index(self, login: Login) -> int:
        index = self._indices.get(login, 0)
        if not index and len(self._known) <= LOGINS_MAX:
            index = self._indices[login] = len(self._known)
            self._known.append(login)
        return index
