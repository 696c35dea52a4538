"""Every setting and every limit, with unit and default; TOML and command line fill it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Protocol

from sensor.base.escape import harmless
from sensor.base.units import SECOND_NS
from sensor.errors import ConfigError

LIMIT_MAX = 1 << 62
"""No limit is larger: sums of two still fit into 64 bits."""

INTERNAL_NETWORKS = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7",
    "fe80::/10", "::1/128",
)
"""RFC 1918, RFC 4193, link-local, loopback: what counts as inside for `network.direction`."""


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """Timeouts of the flow table, nanoseconds of packet time, and its size."""

    tcp_attempt_timeout_ns: int = 65 * SECOND_NS
    """Linux sends SYNs again up to 32 s after the last, and then waits 64 s for an answer."""
    tcp_idle_timeout_ns: int = 3600 * SECOND_NS
    tcp_closed_timeout_ns: int = 5 * SECOND_NS
    tcp_time_wait_ns: int = 120 * SECOND_NS
    """The time after a TCP flow's end in which what comes late of it makes no flow; 0: none."""
    udp_timeout_ns: int = 60 * SECOND_NS
    icmp_timeout_ns: int = 60 * SECOND_NS
    other_timeout_ns: int = 60 * SECOND_NS
    active_timeout_ns: int = 0
    """A flow open for this long gives an intermediate record; 0: never."""
    verdict_wait_ns: int = SECOND_NS
    """The time in which a silent handshake may still be vetoed by a RST of the responder."""
    duplicate_window_ns: int = SECOND_NS // 100
    """The largest distance of two copies of one packet."""
    flows_max: int = 1_000_000
    """Flows in the table; above it flows are evicted, unanswered attempts first."""
    fragments_max: int = 65_536
    """IP packets in fragments that are remembered for 30 s; rounded down to a power of two."""


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """Bounds on what rules may hold or say."""

    max_signals: int = 100
    """Alerts of one rule in one window, where the rule names no number of its own."""
    signal_window_ns: int = 300 * SECOND_NS
    suppression_keys_max: int = 100_000
    """Groups that a suppression remembers per rule; the oldest goes first."""
    threshold_groups_max: int = 100_000
    """Groups that a threshold rule counts; the one that was idle for longest goes first."""
    threshold_events_max: int = 1_000_000
    """Events that a threshold rule counts, in all its groups."""
    new_terms_max: int = 100_000
    """Values that a new-terms rule remembers; the one seen longest ago goes first."""
    new_terms_learning_ns: int = 365 * 86_400 * SECOND_NS
    """For how long a history that begins is only learned, at most its whole window; 0: everything
    is new at first."""
    pending_max: int = 100_000
    """Events that a rule holds while it waits for more, those of several waits counted in each;
    what began first goes first."""
    pending_bytes_max: int = 128 * 1024 * 1024
    """The same in octets: events that are documents can be long."""


@dataclass(frozen=True, slots=True)
class SinkLimits:
    """Bounds on what sinks hold or send."""

    syslog_message_bytes: int = 2048
    """A syslog datagram is cut here, on a character border (RFC 5424 6.1)."""
    syslog_timeout_s: float = 5.0
    """The longest that connecting or writing to a syslog server may take."""
    request_timeout_s: float = 30.0
    """The longest that a server may take to answer a block of records."""
    queue_max: int = 10_000
    """Live: alerts that wait in memory for one sink; what comes beyond them is dropped."""
    record_queue_max: int = 32_768
    """Flow records or protocol events that wait in memory for one server."""
    flow_queue_bytes: int = 64 << 20
    """Live: flow records that wait in memory for their file."""
    spool_bytes: int = 256 << 20
    """Live: messages that one network sink keeps on disk while its server is away."""
    patience_s: float = 60.0
    """Replay: records and alerts for a server that stores them wait while it gets on with others
    within this time."""
    drain_s: float = 10.0
    """Live: how long sinks may take to deliver what waits when the sensor ends."""


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """Live capture: memory shared with the kernel, and how it is handed over."""

    ring_bytes: int = 64 << 20
    """The ring that the kernel writes frames into, for each worker."""
    block_bytes: int = 128 << 10
    """The ring is handed over in blocks of this size; a power of two. A frame is cut to one block:
    offloads merge frames to 64 KiB."""
    block_timeout_s: float = 0.024
    """A block with frames in it is handed over after this time at the latest."""


@dataclass(frozen=True, slots=True)
class EventLimits:
    """Documents read from files: how long one may be, and how far out of order."""

    line_bytes: int = 64 << 20
    """A line (or an object over several) that is longer is left out."""
    sort_documents: int = 4096
    """A document that comes this many documents late still finds its place in time."""
    sort_bytes: int = 32 << 20
    """Octets of documents that wait to be sorted; beyond them half of them go on."""
    idle_s: float = 1.0
    """Documents that wait to be sorted go on if a pipe gives nothing for this time."""


@dataclass(frozen=True, slots=True)
class EvidenceLimits:
    """Live: bounds on the frames that `--evidence` keeps."""

    flow_bytes: int = 1 << 20
    """Octets of a flow's frames; what follows is left out."""
    memory_bytes: int = 64 << 20
    """Octets of frames in memory; the oldest give way."""
    disk_bytes: int = 1 << 30
    """Octets of files in the folder; the oldest are removed."""


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """UDP ports at which tunnels are looked for; none of a kind if its list is empty."""

    vxlan_ports: tuple[int, ...] = (4789,)
    """RFC 7348; Linux takes 8472 unless it is told another."""
    geneve_ports: tuple[int, ...] = (6081,)
    """RFC 8926."""
    gtp_ports: tuple[int, ...] = (2152,)
    """GTP-U, 3GPP TS 29.281."""
    teredo_ports: tuple[int, ...] = ()
    """RFC 4380; its port is 3544."""
    vxlan_gpe_ports: tuple[int, ...] = (4790,)
    """draft-ietf-nvo3-vxlan-gpe."""
    gre_ports: tuple[int, ...] = (4754,)
    """GRE in UDP, RFC 8086."""
    mpls_ports: tuple[int, ...] = (6635,)
    """MPLS in UDP, RFC 7510."""
    l2tp_ports: tuple[int, ...] = (1701,)
    """RFC 2661 and 3931."""
    capwap_ports: tuple[int, ...] = (5247,)
    """Data of CAPWAP, RFC 5415."""
    tzsp_ports: tuple[int, ...] = (37008,)
    """TaZmen sniffer protocol: what access points and routers mirror to."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one run."""

    flow: FlowLimits = field(default_factory=FlowLimits)
    rule: RuleLimits = field(default_factory=RuleLimits)
    sink: SinkLimits = field(default_factory=SinkLimits)
    capture: CaptureLimits = field(default_factory=CaptureLimits)
    events: EventLimits = field(default_factory=EventLimits)
    evidence: EvidenceLimits = field(default_factory=EvidenceLimits)
    decode: DecodeSettings = field(default_factory=DecodeSettings)
    internal: tuple[str, ...] = INTERNAL_NETWORKS
    accept_on: str = "handshake"
    """`handshake` or `data`: when a TCP connection counts as accepted."""
    key_vlan: bool = False
    """True if VLAN ids separate flows."""
    key_tenant: bool = True
    """True if the ids of overlays (VNI, GRE key) separate flows."""
    sliced: str = "auto"
    """`auto`, `always` or `never`: whether a packet that is longer than its frame was cut before
    the capture, or is malformed."""
    duplicates: bool = True
    """True if copies of a packet (mirror ports) are recognised and counted once."""
    strict_external: bool = False
    """True if rules that test for external networks also except the IANA special-purpose ranges
    that their lists lack."""


SETTING_TYPES: dict[str, type] = {
    "internal": list,
    "accept_on": str,
    "key_vlan": bool,
    "key_tenant": bool,
    "sliced": str,
    "duplicates": bool,
    "strict_external": bool,
}
"""Keys that are members of Config itself."""

_TABLES: dict[str, type[Any]] = {
    "flow": FlowLimits, "rule": RuleLimits, "sink": SinkLimits, "capture": CaptureLimits,
    "events": EventLimits, "evidence": EvidenceLimits, "decode": DecodeSettings,
}  # fmt: skip


class OptionKey(Protocol):
    """An option of the command line that a file may set."""

    def convert(self, value: object) -> object:
        """The value for the option. Errors: ValueError says what it must be."""


def _other_format(text: str) -> str:
    """The format that a text that is no TOML seems to have; empty if none is known."""
    if text.lstrip().startswith(("{", "[")) and text.rstrip().endswith(("}", "]")):
        return "; this looks like JSON: settings are written in TOML (name = value)"
    if re.match(r"(?:---|#[^\n]*\n|\s)*[\w-]+:(?:\s|$)", text):
        return "; this looks like YAML: settings are written in TOML (name = value)"
    return ""


def parse_config(
    text: str, path: str, options: Mapping[str, OptionKey]
) -> tuple[dict[str, object], Config]:
    """The settings of a TOML file: values for the `options` by their keys, and the Config.

    A duration `..._ns` may also be given in seconds, as `..._s`.
    Errors: ConfigError names the file, the line and everything that is wrong, at once.
    """
    shown = harmless(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = re.sub(r" \(at line (\d+), column (\d+)\)$", "", str(error))
        at = re.search(r"at line (\d+), column (\d+)\)$", str(error))
        where = f"{shown}:{at[1]}:{at[2]}" if at else shown
        raise ConfigError(f"{where}: {reason}{_other_format(text)}") from None
    problems: list[str] = []
    given: dict[str, object] = {}
    settings: dict[str, Any] = {}
    source, top = _Source(text, shown), {*SETTING_TYPES, *options}
    for key, value in document.items():
        try:
            if key in _TABLES and isinstance(value, dict):
                settings[key] = _limits(_TABLES[key], key, value, source, problems, top)
            elif key in SETTING_TYPES:
                settings[key] = _setting(key, value)
            elif key in options:
                given[key] = options[key].convert(value)
            else:
                hint = _hint(key, {*_TABLES, *top})
                problems.append(f"{source.at(key)}unknown setting {key!r}{hint}")
        except ValueError as error:
            problems.append(f"{source.at(key)}{key}: {error}")
    if problems:
        raise ConfigError("\n".join(problems))
    return given, Config(**settings)


def _setting(key: str, value: object) -> object:
    """A member of Config itself. Errors: ValueError."""
    if key == "duplicates" and value in ("drop", "keep"):  # as on the command line
        return value == "drop"
    if key == "accept_on" and value not in ("handshake", "data"):
        raise ValueError("must be 'handshake' or 'data'")
    if key == "sliced" and value not in ("auto", "always", "never"):
        raise ValueError("must be 'auto', 'always' or 'never'")
    if not isinstance(value, SETTING_TYPES[key]):
        raise ValueError(f"must be a {_TYPE_NAMES[SETTING_TYPES[key]]}")
    if isinstance(value, list):
        if not all(isinstance(item, str) for item in value):
            raise ValueError("must be a list of strings")
        return tuple(value)
    return value


_TYPE_NAMES: dict[type, str] = {list: "list", str: "string", bool: "boolean"}


@dataclass(frozen=True, slots=True)
class _Source:
    """A file of settings: its text, and its name, harmless."""

    text: str
    path: str

    def at(self, key: str, table: str = "") -> str:
        """The beginning of a line about a key."""
        return f"{self.path}:{_line_of(self.text, key, table)}: "


def _line_of(text: str, key: str, table: str = "") -> int:
    """The line of a key of a table, from 1; 1 if it cannot be found."""
    wanted = f"{table}.{key}" if table else key
    inside, line_of_table = "", 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            inside = found = header[1]
        elif setting := _SETTING.match(line):
            name = re.sub(r"[\"'\s]", "", setting[1])
            found = f"{inside}.{name}" if inside else name
        else:
            continue
        if found == wanted or found.startswith(f"{wanted}."):
            return number
        if found == table:
            line_of_table = number
    return line_of_table


_HEADER = re.compile(r"\s*\[+\s*([\w.-]+)\s*\]")
_SETTING = re.compile(r"\s*([\w\"'.\s-]+?)\s*=")


def _ports(value: Any, place: str, problems: list[str]) -> tuple[int, ...]:
    """A list of ports; what is wrong is added to `problems`."""
    if isinstance(value, list) and all(type(port) is int and 0 < port < 65536 for port in value):
        return tuple(value)
    problems.append(f"{place}: must be a list of ports, 1 to 65535")
    return ()


def _names(kind: type[Any]) -> set[str]:
    """The keys of a table of limits; durations have two."""
    names = {member.name for member in fields(kind)}
    return names | {name.removesuffix("_ns") + "_s" for name in names if name.endswith("_ns")}


def _hint(key: str, near: Collection[str], top: Collection[str] = ()) -> str:
    """Which setting may be meant by a key that there is not; empty if none resembles it.

    `top` are the settings that stand in no table, where the key stands in one.
    """
    name = key.replace("-", "_")
    if name in top:
        return ": it stands above the first table"
    for table, kind in _TABLES.items():
        if name in _names(kind):
            return f": it stands in [{table}]"
    found = get_close_matches(name, near, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _limits(
    kind: type[Any], table: str, values: dict[str, Any], source: _Source, problems: list[str],
    top: Collection[str],
) -> Any:  # fmt: skip
    """One table of limits as its dataclass; what is wrong is added to `problems`.

    `top` are the settings that stand in no table.
    """
    known = {member.name: member for member in fields(kind)}
    given: dict[str, Any] = {}
    for key, value in values.items():
        place = source.at(key, table)
        name, unit = key, 1
        if key.endswith("_s") and key.removesuffix("_s") + "_ns" in known:
            name, unit = key.removesuffix("_s") + "_ns", SECOND_NS
        least = 0 if name.endswith(("_ns", "_s")) else 1  # a count of 0 would be of no use
        if name not in known:
            problems.append(f"{place}unknown limit {table}.{key}{_hint(key, _names(kind), top)}")
        elif name in given:
            problems.append(f"{place}{table}.{key}: given in two units")
        elif name.endswith("_ports"):
            given[name] = _ports(value, place + f"{table}.{key}", problems)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            problems.append(f"{place}{table}.{key}: must be a number")
        elif unit == 1 and known[name].type == "int" and value % 1:
            problems.append(f"{place}{table}.{key}: must be a whole number")
        elif not least <= value <= LIMIT_MAX // unit:  # not a number is in no range
            problems.append(f"{place}{table}.{key}: must be {least} to {LIMIT_MAX // unit}")
        else:
            given[name] = float(value) if known[name].type == "float" else int(value * unit)
    return kind(**given)
