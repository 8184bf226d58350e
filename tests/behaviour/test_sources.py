"""What every source does: posts in order, each with a position from which the rest can be had again."""

import asyncio
import gzip
import io
import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.config.secrets import Secret
from services.ingest.sources import Item, Outcome, PostFault, RawPost, Source, SourceError, parse_post
from services.ingest.sources.file import FileSource
from services.ingest.sources.webhook import WebhookSource, sign

SECRET = "x" * 40
COUNT = 700  # more than one read of a file


def post(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "channel": "x",
        "author": f"a{number}",
        "text": f'Regel "{number}"\nen; meer, van alles ' + "w" * 200,
        "created_at": f"2026-10-14T10:{number // 60 % 60:02}:{number % 60:02}Z",
        **fields,
    }


POSTS = [post(number) for number in range(COUNT)]
Make = Callable[[list[dict[str, Any]]], Awaitable[Source]]


def ndjson(posts: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in posts)


def table(posts: list[dict[str, Any]], separator: str = ",") -> bytes:
    def cell(value: object) -> str:
        return '"' + str("" if value is None else value).replace('"', '""') + '"'

    names = list(posts[0])
    lines = [separator.join(names), *(separator.join(cell(item[name]) for name in names) for item in posts)]
    return "\r\n".join(lines).encode()


@pytest.fixture(params=["ndjson", "ndjson.gz", "csv", "csv.gz", "csv;", "stdin", "replay", "webhook"])
async def make(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Make, None]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    senders: list[asyncio.Task[None]] = []

    async def build(posts: list[dict[str, Any]]) -> Source:
        kind: str = request.param
        if kind == "webhook":
            source = WebhookSource("s", Secret(env="HOOK_SECRET"), 10_000)
            senders.append(asyncio.create_task(send(source, posts)))
            return source
        raw = table(posts, ";" if ";" in kind else ",") if kind.startswith("csv") else ndjson(posts)
        raw = gzip.compress(raw) if kind.endswith(".gz") else raw
        if kind == "stdin":
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(raw))))
            return FileSource("s", "-")
        path = tmp_path / f"posts.{kind.strip(';')}"
        path.write_bytes(raw)
        return FileSource("s", str(path), "max" if kind == "replay" else None)

    yield build
    for sender in senders:
        sender.cancel()
    await asyncio.gather(*senders, return_exceptions=True)


async def send(source: WebhookSource, posts: list[dict[str, Any]]) -> None:
    """Send posts in bundles, as another system would, in order."""
    await asyncio.sleep(0.01)
    for start in range(0, len(posts), 50):
        body = json.dumps(posts[start : start + 50]).encode()
        stamp = int(time.time())
        await source.receive(body, sign(SECRET, stamp, body), stamp)


async def take(source: Source, count: int, position: str | None = None) -> list[Item]:
    taken: list[Item] = []
    async with aclosing(source.items(position)) as items:
        async for item in items:
            taken.append(item)
            if item.settled:
                item.settled(Outcome.PUBLISHED)
            if len(taken) == count:
                break
    return taken


def read(item: Item) -> RawPost:
    assert item.fault is None
    return parse_post(item.raw) if isinstance(item.raw, bytes) else item.raw


async def test_it_brings_every_post_once_in_order(make: Make) -> None:
    posts = [read(item) for item in await take(await make(POSTS), COUNT)]
    assert [str(number) for number in range(COUNT)] == [found.id for found in posts]
    assert POSTS[3]["text"] == posts[3].text


async def test_positions_are_distinct_and_grow(make: Make) -> None:
    positions = [int(item.position) for item in await take(await make(POSTS), COUNT)]
    assert sorted(set(positions)) == positions


async def test_the_same_posts_get_the_same_positions(make: Make) -> None:
    once = await take(await make(POSTS[:120]), 120)
    again = await take(await make(POSTS[:120]), 120)
    assert [item.position for item in once] == [item.position for item in again]


@pytest.mark.parametrize("stop", [1, 137, COUNT - 1])
async def test_it_resumes_after_a_position(make: Make, stop: int) -> None:
    source = await make(POSTS)
    if not source.resumable:
        return
    first = await take(source, stop)
    rest = POSTS[stop:] if source.finite is False else POSTS  # a sender keeps what was not answered
    left = await take(await make(rest), COUNT - stop, first[-1].position)
    assert [read(item).id for item in left] == [str(number) for number in range(stop, COUNT)]
    assert int(left[0].position) > int(first[-1].position)


async def test_a_finite_source_ends_by_itself(make: Make) -> None:
    source = await make(POSTS[:3])
    if source.finite:
        async with asyncio.timeout(5):
            assert len(await take(source, COUNT)) == 3


async def test_a_source_can_be_closed_while_it_waits(make: Make) -> None:
    source = await make(POSTS[:1])
    async with asyncio.timeout(5):
        items = source.items(None)
        await anext(items)
        await items.aclose()


async def test_broken_posts_stand_between_good_ones(make: Make) -> None:
    source = await make([post(1), post(2, channel="hyves"), post(3)])
    items = await take(source, 3)
    assert read(items[0]).id == "1"
    assert read(items[2]).id == "3"
    assert not isinstance(items[1].raw, RawPost)


def write(folder: Path, raw: bytes, name: str = "posts.ndjson") -> str:
    (folder / name).write_bytes(raw)
    return str(folder / name)


async def test_a_number_paces_by_the_posts_own_times(tmp_path: Path) -> None:
    path = write(tmp_path, ndjson([post(0), post(20), post(10), post(40)]))
    start = time.monotonic()
    await take(FileSource("s", path, 100), 4)
    assert 0.35 < time.monotonic() - start < 2


async def test_standard_input_is_read_from_its_beginning_whatever_came_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO(ndjson(POSTS[:3]))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(raw)))
    assert len(await take(FileSource("s", "-"), 9, position="2")) == 3


async def test_a_missing_file_is_a_fault_of_the_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="source s cannot be read: FileNotFoundError"):
        await take(FileSource("s", str(tmp_path / "none")), 1)


@pytest.mark.parametrize("cut", [11, 200])
async def test_a_broken_archive_is_a_fault_of_the_source(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path, gzip.compress(ndjson(POSTS))[:-cut])
    with pytest.raises(SourceError):
        await take(FileSource("s", path), COUNT + 1)


async def test_blank_lines_count_and_bring_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, b"\n" + ndjson([post(1)]) + b"\n  \n" + ndjson([post(2)]))
    assert [item.position for item in await take(FileSource("s", path), 9)] == ["2", "5"]


async def test_a_byte_order_mark_is_no_part_of_a_post(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbf" + ndjson([post(1)]))
    assert read((await take(FileSource("s", path), 9))[0]).id == "1"


async def test_an_endless_line_costs_one_item_and_little_memory(tmp_path: Path) -> None:
    path = write(tmp_path, ndjson([post(1)]) + b"x" * 3_000_000 + b"\n" + ndjson([post(2)]))
    items = await take(FileSource("s", path), 9)
    assert [item.position for item in items] == ["1", "2", "3"]
    assert items[1].fault is not None
    assert items[1].fault.code is PostFault.TOO_LARGE
    assert len(items[1].raw) < 300_000  # type: ignore[arg-type]


async def test_an_empty_file_ends_at_once(tmp_path: Path) -> None:
    for name in ("posts.ndjson", "posts.csv"):
        assert await take(FileSource("s", write(tmp_path, b"", name)), 1) == []


async def test_a_table_leaves_out_empty_cells_and_reads_numbers(tmp_path: Path) -> None:
    head = b"ID,Channel,author,text,created_at,reach,stars,stars_of,likes\n"
    rows = b'1,zorgkaart,jan,goed,2026-10-14,12,"7,5",10,99\n2,zorgkaart,piet,,2026-10-14,,,,\n'
    one, two = [read(item) for item in await take(FileSource("s", write(tmp_path, head + rows)), 9)]
    assert (one.reach, one.stars, one.stars_of) == (12, 7.5, 10)
    assert (two.reach, two.stars, two.text) == (None, None, "")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b"1,x,jan,hoi,2026-10-14,veel", PostFault.WRONG_TYPE),
        (b"1,x,jan,hoi,2026-10-14,1,te veel", PostFault.BAD_ROW),
        (b"1,x,jan,ho\xff,2026-10-14,1", PostFault.NOT_UTF8),
        (b",x,jan,hoi,2026-10-14,1", PostFault.MISSING),
        (b'1,x,jan,"hoi,2026-10-14,1', PostFault.BAD_ROW),
        (b"1,x,jan,hoi,2026-10-14,-1", PostFault.NEGATIVE),
        (b"1,x,jan," + b"x" * 300_000, PostFault.TOO_LARGE),
    ],
)
async def test_a_broken_row_costs_itself_alone(tmp_path: Path, row: bytes, code: PostFault) -> None:
    head = b"id,channel,author,text,created_at,reach\n"
    good = b'%d,x,jan,"hoi\nhoi",2026-10-14,1\n'
    path = write(tmp_path, head + good % 8 + row + b"\n" + good % 9, "posts.csv")
    source = FileSource("s", path, "max")
    before, broken, after = await take(source, 9)
    assert [read(before).id, read(after).id] == ["8", "9"]
    assert broken.fault is not None
    assert broken.fault.code is code
    assert [before.position, broken.position, after.position] == ["3", "4", "6"]


@pytest.mark.parametrize("head", [b'"id"x,channel\n', b"\xff\xfe\x00\n", b"\n", b"id\n", b'"\n'])
async def test_a_table_without_a_header_of_posts_is_refused_row_by_row(tmp_path: Path, head: bytes) -> None:
    path = write(tmp_path, head + b"1,x,jan,hoi,2026-10-14\n" * 3, "posts.csv")
    items = await take(FileSource("s", path, "max"), 9)
    assert len(items) == 3
    assert all(item.fault for item in items)


@given(st.lists(st.sampled_from([b'"', b",", b"\n", b"\r\n", b";", b"a", b"\xff", b"\0", b'"a"\n', b"{}"])))
def test_any_bytes_make_items_with_growing_positions(pieces: list[bytes]) -> None:
    raw = b"id,channel\n" + b"".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        items = asyncio.run(take(FileSource("s", write(Path(folder), raw), "max"), 10_000))
    positions = [int(item.position) for item in items]
    assert sorted(set(positions)) == positions
    assert not positions or positions[-1] <= raw.count(b"\n") + 1
