"""Telnet sessions with Windows, small devices, other languages and menus, by script."""

from __future__ import annotations

import struct

from dialogue import DO, DONT, ECHO, NAWS, NEW_ENVIRON, SGA, TTYPE, WILL, WONT, options, suboption
from telnet_talk import AUTHENTICATION, Session, naws, quoted, story, terminal
from traffic import ORIG, RESP, Traffic

# -- Windows (MS-TNAP: NTLM in the authentication option, type 15)

NTLM = 15
BANNER = "Welcome to Microsoft Telnet Service \r\n\n\rlogin: "
SHELL = ("\r\n*===============================================================\r\n"
         "Microsoft Telnet Server.\r\n"
         "*===============================================================\r\n")  # fmt: skip


def ntlm(role: int, step: int, message: bytes = b"") -> bytes:
    """An authentication suboption: IS 0 or REPLY 2, step negotiate 0 to reject 4."""
    size = struct.pack("<II", len(message), 2) if message else b""
    return suboption(AUTHENTICATION, bytes([role, NTLM, 0, step]) + quoted(size + message))


def ntlm_account(domain: str, user: str, station: str) -> bytes:
    """An NTLM authenticate message (MS-NLMP 2.2.1.3) with an answer of invented octets."""
    parts = [bytes(24), bytes(range(1, 25)), *(word.encode("utf-16-le")
             for word in (domain, user, station)), b""]  # fmt: skip
    offset, fields = 64, b""
    for part in parts:
        fields += struct.pack("<HHI", len(part), len(part), offset)
        offset += len(part)
    head = b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", 0x8205)
    return head + b"".join(parts)


def windows(traffic: Traffic, n: int, with_ntlm: bool = False) -> Session:
    """The service of Windows and its own client; with NTLM up to the challenge."""
    t = Session(traffic, n)
    t.s(options((DO, AUTHENTICATION), (WILL, ECHO), (WILL, SGA), (DO, NEW_ENVIRON), (DO, NAWS),
                (DO, 0), (WILL, 0)))  # fmt: skip
    answer = (WILL if with_ntlm else WONT, AUTHENTICATION)
    t.c(options(answer, (DO, ECHO), (DO, SGA), (WILL, NEW_ENVIRON), (WILL, NAWS))
        + naws(80, 25) + options((WILL, 0), (DO, 0)), 2)  # fmt: skip
    t.s(suboption(NEW_ENVIRON, b"\x01\x03SFUTLNTVER\x03SFUTLNTMODE") + options((DO, TTYPE)), 2)
    t.c(suboption(NEW_ENVIRON, b"\0\x03SFUTLNTVER\x012\x03SFUTLNTMODE\x01Console")
        + options((WILL, TTYPE)), 2)  # fmt: skip
    t.s(suboption(TTYPE, b"\x01"), 2)
    t.c(terminal("VTNT"), 2)
    if with_ntlm:
        t.s(suboption(AUTHENTICATION, bytes([1, NTLM, 0])), 2)
        t.c(ntlm(0, 0, b"NTLMSSP\0" + struct.pack("<II", 1, 0x8207) + bytes(16)), 2)
        t.s(ntlm(2, 1, b"NTLMSSP\0" + struct.pack("<I", 2) + bytes(range(40))), 5)
    return t


@story("windows")
def windows_ntlm_refused(traffic: Traffic, n: int) -> None:
    """NTLM is refused, then name and password are taken."""
    t = windows(traffic, n, with_ntlm=True)
    t.c(ntlm(0, 2, ntlm_account("PLANT", "tmarlow", "DESK-4")), 2)
    t.s(ntlm(2, 4), 30)
    t.s("Telnet server could not log you in using NTLM authentication.\r\n"
        "Your password may have expired.\r\nLogin using username and password\r\n\r\n" + BANNER)
    t.log_in("svc-hist", "Cobalt#Heron55", "\x1b[2J\x1b[1;1H" + SHELL + "C:\\Users\\svc-hist>",
             "\rpassword: ")  # fmt: skip
    t.line("dir C:\\recipes", " Volume in drive C has no label.\r\n File Not Found\r\n\r\n"
           "C:\\Users\\svc-hist>")  # fmt: skip
    t.line("exit")
    t.end()


@story("windows")
def windows_ntlm_accepted(traffic: Traffic, n: int) -> None:
    """NTLM is accepted: no name and no password is asked for."""
    t = windows(traffic, n, with_ntlm=True)
    t.c(ntlm(0, 2, ntlm_account("PLANT", "tmarlow", "DESK-4")), 2)
    t.s(ntlm(2, 3), 30)
    t.s("\x1b[2J\x1b[1;1H" + SHELL + "C:\\Users\\tmarlow>")
    t.line("hostname", "HIST-02\r\n\r\nC:\\Users\\tmarlow>")
    t.line("exit")
    t.end()


@story("windows")
def windows_failures(traffic: Traffic, n: int) -> None:
    """Refused in the words of two releases, then closed."""
    t = windows(traffic, n)
    t.s(BANNER)
    t.log_in("PLANT\\tmarlow", "Cobalt#Heron56", "\r\nLogin Failed\r\n\r\nlogin: ", "\rpassword: ")
    t.log_in("PLANT\\tmarlow", "Cobalt#Heron57",
             "\r\nLogon failure: unknown user name or bad password.\r\n\r\nLogin Failed\r\n\r\n"
             "login: ", "\rpassword: ")  # fmt: skip
    t.log_in("guest", "Cobalt#Heron58", "\r\nThe handle is invalid.\r\n\r\nLogin Failed\r\n",
             "\rpassword: ")  # fmt: skip
    t.end()


# -- cameras, recorders and other small Linux devices


@story("cameras")
def camera_default(traffic: Traffic, n: int) -> None:
    """A person logs in on a camera with the password that many of its kind have."""
    t = Session(traffic, n)
    t.busybox()
    t.s("\r\n(none) login: ")
    t.log_in("root", "xc3511", "\r\nWelcome to HiLinux.\r\n# ")
    t.line("cat /proc/version", "Linux version 3.0.8 (gcc version 4.4.1) #1\r\n# ")
    t.line("exit")
    t.end()


@story("cameras")
def camera_failure(traffic: Traffic, n: int) -> None:
    """A recorder refuses, and asks again after three seconds."""
    t = Session(traffic, n)
    t.busybox()
    t.s("LocalHost login: ")
    t.line("admin", "Password: ")
    t.keys("Nectar-Rook-6", "none")
    t.c(b"\r\0")
    t.s("\r\n")
    t.s("Login incorrect\r\nLocalHost login: ", 3000)
    t.end(ORIG)


@story("cameras")
def recorder_success(traffic: Traffic, n: int) -> None:
    """A recorder whose shell asks the terminal where its cursor is; the answer is not typed."""
    t = Session(traffic, n)
    t.busybox()
    t.s("dvrdvs login: ")
    t.log_in("operator", "Nectar-Rook-7", "\r\n\r\nBusyBox v1.16.1 (2013-07-18) built-in shell "
             "(ash)\r\nEnter 'help' for a list of built-in commands.\r\n\r\n"
             "~ $ \x1b[6n")  # fmt: skip
    t.c("\x1b[9;5R", 1)
    t.line("ls /mnt", "hdd0  hdd1\r\n~ $ \x1b[6n")
    t.c("\x1b[11;5R", 1)
    t.line("exit")
    t.end()


@story("cameras")
def camera_shell(traffic: Traffic, n: int) -> None:
    """No login at all: the shell is there at once."""
    t = Session(traffic, n)
    t.busybox()
    t.s("\r\n\r\nBusyBox v1.22.1 (2016-03-02) built-in shell (ash)\r\n"
        "Enter 'help' for a list of built-in commands.\r\n\r\n/ # ")  # fmt: skip
    t.line("id", "uid=0(root) gid=0(root)\r\n/ # ")
    t.line("reboot", "/ # ")
    t.end()


# -- other languages


def plain(traffic: Traffic, n: int) -> Session:
    """A device that echoes, and no more."""
    t = Session(traffic, n)
    t.s(options((WILL, ECHO), (WILL, SGA)))
    t.c(options((DO, ECHO), (DO, SGA)), 2)
    return t


@story("languages")
def german(traffic: Traffic, n: int) -> None:
    """German: refused, then accepted."""
    t = plain(traffic, n)
    t.s("\r\nSteuerung Halle 3\r\nBenutzername: ")
    t.log_in("mschulte", "Ahorn-Laterne-1", "Anmeldung fehlgeschlagen.\r\nBenutzername: ",
             "Kennwort: ")  # fmt: skip
    t.log_in("mschulte", "Ahorn-Laterne-2", "Willkommen, Frau Schulte\r\nhalle3> ", "Kennwort: ")
    t.line("zeige störungen", "keine\r\nhalle3> ")
    t.end(ORIG)


@story("languages")
def french(traffic: Traffic, n: int) -> None:
    """French: refused by being asked again, then accepted."""
    t = plain(traffic, n)
    t.s("\r\nNom d'utilisateur : ")
    t.log_in("clemaire", "Tilleul-Encre-1", "\r\nMot de passe incorrect.\r\nNom d'utilisateur : ",
             "Mot de passe : ")  # fmt: skip
    t.log_in("clemaire", "Tilleul-Encre-2", "\r\nvanne-12# ", "Mot de passe : ")
    t.line("état", "ouverte\r\nvanne-12# ")
    t.end(ORIG)


@story("languages")
def spanish(traffic: Traffic, n: int) -> None:
    """Spanish: accepted."""
    t = plain(traffic, n)
    t.s("\r\nlogin: ")
    t.log_in("rnavarro", "Olivo-Faro-1", "\r\nbomba-4$ ", "Contraseña: ")
    t.line("uptime", " 03:05 activo 3 días\r\nbomba-4$ ")
    t.end(ORIG)


@story("languages")
def portuguese(traffic: Traffic, n: int) -> None:
    """Portuguese: refused twice."""
    t = plain(traffic, n)
    t.s("\r\nLogin: ")
    for password in ("Jangada-Sino-1", "Jangada-Sino-2"):
        t.log_in("pteles", password, "\r\nAcesso negado\r\nLogin: ", "Senha: ")
    t.end(RESP)


@story("languages")
def chinese(traffic: Traffic, n: int) -> None:
    """Chinese: the name is asked for in English, the password is not; accepted."""
    t = plain(traffic, n)
    t.s("\r\nUsername:")
    t.log_in("yunwei", "Zhuque-Deng-1", "\r\n<机房一>", "密码:")
    t.line("display clock", "2026-01-02 03:05:21\r\n<机房一>")
    t.end(ORIG)


# -- menus


@story("menus")
def menu_after_login(traffic: Traffic, n: int) -> None:
    """Behind the login is a menu that asks for a number, again and again."""
    t = plain(traffic, n)
    t.s("\r\nUPS console\r\nUser Name : ")
    t.log_in("facility", "Zinc=Robin=1", "\r\n1- Status\r\n2- Events\r\n4- Logout\r\nChoice? ",
             "Password  : ")  # fmt: skip
    t.line("1", "Load 41 percent\r\nChoice? ")
    t.line("2", "No events\r\nChoice? ")
    t.line("4", "Bye.\r\n")
    t.end()


@story("menus")
def menu_silent(traffic: Traffic, n: int) -> None:
    """Behind the login is a screen without a word that tells, and nobody types any more."""
    t = plain(traffic, n)
    t.s("\r\nName: ")
    t.log_in("facility", "Zinc=Robin=2", "\r\n+--------------+\r\n| 21.4  C  ok  |\r\n"
             "+--------------+\r\n", "Password: ")  # fmt: skip
    t.talk.wait(2500)
    t.end(ORIG)


@story("menus")
def menu_without_login(traffic: Traffic, n: int) -> None:
    """Nothing is asked: a menu that answers three choices."""
    t = plain(traffic, n)
    t.s("\r\nPower strip 9\r\n1) Outlets 2) Network 3) Quit\r\nselect: ")
    t.line("1", "outlet 1 on\r\nselect: ")
    t.line("2", "192.168.40.9/24\r\nselect: ")
    t.line("3", "closing\r\n")
    t.end()


@story("menus")
def greeter_first(traffic: Traffic, n: int) -> None:
    """The banner says `login:` in the middle of its text; the name is asked for later, before any
    option is settled."""
    t = Session(traffic, n)
    t.s(b"For login: use the account of your shift. Password: see the binder at the desk.\r\n"
        b"Last failed login: never\r\n\r\nAccount: "
        + options((WILL, ECHO), (WILL, SGA), (DO, TTYPE), (DO, NAWS)))  # fmt: skip
    t.c(options((DO, ECHO), (DO, SGA), (WONT, TTYPE), (WONT, NAWS)), 2)
    t.log_in("shift-b", "Zinc=Robin=3", "\r\nShift board ready\r\nboard> ", "Passcode: ")
    t.line("list", "b1 b2\r\nboard> ")
    t.end(ORIG)


@story("menus")
def token_and_stars(traffic: Traffic, n: int) -> None:
    """Every key of the secret comes back as a star; refused once, accepted then."""
    t = plain(traffic, n)
    t.s("\r\nUserID: ")
    t.line("vgate", "PASSCODE: ")
    t.line("Zinc=Robin=4", "Access denied\r\nUserID: ", echo="*")
    t.line("vgate", "PASSCODE: ")
    t.line("Zinc=Robin=5", "\r\ngate-1> ", echo="*")
    t.line("show doors", "4 closed\r\ngate-1> ")
    t.c(options((DONT, ECHO)))
    t.s(options((WONT, ECHO)))
    t.end(ORIG)
