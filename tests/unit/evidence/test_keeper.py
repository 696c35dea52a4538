"""Keeper: what is kept of a run over a capture, and what gives way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sensor.app.build import decoder_of, flow_context
from sensor.capture.files.capture import FileCapture
from sensor.config import Config
from sensor.engine.lane import Lane
from sensor.evidence.keeper import Keeper
from sensor.evidence.live_files import INDEX, LiveFiles
from sensor.evidence.request import AlertNote
from sensor.flowtable.table import FlowTable
from sensor.model.packets import PacketBatch
from tests.evidence import cut, flow_ids
from tests.running import CAPTURES, SMALL

NOTE = AlertNote("1", "2", "Some Rule", "2026-01-01T00:00:00Z", "something happened")
DEMO = CAPTURES / "demo.pcap"


class Late(Lane):
    """A lane that is always behind."""

    @property
    def lag_ns(self) -> int:  # type: ignore[override]
        return 1 << 40

    @lag_ns.setter
    def lag_ns(self, value: int) -> None:
        pass


def run(
    folder: Path, names: Sequence[str], *, after: int = 1 << 30, kind: type[Lane] = Lane,
    **options: Any,
) -> tuple[Keeper, list[dict[str, Any]]]:
    """A run over the demo, in which alerts about flows come after some batches (or at the end)."""
    config = Config(flow=SMALL)
    files = LiveFiles(str(folder), 1 << 30)
    values = {"flow_bytes": 1 << 20, "memory_bytes": 1 << 24, "ports": (23,), **options}
    keeper = Keeper(files, **values)
    table = FlowTable(SMALL, note=True, follow=True)
    lane = kind(table, flow_context(config, live=True), evidence=keeper)
    decode, packets = decoder_of(config).decode, PacketBatch()
    for number, frames in enumerate(FileCapture([str(DEMO)], frames_max=100)):
        decode(frames, packets)
        lane.prepare(frames, packets)
        packets.records["payload_offset"] = 0  # no analyzer wants any
        if number == after:
            keeper.requests.extend(([name], NOTE) for name in names)
        lane.fold(packets, lane.take)
        lane.take()
    lane.drain(lane.take)
    if after == 1 << 30:
        keeper.requests.extend(([name], NOTE) for name in names)
    keeper.finish()
    files.close()
    index = folder / INDEX
    lines = index.read_bytes().splitlines() if index.exists() else []
    return keeper, [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def telnet() -> dict[str, int]:
    """The frames of each flow on port 23, as they are cut out of the file."""
    frames = cut(DEMO, flow_ids(DEMO))
    return {name: len(some) for name, some in frames.items()
            if some[0].octets[36:38] == b"\x00\x17"}  # fmt: skip


@pytest.mark.parametrize("after", [1, 1 << 30], ids=["early", "at the end"])
def test_frames_before_and_after_the_alert(
    tmp_path: Path, telnet: dict[str, int], after: int
) -> None:
    keeper, entries = run(tmp_path, list(telnet), after=after)
    found = {entry["id"]: entry["packets"] for entry in entries}
    assert found.items() <= telnet.items()
    if after > 1:
        assert found == telnet
    assert all(entry["is_whole"] for entry in entries)
    assert keeper.counters["frames_written"] == sum(found.values())


def test_nothing_is_written_without_an_alert(tmp_path: Path) -> None:
    keeper, entries = run(tmp_path, [])
    assert entries == [] and list(tmp_path.iterdir()) == []
    assert keeper.counters["flows"] > 0


def test_memory_is_bounded_and_what_gave_way_is_counted(
    tmp_path: Path, telnet: dict[str, int]
) -> None:
    keeper, entries = run(tmp_path, list(telnet), memory_bytes=20_000)
    assert keeper.counters["gave_way"] > 0
    assert 0 < len(entries) < len(telnet)
    assert all(telnet[entry["id"]] >= entry["packets"] for entry in entries)


def test_a_flow_has_a_limit(tmp_path: Path, telnet: dict[str, int]) -> None:
    keeper, entries = run(tmp_path, list(telnet), flow_bytes=500)
    for entry in entries:
        assert entry["packets"] + entry["left_out"] == telnet[entry["id"]]
        assert entry["is_whole"] == (not entry["left_out"])
    assert keeper.counters["left_out"] == sum(entry["left_out"] for entry in entries) > 0


def test_a_late_run_gives_up_frames_of_flows(tmp_path: Path, telnet: dict[str, int]) -> None:
    keeper, entries = run(tmp_path, list(telnet), kind=Late)
    assert entries == [] and keeper.counters["flows"] == 0
    assert keeper.counters["skipped"] > 0


class OnceLate(Lane):
    """A lane that is behind in its fourth batch alone."""

    batches = 0

    @property
    def lag_ns(self) -> int:  # type: ignore[override]
        self.batches += 1
        return (1 << 40) * (self.batches == 4)

    @lag_ns.setter
    def lag_ns(self, value: int) -> None:
        pass


def test_what_a_late_run_has_left_out_looks_whole_in_no_file(
    tmp_path: Path, telnet: dict[str, int]
) -> None:
    keeper, entries = run(tmp_path, list(telnet), kind=OnceLate)
    assert keeper.counters["skipped"] == 100 and len(entries) < len(telnet)
    assert all(entry["packets"] == telnet[entry["id"]] for entry in entries if entry["is_whole"])


def test_two_alerts_of_a_flow_stand_in_one_line_of_the_index(
    tmp_path: Path, telnet: dict[str, int]
) -> None:
    name = next(iter(telnet))
    _, entries = run(tmp_path, [name, name])
    (entry,) = entries
    assert [alert["rule_name"] for alert in entry["alerts"]] == ["Some Rule", "Some Rule"]
