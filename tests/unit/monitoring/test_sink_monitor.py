"""Trouble of sinks is said when it begins, now and then, and when it is over."""

from __future__ import annotations

from itertools import pairwise

from sensor.model.status import SinkStatus, Status
from sensor.monitoring.sink_monitor import TroubleWatch


class Run:
    """A watch, and statuses of one sink at times that the test chooses."""

    def __init__(self) -> None:
        self.watch = TroubleWatch()

    def at(
        self, elapsed_s: float, error: str | None, dropped: int = 0, waiting: int = 0,
        *, last: bool = False,
    ) -> list[tuple[str, bool]]:  # fmt: skip
        sink = SinkStatus("syslog udp://h:514", 0, dropped, 0, waiting, error)
        status = Status(wall_ns=1, elapsed_s=elapsed_s, sinks=(sink,))
        notices = self.watch.check(status, last=last)
        assert all((notice.kind, notice.time_ns) == ("sink", 1) for notice in notices)
        return [(notice.text, notice.warning) for notice in notices]


def test_the_story_of_one_trouble() -> None:
    run = Run()
    assert run.at(0, None) == []
    assert run.at(1, "no server: refused", waiting=3) == [
        ("syslog udp://h:514: no server: refused, 3 waiting", True)
    ]
    for second in range(2, 11):
        assert run.at(second, "no server: refused", waiting=second) == []
    assert run.at(11, "no server: refused", 5, 40) == [
        ("syslog udp://h:514: no server: refused (for 10 s), 40 waiting, 5 dropped", True)
    ]
    assert run.at(12, None, 5) == [], "something was said a second ago"
    assert run.at(21, None, 5) == [
        ("syslog udp://h:514: well again after 20 s, 40 waited at most, 5 dropped", False)
    ]
    assert run.at(99, None, 5) == []


def test_what_was_dropped_before_is_not_told_again() -> None:
    run = Run()
    assert run.at(0, None, dropped=7) == []
    assert run.at(20, "refused", dropped=9) == [
        ("syslog udp://h:514: refused, 0 waiting, 2 dropped", True)
    ]


def test_a_sink_that_comes_and_goes_is_said_once_in_an_interval() -> None:
    run = Run()
    said = [second for second in range(100) if run.at(second, "x" if second % 2 else None)]
    assert len(said) <= 10
    assert all(later - earlier >= 10 for earlier, later in pairwise(said))


def test_a_sink_that_flaps_is_said_once_a_minute_after_the_third_time() -> None:
    """Nine seconds down, eleven up, for half an hour; then it stays up."""
    run = Run()
    said = []
    for second in range(1800):
        is_down = second % 20 < 9
        said += [(second, *line) for line in run.at(second, "refused" if is_down else None)]
    times = [second for second, _, _ in said]
    assert times[:6] == [0, 10, 20, 30, 40, 50]
    assert all(later - earlier >= 60 for earlier, later in pairwise(times[5:]))
    assert len(times) <= 6 + 30
    assert said[6][1].endswith("; it failed 7 times within 10 minutes")
    [(text, warning)] = run.at(1870, None)
    assert "well again" in text and not warning
    assert run.at(3600, "refused") and run.at(3610, None), "a trouble long after is no flapping"


def test_trouble_that_is_over_before_it_was_said_is_not_said() -> None:
    run = Run()
    run.at(0, "first")
    run.at(10, None)  # well again: said
    assert run.at(11, "second") == []
    assert run.at(12, None) == []
    assert run.at(30, None) == []


def test_at_the_end_everything_is_said() -> None:
    run = Run()
    run.at(0, "refused")
    assert len(run.at(1, "refused", last=True)) == 1


def test_hostile_text_is_harmless() -> None:
    [(text, _)] = Run().at(0, "x\n\x1b[2J")
    assert text.isprintable()


def test_sinks_do_not_silence_each_other() -> None:
    watch = TroubleWatch()
    sinks = tuple(SinkStatus(name, 0, 0, 0, 0, "broken") for name in ("a", "b"))
    assert len(watch.check(Status(1, 0.0, sinks=sinks))) == 2


def test_lasting_trouble_is_said_more_and_more_rarely_and_its_end_soon() -> None:
    run = Run()
    said = [second for second in range(3_000) if run.at(second, "refused")]
    assert said == [0, 10, 70, 670, 1270, 1870, 2470]
    assert run.at(3_000, None) != []
    assert len(run.at(3_010, "refused")) == 1, "another trouble begins from the start"
    assert len(run.at(3_020, "refused")) == 1


def test_a_sink_is_not_told_of_its_trouble_and_is_told_of_its_end() -> None:
    watch = TroubleWatch()
    sink = SinkStatus("syslog", 0, 0, 0, 3, "refused", recovering=1_204)
    [notice] = watch.check(Status(1, 0.0, sinks=(sink,)))
    assert notice.about == "syslog"
    assert notice.text == "syslog: refused, 3 and 1,204 of earlier runs waiting"
    well = SinkStatus("syslog", 1207, 0, 0, 0, None)
    [notice] = watch.check(Status(1, 10.0, sinks=(well,)))
    assert notice.about == ""
    assert notice.text == (
        "syslog: well again after 10 s, 3 and 1,204 of earlier runs waited at most"
    )
