"""A replay on a cluster says what a replay says: whatever is killed, lost, spilled or resumed."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import signal
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard

from tests.command import DEMO, Fork, environment, sensor
from tests.conformance.ray_nodes import Cluster, until
from tests.conformance.sink_peers import free_port
from tests.running import ROOT

FILES = 6
DAMAGED, PLAIN, ZSTD = 3, 1, 4
FILLER = bytes(12) + b"\x88\xb5" + bytes(60_000)
"""A frame without IP: it makes files large, and says nothing."""
FILLER_COUNT = 800
TIMING = ("elapsed_s", "packets_per_s", "rss_peak_bytes")


def packed(number: int, octets: bytes) -> bytes:
    if number == PLAIN:
        return octets
    if number == ZSTD:
        return zstandard.ZstdCompressor(1).compress(octets)
    octets = gzip.compress(octets, 1)
    return octets[: len(octets) * 2 // 3] if number == DAMAGED else octets


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo in six files of 48 MB, one of them damaged, one plain; a pipe, a key for secrets."""
    folder = tmp_path_factory.mktemp("archive")
    octets, at, records = Path(DEMO).read_bytes(), 24, []
    while at < len(octets):
        captured = struct.unpack_from("<I", octets, at + 8)[0]
        records.append(octets[at : at + 16 + captured])
        at += 16 + captured
    share = -(-len(records) // FILES)
    (folder / "captures").mkdir()
    for number in range(FILES):
        part = records[number * share : (number + 1) * share]
        size = struct.pack("<II", len(FILLER), len(FILLER))
        filler = (part[-1][:8] + size + FILLER) * FILLER_COUNT
        (folder / "captures" / f"part{number}").write_bytes(
            packed(number, octets[:24] + b"".join(part) + filler))
    os.mkfifo(folder / "pipe")
    (folder / "key").write_bytes(bytes(range(32)))
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.close()


pytestmark = pytest.mark.needs("ray")


@dataclass(frozen=True)
class Answer:
    """All that a run says about its input."""

    code: int
    out: str
    flows: bytes
    said: bytes
    ledger: dict[str, Any]
    problems: list[str]


class Run:
    """A replay of the archive, in a folder of its own. A pipe with the first packet holds it up:
    what is sent for meanwhile waits, until the run is let go.
    """

    def __init__(self, archive: Path, folder: Path, *options: str) -> None:
        self.folder = folder
        folder.mkdir()
        self.fork = Fork(
            "replay", "--json", "--flows", "flows.ndjson", "--protocol-events", "said.ndjson",
            "--stats", "stats.json", "--hash-key-file", str(archive / "key"), *options,
            str(archive / "pipe"), str(archive / "captures"), cwd=folder)  # fmt: skip
        self._pipe = open(archive / "pipe", "wb", 0)  # noqa: SIM115  it stays open
        self._pipe.write(Path(DEMO).read_bytes()[:24] + struct.pack("<IIII", 1, 0, 14, 14)
                         + FILLER[:14])  # fmt: skip

    def let_go(self) -> None:
        """Let it read what comes behind the pipe."""
        self._pipe.close()

    def answer(self) -> tuple[Answer, str]:
        """What it said, and what it told of the cluster."""
        self.let_go()
        out, err = (octets.decode() for octets in self.fork.communicate())
        ledger = json.loads((self.folder / "stats.json").read_bytes())
        for name in TIMING:
            del ledger[name]
        problems = [line for line in err.splitlines() if line.startswith("sensor: ")]
        told = next((line for line in err.splitlines() if line.startswith("ray: ")), "")
        return Answer(self.fork.wait(), out, (self.folder / "flows.ndjson").read_bytes(),
                      (self.folder / "said.ndjson").read_bytes(), ledger, problems), told


@pytest.fixture(scope="module")
def expected(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """What one reader says."""
    answer, _ = Run(archive, tmp_path_factory.mktemp("alone") / "run").answer()
    assert answer.code == 1 and answer.out.count("\n") >= 10 and answer.said
    assert len(answer.problems) == 1 and "the gzip data ends in the middle" in answer.problems[0]
    return answer


def test_blocks_that_find_no_room_and_a_worker_that_is_killed(
    archive: Path, cluster: Cluster, expected: Answer, tmp_path: Path
) -> None:
    run = Run(archive, tmp_path / "run", "--ray", cluster.address)
    cluster.kill_worker()
    until(lambda: any(path.is_file() for path in cluster.spilled.rglob("*")))
    answer, told = run.answer()
    assert answer == expected
    assert told.startswith(f"ray: {FILES - 1} of {FILES - 1} files decompressed")


def test_a_run_that_was_killed_goes_on_with_what_it_kept(
    archive: Path, cluster: Cluster, expected: Answer, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    options = ("--ray", cluster.address, "--resume", str(kept))

    def whole() -> dict[str, int]:
        with contextlib.suppress(OSError):
            return {path.name: path.stat().st_ino for path in kept.iterdir() if not path.suffix}
        return {}

    first = Run(archive, tmp_path / "first", *options, "--jobs", "2")
    until(lambda: len(whole()) >= 2)
    first.fork.send_signal(signal.SIGKILL)
    first.fork.wait()
    first.let_go()
    before = whole()
    answer, told = Run(archive, tmp_path / "second", *options).answer()
    assert answer == expected
    after = whole()
    assert len(after) == FILES - 1 and before.items() <= after.items()
    found = re.search(r", (\d+) kept from before", told)
    assert found and int(found[1]) == len(before) == 2


def test_what_no_node_can_open_the_reader_reads(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A path that leads somewhere else in each process."""
    octets = gzip.compress(Path(DEMO).read_bytes())
    for name in ("one.gz", "two.gz"):
        (tmp_path / name).write_bytes(octets)
    there = "/proc/self/cwd"
    fork = Fork("replay", "--json", "--ray", cluster.address, f"{there}/one.gz", f"{there}/two.gz",
                f"{there}/none.gz", cwd=tmp_path)  # fmt: skip
    out, err = (octets.decode() for octets in fork.communicate())
    assert fork.wait() == 1 and out.count("\n") >= 10
    notice = (f"notice: {there}/one.gz: the cluster does not give it (No such file or directory): "
              "it is read here, as are others of which that is so")
    told = [line for line in err.splitlines() if line.startswith(("notice: ", "sensor: "))]
    assert told == [
        notice, f"sensor: {there}/none.gz: cannot be read: no such file or directory"]
    assert "ray: 2 of 2 files decompressed, 2 read here\n" in err


def test_a_node_that_is_lost(
    archive: Path, cluster: Cluster, expected: Answer, tmp_path: Path
) -> None:
    """The last one: the cluster has one node less then, with the blocks that waited there."""
    run = Run(archive, tmp_path / "run", "--ray", cluster.address)
    until(lambda: cluster.working(1))
    until(lambda: not cluster.working(0) and not cluster.working(1))
    cluster.kill_node(1)
    answer, told = run.answer()
    assert answer == expected and "begun again" in told and "read here" not in told


def test_a_cluster_of_this_machine_begins_and_ends_with_the_run(tmp_path: Path) -> None:
    """--ray without an address, in front of a path; the home folder stays as it is."""
    path = tmp_path / "demo.gz"
    path.write_bytes(gzip.compress(Path(DEMO).read_bytes()))
    home = tmp_path / "home"
    home.mkdir()
    alone = sensor("replay", "--json", "--quiet", DEMO)
    changes = {name: "" for name in environment() if name.startswith("RAY_")}
    ended = sensor("replay", "--json", "--ray", str(path), HOME=str(home), **changes)
    assert ended.code == 0 and "ray: 1 of 1 files decompressed\n" in ended.err
    assert len(ended.documents()) == len(alone.documents()) >= 10
    assert [document["rule"] for document in ended.documents()] == [
        document["rule"] for document in alone.documents()]
    assert os.listdir(home) == []


@pytest.mark.parametrize(("options", "words"), [
    (["--ray", "ray://127.0.0.1:10001"], "not through Ray's client"),
    (["--ray", "PORT"], "the cluster cannot be joined: Connection refused"),
    (["--resume", "kept"], "--resume DIR goes with --ray"),
    (["--ray", "--follow", "."], "it goes without --follow and --explain"),
    (["--ray", "local", "--explain", "some_rule"], "it goes without --follow and --explain"),
])  # fmt: skip
def test_what_cannot_be_is_told_before_anything_is_read(options: list[str], words: str) -> None:
    given = [f"127.0.0.1:{free_port()}" if option == "PORT" else option for option in options]
    ended = sensor("replay", *given, DEMO)
    assert ended.code == 2 and words in " ".join(ended.err.split()) and not ended.out


def test_without_ray_the_way_to_it_is_told(tmp_path: Path) -> None:
    """A package that cannot be imported stands in front of it."""
    (tmp_path / "ray.py").write_text("raise ImportError")
    ended = sensor("replay", "--ray", "local", DEMO, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert ended.code == 2 and "pip install 'flow-sensor[ray]'" in ended.message()


def test_the_job_shown_is_yaml_of_a_job() -> None:
    page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    shown = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (job,) = [document for text in shown for document in yaml.safe_load_all(text)]
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]
    assert spec["entrypoint"].startswith("sensor replay --ray auto ")
    groups = [spec["rayClusterSpec"]["headGroupSpec"], *spec["rayClusterSpec"]["workerGroupSpecs"]]
    for group in groups:
        (container,) = group["template"]["spec"]["containers"]
        mounts = {mount["name"] for mount in container.get("volumeMounts", ())}
        assert mounts == {volume["name"] for volume in group["template"]["spec"]["volumes"]}
