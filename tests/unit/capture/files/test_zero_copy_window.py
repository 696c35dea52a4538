"""LentWindow: records of any size, parts of any size, a ring that begins again at any place."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.capture.files.zero_copy_window import LentWindow
from sensor.compression.source import HEADROOM, LENT_MIN, NOTHING, Lent
from tests.unit.capture.files.build import block, frames_of, pcap_header, read, record, section


class Lender:
    """Lends octets in a ring that is no larger than it has to be, and spoils all others."""

    def __init__(
        self, octets: bytes, sizes: Sequence[int], error: Exception | None = None, bad: int = -1
    ) -> None:
        """`error` comes instead of the end; what begins at `bad` is found to be damaged."""
        self.octets = octets
        self.sizes = sizes
        self.given = self.parts = 0
        self.place = self.lap_end = HEADROOM
        self.ring = memoryview(b"")
        self.error = error
        self.bad = bad
        self.closed = 0

    def lend(self, most: int, behind: int) -> Lent:
        size = min(self.sizes[self.parts % len(self.sizes)], most)
        self.parts += 1
        part = self.octets[self.given : self.given + size]
        self.given += len(part)
        if not part and self.error is not None:
            raise self.error
        if not part:
            return NOTHING
        if not self.ring:
            self.ring = memoryview(bytearray(HEADROOM + most + behind + most))
        if self.place + len(part) > len(self.ring):
            self.lap_end = self.place
            self.place = HEADROOM
        start, end = self.place, self.place + len(part)
        self.ring[start:end] = part
        self.place = end
        older = max(behind - (start - HEADROOM), 0)  # of the lap before, which still stay
        spoiled = max(self.lap_end - older - end, 0)
        self.ring[end : end + spoiled] = b"\xee" * spoiled
        return Lent(self.ring, start, end)

    def verified(self, lent: Lent) -> tuple[Lent, Exception | None]:
        before = self.octets.index(bytes(lent.data[lent.start : lent.end])) if self.bad >= 0 else 0
        if 0 <= self.bad < before + lent.end - lent.start:
            return lent._replace(end=lent.start + self.bad - before), OSError("damaged")
        return lent, None

    def close(self) -> None:
        self.closed += 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([1, 7, 16, 3000, 100_000, 200_000, 300_000, 900_000]),
                min_size=1, max_size=12),
       st.lists(st.sampled_from([1, 90, 5000, 60_000, LENT_MIN, 1 << 18]),
                min_size=1, max_size=4),
       st.integers(1, 4), st.sampled_from([0, 1 << 18]))  # fmt: skip
def test_any_records_in_any_parts(
    needs: list[int], sizes: list[int], ahead: int, window_bytes: int
) -> None:
    octets = random.Random(len(needs)).randbytes(sum(needs) * 2 + 777)
    if max(sizes) < 1000:
        octets = octets[:20_000]
    window = LentWindow(Lender(octets, sizes), window_bytes=window_bytes, ahead=ahead)
    place = 0
    for need in needs * 2:
        whole = window.fill(window.at, need)
        assert window.base + window.at == place
        assert whole == (place + need <= len(octets))
        found = bytes(window.data[window.at : window.end])
        assert found == octets[place : place + len(found)]
        if not whole:
            break
        window.at += need
        place += need
    window.close()


@pytest.mark.parametrize("size", [70_000, 1 << 18])
def test_skipping_stores_nothing(size: int) -> None:
    octets = bytes(3_000_000) + b"behind"
    window = LentWindow(Lender(octets, [size]), window_bytes=0, ahead=2)
    assert window.fill(window.at, 1)
    assert window.fill(window.at + 3_000_000, 6)
    assert bytes(window.data[window.at : window.end]) == b"behind"
    assert not window.fill(window.at, 7)
    assert window.size == len(octets)
    window.close()


def test_what_lies_in_memory_of_its_own_goes_back_into_the_ring() -> None:
    octets = random.Random(1).randbytes(5_000_000)
    lender = Lender(octets, [100_000])
    window = LentWindow(lender, window_bytes=0, ahead=1)
    assert window.fill(window.at, 1_000_000)
    assert window.data is not lender.ring
    own = len(window.data)
    assert own < 1_500_000
    for _ in range(30):
        window.at += 130_000
        assert window.fill(window.at, 130_000)
        place = window.base + window.at
        assert window.data[window.at : window.end] == octets[place : place + window.end - window.at]
    assert window.data is lender.ring
    window.close()


@pytest.mark.parametrize("ahead", [1, 3])
def test_an_error_reaches_the_caller_behind_what_was_whole(ahead: int) -> None:
    lender = Lender(bytes(300_000), [1000], OSError(5, "Input/output error"))
    window = LentWindow(lender, window_bytes=0, ahead=ahead)
    with pytest.raises(OSError, match="Input/output error"):
        while window.fill(window.end, 1):
            pass
    assert window.size == 300_000
    window.close()
    window.close()
    for thread in threading.enumerate():
        if thread.name == "sensor-read":
            thread.join()
    assert lender.closed == 1


@pytest.mark.parametrize("bad", [0, 150_000, 200_000])
def test_what_is_found_to_be_damaged_is_not_given(bad: int) -> None:
    octets = random.Random(2).randbytes(400_000)
    window = LentWindow(Lender(octets, [50_000], bad=bad), window_bytes=0, ahead=3)
    with pytest.raises(OSError, match="damaged"):
        while window.fill(window.end, 1):
            pass
    assert window.size == bad
    window.close()


def test_captures_read_as_from_a_file() -> None:
    """Records larger than the headroom, and than what is lent, among small ones."""
    chosen = random.Random(3)
    small = [record(chosen.randbytes(chosen.randrange(2000)), n) for n in range(2000)]
    large = [record(chosen.randbytes(size), 5000) for size in (262_144, 200_000, 3)]
    pcap = pcap_header() + b"".join([*small, *large, *small, *large])
    pcapng = section() + block(0xBAD, bytes(1_200_000)) + section()
    for octets in (pcap, pcapng):
        whole, error = read(octets)
        for sizes in ([LENT_MIN], [1 << 18, 999, 40_000]):
            window = LentWindow(Lender(octets, sizes), window_bytes=1 << 18, ahead=2)
            assert frames_of(window, 300) == (whole, error)
