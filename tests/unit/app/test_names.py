"""Names of addresses, from answers of DNS."""

from __future__ import annotations

from typing import Any

from sensor.app.names import NAME_CHARACTERS_MAX, NAMES_MAX, Names
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.text import time_text

LATER = time_text(1000)


def answer(name: str, *records: tuple[str, str, str], at: int = 10, action: str = "dns_query",
           ) -> dict[str, Any]:  # fmt: skip
    """A transaction of DNS: the name that is asked for; owner, type and data of each record."""
    return {"@timestamp": time_text(at), "event": {"action": action}, "dns": {
        "question": {"name": name}, "answers": [
            {"name": owner, "type": kind, "data": data} for owner, kind, data in records]}}


def heard(*documents: dict[str, Any]) -> Names:
    names = Names()
    names.write(EventBatch(documents))
    return names


def test_an_address_has_the_name_that_was_asked_for() -> None:
    names = heard(answer("Bins.Example.net", ("bins.example.NET", "A", "192.0.2.7"),
                         ("bins.example.net", "AAAA", "2001:db8::7")))  # fmt: skip
    assert names.name_of("192.0.2.7", LATER) == "bins.example.net"
    assert names.name_of("2001:db8::7", LATER) == "bins.example.net"
    assert names.name_of("192.0.2.8", LATER) == ""


def test_aliases_lead_to_the_address_in_any_order_of_the_records() -> None:
    """RFC 1034 3.6.2: the records behind an alias belong to the answer."""
    names = heard(answer(
        "www.example.net", ("cdn.example.org", "A", "192.0.2.7"),
        ("edge.example.com", "CNAME", "cdn.example.org"),
        ("www.example.net", "CNAME", "edge.example.com"), ("other.test", "A", "192.0.2.9")))
    assert names.name_of("192.0.2.7", LATER) == "www.example.net"
    assert names.name_of("192.0.2.9", LATER) == ""  # nobody asked for it


def test_aliases_in_a_circle_end() -> None:
    names = heard(answer("a.test", ("a.test", "CNAME", "b.test"), ("b.test", "CNAME", "a.test"),
                         ("b.test", "A", "192.0.2.7")))  # fmt: skip
    assert names.name_of("192.0.2.7", LATER) == "a.test"


def test_a_name_counts_from_its_answer_on_and_the_newest_one_wins() -> None:
    names = heard(*(answer(f"n{at}.test", (f"n{at}.test", "A", "192.0.2.7"), at=at)
                    for at in (10, 20)))  # fmt: skip
    assert [names.name_of("192.0.2.7", time_text(at)) for at in (9, 10, 19, 20)] == [
        "", "n10.test", "n10.test", "n20.test"]  # fmt: skip


def test_answers_that_nobody_asked_for_and_queries_give_no_names() -> None:
    record = ("a.test", "A", "192.0.2.7")
    names = heard(answer("a.test", record, action="dns_answer"), answer("a.test"),
                  answer("", record), {"event": {"action": "dns_query"}, "dns": {"id": "1"}})
    assert names.name_of("192.0.2.7", LATER) == ""


def test_memory_is_bounded_and_the_newest_stay() -> None:
    names = heard(*(answer("n.test", ("n.test", "A", str(at))) for at in range(NAMES_MAX + 1)))
    assert names.name_of("0", LATER) == ""
    assert names.name_of("1", LATER) == names.name_of(str(NAMES_MAX), LATER) == "n.test"
    names = heard(*(answer(f"{at}.test", (f"{at}.test", "A", "192.0.2.7"), at=at)
                    for at in range(100)))  # fmt: skip
    assert names.name_of("192.0.2.7", time_text(90)) == ""  # of many names the oldest are gone
    assert names.name_of("192.0.2.7", LATER) == "99.test"


def test_hostile_names_are_harmless_and_not_too_long() -> None:
    long = heard(answer("\x1b" * 300, ("\x1b" * 300, "A", "192.0.2.7")))
    name = long.name_of("192.0.2.7", LATER)
    assert len(name) == NAME_CHARACTERS_MAX and name.isprintable()
