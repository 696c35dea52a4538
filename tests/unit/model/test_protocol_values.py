"""The values of protocol events, held against what the analyzers write."""

from __future__ import annotations

import ast
from pathlib import Path

from sensor.model import protocol_values
from sensor.protocols.cleartext import login
from sensor.protocols.dns.codes import opcode_name
from sensor.protocols.telnet import attempts
from sensor.protocols.telnet import exploits as telnet_exploits
from sensor.protocols.telnet import login as telnet_login


def first_words(module: str, call: str) -> set[str]:
    """The texts that a module gives to a class: its first argument, or `method`."""
    found = set()
    for node in ast.walk(ast.parse(Path(module).read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == call:
            found |= {text.value for argument in (*node.args, *(key.value for key in node.keywords))
                      for text in ast.walk(argument)
                      if isinstance(text, ast.Constant) and isinstance(text.value, str)}
    return found


def test_every_attack_that_is_told_is_listed() -> None:
    named = {word for word in first_words(str(telnet_exploits.__file__), "Exploit")
             if not word.startswith("CVE-")}
    assert named == set(protocol_values.EXPLOITS)


def test_every_way_to_log_in_is_listed() -> None:
    named = first_words(str(telnet_login.__file__), "Attempt")
    assert named | {attempts.Attempt().method} == set(protocol_values.TELNET_METHODS)


def test_outcomes_are_named_in_their_order() -> None:
    assert (login.SUCCESS, login.FAILURE, login.UNKNOWN) == ("success", "failure", "unknown")
    assert (attempts.NO_LOGIN, attempts.BYPASS) == ("none", "bypass")


def test_codes_without_a_name_have_their_number() -> None:
    assert [opcode_name(code) for code in (0, 3, 15)] == ["QUERY", "3", "15"]
