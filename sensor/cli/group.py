"""Groups of commands that are imported when they are asked for."""

from __future__ import annotations

from importlib import import_module

import click


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for: `--version` must not wait."""

    def __init__(self, lazy: dict[str, str], **options: object) -> None:
        """`lazy` names the commands: `module:attribute` by name."""
        super().__init__(**options)  # type: ignore[arg-type]
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command
