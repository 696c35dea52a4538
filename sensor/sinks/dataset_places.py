"""Where the files of a dataset go: a folder, or a bucket of an object store (`s3://`)."""

from __future__ import annotations

import os
from typing import Any, Protocol

from sensor.base.escape import harmless
from sensor.errors import ConfigError, reason_of
from sensor.sinks.server_options import shown_path

S3 = "s3://"
UNFINISHED = ".unfinished"
"""The folder of journals inside a dataset: what looks for Parquet files passes it over."""
CHUNK_BYTES = 8 << 20
DIGITS = 12
"""Of a digest of a URL, which tells the folders of two buckets apart."""


class Place(Protocol):
    """A dataset's home."""

    name: str
    """As the ledger shows it, without what is secret."""
    folder: str
    """A local folder for what is not whole yet."""

    def put(self, path: str, name: str) -> None:
        """Make a local file that is whole one of the dataset; the file may be gone then.

        A file of that name is replaced: it holds the same. Errors: OSError, ValueError.
        """


class LocalPlace:
    """A folder."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.name = harmless(path)
        self.folder = os.path.join(path, UNFINISHED)

    def put(self, path: str, name: str) -> None:
        target = os.path.join(self._path, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.replace(path, target)


class S3Place:
    """A bucket, or a folder in it: an object is there when it is whole."""

    def __init__(self, url: str) -> None:
        """Errors: ValueError for a URL that means nothing."""
        import hashlib  # noqa: PLC0415  with tempfile 5 ms, which runs without a bucket can save
        import tempfile  # noqa: PLC0415

        from pyarrow import fs  # type: ignore  # noqa: PLC0415  slow to import

        self._files: Any
        self._files, self._path = fs.S3FileSystem.from_uri(url)
        # Keys and secrets may stand in front of the bucket.
        self.name = harmless(S3 + self._path)
        mark = hashlib.sha256(url.encode()).hexdigest()[:DIGITS]
        self.folder = os.path.join(tempfile.gettempdir(), f"sensor-dataset-{mark}")

    def put(self, path: str, name: str) -> None:
        import shutil  # noqa: PLC0415  as above

        with (open(path, "rb") as source,
              self._files.open_output_stream(f"{self._path.rstrip('/')}/{name}") as target):
            shutil.copyfileobj(source, target, CHUNK_BYTES)


def is_dataset(path: str) -> bool:
    """True if flow records go into a dataset: a folder, or a name that ends as one's."""
    return path.startswith(S3) or path.endswith("/") or os.path.isdir(path)


def open_place(path: str, what: str) -> Place:
    """The place that a path or URL names, ready to be written to. Errors: ConfigError."""
    try:
        import pyarrow  # type: ignore  # noqa: F401, PLC0415
    except ImportError:
        raise ConfigError(f"--{what} {shown_path(path)}: a dataset needs the package pyarrow: "
                          "pip install 'flow-sensor[parquet]'") from None
    try:
        place: Place = S3Place(path) if path.startswith(S3) else LocalPlace(path)
        os.makedirs(place.folder, 0o700, exist_ok=True)
        if hasattr(os, "geteuid") and os.stat(place.folder).st_uid not in (0, os.geteuid()):
            raise ValueError(f"{place.folder} belongs to another user")
    except (OSError, ValueError) as error:
        reason = reason_of(error).replace(harmless(path), shown_path(path))
        raise ConfigError(f"--{what} {shown_path(path)}: {reason}") from None
    return place
