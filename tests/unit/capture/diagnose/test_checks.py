"""What facts mean, and which command mends them."""

from __future__ import annotations

from collections import Counter

import pytest

from sensor.capture.diagnose import checks as checkup
from sensor.capture.diagnose.checks import OK, PROBLEM, WARNING, Check
from sensor.capture.diagnose.facts import Drops, Link, Offloads
from sensor.capture.diagnose.traffic_sample import Traffic, TrafficSample
from sensor.config import CaptureLimits

HOSTILE = "eth0; reboot"
QUOTED = "'eth0; reboot'"


def commands(check: Check) -> list[str]:
    return [remedy.command for remedy in check.remedies if remedy.command]


@pytest.mark.parametrize(
    ("up", "running", "state", "mends"),
    [(True, True, OK, []), (True, False, WARNING, []),
     (False, False, PROBLEM, [f"sudo ip link set dev {QUOTED} up"])],
)  # fmt: skip
def test_a_link_that_is_off_prevents_and_one_without_carrier_warns(
    up: bool, running: bool, state: str, mends: list[str]
) -> None:
    check = checkup.check_link(Link(HOSTILE, up, running, loopback=False, mtu=1500))
    assert (check.state, commands(check)) == (state, mends)
    assert "MTU 1500" in check.fact


@pytest.mark.parametrize(
    ("found", "mends"),
    [
        (Offloads(True, True, True), [f"sudo ethtool -K {QUOTED} gro off lro off"]),
        (Offloads(True, False, True), [f"sudo ethtool -K {QUOTED} gro off"]),
        (Offloads(False, True, False), [f"sudo ethtool -K {QUOTED} lro off"]),
        (Offloads(False, False, True), []),  # the tag comes in the ring's header
        (Offloads(None, None, None), []),
    ],
)
def test_what_puts_packets_together_is_to_be_switched_off(
    found: Offloads, mends: list[str]
) -> None:
    check = checkup.check_offloads(HOSTILE, found)
    assert (check.state, commands(check)) == (WARNING if mends else OK, mends)


def test_a_card_with_more_room_could_use_it() -> None:
    check = checkup.check_card_ring(HOSTILE, 256, 4096)
    assert (check.state, commands(check)) == (WARNING, [f"sudo ethtool -G {QUOTED} rx 4096"])
    assert checkup.check_card_ring("eth0", 4096, 4096).state == OK


def test_losses_before_the_capture_are_said() -> None:
    check = checkup.check_drops("eth0", Drops(1234, 5))
    assert check.state == WARNING and "1,234" in check.fact and "5 overruns" in check.fact
    assert checkup.check_drops("eth0", Drops(0, 0)).state == OK
    assert checkup.check_drops("eth0", Drops(0, 1)).state == WARNING


def test_a_ring_larger_than_memory_is_not_even_tried() -> None:
    """The kernel would look for memory until it kills somebody."""
    check = checkup.check_ring(CaptureLimits(ring_bytes=1 << 50), "sensor")
    assert check.state == PROBLEM and "MiB of memory are available" in check.fact
    (command,) = commands(check)
    program, name, option, mib, _ = command.split()
    assert (program, name, option) == ("sensor", "live", "--ring-mib") and 0 < int(mib) < 1 << 30


def test_an_interpreted_sensor_is_slow() -> None:
    check = checkup.check_build("sensor 0.1.0 (interpreted, Python 3.11.7)", False)
    assert check.state == WARNING and "pip install" in commands(check)[0]
    assert checkup.check_build("sensor 0.1.0 (compiled, Python 3.11.7)", True).state == OK


def judged(frames: int = 0, seconds: float = 2.0, **found: object) -> dict[str, Check]:
    traffic = Traffic(mtu=1500, frames=frames)
    for name, value in found.items():
        setattr(traffic, name, value)
    checks = checkup.judge(TrafficSample(seconds, frames, traffic), HOSTILE, "sensor")
    return {check.subject: check for check in checks}


def test_silence_is_a_fact_with_a_way_to_look_longer() -> None:
    check = judged()["traffic"]
    assert check.state == WARNING and "not one frame in 2.0 s" in check.fact
    assert commands(check) == [f"sensor doctor -i {QUOTED} --listen 30"]


def test_the_rate_is_that_of_the_kernel() -> None:
    assert judged(frames=5000)["traffic"].fact == "2,500 frames/s"
    assert judged(frames=1)["traffic"].fact == "0.5 frames/s"


def conversations(both: int, one: int) -> dict[object, Counter[object]]:
    pairs = {("both", at): Counter({"a": 9, "b": 9}) for at in range(both)}
    return {**pairs, **{("one", at): Counter({"a": 9}) for at in range(one)}}


@pytest.mark.parametrize(
    ("both", "one", "state"), [(9, 1, OK), (5, 5, OK), (0, 5, WARNING), (4, 9, WARNING), (0, 4, OK)]
)
def test_a_mirror_of_one_direction_is_noticed(both: int, one: int, state: str) -> None:
    checks = judged(frames=100, conversations=conversations(both, one))
    assert checks["directions"].state == state


def test_without_connections_nothing_is_said_about_directions() -> None:
    assert "directions" not in judged(frames=100)


def test_vlans_copies_and_large_frames_are_told() -> None:
    checks = judged(frames=100, vlans=set(range(1, 11)), copies=50, large=25)
    assert checks["VLANs"].fact == "1, 2, 3, 4, 5, 6, 7, 8 and 2 more"
    assert checks["copies"].fact.startswith("50%")
    assert checks["large frames"].fact.startswith("25%")
    assert not {"VLANs", "copies", "large frames"} & set(judged(frames=100, copies=1))
