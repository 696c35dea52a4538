"""Indicator files: what is known to be bad, as documents with `threat.indicator.*` fields.

Three forms, told by the name of the file: NDJSON (`.ndjson`, `.jsonl`, `.json`) and CSV with a
heading (`.csv`) hold such fields themselves; any other is a list with one address, network, domain,
URL or hash a line. What comes after ` #` or ` ;` on a line of a list is its description.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sensor.base.escape import harmless
from sensor.errors import ConfigError
from sensor.model.columns import Document
from sensor.query.document_rows import merge, nested, values_at
from sensor.query.values import is_network

FILE_BYTES_MAX = 256 << 20
INDICATORS_MAX = 1_000_000
"""Indicators of one file."""
ERRORS_SHOWN = 20
FIELDS = "threat.indicator."

_HASHES = {32: "md5", 40: "sha1", 64: "sha256"}
_DOMAIN = re.compile(r"(?:[\w*-]{1,63}\.){1,127}[\w-]{1,63}\.?")
_COMMENT = re.compile(r"(?:^|\s+)[#;](.*)$")


class IndicatorFile:
    """The indicators of one file; documents are made when they are asked for.

    Errors: ConfigError that lists what is wrong with the file.
    """

    def __init__(self, name: str) -> None:
        path = Path(name)
        self.name = harmless(path.name)
        self._shown = harmless(name)
        self._errors: list[str] = []
        self._entries: list[tuple[int, str, str]] = []
        """Line, field and value; without a field the value is a document as JSON."""
        content = self._content(path)
        suffix = path.suffix.lower()
        if suffix in (".ndjson", ".jsonl", ".json"):
            self._read_json(content)
        elif suffix == ".csv":
            self._read_csv(content)
        else:
            self._read_list(content)
        if len(self._entries) > INDICATORS_MAX:
            self._errors.append(f"{self._shown}: more than {INDICATORS_MAX} indicators")
        if self._errors:
            more = len(self._errors) - ERRORS_SHOWN
            shown = self._errors[:ERRORS_SHOWN]
            raise ConfigError("\n".join([*shown, *([f"and {more} more"] if more > 0 else [])]))

    def __len__(self) -> int:
        """The number of them."""
        return len(self._entries)

    def documents(self) -> Iterator[Document]:
        """All indicators, in the order of the file."""
        return (self.document(index) for index in range(len(self._entries)))

    def document(self, index: int) -> Document:
        """One indicator as a document."""
        _, name, value = self._entries[index]
        document: Document = {
            "event": {"kind": "enrichment", "category": ["threat"], "type": ["indicator"],
                      "module": "threatintel", "dataset": "threatintel.file"},
            "threat": {"feed": {"name": self.name}},
        }
        if name:
            merge(document, {"threat": {"indicator": _indicator(name, value)}})
            return document
        merge(document, nested(json.loads(value)))
        threat = document["threat"]
        indicator = threat.get("indicator") if isinstance(threat, dict) else None
        # What an alert has of it are only some of its fields, not the network.
        if isinstance(indicator, dict) and "name" not in indicator and (
                addresses := values_at(indicator, "ip")):
            indicator["name"] = ", ".join(map(str, addresses))
        return document

    def line(self, index: int) -> int:
        """The line of the file on which one stands."""
        return self._entries[index][0]

    def _content(self, path: Path) -> str:
        try:
            if path.stat().st_size > FILE_BYTES_MAX:
                raise ConfigError(f"{self._shown}: larger than {FILE_BYTES_MAX} octets")
            return path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{self._shown}: not UTF-8 at octet {error.start}") from None
        except OSError as error:
            raise ConfigError(f"{self._shown}: cannot be read: {error.strerror}") from None

    def _wrong(self, line: int, reason: str) -> None:
        self._errors.append(f"{self._shown}:{line}: {reason}")

    def _are_networks(self, line: int, values: Iterable[object]) -> bool:
        """True if each value is an address or a network; which is not, is wrong."""
        for value in values:
            if not is_network(str(value)):
                self._wrong(line, f"{harmless(str(value)[:80])!r} is neither an address nor a"
                                  " network")
                return False
        return True

    def _read_list(self, content: str) -> None:
        for line, written in enumerate(content.split("\n"), 1):
            comment = _COMMENT.search(written)
            value = (written[: comment.start()] if comment else written).strip()
            if not value:
                continue
            name = _field_of(value)
            if not name:
                self._wrong(line, f"{harmless(value[:80])!r} is neither an address nor a network,"
                                  " domain, URL or hash")
                continue
            text = (comment[1].strip() if comment else "")
            self._entries.append((line, name, f"{value} {text}".strip()))

    def _read_csv(self, content: str) -> None:
        rows = csv.reader(io.StringIO(content, newline=""), strict=True)
        try:
            heading = [name.strip() for name in next(rows, [])]
            if not any(name.startswith(FIELDS) for name in heading):
                self._wrong(1, f"the heading names no {FIELDS}* column")
                return
            for row in rows:
                fields = {name: value.strip() for name, value in zip(heading, row, strict=False)
                          if name and value.strip()}
                if len(row) > len(heading):
                    self._wrong(rows.line_num, "more values than the heading has names")
                elif any(name.startswith(FIELDS) for name in fields) and self._are_networks(
                        rows.line_num, [fields.get(f"{FIELDS}ip", "::")]):
                    self._entries.append((rows.line_num, "", json.dumps(fields)))
        except csv.Error as error:
            self._wrong(rows.line_num, f"CSV: {error}")

    def _read_json(self, content: str) -> None:
        for line, written in enumerate(content.split("\n"), 1):
            if not written.strip():
                continue
            try:
                document = json.loads(written)
            except (ValueError, RecursionError) as error:
                self._wrong(line, f"JSON: {error}")
                continue
            source = document.get("_source") if isinstance(document, dict) else None
            document = source if isinstance(source, dict) else document
            if not isinstance(document, dict) or not values_at(
                    unfolded := nested(document), FIELDS[:-1]):
                self._wrong(line, f"no document with {FIELDS}* fields")
                continue
            if not self._are_networks(line, values_at(unfolded, f"{FIELDS}ip")):
                continue
            self._entries.append((line, "", json.dumps(document)))


def read_indicators(names: Iterable[str]) -> list[IndicatorFile]:
    """Indicator files, each once. Errors: ConfigError that lists everything that is wrong."""
    files, errors = [], []
    for name in dict.fromkeys(names):
        try:
            files.append(IndicatorFile(name))
        except ConfigError as error:
            errors.append(str(error))
    if errors:
        raise ConfigError("\n".join(errors))
    return files


def _field_of(value: str) -> str:
    """The field that a value of a list belongs to; empty if it is nothing that is known."""
    if is_network(value):
        return "ip"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://\S+$", value):
        return "url.full"
    if re.fullmatch(r"[0-9A-Fa-f]+", value) and len(value) in _HASHES:
        return f"file.hash.{_HASHES[len(value)]}"
    # No top-level domain is a number: 10.0.0.256 is none.
    is_domain = _DOMAIN.fullmatch(value) and not value.rstrip(".").split(".")[-1].isdigit()
    return "url.domain" if is_domain else ""


def _indicator(name: str, written: str) -> Document:
    """The indicator that a value of a list stands for."""
    value, _, description = written.partition(" ")
    if name == "ip":
        kind = "ipv6-addr" if ":" in value else "ipv4-addr"
        indicator: Document = {"name": value, "type": kind, "ip": value}
    elif name == "url.full":
        indicator = {"name": value, "type": "url", "url": {"full": value, "original": value}}
    elif name == "url.domain":
        value = value.lower().rstrip(".")
        indicator = {"name": value, "type": "domain-name", "url": {"domain": value}}
    else:
        value, kind = value.lower(), name.rpartition(".")[2]
        # ECS has hashes of files in small letters, those of certificates in capitals.
        spellings = [value, value.upper()]
        indicator = {"name": value, "type": "file", "file": {"hash": {kind: spellings}}}
    if description:
        indicator["description"] = description
    return indicator
