"""Evidence of the shipped captures: every frame of each flow and no other, as tshark sees them."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import dpkt
import pytest

from sensor.capture.files.capture import FileCapture
from tests.command import ACCEPTED, DEMO, EXTERNAL, ndjson, sensor
from tests.evidence import Cut, cut, flow_ids, keys_of, seen_by_tshark
from tests.fragmenting import fragments_of
from tests.memory_capture import MemoryCapture
from tests.programs import require
from tests.running import CAPTURES

PATHS = sorted(CAPTURES.rglob("*.pcap*"))
VXLAN = CAPTURES / "telnet_vxlan.pcap"
FRAGMENTS = CAPTURES / "telnet_fragments.pcap"


def frames_in(path: Path) -> int:
    return sum(frames.count for frames in FileCapture([str(path)]))


def octets_in(path: Path | str) -> list[bytes]:
    """The frames of a file, read by dpkt."""
    with open(path, "rb") as file:
        return [octets for _, octets in dpkt.pcap.UniversalReader(file)]


def numbers_of(text: str) -> list[int]:
    """`1-3, 7` in full."""
    spans = [part.partition("-") for part in text.split(", ")]
    return [number for first, _, last in spans
            for number in range(int(first), int(last or first) + 1)]  # fmt: skip


def manifest_in(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "manifest.json").read_bytes())
    assert isinstance(found, dict)
    return found


def test_every_flow_of_every_capture_has_exactly_its_frames(tmp_path: Path) -> None:
    """All captures in one file, so that tshark starts once."""
    require("mergecap")
    joined = tmp_path / "all.pcapng"
    subprocess.run(["mergecap", "-a", "-w", joined, *PATHS], check=True)
    seen = seen_by_tshark(joined)
    first = 0
    for path in PATHS:
        count = frames_in(path)
        check_flows(path, keys_of(seen, range(first, first + count)))
        first += count
    assert first == len(seen)


def check_flows(path: Path, keys: list[tuple[Any, ...]]) -> None:
    """The flows of one capture, all of them cut out, against the keys of its frames."""
    names = flow_ids(path)
    found = cut(path, names)
    assert sorted(found) == sorted(names), path
    mine = defaultdict(list)
    for frames in found.values():
        (key,) = {keys[frame.number - 1] for frame in frames}
        mine[key] += [frame.number for frame in frames]
    theirs = defaultdict(list)
    for number, key in enumerate(keys, 1):
        theirs[key].append(number)
    for key, numbers in mine.items():
        assert sorted(numbers) == theirs[key], (path, key)
    if path.name != "malformed.pcap":  # whose frames belong to no flow, as they are broken
        assert set(theirs) - {()} <= set(mine), path


def in_vxlan_fragments(turned: bool) -> tuple[MemoryCapture, dict[int, list[int]]]:
    """The frames of a capture with the outer packets in two fragments; of each the new numbers."""
    frames: list[tuple[int, bytes]] = []
    numbers = {}
    for number, octets in enumerate(octets_in(VXLAN), 1):
        pieces = fragments_of(octets, [88], ip_id=number) if len(octets) > 130 else [octets]
        numbers[number] = [len(frames) + at for at in range(1, len(pieces) + 1)]
        frames += [(number * 1_000_000 + at, piece)
                   for at, piece in enumerate(pieces[::-1] if turned else pieces)]
    return MemoryCapture(frames, file="fragments"), numbers


@pytest.mark.parametrize("turned", [False, True])
def test_a_tunnel_in_fragments_is_cut_whole(turned: bool) -> None:
    capture, numbers = in_vxlan_fragments(turned)
    plain = cut(VXLAN, flow_ids(VXLAN))
    found = cut(capture, flow_ids(in_vxlan_fragments(turned)[0]))
    expected = sorted(sorted(itertools.chain.from_iterable(numbers[frame.number]
                                                           for frame in frames))
                      for frames in plain.values())
    assert sorted([frame.number for frame in frames] for frames in found.values()) == expected
    assert len(numbers) < len(list(itertools.chain.from_iterable(expected)))


def dealt_out(tmp_path: Path) -> list[Path]:
    """The demo's frames by turns in two files, which overlap in time: one gzip, one zstd."""
    require("editcap", "gzip", "zstd")
    names = []
    for place, (pack, ending) in enumerate((("gzip", "gz"), ("zstd", "zst"))):
        path = tmp_path / f"part{place}.pcapng"
        numbers = [str(number) for number in range(1 + place, frames_in(Path(DEMO)) + 1, 2)]
        subprocess.run(["editcap", "-r", DEMO, path, *numbers[:500]], check=True)
        subprocess.run([pack, "-q", path], check=True)
        names.append(path.with_name(f"{path.name}.{ending}"))
    return names


def test_files_that_are_merged_and_compressed_give_the_same_frames(tmp_path: Path) -> None:
    paths = dealt_out(tmp_path)
    sources = octets_in(DEMO)
    out = tmp_path / "out"
    assert sensor("evidence", *map(str, paths), "-o", str(out)).code == 0
    found = manifest_in(out)
    assert len(found["flows"]) == 7
    for source, path in zip(found["sources"], paths, strict=True):
        assert source["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert source["bytes"] == path.stat().st_size
    alone: Cut = cut(DEMO, flow_ids(DEMO))
    for flow in found["flows"]:
        numbers = sorted(2 * number - 1 + paths.index(Path(part["path"]))
                         for part in flow["frames"] for number in numbers_of(part["numbers"]))
        assert numbers == [frame.number for frame in alone[flow["id"]]]
        assert octets_in(out / flow["file"]) == [sources[number - 1] for number in numbers]


@pytest.mark.needs("tshark", "capinfos")
@pytest.mark.parametrize("path", [EXTERNAL, str(FRAGMENTS)], ids=["pcapng", "fragments"])
def test_files_hold_what_the_manifest_says_and_what_the_source_has(
    tmp_path: Path, path: str
) -> None:
    out = tmp_path / "out"
    assert sensor("evidence", path, "-o", str(out)).code == 0
    found = manifest_in(out)
    assert found["flows"]
    sources, named = octets_in(path), path.endswith("pcapng")  # a pcap file names no interface
    for flow in found["flows"]:
        file = out / flow["file"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == flow["sha256"]
        assert file.stat().st_size == flow["bytes"]
        counted = subprocess.run(["capinfos", "-Mc", file], capture_output=True, text=True,
                                 check=True)
        assert int(counted.stdout.split()[-1]) == flow["packets"]
        (part,) = flow["frames"]
        mine = fields_of(file, "frame", named)
        assert mine == fields_of(path, part["display_filter"], named)
        assert set(fields_of(path, flow["display_filter"], named)) <= set(mine)
        numbers = numbers_of(part["numbers"])
        assert octets_in(file) == [sources[number - 1] for number in numbers]


def fields_of(path: Path | str, wanted: str, named: bool) -> list[tuple[str, ...]]:
    """Time, lengths, link type and (`named`) interface of the frames that a filter selects."""
    names = ["time_epoch", "len", "cap_len", "encap_type", *(["interface_name"] if named else [])]
    columns = [word for name in names for word in ("-e", f"frame.{name}")]
    run = subprocess.run(["tshark", "-nr", path, "-Y", wanted, "-T", "fields", *columns],
                         capture_output=True, text=True, check=True)
    return [tuple(line.split("\t")) for line in run.stdout.splitlines()]


def test_a_second_run_gives_the_same_octets(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert sensor("evidence", DEMO, "-o", str(tmp_path / name)).code == 0
    again = sensor("evidence", DEMO, "-o", str(tmp_path / "two"))  # over what is there
    assert again.code == 0
    contents = [{place.name: place.read_bytes() for place in (tmp_path / name).iterdir()}
                for name in ("one", "two")]
    assert len(contents[0]) == 8
    assert contents[0] == contents[1]


def test_alerts_of_an_earlier_run_and_a_replay_give_the_same_files(tmp_path: Path) -> None:
    alerts = tmp_path / "alerts.ndjson"
    replayed = sensor("replay", "-q", DEMO, "--alerts", str(alerts),
                      "--evidence", str(tmp_path / "replay"))
    assert replayed.code == 0
    again = sensor("evidence", DEMO, "--alerts", str(alerts), "-o", str(tmp_path / "alerts"))
    assert again.code == 0
    told = [event for alert in ndjson(alerts)
            for event in alert["sensor"]["alert"].get("events", [alert])]  # fmt: skip
    named = {one["flow"]["id"] for one in told}
    for name in ("replay", "alerts"):
        assert {flow["id"] for flow in manifest_in(tmp_path / name)["flows"]} == named
    for flow in named:
        files = [(tmp_path / name / f"{flow}.pcapng").read_bytes() for name in ("replay", "alerts")]
        assert files[0] == files[1]


def test_a_flow_is_named_by_flow_id_community_id_or_event_id(tmp_path: Path) -> None:
    (alert,) = sensor("replay", "-q", "--json", ACCEPTED).documents()
    names = (alert["flow"]["id"], alert["network"]["community_id"], alert["event"]["id"])
    for number, name in enumerate(names):
        out = tmp_path / str(number)
        assert sensor("evidence", ACCEPTED, "--flow", name, "-o", str(out)).code == 0
        (flow,) = manifest_in(out)["flows"]
        assert flow["id"] == alert["flow"]["id"]
        assert flow["packets"] == frames_in(Path(ACCEPTED))
