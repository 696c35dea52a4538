"""However the octets of a telnet session are cut, the same is told; of less, nothing untrue."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from sensor.protocols.analyzer import CLIENT, SERVER, Moment, ProtocolEvent
from sensor.protocols.secrets import Secrets
from sensor.protocols.telnet.analyzer import TelnetAnalyzer
from tests.examples import examples
from tests.telnet_sessions import FOLDER, Said, conversations, truth

SESSIONS = [(capture["file"], client) for capture in truth()
            for client in conversations(FOLDER / capture["file"])]  # fmt: skip
ANY = st.sampled_from(SESSIONS)
SEED = st.integers(0, 2**40)
KEY = bytes(16)
Cut = Callable[[bytes], Iterable[bytes]]
Counts = Counter[tuple[str, ...]]


def whole(octets: bytes) -> Iterable[bytes]:
    return [octets]


def single(octets: bytes) -> Iterable[bytes]:
    return (octets[at : at + 1] for at in range(len(octets)))


def at_random(chance: random.Random) -> Cut:
    def cut(octets: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(octets):
            size = chance.randint(1, 9)
            yield octets[at : at + size]
            at += size

    return cut


def told(
    said: Iterable[Said | None], cut: Cut = whole, *, late: bool = False, transcribe: bool = False
) -> list[ProtocolEvent]:
    """The events of a conversation; None: octets of the side that spoke last are missing."""
    analyzer, moment, side = TelnetAnalyzer(Secrets(KEY), transcribe=transcribe), Moment(0), CLIENT
    for whose in (CLIENT, SERVER) if late else ():
        analyzer.gap(whose, 0, moment)
    for number, one in enumerate(said, 1):
        if one is None:
            analyzer.gap(side, 1, moment)
            continue
        side, moment = one.side, Moment(one.time_ns, number)
        if analyzer.due_ns and analyzer.due_ns <= one.time_ns:
            analyzer.expire()
        for piece in cut(one.octets):
            if not analyzer.done:
                analyzer.feed(side, piece, moment)
    if not analyzer.done:
        analyzer.close(moment)
    return analyzer.take()


def claims(events: Iterable[ProtocolEvent]) -> Counts:
    """What must not be said without being so; the number of an attack may take both sides."""
    found: Counts = Counter()
    for event in events:
        outcome = str(event.fields.get("telnet.login.outcome"))
        if event.action == "telnet_login" and outcome in ("success", "bypass", "none"):
            found[(outcome,)] += 1
        elif event.action == "telnet_exploit":
            found[tuple(str(event.fields[f"telnet.exploit.{name}"])
                        for name in ("name", "outcome"))] += 1  # fmt: skip
    return found


@examples(150)
@given(session=ANY, seed=SEED)
def test_any_cut_of_a_session_tells_the_same(session: tuple[str, int], seed: int) -> None:
    said = conversations(FOLDER / session[0])[session[1]]
    events = told(said)
    assert told(said, at_random(random.Random(seed))) == events
    assert told(said, single) == events


@examples(150)
@given(session=ANY, seed=SEED)
def test_what_is_skimmed_tells_what_is_read(session: tuple[str, int], seed: int) -> None:
    """With a transcript every line is read; without one, most of what a session prints is not."""
    chance = random.Random(seed)
    said = []
    for one in conversations(FOLDER / session[0])[session[1]]:
        said.append(one)
        if one.side == SERVER and chance.random() < 0.1:
            text = chance.choice((b"\r\nline\x1b[0m" * 400, b"\r\n# ", b"\xff\xf1", b"\x1b[?1049h"))
            said.append(one._replace(octets=text))
    events = told(said, transcribe=True)
    for event in events:
        if isinstance(event.fields, dict):
            event.fields.pop("telnet.transcript", None)
    assert told(said) == events


@examples(150)
@given(session=ANY, seed=SEED, share=st.sampled_from([0.02, 0.1, 0.4]))
def test_losses_claim_nothing(session: tuple[str, int], seed: int, share: float) -> None:
    chance = random.Random(seed)
    said = conversations(FOLDER / session[0])[session[1]]
    left: list[Said | None] = []
    for one in said:
        if chance.random() < share:
            left += [Said(one.time_ns, one.side, b""), None]
        else:
            left.append(one)
    assert claims(told(left)) <= claims(told(said))


@examples(150)
@given(session=ANY, side=st.sampled_from([CLIENT, SERVER]))
def test_one_side_claims_nothing(session: tuple[str, int], side: int) -> None:
    said = conversations(FOLDER / session[0])[session[1]]
    claimed = claims(told(one for one in said if one.side == side))
    assert claimed <= claims(told(said))
    if side == CLIENT:
        assert not any(outcome in claimed for outcome in (("success",), ("bypass",), ("none",)))


@examples(150)
@given(session=ANY, seed=SEED)
def test_a_late_beginning_claims_nothing(session: tuple[str, int], seed: int) -> None:
    chance = random.Random(seed)
    said = conversations(FOLDER / session[0])[session[1]]
    first = chance.randrange(len(said))
    cut = chance.randrange(len(said[first].octets))
    rest = [said[first]._replace(octets=said[first].octets[cut:]), *said[first + 1 :]]
    claimed = claims(told(rest, late=True))
    assert claimed <= claims(told(said))
    assert ("none",) not in claimed and ("bypass",) not in claimed
