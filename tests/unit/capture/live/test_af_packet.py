"""Packet time while no frame comes; what needs a socket is tried in tests/live."""

from __future__ import annotations

import pytest

pytest.importorskip("fcntl", reason="Linux only")

from sensor.capture.live.af_packet import DRIFT_NS, PacketTime

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS


def test_before_the_first_frame_there_is_no_time() -> None:
    assert PacketTime().now(5) < 0


def test_it_goes_on_with_the_steady_clock() -> None:
    clock = PacketTime()
    clock.saw(HOUR_NS, 5)
    assert clock.now(5 + SECOND_NS) == HOUR_NS + SECOND_NS


def test_old_frames_of_a_backlog_do_not_turn_it_back() -> None:
    clock = PacketTime()
    clock.saw(HOUR_NS, 0)
    clock.saw(HOUR_NS + 1, SECOND_NS // 2)
    assert clock.now(SECOND_NS) == HOUR_NS + SECOND_NS


def test_a_clock_that_was_set_back_does_not_turn_it_back() -> None:
    clock = PacketTime()
    clock.saw(HOUR_NS, 0)
    clock.saw(1, SECOND_NS, is_new=True)
    assert clock.now(SECOND_NS) == HOUR_NS + SECOND_NS


def test_it_follows_a_network_cards_clock_that_runs_slow() -> None:
    """By a hundred millionths: after a day that would be 8.6 s, and deadlines so much early."""
    clock = PacketTime()
    for minute in range(24 * 60):
        steady_ns = minute * 60 * SECOND_NS
        frame_ns = HOUR_NS + steady_ns - steady_ns // 10_000
        clock.saw(frame_ns, steady_ns, is_new=True)
        assert clock.now(steady_ns) - frame_ns < DRIFT_NS
    assert clock.now(steady_ns) == frame_ns
