"""The part of the captures that is read: a span of time, frames that a filter accepts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sensor.base.escape import harmless
from sensor.capture.bpf import LIBPCAP_MISSING, Instruction, compile_filter
from sensor.capture.files.errors import LINKS
from sensor.capture.files.frame_filter import FrameFilter, Program
from sensor.errors import ConfigError


@dataclass(frozen=True, slots=True)
class FileSelection:
    """The part of the captures that a run reads, and the folder that it follows."""

    from_ns: int | None = None
    to_ns: int | None = None
    filter: str | None = None
    follow: str | None = None


ALWAYS_NS = 1 << 62
"""Later than any frame that is asked for; its negative is earlier."""
RAW = 101
RAW_LINKS = (12, 14)
"""Numbers that some systems write for raw IP (LINKTYPE_RAW)."""


def frame_filter_of(selection: FileSelection) -> FrameFilter | None:
    """The filter for a selection; None if that is every frame.

    Errors: ConfigError if the filter is wrong, or libpcap missing.
    """
    if selection.from_ns is None and selection.to_ns is None and selection.filter is None:
        return None
    return FrameFilter(
        -ALWAYS_NS if selection.from_ns is None else selection.from_ns,
        ALWAYS_NS if selection.to_ns is None else selection.to_ns,
        None if selection.filter is None else filter_for_files(selection.filter),
    )


def filter_for_files(text: str) -> Callable[[int], list[Instruction]]:
    """A function that gives the filter's program for frames of a link type.

    Errors: ConfigError, at once if it can be used for no link type that is decoded.
    """

    def program_of(link: int) -> list[Instruction]:
        instructions = compile_filter(text, RAW if link in RAW_LINKS else link)
        try:
            Program(instructions)
        except ValueError as error:
            shown = harmless(text)
            raise ConfigError(f"--bpf {shown}: not on capture files: {error}") from None
        return instructions

    try:
        program_of(1)
    except ConfigError as error:
        if LIBPCAP_MISSING in str(error) or not any(
                _is_usable(program_of, link) for link in LINKS if link != 1):
            raise
    return program_of


def _is_usable(program_of: Callable[[int], list[Instruction]], link: int) -> bool:
    try:
        program_of(link)
    except ConfigError:
        return False
    return True
