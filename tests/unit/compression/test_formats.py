"""Forms of compression by their first octets, and their decompressors by one face."""

from __future__ import annotations

from sensor.compression.formats import FORMATS, MAGIC_BYTES, kind_of
from tests.unit.compression.test_stream import COMPRESS, KINDS, SMALL


@KINDS
def test_the_kind_shows_in_the_first_octets(kind: str) -> None:
    assert kind_of(COMPRESS[kind](b"x")[:MAGIC_BYTES]) == kind.split(maxsplit=1)[0]
    assert kind_of(b"\xd4\xc3\xb2\xa1\x02\0") == ""


@KINDS
def test_every_decompressor_has_the_same_face(kind: str) -> None:
    """It gives no more than is asked for, and shows its end and what stands behind."""
    (form,) = (form for form in FORMATS if form.name == kind.split(maxsplit=1)[0])
    decompressor = form.make()
    found = decompressor.decompress(COMPRESS[kind](SMALL) + b"behind", 1000)
    assert 0 < len(found) <= 1000
    while not decompressor.eof:
        assert not decompressor.needs_input
        more = decompressor.decompress(b"", 1000)
        assert len(more) <= 1000
        found += more
    assert found == SMALL and decompressor.unused_data == b"behind"


def test_a_frame_that_is_passed_over_may_begin_zstd() -> None:
    assert kind_of(b"\x50\x2a\x4d\x18") == "zstd"
