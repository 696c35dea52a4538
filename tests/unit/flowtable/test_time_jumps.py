"""Frames whose time is wrong: they move nothing, and are counted."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import ecs
from tests.conversation import SECOND_NS, START_NS, Frames, Talk, merged, play, time_ns, verdicts
from tests.examples import examples
from tests.random_traffic import printed, random_frames, random_options
from tests.running import Run
from tests.unit.flowtable.stories import bystander, flow_of, reasons

HOUR = 3600.0
YEAR = 365 * 24 * HOUR
SEEDS = st.integers(0, 2**40)
AS_MANY = examples(60)


def login() -> Talk:
    talk = Talk()
    talk.handshake()
    talk.server.data(0.1)
    talk.client.data(0.2)
    talk.close(0.3)
    return talk


def moved(frames: Frames, which: int, by: float) -> Frames:
    """One frame dated wrongly."""
    time, octets = frames[which]
    return [*frames[:which], (time + int(by * SECOND_NS), octets), *frames[which + 1 :]]


@pytest.mark.parametrize("by", [25 * HOUR, YEAR, 90 * YEAR])
@pytest.mark.parametrize("which", range(8))
@pytest.mark.parametrize("batch", [1, 3, 512])
def test_one_frame_far_ahead_changes_nothing_but_its_time(
    which: int, by: float, batch: int
) -> None:
    talk = login()
    run = play(moved(talk.frames, which, by), batch=batch)
    plain = play(talk)
    assert verdicts(run) == verdicts(plain)
    assert reasons(run) == reasons(plain) == ["fin"]
    assert run.records[0]["network"] == plain.records[0]["network"]
    assert run.records[0]["sensor"]["flow"]["history"] == "ShAdDFf"
    assert (run.ledger["time_jumps"], run.ledger["time_backwards"]) == (1, 0)
    assert max(int(row["known_ns"]) for row in run.rows) < time_ns(10)


def test_frames_after_a_pause_are_another_day() -> None:
    """The same ports, after a night: another connection, as each of its frames agrees."""
    first, second = login(), login()
    frames = [(time + int(9 * HOUR * SECOND_NS), octets) for time, octets in second.frames]
    run = play(first.frames + frames)
    assert run.ledger["time_jumps"] == run.ledger["time_backwards"] == 0
    assert verdicts(run) == [("accepted", "responder_data", 0.99)] * 2
    starts = [row["first_ns"] for row in run.rows if row["action"] == 3]
    assert starts == [START_NS, START_NS + 9 * 3600 * SECOND_NS]
    assert run.rows[1]["end_reason"] == run.rows[3]["end_reason"]


def test_a_frame_every_two_hours_is_a_flow_each() -> None:
    talk = Talk()
    for number in range(10):
        talk.client.udp(number * 2 * HOUR)
    run = play(talk)
    assert reasons(run) == ["idle_timeout"] * 9 + ["end_of_capture"]
    assert run.ledger["time_jumps"] == 0


def test_a_lone_frame_far_ahead_at_the_end_ends_no_flow() -> None:
    talk = login()
    late = Talk(ports=(1_111, 2_222))
    late.client.udp(YEAR)
    frames = talk.frames[:4] + late.frames
    run = play(frames)
    assert reasons(run) == ["end_of_capture"] * 2
    assert run.ledger["time_jumps"] == 1


def test_the_first_frame_may_be_the_wrong_one() -> None:
    talk = login()
    run = play(moved(talk.frames, 0, 50 * YEAR))
    assert run.ledger["time_jumps"] == 1
    assert run.ledger["time_backwards"] == 0
    assert reasons(run) == ["fin"]


def test_a_frame_without_a_time_is_dated_back() -> None:
    talk = login()
    frames = [*talk.frames[:2], (0, talk.frames[2][1]), *talk.frames[3:]]
    run = play(frames)
    assert (run.ledger["time_jumps"], run.ledger["time_backwards"]) == (0, 1)
    assert verdicts(run) == verdicts(play(talk))


def test_two_clocks_that_are_merged_lose_nothing() -> None:
    """The ports of a tap with two clocks, years apart: every frame of one is dated back."""
    talk, other = login(), Talk(ports=(40_001, 23))
    other.handshake(0.005)
    other.server.data(0.105)
    ahead = [(time + int(4 * YEAR * SECOND_NS), octets) for time, octets in other.frames]
    order = merged(talk, other)
    real = {octets: time for time, octets in ahead}
    run = play([(real.get(octets, time), octets) for time, octets in order])
    assert sum(record["network"]["packets"] for record in run.records) == len(order)
    assert [verdict for verdict, _, _ in verdicts(run)] == ["accepted"] * 2
    assert run.ledger["time_jumps"] + run.ledger["time_backwards"] > 0


def test_one_frame_alone() -> None:
    talk = Talk()
    talk.client.udp(0)
    run = play(talk)
    assert int(run.rows[-1]["known_ns"]) == START_NS
    assert (run.ledger["time_jumps"], run.ledger["frames"]) == (0, 1)


CLOCKS = (0, 10 * YEAR, -50 * YEAR, 2 * HOUR, -2 * HOUR, 200 * YEAR)
LATEST_NS = (1 << 63) - 1


def with_wrong_clocks(seed: int, frames: Frames) -> Frames:
    """Some frames, or runs of them, by another clock."""
    chance = random.Random(seed)
    share = chance.choice((0.02, 0.2, 0.7))
    keep = chance.random()
    wrong: Frames = []
    by = 0.0
    for time, octets in frames:
        if chance.random() > keep:
            by = chance.choice(CLOCKS) if chance.random() < share else 0.0
        wrong.append((min(max(0, time + int(by * SECOND_NS)), LATEST_NS), octets))
    return wrong


@AS_MANY
@given(seed=SEEDS, sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_any_clocks_lose_nothing_and_do_not_show_the_cut(seed: int, sizes: list[int]) -> None:
    frames = with_wrong_clocks(seed, random_frames(seed, sound=seed % 2 == 0))
    options = random_options(seed)
    run = play(frames, **options)
    assert printed(play(frames, batch=sizes, **options)) == printed(run)
    ended = sum(row["packets"].sum() for row in run.rows if row["action"] == 3)
    ledger: dict[str, Any] = run.ledger
    counted = ended + sum(ledger["anomalies"].values()) + sum(ledger[name] for name in (
        "non_ip_frames", "duplicates", "fragments", "icmp_errors", "late"))
    assert counted == ledger["frames"] == len(frames)
    known = [int(row["known_ns"]) for row in run.rows]
    assert known == sorted(known)
    assert Counter(problem for event in run.events for problem in ecs.problems(event)) == {}


@AS_MANY
@given(seed=SEEDS, by=st.sampled_from([25 * HOUR, YEAR, 80 * YEAR]), place=st.integers(0, 10**6))
def test_one_wrong_time_among_quick_conversations_changes_no_verdict(
    seed: int, by: float, place: int
) -> None:
    chance = random.Random(seed)
    talks = []
    for number in range(4):
        talk = Talk(ports=(40_000 + number, 23))
        start = chance.random()
        talk.handshake(start)
        if chance.random() < 0.7:
            talk.server.data(start + 0.1)
        if chance.random() < 0.7:
            talk.close(start + 0.2)
        talks.append(talk)
    frames = merged(*talks)
    run = play(moved(frames, place % len(frames), by))
    plain = play(frames)

    def told(run: Run) -> Counter[tuple[Any, ...]]:
        return Counter((*said, reason, *ends) for said, reason, ends in zip(
            verdicts(run), reasons(run),
            [(one["source"]["port"], one["source"]["packets"], one["destination"]["packets"])
             for one in run.records], strict=True))  # fmt: skip

    assert told(run) == told(plain)
    assert run.ledger["time_jumps"] == 1


@pytest.mark.parametrize("jump", [HOUR + 1, 5 * HOUR, 24 * 365 * HOUR])
def test_a_jump_forward_on_which_frames_agree_ends_everything(jump):
    talk = Talk()
    talk.handshake()
    talk.server.data(0.1)
    run = play(merged(talk, bystander(jump), bystander(jump + 1, 1_112)))
    assert reasons(run) == ["idle_timeout", "end_of_capture", "end_of_capture"]
    assert run.ledger["time_jumps"] == 0


def test_a_clock_that_runs_backwards_keeps_the_flow_and_is_counted():
    talk = Talk()
    talk.handshake(10)
    talk.server.data(7)
    talk.client.ack(7.1)
    talk.client.data(12)
    run = play(talk)
    assert run.ledger["time_backwards"] == 2
    assert run.actions() == ["flow_started", "network_flow"]
    assert run.records[0]["network"]["packets"] == 6
    known = [int(row["known_ns"]) for row in run.rows]
    assert known == sorted(known)


@pytest.mark.parametrize("start", [0, 1, 1 << 24, 4_000_000_000 * SECOND_NS])
def test_any_start(start):
    talk = Talk()
    talk.handshake()
    talk.server.data(0.1)
    talk.close(1)
    frames = [(time - START_NS + start, octets) for time, octets in talk.frames]
    run = play(frames)
    assert verdicts(run) == [("accepted", "responder_data", 0.99)]
    assert run.records[0]["event"]["duration"] == 1_020_000_000
    assert flow_of(run)["conn_state"] == "SF"


def test_from_nothing_to_now():
    """A capture whose first frame has no time (zero) and whose others have."""
    early = Talk(ports=(41_000, 2_222))
    early.client.udp(0)
    talk = Talk()
    talk.handshake()
    run = play([(0, early.frames[0][1]), *talk.frames])
    assert reasons(run) == ["idle_timeout", "end_of_capture"]


HOUR_NS = 3_600 * SECOND_NS
DAY_NS = 24 * HOUR_NS


@pytest.mark.parametrize(("times_ns", "jumps", "backwards"), [
    # An hour ahead is believed at once; more waits for what follows.
    ((0, HOUR_NS, 0), 0, 1), ((0, HOUR_NS + 1, 0), 1, 0), ((0, HOUR_NS + 1, 1), 0, 1),
    ((0, HOUR_NS + 5, 5), 0, 1), ((0, HOUR_NS + 5, 4), 1, 0),
    ((0, 3 * HOUR_NS, 2 * HOUR_NS), 0, 1), ((0, 3 * HOUR_NS, 2 * HOUR_NS - 1), 1, 0),
    # The first of all, too.
    ((HOUR_NS, 0), 0, 1), ((HOUR_NS + 1, 0), 1, 0), ((HOUR_NS + 1, 0, HOUR_NS + 1), 1, 0),
    # What nothing follows is believed after a day.
    ((0, 1, DAY_NS + 1), 0, 0), ((0, 1, DAY_NS + 2), 1, 0),
    # Several ahead, of which none agrees with another.
    ((0, 2 * DAY_NS, 4 * DAY_NS, 1), 1, 1), ((0, 4 * DAY_NS, 2 * DAY_NS, 1), 2, 0),
])  # fmt: skip
def test_which_times_are_believed(times_ns, jumps, backwards):
    frames = []
    for number, time in enumerate(times_ns):
        talk = Talk(ports=(40_000 + number, 53))
        talk.client.udp(0)
        frames.append((START_NS + time, talk.frames[0][1]))
    for batch in (1, 512):
        run = play(frames, batch=batch)
        assert (run.ledger["time_jumps"], run.ledger["time_backwards"]) == (jumps, backwards)
        assert len(run.records) == len(frames)
