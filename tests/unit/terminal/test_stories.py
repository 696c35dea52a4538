"""One story a connection: the same lines on every terminal, as wide as it is."""

from __future__ import annotations

import io

import pytest

from sensor.terminal.console import ConsoleOptions
from sensor.terminal.stories import StoriesText, StoryText, rules_text, stories_plain, stories_rich
from sensor.terminal.summary import render_summary
from sensor.terminal.talkers import Talkers
from tests.telnet_alert import TIME_NS
from tests.unit.terminal.run import ledger_of

STORY = StoryText(
    severity="critical",
    connection="203.0.113.66:52002 -> 192.168.3.31:23  tcp accepted (responder_data) inbound"
               "  1:JdNV9PQtIY0pA8M4dgnpE0LCncM=",
    time_ns=TIME_NS,
    facts=("4 commands", "1.9 kB in 2.98 s"),
    said=("login root: success (shell_prompt: #) default password",),
    rules=(("critical", "Telnet Login with Default Credentials"),
           ("high", "Successful Telnet Login From Outside")),
    around=("until then the same source had tried 16 hosts: 11 refused, 4 unanswered",
            "afterwards the server opened 198.51.100.77:80, 185.199.111.153:23"),
)  # fmt: skip
STORIES = StoriesText((STORY,), "and 3 more; --alerts FILE has all")

AT_60 = """\
Connections that alerted, the worst first
  CRITICAL  203.0.113.66:52002 -> 192.168.3.31:23  tcp
        accepted (responder_data) inbound
        1:JdNV9PQtIY0pA8M4dgnpE0LCncM=
      2026-01-02 03:04:05.678901, 4 commands,
        1.9 kB in 2.98 s
      login root: success (shell_prompt: #) default password
      Telnet Login with Default Credentials; high:
        Successful Telnet Login From Outside
      until then the same source had tried 16 hosts: 11
        refused, 4 unanswered
      afterwards the server opened 198.51.100.77:80,
        185.199.111.153:23
  and 3 more; --alerts FILE has all
"""
AT_80 = """\
Connections that alerted, the worst first
  CRITICAL  203.0.113.66:52002 -> 192.168.3.31:23  tcp accepted (responder_data)
        inbound  1:JdNV9PQtIY0pA8M4dgnpE0LCncM=
      2026-01-02 03:04:05.678901, 4 commands, 1.9 kB in 2.98 s
      login root: success (shell_prompt: #) default password
      Telnet Login with Default Credentials; high: Successful Telnet Login From
        Outside
      until then the same source had tried 16 hosts: 11 refused, 4 unanswered
      afterwards the server opened 198.51.100.77:80, 185.199.111.153:23
  and 3 more; --alerts FILE has all
"""
AT_120 = """\
Connections that alerted, the worst first
  CRITICAL  203.0.113.66:52002 -> 192.168.3.31:23  tcp accepted (responder_data) inbound  1:JdNV9PQtIY0pA8M4dgnpE0LCncM=
      2026-01-02 03:04:05.678901, 4 commands, 1.9 kB in 2.98 s
      login root: success (shell_prompt: #) default password
      Telnet Login with Default Credentials; high: Successful Telnet Login From Outside
      until then the same source had tried 16 hosts: 11 refused, 4 unanswered
      afterwards the server opened 198.51.100.77:80, 185.199.111.153:23
  and 3 more; --alerts FILE has all
"""  # noqa: E501  as wide as the terminal


@pytest.mark.parametrize(("width", "shown"), [
    (60, AT_60), (80, AT_80), (120, AT_120), (200, AT_120)])
def test_lines_fit_the_terminal_and_no_word_is_cut(width: int, shown: str) -> None:
    plain = "\n".join(stories_plain(STORIES, width, local=False)) + "\n"
    rich = "\n".join(text.plain for text in stories_rich(STORIES, width, local=False)) + "\n"
    assert plain == rich == shown


def test_only_the_severity_has_a_colour() -> None:
    _, head, *_ = stories_rich(STORIES, 120, local=False)
    (span,) = head.spans
    assert (head.plain[span.start:span.end], span.style) == ("CRITICAL", "bold white on red")


def test_rules_name_their_severity_where_it_is_not_that_of_the_story() -> None:
    assert rules_text(STORY) == ("Telnet Login with Default Credentials; "
                                 "high: Successful Telnet Login From Outside")
    assert rules_text(StoryText("low", "", 0, (), (), (("low", "A"), ("low", "B")))) == "A, B"


def test_names_of_rules_are_harmless() -> None:
    assert rules_text(StoryText("low", "", 0, (), (), (("low", "A\x1b[2J"),))) == r"A\x1b[2J"


def test_a_word_wider_than_the_terminal_stays_whole() -> None:
    long = "x" * 200
    lines = stories_plain(StoriesText((StoryText("low", "a -> b", 0, (), (long,), ()),)), 60,
                          local=False)  # fmt: skip
    assert any(line.strip() == long for line in lines)


@pytest.mark.parametrize("color", ["never", "always"])
def test_the_summary_ends_with_them_and_says_nothing_without(color: str) -> None:
    for stories, title_count in ((STORIES, 1), (StoriesText(), 0)):
        stream = io.StringIO()
        render_summary(ledger_of(), Talkers(), ConsoleOptions(color, width=120), stream,
                       stories=stories)  # fmt: skip
        text = stream.getvalue()
        assert text.count("Connections that alerted") == title_count
        assert ("and 3 more" in text.splitlines()[-1]) is bool(title_count)
