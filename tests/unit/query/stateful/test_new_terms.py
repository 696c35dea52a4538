"""Histories of terms: what is new, what is learned, what is forgotten, what is to be written."""

from __future__ import annotations

from sensor.query.stateful.new_terms import History, News


def history(window_ns: int = 100, learning_ns: int = 0, terms_max: int = 10) -> History:
    return History(window_ns, learning_ns, terms_max)


def new(seen: History, *events: tuple[int, str]) -> list[tuple[int, str]]:
    found = []
    for time_ns, term in events:
        seen.begin(time_ns)
        if seen.see((term,), time_ns):
            found.append((time_ns, term))
    return found


def test_a_value_is_new_once() -> None:
    assert new(history(), (0, "a"), (1, "b"), (2, "a")) == [(0, "a"), (1, "b")]


def test_a_value_is_new_again_when_it_was_not_seen_for_the_window() -> None:
    # a is seen at 60 last: still known at 160, new at 261; b keeps the history going.
    events = [(0, "a"), (60, "a"), (160, "a"), (200, "b"), (261, "a")]
    assert new(history(), *events) == [(0, "a"), (200, "b"), (261, "a")]


def test_nothing_is_new_while_learning() -> None:
    seen = history(learning_ns=50)
    assert new(seen, (10, "a"), (59, "b"), (60, "c"), (61, "a")) == [(60, "c")]
    assert seen.learned == 2
    assert seen.learns_until_ns == 60


def test_learning_lasts_no_longer_than_the_window() -> None:
    assert new(history(learning_ns=10**18), (0, "a"), (100, "b")) == [(100, "b")]


def test_a_history_that_was_not_kept_up_begins_anew() -> None:
    seen = history(learning_ns=100)
    assert new(seen, (0, "a"), (99, "b"), (150, "c")) == [(150, "c")]
    assert new(seen, (251, "d"), (350, "e"), (351, "f")) == [(351, "f")]


def test_other_events_keep_the_history_up() -> None:
    seen = history(learning_ns=100)
    new(seen, (0, "a"))
    seen.advance(99)
    assert new(seen, (199, "b")) == [(199, "b")]


def test_a_value_seen_later_counts_as_known() -> None:
    seen = history()
    seen.restore(0, 1000, [(("a",), 1000)])
    assert new(seen, (500, "a"), (501, "b")) == [(501, "b")]


def test_values_are_bounded_and_the_oldest_goes_first() -> None:
    seen = history(terms_max=2)
    new(seen, (0, "a"), (1, "b"), (2, "a"), (3, "c"))
    assert (len(seen), seen.evicted) == (2, 1)
    assert new(seen, (4, "a"), (5, "b")) == [(5, "b")]


def test_values_that_left_the_window_go_uncounted() -> None:
    seen = history(terms_max=2)
    new(seen, (0, "a"), (60, "b"), (120, "c"))
    assert (len(seen), seen.evicted) == (2, 0)


def test_new_values_are_written_at_once_and_refreshed_ones_from_time_to_time() -> None:
    seen = history(window_ns=6400)
    seen.begin(0)
    assert seen.take_news(everything=True) == News()
    new(seen, (1, "a"))
    assert seen.take_news() == News({("a",): 1})
    new(seen, (99, "a"))
    assert seen.take_news() is None
    new(seen, (100, "b"))  # a 64th of the window is over
    assert seen.take_news() == News({("b",): 100, ("a",): 99})
    new(seen, (101, "a"))
    assert seen.take_news() is None
    assert seen.take_news(everything=True) == News({("a",): 101})


def test_forgotten_values_are_to_be_deleted() -> None:
    seen = history(terms_max=1)
    new(seen, (0, "a"))
    seen.take_news()
    new(seen, (1, "b"), (2, "c"))
    news = seen.take_news()
    assert news is not None
    assert news.seen == {("c",): 2}
    assert set(news.forgotten) == {("a",), ("b",)}
