"""The process that fuzzes: `python -m fuzz.harness TARGET FOLDER [options of libFuzzer]`.

`run.py` starts it on the instrumented build. What fails in Python is written into FOLDER, once for
each place where it fails, and the fuzzing goes on; what a sanitizer finds ends the process, and
libFuzzer writes the input.
"""

from __future__ import annotations

import hashlib
import os
import sys
import traceback
from pathlib import Path

import atheris

from fuzz.targets import TARGETS, Check, check_of

PLACES_MAX = 20
"""Failures of one run that are written down."""


def place_of(error: BaseException) -> str:
    """Where an error was raised: its type, and the files and lines on the way."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    lines = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-3:]]
    return f"{type(error).__name__} {' '.join(lines)}"


class Guarded:
    """Runs a check and writes down inputs that fail it."""

    def __init__(self, check: Check, folder: Path, *, stop: bool) -> None:
        self._check = check
        self._folder = folder
        self._stop = stop
        self._places: set[str] = set()

    def __call__(self, octets: bytes) -> None:
        try:
            self._check(octets)
        except Exception as error:
            if self._stop:
                raise
            place = place_of(error)
            if place in self._places or len(self._places) >= PLACES_MAX:
                return
            self._places.add(place)
            name = hashlib.sha1(octets).hexdigest()[:16]
            (self._folder / f"fail-{name}").write_bytes(octets)
            (self._folder / f"fail-{name}.txt").write_text(
                f"{place}\n{octets!r}\n\n{''.join(traceback.format_exception(error))}",
                encoding="utf-8", errors="replace")
            print(f"FAILED {place}", file=sys.stderr, flush=True)


def require_instrumented() -> None:
    """End the process if the package is not the build beside this file."""
    from sensor.decode import ethernet as link  # noqa: PLC0415

    place = Path(link.__file__)
    if place.suffix == ".py" or Path(__file__).parents[1] not in place.parents:
        sys.exit(f"{place} is not the instrumented build")


def main() -> None:
    """Fuzz one target until libFuzzer's limits end it."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    target = TARGETS[name]
    if target.native:
        check = check_of(name)
    else:
        with atheris.instrument_imports(include=["sensor", "fuzz.targets"]):
            check = check_of(name)
    require_instrumented()
    guarded = Guarded(check, folder, stop=target.faulty)
    atheris.Setup([os.environ.get("FUZZ_STARTED_BY", sys.argv[0]), *sys.argv[3:]], guarded)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
