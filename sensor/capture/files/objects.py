"""Captures in an object store: `s3://BUCKET/KEY`, listed and read through pyarrow."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sensor.base.escape import harmless
from sensor.compression.stream import RawStream
from sensor.errors import ConfigError

S3 = "s3://"
READ_BYTES = 1 << 20
"""Octets that are fetched at once."""


def is_object(path: str) -> bool:
    """Return True for the URL of an object, or of all objects under a prefix."""
    return path.startswith(S3)


def list_objects(url: str) -> list[tuple[str, int]]:
    """The URLs and sizes of the objects that a URL stands for: itself, or what is below it, sorted.

    Errors: OSError; ConfigError for what is no such URL.
    """
    from pyarrow import fs  # type: ignore  # noqa: PLC0415  slow to import

    files, key = _place(url)
    _, mark, query = url.partition("?")
    found = files.get_file_info(key.rstrip("/"))
    if found.type != fs.FileType.File:
        below = files.get_file_info(fs.FileSelector(key.rstrip("/"), recursive=True))
        listed = sorted((each for each in below if each.is_file), key=lambda each: each.path)
        return [(f"{S3}{each.path}{mark}{query}", each.size) for each in listed]
    return [(url, found.size)]


def open_object(url: str) -> RawStream:
    """Open an object to be read from its beginning. Errors: as `list_objects`."""
    files, key = _place(url)
    stream: RawStream = files.open_input_stream(key, compression=None, buffer_size=READ_BYTES)
    return stream


def mark_of(url: str) -> str:
    """What changes when the object does: its ETag. Errors: as `list_objects`."""
    files, key = _place(url)
    with files.open_input_file(key) as stream:
        told: dict[str, bytes] = stream.metadata()
    return str(told.get("ETag") or sorted(told.items()))


def _place(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the bucket and key in it."""
    place, _, query = url.removeprefix(S3).partition("?")
    bucket = place.partition("/")[0]
    if "@" in bucket:
        raise ConfigError(f"{S3}...@{harmless(bucket.rpartition('@')[2])}: keys belong into the "
                          "environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)")
    return _files(bucket, query), place


@lru_cache(maxsize=16)
def _files(bucket: str, query: str) -> Any:
    try:
        from pyarrow import fs  # noqa: PLC0415  slow to import
    except ImportError:
        raise ConfigError(f"{S3}{harmless(bucket)}: captures in an object store need the package "
                          "pyarrow: pip install 'flow-sensor[parquet]'") from None
    try:
        return fs.S3FileSystem.from_uri(f"{S3}{bucket}" + (f"?{query}" if query else ""))[0]
    except ValueError as error:
        raise ConfigError(f"{S3}{harmless(bucket)}: {harmless(str(error))}") from None
