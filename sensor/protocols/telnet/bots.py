"""What gives bots away: pairs that devices are shipped with, and the words that Mirai's kin type.

The pairs are the public list of Mirai's scanner.
"""

from __future__ import annotations

import re

from sensor.model.protocol_values import FETCHERS

_ROOT = ("xc3511 vizxv admin 888888 xmhdipc default juantech 123456 54321  root 12345 pass 1111"
         " 666666 password 1234 klv123 Zte521 hi3518 jvbzd anko zlxx. 7ujMko0vizxv 7ujMko0admin"
         " system ikwb dreambox user realtek 00000000 klv1234")  # fmt: skip
_ADMIN = ("admin  password smcadmin 1111 1111111 1234 12345 54321 123456 7ujMko0admin pass meinsm"
          " admin1234")  # fmt: skip
_OTHERS = ("support/support user/user guest/guest guest/12345 administrator/1234"
           " Administrator/admin 666666/666666 888888/888888 ubnt/ubnt service/service"
           " supervisor/supervisor tech/tech admin1/password mother/fucker")  # fmt: skip
DEFAULT_PAIRS = frozenset(
    [("root", password) for password in _ROOT.split(" ")]
    + [("admin", password) for password in _ADMIN.split(" ")]
    + [(user, password) for user, _, password in (pair.partition("/") for pair in _OTHERS.split())]
)
"""Accounts and passwords that devices come with."""

MIRAI_WINDOW = b"\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0"
"""How Mirai answers a question for the window: 80 by 24, in one piece."""
_WORDS = ("enable", "system", "shell", "sh")
_TOKEN = re.compile(r"/bin/busybox [A-Z]{4,8}\b")
_DROPPER = re.compile(
    r"\bwget\s+\S*http|\bcurl\s+.*http|\btftp\s+(?:-g|-l|-r|\S+ -c get)|\bftpget\b"
    r"|\becho\s+-n?e\s+[\"']?\\x|\bprintf\s+[\"']?\\x|/proc/mounts|\bchmod\s+[0-7]*777\b"
    r"|\bnc\s.*\|\s*sh\b")  # fmt: skip
_URL = re.compile(r"\b((?:https?|ftp|tftp)://[^\s\"';|&<>]+)", re.I)
_ADDRESS = re.compile(r"((?:\d{1,3}\.){3}\d{1,3})(?:[:/]\S*)?")
_WORDS_MAX = 12
"""Words behind a command in which its host is looked for."""
_HOST = re.compile(r"://(?:[^/@\s]*@)?(\[[^\]]+\]|[^/:\s]+)")


class MiraiSigns:
    """Whether what is typed in one session is a bot's of Mirai's kin."""

    def __init__(self) -> None:
        self._words = 0
        self._has_token = False
        self._signs: set[str] = set()

    def sign(self, name: str) -> None:
        """Note what speaks for it."""
        self._signs.add(name)

    def line(self, text: str) -> None:
        """Take a line that was typed."""
        if self._words < len(_WORDS) and text.strip() == _WORDS[self._words]:
            self._words += 1
            if self._words == len(_WORDS):
                self.sign("words")
        if _TOKEN.search(text):
            self._has_token = True
        if _DROPPER.search(text):
            self.sign("dropper")

    @property
    def is_mirai_like(self) -> bool:
        """True with busybox's token and two other signs."""
        return self._has_token and len(self._signs) >= 2


def transfer(command: str) -> dict[str, str]:
    """What a command fetches: `method`, `host` and, if there is one, `url`."""
    if "://" not in command and not any(name in command for name in FETCHERS):
        return {}
    words = re.split(r"[\s;|&<>]+", command)
    methods = [word.rpartition("/")[2] for word in words]
    at = next((at for at, word in enumerate(methods) if word in FETCHERS), None)
    if url := _URL.search(command):
        host = _HOST.search(url[1])
        return ({"method": methods[at] if at is not None else "url", "url": url[1]}
                | ({"host": host[1].strip("[]")} if host else {}))
    if at is not None:
        for word in words[at + 1 : at + _WORDS_MAX]:
            if address := _ADDRESS.fullmatch(word):
                return {"method": methods[at], "host": address[1]}
    return {}
