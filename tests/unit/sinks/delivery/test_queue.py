"""The queue between the pipeline and a sink's thread: its books balance at every step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.delivery.queue import NOTICES_MAX, Message, Reopen, SinkQueue


def alert_of(number: int) -> Alert:
    return Alert(f"{number}", "r", "name", "low", 21.0, 0, "message", {})


NOTICE = Notice(0, "loss", "text")
STEPS = ("put", "take", "deliver", "drop", "store", "put back", "as octets", "note", "reopen")


@given(st.lists(st.sampled_from(STEPS)), st.integers(1, 5))
def test_the_books_balance_whatever_happens(steps: list[str], queue_max: int) -> None:
    queued = SinkQueue("x", queue_max)
    taken = 0
    held = None
    for step in steps:
        if step == "put":
            queued.put(alert_of(taken))
            taken += 1
        elif step == "note":
            queued.note(NOTICE)
        elif step == "reopen":
            queued.reopen()
        elif step == "take":
            held = queued.take() if held is None else held
        elif held is not None:
            count = int(isinstance(held, Alert) or (isinstance(held, Message) and held.records))
            if step == "deliver":
                queued.settle(delivered=count)
            elif step == "drop":
                queued.settle(dropped=count)
            elif step == "store":
                queued.settle(stored=count)
            else:
                octets = step == "as octets"
                queued.put_back(Message(b"", records=bool(count)) if octets else held)
            held = None
        assert queued.accounted() == taken
        assert queued.waiting <= queue_max + 1 + queued.stored  # one in the thread's hands
    rest = queued.abandon()
    assert queued.accounted() == taken
    queued.settle(delivered=5)
    queued.put(alert_of(0))
    queued.settle_rest()
    assert queued.accounted() == taken + 1
    assert queued.waiting == queued.stored
    assert (queued.take(), queued.delivered + queued.dropped + queued.stored) == (None, taken + 1)
    assert len(rest) <= len(steps)


def test_what_is_put_back_comes_first() -> None:
    queued = SinkQueue("x", 10)
    for number in range(3):
        queued.put(alert_of(number))
    first = queued.take()
    queued.put_back(Message(b"0", records=1))
    assert first == alert_of(0)
    assert [queued.take(), queued.settle(), queued.take(), queued.settle()] == [
        Message(b"0", records=1), None, alert_of(1), None]  # fmt: skip


def test_notices_and_orders_are_bounded_too() -> None:
    queued = SinkQueue("x", 1)
    for _ in range(NOTICES_MAX + 50):
        queued.note(NOTICE)
    for _ in range(50):
        queued.reopen()
    entries = queued.abandon()
    assert entries == [NOTICE] * NOTICES_MAX + [Reopen()]
