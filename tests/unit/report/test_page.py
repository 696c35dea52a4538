"""The page of a report by itself."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC
from html import unescape

from sensor.app.opened import SaidInRun
from sensor.report.collect import AlertsOfRun, FlowsOfRun
from sensor.report.facts import facts_of
from sensor.report.page import Examined, render
from sensor.report.sessions import Sessions

NOTHING = Examined(
    case="", examiner="", zone=UTC, made_ns=1_767_323_045_123_456_789, version="1", command="c",
    inputs=[{"path": "a", "bytes": 1_234_567, "sha256": None, "frames": 0, "first_ns": -1,
             "last_ns": -1, "error": "a: unreadable"}],
    left_out=[], rules=1, alerting=[], exceptions=["x.toml"], excepted={}, ledger=["no packets"],
    anomalies={"ip_bad_version": 2}, evidence="",
)  # fmt: skip


def page() -> str:
    return render(facts_of(AlertsOfRun(), FlowsOfRun(), Sessions(), SaidInRun()), NOTHING)


def test_an_empty_one_is_whole() -> None:
    told = page()
    assert told.startswith("<!DOCTYPE html>") and told.endswith("</html>")
    for part in ("Report on network captures", "2026-01-02 03:04:05.123+00:00", "a: unreadable",
                 "1.2 MB", "x.toml", "2 frames: ip bad version", "Every flow has a verdict"):
        assert part in told


def test_nothing_runs_and_nothing_styles_but_what_the_policy_names() -> None:
    told = page()
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', told)[1])  # type: ignore[index]
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for element in ("style", "script"):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", told, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert not re.search(r"\son\w+=|\sstyle=", re.sub(r"<(style|script)>.*?</\1>", "", told,
                                                     flags=re.DOTALL))  # fmt: skip
