"""Who logged in, and did it work: every rule as a story."""

from __future__ import annotations

import pytest

from tests.telnet_story import CLOSED, LATE, LOGIN, LOST_CLIENT, LOST_SERVER, OFFERS, story

SHELL = "root@box:~# "
Story = tuple[str, ...]
Logins = list[tuple[str, str, str | None]]
IN = (*LOGIN, "<\r\nLast login: today\r\n" + SHELL)
FAILED = "<\r\nLogin incorrect\r\nlogin: "


@pytest.mark.parametrize(("pieces", "logins"), [
    # success
    (IN, [("success", "success_text", "root")]),
    ((*LOGIN, "<\r\n" + SHELL), [("success", "shell_prompt", "root")]),
    ((*LOGIN, "<\r\n\x1b]0;box\x07\x1b[32mroot\x1b[0m# \x1b[?2004h"),
     [("success", "shell_prompt", "root")]),
    ((*LOGIN, "<\r\nWelcome to box\r\n"), [("success", "success_text", "root")]),
    ((*LOGIN, "<\r\n3 failures since last login.\r\n# "), [("success", "success_text", "root")]),
    ((*LOGIN, "<\r\nNotice: /data failed\r\n" + SHELL), [("success", "shell_prompt", "root")]),
    ((*LOGIN, "<\r\nchoice: ", ">1\r\n", "<1\r\na\r\nchoice: ", ">2\r\n", "<2\r\nb\r\nchoice: "),
     [("success", "prompt_repeats", "root")]),
    ((*LOGIN, "<\r\n", ">/bin/busybox ECCHI\r\n", "<ECCHI: applet not found\r\n"),
     [("success", "shell_answer", "root")]),
    # failure
    ((*LOGIN, FAILED), [("failure", "failure_text", "root")]),
    ((*LOGIN, "<\r\nLogin incorrect\r\n", CLOSED), [("failure", "failure_text", "root")]),
    ((*LOGIN, "<\r\nlogin: "), [("failure", "prompt_again", "root")]),
    ((*LOGIN, "<\r\nPassword: "), [("failure", "prompt_again", "root")]),
    ((*LOGIN, "<\r\nLogin incorrect\r\n# "), [("failure", "failure_text", "root")]),
    ((*LOGIN, "<\r\nmotd: 3 failed jobs\r\nlogin: "), [("failure", "failure_text", "root")]),
    ((*LOGIN, FAILED, ">ann\r\n", "<Password: ", ">pw-2\r\n", "<\r\n$ "),
     [("failure", "failure_text", "root"), ("success", "shell_prompt", "ann")]),
    ((*LOGIN, FAILED, ">ann\r\n", "<Password: ", ">pw-2\r\n", CLOSED),
     [("failure", "failure_text", "root"), ("failure", "closed_after_failures", "ann")]),
    # passwords alone, empty names
    (("<Password: ", ">pw-1\r\n", "<\r\nPassword: ", ">pw-2\r\n", "<\r\nsw1>"),
     [("failure", "prompt_again", None), ("success", "shell_prompt", None)]),
    (("<login: ", ">\r\n", "<Password: ", ">pw-1\r\n", FAILED),
     [("failure", "failure_text", None)]),
    (("<login: ", ">\r\n", "<login: ", ">\r\n", "<login: "), []),
    (("<login: ",), []),
    (("<login: ", ">\r\n"), []),
    # not known
    ((*LOGIN, CLOSED), [("unknown", "closed_after_password", "root")]),
    ((*LOGIN, "<\r\n"), [("unknown", "closed_after_password", "root")]),
    ((*LOGIN, "<\r\n1) status\r\n2) reboot\r\n"), [("unknown", "closed_after_password", "root")]),
    ((*LOGIN, "<\r\n \x81\x02\xfe\xf0# "), [("unknown", "closed_after_password", "root")]),
    (("<login: ", ">root\r\n", CLOSED), [("unknown", "password_not_sent", "root")]),
    (("<login: ", ">root\r\n", "<Password: ", CLOSED), [("unknown", "password_not_sent", "root")]),
    # no login at all
    (("<# ", ">ls\r\n", "<a b\r\n# ", ">w\r\n", "<c\r\n# "), [("none", "prompt_repeats", None)]),
    (("<menu: ", ">1\r\n", "<1\r\na\r\nmenu: ", ">2\r\n", "<2\r\nb\r\nmenu: "),
     [("none", "prompt_repeats", None)]),
    (("<# ",), []),
    (("<# ", ">ls\r\n"), []),
    (("<Welcome\r\nbye\r\n",), []),
    # a name is enough
    (("<login: ", ">guest\r\n", "<\r\n$ "), [("success", "shell_prompt", "guest")]),
    (("<login: ", ">guest\r\n", "<\r\nLast login: today\r\n$ "),
     [("success", "success_text", "guest")]),
    # a console that logs in by itself
    (("<box login: root (automatic login)\r\n\r\n# ", ">ls\r\n", "<a\r\n# "),
     [("none", "prompt_repeats", None)]),
    # what is printed before a password says nothing about it
    (("<Welcome to box\r\nLast login: today\r\nlogin: ", ">root\r\n", "<Password: ", ">pw-1\r\n"),
     [("unknown", "closed_after_password", "root")]),
    (("<authentication failed is what you may see\r\nlogin: ", ">root\r\n", "<Password: ",
      ">pw-1\r\n", "<\r\n$ "), [("success", "shell_prompt", "root")]),
    (("<Type login: and then your name\r\nlogin: ", ">root\r\n", "<Password: ", ">pw-1\r\n",
      "<\r\n$ "), [("success", "shell_prompt", "root")]),
    # the prompt comes back in the answer: the echo of a name is no name
    (("<login: ", ">root\r\n", "<root\r\nPassword: ", ">pw-1\r\n", "<****\r\n$ "),
     [("success", "shell_prompt", "root")]),
    # refused before anything was asked
    (("<\r\nPassword required, but none set\r\n", CLOSED), []),
])
def test_rules(pieces: Story, logins: Logins) -> None:
    assert story(OFFERS, *pieces).logins == logins


@pytest.mark.parametrize("banner", [
    "Welcome\r\n", "authorized use only: failed logins are logged\r\n", "a" * 300 + "\r\n", ""])
@pytest.mark.parametrize("size", [1, 1000])
def test_banners_and_cuts_change_nothing(banner: str, size: int) -> None:
    told = story(OFFERS, "<" + banner + "login: ", *LOGIN[1:], IN[-1], size=size)
    assert told.logins == [("success", "success_text", "root")]


def test_fields_of_an_attempt() -> None:
    (login,) = story(OFFERS, *LOGIN, FAILED).of("telnet_login")
    assert login.pop("telnet.password.hash")
    assert login == {
        "event.category": ["authentication", "network"], "event.type": ["info"],
        "event.outcome": "failure", "telnet.login.outcome": "failure",
        "telnet.login.evidence": "failure_text", "telnet.login.text": "Login incorrect",
        "telnet.login.confidence": 0.98, "telnet.login.method": "password",
        "telnet.login.attempt": 1, "user.name": "root", "related.user": ["root"],
        "telnet.password.length": 4, "telnet.password.is_default": False,
        "telnet.password.empty": False,
    }  # fmt: skip


@pytest.mark.parametrize(("name", "password", "is_default"), [
    ("root", "xc3511", True), ("root", "", True), ("ann", "", False), ("root", "XC3511", False)])
def test_default_pairs(name: str, password: str, is_default: bool) -> None:
    told = story("<login: ", f">{name}\r\n", "<Password: ", f">{password}\r\n", "<\r\n# ")
    (login,) = told.of("telnet_login")
    assert login["telnet.password.is_default"] is is_default
    assert login["telnet.password.empty"] is (password == "")
    assert login["telnet.password.length"] == len(password)


@pytest.mark.parametrize("demand", [
    "\r\nYou are required to change your password immediately\r\nCurrent password: ",
    "\r\nWARNING: Your password has expired.\r\nNew password: ", "\r\nNew password: ",
])
def test_a_password_that_must_be_changed_was_right(demand: str) -> None:
    told = story(OFFERS, *LOGIN, "<" + demand, ">Old-Secret\r\n", "<\r\nNew password: ",
                 ">New-Secret\r\n", "<\r\nRetype new password: ", ">New-Secret\r\n",
                 "<\r\nLast login: today\r\n# ", ">w\r\n", "<a\r\n# ")  # fmt: skip
    assert told.logins == [("success", "password_change", "root")]
    assert told.of("telnet_login")[0]["telnet.password_change"] is True
    assert told.commands == ["w"]
    assert "Secret" not in repr(told.events)


INJECT = ">\xff\xfa\x27\x00\x00USER\x01-f root\xff\xf0"
BYPASS, ATTEMPT = ("CVE-2026-24061", "bypass"), ("CVE-2026-24061", "attempt")


@pytest.mark.parametrize(("pieces", "logins", "exploits"), [
    (("<" + SHELL,), [("bypass", "shell_prompt", "root")], [ATTEMPT, BYPASS]),
    (("<Last login: today\r\n",), [("bypass", "success_text", "root")], [ATTEMPT, BYPASS]),
    ((), [], [ATTEMPT]),
    (("<login: ",), [], [ATTEMPT]),
    (("<Welcome to box\r\nlogin: ",), [], [ATTEMPT]),
    (("<login: ", ">ann\r\n", "<Password: ", ">pw-1\r\n", "<\r\n$ "),
     [("success", "shell_prompt", "ann")], [ATTEMPT]),
    (("<Password: ", ">pw-1\r\n", "<\r\n# "), [("success", "shell_prompt", "-f root")], [ATTEMPT]),
    (("<login: ", ">ann\r\n", "<Password: ", ">pw-1\r\n", FAILED),
     [("failure", "failure_text", "ann")], [ATTEMPT]),
])
def test_attacks_on_the_login(pieces: Story, logins: Logins, exploits: Logins) -> None:
    told = story(OFFERS, INJECT, *pieces)
    assert (told.logins, told.exploits) == (logins, exploits)


def test_another_attack_is_no_bypass() -> None:
    told = story(OFFERS, ">\xff\xfa\x27\x00\x00LD_PRELOAD\x01/tmp/x\xff\xf0", "<# ", ">w\r\n",
                 "<a\r\n# ")  # fmt: skip
    assert told.logins == [("none", "prompt_repeats", None)]
    assert told.exploits == [("CVE-1999-0073", "attempt")]


@pytest.mark.parametrize(("pieces", "user", "method"), [
    (("<Password: ", ">pw-1\r\n", "<\r\n$ "), "ann", "environment"),
    (("<login: ", ">bob\r\n", "<Password: ", ">pw-1\r\n", "<\r\n$ "), "bob", "password"),
])
def test_the_account_of_the_environment(pieces: Story, user: str, method: str) -> None:
    told = story(OFFERS, ">\xff\xfa\x27\x00\x00USER\x01ann\xff\xf0", *pieces)
    (login,) = told.of("telnet_login")
    assert (login["user.name"], login["telnet.login.method"]) == (user, method)
    assert told.session["telnet.environment.user"] == "ann"


def test_authentication_decides() -> None:
    name = ">\xff\xfa\x25\x03carol\xff\xf0"
    accepted = story(OFFERS, name, "<\xff\xfa\x25\x02\x02\x02\x02\xff\xf0", "<\r\n$ ")
    assert accepted.logins == [("success", "authentication_accept", "carol")]
    rejected = story(OFFERS, name, "<\xff\xfa\x25\x02\x02\x02\x01\xff\xf0", "<login: ")
    assert rejected.logins == [("failure", "authentication_reject", "carol")]
    late = story(OFFERS, name, "<Password: ", "<\xff\xfa\x25\x02\x02\x02\x01\xff\xf0", ">pw-1\r\n",
                 "<\r\n$ ")
    assert late.logins == [("failure", "authentication_reject", "carol"),
                           ("success", "shell_prompt", "carol")]  # fmt: skip
    refused = story(OFFERS, name, "<\xff\xfa\x25\x02\x0f\x00\x04\xff\xf0",
                    "<\r\nTelnet server could not log you in using NTLM authentication.\r\nlogin: ")
    assert refused.logins == []


@pytest.mark.parametrize("pieces", [
    (">root\r\npw-1\r\n", "<login: ", "<root\r\nPassword: ", "<\r\n$ "),
    ("<login: ", ">root\r\npw-1\r\nw\r\n", "<Password: ", "<\r\n$ "),
    (">root\r\n", ">pw-1\r\n", "<login: root\r\nPassword: \r\n$ "),
    ("<login: ", ">root\r\n", ">pw-1\r\n", "<root\r\nPassword: \r\n$ "),
])
def test_typed_ahead(pieces: Story) -> None:
    told = story(OFFERS, *pieces)
    assert told.logins == [("success", "shell_prompt", "root")]
    assert told.of("telnet_login")[0]["telnet.password.length"] == 4
    assert "pw-1" not in repr(told.events)


@pytest.mark.parametrize("name", [OFFERS, "<\xff\xfd\x18\xff\xfd\x1f"])
@pytest.mark.parametrize("prompt", ["<root\r\nPassword: ", "<HidPassword: "])
def test_a_password_that_is_begun_before_it_is_asked_for(name: str, prompt: str) -> None:
    told = story(name, "<login: ", ">root\r\nHid", prompt, ">den-1\r\n", "<\r\nLast login: x\r\n$ ",
                 ">w\r\n", "<w\r\nx\r\n$ ")  # fmt: skip
    assert told.logins == [("success", "success_text", "root")]
    assert told.of("telnet_login")[0]["telnet.password.length"] == len("Hidden-1")
    assert told.commands == ["w"]


ODD = "<\r\nno\r\nGeheim: "
WORK = (">w\r\n", "<w\r\nx\r\n$ ", ">id\r\n", "<id\r\nx\r\n$ ")


@pytest.mark.parametrize(("pieces", "logins"), [
    ((OFFERS, "<Geheim: ", ">Hidden-1\r\n", ODD, ">Hidden-2\r\n", ODD, ">Hidden-3\r\n", ODD), []),
    (("<Geheim: ", ">Hidden-1\r\n", ODD, ">Hidden-2\r\n", ODD, ">Hidden-3\r\n", ODD), []),
    ((*LOGIN, "<\r\nNein\r\nGeheim: ", ">Hidden-1\r\n", ODD, ">Hidden-2\r\n", ODD),
     [("unknown", "closed_after_password", "root")]),
    ((OFFERS, "<Kennung: ", ">ann\r\n", "<ann\r\nGeheim: ", ">Hidden-1\r\n", "<\r\n$ ", *WORK),
     [("none", "prompt_repeats", None)]),
    (("<Kennung: ", ">ann\r\n", "<Geheim: ", ">Hidden-1\r\n", "<\r\n$ ", *WORK),
     [("none", "prompt_repeats", None)]),
    ((OFFERS, "<login: ", ">ann\r\n", "<ann\r\nGeheim: ", ">Hidden-1\r\n", "<\r\n$ ", *WORK),
     [("success", "shell_prompt", "ann")]),
    ((OFFERS, *LOGIN, "<\r\nZahl: ", ">Hidden-1\r\n", "<\r\n$ ", *WORK),
     [("success", "shell_prompt", "root")]),
])
def test_secrets_at_prompts_in_words_that_are_not_known(pieces: Story, logins: Logins) -> None:
    told = story(*pieces)
    assert told.logins == logins
    assert "Hidden" not in repr(told.events)


def test_a_bot_out_of_step() -> None:
    told = story(OFFERS, "<login: ", ">\r\n", "<Password: ", ">wrong-1\r\n", FAILED, ">\r\n",
                 "<Password: ", ">rong-2\r\n", FAILED)  # fmt: skip
    assert told.logins == [("failure", "failure_text", None)] * 2


def test_a_new_login_behind_exit() -> None:
    told = story(OFFERS, *IN, ">exit\r\n", "<logout\r\n\r\nlogin: ", ">ann\r\n", "<Password: ",
                 ">pw-2\r\n", FAILED)  # fmt: skip
    assert told.logins == [("success", "success_text", "root"), ("failure", "failure_text", "ann")]
    assert told.commands == ["exit"]
    assert (told.session["telnet.login.attempts"], told.session["telnet.login.failures"]) == (2, 1)
    assert told.session["user.name"] == "root"


def test_what_is_printed_inside_changes_nothing() -> None:
    told = story(OFFERS, *IN, ">cat log\r\n", "<Login incorrect\r\nlogin: ann\r\n" + SHELL,
                 ">cat /etc/x\r\n", "<Permission denied\r\n" + SHELL)  # fmt: skip
    assert told.logins == [("success", "success_text", "root")]
    assert told.commands == ["cat log", "cat /etc/x"]


@pytest.mark.parametrize("lost", [LOST_SERVER, LOST_CLIENT])
def test_a_loss_within_the_dialogue(lost: str) -> None:
    told = story(OFFERS, *LOGIN, lost, "<\r\n" + SHELL)
    assert told.logins == [("unknown", "gap", "root")]
    assert told.session["telnet.confused"] is True
    told = story(OFFERS, *LOGIN[:3], lost, ">hidden-2\r\n", "<\r\nx\r\n" + SHELL, ">w\r\n",
                 "<a\r\n" + SHELL)  # fmt: skip
    assert {outcome for outcome, *_ in told.logins} <= {"unknown"}
    assert "hidden-2" not in repr(told.events)


def test_only_the_client_was_captured() -> None:
    told = story(">\xff\xfd\x03\xff\xfb\x18", ">root\r\n", ">hidden-1\r\n", ">ls\r\n")
    assert told.logins == []
    assert told.session["telnet.login.outcome"] == "unknown"
    assert "hidden-1" not in repr(told.events)


@pytest.mark.parametrize(("pieces", "logins"), [
    (("<login: ", "<root\r\nPassword: ", FAILED, "<root\r\nPassword: ", "<\r\nLast login: x\r\n# "),
     [("failure", "failure_text", None), ("success", "success_text", None)]),
    (("<login: ",), []),
    (("<Password: ", "<\r\n\r\nsw1>"), [("success", "shell_prompt", None)]),
    # What was typed may be su, or exit: nothing in plain words says that it failed.
    (("<Password: ", "<\r\nmotd\r\n$ su\r\nPassword: "), [("unknown", "gap", None)]),
    (("<Password: ", "<\r\n$ exit\r\nlogout\r\n", "<login: "), [("unknown", "gap", None)]),
    (("<Password: ", "<\r\nBackup: last run failed.\r\n$ exit\r\nlogout\r\n"),
     [("unknown", "closed_after_password", None)]),
])
def test_only_the_server_was_captured(pieces: Story, logins: Logins) -> None:
    assert story(OFFERS, *pieces).logins == logins


def test_begun_before_the_capture() -> None:
    told = story(LATE, "<\r\na b\r\n" + SHELL, ">w\r\n", "<a\r\n" + SHELL, ">id\r\n",
                 "<uid=0\r\n" + SHELL)  # fmt: skip
    assert told.logins == []
    told = story(LATE, ">hidden-1\r\n", "<\r\nLast login: today\r\n" + SHELL, ">w\r\n",
                 "<a\r\n" + SHELL)  # fmt: skip
    assert told.logins == []
    assert "hidden-1" not in repr(told.events)
    told = story(LATE, *LOGIN, FAILED)
    assert told.logins == [("failure", "failure_text", "root")]


def test_closed_by_encryption() -> None:
    told = story(OFFERS, *LOGIN, "<\xff\xfa\x26\x03\x00\xff\xf0\x81\x82login: ", ">x\r\n")
    assert told.logins == [("unknown", "encrypted", "root")]
    assert told.session["telnet.encrypted"] is True
    assert "telnet.confused" not in told.session


def test_prompts_are_judged_only_when_nothing_more_comes() -> None:
    told = story(OFFERS, "<login: ", *LOGIN[1:], "<\r\n# ", "<remark\r\n", "<login: ", pause=0.04)
    assert told.logins == [("failure", "prompt_again", "root")]
