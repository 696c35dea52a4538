"""What the URLs of servers have in common: options behind a question mark, and secrets in files."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import SplitResult, parse_qsl, urlsplit

from sensor.base.escape import harmless
from sensor.errors import ConfigError, reason_of

SECRET_BYTES_MAX = 4096
SHOWN = frozenset({
    "namespace", "cafile", "api_key_file", "user", "password_file", "pipeline", "tls", "mechanism",
    "facility",
})  # fmt: skip
"""Options whose values may be shown; a secret may stand in any other, which then is a mistake."""


def without_secrets(given: str) -> str:
    """What was given for a server, less what may be a secret in it: in front of an @, or as the
    value of an option that there is not.
    """
    place, mark, query = given.partition("?")
    start = place.find("://") + 3 if "://" in place else 0
    scheme, rest = place[:start], place[start:]
    pieces = []
    for piece in query.split("&"):
        name, equals, _ = piece.partition("=")
        if name in SHOWN:
            pieces.append(piece)
        elif "@" in piece:  # perhaps the ? was one of a password
            return f"{scheme}..."
        else:
            pieces.append(f"{name}=..." if equals else "..." if piece else "")
    if "@" in rest:
        rest = "...@" + rest.rpartition("@")[2]
    return scheme + rest + mark + "&".join(pieces)


def shown_path(path: str) -> str:
    """The name of a file, or of a place in an object store, for people."""
    return harmless(without_secrets(path) if "://" in path else path)


def split_url(url: str) -> tuple[SplitResult, int | None]:
    """The parts of a URL, and its port. Errors: ValueError, which quotes nothing of it."""
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        raise ValueError("no URL: behind the slashes a host and a port, up to 65535") from None


def options_in(query: str, known: Collection[str]) -> dict[str, str]:
    """The options of a URL's query. Errors: ValueError for one that is malformed or not known."""
    try:
        found = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else ()
    except ValueError:
        raise ValueError("behind the ? stands NAME=VALUE, with & between several") from None
    options = dict(found)
    if unknown := [name for name in options if name not in known]:
        raise ValueError(f"cannot use {', '.join(unknown)} here")
    return options


def secret_in(path: str) -> str:
    """The first line of a file. Errors: ValueError says why there is none."""
    try:
        with open(path, "rb") as file:
            lines = file.read(SECRET_BYTES_MAX).decode().splitlines()
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {reason_of(error)}") from None
    if not lines or not lines[0]:
        raise ValueError(f"{path}: there is no secret in its first line")
    return lines[0]


def bad_option(option: str, given: str, reason: str, allowed: str) -> ConfigError:
    """What is said of a server that cannot be meant, without a password that may stand in it."""
    return ConfigError(f"--{option} {harmless(without_secrets(given))}: {harmless(reason)}"
                       f"\n    allowed: {allowed}")
