"""Telnet sessions with routers, switches, Windows, Unix systems and small devices, by script.

Each function is one session; what is asked, refused and granted follows what such systems say.
"""

from __future__ import annotations

from dialogue import DO, ECHO, NAWS, NEW_ENVIRON, SGA, TTYPE, WILL, WONT, options, suboption
from telnet_talk import AUTHENTICATION, LINEMODE, Session, naws, story, terminal
from traffic import ORIG, RESP, Traffic

CISCO_GREETING = "\r\n\r\nUser Access Verification\r\n\r\n"
MORE = " --More-- "
WIPE = "\b\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\b\b"


# -- Cisco IOS


@story("cisco_ios")
def cisco_pager(traffic: Traffic, n: int) -> None:
    """Name, password, a listing of three pages, exit."""
    t = Session(traffic, n)
    t.cisco()
    t.s(CISCO_GREETING + "Username: ")
    t.log_in("hgrove", "Slate-Kettle-41", "\r\nrtr-aland>")
    t.line("show version", "Cisco IOS Software, Version 15.2(4)E7\r\nrtr-aland uptime is 9 days\r\n"
           + MORE)  # fmt: skip
    t.c(" ", 700)
    t.s(WIPE + "Motherboard revision number : B0\r\nConfiguration register is 0xF\r\n" + MORE)
    t.c("q", 900)
    t.s(WIPE + "\r\nrtr-aland>")
    t.line("show users", "    Line       User       Host(s)\r\n*  2 vty 0     hgrove     idle\r\n"
           "rtr-aland>")  # fmt: skip
    t.line("exit")
    t.end()


@story("cisco_ios")
def cisco_second_try(traffic: Traffic, n: int) -> None:
    """A wrong password, then the right one."""
    t = Session(traffic, n)
    t.cisco()
    t.s(CISCO_GREETING + "Username: ")
    t.log_in("hgrove", "Slate-Kettle-14", "% Login invalid\r\n\r\nUsername: ")
    t.log_in("hgrove", "Slate-Kettle-42", "\r\nrtr-aland#")
    t.line("write memory", "Building configuration...\r\n[OK]\r\nrtr-aland#")
    t.end(ORIG)


@story("cisco_ios")
def cisco_three_failures(traffic: Traffic, n: int) -> None:
    """Three names, three refusals, closed by the router."""
    t = Session(traffic, n)
    t.cisco()
    t.s(CISCO_GREETING + "Username: ")
    t.log_in("netops", "Birch-Anvil-01", "% Login invalid\r\n\r\nUsername: ")
    t.log_in("netadmin", "Birch-Anvil-02", "% Login invalid\r\n\r\nUsername: ")
    t.log_in("backup", "Birch-Anvil-03", "% Login invalid\r\n\r\n")
    t.end()


@story("cisco_ios")
def cisco_bad_passwords(traffic: Traffic, n: int) -> None:
    """A line password only: silently asked again twice, then refused."""
    t = Session(traffic, n)
    t.cisco()
    t.s(CISCO_GREETING + "Password: ")
    t.secret("Fennel-Dock-11", "Password: ")
    t.secret("Fennel-Dock-12", "Password: ")
    t.secret("Fennel-Dock-13", "% Bad passwords\r\n")
    t.end()


@story("cisco_ios")
def cisco_enable(traffic: Traffic, n: int) -> None:
    """A line password, then enable with the secret and a change of the configuration."""
    t = Session(traffic, n)
    t.cisco()
    t.s(CISCO_GREETING + "Password: ")
    t.secret("Fennel-Dock-20", "rtr-aland>")
    t.line("enable", "Password: ")
    t.secret("Quarry-Bell-77", "rtr-aland#")
    t.line("configure terminal", "Enter configuration commands, one per line.  End with CNTL/Z.\r\n"
           "rtr-aland(config)#")  # fmt: skip
    t.line("interface vlan 40", "rtr-aland(config-if)#")
    t.line("end", "rtr-aland#")
    t.line("logout")
    t.end()


@story("cisco_ios")
def cisco_enable_bad_secrets(traffic: Traffic, n: int) -> None:
    """Logged in, but the enable secret is wrong three times."""
    t = Session(traffic, n)
    t.cisco()
    t.s(CISCO_GREETING + "Username: ")
    t.log_in("hgrove", "Slate-Kettle-43", "\r\nrtr-aland>")
    t.line("en", "Password: ")
    t.secret("Quarry-Bell-01", "Password: ")
    t.secret("Quarry-Bell-02", "Password: ")
    t.secret("Quarry-Bell-03", "% Bad secrets\r\n\r\nrtr-aland>")
    t.line("show clock", "*03:09:11.402 UTC Fri Jan 2 2026\r\nrtr-aland>")
    t.line("exit")
    t.end()


@story("cisco_ios")
def cisco_enable_denied(traffic: Traffic, n: int) -> None:
    """Logged in; a server of accounts denies enable at once."""
    t = Session(traffic, n)
    t.cisco()
    t.s(CISCO_GREETING + "Username: ")
    t.log_in("jpike", "Copper-Moth-60", "\r\nrtr-aland>")
    t.line("enable", "Password: ")
    t.secret("Quarry-Bell-04", "% Access denied\r\n\r\nrtr-aland>")
    t.line("quit")
    t.end()


@story("cisco_ios")
def cisco_none_set(traffic: Traffic, n: int) -> None:
    """No password is set on the line: refused before anything is asked."""
    t = Session(traffic, n)
    t.cisco()
    t.s("\r\n\r\nPassword required, but none set\r\n")
    t.end()


@story("cisco_ios")
def cisco_authentication_failed(traffic: Traffic, n: int) -> None:
    """Refused in the words that newer releases use."""
    t = Session(traffic, n)
    t.cisco()
    t.s("*** Authorized staff of the Aland ring only ***\r\nUsername: ")
    t.log_in("jpike", "Copper-Moth-61", "\r\n% Authentication failed\r\n\r\nUsername: ")
    t.end(ORIG)


# -- Huawei VRP


def huawei(traffic: Traffic, n: int) -> Session:
    """A switch that offers echo and asks for the terminal."""
    t = Session(traffic, n)
    t.s(options((WILL, ECHO), (WILL, SGA), (DO, TTYPE)))
    t.c(options((DO, ECHO), (DO, SGA), (WILL, TTYPE)), 2)
    t.s(suboption(TTYPE, b"\x01"), 2)
    t.c(terminal("VT100"), 2)
    t.s("\r\nWarning: Telnet is not a secure protocol, and it is recommended to use Stelnet.\r\n"
        "\r\nLogin authentication\r\n\r\n\r\nUsername:")  # fmt: skip
    return t


VRP_INFO = ("Info: The max number of VTY users is 5, and the number\r\n"
            "      of current VTY users on line is 1.\r\n"
            "      The current login time is 2026-01-02 03:05:10+00:00.\r\n"
            "<sw-kestrel>")  # fmt: skip


@story("huawei_vrp")
def huawei_success(traffic: Traffic, n: int) -> None:
    """Login, system view, a pager, back and out."""
    t = huawei(traffic, n)
    t.log_in("ringops", "Tundra*Lamp5", VRP_INFO, "Password:")
    t.line("display version", "Huawei Versatile Routing Platform Software\r\nVRP (R) software, "
           "Version 5.170\r\n  ---- More ----")  # fmt: skip
    t.c(" ", 800)
    t.s("\x1b[16D                \x1b[16Dsw-kestrel uptime is 31 weeks\r\n<sw-kestrel>")
    t.line("system-view", "Enter system view, return user view with Ctrl+Z.\r\n[sw-kestrel]")
    t.line("sysname sw-merlin", "[sw-merlin]")
    t.line("quit", "<sw-merlin>")
    t.line("quit", "Info: The connection was closed by the remote host.\r\n")
    t.end()


@story("huawei_vrp")
def huawei_failures(traffic: Traffic, n: int) -> None:
    """Two refusals, then the switch gives up."""
    t = huawei(traffic, n)
    error = "Error: Username or password error.\r\n"
    t.log_in("ringops", "Tundra*Lamp6", error + "\r\nUsername:", "Password:")
    t.log_in("ringops", "Tundra*Lamp7", "Error: Failed to log in.\r\n", "Password:")
    t.end()


@story("huawei_vrp")
def huawei_initial_password(traffic: Traffic, n: int) -> None:
    """Logged in with the password of the factory; the offer to change it is declined."""
    t = huawei(traffic, n)
    t.log_in("admin", "Paddle@Wren9", "Warning: The initial password poses security risks.\r\n"
             "The password needs to be changed. Change now? [Y/N]:", "Password:")  # fmt: skip
    t.line("n", VRP_INFO)
    t.line("display clock", "2026-01-02 03:06:00\r\nFriday\r\n<sw-kestrel>")
    t.end(ORIG)


# -- Juniper and Arista


JUNOS_NEGOTIATION = options((DO, AUTHENTICATION), (DO, TTYPE), (DO, 32), (DO, 35), (DO, 39))


def junos(traffic: Traffic, n: int) -> Session:
    """A router with a server of the BSD family."""
    t = Session(traffic, n)
    t.s(JUNOS_NEGOTIATION)
    t.c(options((WONT, AUTHENTICATION), (WILL, TTYPE), (WONT, 32), (WONT, 35), (WONT, 39)), 2)
    t.s(suboption(TTYPE, b"\x01"), 2)
    t.c(terminal("xterm"), 2)
    t.s(options((WILL, SGA), (WILL, ECHO), (DO, NAWS)), 2)
    t.c(options((DO, SGA), (DO, ECHO), (WILL, NAWS)) + naws(132, 43), 2)
    t.s("\r\nedge-3 (ttyp0)\r\n\r\nlogin: ")
    return t


@story("juniper_arista")
def junos_success(traffic: Traffic, n: int) -> None:
    """Login as an operator, configuration mode, a pager, exit."""
    t = junos(traffic, n)
    t.log_in("lfinch", "Harbor.Quill.8", "\r\n--- JUNOS 21.4R3.15 built 2023-03-18 05:17:59 UTC\r\n"
             "lfinch@edge-3> ", "Password:")  # fmt: skip
    t.line("show interfaces terse", "Interface  Admin Link\r\nge-0/0/0   up\r\n---(more 12%)---")
    t.c("q", 700)
    t.s("\r                                        \r\r\nlfinch@edge-3> ")
    t.line("configure", "Entering configuration mode\r\n\r\n[edit]\r\nlfinch@edge-3# ")
    t.line("exit", "Exiting configuration mode\r\n\r\nlfinch@edge-3> ")
    t.line("exit", "\r\n")
    t.end()


@story("juniper_arista")
def junos_root(traffic: Traffic, n: int) -> None:
    """A refusal, then root, who lands in a shell."""
    t = junos(traffic, n)
    t.log_in("root", "Harbor.Quill.1", "Login incorrect\r\nlogin: ", "Password:")
    t.log_in("root", "Harbor.Quill.2", "\r\n--- JUNOS 21.4R3.15 built 2023-03-18 05:17:59 UTC\r\n"
             "root@edge-3:~ % ", "Password:")  # fmt: skip
    t.line("cli", "root@edge-3> ")
    t.end(ORIG)


@story("juniper_arista")
def arista_success(traffic: Traffic, n: int) -> None:
    """Login, then enable, for which no secret is set."""
    t = Session(traffic, n)
    t.linux()
    t.s("\r\nUsername: ")
    t.log_in("spine-ops", "Velvet~Oar~3", "Last login: Thu Jan  1 22:10:01 on vty3\r\nleaf-12>")
    t.line("enable", "leaf-12#")
    t.line("show lldp neighbors", "Last table change time : 2:11:50 ago\r\nPort   Neighbor\r\n"
           "leaf-12#")  # fmt: skip
    t.line("exit")
    t.end()


@story("juniper_arista")
def arista_failure(traffic: Traffic, n: int) -> None:
    """A refusal, then the operator gives up."""
    t = Session(traffic, n)
    t.linux()
    t.s("\r\nUsername: ")
    t.log_in("spine-ops", "Velvet~Oar~4", "% Login incorrect\r\nUsername: ")
    t.end(ORIG)


# -- MikroTik


@story("mikrotik")
def mikrotik_options(traffic: Traffic, n: int) -> None:
    """The name ends in options for the console; they are no part of it."""
    t = Session(traffic, n)
    t.s(options((WILL, ECHO), (WILL, SGA), (DO, TTYPE), (DO, NAWS)))
    t.c(options((DO, ECHO), (DO, SGA), (WONT, TTYPE), (WILL, NAWS)) + naws(200, 60), 2)
    t.s("\r\nMikroTik v6.49.10 (long-term)\r\r\nLogin: ")
    t.log_in("fieldbot+ct", "Ember_Tarn_90", "\r\r\n  MikroTik RouterOS 6.49.10 (c) 1999-2023\r\r\n"
             "\r\r\n[\x1b[m\x1b[32mfieldbot\x1b[m@\x1b[m\x1b[31mhut-7\x1b[m] > ")  # fmt: skip
    t.line("/system identity print", "  name: hut-7\r\r\n[fieldbot@hut-7] > ")
    t.line("/quit", "interrupted\r\r\n")
    t.end()


@story("mikrotik")
def mikrotik_failure(traffic: Traffic, n: int) -> None:
    """Refused twice."""
    t = Session(traffic, n)
    t.cisco("linux")
    t.s("\r\nMikroTik v6.49.10 (long-term)\r\nLogin: ")
    for password in ("Ember_Tarn_91", "Ember_Tarn_92"):
        t.log_in("fieldbot", password,
                 "\r\nLogin failed, incorrect username or password\r\n\r\nLogin: ")  # fmt: skip
    t.end(ORIG)


@story("mikrotik")
def mikrotik_default(traffic: Traffic, n: int) -> None:
    """The account of the factory, without a password."""
    t = Session(traffic, n)
    t.cisco("linux")
    t.s("\r\nMikroTik v6.49.10 (long-term)\r\nLogin: ")
    t.log_in("admin", "", "\r\n  MikroTik RouterOS 6.49.10 (c) 1999-2023\r\n\r\n"
             "[admin@MikroTik] > ")  # fmt: skip
    t.line("/ip service print", "Flags: X - disabled, I - invalid\r\n 0 telnet 23\r\n"
           "[admin@MikroTik] > ")  # fmt: skip
    t.end(ORIG)


# -- VxWorks and Enterasys


@story("vxworks_enterasys")
def vxworks_success(traffic: Traffic, n: int) -> None:
    """A controller of a machine: login and the arrow of its shell."""
    t = Session(traffic, n)
    t.s(options((WILL, ECHO), (WILL, SGA), (DO, SGA)))
    t.c(options((DO, ECHO), (DO, SGA), (WILL, SGA)), 2)
    t.s("\r\nVxWorks login: ")
    t.log_in("target", "Pewter/Fox/22", "\r\n-> ")
    t.line("version", "VxWorks (for Press Controller) version 6.9.4.\r\nvalue = 0 = 0x0\r\n-> ")
    t.line("i", "  NAME        ENTRY       TID\r\n tShell0    shellTask   2c41f0\r\n-> ")
    t.line("logout")
    t.end()


@story("vxworks_enterasys")
def vxworks_failure(traffic: Traffic, n: int) -> None:
    """A refusal, then nothing more."""
    t = Session(traffic, n)
    t.s(options((WILL, ECHO), (WILL, SGA)))
    t.c(options((DO, ECHO), (DO, SGA)), 2)
    t.s("\r\nVxWorks login: ")
    t.log_in("target", "Pewter/Fox/23", "Login incorrect\r\n\r\nVxWorks login: ")
    t.end(ORIG)


@story("vxworks_enterasys")
def enterasys_success(traffic: Traffic, n: int) -> None:
    """A switch that greets with a box of text and names the privilege in its prompt."""
    t = Session(traffic, n)
    t.cisco("xterm-color")
    t.s("\r\n\r\nUsername: ")
    t.log_in("rw-desk", "Olive+Crane+7", "\r\n\r\n       Enterasys N-Series\r\n"
             "       Command Line Interface\r\n\r\n   Chassis Serial Number: 0000-9-44\r\n\r\n"
             "floor2(su)->")  # fmt: skip
    t.line("show port status", "Port  Alias  Status\r\nge.1.1       Up\r\nfloor2(su)->")
    t.line("exit")
    t.end()


@story("vxworks_enterasys")
def enterasys_failure(traffic: Traffic, n: int) -> None:
    """Refused by nothing but being asked again."""
    t = Session(traffic, n)
    t.cisco("xterm-color")
    t.s("\r\n\r\nUsername: ")
    t.log_in("rw-desk", "Olive+Crane+8", "\r\nUsername: ")
    t.log_in("ro-desk", "Olive+Crane+9", "\r\nUsername: ")
    t.end(ORIG)


# -- Solaris and BSD


SOLARIS = options((DO, TTYPE), (DO, NAWS), (DO, 35), (DO, NEW_ENVIRON), (DO, 36))


def solaris(traffic: Traffic, n: int, environment: bytes = b"") -> Session:
    """A server of Solaris; with `environment` the client sends that suboption."""
    t = Session(traffic, n)
    t.s(SOLARIS)
    t.c(options((WILL, TTYPE), (WILL, NAWS), (WONT, 35), (WILL, NEW_ENVIRON), (WONT, 36))
        + naws(80, 25), 2)  # fmt: skip
    t.s(suboption(NEW_ENVIRON, b"\x01") + suboption(TTYPE, b"\x01"), 2)
    t.c((environment or suboption(NEW_ENVIRON, b"\0")) + terminal("sun-cmd"), 2)
    t.s(options((WILL, ECHO), (WILL, SGA), (DO, ECHO)), 2)
    t.c(options((DO, ECHO), (DO, SGA), (WONT, ECHO)), 2)
    return t


@story("solaris_bsd")
def solaris_success(traffic: Traffic, n: int) -> None:
    """A refusal, then a login; Enter is a bare carriage return."""
    t = solaris(traffic, n)
    t.s("\r\n\r\nSunOS 5.9\r\n\r\nlogin: ")
    t.log_in("obrandt", "Gravel!Lark!1", "Login incorrect\r\nlogin: ")
    t.line("obrandt", "Password: ", end=b"\r")
    t.keys("Gravel!Lark!2", "none")
    t.c(b"\r")
    t.s("\r\nLast login: Wed Dec 31 10:02:11 from desk-4\r\n"
        "Sun Microsystems Inc.   SunOS 5.9       Generic May 2002\r\n$ ")  # fmt: skip
    t.line("uname -a", "SunOS vault 5.9 Generic_118558-34 sun4u sparc\r\n$ ", end=b"\r")
    t.line("exit", end=b"\r")
    t.end()


@story("solaris_bsd")
def bsd_success(traffic: Traffic, n: int) -> None:
    """A success whose only remark is a warning."""
    t = junos(traffic, n)
    t.log_in("wtoft", "Saffron^Gull4", "Warning: no Kerberos tickets issued.\r\nnidhogg% ",
             "Password:")  # fmt: skip
    t.line("who", "wtoft   ttyp0   Jan  2 03:04\r\nnidhogg% ")
    t.line("logout")
    t.end()


@story("solaris_bsd")
def bsd_account_sent(traffic: Traffic, n: int) -> None:
    """The client sends the account in ENVIRON with the codes that BSD swapped; only a password is
    asked for."""
    t = Session(traffic, n)
    t.linux_with(suboption(36, b"\0\x01USER\0wtoft"), 36)
    t.s("\r\nFreeBSD (nidhogg) (ttyp1)\r\n\r\nPassword:")
    t.secret("Saffron^Gull5", "Warning: no Kerberos tickets issued.\r\nnidhogg% ")
    t.line("date", "Fri Jan  2 03:04:59 UTC 2026\r\nnidhogg% ")
    t.end(ORIG)


@story("solaris_bsd")
def bsd_line_mode(traffic: Traffic, n: int) -> None:
    """LINEMODE with EDIT: the client edits, the server turns its echo on for the password only."""
    t = Session(traffic, n)
    t.s(options((DO, LINEMODE), (DO, TTYPE)))
    t.c(options((WILL, LINEMODE), (WILL, TTYPE)), 2)
    t.s(suboption(LINEMODE, b"\x01\x01") + suboption(TTYPE, b"\x01"), 2)
    t.c(suboption(LINEMODE, b"\x01\x05") + terminal("vt220"), 2)
    t.s("\r\nlogin: ")
    t.whole("wtoft", b"\xff\xfb\x01Password:")
    t.c(options((DO, ECHO)), 1)
    t.whole("Saffron^Gull6", b"\xff\xfc\x01\r\nLogin incorrect\r\nlogin: ")
    t.c(options((254, ECHO)), 1)
    t.whole("wtoft", b"\xff\xfb\x01Password:")
    t.c(options((DO, ECHO)), 1)
    t.whole("Saffron^Gull7", b"\xff\xfc\x01\r\nLast login: Thu Jan  1 08:00:00\r\nnidhogg% ")
    t.c(options((254, ECHO)), 1)
    t.whole("ls -l /var/mail", "total 0\r\nnidhogg% ")
    t.whole("logout")
    t.end(RESP)
