"""What a server opened after a session, with names and requests."""

from __future__ import annotations

from sensor.app.contacts import Target, contact_of
from sensor.app.opened import SaidInRun
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.text import time_text
from tests.unit.app.test_exchanges import SERVER, download, session
from tests.unit.app.test_names import answer

CONTACT = contact_of({"source": {"ip": "2001:db8::1", "port": 50432},
                      "destination": {"ip": SERVER, "port": 23}})  # fmt: skip
BINS = ("bins.example.net", "A", "198.51.100.77")


def test_targets_have_their_names_and_what_was_asked_for() -> None:
    assert CONTACT is not None
    heard = SaidInRun()
    heard.write(EventBatch([answer("bins.example.net", BINS, at=3), session(), download(10)]))
    targets = [Target("198.51.100.77:80", "198.51.100.77", 5),
               Target("198.51.100.77:81", "198.51.100.77", 2)]  # fmt: skip
    named, early = heard.opened(CONTACT, targets, 1)
    assert named.words == "198.51.100.77:80 (bins.example.net)"
    assert [one.request for one in named.exchanges] == ["GET http://198.51.100.77/bins/arm7"]
    assert early.words == "198.51.100.77:81" and early.exchanges == []  # opened before the answer
    assert heard.opened(CONTACT, targets, 10)[0].exchanges == []


def test_the_ends_of_a_connection_have_their_names() -> None:
    assert CONTACT is not None
    heard = SaidInRun()
    heard.write(EventBatch([answer("press.test", ("press.test", "A", SERVER), at=5)]))
    assert heard.ends(CONTACT, time_text(4)) == "[2001:db8::1]:50432 -> 192.0.2.20:23"
    assert heard.ends(CONTACT, time_text(5)) == (
        "[2001:db8::1]:50432 -> 192.0.2.20:23 (press.test)")


def test_a_connection_that_a_server_opened_tells_what_was_asked_for_in_it() -> None:
    contact = contact_of({"source": {"ip": SERVER, "port": 40000},
                          "destination": {"ip": "198.51.100.77", "port": 80}})  # fmt: skip
    assert contact is not None
    heard = SaidInRun()
    heard.write(EventBatch([session(), download()]))
    assert [one.answer[:6] for one in heard.in_flow(contact, "f")] == ["200 OK"]
    assert heard.in_flow(contact, "g") == []
