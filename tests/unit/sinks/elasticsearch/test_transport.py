"""Answers of a bulk interface: as the reference shows them, and those that no server gives."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.sinks.delivery.transport import Rejected
from sensor.sinks.elasticsearch.transport import check_answer


def answer(*statuses: int) -> dict[str, Any]:
    return {"errors": True, "items": [{"create": {"status": status, "error": {
        "type": "t", "reason": "why"}}} for status in statuses]}


def test_what_is_there_already_is_delivered() -> None:
    check_answer({"errors": False})
    check_answer(answer(201, 409, 201))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_one_that_is_busy_has_all_sent_again(status: int) -> None:
    with pytest.raises(OSError, match=f"HTTP {status} of a document: t: why") as error:
        check_answer(answer(400, 201, status))
    assert not isinstance(error.value, Rejected)


def test_those_that_are_refused_are_counted() -> None:
    with pytest.raises(Rejected, match="3 documents refused: HTTP 400: t: why") as error:
        check_answer(answer(400, 201, 400, 404, 409))
    assert error.value.count == 3


@pytest.mark.parametrize("wrong", [
    None, [], "text", {}, {"errors": True, "items": [1]},
    {"errors": True, "items": [{"index": {}}]},
    {"errors": True, "items": [{"create": {"status": "201"}}]}, {"errors": True, "items": [{}]},
])
def test_no_answer_raises_anything_else(wrong: Any) -> None:
    with pytest.raises(OSError, match="does not answer as Elasticsearch does"):
        check_answer(wrong)


def test_a_reason_is_bounded_and_harmless() -> None:
    with pytest.raises(Rejected) as error:
        check_answer({"errors": True, "items": [{"create": {
            "status": 400, "error": {"type": "\x1b[2J", "reason": "A" * 10_000}}}]})
    assert len(str(error.value)) < 500 and "\x1b" not in str(error.value)
