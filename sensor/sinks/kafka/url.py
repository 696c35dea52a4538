"""Targets of `--kafka`: brokers and a topic, and how to get in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sensor.base.escape import harmless
from sensor.errors import ConfigError
from sensor.sinks.server_options import bad_option, options_in, secret_in

PORT = 9092
OPTIONS = ("tls", "cafile", "user", "password_file", "mechanism")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
ALLOWED = (
    "HOST[:9092][,HOST...]/TOPIC, with ?tls=yes, &cafile=FILE, &user=NAME&password_file=FILE,"
    f" &mechanism={'|'.join(MECHANISMS)}"
)
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,200}")


@dataclass(frozen=True, slots=True)
class Address:
    """A target, taken apart and checked."""

    brokers: str
    topic: str
    security: dict[str, str] = field(default_factory=dict)
    """Settings of the client; secret."""

    def __str__(self) -> str:
        return f"{harmless(self.brokers)}/{harmless(self.topic)}"


def parse_address(target: str) -> Address:
    """The address that a target means, with the secrets that its files hold.

    Errors: ConfigError says what is wrong and what is allowed.
    """
    place, _, query = target.partition("?")
    brokers, slash, topic = place.rpartition("/")
    try:
        options = options_in(query, OPTIONS)
    except ValueError as error:
        raise bad_target(target, str(error)) from None
    if not slash or not _TOPIC.fullmatch(topic):
        raise bad_target(target, "behind the brokers a slash and a topic are missing")
    named = [_BROKER.fullmatch(broker) for broker in brokers.split(",")]
    if not all(named):
        raise bad_target(target, "the brokers are hosts with ports, with commas between them")
    listed = ",".join(f"{match[1]}{match[2] or f':{PORT}'}" for match in named if match)
    return Address(listed, topic, _security(target, options))


def _security(target: str, options: dict[str, str]) -> dict[str, str]:
    tls = options.get("tls", "yes" if options.get("cafile") else "no")
    mechanism = options.get("mechanism", MECHANISMS[0])
    if tls not in ("yes", "no") or mechanism not in MECHANISMS or (
            options.get("cafile") and tls == "no"):
        raise bad_target(target, "tls is yes or no, cafile is for yes, and mechanism one of those")
    if ("user" in options) != ("password_file" in options):
        raise bad_target(target, "user and password_file go together")
    settings = {"security.protocol": ("SASL_" if "user" in options else "")
                + ("SSL" if tls == "yes" else "PLAINTEXT")}
    if options.get("cafile"):
        settings["ssl.ca.location"] = options["cafile"]
    if "user" in options:
        settings |= {"sasl.mechanism": mechanism, "sasl.username": options["user"],
                     "sasl.password": _secret(target, options["password_file"])}
    return settings


def _secret(target: str, path: str) -> str:
    """The first line of a file. Errors: ConfigError."""
    try:
        return secret_in(path)
    except ValueError as error:
        raise bad_target(target, str(error)) from None


def bad_target(target: str, reason: str) -> ConfigError:
    return bad_option("kafka", target, reason, ALLOWED)
