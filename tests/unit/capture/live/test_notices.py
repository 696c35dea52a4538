"""Notices come in their order, each once, and never without bound."""

from __future__ import annotations

from sensor.capture.live.notices import NOTICES_MAX, Notices


def test_each_notice_is_taken_once_and_in_order() -> None:
    notices = Notices()
    notices.add("interface", "tap0 is down", True)
    notices.add("interface", "tap0 is up")
    taken = notices.take()
    assert [(one.text, one.warning) for one in taken] == [
        ("tap0 is down", True), ("tap0 is up", False)]  # fmt: skip
    assert taken[0].time_ns <= taken[1].time_ns
    assert notices.take() == []


def test_the_oldest_are_forgotten_first() -> None:
    notices = Notices()
    for number in range(NOTICES_MAX + 2):
        notices.add("interface", str(number))
    assert [one.text for one in notices.take()][::NOTICES_MAX - 1] == ["2", str(NOTICES_MAX + 1)]
