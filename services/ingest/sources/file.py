"""Posts from a file or from standard input: NDJSON or CSV, gzipped or not.

A position is the number of lines consumed, so a file may grow but must not change above it. Standard input
is never resumed: what is piped in next may be something else, and repeats do no harm.
"""

import asyncio
import inspect
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import suppress
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, cast

from services.ingest.sources import Item, SourceError
from services.ingest.sources.lines import READ_FAULTS, Line, read_lines, unzip
from services.ingest.sources.post import MAX_POST_BYTES, PostError, PostFault, RawPost, begins, parse_post
from services.ingest.sources.table import Columns, looks_like_table, read_rows

T = TypeVar("T")

STDIN = "-"
Speed = float | Literal["max"] | None


class _Record(NamedTuple):
    consumed: int
    raw: bytes
    fault: PostError | None


class FileSource:
    """One file; `speed` None imports it, a number or "max" replays it with recorded time as the clock."""

    finite = True

    def __init__(self, id: str, path: str, speed: Speed = None) -> None:  # noqa: A002 - the protocol's word
        self.id = id
        self.replay = speed is not None
        self.resumable = path != STDIN
        self._path = path
        self._pacer = None if speed is None or speed == "max" else _Pacer(speed)

    async def items(self, position: str | None) -> AsyncGenerator[Item, None]:
        """Yield the posts after `position`.

        Raises:
            SourceError: the file is missing, or its compression is broken.

        """
        skip = int(position or 0) if self.resumable else 0
        records = self._records()
        try:
            while (batch := await _in_daemon(lambda: _until_wait(records))) is not None:
                for record in batch:
                    if record.consumed > skip:
                        yield await self._item(record)
        except READ_FAULTS as fault:
            raise SourceError(f"source {self.id} cannot be read: {type(fault).__name__}") from None
        finally:
            if (
                inspect.getgeneratorstate(records) != inspect.GEN_RUNNING
            ):  # else it waits for standard input, and ends with the process
                records.close()

    async def _item(self, record: _Record) -> Item:
        """Parse what is replayed already here, since its time sets the pace."""
        position = str(record.consumed)
        if not self.replay or record.fault is not None:
            return Item(position, record.raw, record.fault)
        try:
            post = parse_post(record.raw)
        except PostError as fault:
            return Item(position, record.raw, fault)
        if self._pacer is not None:
            await self._pacer.wait(post)
        return Item(position, post)

    def _records(self) -> Generator[_Record | None, None, None]:
        """Yield records, and None where the next one may have to be waited for. Runs in a thread."""
        if self._path == STDIN:
            stdin = cast("BufferedReader", sys.stdin.buffer)
            yield from _parse(read_lines(unzip(stdin), MAX_POST_BYTES), table=False)
            return
        with Path(self._path).open("rb") as stream, unzip(stream) as plain:
            table = self._path.removesuffix(".gz").endswith(".csv")
            yield from _parse(read_lines(plain, MAX_POST_BYTES), table=table)


class _Pacer:
    """Holds posts back until their time has come, `speed` times faster than it was recorded."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._zero: float | None = None

    async def wait(self, post: RawPost) -> None:
        """Sleep until the post is due; the first one is due at once."""
        due = begins(post.created_at).timestamp() / self._speed
        now = asyncio.get_running_loop().time()
        if self._zero is None:
            self._zero = now - due
        await asyncio.sleep(max(0.0, self._zero + due - now))


def _parse(lines: Iterator[Line | None], *, table: bool) -> Iterator[_Record | None]:
    """Tell a table from JSON lines by its name or its first line, and yield its records."""
    first = next((line for line in lines if line is not None), None)
    if first is None:
        return
    if table or looks_like_table(first.raw):
        yield from _from_table(Columns(first.raw), lines)
    else:
        yield from _from_json(chain([first], lines))


def _from_json(lines: Iterable[Line | None]) -> Iterator[_Record | None]:
    consumed = 0
    for line in lines:
        if line is None:
            yield None
            continue
        consumed += 1
        if line.overlong:
            fault = PostError(PostFault.TOO_LARGE, f"larger than {MAX_POST_BYTES // 1024} kB")
            yield _Record(consumed, line.raw, fault)
        elif line.raw.strip():
            yield _Record(consumed, line.raw, None)


def _from_table(columns: Columns, lines: Iterator[Line | None]) -> Iterator[_Record | None]:
    consumed = 1
    for row in read_rows(columns, lines):
        if row is None:
            yield None
            continue
        consumed += row.taken
        if row.raw or row.fault:
            yield _Record(consumed, row.raw, row.fault)


def _until_wait(records: Iterator[_Record | None]) -> list[_Record] | None:
    """Return the records that are there; None at the end."""
    batch: list[_Record] = []
    for record in records:
        if record is None:
            return batch
        batch.append(record)
    return batch or None


async def _in_daemon(work: Callable[[], T]) -> T:
    """Run `work` in a thread that does not keep the process alive: standard input may never end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, fault: BaseException | None) -> None:
        if future.done():
            return
        if fault is not None:
            future.set_exception(fault)
        else:
            future.set_result(cast("T", result))

    def body() -> None:
        result: T | None = None
        fault: BaseException | None = None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - the edge of a thread: handed to who waits
            fault = error
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, result, fault)

    threading.Thread(target=body, daemon=True, name="read").start()
    return await future
