"""The words of many systems: what is a prompt, a failure, a success, and what only resembles."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from sensor.protocols.telnet import prompts

NAMES = (
    "login:", "login: ", "box login: ", "(none) login: ", "LocalHost login:", "dvrdvs login:",
    "VxWorks login: ", "Login: ", "login as: ", "Username:", "Username: ", "user name: ", "user:",
    "account:", "userid:", "name:", "Enter Username>", "Please enter your username: ", "USERNAME:",
    "debian-12.lan login: ", "router7 Username: ", "Benutzer: ", "Welcome to X  login: ",
)  # fmt: skip
NO_NAMES = (
    "Last login: ", "login: ERROR", "Users logged in:", "Last failed login: ", "hostname:",
    "login: go on", "filename: ", "Router name:", "Please log in with your account.", "catalogin:",
    "loginx:", "login", "",
)  # fmt: skip
PASSWORDS = (
    "Password:", "Password: ", "password: ", "passwd:", "Passcode:", "PASSCODE: ", "pass:", "pin:",
    "Password for ann: ", "ann's Password: ", "Enter Password>", "Enter password: ", "Kennwort:",
    "Passwort:", "Mot de passe : ", "contrase\u00f1a:", "contrasena: ", "Senha: ",
    "\u5bc6\u7801:", "\u5bc6\u7801\uff1a", "[sudo] password for ann: ", "Current password: ",
    "New password: ", "Retype new password: ", "ann@box's password: ",
)  # fmt: skip
NO_PASSWORDS = (
    "Password policy: twelve characters", "Password policy:", "compass:", "spin:", "Password",
    "Your password expires in 3 days: ", "password: changed", "", "$ ", "bypass: ",
)  # fmt: skip
FAILURES = (
    "Login incorrect", "Maximum number of tries exceeded (5)", "% Login invalid",
    "% Authentication failed", "% Bad passwords", "% Access denied", "% Bad secrets",
    "Error: Username or password error.", "Error: Failed to log in.", "Login Failed",
    "Login failed, incorrect username or password", "The handle is invalid.", "Logon failure",
    "Sorry, try again.", "su: Authentication failure", "*** Login refused ***",
    "FATAL: not authorized", "Anmeldung fehlgeschlagen", "Account locked", "Bad password",
    "Wrong password", "Access rejected", "Password required, but none set", "Permission denied",
    "Telnet server could not log you in using NTLM authentication.",
)  # fmt: skip
NO_FAILURES = (
    "Last login: Tue Jan  6 10:00:00 on pts/0", "3 failures since last login.",
    "There were 2 failed login attempts since the last successful login.",
    "Last failed login: Tue Jan  6 09:59:00 from 192.0.2.7 on pts/1",
    "There was 1 failed login attempt since the last successful login.",
    "No directory, logging in with HOME=/", "Unauthorized access is forbidden.",
    "Warning: no Kerberos tickets issued.", "unlocked", "Welcome to box", "", "blockedx",
)  # fmt: skip
SUCCESSES = (
    "Last login: Tue Jan  6 10:00:00 from 192.0.2.7 on pts/0",
    "Last successful login: Tue Jan  6", "No directory, logging in with HOME=/",
    "Warning: no Kerberos tickets issued.", "3 failures since last login.",
    "There were 2 failed login attempts since the last successful login.", "You have new mail.",
)  # fmt: skip
WELCOMES = (
    "Welcome to Ubuntu 24.04", " Welcome to box", "*==================", "Microsoft Telnet Server.",
    "Info: The max number of VTY users is 5, and the number", "--- JUNOS 20.4R3 built 2021",
    "BusyBox v1.36.1 () built-in shell (ash)", "Sun Microsystems Inc.   SunOS 5.10",
)  # fmt: skip
SHELLS = (
    "$ ", "# ", "> ", "% ", "/ # ", "~ $ ", "ann@box:~$ ", "root@box:~# ", "[root@box ~]# ",
    "sw1>", "sw1#", "sw1(config-if)#", "<HUAWEI>", "[HUAWEI]", "[HUAWEI-vlan40]", "box% ",
    "user@mx1> ", "user@mx1# ", "[admin@MikroTik] > ", "C:\\Users\\ann>", "-> ", "matrix(su)->",
    "\u276f ", "~/src \u276f ", "caf\u00e9$ ", "\u279c  ~ \u276f ",
)  # fmt: skip
NO_SHELLS = (
    "", " ", "login: ", "Password: ", "Enter Username>", "Enter Password>", "Progress: 50%", "90%",
    "banner (internal)", "Press ENTER to continue>", "x" * 80 + "# ", "Choice [1-4]: ",
    "a\x01b# ", "*******", "=========>", "Select an item > ", "menu]", "See <https://a.example>",
    "###", "Continue? >",
)  # fmt: skip
PAGERS = (
    " --More-- ", "---- More ----", "---(more 12%)---", "Press any key to continue", "(END)",
    "--More--(12%)", "lines 1-23", "---(more)---",
)  # fmt: skip
NO_PAGERS = ("$ ", "login: ", "show more", "Password: ", "more: ", "end", "sw-more#", "box-more$ ",
             "-more> ")  # fmt: skip


def all_but(check: Callable[[str], bool], texts: tuple[str, ...], *, wanted: bool) -> list[str]:
    return [text for text in texts if check(text) is not wanted]


@pytest.mark.parametrize(("check", "those", "others"), [
    (prompts.is_name_prompt, NAMES, (*NO_NAMES, *PASSWORDS, *FAILURES)),
    (prompts.is_password_prompt, PASSWORDS, (*NO_PASSWORDS, *NAMES, *FAILURES)),
    (prompts.is_failure, FAILURES, (*NO_FAILURES, *SUCCESSES, *WELCOMES)),
    (prompts.is_success, SUCCESSES, (*FAILURES, *WELCOMES, "the last login was", "")),
    (prompts.is_welcome, WELCOMES, (*FAILURES, "You are welcome to leave", "== x")),
    (prompts.is_shell_prompt, SHELLS, (*NO_SHELLS, *NAMES, *PASSWORDS)),
    (prompts.is_pager, PAGERS, (*NO_PAGERS, *SHELLS)),
])
def test_words(
    check: Callable[[str], bool], those: tuple[str, ...], others: tuple[str, ...]
) -> None:
    assert (all_but(check, those, wanted=True), all_but(check, others, wanted=False)) == ([], [])


def test_failures_that_can_mean_nothing_else() -> None:
    plain = ("Login incorrect", "% Login invalid", "% Bad passwords", "% Authentication failed",
             "Error: Username or password error.", "Error: Failed to log in.", "Login Failed",
             "Login failed, incorrect username or password", "Sorry, try again.",
             "Maximum number of tries exceeded (5)", "Wrong password")  # fmt: skip
    assert all_but(prompts.is_plain_failure, plain, wanted=True) == []
    others = (*NO_FAILURES, "mount of /data failed", "disk failure on sda is imminent",
              "invalid entries in fstab were ignored", "the door is locked")  # fmt: skip
    assert all_but(prompts.is_plain_failure, others, wanted=False) == []


@pytest.mark.parametrize(("text", "account"), [
    ("[sudo] password for ann: ", "ann"), ("[sudo: authenticate] Password for ann: ", "ann"),
    ("Password for ann:", "ann"), ("Password for ann@box:", "ann"), ("Password: ", None),
])
def test_whose_password(text: str, account: str | None) -> None:
    assert prompts.asked_for(text) == account


def test_changing_a_password() -> None:
    assert all(map(prompts.is_change_prompt, (
        "Current password: ", "New password: ", "Retype new password: ", "Re-enter new password:",
        "(current) UNIX password: ", "Old password:", "Enter new UNIX password: ")))  # fmt: skip
    assert not any(map(prompts.is_change_prompt, ("Password: ", "Enter password: ", "login: ")))
    assert all(map(prompts.asks_for_change, (
        "You are required to change your password immediately (root enforced)",
        "WARNING: Your password has expired.", "Changing password for ann.")))  # fmt: skip
    assert not prompts.asks_for_change("Your password will expire in 3 days")


def test_what_stands_before_a_password_prompt() -> None:
    assert prompts.before_password("login: ann Password: ").startswith("login: ann")
    assert prompts.before_password("Password: ") == ""
    assert prompts.before_password("$ ") == ""


def test_other_questions() -> None:
    assert all(map(prompts.is_other_secret, ("Verification code: ", "One-time password: ", "OTP:",
                                             "Token: ", "Response:")))  # fmt: skip
    assert not any(map(prompts.is_other_secret, ("login: ", "$ ", "Enter code")))
    assert all(map(prompts.is_question, ("Proceed? [y/N] ", "Save? (yes/no): ", "Sure [Y/N]:")))
    assert not any(map(prompts.is_question, ("$ ", "[HUAWEI]", "login: ")))
    assert prompts.is_shells_answer("ECCHI: applet not found")
    assert prompts.is_shells_answer("sh: foo: not found")
    assert not prompts.is_shells_answer("404 not found here")


HOSTILE = (
    "a" * 4096, " " * 4096, "password" * 512, "password for " * 315, "x:" * 2048, "[sudo " * 682,
    "[sudo] " + "a " * 2000, "-" * 4096, "more" * 1024, "-- more" * 580, "<" * 4096, "[" * 4096,
    "new " * 1024, "current " * 500 + "passwor", "(y" * 2048, "[y/n" * 1000, "[y" + "/n" * 2000,
    "/n " * 1300, "failed " * 580, "user name or password" * 190, "_" * 4096, "welcome to " * 370,
    "password(" * 455, "otp" * 1365, ": not found " * 340, "Enter password " * 270, "%" * 4096,
)  # fmt: skip
CHECKS: tuple[Callable[[str], object], ...] = (
    prompts.is_name_prompt, prompts.is_password_prompt, prompts.before_password,
    prompts.is_other_secret, prompts.is_change_prompt, prompts.asked_for, prompts.asks_for_change,
    prompts.is_failure, prompts.is_plain_failure, prompts.is_success, prompts.is_welcome,
    prompts.is_shell_prompt, prompts.is_pager, prompts.is_question, prompts.is_shells_answer,
)  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_hostile_lines_are_judged_in_little_time(check: Callable[[str], object]) -> None:
    for text in HOSTILE:
        began = time.process_time()
        check(text)
        assert time.process_time() - began < 0.05, text[:20]
