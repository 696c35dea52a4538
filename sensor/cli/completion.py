"""`sensor completion SHELL`, and the values that shells complete: files, interfaces, rule ids."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import click
from click.shell_completion import CompletionItem, get_completion_class
from click.types import StringParamType

PROGRAM, VARIABLE = "sensor", "_SENSOR_COMPLETE"
"""The command, and the variable by which its script asks it."""


class FileText(StringParamType):
    """Text that names a file."""

    kind = "file"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type=self.kind)]


class FolderText(FileText):
    """Text that names a folder."""

    kind = "dir"


class InterfaceText(StringParamType):
    """Text that names an interface of this machine."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return _items((name for _, name in socket.if_nameindex()), incomplete)


class RuleText(StringParamType):
    """Text that names a rule: by the stem of its file."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from sensor.app.build import shipped_rules  # noqa: PLC0415  slow to import

        given = ctx.params.get("rules") or ctx.params.get("paths") or ()
        paths = [Path(path) for path in given] or [Path(shipped_rules())]
        stems = {file.stem for path in paths
                 for file in ([path] if path.is_file() else path.rglob("*.toml"))}
        return _items(sorted(stems), incomplete)


TYPES: dict[str, StringParamType] = {
    "FILE": FileText(), "PATH": FileText(), "DIR": FolderText(), "IFACE": InterfaceText(),
    "ID": RuleText(), "[SOCKET]": FileText(),
}  # fmt: skip
"""What is completed where a value of this name is wanted."""


def typed_for_shells(param: click.Parameter) -> None:
    """Let the value of an option or argument be completed by what its name says."""
    name = (param.metavar or "").removesuffix("...").strip("[]")
    wanted = TYPES.get(name) or TYPES.get(param.metavar or "")
    if wanted is not None and type(param.type) is StringParamType:
        param.type = wanted


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, /, shell: str) -> None:
    """Print the script by which a shell completes commands, options, files, interfaces, rule ids.

    SHELL is bash, zsh or fish. Where the script belongs:

    \b
      sensor completion bash > ~/.local/share/bash-completion/completions/sensor
      sensor completion zsh > ~/.zfunc/_sensor
      sensor completion fish > ~/.config/fish/completions/sensor.fish

    For zsh ~/.zfunc has to be in fpath before compinit runs.
    """
    script = get_completion_class(shell)
    assert script is not None
    root = cast(click.Group, context.find_root().command)
    click.echo(script(root, {}, PROGRAM, VARIABLE).source())
