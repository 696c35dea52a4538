"""What may be told of passwords: hashes that only one key makes, and texts with them masked."""

from __future__ import annotations

import time

import pytest

from sensor.protocols.secrets import KNOWN_MAX, Known, Secrets, masked

KEY, OTHER = b"sixteen octets..", b"and another key!"


def test_hashes() -> None:
    secrets = Secrets(KEY)
    assert secrets.hash_of("one") == Secrets(KEY).hash_of("one")
    assert secrets.hash_of("one") != secrets.hash_of("two")
    assert secrets.hash_of("one") != Secrets(OTHER).hash_of("one")
    assert len(secrets.hash_of("")) == 32
    assert secrets.hash_of("\ud800") != secrets.hash_of("\ud801")


def test_without_a_key_only_one_run_can_compare() -> None:
    one, two = Secrets(), Secrets()
    assert one.hash_of("x") == one.hash_of("x")
    assert one.hash_of("x") != two.hash_of("x")


def test_nothing_is_revealed_unasked() -> None:
    assert not Secrets(KEY).reveal
    assert Secrets(KEY, reveal=True).reveal


@pytest.mark.parametrize("text", [
    "ssh ann:Hidden1@box", "ssh -p 22 -v ann:Hidden1@192.0.2.9 ls", "sftp ann:Hidden1@[2001::1]",
    "/usr/bin/scp f ann:Hidden1@box:/tmp/f", "rsync -a x ann:x@Hidden1@box:", "ftp ann:Hidden1@box",
    "mysql -u root -pHidden1 shop", "mysqldump -pHidden1", "mariadb --user=a -pHidden1",
    "sshpass -p Hidden1 ssh a@b", "sshpass -pHidden1 ssh a@b", "curl -u ann:Hidden1 http://a/",
    "wget --user=ann --password=Hidden1 http://a/", "curl --user ann:Hidden1 http://a/",
    "wget http://ann:Hidden1@192.0.2.9/x", "ftp://ann:Hidden1@h/", "export DB_PASSWORD=Hidden1",
    "PASSWORD=Hidden1 ./run", "enable secret Hidden1", "enable secret 0 Hidden1",
    "enable password 7 Hidden1", "username ann password 0 Hidden1", "username ann secret Hidden1",
    "snmp-server community Hidden1 RO", "set psk=Hidden1", "echo Hidden1 | sudo -S ls",
    "echo 'Hidden1' | passwd --stdin ann", "echo root:Hidden1 | chpasswd",
    "echo \"root:Hidden1\" | chpasswd", "login --passwd Hidden1", "pass: Hidden1",
    "export PASS='Hidden1 Hidden1'", "x --password \"Hidden1 Hidden1\"", '{"password": "Hidden1"}',
    "curl http://a/?user=b&password=Hidden1", "local-user a password cipher Hidden1",
    "/user set ann password=Hidden1", "enable secret level 15 0 Hidden1", "PASSWORD=a;Hidden1 b",
])
def test_passwords_in_commands(text: str) -> None:
    assert "Hidden1" not in masked(text)
    assert "***" in masked(text)


@pytest.mark.parametrize("text", [
    "ls -l", "show version", "mysql -u root -P 3306", "curl http://a/b:c", "echo hello | grep h",
    "ssh ann@box", "scp box:/srv/ann@box.txt .", "ssh -L 80:box:80 ann@box", "git push a:b c@d",
    "compass north", "cat passwords.txt", "bypass valve", "passwd ann", "pwd && ls",
    "cat /etc/passwd x", "Enter password to go on", "Password required, but none set", "",
])
def test_the_rest_stays(text: str) -> None:
    assert masked(text) == text


def test_known_ones_are_masked_wherever_they_stand() -> None:
    known = Known()
    for secret in ("Hidden1", "", "no", "Hidden12"):
        known.learn(secret)
    assert known.masked("echo Hidden1xx Hidden1 Hidden12 no") == "echo ***xx *** *** no"
    assert known.masked("su -p Hidden-2; sshpass -p Hidden-2") == "su -p Hidden-2; sshpass -p ***"


def test_the_last_ones_are_known() -> None:
    known = Known()
    for number in range(1000, 1000 + KNOWN_MAX + 1):
        known.learn(f"Hidden{number}")
    assert known.masked(f"Hidden1000 Hidden1001 Hidden{1000 + KNOWN_MAX}") == "Hidden1000 *** ***"


@pytest.mark.parametrize("text", [
    "ssh " * 25_000, "ssh a:" * 17_000, "ssh " + "a:b" * 33_000, "ssh" + " a:bb" * 20_000 + "@",
    "x" * 100_000, "mysql " * 17_000, "a://" * 25_000, "password" * 12_500, "pass " * 20_000,
    "echo " * 20_000, "curl -u " * 12_500, "a-" * 50_000, "password" + " " * 100_000,
    "echo x" + " " * 100_000, "password=" * 11_000, "-p" * 50_000, "mysql -" * 14_000,
    ("x" * 64 + " ") * 1500, "--password " * 9_000, "echo a:" * 14_000, "://:" * 25_000,
    "http://" + "a" * 100_000, "auth-key" * 12_500, "mysql -p" * 12_000,
])
def test_hostile_texts_are_masked_in_little_time(text: str) -> None:
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 1
