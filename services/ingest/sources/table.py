"""CSV as other tools write it: rows to the JSON of a post, so that every source passes the same checks."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from services.ingest.sources.lines import Line
from services.ingest.sources.post import MAX_POST_BYTES, PostError, PostFault

_WHOLE = re.compile(r"-?\d{1,15}")
_NUMBER = re.compile(r"-?\d{1,15}(?:[.,]\d{1,6})?")
_WHOLE_COLUMNS = ("reach", "revision")
_NUMBER_COLUMNS = ("stars", "stars_of")


class Row(NamedTuple):
    """How many lines a row takes, the JSON of its post (empty for a blank line), and its fault."""

    taken: int
    raw: bytes
    fault: PostError | None


class Columns:
    """The header of a table: its separator and its names."""

    def __init__(self, header: bytes) -> None:
        text = header.decode(errors="replace")
        self._separator = max(",;\t", key=text.count)  # spreadsheets set to Dutch write semicolons
        try:
            self.names = [name.strip().casefold() for name in self._cells(text)]
        except csv.Error:
            self.names = []  # no row fits it, and each says so

    def to_json(self, row: bytes) -> bytes:
        """Return the row as the JSON of a post; an empty cell is absent.

        Raises:
            PostError: the row does not fit the header.

        """
        try:
            text = row.decode()
        except UnicodeDecodeError:
            raise PostError(PostFault.NOT_UTF8, "not valid UTF-8") from None
        try:
            cells = self._cells(text)
        except csv.Error:
            raise PostError(PostFault.BAD_ROW, "not a row of CSV") from None
        if len(cells) > len(self.names):
            raise PostError(PostFault.BAD_ROW, "more cells than the header has")
        filled = {name: _typed(name, cell) for name, cell in zip(self.names, cells, strict=False) if cell}
        return msgspec.json.encode(filled)

    def _cells(self, text: str) -> list[str]:
        csv.field_size_limit(MAX_POST_BYTES)
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=self._separator, strict=True), [])


def looks_like_table(first: bytes) -> bool:
    """Tell whether a first line is the header of a table of posts."""
    return not first.lstrip().startswith((b"{", b"[")) and {"id", "channel"} <= set(Columns(first).names)


def read_rows(columns: Columns, lines: Iterable[Line | None]) -> Iterator[Row | None]:
    """Yield the rows below the header, and None where a next one may have to be waited for.

    A quoted cell may hold line ends. What does not make a row together costs its first line alone, so that
    a quotation mark that is never closed does not take the rest of the file with it.
    """
    source = iter(lines)
    again: deque[Line] = deque()
    while True:
        group: list[Line] = []
        quotes = size = 0
        while not group or (quotes % 2 and size <= MAX_POST_BYTES):
            line = again.popleft() if again else next(source, _END)
            if line is _END:
                break
            if line is None:
                if not group:
                    yield None
                continue
            group.append(line)
            quotes += line.raw.count(b'"')
            size += len(line.raw)
        if not group:
            return
        row = _row(columns, group, closed=quotes % 2 == 0)
        again.extendleft(reversed(group[row.taken :]))
        yield row


def _row(columns: Columns, group: list[Line], *, closed: bool) -> Row:
    """Make a row of some lines, or a fault of the first one."""
    first = group[0].raw
    if any(line.overlong for line in group):
        return Row(1, first, PostError(PostFault.TOO_LARGE, f"larger than {MAX_POST_BYTES // 1024} kB"))
    if not closed:
        return Row(1, first, PostError(PostFault.BAD_ROW, "a quotation mark that is never closed"))
    whole = b"\n".join(line.raw for line in group)
    try:
        return Row(len(group), columns.to_json(whole) if whole.strip() else b"", None)
    except PostError as fault:
        return Row(1, first, fault)


_END = Line(b"", overlong=True)


def _typed(name: str, cell: str) -> str | int | float:
    """Return a number where the column wants one and the cell holds one; else the checks will name it."""
    if name in _WHOLE_COLUMNS and _WHOLE.fullmatch(cell.strip()):
        return int(cell)
    if name in _NUMBER_COLUMNS and _NUMBER.fullmatch(cell.strip()):
        return float(cell.replace(",", "."))
    return cell
