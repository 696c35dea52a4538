"""The options of a run as typed values, under the names of the command line."""

from __future__ import annotations

from dataclasses import dataclass

from sensor.config import Config


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options that every command has that reads packets: `sensor replay --help` tells them."""

    rules: tuple[str, ...] = ()
    strict_rules: bool = False
    exceptions: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    state: str | None = None
    as_json: bool = False
    alerts: str | None = None
    flows: str | None = None
    flow_events: bool = False
    protocol_events: str | None = None
    hash_key_file: str | None = None
    reveal_secrets: bool = False
    syslog: tuple[str, ...] = ()
    syslog_format: str = "rfc5424"
    syslog_time: str = "packet"
    elasticsearch: tuple[str, ...] = ()
    kafka: tuple[str, ...] = ()
    journald: bool = False
    spool: str | None = None
    building_blocks: bool = False
    stats: str | None = None
    local_time: bool = False
    color: str = "auto"
    quiet: bool = False
    verbose: bool = False
    fail_on_alert: bool = False
    settings_file: str = ""
    """The file of settings that was given or found; empty: none."""
    config: Config


@dataclass(frozen=True, kw_only=True)
class ReplayOptions(RunOptions):
    """The options of `sensor replay`."""

    paths: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    from_time: str | None = None
    to_time: str | None = None
    bpf: str | None = None
    follow: str | None = None
    jobs: int = 1
    ray: str | None = None
    resume: str | None = None
    evidence: str | None = None
    evidence_mask: bool = False


@dataclass(frozen=True, kw_only=True)
class LiveOptions(RunOptions):
    """The options of `sensor live`."""

    names: tuple[str, ...] = ()
    wait_for_interface: bool = False
    bpf: str | None = None
    workers: int = 1
    timestamps: str = "kernel"
    promiscuous: bool = True
    backend: str = "auto"
    user: str | None = None
    host: str | None = None
    metrics: str | None = None
    stats_interval: float = 60.0
    duration: float | None = None
    evidence: str | None = None
