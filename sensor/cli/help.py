"""Help as people read it: options by what they are about, nothing cut."""

from __future__ import annotations

import click

WIDTH_MAX = 120
"""Help is as wide as the terminal, and not wider than the eye likes."""
OTHERS = "Options"
SECTIONS: dict[str, frozenset[str]] = {
    "Input": frozenset({
        "--read", "--events", "--from", "--to", "--bpf", "--follow", "--jobs", "--ray", "--resume",
        "--interface", "--wait-for-interface", "--promiscuous", "--backend", "--host",
        "--timestamps", "--sliced", "--duplicates", "--user",
    }),
    "Rules": frozenset({
        "--rules", "--strict-rules", "--exceptions", "--allow", "--indicators", "--state",
        "--building-blocks", "--strict-external", "--internal", "--accept-on", "--key-vlan",
        "--key-tenant", "--explain", "--explain-flow", "--flow", "--rule",
    }),
    "Output": frozenset({
        "--json", "--alerts", "--flows", "--flow-events", "--protocol-events", "--syslog",
        "--syslog-format", "--syslog-time", "--journald", "--elasticsearch", "--kafka", "--spool",
        "--metrics", "--stats", "--stats-interval", "--hash-key-file", "--reveal-secrets",
        "--fail-on-alert", "--evidence", "--evidence-mask", "--output", "--case", "--examiner",
    }),
    "Limits": frozenset({"--config", "--no-config", "--ring-mib", "--workers", "--duration"}),
    "Look": frozenset({"--local-time", "--time-zone", "--color", "--quiet", "--verbose", "--help"}),
}  # fmt: skip
"""The sections of help in their order, and the options in each."""


def section_of(param: click.Parameter) -> str:
    """The section that an option stands in."""
    names = {*param.opts, *param.secondary_opts}
    return next((name for name, options in SECTIONS.items() if names & options), OTHERS)


class GroupedCommand(click.Command):
    """A command with many options: its help has them by section."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption:
            raise
        except click.BadOptionUsage as error:  # it has no value, or one that it does not take
            option = next((param for param in self.params if error.option_name in param.opts), None)
            if option is None or (isinstance(option, click.Option) and option.is_flag):
                raise
            wanted = f"{error.option_name} {option.make_metavar(ctx)}"
            message = (f"{wanted.replace(' ', ' needs ', 1)} behind it:"
                       f" {ctx.command_path} {wanted}")
            raise click.BadOptionUsage(error.option_name, message, ctx) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows: dict[str, list[tuple[str, str]]] = {name: [] for name in (*SECTIONS, OTHERS)}
        for param in self.get_params(ctx):
            if (row := param.get_help_record(ctx)) is not None:
                rows[section_of(param)].append(row)
        for name, records in rows.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)
