"""Notices as syslog messages: told apart from alerts, harmless, within their size."""

from __future__ import annotations

import re

import orjson
import pytest

from sensor.model.status import Notice
from sensor.sinks.syslog.formats import FORMATS, Origin
from sensor.sinks.syslog.notices import (
    NOTICE_FORMS,
    notice_cee,
    notice_cef,
    notice_rfc3164,
    notice_rfc5424,
)
from tests.ecs import problems

ORIGIN = Origin(hostname="sensor-1", pid=42, utc=True)
LOSS = Notice(1_767_323_045_678_901_234, "loss", "the kernel dropped 12 frames", warning=True)
START = Notice(1_767_323_045_678_901_234, "start", "listening on eth0")


def test_rfc5424_has_the_kind_as_its_message_id_and_no_structured_data() -> None:
    # Facility local0 is 16, severities warning 4 and notice 5.
    assert notice_rfc5424(LOSS, ORIGIN) == (
        b"<132>1 2026-01-02T03:04:05.678901Z sensor-1 sensor 42 loss - the kernel dropped 12 frames"
    )
    assert notice_rfc5424(START, ORIGIN).startswith(b"<133>1 ")
    zurich = Notice(0, "start", "Zürich")
    assert notice_rfc5424(zurich, ORIGIN).endswith(" start - \ufeffZürich".encode())


def test_rfc3164() -> None:
    assert notice_rfc3164(LOSS, ORIGIN) == (
        b"<132>Jan  2 03:04:05 sensor-1 sensor[42]: loss: the kernel dropped 12 frames"
    )


def test_cee_is_a_valid_ecs_document() -> None:
    head, _, text = notice_cee(LOSS, ORIGIN).partition(b"@cee: ")
    assert head == b"<132>Jan  2 03:04:05 sensor-1 sensor[42]: "
    document = orjson.loads(text)
    assert document["message"] == LOSS.text
    assert document["log"] == {"level": "warning"}
    assert document["event"]["action"] == "loss"
    assert problems(document) == []


def test_cef() -> None:
    assert notice_cef(LOSS, ORIGIN) == (
        b"<132>Jan  2 03:04:05 sensor-1 CEF:0|sensor|sensor|0|notice-loss|Sensor notice|5|"
        b"rt=1767323045678 cat=loss msg=the kernel dropped 12 frames"
    )


def test_every_form_of_alerts_has_one_for_notices() -> None:
    assert set(NOTICE_FORMS) == set(FORMATS.values())


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", ["\n<14>forged\x1b[2J\u202e", "é世" * 3000, '"\\' * 3000, ""])
def test_hostile_and_long_texts_stay_harmless_and_within_the_limit(form: str, text: str) -> None:
    render = NOTICE_FORMS[FORMATS[form]]
    for limit in (480, 2048, None):
        message = render(Notice(0, "a b]" + text[:40], text), ORIGIN, limit)
        assert limit is None or len(message) <= limit
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", message.decode())
        if form == "cee":
            orjson.loads(message.partition(b"@cee: ")[2])
