"""What the command line says about ports: mistakes are told before anything is opened."""

from __future__ import annotations

import pytest

from sensor.capture.live.af_packet import PacketTime
from sensor.capture.live.open import PortOptions, check_ports
from sensor.config import CaptureLimits
from sensor.errors import ConfigError

MIB = 1 << 20


def test_each_interface_counts_once_and_keeps_its_place() -> None:
    assert check_ports(["tap1", "tap0", "tap1"], PortOptions()) == ("tap1", "tap0")


@pytest.mark.parametrize("names,options,words", [
    ([], PortOptions(), "no interface is named"),
    (["any"], PortOptions(), "name the interfaces"),
    (["eth0,eth1"], PortOptions(), "once for each interface"),
    (["a/b"], PortOptions(), "not the name of an interface"),
    (["sixteen-octets-x"], PortOptions(), "not the name of an interface"),
    (["\udcff" * 16], PortOptions(), "not the name of an interface"),
    (["bad\x1b[2J"], PortOptions(limits=CaptureLimits(block_bytes=3 * MIB)), "power of two"),
    (["tap0"], PortOptions(limits=CaptureLimits(block_bytes=1 << 11)), "power of two"),
    (["tap0"], PortOptions(limits=CaptureLimits(ring_bytes=4096 * MIB)), "at most 2048 MiB"),
    ([f"tap{number}" for number in range(65)], PortOptions(), "64 interfaces at most"),
    (["tap0"], PortOptions(backend="scapy", workers=2), "needs a ring"),
])  # fmt: skip
def test_what_cannot_be_is_told(names: list[str], options: PortOptions, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        check_ports(names, options)
    assert "\x1b" not in str(caught.value)


def test_a_name_is_octets() -> None:
    assert check_ports(["\udcff"], PortOptions()) == ("\udcff",)


def test_packet_time_goes_on_while_no_packet_comes() -> None:
    time = PacketTime()
    assert time.now(5) < 0
    time.saw(1_000, 50)
    assert time.now(50) == 1_000
    assert time.now(250) == 1_200


def test_packet_time_follows_a_clock_that_was_set_forward_and_never_goes_back() -> None:
    time = PacketTime()
    time.saw(1_000, 50)
    time.saw(9_000, 60)
    assert time.now(60) == 9_000
    time.saw(2_000, 70)  # set back: deadlines go on at the pace of the steady clock
    assert time.now(160) == 9_100
    time.saw(9_110, 200)  # handed over late: it does not hold time up
    assert time.now(200) == 9_140
