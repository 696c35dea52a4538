"""Groups of commands that are imported when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module

import click

from sensor.base.escape import harmless
from sensor.cli.completion import typed_for_shells

ENVIRONMENT_PREFIX = "SENSOR_"


def word_of(option: click.Option) -> str:
    """An option as a settings file writes it, and the environment in capitals."""
    return max(option.opts, key=len).lstrip("-").replace("-", "_")


def variable_of(option: click.Option) -> str:
    """The environment variable of an option."""
    return ENVIRONMENT_PREFIX + word_of(option).upper()


def first_sentence(text: str) -> str:
    """The first sentence of a help text, whole."""
    paragraph = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    return paragraph.partition(". ")[0].rstrip(".") + "."


class OwnOption(click.Option):
    """An option that is called as one of the commands whose options files set, and means something
    else: neither a file nor a variable sets it.
    """


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for: `--version` must not wait."""

    def __init__(self, lazy: dict[str, str], *, file_command: str = "", **options: object) -> None:
        """`lazy` names the commands: `module:attribute` by name; `file_command` is the one that is
        meant where a file stands in the place of a command.
        """
        super().__init__(**options)  # type: ignore[arg-type]
        self._lazy = lazy
        self._file_command = file_command

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        for param in command.params:
            typed_for_shells(param)
            if isinstance(param, click.Option) and not isinstance(param, OwnOption):
                param.envvar = variable_of(param)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                rows.append((name, command.short_help or first_sentence(command.help or "")))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self._lazy and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(self._no_command(ctx, name), ctx)
        return super().resolve_command(ctx, args)

    def _no_command(self, ctx: click.Context, name: str) -> str:
        """What is said of a word that stands where a command is wanted."""
        shown = harmless(name)
        if self._file_command and (os.path.exists(name) or os.path.splitext(name)[1]):
            return (f"'{shown}' is a file, and a command is wanted in front of it: "
                    f"{ctx.command_path} {self._file_command} {shown}")
        nearest = [path for path, _ in self.commands_below(ctx) if path.split()[-1] == name] or (
            get_close_matches(name, self._lazy, n=1))
        hint = f"did you mean '{nearest[0]}'?" if nearest else "there are"
        names = "" if nearest else f": {', '.join(sorted(self._lazy))}"
        return f"no command '{shown}'; {hint}{names}"

    def commands_below(self, ctx: click.Context) -> Iterator[tuple[str, click.Command]]:
        """All commands with their names, those of groups in this one too."""
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if isinstance(command, LazyGroup):
                yield from ((f"{name} {below}", each) for below, each in
                            command.commands_below(ctx))
            elif command is not None:
                yield name, command
