"""EventReader: the documents of one file, in its order, with their times.

Only lines that the rules may select are parsed (prefilter.py). A document without a time has the
time of the one before it, so that one may have to be looked for among the lines that were passed
over.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import orjson

from sensor.base.escape import harmless
from sensor.capture.files.batches import format_of
from sensor.compression.formats import DecompressError
from sensor.config import EventLimits
from sensor.errors import CaptureError
from sensor.events import envelopes
from sensor.events.line_reader import BlockError, Blocks
from sensor.events.prefilter import scanner_for
from sensor.events.reorder import Timed
from sensor.events.scanner import Scanner
from sensor.model.columns import Document
from sensor.query.required_terms import Clauses

NAMED_MAX = 10
"""Bad lines of a file that are named; the others are counted."""
FOUND_MAX = 4096
"""Lines of a block that are looked at in one go."""


@dataclass(slots=True)
class Counts:
    """Counts of the lines of an input, by what became of them."""

    read: int = 0
    """Documents, parsed or passed over."""
    parsed: int = 0
    """Documents that were parsed: their line may matter to a rule."""
    bad: int = 0
    """Lines that are no document."""
    undated: int = 0
    """Parsed documents without a time."""


class EventReader:
    """Reads one file (`-`: standard input) once; `needs` as in prefilter.scanner_for."""

    def __init__(
        self, path: str, needs: Collection[Clauses] | None, limits: EventLimits,
        *, always: bool = False,
    ) -> None:
        self.path = path
        self.counts = Counts()
        self.reached_ns = -1
        """The newest time that was met."""
        self.blocks: Blocks | None = None
        self._needs = needs
        self._limits = limits
        self._always = always
        self._scanner: Scanner | None = None
        self._found = array("q", bytes(8 * 3 * FOUND_MAX))
        self._last_ns: int | None = None
        """The time of the last document before the block that has one."""
        self._named: list[str] = []

    def __iter__(self) -> Iterator[tuple[list[Timed], int] | None]:
        """The documents of each block, and their octets; None where nothing comes for a while.

        Errors: CaptureError at the end, with everything that was wrong.
        """
        problem = ""
        try:
            blocks = self.blocks = Blocks(self.path, self._limits.line_bytes, self._limits.idle_s)
            for is_block in blocks:
                if is_block and not blocks.first_line:
                    _refuse_other_kinds(bytes(blocks.data[: min(512, blocks.end)]))
                yield self._documents(blocks) if is_block else None
                self._note_long(blocks)
        except OSError as error:
            problem = f"cannot be read: {(error.strerror or str(error)).lower()}"
        except (DecompressError, BlockError, ValueError) as error:
            problem = str(error)
        finally:
            if self.blocks is not None:
                self._note_long(self.blocks)
                self.blocks.close()
        if self.counts.bad > len(self._named):
            self._named.append(f"{self.counts.bad - len(self._named)} more bad lines")
        if problem or self._named:
            raise CaptureError(self.path, "; ".join([*([problem] if problem else []),
                                                     *self._named]))

    # --- one block

    def _documents(self, blocks: Blocks) -> tuple[list[Timed], int]:
        found: list[Timed] = []
        octets = 0
        if blocks.is_spread:
            for start, end in blocks.records():
                octets += self._take(start, end, 0, found)
                self.counts.read += 1
        else:
            octets = self._search(blocks, found)
        if found:
            self.reached_ns = max(self.reached_ns, *(time_ns for time_ns, _ in found))
        return found, octets

    def _search(self, blocks: Blocks, found: list[Timed]) -> int:
        data, end = blocks.data, blocks.end
        if self._scanner is None:
            self._scanner = scanner_for(self._needs, data, end, always=self._always)
        scanner, at, octets, after = self._scanner, 0, 0, 0
        while at < end:
            count = scanner.scan(data, at, end, self._found)
            lines = self._found[: 3 * count].tolist()
            for place in range(0, 3 * count, 3):
                taken = self._take(lines[place], lines[place + 1], after, found)
                if taken:
                    octets += taken
                    after = lines[place + 1]
            self.counts.read += scanner.lines
            at = scanner.at
        if not scanner.takes_all:
            time_ns = self._time_before(after, end)
            if time_ns is not None:
                self._last_ns = time_ns
                self.reached_ns = max(self.reached_ns, time_ns)
        return octets

    def _take(self, start: int, end: int, after: int, found: list[Timed]) -> int:
        """Parse data[start:end]; `after` is where the last document ended.

        Returns its octets; 0 if no document is in it.
        """
        blocks = self.blocks
        assert blocks is not None
        line = memoryview(blocks.data)[start:end]
        try:
            documents = self._parsed(line)
        except ValueError as error:
            self.counts.read -= 1
            self._note(blocks.first_line + blocks.data.count(b"\n", 0, start) + 1, error)
            return 0
        self.counts.read += len(documents) - 1
        self.counts.parsed += len(documents)
        for document in documents:
            time_ns = envelopes.date_of(document)
            if time_ns is None:
                time_ns = self._time_before(after, start)
                if time_ns is None:
                    time_ns = self._time_after(end)
                self.counts.undated += 1
                envelopes.set_date(document, time_ns)
            self._last_ns = time_ns
            after = start  # the others of this line
            found.append((time_ns, document))
        return end - start if documents else 0

    def _parsed(self, line: memoryview) -> list[Document]:
        """The documents of a line. Errors: ValueError."""
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            text = bytes(line).strip().rstrip(b",")  # a member of an array, one a line
            if text in (b"[", b"]", b""):
                return []
            value = orjson.loads(text)
        try:
            documents = envelopes.documents_of(value)
        except RecursionError:
            raise envelopes.FormError(f"nested more than {envelopes.DEPTH_MAX} deep") from None
        text = bytes(line)
        if text.count(b"{") + text.count(b"[") + text.count(b".") > envelopes.DEPTH_MAX and any(
                envelopes.is_too_deep(document) for document in documents):
            raise envelopes.FormError(f"nested more than {envelopes.DEPTH_MAX} deep")
        return documents

    # --- documents without a time

    def _time_before(self, start: int, end: int) -> int | None:
        """The time of the last document in data[start:end] that has one, else of those before."""
        assert self.blocks is not None
        data = self.blocks.data
        while end > start:
            line_start = max(data.rfind(b"\n", start, end) + 1, start)
            time_ns = self._time_in(memoryview(data)[line_start:end])
            if time_ns is not None:
                return time_ns
            end = line_start - 1
        return self._last_ns

    def _time_after(self, start: int) -> int:
        """The time of the first document behind `start` that has one: nothing before has."""
        assert self.blocks is not None
        data, end = self.blocks.data, self.blocks.end
        while start < end:
            line_end = data.find(b"\n", start, end)
            line_end = end if line_end < 0 else line_end
            time_ns = self._time_in(memoryview(data)[start:line_end])
            if time_ns is not None:
                return time_ns
            start = line_end + 1
        return 0

    def _time_in(self, line: memoryview) -> int | None:
        """The time of the last document of a line that has one; a bad line has none."""
        try:
            documents = self._parsed(line) if len(line) else []
        except ValueError:
            return None
        times = [time_ns for time_ns in map(envelopes.date_of, documents) if time_ns is not None]
        return times[-1] if times else None

    # --- bad lines

    def _note(self, line: int, error: ValueError) -> None:
        self.counts.bad += 1
        if len(self._named) < NAMED_MAX:
            reason = f": {error}"
            if isinstance(error, orjson.JSONDecodeError):
                reason = f", column {error.pos + 1}: not JSON: {error.msg}"
            self._named.append(f"line {line}{harmless(reason)}")

    def _note_long(self, blocks: Blocks) -> None:
        for line in blocks.too_long:
            self._note(line, envelopes.FormError(f"longer than {self._limits.line_bytes} octets"))
        blocks.too_long.clear()


def _refuse_other_kinds(start: bytes) -> None:
    """Errors: BlockError for a file that is no text: not each of its lines is wrong, but all."""
    if kind := format_of(start):
        raise BlockError(f"this is a {kind} file, not documents: give it as PATH")
    if start.startswith(b"PK\x03\x04") or start[257:262] == b"ustar":
        raise BlockError("this is an archive of files, not text: unpack it")
