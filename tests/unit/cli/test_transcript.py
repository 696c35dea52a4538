"""`sensor transcript`."""

from __future__ import annotations

import pytest

from tests.command import ACCEPTED, EXTERNAL, REFUSED, quiet, sensor
from tests.telnet_sessions import FOLDER

EDITING = str(FOLDER / "editing.pcap")


def blocks(*arguments: str) -> list[list[str]]:
    """The sessions that are printed, by lines."""
    ended = sensor("transcript", *arguments)
    assert ended.code == 0, ended.err
    return [block.splitlines() for block in ended.out.split("\n\n")]


def test_a_session_is_printed_line_by_line() -> None:
    ((title, summary, *lines),) = blocks(ACCEPTED)
    assert title.startswith("192.168.1.20:50432 -> 192.168.1.50:23  1:")
    assert summary.startswith("login mreyes: success")
    assert [line.split("  ", 1)[1] for line in lines if "  > " in line] == [
        "> mreyes", "> *** (12 characters)", "> uptime", "> exit"]  # fmt: skip
    assert lines[0].startswith("2026-01-02 03:04:05.")


@pytest.mark.parametrize("name", ["flow.id", "network.community_id"])
def test_a_flow_is_named_as_an_alert_names_it(name: str) -> None:
    outer, inner = name.split(".")
    wanted = quiet("--json", EXTERNAL).documents()[0][outer][inner]
    ((title, *_),) = blocks(EDITING, EXTERNAL, "--flow", wanted)
    assert wanted in title


def test_all_sessions_come_in_order_of_time_and_some_can_be_chosen() -> None:
    everything = blocks(EDITING)
    assert len(everything) > 3
    starts = [block[2][:26] for block in everything]
    assert starts == sorted(starts)
    ids = [block[0].split()[-1] for block in everything]
    assert [block[0].split()[-1] for block in blocks(EDITING, "--flow", ids[2], "--flow", ids[0])
            ] == [ids[0], ids[2]]  # fmt: skip


def test_a_flow_that_is_none_is_named_and_those_that_are_there_are_listed() -> None:
    ended = sensor("transcript", ACCEPTED, "--flow", "1:x\x1b[2J")
    assert ended.code == 2 and ended.out == ""
    assert "no Telnet session has this flow id" in ended.err and "192.168.1.20:50432" in ended.err
    assert "\x1b" not in ended.err


def test_without_a_session_it_says_so() -> None:
    ended = sensor("transcript", REFUSED)
    assert (ended.code, ended.out, ended.err) == (0, "", "no Telnet session was found\n")


def test_without_a_path() -> None:
    ended = sensor("transcript")
    assert ended.code == 2 and "PATH" in ended.err


def test_colours_only_where_they_are_wanted() -> None:
    assert "\x1b[" in sensor("transcript", ACCEPTED, "--color", "always").out
    assert "\x1b[" not in sensor("transcript", ACCEPTED).out
