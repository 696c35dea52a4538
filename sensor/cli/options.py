"""The options that several commands have, and what becomes of them: typed values, made once."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sensor.base.escape import harmless
from sensor.cli.group import OwnOption, word_of
from sensor.errors import ConfigError
from sensor.terminal.stderr import print_stderr

if TYPE_CHECKING:
    from sensor.app.options import ReplayOptions, RunOptions
    from sensor.capture.files.selection import FileSelection
    from sensor.config import Config

HOST_SOCKET = "/run/sensor-host/events"
"""The place where the helper for host events serves, as systemd/sensor-host.service has it."""
RUN_COMMANDS = ("replay", "live", "doctor")
"""The commands whose options a configuration file may set; one file is for all of them."""
FORMATS_HELP = ("Its ending says the format: .ndjson, .json, .jsonl, .csv, .parquet. What is in it "
                "stays: lines are appended, a Parquet file is renamed NAME.N.parquet.")
NO_PATH = ("no PATH is given: a capture file, a folder, a glob, or - for standard input, as in "
           "sensor replay capture.pcap")
NOT_IN_FILES = frozenset({"config", "no_config", "help", "read"})
NO_CONFIG, SETTINGS_FILE = "sensor.no_config", "sensor.settings_file"
"""Keys of a context's `meta`."""
CONFIG_PLACES = "./sensor.toml, $XDG_CONFIG_HOME/sensor/config.toml or /etc/sensor/sensor.toml"

RAY_LOCAL = "local"
RAY_ADDRESS = re.compile(r"auto|local|(ray://)?[^/\s]+:[0-9]+", re.ASCII)

Command = TypeVar("Command", bound=Callable[..., Any])
Options = TypeVar("Options", bound="RunOptions")


def load_config(context: click.Context, _: click.Parameter, path: str | None) -> str | None:
    """Let a configuration file, or the one that is found, give the defaults of other options."""
    from sensor.config import Config, parse_config  # noqa: PLC0415  `--version` must not wait

    context.obj = Config()
    if context.resilient_parsing:  # a shell completes
        return path
    if path is None and not context.meta.get(NO_CONFIG):
        path = found_config()
    elif path is not None and context.meta.get(NO_CONFIG):
        raise click.UsageError(f"--config {harmless(path)} and --no-config contradict each other",
                               context)
    context.meta[SETTINGS_FILE] = path or ""
    if path:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise ConfigError(f"--config {harmless(path)}: {reason}") from None
        keys = option_keys(context.find_root())
        given, context.obj = parse_config(text, path, keys)
        own = {word_of(option): option for option in context.command.params
               if isinstance(option, click.Option) and not isinstance(option, OwnOption)}
        defaults = dict(context.default_map or {})
        for word, value in given.items():
            option = own.get(word)
            if option is None:
                defaults[keys[word].name] = value
            else:  # a flag where another command has a value: whether there is one
                defaults[str(option.name)] = bool(value) if option.is_flag else value
        context.default_map = defaults
    return path


def found_config() -> str | None:
    """The first configuration file that there is where one is looked for.

    One that others may write, or that belongs to somebody else, is not taken from a working folder.
    """
    if _is_own("sensor.toml"):
        return "./sensor.toml"
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    places = (os.path.join(home, "sensor", "config.toml"), "/etc/sensor/sensor.toml")
    return next((place for place in places if os.path.isfile(place)), None)


def _is_own(path: str) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode):
        return False
    is_own = not hasattr(os, "geteuid") or status.st_uid in (0, os.geteuid())
    if is_own and not status.st_mode & stat.S_IWOTH:
        return True
    print_stderr(f"notice: {path} of this folder is left alone: others may write it;"
                 f" --config {path} reads it")
    return False


def _note_no_config(context: click.Context, _: click.Parameter, given: bool) -> None:
    context.meta[NO_CONFIG] = given


def option_keys(root: click.Context) -> dict[str, FileOption]:
    """The options of these commands, by their words as a file writes them."""
    assert isinstance(root.command, click.Group)
    commands = [root.command.get_command(root, name) for name in RUN_COMMANDS]
    keys: dict[str, FileOption] = {}
    for option in (param for command in commands if command for param in command.params):
        if isinstance(option, click.Option):
            word = word_of(option)
            if word not in NOT_IN_FILES:
                keys.setdefault(word, FileOption(option))
    return keys


class FileOption:
    """An option as a key of a configuration file."""

    def __init__(self, option: click.Option) -> None:
        self._option = option
        self.name = str(option.name)
        """The parameter that gets its value."""

    def convert(self, value: object) -> object:
        """The value for the option. Errors: ValueError says what it must be."""
        option = self._option
        if isinstance(value, bool) and not option.is_flag and isinstance(option.flag_value, str):
            return option.flag_value if value else None  # it may stand without a value
        if option.multiple:
            return _strings(value)
        if option.is_flag:
            if not isinstance(value, bool):
                raise ValueError("must be a boolean")
            return value
        numbers = isinstance(option.type, click.types.IntParamType | click.types.FloatParamType)
        if numbers:
            value = _number(value, isinstance(option.type, click.types.IntParamType))
        elif option.metavar == "TIME" and not isinstance(value, bool | list | dict):
            value = str(value)  # seconds, or a date as TOML has it
        elif not isinstance(value, str):
            raise ValueError("must be a string")
        try:
            return option.type.convert(value, option, None)
        except click.BadParameter as error:
            raise ValueError(error.message) from None


def _strings(value: object) -> tuple[str, ...]:
    """A list of a settings file for an option that may be repeated. Errors: ValueError."""
    if not isinstance(value, list):
        raise ValueError("must be a list")
    if not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of strings")
    return tuple(value)


def _number(value: object, is_whole: bool) -> int | float:
    """A number of a settings file for an option. Errors: ValueError."""
    if is_whole and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int if is_whole else int | float):
        raise ValueError(f"must be a {'whole ' if is_whole else ''}number")
    return value


def options_of(kind: type[Options], context: click.Context, given: Mapping[str, Any]) -> Options:
    """The options of a command as typed values, the settings that they change among them."""
    names = {member.name for member in fields(kind)}
    return kind(**{name: value for name, value in given.items() if name in names},
                config=effective_config(context.obj, given),
                settings_file=context.meta.get(SETTINGS_FILE, ""))  # fmt: skip


def effective_config(config: Config, given: Mapping[str, Any]) -> Config:
    """The configuration with what the command line says about it."""
    names = ("accept_on", "key_vlan", "key_tenant", "sliced", "strict_external")
    changes = {name: given[name] for name in names if given.get(name) is not None}
    if given.get("duplicates"):
        changes["duplicates"] = given["duplicates"] == "drop"
    if given.get("internal"):
        changes["internal"] = tuple(given["internal"])
        if not given.get("quiet"):
            _note_host_bits(given["internal"])
    if given.get("ring_mib"):
        changes["capture"] = replace(config.capture, ring_bytes=given["ring_mib"] << 20)
    return replace(config, **changes)


def _note_host_bits(cidrs: Iterable[str]) -> None:
    """Print what network is meant by an address with a prefix length that is no network's."""
    for cidr in cidrs:
        with contextlib.suppress(ValueError):  # met again, and refused, where networks are made
            address = ipaddress.ip_interface(cidr)
            if address.ip != address.network.network_address:
                print_stderr(f"notice: --internal {cidr}: bits behind the prefix are set; "
                             f"taken as {address.network}")  # fmt: skip


def packet_selection(options: ReplayOptions) -> FileSelection:
    """The packets that the options ask for. Errors: ConfigError."""
    from sensor.capture.files.selection import FileSelection  # noqa: PLC0415  as in load_config

    from_ns = time_of("--from", options.from_time) if options.from_time else None
    to_ns = time_of("--to", options.to_time) if options.to_time else None
    if from_ns is not None and to_ns is not None and from_ns >= to_ns:
        raise ConfigError("--from is not before --to: no packet is between them")
    return FileSelection(from_ns, to_ns, options.bpf, options.follow)


def time_of(option: str, text: str) -> int:
    """The time that an option names, in nanoseconds since 1970. Errors: ConfigError."""
    from sensor.events.envelopes import time_of_text  # noqa: PLC0415  few runs need it

    if found := _SECONDS.fullmatch(text):
        time_ns = int(found[1]) * 10**9 + int((found[2] or "")[:9].ljust(9, "0"))
        if time_ns < 1 << 62:
            return time_ns
    elif (date_ns := time_of_text(text)) is not None:
        return date_ns
    raise ConfigError(f"{option} {harmless(text)}: not a time: 2026-01-02T03:04:05Z, with an offset"
                      " as +01:00, or seconds since 1970")


_SECONDS = re.compile(r"([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def _adding(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """A decorator that adds options to a command, in their order."""
    def add(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def ring_option(text: str) -> Callable[[Command], Command]:
    """The option for the size of the ring."""
    return click.option("--ring-mib", metavar="N", type=click.IntRange(1, 2048), help=text)


CONFIG_OPTION = click.option(
    "--config", metavar="FILE", is_eager=True, expose_value=False, callback=load_config,
    help=f"Settings and limits as TOML; the command line wins.  [default: {CONFIG_PLACES}]")
NO_CONFIG_OPTION = click.option(
    "--no-config", is_flag=True, is_eager=True, expose_value=False, callback=_note_no_config,
    help="Look for no file of settings.")
COLOR_OPTION = click.option("--color", type=click.Choice(["auto", "always", "never"]),
                            default="auto", show_default=True,
                            help="NO_COLOR is honoured.")  # fmt: skip
def check_mask(options: ReplayOptions) -> None:
    """Errors: ConfigError if there is no evidence to mask."""
    if options.evidence_mask and not options.evidence:
        raise ConfigError("--evidence-mask says how --evidence DIR is written: give that too")


def check_ray(context: click.Context, given: dict[str, Any], explain: str | None) -> None:
    """Tell an address behind --ray from a PATH, which goes to the paths. Errors: UsageError."""
    if given["ray"] is None:
        if given["resume"]:
            raise click.UsageError("--resume DIR goes with --ray.", context)
        return
    if given["follow"] or explain:
        raise click.UsageError("--ray is for archives that are whole, and for all their flows: it "
                               "goes without --follow and --explain.", context)
    if not RAY_ADDRESS.fullmatch(given["ray"]):
        given["paths"], given["ray"] = (given["ray"], *given["paths"]), RAY_LOCAL


MASK_OPTION = click.option(
    "--evidence-mask", is_flag=True,
    help="Overwrite what was typed in secret with * in the files of evidence.",
)
BPF_OPTION = click.option("--bpf", metavar="FILTER",
                          help="Only what this pcap-filter(7) expression selects. It hides the "
                               "rest from all rules.")  # fmt: skip
JOBS_OPTION = click.option(
    "--jobs", "-j", metavar="N", type=click.IntRange(1, 256), default=1,
    help="Decompress so many captures at once; 1 unless said. What is ahead waits in the folder for"
         " temporary files ($TMPDIR).",
)
_RAY_OPTIONS = [
    click.option("--ray", metavar="[ADDRESS]", is_flag=False, flag_value=RAY_LOCAL,
                 help="Decompress on a cluster of Ray: at HOST:PORT, the one of this machine "
                      "(auto), or one started for the run on this machine alone (local, or no "
                      "address)."),
    click.option("--resume", metavar="DIR",
                 help="With --ray: keep what is decompressed in DIR, on a disk that all nodes "
                      "share, so that a run that was ended goes on with it."),
]
QUIET_OPTION = click.option("--quiet", "-q", is_flag=True,
                            help="No progress, no notices, no summary.")  # fmt: skip
_TIME_OPTIONS = [
    click.option("--from", "from_time", metavar="TIME",
                 help="Only packets of then or later: RFC 3339 (UTC without a zone), or seconds "
                      "since 1970."),
    click.option("--to", "to_time", metavar="TIME", help="Only packets of before then."),
]
_RULE_OPTIONS = [
    NO_CONFIG_OPTION,
    CONFIG_OPTION,
    click.option("--rules", metavar="PATH", multiple=True,
                 help="Rule file or folder, instead of the shipped rules. Repeatable."),
    click.option("--strict-rules", is_flag=True,
                 help="Do not start if any rule of a folder is wrong, instead of leaving it out."),
    click.option("--exceptions", metavar="FILE", multiple=True,
                 help="Exception items: TOML, or a Kibana export. Repeatable."),
    click.option("--allow", metavar="FILE", multiple=True,
                 help="What no rule is to alert on: an address, network or \"address port\" a "
                      "line, or CSV with a column ip, cidr, network or address. Repeatable."),
    click.option("--indicators", metavar="FILE", multiple=True,
                 help="Addresses, networks, domains, URLs or hashes for indicator-match rules: a "
                      "list, CSV or NDJSON. Repeatable."),
    click.option("--strict-external/--no-strict-external", default=None,
                 help="Whether rules on external networks also except the IANA special-purpose "
                      "ranges that their lists lack.  [default: no]"),
    click.option("--building-blocks", is_flag=True, help="Show alerts of building-block rules."),
]
_OUTPUT_OPTIONS = [
    click.option("--state", metavar="DIR",
                 help="Keep there what new-terms rules have seen, so that a restart forgets "
                      "nothing."),
    click.option("--json", "as_json", is_flag=True,
                 help="Alerts to stdout as ECS documents, one JSON object a line."),
    click.option("--alerts", metavar="FILE",
                 help=f"Alerts to FILE, beside stdout. {FORMATS_HELP}"),
    click.option("--flows", metavar="FILE|DIR/",
                 help=f"Flow records to FILE (- is stdout). {FORMATS_HELP} A folder (DIR/), or "
                      "s3://BUCKET/PREFIX/, becomes a dataset: a Parquet file for each hour."),
    click.option("--flow-events", is_flag=True,
                 help="Not only final flow records: starts, refusals and drops too."),
    click.option("--protocol-events", metavar="FILE",
                 help="What was said in connections (Telnet, HTTP, SSH) to FILE (- is stdout). "
                      f"{FORMATS_HELP}"),
    click.option("--hash-key-file", metavar="FILE",
                 help="Hash passwords with the key in FILE (at least 16 octets), so that those of "
                      "several runs can be compared, instead of with one of this run alone."),
    click.option("--syslog", metavar="URL", multiple=True,
                 help="unix:///dev/log, udp://HOST:514, tcp://HOST:601, tls://HOST:6514, "
                      "relp://HOST:2514. "
                      "Repeatable."),
    click.option("--elasticsearch", metavar="URL", multiple=True,
                 help="Alerts, flow records and protocol events to the data streams of "
                      "Elasticsearch or OpenSearch: https://HOST:9200?api_key_file=FILE. "
                      "Repeatable."),
    click.option("--kafka", metavar="BROKERS/TOPIC", multiple=True,
                 help="Flow records and protocol events to a topic of Kafka, alerts to "
                      "TOPIC.alerts. Repeatable."),
    click.option("--syslog-format", type=click.Choice(["rfc5424", "rfc3164", "cee", "cef"]),
                 default="rfc5424", show_default=True, help="How syslog messages are written."),
    click.option("--syslog-time", type=click.Choice(["packet", "now"]), default="packet",
                 show_default=True,
                 help="Which time the headers of syslog messages carry; with now the packet's is "
                      "a fact of the message."),
]
_FLOW_OPTIONS = [
    click.option("--internal", metavar="CIDR", multiple=True,
                 help="A network that counts as inside, instead of RFC 1918, fc00::/7, "
                      "link-local and loopback. Repeatable."),
    click.option("--accept-on", type=click.Choice(["handshake", "data"]),
                 help="When a TCP connection counts as accepted.  [default: handshake]"),
    click.option("--key-vlan/--no-key-vlan", default=None,
                 help="Whether VLAN ids separate flows.  [default: no]"),
    click.option("--key-tenant/--no-key-tenant", default=None,
                 help="Whether the ids of overlays (VNI, GRE key) separate flows.  "
                      "[default: yes]"),
    click.option("--duplicates", type=click.Choice(["drop", "keep"]),
                 help="Whether copies of a packet, as mirror ports make them, are left out or "
                      "counted.  [default: drop]"),
    click.option("--sliced", type=click.Choice(["auto", "always", "never"]),
                 help="Whether packets that are longer than their frames were cut before the "
                      "capture, as brokers and mirrors do; auto learns it.  [default: auto]"),
]
_END_OPTIONS = [
    click.option("--stats", metavar="FILE", help="The ledger as one JSON object, at the end."),
    click.option("--local-time", is_flag=True, help="Times in this machine's zone, not UTC."),
    COLOR_OPTION,
    QUIET_OPTION,
    click.option("-v", "--verbose", is_flag=True, help="Say more: what is loaded, what is read."),
    click.option("--fail-on-alert", is_flag=True, help="Exit with 3 if any alert was raised."),
]
ray_options = _adding(*_RAY_OPTIONS)
"""The options for decompressing on a cluster."""
time_options = _adding(*_TIME_OPTIONS)
"""The options for a part of the captures by time."""
run_options = _adding(*_RULE_OPTIONS, *_OUTPUT_OPTIONS, *_FLOW_OPTIONS, *_END_OPTIONS)
"""The options that every command has that reads packets."""
judge_options = _adding(*_RULE_OPTIONS, *_FLOW_OPTIONS, COLOR_OPTION, QUIET_OPTION)
"""Those of them that say which flows there are and what rules make of them."""
flow_options = _adding(NO_CONFIG_OPTION, CONFIG_OPTION, *_FLOW_OPTIONS)
"""Those of them that say which flows there are, and the one for settings."""
_KIND_OPTIONS = [
    click.option("--host", "processes", is_flag=True, help="As where processes are told of."),
    click.option("--events", "any_event", is_flag=True, help="As where documents are read."),
]
kind_options = _adding(*_KIND_OPTIONS)
"""The options that say which events there will be, beside those of a tap."""
context_options = _adding(
    *_KIND_OPTIONS,
    click.option("--indicators", metavar="FILE", multiple=True, help="As in replay."),
)
"""The options that say by what rules are to be judged, beside a tap's evidence."""
rule_options = _adding(
    NO_CONFIG_OPTION, CONFIG_OPTION,
    click.option("--strict-external/--no-strict-external", default=None, help="As in replay."))
"""The options of the commands about rules."""
