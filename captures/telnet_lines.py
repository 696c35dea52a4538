"""Telnet sessions that are hard to read: how lines are typed, what servers say around logins."""

from __future__ import annotations

from dialogue import DO, ECHO, IAC, SGA, WILL, WONT, options, suboption
from telnet_talk import DM, EC, EL, GA, IP, LINEMODE, Session, story
from traffic import ORIG, RESP, Path, Traffic

PROMPT = "ida@barn:~$ "
LAST = "Last login: Thu Jan  1 11:40:02 UTC 2026 from 192.168.1.20 on pts/1\r\n"
RUB = "\b \b"


def barn(traffic: Traffic, n: int, path: Path | None = None) -> Session:
    """A Linux host that asks for a name."""
    t = Session(traffic, n, path=path)
    t.linux()
    t.s("\r\nDebian GNU/Linux 12\r\nbarn login: ")
    return t


def inside(traffic: Traffic, n: int, password: str) -> Session:
    """Logged in on the same host."""
    t = barn(traffic, n)
    t.log_in("ida", password, LAST + PROMPT)
    return t


# -- how lines are typed


@story("editing")
def rubbed_out(traffic: Traffic, n: int) -> None:
    """Characters, words and lines rubbed out: in the name, in the password, in commands."""
    t = barn(traffic, n)
    t.keys("idd")
    t.c(b"\x7f")
    t.s(RUB)
    t.line("a", "Password: ")
    t.keys("wrong", "none")
    t.c(b"\x15")
    t.keys("Mango.Wick.11x", "none")
    t.c(b"\x08")
    t.secret("", LAST + PROMPT)
    t.keys("\x7f\x7f", "none")
    t.keys("cat /etc/hosst")
    t.c(b"\x7f\x7f")
    t.s(RUB * 2)
    t.line("ts", "127.0.0.1 localhost\r\n" + PROMPT)
    t.keys("rm -rf /srv/old")
    t.c(b"\x15")
    t.s(RUB * 15)
    t.line("ls /srv", "old\r\n" + PROMPT)
    t.keys("du /var/log")
    t.c(b"\x17")
    t.s(RUB * 8)
    t.line("/tmp", "8 /tmp\r\n" + PROMPT)
    t.line("exit", "logout\r\n")
    t.end()


@story("editing")
def many_octets(traffic: Traffic, n: int) -> None:
    """One key that is more than one octet rubbed out, and texts that are not ASCII."""
    t = inside(traffic, n, "Mango.Wick.12")
    t.keys("echo Käsé")
    t.c(b"\x7f")
    t.s(RUB)
    t.line("e", "Käse\r\n" + PROMPT)
    t.line("touch 報告", PROMPT)
    t.end(ORIG)


@story("editing")
def erased_by_commands(traffic: Traffic, n: int) -> None:
    """IAC EC and IAC EL rub out as keys do; then the remapped characters of LINEMODE."""
    t = inside(traffic, n, "Mango.Wick.13")
    t.keys("pwdd")
    t.c(bytes([IAC, EC]))
    t.s(RUB)
    t.line("", "/u/ida\r\n" + PROMPT)
    t.keys("halt")
    t.c(bytes([IAC, EL]))
    t.s(RUB * 4)
    t.line("uname", "Linux\r\n" + PROMPT)
    t.s(options((DO, LINEMODE)))
    t.c(options((WILL, LINEMODE)))
    t.s(suboption(LINEMODE, b"\x01\x00"))
    t.c(suboption(LINEMODE, b"\x01\x04") + suboption(LINEMODE, b"\x03\x0a\x02#\x0b\x02@"))
    t.s(suboption(LINEMODE, b"\x03\x0a\x82#\x0b\x82@"))
    t.keys("datx")
    t.c("#")
    t.s(RUB)
    t.line("e", "Fri Jan  2 03:04:40 UTC 2026\r\n" + PROMPT)
    t.keys("poweroff")
    t.c("@")
    t.s("\r\n" + PROMPT)
    t.line("who", "ida pts/1\r\n" + PROMPT)
    t.end(ORIG)


@story("editing")
def interrupted(traffic: Traffic, n: int) -> None:
    """Lines that end in an interrupt are no commands; the urgent flag takes nothing away."""
    t = inside(traffic, n, "Mango.Wick.14")
    t.keys("sleep 100")
    t.c(b"\x03")
    t.s("^C\r\n" + PROMPT)
    t.line("ping 10.1.1.1", "PING 10.1.1.1\r\n")
    t.urgent(ORIG, bytes([IAC, IP, IAC, DO, 6]), 900)
    t.urgent(RESP, bytes([IAC, DM]), 5)
    t.s(options((WILL, 6)) + b"^C\r\n" + PROMPT.encode(), 5)
    t.keys("tru")
    t.urgent(ORIG, b"e")
    t.s("e")
    t.line("", PROMPT)
    t.c(b"\x04")
    t.s("logout\r\n")
    t.end()


@story("editing")
def completed_by_the_shell(traffic: Traffic, n: int) -> None:
    """Tab and the arrow: what the line became is only in the echo."""
    t = inside(traffic, n, "Mango.Wick.15")
    t.keys("cat /etc/hostn")
    t.c(b"\t")
    t.s("ame ")
    t.line("", "barn\r\n" + PROMPT)
    t.line("ls", "notes\r\n" + PROMPT)
    t.c(b"\x1b[A", 700)
    t.s("ls")
    t.c(b"\x1b[A", 300)
    t.s(RUB * 2 + "cat /etc/hostname ")
    t.line("", "barn\r\n" + PROMPT)
    t.end(ORIG)


@story("editing")
def answers_of_the_terminal(traffic: Traffic, n: int) -> None:
    """What a terminal answers by itself is not typed; pasted text is, without its brackets."""
    t = inside(traffic, n, "Mango.Wick.16")
    t.s("\x1b[c\x1b[>c\x1b]10;?\x07\x1b[6n")
    t.c("\x1b[?64;1;2c\x1b[>41;390;0c", 1)
    t.c("\x1b]10;rgb:ffff/ffff/ffff\x07\x1b[24;17R\x1b[I", 1)
    t.keys("free")
    t.c("\x1b[O", 400)
    t.c("\x1b[I", 900)
    t.line(" -m", "Mem: 970\r\n" + PROMPT)
    t.s("\x1b[?2004h")
    t.c("\x1b[200~echo pasted line\x1b[201~", 500)
    t.s("echo pasted line")
    t.line("", "pasted line\r\n" + PROMPT)
    t.end(ORIG)


@story("editing")
def full_screen(traffic: Traffic, n: int) -> None:
    """Keys in an editor and in a pager are no commands."""
    t = inside(traffic, n, "Mango.Wick.17")
    t.line("vi plan", "\x1b[?1049h\x1b[1;24r\x1b[H\x1b[2J~\r\n~\r\n\"plan\" [New]")
    for key in ("i", "rm -rf /", "\r", "sudo su", "\x1b"):
        t.c(key, 200)
        t.s("\x1b[1;1H" + key.replace("\x1b", ""), 2)
    t.c(":wq\r\0", 300)
    t.s("\x1b[24;1H:wq\r\"plan\" 2L written\r\r\n\x1b[?1049l" + PROMPT)
    t.line("more notes", "one\r\ntwo\r\n--More--(40%)")
    t.c(" ", 800)
    t.s("\r        \rthree\r\n" + PROMPT)
    t.line("clear", "\x1b[H\x1b[2J" + PROMPT)
    t.line("man ls", "\x1b[?1h\x1b=LS(1)\r\nNAME\r\n(END)")
    t.c("q", 900)
    t.s("\r\x1b[K\x1b[?1l\x1b>" + PROMPT)
    t.line("exit", "logout\r\n")
    t.end()


@story("editing")
def ends_of_lines(traffic: Traffic, n: int) -> None:
    """CR LF, CR NUL, CR and LF each end a line; one end is split over two segments."""
    t = barn(traffic, n)
    t.whole("ida", "ida\r\nPassword: ", b"\r\n")
    t.whole("Mango.Wick.18", "\r\n" + LAST + PROMPT, b"\r\0")
    t.whole("ls", "ls\r\nnotes\r\n" + PROMPT, b"\r")
    t.whole("id", "id\r\nuid=1002(ida)\r\n" + PROMPT, b"\n")
    t.c("date\r")
    t.c("\n", 3)
    t.s("date\r\nFri Jan  2 03:05:00 UTC 2026\r\n" + PROMPT)
    t.c("tty\r", 300)
    t.c("\0", 3)
    t.s("tty\r\n/dev/pts/1\r\n" + PROMPT)
    t.end(ORIG)


# -- what servers say around a login


@story("server_words")
def motd_of_failures(traffic: Traffic, n: int) -> None:
    """The greeting of a success is full of the words of failures."""
    t = barn(traffic, n)
    t.log_in("ida", "Sorrel.Knot.1", "Last failed login: Thu Jan  1 23:59:58 on pts/2\r\n"
             "There were 2 failed login attempts since the last successful login.\r\n"
             "0 failed login attempts since Monday\r\n" + LAST +
             "\r\nUnauthorized use is denied and will be rejected. Wrong passwords are logged.\r\n"
             "2 failures since last login.\r\n\r\n" + PROMPT)  # fmt: skip
    t.line("cat auth.log", "login: Login incorrect\r\nsu: Permission denied\r\n"
           "barn login: root\r\nPassword: \r\n" + PROMPT)  # fmt: skip
    t.line("cat /etc/shadow", "cat: /etc/shadow: Permission denied\r\n" + PROMPT)
    t.line("exit", "logout\r\n")
    t.end()


@story("server_words")
def motd_in_pieces(traffic: Traffic, n: int) -> None:
    """The word of a failure, a second of silence, then the rest of the greeting."""
    t = barn(traffic, n)
    t.line("ida", "Password: ")
    t.keys("Sorrel.Knot.2", "none")
    t.c(b"\r\0")
    t.s("\r\nBackup of last night: failed")
    t.s("\r\nNext backup: 23:00\r\n", 1200)
    t.s(PROMPT, 300)
    t.line("df", "/ 41%\r\n" + PROMPT)
    t.end(ORIG)


@story("server_words")
def marked_prompts(traffic: Traffic, n: int) -> None:
    """No suppress-go-ahead: each prompt ends in GA."""
    ga = bytes([IAC, GA])
    t = Session(traffic, n)
    t.s(options((WILL, ECHO), (WONT, SGA)) + b"\r\nenter call sign or\r\nuser: " + ga)
    t.c(options((DO, ECHO)), 2)
    t.line("sm0xyz", b"password: " + ga)
    t.secret("Sorrel.Knot.3", b"relay two\r\nsm0xyz de relay >" + ga)
    t.line("users", b"sm0xyz\r\nsm0xyz de relay >" + ga)
    t.line("bye", "73\r\n")
    t.end()


@story("server_words")
def coloured_prompts(traffic: Traffic, n: int) -> None:
    """Prompts in colours, of two lines, with a title before and codes behind."""
    zsh = ("\x1b]0;ida@barn:~\x07\r\r\n\x1b[1;34m╭─ida@barn \x1b[32m~\x1b[0m\r\n"
           "\x1b[1;34m╰─\x1b[0m$ \x1b[K\x1b[?1h\x1b=\x1b[?2004h")  # fmt: skip
    t = barn(traffic, n)
    t.log_in("ida", "Sorrel.Knot.4", zsh)
    t.line("git status", "\x1b[?1l\x1b>\x1b[?2004lnothing to commit\r\n" + zsh)
    t.line("exit", "\x1b[?1l\x1b>\x1b[?2004l")
    t.end()


@story("server_words")
def stray_octets(traffic: Traffic, n: int) -> None:
    """NULs and the octets of packet mode between what is echoed."""
    t = barn(traffic, n)
    t.s(b"\x00\x01\x00", 1)
    for key in "ida":
        t.c(key, 100)
        t.s(b"\x00" + key.encode() + b"\x00", 1)
    t.c(b"\r\0")
    t.s(b"\0\r\n\x01\0Pass\x00word: \0")
    t.secret("Sorrel.Knot.5", LAST + "\0" + PROMPT)
    t.line("true", PROMPT)
    t.end(ORIG)


@story("server_words")
def policy_before_password(traffic: Traffic, n: int) -> None:
    """A policy is told between name and password; the answer comes in single octets."""
    t = barn(traffic, n)
    t.line("ida", "Password policy: 12 characters. Invalid attempts are denied.\r\n"
           "Password for ida: ")  # fmt: skip
    t.keys("Sorrel.Knot.6", "none")
    t.c(b"\r\0")
    for octet in (b"\r\nLogin incorrect\r\nbarn login: "):
        t.s(bytes([octet]), 2)
    t.end(ORIG)


# -- passwords that must be changed, second logins


@story("elevation")
def forced_change(traffic: Traffic, n: int) -> None:
    """The password was right and has to be changed at once."""
    t = barn(traffic, n)
    t.log_in("ida", "Thistle-Cup-1", "You are required to change your password immediately "
             "(administrator enforced).\r\nChanging password for ida.\r\nCurrent password: ")
    t.secret("Thistle-Cup-1", "New password: ")
    t.secret("Thistle-Cup-2", "Retype new password: ")
    t.secret("Thistle-Cup-2", LAST + PROMPT)
    t.line("pwd", "/u/ida\r\n" + PROMPT)
    t.end(ORIG)


@story("elevation")
def su_and_sudo(traffic: Traffic, n: int) -> None:
    """su fails, then works; sudo fails once, then works; a program asks for one more password."""
    t = inside(traffic, n, "Thistle-Cup-3")
    t.line("su -", "Password: ")
    t.secret("Thistle-Cup-4", "su: Authentication failure\r\n" + PROMPT)
    t.line("su - hedda", "Password: ")
    t.secret("Thistle-Cup-5", "hedda@barn:~$ ")
    t.line("sudo id", "[sudo] password for hedda: ")
    t.secret("Thistle-Cup-6", "Sorry, try again.\r\n[sudo] password for hedda: ")
    t.secret("Thistle-Cup-7", "uid=0(root) gid=0(root)\r\nhedda@barn:~$ ")
    t.line("mysql -uroot -pThistle-Cup-8 shop", "Welcome to the MariaDB monitor.\r\n"
           "MariaDB [shop]> ")  # fmt: skip
    t.line("exit", "Bye\r\nhedda@barn:~$ ")
    t.line("exit", "logout\r\n" + PROMPT)
    t.line("exit", "logout\r\n")
    t.end()


@story("elevation")
def passwd_and_ssh(traffic: Traffic, n: int) -> None:
    """passwd and ssh inside the session; an URL that carries a password."""
    t = inside(traffic, n, "Thistle-Cup-9")
    t.line("passwd", "Changing password for ida.\r\nCurrent password: ")
    t.secret("Thistle-Cup-9", "New password: ")
    t.secret("Thistle-Cup-10", "Retype new password: ")
    t.secret("Thistle-Cup-11", "Sorry, passwords do not match.\r\n"
             "passwd: Authentication token manipulation error\r\n" + PROMPT)  # fmt: skip
    t.line("ssh hedda@loft", "hedda@loft's password: ")
    t.secret("Thistle-Cup-12", "Permission denied, please try again.\r\nhedda@loft's password: ")
    t.secret("Thistle-Cup-13", "Last login: Wed Dec 31 09:00:00 2025\r\nhedda@loft:~$ ")
    t.line("exit", "Connection to loft closed.\r\n" + PROMPT)
    t.line("wget ftp://ida:Thistle-Cup-14@loft/tmp/x.tar", "saved\r\n" + PROMPT)
    t.end(ORIG)
