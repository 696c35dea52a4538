"""Files that overlap in time are merged, those that do not are read one after the other."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor.capture.files import capture as files_module
from sensor.capture.files.capture import FileCapture
from sensor.model.frames import FrameBatch
from tests.running import CAPTURES, run_capture
from tests.unit.capture.files.build import enhanced, interface, pcap_header, record, section, write

Numbered = tuple[int, str, int, bytes, str]
"""Time in seconds, file, number in the file, octets and interface of a frame."""


def numbered(frames: FrameBatch) -> list[Numbered]:
    rows: list[Numbered] = []
    for at, frame in enumerate(frames.records[: frames.count]):
        start, captured = int(frame["offset"]), int(frame["captured"])
        assert start + captured <= frames.size
        number, path = frames.first_number + at, frames.file
        if frames.numbers is not None:
            number = int(frames.numbers[at])
        if frames.files:
            path = frames.files[frames.file_of[at]]
        rows.append((int(frame["time_ns"]) // 10**9, os.path.basename(path), number,
                     bytes(frames.data[start : start + captured]),
                     frames.interfaces[frame["interface"]]))  # fmt: skip
    return rows


def all_of(capture: FileCapture) -> list[Numbered]:
    rows: list[Numbered] = []
    watermark_ns = 0
    for frames in capture:
        assert frames.watermark_ns >= watermark_ns
        watermark_ns = frames.watermark_ns
        rows += numbered(frames)
        assert all(row[0] * 10**9 <= watermark_ns for row in rows[-frames.count :])
    assert [entry.error for entry in capture.inputs] == [None] * len(capture.inputs)
    assert capture.bytes_read == capture.bytes_total
    return rows


def by_hand(files: dict[str, list[int]]) -> list[tuple[str, int]]:
    """File and number of the frames, the earliest head of the files first, ties by file."""
    order = sorted((name for name in files if files[name]), key=lambda name: files[name][0])
    heads = {name: 0 for name in order}
    found = []
    while heads:
        name = min(heads, key=lambda name: (files[name][heads[name]], order.index(name)))
        found.append((name, heads[name] + 1))
        heads[name] += 1
        if heads[name] == len(files[name]):
            del heads[name]
    return found


def written(folder: Path, files: dict[str, list[int]]) -> list[Path]:
    paths = []
    for place, (name, times) in enumerate(files.items()):
        path = folder / name
        frames = [b"%s %d " % (name.encode(), number) * (number % 5 + 1)
                  for number in range(1, len(times) + 1)]  # fmt: skip
        if place % 2:
            body = [section(), interface(1, 0, (2, name.encode()))]
            body += [enhanced(octets, time * 10**6) for octets, time in
                     zip(frames, times, strict=True)]  # fmt: skip
        else:
            body = [pcap_header(), *(record(octets, time) for octets, time in
                                     zip(frames, times, strict=True))]  # fmt: skip
        octets = b"".join(body)
        path.write_bytes(gzip.compress(octets) if place % 3 == 2 else octets)
        paths.append(path)
    return paths


@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    st.lists(st.lists(st.integers(0, 60), max_size=40), min_size=1, max_size=6),
    st.integers(100, 3000), st.integers(1, 50), st.booleans(), st.booleans(),
)  # fmt: skip
def test_as_by_hand(
    tmp_path: Path, times: list[list[int]], window_bytes: int, frames_max: int, rising: bool,
    thread: bool,
) -> None:  # fmt: skip
    files = {f"f{place}": sorted(each) if rising else each for place, each in enumerate(times)}
    paths = written(tmp_path, files)
    capture = FileCapture(paths, window_bytes=window_bytes, frames_max=frames_max, thread=thread)
    rows = all_of(capture)
    assert [row[1:3] for row in rows] == by_hand(files)
    for time, name, number, octets, interface_name in rows:
        assert time == files[name][number - 1]
        assert octets == b"%s %d " % (name.encode(), number) * (number % 5 + 1)
        assert interface_name == (name if int(name[1:]) % 2 else "")


def test_what_does_not_overlap_is_not_copied(tmp_path: Path) -> None:
    files = {"a": list(range(0, 50)), "b": list(range(49, 90)), "c": list(range(90, 99))}
    capture = FileCapture(written(tmp_path, files))
    batches = [(os.path.basename(frames.file), frames.files, frames.count) for frames in capture]
    assert batches == [("a", (), 50), ("b", (), 41), ("c", (), 9)]


def test_after_an_overlap_the_last_file_goes_on_by_itself(tmp_path: Path) -> None:
    files = {"a": list(range(0, 30)), "b": list(range(20, 4000)), "c": [5000]}
    capture = FileCapture(written(tmp_path, files), window_bytes=2000)
    several, single = [], []
    for frames in capture:
        (several if frames.files else single).extend(row[1:3] for row in numbered(frames))
    assert several + single == by_hand(files) or sorted(several + single) == sorted(by_hand(files))
    assert {name for name, _ in several} == {"a", "b"} and len(several) < 300
    assert single[-1] == ("c", 1) and ("b", 3980) in single


def test_equal_times_go_by_the_order_of_the_files(tmp_path: Path) -> None:
    one = write(tmp_path / "1", pcap_header(), *(record(b"one", 5) for _ in range(3)))
    two = write(tmp_path / "2", pcap_header(), *(record(b"two", 5) for _ in range(3)))
    assert [row[3] for row in all_of(FileCapture([two, one]))] == [b"two"] * 3 + [b"one"] * 3


def test_more_files_than_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "OPEN_MAX", 3)
    files = {f"f{place}": [place, 100 + place] for place in range(5)}
    capture = FileCapture(written(tmp_path, files))
    rows = [row[1:3] for frames in capture for row in numbered(frames)]
    assert sorted(rows) == sorted(by_hand(files))
    (notice,) = capture.notices
    assert "more than 3 files overlap" in notice


def test_a_file_that_is_damaged_ends_and_the_others_go_on(tmp_path: Path) -> None:
    first = write(tmp_path / "1", pcap_header(), record(b"1a", 1), record(b"1b", 5),
                  record(b"1c", 9)[:-1])  # fmt: skip
    other = write(tmp_path / "2", pcap_header(), *(record(b"2", time) for time in (2, 6, 10)))
    capture = FileCapture([first, other])
    rows = [row for frames in capture for row in numbered(frames)]
    assert [row[0] for row in rows] == [1, 2, 5, 6, 10]
    assert "cut short" in str(capture.inputs[0].error) and capture.inputs[1].error is None


@pytest.mark.parametrize("parts", [2, 5])
def test_a_capture_dealt_out_to_files_gives_the_same_flows(tmp_path: Path, parts: int) -> None:
    """As a tap does that has a port for each direction, or several queues."""
    whole = FileCapture([CAPTURES / "demo.pcap"])
    bodies = [bytearray(pcap_header()) for _ in range(parts)]
    places: list[tuple[int, int]] = []
    counts = [0] * parts
    for frames in whole:
        for frame in frames.records[: frames.count]:
            start, captured = int(frame["offset"]), int(frame["captured"])
            octets = bytes(frames.data[start : start + captured])
            part = (octets[29] ^ octets[33] if captured > 33 else 0) % parts
            seconds, fraction = divmod(int(frame["time_ns"]), 10**9)
            bodies[part] += record(octets, seconds, fraction // 1000, wire=int(frame["wire"]))
            counts[part] += 1
            places.append((part, counts[part]))
    paths = [write(tmp_path / f"{place}.pcap", body) for place, body in enumerate(bodies)]
    run, plain = run_capture(paths, seed=5), run_capture(CAPTURES / "demo.pcap", seed=5)
    for event in plain.events:
        told = event["sensor"].pop("capture", None)
        if told:
            part, number = places[told["frame"] - 1]
            event["sensor"]["capture"] = {"file": paths[part], "frame": number}
    assert run.events == plain.events and run.ledger == plain.ledger
