"""What is asked of capture files: frames of a span of time, frames that a filter accepts."""

from __future__ import annotations

from collections.abc import Callable

from sensor.capture.bpf import LIBPCAP_MISSING, Instruction, compile_filter
from sensor.capture.damage import LINKS
from sensor.capture.sieve import Program, Sieve
from sensor.errors import ConfigError
from sensor.escape import harmless

ALWAYS_NS = 1 << 62
"""Later than any frame that is asked for; its negative is earlier."""
RAW = 101
RAW_LINKS = (12, 14)
"""Numbers that some systems write for raw IP (LINKTYPE_RAW)."""


def sieve_of(from_ns: int | None, to_ns: int | None, text: str | None) -> Sieve | None:
    """A sieve for what is asked; None if that is everything.

    Errors: ConfigError if the filter is wrong, or libpcap missing.
    """
    if from_ns is None and to_ns is None and text is None:
        return None
    return Sieve(
        -ALWAYS_NS if from_ns is None else from_ns,
        ALWAYS_NS if to_ns is None else to_ns,
        None if text is None else filter_for_files(text),
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
