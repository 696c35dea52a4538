"""`sensor doctor`: can this machine capture, and what mends it if not."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from sensor.base.escape import harmless
from sensor.capture.diagnose import checks as checkup
from sensor.capture.diagnose import facts as machine
from sensor.capture.diagnose.checks import OK, PROBLEM, WARNING, Check
from sensor.cli.options import (
    COLOR_OPTION,
    CONFIG_OPTION,
    NO_CONFIG_OPTION,
    effective_config,
    ring_option,
)
from sensor.cli.output import DONE, version_text
from sensor.config import Config
from sensor.decode.decoder import Decoder
from sensor.terminal.console import ConsoleOptions, rich_console

if TYPE_CHECKING:
    from rich.console import Console

CANNOT = 1
"""Exit code: something prevents capturing."""
LISTEN_S = 2.0
STYLES = {OK: "green", WARNING: "yellow", PROBLEM: "bold red"}
STATE_WIDTH, SUBJECT_WIDTH = 9, 13
INDENT = " " * (2 + STATE_WIDTH + SUBJECT_WIDTH)
ANY_INTERFACE = "eth0"
"""In commands, where no interface was named."""


@click.command()
@click.option("--interface", "-i", "names", metavar="IFACE", multiple=True,
              help="Look closely at this interface. Repeatable.")
@click.option("--listen", metavar="SECONDS", type=click.FloatRange(0, 3600),
              help="How long to look at what comes by; 0: not at all.  [default: 2]")
@ring_option("The size of the ring that live would be given.")
@NO_CONFIG_OPTION
@CONFIG_OPTION
@COLOR_OPTION
@click.pass_obj
def doctor(
    config: Config, /, names: tuple[str, ...], listen: float | None, ring_mib: int | None,
    color: str,
) -> int:  # fmt: skip
    """Tell whether this machine can capture, and the commands that mend what is missing.

    Exit code 0 if capturing works, 1 if a problem prevents it.

    \b
      sensor doctor
      sensor doctor -i eth1 --listen 10
    """
    config = effective_config(config, {"ring_mib": ring_mib})
    listen_s = LISTEN_S if listen is None else listen
    printer = Printer(rich_console(sys.stdout, ConsoleOptions(color)))
    program = program_words()
    version = version_text()
    printer.show([checkup.check_build(version, "(compiled" in version)])
    printer.show(checkup.check_machine(
        config.capture, (*names, ANY_INTERFACE)[0], program, os.path.realpath(sys.executable)
    ))  # fmt: skip
    if names:
        decoder = Decoder(config, join=False)
        for name in dict.fromkeys(names):
            printer.heading(name)
            printer.show(checkup.check_interface(name))
            if listen_s and machine.has_af_packet():
                printer.show(checkup.check_traffic(name, listen_s, program, decoder.decode))
    else:
        printer.heading("interfaces")
        printer.show(checkup.check_briefly(name) for name in machine.interfaces())
    return printer.close(program if not names else "")


def program_words() -> str:
    """The words by which the sensor was called, for use in a shell, wherever it will be used."""
    called = sys.argv[0]
    if os.path.basename(called) == "sensor":
        return shlex.quote(os.path.abspath(called))
    return f"{shlex.quote(sys.executable)} -m sensor"


class Printer:
    """Prints checks, aligned; with colours on a terminal."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._states: set[str] = set()

    def show(self, checks: Iterable[Check]) -> None:
        for check in checks:
            self._states.add(check.state)
            subject = harmless(check.subject)
            line = f"{subject:<{SUBJECT_WIDTH - 1}} {harmless(check.fact)}"
            self._line(f"  {check.state:<{STATE_WIDTH}}", line, STYLES[check.state])
            for remedy in check.remedies:
                self._line(INDENT, harmless(remedy.word), "", "dim")
                if remedy.command:
                    self._line(f"{INDENT}    ", harmless(remedy.command), "", "bold")

    def heading(self, name: str) -> None:
        self._line("", "")
        self._line("", harmless(name), "", "bold")

    def close(self, program: str) -> int:
        """The last line; returns the exit code."""
        self._line("", "")
        if program:
            self._line("", f"more about one of them: {harmless(program)} doctor -i INTERFACE")
        if PROBLEM in self._states:
            self._line("", "capturing does not work yet", "", STYLES[PROBLEM])
            return CANNOT
        verdict = "capturing works" + (", with warnings" if WARNING in self._states else "")
        self._line("", verdict, "", STYLES[OK])
        return DONE

    def _line(self, first: str, rest: str, style: str = "", rest_style: str = "") -> None:
        """One line of two parts, each in its style."""
        if self._console is None:
            click.echo(f"{first}{rest}".rstrip())
            return
        from rich.text import Text  # noqa: PLC0415  only a terminal pays for it

        text = Text()
        text.append(first, style)
        text.append(rest, rest_style)
        self._console.print(text, soft_wrap=True)
