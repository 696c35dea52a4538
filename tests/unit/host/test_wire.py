"""Both sides of the helper's socket refuse what does not fit."""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.host.sock_diag import Ends
from sensor.host.wire import (
    QUERY_MAX,
    MessageError,
    machine_from,
    pack,
    process_from,
    process_to,
    query_from,
    query_to,
    unpack,
)
from sensor.model.processes import Machine, Process

MACHINE = Machine("m1", "box", "linux")
ENDS = Ends(6, ipaddress.ip_address("127.0.0.1"), 40000, ipaddress.ip_address("192.0.2.1"), 23)
PROCESS = Process(
    pid=5, name="telnet", args=("telnet", "x"), start_ns=7, entity_id="ab" * 32, user_id="0",
    machine=MACHINE, source="proc", gaps=("executable",),
)  # fmt: skip


def test_a_process_and_a_question_come_through_unchanged() -> None:
    assert process_from(unpack(pack(process_to(PROCESS))), MACHINE) == PROCESS
    assert process_from({}, MACHINE) == Process(machine=MACHINE)
    assert query_from(unpack(pack(query_to(9, ENDS)), QUERY_MAX)) == (9, ENDS)
    v6 = Ends(17, ipaddress.ip_address("fe80::1"), 1, ipaddress.ip_address("::1"), 2)
    assert query_from(unpack(pack(query_to(0, v6)), QUERY_MAX)) == (0, v6)


def test_hostile_text_stays_text() -> None:
    hostile = Process(pid=1, name='"}\n\x1b[2J\udcff', args=("a\n{}", "\0"))
    told = process_from(unpack(pack(process_to(hostile))), Machine())
    assert told.name == '"}\n\x1b[2J\ufffd' and told.args == ("a\n{}", "\0")


@pytest.mark.parametrize("told", [
    None, [], {"pid": "5"}, {"pid": True}, {"pid": 1.5}, {"pid": 1 << 63}, {"name": 5},
    {"args": "a"}, {"args": [1]}, {"machine": {}}, {"unknown": 1}, {"entity_id": "<b>"},
])  # fmt: skip
def test_what_is_no_process_is_refused(told: Any) -> None:
    with pytest.raises(MessageError):
        process_from(told, MACHINE)


@pytest.mark.parametrize("change", [
    {"ask": -1}, {"ask": "1"}, {"ask": True}, {"protocol": 1}, {"protocol": "6"}, {"local": None},
    {"protocol": 6.0}, {"protocol": [6]},
    {"local": ["127.0.0.1"]}, {"local": ["localhost", 1]}, {"local": ["127.0.0.1", 65536]},
    {"local": ["127.0.0.1", "1"]}, {"remote": ["::1", 1]}, {"remote": [1, 1]},
])  # fmt: skip
def test_what_is_no_question_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MessageError):
        query_from(query_to(1, ENDS) | change)


@pytest.mark.parametrize("hello", [
    None, {}, {"addresses": [], "notices": None}, {"addresses": ["x"], "notices": []},
    {"addresses": [], "notices": [], "id": 5},
])  # fmt: skip
def test_what_is_no_hello_is_refused(hello: Any) -> None:
    with pytest.raises(MessageError):
        machine_from(hello)


def test_a_hello_tells_machine_and_addresses() -> None:
    machine, addresses, notices = machine_from({
        "id": "m1", "hostname": "box", "os": "linux", "addresses": ["127.0.0.1", "::1"],
        "notices": ["n"]})  # fmt: skip
    assert machine == MACHINE and notices == ("n",)
    assert addresses == (0xFFFF7F000001, 1)


@given(st.binary(max_size=200))
def test_no_octets_raise_anything_else(octets: bytes) -> None:
    for read in (query_from, lambda found: process_from(found, MACHINE), machine_from):
        with contextlib.suppress(MessageError):
            read(unpack(octets))


def test_a_message_beyond_its_bound_is_refused() -> None:
    with pytest.raises(MessageError):
        unpack(orjson.dumps({"ask": "x" * QUERY_MAX}), QUERY_MAX)
