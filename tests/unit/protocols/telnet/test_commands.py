"""What is typed by whoever is in: commands, second logins, and secrets that stay untold."""

from __future__ import annotations

import pytest

from sensor.protocols.telnet.analyzer import COMMANDS_MAX
from sensor.protocols.telnet.commands import LINE_MAX
from tests.telnet_story import LOGIN, OFFERS, Told, story

P = "ann@box:~$ "
IN = (OFFERS, *LOGIN, "<\r\nLast login: today\r\n" + P)


def inside(*pieces: str) -> Told:
    return story(*IN, *pieces)


@pytest.mark.parametrize(("pieces", "commands"), [
    ((">ls -l\r\n", f"<ls -l\r\na b\r\n{P}"), ["ls -l"]),
    ((">ls\r\n", f"<a b\r\n{P}"), ["ls"]),  # no echo
    ((">\r\n", f"<\r\n{P}", ">  \r\n", f"<\r\n{P}"), []),
    ((">a\r\nb\r\nc\r\n", f"<a\r\n{P}b\r\n{P}c\r\n{P}"), ["a", "b", "c"]),
    ((">la\x7fs\r\n", f"<ls\r\nx\r\n{P}"), ["ls"]),
    ((">sleep 9", "<sleep 9", ">\x03", f"<^C\r\n{P}", ">w\r\n", f"<w\r\nx\r\n{P}"), ["w"]),
    ((">sleep 9", "<sleep 9", ">\xff\xf4\xff\xfd\x06", f"<\xff\xf2\r\n{P}", ">w\r\n",
      f"<w\r\nx\r\n{P}"), ["w"]),
    ((">less x\r\n", "<less x\r\n\x1b[?1049h text", ">jjq", f"<\x1b[?1049l{P}", ">w\r\n",
      f"<w\r\nx\r\n{P}"), ["less x", "w"]),
    ((">show run\r\n", "<show run\r\nline\r\n --More-- ", "> ", "<\b\b\b\b\b\b\b\b\bline 2\r\n"
      " --More-- ", ">q", f"<\r\n{P}", ">w\r\n", f"<w\r\nx\r\n{P}"), ["show run", "w"]),
    ((">reload\r\n", "<reload\r\nProceed? [y/N] ", ">y\r\n", f"<y\r\nok\r\n{P}"), ["reload"]),
    # an echo that is not over is no prompt
    ((">w\r\n", f"<w\r\nx\r\n{P}", ">more notes\r", "<more notes", f"<\r\nx\r\n{P}"),
     ["w", "more notes"]),
    ((">w\r\n", f"<w\r\nx\r\n{P}", ">more notes\r", "<mor", f"<e notes\r\nx\r\n{P}"),
     ["w", "more notes"]),
    # keys of a program that leaves the screen as it is, and the command typed behind them
    ((">top\r\n", "<top\r\n1 task", ">q", f"<\r\n{P}", ">w", "<w", ">ho\r\n", f"<ho\r\nx\r\n{P}"),
     ["top", "who"]),
    ((">w\r\n", "<w\r\nx\r\nsw-more#", ">ls\r\n", "<ls\r\nx\r\nsw-more#"), ["w", "ls"]),
])
def test_commands(pieces: tuple[str, ...], commands: list[str]) -> None:
    told = inside(*pieces)
    assert told.commands == commands
    assert told.session["telnet.command.count"] == len(commands)


HIDES, SHOWS = "\xff\xfb\x01", "\xff\xfc\x01"
LINES = ("<\xff\xfd\x18\xff\xfd\x1f", "<login: ", ">root\r\n", f"<{HIDES}Password: ", ">pw-1\r\n",
         f"<{SHOWS}\r\nLast login: today\r\n{P}", ">w\r\n", f"<x\r\n{P}")  # fmt: skip
"""A session in line mode: the client echoes, but while the server says that it does."""


@pytest.mark.parametrize("start", [IN, LINES, (*LOGIN, f"<\r\nLast login: today\r\n{P}")])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_secrets_at_a_prompt_in_words_that_are_not_known(
    start: tuple[str, ...], times: int
) -> None:
    asked = [piece for number in range(times)
             for piece in (f"<{HIDES}Geheim: ", f">Hidden-{number}\r\n", f"<{SHOWS}\r\nNein\r\n")]
    told = story(*start, ">tool\r\n", *asked, f"<{P}", ">id\r\n", f"<id\r\nx\r\n{P}")
    assert [one for one in told.commands if one != "w"] == ["tool", "id"]
    assert "Hidden" not in repr(told.events)


def test_only_the_echo_knows() -> None:
    told = inside(">cat /et\t", "<cat /etc/", ">hosts\r\n", f"<hosts\r\n127.0.0.1\r\n{P}",
                  ">\x1b[A\r\n", f"<cat /etc/hosts\r\n127.0.0.1\r\n{P}")  # fmt: skip
    assert told.commands == ["cat /etc/hosts", "cat /etc/hosts"]
    assert all(one["telnet.command.from_echo"] for one in told.of("telnet_command"))


def test_without_an_echo_it_is_incomplete() -> None:
    told = inside(">cat /et\t\r\n")
    (command,) = told.of("telnet_command")
    assert command["telnet.command.line"] == "cat /et"
    assert command["telnet.command.incomplete"] is True


def test_they_are_bounded() -> None:
    long = "x" * (LINE_MAX + 1)
    told = inside(f">{long}\r\n", f"<{long}\r\nok\r\n{P}")
    (command,) = told.of("telnet_command")
    assert command["telnet.command.line"] == "x" * LINE_MAX
    assert command["telnet.command.incomplete"] is True
    many = [piece for _ in range(COMMANDS_MAX + 5) for piece in (">w\r\n", f"<w\r\nx\r\n{P}")]
    told = inside(*many)
    assert len(told.commands) == COMMANDS_MAX
    assert told.session["telnet.command.count"] == COMMANDS_MAX + 5
    assert told.of("telnet_command")[-1]["telnet.command.number"] == COMMANDS_MAX


SUDO, ROOT = "[sudo] password for ann: ", "root@box:~# "


@pytest.mark.parametrize(("pieces", "elevation"), [
    ((">su\r\n", "<su\r\nPassword: ", ">Hidden-1\r\n", f"<\r\n{ROOT}"), ("su", "root", "success")),
    ((">su - bob\r\n", "<su - bob\r\nPassword: ", ">Hidden-1\r\n", "<\r\nbob@box:~$ "),
     ("su", "bob", "success")),
    ((">su\r\n", "<su\r\nPassword: ", ">Hidden-1\r\n", f"<\r\nsu: Authentication failure\r\n{P}"),
     ("su", "root", "failure")),
    ((">sudo -i\r\n", f"<sudo -i\r\n{SUDO}", ">Hidden-1\r\n", f"<\r\n{ROOT}"),
     ("sudo", "ann", "success")),
    ((">sudo id\r\n", f"<sudo id\r\n{SUDO}", ">Hidden-0\r\n", f"<\r\nSorry, try again.\r\n{SUDO}",
      ">Hidden-1\r\n", f"<\r\nuid=0\r\n{P}"), ("sudo", "ann", "success")),
    ((">sudo -u bob id\r\n", f"<sudo -u bob id\r\n{SUDO}", ">Hidden-1\r\n", f"<\r\nuid=9\r\n{P}"),
     ("sudo", "ann", "success")),
    ((">sudo -u bob id\r\n", "<sudo -u bob id\r\nPassword: ", ">Hidden-1\r\n",
      f"<\r\nuid=9\r\n{P}"),
     ("sudo", "bob", "success")),
    ((">sudo id -un\r\n", "<sudo id -un\r\nPassword: ", ">Hidden-1\r\n", f"<\r\nroot\r\n{P}"),
     ("sudo", "root", "success")),
    ((">sudo id\r\nHidden-1\r\n", f"<sudo id\r\n{SUDO}\r\nuid=0\r\n{P}"),
     ("sudo", "ann", "success")),  # typed ahead
    ((">enable\r\n", "<enable\r\nPassword: ", ">Hidden-1\r\n", "<\r\nsw1#"),
     ("enable", "", "success")),
    ((">enable\r\n", "<enable\r\nPassword: ", ">Hidden-1\r\n", "<\r\n% Access denied\r\nsw1>"),
     ("enable", "", "failure")),
    ((">en\r\n", "<en\r\nPassword: ", ">Hidden-1\r\n", "<\r\nPassword: ", ">Hidden-2\r\n",
      "<\r\n% Bad secrets\r\nsw1>"), ("enable", "", "failure")),
    ((">passwd\r\n", "<passwd\r\nCurrent password: ", ">Hidden-1\r\n", "<\r\nNew password: ",
      ">Hidden-2\r\n", "<\r\nRetype new password: ", ">Hidden-2\r\n",
      f"<\r\npasswd: password updated successfully\r\n{P}"), ("passwd", "", "success")),
    ((">ssh bob@h2\r\n", "<ssh bob@h2\r\nbob@h2's password: ", ">Hidden-1\r\n", "<\r\nh2$ "),
     ("ssh", "bob", "success")),
    ((">su\r\n", "<su\r\nPassword: ", ">Hidden-1\r\n"), ("su", "root", "unknown")),
])
def test_second_logins(pieces: tuple[str, ...], elevation: tuple[str, str, str]) -> None:
    told = inside(*pieces)
    assert told.elevations == [elevation]
    assert told.logins == [("success", "success_text", "root")]
    assert "Hidden" not in repr(told.events)
    assert len(told.commands) == 1


@pytest.mark.parametrize("answer", [
    f"sudo id\r\nHidden-1\r\n{SUDO}\r\nuid=0\r\n{P}", f"sudo id\r\n{SUDO}\r\nuid=0\r\n{P}",
])
@pytest.mark.parametrize("is_apart", [False, True])
def test_a_password_typed_ahead_is_no_command(answer: str, is_apart: bool) -> None:
    head, mark, tail = answer.partition(SUDO)
    pieces = (f"<{head}{mark}", f"<{tail}") if is_apart else (f"<{answer}",)
    told = inside(">sudo id\r\nHidden-1\r\n", *pieces, ">w\r\n", f"<w\r\nx\r\n{P}")
    assert (told.commands, told.elevations) == (["sudo id", "w"], [("sudo", "ann", "success")])
    assert "Hidden" not in repr(told.events)


def test_commands_behind_one_that_may_ask_are_told_when_it_does_not() -> None:
    told = inside(">sudo id\r\nw\r\n", f"<sudo id\r\nw\r\nuid=0\r\n{P}x\r\n{P}")
    assert told.commands == ["sudo id", "w"]


def test_a_password_at_the_end_of_what_is_told_is_whole() -> None:
    long = "echo " + "x" * (LINE_MAX - 10) + " Hidden-1"
    told = story(OFFERS, "<login: ", ">ann\r\n", "<Password: ", ">Hidden-1\r\n",
                 f"<\r\nLast login: x\r\n{P}", f">{long}\r\n", f"<{long}\r\nok\r\n{P}")
    assert told.commands == [long.replace("Hidden-1", "***")[:LINE_MAX]]


@pytest.mark.parametrize("key", ["\r\n", "\r", " ", "q", "\x1b[B", "\x1bOB"])
def test_keys_of_a_pager_are_no_part_of_a_command(key: str) -> None:
    for size in (1, 100):
        told = story(*IN, ">show\r\n", "<show\r\na\r\n --More-- ", f">{key}", f"<\r\n{P}", ">w\r\n",
                     f"<w\r\nx\r\n{P}", size=size)  # fmt: skip
        assert told.commands == ["show", "w"]


def test_root_without_a_password() -> None:
    told = inside(">sudo -i\r\n", f"<sudo -i\r\n{ROOT}", ">su\r\n", f"<su\r\n{ROOT}")
    assert told.elevations == [("sudo", "root", "success")]


@pytest.mark.parametrize("line", [
    "mysql -pHidden-1 shop", "curl -u ann:Hidden-1 http://a/", "wget ftp://ann:Hidden-1@h/x",
    "echo root:Hidden-1 | chpasswd", "username bob secret Hidden-1",
])
def test_secrets_in_commands(line: str) -> None:
    told = inside(f">{line}\r\n", f"<{line}\r\nok\r\n{P}")
    assert len(told.commands) == 1 and "***" in told.commands[0]
    assert "Hidden" not in repr(told.events)


def test_a_password_of_the_login_is_masked_where_it_comes_again() -> None:
    told = story(OFFERS, "<login: ", ">ann\r\n", "<Password: ", ">Hidden-1\r\n",
                 f"<\r\nWelcome to Hidden-1\r\n{P}", ">echo Hidden-1\r\n",
                 f"<echo Hidden-1\r\nHidden-1\r\n{P}")  # fmt: skip
    assert told.commands == ["echo ***"]
    assert "Hidden" not in repr(told.events)


def test_what_is_not_echoed_is_a_secret() -> None:
    told = inside(">w\r\n", f"<w\r\nx\r\n{P}", ">unlock\r\n", "<unlock\r\nPassphrase for x ",
                  ">Hidden-1\r\n", f"<\r\nok\r\n{P}", ">echo Hidden-1\r\n",
                  f"<echo Hidden-1\r\nHidden-1\r\n{P}")  # fmt: skip
    assert told.commands == ["w", "unlock", "echo ***"]


def test_a_loss_leaves_out_what_it_may_have_hit() -> None:
    told = inside(">w\r\n", "lost <", f"<x\r\n{P}", ">id\r\n", f"<id\r\nuid\r\n{P}")
    assert told.commands == ["id"]
