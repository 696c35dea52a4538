"""The command line: options, signals, wiring, exit codes. It composes; nobody imports it.

Modules that take time to import are imported where they are used: `--version` must not wait.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from sensor.base.escape import harmless
from sensor.cli.output import DONE, INTERRUPTED, USAGE, crashed, error_text, version_text
from sensor.errors import ConfigError, OperatorError
from sensor.terminal.stderr import say

if TYPE_CHECKING:
    from sensor.config import Config


HOST_SOCKET = "/run/sensor-host/events"
"""Where the helper for host events serves, as systemd/sensor-host.service has it."""

HELP = """A network-flow sensor: which connections were really accepted, and what rules say of them.

\b
  sensor replay captures/demo.pcap             alerts of a capture, for people
  sensor replay --json /var/captures | jq .    ECS documents, one a line
  tcpdump -w - | sensor replay -               from a pipe
  sudo sensor live -i eth0 --user nobody       a span or tap port, as it happens
  sensor rules show accepted_default_telnet_port_connection

\b
Exit codes: 0 done; 1 done, but an input was damaged or unreadable or a sink failed;
2 bad usage, configuration or rule; 3 with --fail-on-alert, if any alert was raised;
70 a defect of the sensor itself; 130 interrupted (143 by SIGTERM): what was read is told.
"""


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        code = commands.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = USAGE
    except click.ClickException as error:
        say(error_text(error))
        code = USAGE
    except OperatorError as error:
        say(f"sensor: {error}")
        code = USAGE
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        code = crashed(error)
    return code if isinstance(code, int) else DONE










def _show_version(context: click.Context, _: Any, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(version_text())
        context.exit()


@click.group(help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True,
              callback=_show_version, help="Show the version and exit.")  # fmt: skip
def commands() -> None:
    pass


def _load_config(context: click.Context, _: Any, path: str | None) -> str | None:
    """Let a configuration file give the defaults of the options that follow."""
    from sensor.config import Config, parse_config  # noqa: PLC0415

    context.obj = Config()
    if path:
        try:
            with open(path, encoding="utf-8") as file:
                options, context.obj = parse_config(file.read(), path)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise ConfigError(f"--config {harmless(path)}: {reason}") from None
        # Where an option's own word would be a bad name, or one of several.
        for word, name in (("json", "as_json"), ("interface", "names")):
            if word in options:
                options[name] = options.pop(word)
        context.default_map = {**(context.default_map or {}), **options}
    return path


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command has that reads packets."""
    for option in reversed(_RUN_OPTIONS):
        function = option(function)
    return function


_RUN_OPTIONS = [
    click.option("--config", metavar="FILE", is_eager=True, expose_value=False,
                 callback=_load_config,
                 help="Settings and limits as TOML; the command line wins."),
    click.option("--rules", metavar="PATH", multiple=True,
                 help="Rule file or folder, instead of the shipped rules. Repeatable."),
    click.option("--exceptions", metavar="FILE", multiple=True,
                 help="Exception items: TOML, or a Kibana export. Repeatable."),
    click.option("--indicators", metavar="FILE", multiple=True,
                 help="Addresses, networks, domains, URLs or hashes for indicator-match rules: a "
                      "list, CSV or NDJSON. Repeatable."),
    click.option("--state", metavar="DIR",
                 help="Keep there what new-terms rules have seen, so that a restart forgets "
                      "nothing."),
    click.option("--json", "as_json", is_flag=True,
                 help="Alerts to stdout as ECS documents, one JSON object a line."),
    click.option("--alerts", metavar="FILE",
                 help="Alerts as NDJSON to FILE, appended, beside stdout."),
    click.option("--flows", metavar="FILE",
                 help="Flow records as NDJSON (- is stdout), or as Parquet if FILE ends so."),
    click.option("--flow-events", is_flag=True,
                 help="With --flows: starts, refusals and drops too, not only final records."),
    click.option("--syslog", metavar="URL", multiple=True,
                 help="unix:///dev/log, udp://HOST:514, tcp://HOST:601, tls://HOST:6514. "
                      "Repeatable."),
    click.option("--syslog-format", type=click.Choice(["rfc5424", "rfc3164", "cee", "cef"]),
                 default="rfc5424", show_default=True, help="How syslog messages are written."),
    click.option("--internal", metavar="CIDR", multiple=True,
                 help="A network that counts as inside, instead of RFC 1918, fc00::/7, "
                      "link-local and loopback. Repeatable."),
    click.option("--accept-on", type=click.Choice(["handshake", "data"]),
                 help="When a TCP connection counts as accepted.  [default: handshake]"),
    click.option("--key-vlan/--no-key-vlan", default=None,
                 help="Whether VLAN ids separate flows.  [default: no]"),
    click.option("--duplicates", type=click.Choice(["drop", "keep"]),
                 help="Whether copies of a packet, as mirror ports make them, are left out or "
                      "counted.  [default: drop]"),
    click.option("--strict-external/--no-strict-external", default=None,
                 help="Whether rules on external networks also except the IANA special-purpose "
                      "ranges that their lists lack.  [default: no]"),
    click.option("--building-blocks", is_flag=True, help="Show alerts of building-block rules."),
    click.option("--stats", metavar="FILE", help="The ledger as one JSON object, at the end."),
    click.option("--local-time", is_flag=True, help="Times in this machine's zone, not UTC."),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto",
                 show_default=True, help="NO_COLOR is honoured."),
    click.option("--quiet", "-q", is_flag=True, help="No progress, no notices, no summary."),
    click.option("-v", "--verbose", is_flag=True, help="Say more: what is loaded, what is read."),
    click.option("--fail-on-alert", is_flag=True, help="Exit with 3 if any alert was raised."),
]


@commands.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--events", metavar="FILE", multiple=True,
              help="ECS documents as NDJSON (- is standard input), plain or compressed, alone or "
                   "merged with the captures by time. Repeatable.")
@click.option("--from", "from_time", metavar="TIME",
              help="Only packets of then or later: RFC 3339 (UTC without a zone), or seconds since "
                   "1970.")
@click.option("--to", "to_time", metavar="TIME", help="Only packets of before then.")
@click.option("--bpf", metavar="FILTER",
              help="Only what this pcap-filter(7) expression selects. It hides the rest from all "
                   "rules.")
@click.option("--follow", metavar="DIR",
              help="Go on with the capture files that come into this folder, each once it is "
                   "closed, until Ctrl-C or SIGTERM.")
@click.option("--explain", metavar="ID",
              help="Raise no alerts, but tell why this rule did or did not fire: as sensor rules "
                   "explain.")
@click.option("--explain-flow", metavar="TEXT",
              help="With --explain: for which flow; a community id, flow id, address, "
                   "address:port, or a KQL query.")
@run_options
@click.pass_obj
def replay(config: Config, /, paths: tuple[str, ...], **options: Any) -> int:
    """Read capture files and tell what the rules find in them.

    PATH is a pcap or pcapng file, plain or compressed, a directory (with everything below it), a
    glob, or - for standard input. Several are read as one capture, merged by time.
    With --events or --follow no PATH is needed.

    \b
      sensor replay captures/demo.pcap
      sensor replay --events auditbeat.ndjson.gz
      sensor replay --json --flows flows.ndjson /var/captures
      sensor replay --from 2026-01-02T03:00 --to 2026-01-02T04:00 /var/captures
      sensor replay --follow /var/captures --syslog unix:///dev/log
      sensor replay --syslog udp://192.0.2.1:514 --quiet today.pcapng
      sensor replay --explain my_rule --rules mine/ today.pcapng
    """
    if not paths and not options["events"] and not options["follow"]:
        raise click.UsageError("Missing argument 'PATH...'.", click.get_current_context())
    rule, flow = options.pop("explain"), options.pop("explain_flow")
    if flow and not rule:
        raise click.UsageError("--explain-flow needs --explain ID.", click.get_current_context())
    config = settled(config, options)
    from sensor.cli.replay import file_selection, run_replay  # noqa: PLC0415

    if rule:
        from sensor.cli.explain import Wanted, print_explanation  # noqa: PLC0415

        if options["follow"]:
            raise click.UsageError("--explain is about files that end: it goes without --follow.",
                                   click.get_current_context())
        sources = {name: options[name]
                   for name in ("events", "rules", "exceptions", "indicators")}
        wanted = Wanted(rule, paths, flow=flow or "", **sources, part=file_selection(options))
        return print_explanation(wanted, config)
    return run_replay(paths, config, options)


@commands.command()
@click.option("--interface", "-i", "names", metavar="IFACE", multiple=True,
              help="A span or tap port, or the host's own interface. Repeatable.")
@click.option("--bpf", metavar="FILTER",
              help="Only what this pcap-filter(7) expression selects. It hides the rest from all "
                   "rules.")
@click.option("--ring-mib", type=click.IntRange(1, 2048), metavar="N",
              help="Memory that the kernel writes frames into, for each worker.  [default: 64]")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N",
              help="Threads that share the frames, each flow whole to one of them.")
@click.option("--timestamps", type=click.Choice(["kernel", "hardware"]), default="kernel",
              show_default=True, help="Whose clock dates the frames.")
@click.option("--promiscuous/--no-promiscuous", default=True, show_default=True,
              help="Whether to take frames that are addressed to others.")
@click.option("--backend", type=click.Choice(["auto", "af_packet", "scapy"]), default="auto",
              show_default=True, help="How to capture: a ring of Linux, or scapy (anywhere; slow).")
@click.option("--user", metavar="NAME", help="Become this user once the interfaces are open.")
@click.option("--host", metavar="[SOCKET]", is_flag=False, flag_value=HOST_SOCKET, default=None,
              help="Also tell of this machine's own processes, and whose its connections are: from "
                   f"the helper at SOCKET ({HOST_SOCKET}) or, without one, by a child process.")
@click.option("--journald", is_flag=True, help="Alerts to the journal of systemd.")
@click.option("--spool", metavar="DIR",
              help="Keep on disk what a syslog server does not take, and send it later.")
@click.option("--metrics", metavar="ADDRESS:PORT", help="Serve Prometheus metrics there.")
@click.option("--stats-interval", type=click.FloatRange(min=1), default=60.0, show_default=True,
              metavar="SECONDS", help="How often --stats is written anew.")
@click.option("--duration", type=click.FloatRange(min=0.1), metavar="SECONDS",
              help="End by itself after this time.")
@run_options
@click.pass_obj
def live(config: Config, /, names: tuple[str, ...], **options: Any) -> int:
    """Watch interfaces and tell at once what the rules find.

    It runs until Ctrl-C or SIGTERM; then everything captured so far comes out. SIGHUP loads rules
    and exceptions anew, and opens files anew; SIGUSR1 prints the ledger. `sensor doctor` tells
    whether this machine can capture.

    \b
      sudo sensor live -i eth0 --user nobody
      sensor live -i tap0 -i tap1 --json --quiet
      sensor live -i eth0 --syslog tls://logs.example.net --spool /var/lib/sensor
    """
    # numpy would start threads for algebra that nobody does here, before privileges are dropped.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from dataclasses import replace  # noqa: PLC0415

    from sensor.cli.live import run_live  # noqa: PLC0415

    config = settled(config, options)
    if options["ring_mib"]:
        limits = replace(config.capture, ring_bytes=options["ring_mib"] << 20)
        config = replace(config, capture=limits)
    return run_live(names, config, options)


def settled(config: Config, options: dict[str, Any]) -> Config:
    """The configuration with what the command line says about it."""
    from dataclasses import replace  # noqa: PLC0415

    names = ("accept_on", "key_vlan", "strict_external")
    said = {name: options[name] for name in names if options.get(name) is not None}
    if options.get("duplicates"):
        said["duplicates"] = options["duplicates"] == "drop"
    if options.get("internal"):
        said["internal"] = tuple(options["internal"])
    return replace(config, **said)


@commands.command("host-events")
@click.option("--socket", "path", metavar="PATH", default=HOST_SOCKET, show_default=True,
              help="Where sensors connect: root, this user, and members of its group.")
@click.option("--fd", type=click.IntRange(min=0), metavar="N", hidden=True,
              help="Serve this connection only.")
def host_events(path: str, fd: int | None) -> int:
    """Tell sensors on this machine of its processes, and whose connections are.

    The helper for `sensor live --host`: it has the rights that the sensor shall not have. It runs
    until SIGTERM or Ctrl-C. docs/host-events.md tells how to install it as a service.

    \b
      sudo sensor host-events
      sensor host-events --socket /run/user/1000/host-events
    """
    from sensor.cli.host_events import run_host_events  # noqa: PLC0415

    return run_host_events(path, fd)


@commands.group()
def rules() -> None:
    """What is loaded, one rule with its notes, whether files are sound, why a rule fired or not."""


def ready_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What rules are to be judged by, beside a tap's evidence."""
    options = [
        click.option("--host", "processes", is_flag=True, help="As where processes are told of."),
        click.option("--events", "any_event", is_flag=True, help="As where documents are read."),
        click.option("--indicators", metavar="FILE", multiple=True, help="As in replay."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def _ready(options: dict[str, Any]) -> Any:
    from sensor.cli.rules import Ready  # noqa: PLC0415

    return Ready(*(options.pop(name) for name in ("processes", "any_event", "indicators")))


def rule_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the commands about rules."""
    options = [
        click.option("--config", metavar="FILE", is_eager=True, expose_value=False,
                 callback=_load_config,
                     help="Settings as TOML."),
        click.option("--strict-external/--no-strict-external", default=None,
                     help="As in replay."),
    ]  # fmt: skip
    for option in options:
        function = option(function)
    return function


@rules.command("list")
@click.option("--rules", "paths", metavar="PATH", multiple=True, help="Instead of the shipped.")
@ready_options
@rule_options
@click.pass_obj
def list_rules(config: Config, /, paths: tuple[str, ...], **options: Any) -> int:
    """The rules, one a line, and whether each can run here."""
    from sensor.cli.rules import print_rules  # noqa: PLC0415

    ready = _ready(options)
    return print_rules(paths, settled(config, options), ready)


@rules.command("show")
@click.argument("name", metavar="ID")
@click.option("--rules", "paths", metavar="PATH", multiple=True, help="Instead of the shipped.")
@ready_options
@rule_options
@click.pass_obj
def show_rule(config: Config, /, name: str, paths: tuple[str, ...], **options: Any) -> int:
    """One rule with its query and its triage notes. ID is its id, name or file name."""
    from sensor.cli.rules import print_rule  # noqa: PLC0415

    ready = _ready(options)
    return print_rule(name, paths, settled(config, options), ready)


@rules.command("check")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@ready_options
@rule_options
@click.pass_obj
def check_rules(config: Config, /, paths: tuple[str, ...], **options: Any) -> int:
    """Validate rule files and folders: what runs, and what cannot, on a tap's evidence alone.

    Exit code 2 if any is wrong.
    """
    from sensor.cli.rules import print_check  # noqa: PLC0415

    ready = _ready(options)
    return print_check(paths, settled(config, options), ready)


@rules.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@rule_options
@click.pass_obj
def test_rules(config: Config, /, paths: tuple[str, ...], **options: Any) -> int:
    """Hold rules against the captures and events that their [[test]] entries name.

    Exit code 1 if a rule gives other alerts than an entry says, 2 if one cannot be tried.
    """
    from sensor.cli.rules_test import print_tests  # noqa: PLC0415

    return print_tests(paths, settled(config, options))


@rules.command("explain")
@click.argument("name", metavar="ID")
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--flow", metavar="TEXT", default="",
              help="Which: a community id, flow id, address, address:port, or a KQL query. "
                   "[default: the 20 flows that come nearest]")
@click.option("--events", metavar="FILE", multiple=True, help="As in replay.")
@click.option("--rules", metavar="PATH", multiple=True, help="Instead of the shipped.")
@click.option("--exceptions", metavar="FILE", multiple=True, help="As in replay.")
@click.option("--indicators", metavar="FILE", multiple=True, help="As in replay.")
@rule_options
@click.pass_obj
def explain_rule(config: Config, /, name: str, paths: tuple[str, ...], **options: Any) -> int:
    """Why a rule did or did not fire: its query, part by part, against the events of flows.

    ID is the rule's id, name or file name. Each event of a flow is shown by itself, with what
    became of it: a rule may want only one of them.

    \b
      sensor rules explain accepted_default_telnet_port_connection captures/demo.pcap
      sensor rules explain my_rule --rules mine/ --flow 192.0.2.7:443 today.pcapng
    """
    if not paths and not options["events"]:
        raise click.UsageError("Missing argument 'PATH...'.", click.get_current_context())
    from sensor.cli.explain import Wanted, print_explanation  # noqa: PLC0415

    config = settled(config, options)
    options.pop("strict_external")
    return print_explanation(Wanted(name, paths, **options), config)


@commands.command()
@click.option("--interface", "-i", "names", metavar="IFACE", multiple=True,
              help="Look closely at this interface. Repeatable.")
@click.option("--listen", metavar="SECONDS", type=click.FloatRange(0, 3600),
              help="How long to look at what comes by; 0: not at all.  [default: 2]")
@click.option("--ring-mib", metavar="N", type=click.IntRange(1, 2048),
              help="The size of the ring that live would be given.")
@click.option("--config", metavar="FILE", is_eager=True, expose_value=False,
              callback=_load_config, help="Settings as TOML: interfaces, ring.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto",
              show_default=True, help="NO_COLOR is honoured.")
@click.pass_obj
def doctor(
    config: Config,
    /,
    names: tuple[str, ...],
    listen: float | None,
    ring_mib: int | None,
    color: str,
) -> int:
    """Tell whether this machine can capture, and the commands that mend what is missing.

    Exit code 0 if capturing works, 1 if a problem prevents it.

    \b
      sensor doctor
      sensor doctor -i eth1 --listen 10
    """
    from sensor.cli.doctor import run_doctor  # noqa: PLC0415

    return run_doctor(names, config, listen_s=listen, ring_mib=ring_mib, color=color)
