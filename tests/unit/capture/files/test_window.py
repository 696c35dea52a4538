"""How the input is cut never shows: any window, any short reads, with and without a thread."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.capture.files.window import PrefixedStream, RecordingStream, Window
from tests.examples import examples
from tests.unit.capture.files.build import (
    Drip,
    block,
    enhanced,
    interface,
    pcap_header,
    read,
    record,
    section,
    simple,
)

PCAP = pcap_header() + b"".join(record(bytes([n]) * (n * 37 % 500), n) for n in range(120))
PCAPNG = (
    section()
    + interface(1, 0, (2, b"eth0"))
    + b"".join(
        enhanced(bytes([n]) * (n * 37 % 500), n) + simple(b"s" * n) + block(0xBAD, bytes(n * 41))
        for n in range(60)
    )
    + section(">")
    + interface(101, 0, (2, b"tun0"), order=">")
    + enhanced(b"last", 99, order=">")
)
FILES = {"pcap": PCAP, "pcapng": PCAPNG}
CASES = pytest.mark.parametrize("kind", list(FILES))


@CASES
@examples(60)
@given(
    st.lists(st.integers(1, 700), min_size=1, max_size=5),
    st.integers(16, 3000),
    st.integers(1, 50),
    st.integers(0, 3),
)
def test_any_cut_gives_the_same_frames(
    kind: str, sizes: list[int], window_bytes: int, capacity: int, ahead: int
) -> None:
    octets = FILES[kind]
    whole, error = read(octets)
    assert error is None
    again = read(octets, sizes, window_bytes=window_bytes, capacity=capacity, ahead=ahead)
    assert again == (whole, None)


@CASES
def test_octet_by_octet(kind: str) -> None:
    octets = FILES[kind]
    assert read(octets, (1,), window_bytes=64) == read(octets)


@CASES
def test_a_cut_file_says_the_same_however_it_is_read(kind: str) -> None:
    octets = FILES[kind]
    for cut in range(len(octets) - 500, len(octets), 7):
        expected = read(octets[:cut])
        for ahead in (1, 4):
            assert read(octets[:cut], (33,), window_bytes=100, ahead=ahead) == expected


@pytest.mark.parametrize("ahead", [1, 5])
def test_what_was_yielded_stays_until_the_next_fill(ahead: int) -> None:
    octets = bytes(range(256)) * 40
    window = Window(Drip(octets, (1 << 30,)), window_bytes=256, ahead=ahead)
    at = 0
    while window.fill(window.at, 100):
        view = memoryview(window.data)[window.at : window.end]
        assert window.base + window.at == at
        assert bytes(view) == octets[at : at + len(view)]
        at += 100
        window.at += 100
    assert window.size == len(octets)
    window.close()


def test_skipping_stores_nothing() -> None:
    octets = bytes(100_000) + b"behind"
    window = Window(Drip(octets, (1 << 30,)), window_bytes=512, ahead=0)
    assert window.fill(window.at, 1)
    assert window.fill(window.at + 100_000, 6)
    assert bytes(window.data[window.at : window.end]) == b"behind"
    assert len(window.data) <= 1024
    assert not window.fill(window.at, 7)
    window.close()


def test_a_stream_that_was_peeked_is_read_from_its_start() -> None:
    raw = Drip(b"abcdefgh", (3,))
    recording = RecordingStream(raw)
    assert recording.readinto(memoryview(bytearray(8))) == 3
    window = Window(PrefixedStream(recording.recorded, raw), window_bytes=64, ahead=0)
    assert window.fill(window.at, 8)
    assert bytes(window.data[window.at : window.end]) == b"abcdefgh"
    window.close()


class Broken(Drip):
    """A stream whose medium fails after what it has."""

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if count := super().readinto(buffer):
            return count
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_a_read_error_reaches_the_caller(ahead: int) -> None:
    window = Window(Broken(bytes(2000), (500,)), window_bytes=500, ahead=ahead)
    with pytest.raises(OSError, match="Input/output error"):
        while window.fill(window.end, 1):
            pass
    assert window.size == 2000
    window.close()
    window.close()
