"""MemoryCapture: a list of frames, cut as asked."""

from __future__ import annotations

import pytest

from tests.memory_capture import MemoryCapture
from tests.unit.capture.files.build import told

FRAMES = [(5, b"abc"), (3, b"defgh", 60), (9, b""), (1, b"i"), (2, b"jk")]


@pytest.mark.parametrize(
    ("batch_frames", "counts"), [(2048, [5]), (1, [1] * 5), ([2, 1], [2, 1, 2]), (4, [4, 1])]
)
def test_cut(batch_frames: int | list[int], counts: list[int]) -> None:
    capture = MemoryCapture(FRAMES, link=101, batch_frames=batch_frames)
    rows, seen, numbers = [], [], []
    for frames in capture:
        rows += told(frames)
        seen.append(frames.count)
        numbers.append(frames.first_number)
        last = frames.records[frames.count - 1]
        assert last["offset"] + last["captured"] == frames.size
        assert frames.watermark_ns == max(row[0] for row in rows)
    assert seen == counts
    assert numbers == [1 + sum(counts[:i]) for i in range(len(counts))]
    assert rows == [
        (5, b"abc", 3, 101, ""),
        (3, b"defgh", 60, 101, ""),
        (9, b"", 0, 101, ""),
        (1, b"i", 1, 101, ""),
        (2, b"jk", 2, 101, ""),
    ]
    assert capture.bytes_read == capture.bytes_total == 11


@pytest.mark.parametrize("batch_frames", [0, [], [3, 0], 2049])
def test_sizes_that_cannot_be(batch_frames: int | list[int]) -> None:
    with pytest.raises(ValueError, match="batch_frames"):
        MemoryCapture(FRAMES, batch_frames=batch_frames)
