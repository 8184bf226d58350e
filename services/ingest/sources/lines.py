"""Lines of a byte stream, gzipped or not, with a bound on what one line may cost."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import cast

_CHUNK = 128 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
READ_FAULTS = (OSError, EOFError, zlib.error)  # gzip's own is an OSError


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; of one longer than the limit only the beginning is kept."""

    raw: bytes
    overlong: bool = False


def unzip(stream: BufferedReader) -> BufferedReader:
    """Return the stream itself, or what it holds when it begins like gzip."""
    if stream.peek(2)[:2] == _GZIP_MAGIC:
        return cast("BufferedReader", gzip.GzipFile(fileobj=stream))
    return stream


def read_lines(stream: BufferedReader, limit: int) -> Iterator[Line | None]:
    """Yield the lines; None where the next one may have to be waited for."""
    rest = b""
    cut = False  # `rest` is the beginning of a line that is too long
    first = True
    while chunk := stream.read1(_CHUNK):
        if first:
            chunk = chunk.removeprefix(_BOM)
            first = False
        *whole, tail = chunk.split(b"\n")
        for piece in whole:
            yield _line(rest if cut else rest + piece, limit, cut=cut)
            rest, cut = b"", False
        if not cut:
            rest += tail
            cut = len(rest) > limit
            rest = rest[: limit + 1]
        yield None
    if rest:
        yield _line(rest, limit, cut=cut)


def _line(raw: bytes, limit: int, *, cut: bool) -> Line:
    return Line(raw[:limit], overlong=True) if cut or len(raw) > limit else Line(raw.removesuffix(b"\r"))
