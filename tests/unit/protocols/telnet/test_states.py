"""How far a dialogue has come, step by step."""

from __future__ import annotations

import pytest

from sensor.protocols.analyzer import Moment
from sensor.protocols.telnet.keyboard import Line
from sensor.protocols.telnet.login import Dialogue
from sensor.protocols.telnet.screen import Printed
from sensor.protocols.telnet.states import Phase, Surroundings

NOW = Moment(1, 1)


def dialogue(user: str | None = None) -> Dialogue:
    return Dialogue(Surroundings(
        user=lambda: user, bypass_user=lambda: (False, None), client_is_absent=lambda: False,
        echoes=lambda: True))  # fmt: skip


def test_from_the_start_to_a_session_and_back() -> None:
    found = dialogue()
    assert found.phase is Phase.START
    assert found.judge("login: ", NOW)
    assert found.phase is Phase.ASKING
    found.typed(Line("ann"), NOW)
    assert found.phase is Phase.ASKING
    assert found.judge("Password: ", NOW)
    found.typed(Line("pw"), NOW)
    assert found.phase is Phase.SENT
    assert not found.judge("$ ", NOW)
    assert found.phase is Phase.IN
    found.typed(Line("exit"), NOW)
    found.printed(Printed("logout", "logout"), NOW)
    found.judge("login: ", NOW)
    assert found.phase is Phase.ASKING


@pytest.mark.parametrize(("pending", "phase"), [
    ("Password: ", Phase.ASKING), ("login: ", Phase.ASKING), ("Verification code: ", Phase.SENT),
    ("$ ", Phase.IN), ("", Phase.SENT), ("--More--", Phase.SENT), ("[y/N] ", Phase.SENT),
    ("Please wait", Phase.SENT),
])
def test_what_a_prompt_behind_a_password_does(pending: str, phase: Phase) -> None:
    found = dialogue()
    found.judge("Password: ", NOW)
    found.typed(Line("pw"), NOW)
    found.judge(pending, NOW)
    assert found.phase is phase


def test_a_second_factor_is_no_second_attempt() -> None:
    found = dialogue("ann")
    found.judge("Password: ", NOW)
    found.typed(Line("pw"), NOW)
    found.judge("Verification code: ", NOW)
    found.typed(Line("hidden-code"), NOW)
    found.judge("$ ", NOW)
    (login,) = found.logins
    assert (login.outcome, login.attempt.name, login.attempt.secret) == ("success", "ann", "pw")
    assert found.known.masked("hidden-code pw") == "*** pw" and found.attempts == 1


@pytest.mark.parametrize("pending", ["--More--", "[y/N] ", "Press any key"])
def test_a_key_may_be_wanted(pending: str) -> None:
    found = dialogue()
    found.judge(pending, NOW)
    assert found.key()
    assert not found.key()  # one is enough
