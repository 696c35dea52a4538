"""The kernel runs the program that chooses interfaces and frames: every frame is accounted for.

Each far end sends six frames: without a tag, with one, with two, each to port 23 and to port 80.
"""

from __future__ import annotations

import pytest

from tests.live import veth

pytestmark = pytest.mark.needs("libpcap")

FIRST = {"left0": 1, "left1": 7, "lo": 13}
"""The number of the first frame that arrives at an interface."""
PORT_23_UNTAGGED, PORT_23_ONE_TAG, PORT_23_TWO_TAGS = 0, 2, 4


def arrivals(filter_text: str, *interfaces: str) -> list[tuple[str, int]]:
    """Interface, and position of the frame among those sent there; outgoing copies are none."""
    found = veth.run("tests.live.filtered_socket", filter_text, *interfaces)
    assert not any(outgoing for _, _, outgoing in found)
    return [(name, label - FIRST[name]) for name, label, _ in found]


@pytest.mark.parametrize("interfaces", [["left0"], ["lo"], ["left0", "left1"],
                                        ["lo", "left1"], ["left0", "left1", "lo"]])  # fmt: skip
def test_all_frames_of_the_chosen_interfaces_arrive_once(interfaces: list[str]) -> None:
    expected = [(name, at) for name in interfaces for at in range(6)]
    assert sorted(arrivals("", *interfaces)) == sorted(expected)


def test_no_interface_no_frame() -> None:
    assert arrivals("") == []
    assert arrivals("tcp port 23") == []


def test_the_own_frames_of_an_interface_that_is_no_loopback_are_kept() -> None:
    found = veth.run("tests.live.filtered_socket", "", "right0")
    assert found == [["right0", number, True] for number in range(1, 7)]


def test_a_port_filter_misses_the_second_tag_as_its_warning_says() -> None:
    at = [PORT_23_UNTAGGED, PORT_23_ONE_TAG]
    assert arrivals("tcp port 23", "left0", "lo") == [
        (name, position) for name in ("left0", "lo") for position in at
    ]


def test_what_the_warning_advises_finds_the_second_tag() -> None:
    text = "tcp port 23 or (vlan and (tcp port 23))"
    assert arrivals(text, "left0") == [
        ("left0", at) for at in (PORT_23_UNTAGGED, PORT_23_ONE_TAG, PORT_23_TWO_TAGS)
    ]


def test_vlan_finds_a_second_tag_only_as_its_warning_says() -> None:
    assert arrivals("vlan", "left0") == [("left0", 4), ("left0", 5)]
    assert arrivals("vlan 6", "left0") == [("left0", 4), ("left0", 5)]
    assert arrivals("vlan 5", "left0") == []
