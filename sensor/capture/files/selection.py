"""What is asked of capture files: frames of a span of time, frames that a filter accepts."""

from __future__ import annotations

from collections.abc import Callable

from sensor.base.escape import harmless
from sensor.base.frozen import frozen
from sensor.capture.bpf import LIBPCAP_MISSING, Instruction, compile_filter
from sensor.capture.files.errors import LINKS
from sensor.capture.files.frame_filter import Program, Sieve
from sensor.errors import ConfigError


@frozen
class Asked:
    """What a run reads of its files, and whether it goes on with those of a folder."""

    from_ns: int | None = None
    to_ns: int | None = None
    filter: str | None = None
    follow: str | None = None


ALWAYS_NS = 1 << 62
"""Later than any frame that is asked for; its negative is earlier."""
RAW = 101
RAW_LINKS = (12, 14)
"""Numbers that some systems write for raw IP (LINKTYPE_RAW)."""


def sieve_of(asked: Asked) -> Sieve | None:
    """A sieve for what is asked; None if that is every frame.

    Errors: ConfigError if the filter is wrong, or libpcap missing.
    """
    if asked.from_ns is None and asked.to_ns is None and asked.filter is None:
        return None
    return Sieve(
        -ALWAYS_NS if asked.from_ns is None else asked.from_ns,
        ALWAYS_NS if asked.to_ns is None else asked.to_ns,
        None if asked.filter is None else filter_for_files(asked.filter),
    )


def filter_for_files(text: str) -> Callable[[int], list[Instruction]]:
    """What gives the filter's program for frames of a link type.

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
