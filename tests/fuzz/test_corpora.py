"""Every input of fuzz/corpus/ holds; and where the fuzzer is installed, each target really fuzzes.

The first part runs in every way in which the tests run: compiled, interpreted and sanitized.
"""

from __future__ import annotations

import pytest

from fuzz import corpus
from fuzz.targets import TARGETS, check_of
from fuzz.targets.canary import PlantedError
from sensor.decode import ethernet as link
from tests.conversation import Talk

COMPILED = not str(link.__file__).endswith(".py")
SOUND = [name for name, target in TARGETS.items() if not target.faulty]


@pytest.mark.parametrize("name", SOUND)
def test_the_corpus_of_a_target_holds(name: str) -> None:
    inputs = corpus.load(name)
    assert len(inputs) > 1
    if not COMPILED:  # hundreds of times slower
        inputs = inputs[::20]
    check = check_of(name)
    for octets in inputs:
        assert len(octets) <= TARGETS[name].max_bytes
        check(octets)


@pytest.mark.parametrize("name", SOUND)
def test_a_target_bears_no_octets_and_few(name: str) -> None:
    check = check_of(name)
    check(b"")
    for octet in range(0, 256, 1 if COMPILED else 40):
        check(bytes([octet]))


def test_no_corpus_is_left_over_and_each_is_small() -> None:
    files = sorted(corpus.FOLDER.glob("*"))
    assert [path.stem for path in files] == sorted(SOUND)
    assert all(path.stat().st_size <= corpus.FILE_BYTES_MAX for path in files)


def test_what_is_written_into_a_corpus_is_read_back() -> None:
    every = bytes(range(256)) + b"\\x41\\\\"
    assert corpus.unescaped(corpus.escaped(every)) == every
    assert corpus.escaped(every).isprintable() and corpus.escaped(every).isascii()


def test_the_canaries_fail_where_they_should() -> None:
    check_of("canary_python")(b"telne")
    with pytest.raises(PlantedError):
        check_of("canary_python")(b"telnet")
    talk = Talk()
    talk.handshake(0.0)
    octets = bytes(talk.frames[0][1])
    check_of("canary_native")(octets[:-8])
    with pytest.raises(PlantedError):
        check_of("canary_native")(octets)
