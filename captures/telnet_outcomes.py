"""Telnet logins whose end is unusual or was not captured, by script."""

from __future__ import annotations

from dialogue import ECHO, WILL, WONT, options
from telnet_lines import LAST, PROMPT, barn
from telnet_talk import Session, story
from traffic import ORIG, RESP, Path, Traffic

WRONG = "\r\nLogin incorrect\r\nbarn login: "
UNSEEN, CLIENT, SERVER = Path(seen=()), Path(seen=(ORIG,)), Path(seen=(RESP,))


@story("outcomes")
def closed_after_password(traffic: Traffic, n: int) -> None:
    """The server closes after the password without a word."""
    t = barn(traffic, n)
    t.line("ida", "Password: ")
    t.keys("Acorn,Drift,1", "none")
    t.c(b"\r\0")
    t.end()


@story("outcomes")
def reset_after_password(traffic: Traffic, n: int) -> None:
    """The server resets after the password."""
    t = barn(traffic, n)
    t.log_in("ida", "Acorn,Drift,2", "")
    t.reset()


@story("outcomes")
def cut_after_password(traffic: Traffic, n: int) -> None:
    """The capture ends with the password."""
    t = barn(traffic, n)
    t.line("ida", "Password: ")
    t.keys("Acorn,Drift,3", "none")
    t.c(b"\r\0")


@story("outcomes")
def closed_after_failures(traffic: Traffic, n: int) -> None:
    """Refused once; after the second password the server closes without a word."""
    t = barn(traffic, n)
    t.log_in("ida", "Acorn,Drift,4", WRONG)
    t.line("ida", "Password: ")
    t.keys("Acorn,Drift,5", "none")
    t.c(b"\r\0")
    t.s("\r\n", 3000)
    t.end()


@story("outcomes")
def no_password_sent(traffic: Traffic, n: int) -> None:
    """A name, and nothing at the password prompt until the server gives up."""
    t = barn(traffic, n)
    t.line("ida", "Password: ")
    t.s("\r\nLogin timed out after 60 seconds.\r\n", 60_000)
    t.end()


@story("outcomes")
def nothing_typed(traffic: Traffic, n: int) -> None:
    """Nobody types anything at the prompt."""
    t = barn(traffic, n)
    t.talk.wait(9000)
    t.end(ORIG)


@story("outcomes")
def empty_name(traffic: Traffic, n: int) -> None:
    """An empty name for which a password is asked all the same."""
    t = barn(traffic, n)
    t.log_in("", "Acorn,Drift,6", WRONG)
    t.end(ORIG)


@story("outcomes")
def enter_before_the_name(traffic: Traffic, n: int) -> None:
    """Enter twice before the name: the prompt comes again, nothing was tried."""
    t = barn(traffic, n)
    t.line("", "barn login: ")
    t.line("", "barn login: ")
    t.log_in("ida", "Acorn,Drift,7", LAST + PROMPT)
    t.line("id", "uid=1002(ida)\r\n" + PROMPT)
    t.end(ORIG)


@story("outcomes")
def two_logins(traffic: Traffic, n: int) -> None:
    """After logout the prompt comes again: another user fails, then logs in."""
    t = barn(traffic, n)
    t.log_in("ida", "Acorn,Drift,8", LAST + PROMPT)
    t.line("id -un", "ida\r\n" + PROMPT)
    t.line("logout", "\r\nDebian GNU/Linux 12\r\nbarn login: ")
    t.log_in("hedda", "Acorn,Drift,9", WRONG)
    t.log_in("hedda", "Acorn,Drift,10", LAST + "hedda@barn:~$ ")
    t.line("ls", "plan\r\nhedda@barn:~$ ")
    t.end(ORIG)


@story("outcomes")
def typed_ahead(traffic: Traffic, n: int) -> None:
    """A script sends all its lines in one segment once the name is asked for."""
    t = barn(traffic, n)
    t.c("ida\r\nAcorn,Drift,11\r\nuptime\r\nexit\r\n")
    t.s("ida\r\nPassword: ")
    t.s("\r\n" + LAST + PROMPT, 200)
    t.s("uptime\r\n 03:05:10 up 41 days\r\n" + PROMPT + "exit\r\nlogout\r\n")
    t.end()


@story("outcomes")
def tries_exceeded(traffic: Traffic, n: int) -> None:
    """Refused until the server has enough."""
    t = barn(traffic, n)
    for i in range(12, 16):
        t.log_in("ida", f"Acorn,Drift,{i}", WRONG)
    t.log_in("root", "Acorn,Drift,16", "Maximum number of tries exceeded (5)\r\n")
    t.end()


@story("outcomes")
def line_mode_script(traffic: Traffic, n: int) -> None:
    """Whole lines; the server turns its echo on for the password alone."""
    t = Session(traffic, n)
    t.line_mode()
    t.s("\r\nbarn login: ")
    t.whole("ida", options((WILL, ECHO)) + b"Password: ")
    t.c(options((253, ECHO)), 1)
    t.whole("Acorn,Drift,17", options((WONT, ECHO)) + b"\r\n" + (LAST + PROMPT).encode())
    t.c(options((254, ECHO)), 1)
    t.whole("hostname -f", "barn.example.net\r\n" + PROMPT)
    t.whole("exit", "logout\r\n")
    t.end()


@story("outcomes")
def locked(traffic: Traffic, n: int) -> None:
    """Refused in words that name no password, and closed."""
    t = barn(traffic, n)
    t.log_in("ida", "Acorn,Drift,18", "\r\nYour account has been locked. Please contact the desk."
             "\r\n")  # fmt: skip
    t.end()


# -- what the capture did not see


def story_of(t: Session, password: str) -> None:
    """A refusal, a login, a command, exit."""
    t.linux()
    t.s("\r\nDebian GNU/Linux 12\r\nbarn login: ")
    t.log_in("ida", password + "0", WRONG)
    t.log_in("ida", password, LAST + PROMPT)
    t.line("id", "uid=1002(ida)\r\n" + PROMPT)
    t.line("exit", "logout\r\n")
    t.end()


@story("incomplete")
def client_only(traffic: Traffic, n: int) -> None:
    """Only what the client sends."""
    story_of(Session(traffic, n, path=CLIENT), "Rowan'Pail'1")


@story("incomplete")
def server_only(traffic: Traffic, n: int) -> None:
    """Only what the server sends."""
    story_of(Session(traffic, n, path=SERVER), "Rowan'Pail'2")


@story("incomplete")
def lost_between(traffic: Traffic, n: int) -> None:
    """The second half of the password and the answer to it were not captured."""
    t = barn(traffic, n)
    t.line("ida", "Password: ")
    t.keys("Rowan'", "none")
    t.talk.path = UNSEEN
    t.secret("Pail'3", LAST)
    t.talk.path = Path()
    t.s("You have mail.\r\n")
    t.talk.wait(900)
    t.end(ORIG)


@story("incomplete")
def lost_name(traffic: Traffic, n: int) -> None:
    """The name was not captured; the answer to the password was."""
    t = barn(traffic, n)
    t.talk.path = UNSEEN
    t.line("ida", "Pass")
    t.talk.path = Path()
    t.s("word: ")
    t.secret("Rowan'Pail'4", LAST + PROMPT)
    t.line("id", "uid=1002(ida)\r\n" + PROMPT)
    t.end(ORIG)


@story("incomplete")
def begun_late(traffic: Traffic, n: int) -> None:
    """The capture begins after the login."""
    t = barn(traffic, n, UNSEEN)
    t.log_in("ida", "Rowan'Pail'5", LAST + PROMPT)
    t.talk.path = Path()
    t.line("ls /home", "hedda ida\r\n" + PROMPT)
    t.line("exit", "logout\r\n")
    t.end()
