"""What is asked of capture files: nothing, spans of time, filters that can and cannot be."""

from __future__ import annotations

import pytest

from sensor.capture.files.selection import FileSelection, filter_for_files, frame_filter_of
from sensor.errors import ConfigError


def test_no_sieve_for_everything() -> None:
    assert frame_filter_of(FileSelection(None, None, None)) is None


@pytest.mark.needs("libpcap")
@pytest.mark.parametrize(("text", "reason"), [
    ("tcp prt 23", "--bpf tcp prt 23: can't parse filter expression: syntax error"),
    ("ip6 protochain 6", "not on capture files: a jump backwards"),
])  # fmt: skip
def test_filters_that_cannot_be(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as raised:
        filter_for_files(text)
    assert reason in str(raised.value)


@pytest.mark.needs("libpcap")
def test_what_only_the_kernel_knows_of_an_ethernet_frame() -> None:
    program_of = filter_for_files("inbound")
    assert program_of(113)  # Linux cooked capture says it in the header
    with pytest.raises(ConfigError, match="it asks for what only the kernel knows"):
        program_of(1)
