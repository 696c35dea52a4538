"""Interfaces: indices stay good, and there is a limit."""

from __future__ import annotations

from sensor.capture.interfaces import INTERFACES_MAX, Interfaces


def test_an_index_stays_good() -> None:
    interfaces = Interfaces()
    assert interfaces.names == ("",)
    assert [interfaces.index(name) for name in ("eth0", "", "eth1", "eth0")] == [1, 0, 2, 1]
    assert interfaces.names == ("", "eth0", "eth1")


def test_beyond_the_limit_an_interface_has_no_name() -> None:
    interfaces = Interfaces()
    indices = [interfaces.index(str(number)) for number in range(INTERFACES_MAX + 5)]
    assert max(indices) == INTERFACES_MAX - 1
    assert indices[-5:] == [0] * 5
    assert interfaces.index("7") == 8
