"""`stormwacht backtest`: what the detector would have said of recorded posts or counts."""

import csv
import heapq
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

import click
import msgspec
from rich.progress import Progress, TaskID

from services.config.loading import load
from services.config.values import show
from services.messages.records import ScoredMention
from services.messages.vocabulary import Kind, Sentiment, Size, StormState
from services.runtime.settings import from_environment
from services.sentiment.backtest import posts
from services.sentiment.backtest.counts import COLUMNS, Series
from services.sentiment.backtest.page import page
from services.sentiment.backtest.posts import Post, RowError
from services.sentiment.backtest.replay import DisorderError, Replay
from services.sentiment.backtest.steps import Step, Summary, step_of
from services.sentiment.backtest.timeline import Timeline
from services.sentiment.models import Scorer, configured_scorer
from services.sentiment.rows import READABLE, InputError, is_table, name_of, opened, progress, rows

BATCH = 256  # posts held in memory
SHOWN_IDS = 20


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=READABLE)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Subscription file with the sizes; institutions that it does not know are an error.",
)
@click.option(
    "--plot", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write an HTML page."
)
def backtest(files: Sequence[Path], config: Path | None, plot: Path | None) -> None:
    """Run recorded posts or counts through the storm detector, and show every step.

    FILE holds posts, as NDJSON or CSV with `id`, `institution`, `channel`, `kind`, `author`, `text`,
    `created_at` and optionally `sentiment`; or counts, as CSV with `timestamp` and `value`.
    Posts of several files are merged by time.
    """
    if plot is not None and not plot.parent.is_dir():
        raise click.UsageError(f"--plot {plot}: there is no folder {plot.parent}")
    known = None if config is None else _Known(config)
    with progress("posts and counts replayed") as bar:
        run = _Run(known, bar, drawn=plot is not None)
        run.replay([file for file in files if not _holds_counts(file)])
        for file in files:
            if _holds_counts(file):
                run.count(file)
    steps = sorted(run.steps, key=lambda step: (step.at, step.institution, step.seq))
    if plot is not None:
        try:
            plot.write_text(page(run.timelines, steps, run.summary()), encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"{plot} cannot be written: {error.strerror}") from None
    for line in (*steps, run.summary()):
        sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()
    click.echo(run.summary().words(), err=True)


class _Known:
    """The institutions of a subscription file."""

    def __init__(self, config: Path) -> None:
        self.config = config
        flat = load(config).flat()
        self.sizes: Mapping[str, Size] = {name: found.size for name, found in flat.items()}
        self.organisations: Mapping[str, str] = {
            name: found.organisation for name, found in flat.items() if found.ancestors
        }

    def check(self, institution: str) -> None:
        """Raise RowError when it is none of them."""
        if institution not in self.sizes:
            ids = sorted(self.sizes)
            more = f" and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else ""
            raise RowError(
                f"institution: {show(institution)} is not in {self.config}; "
                f"known are {', '.join(ids[:SHOWN_IDS])}{more}"
            )


class _Line(NamedTuple):
    """A post and where it stands."""

    post: Post
    name: str
    number: int


class _Run:
    """Everything that one backtest counts and finds; the posts themselves pass through."""

    def __init__(self, known: _Known | None, bar: Progress, *, drawn: bool) -> None:
        self.steps: list[Step] = []
        self.timelines: dict[str, Timeline] = defaultdict(Timeline)
        self._known = known
        self._sizes = known.sizes if known else {}
        self._organisations = known.organisations if known else {}
        self._replay = Replay(lambda name: self._sizes.get(name, Size.MEDIUM))
        self._bar = bar
        self._task: TaskID = bar.add_task("", total=None)
        self._drawn = drawn
        self._scorer: Scorer | None = None
        self._posts = self._negative = self._skipped = 0
        self._series: dict[str, Series] = {}
        self._first: float | None = None
        self._last: float | None = None

    def replay(self, files: Sequence[Path]) -> None:
        """Take the posts of these files in, by time as far as the files are in order of time."""
        with ExitStack() as stack:
            read = [_posts(file, stack.enter_context(opened(file)), self._known) for file in files]
            lines = heapq.merge(*read, key=lambda line: line.post.created_at)
            while batch := list(islice(lines, BATCH)):
                for line, scored in zip(batch, self._scored([line.post for line in batch]), strict=True):
                    self._take(line, scored)
                self._bar.advance(self._task, len(batch))
        self.steps += map(step_of, self._replay.finish())

    def count(self, file: Path) -> None:
        """Take the counts of a file in."""
        name = file.stem
        if name in self._series or name in self.timelines:
            raise InputError(f"{name_of(file)}: a second series or institution named {name}; rename the file")
        series = self._series[name] = Series(name)
        with opened(file) as stream:
            for number, row in rows(stream, file):
                try:
                    at, value, steps = series.take(row)
                except RowError as fault:
                    raise InputError(f"{name_of(file)}:{number}: {fault}") from None
                self.steps += steps
                self._see(at.timestamp())
                if self._drawn:
                    self.timelines[name].add(at.timestamp(), value, 0)
                if series.taken % BATCH == 0:
                    self._bar.advance(self._task, BATCH)

    def summary(self) -> Summary:
        """Return the counts so far."""
        return Summary(
            posts=self._posts,
            negative=self._negative,
            skipped=self._skipped,
            institutions=self._replay.institutions,
            counts=sum(series.taken for series in self._series.values()),
            series=len(self._series),
            incidents=len({step.id for step in self.steps}),
            storms=len({step.id for step in self.steps if step.state is StormState.STORM}),
            open=self._replay.open + sum(series.volume.open for series in self._series.values()),
            first=_moment(self._first),
            last=_moment(self._last),
        )

    def _take(self, line: _Line, scored: ScoredMention) -> None:
        try:
            seen, steps = self._replay.take(scored)
        except DisorderError:
            raise InputError(
                f"{line.name}:{line.number}: created_at: more than a day before a post of this institution "
                "that stands above it; sort the file by created_at"
            ) from None
        self.steps += map(step_of, steps)
        self._posts += 1
        self._see(seen.at)
        if not seen.voice:
            self._skipped += 1
            return
        negative = seen.negative and not seen.reshare
        self._negative += negative
        if self._drawn:
            self.timelines[scored.watched_as].add(seen.at, 1, int(negative))

    def _see(self, at: float) -> None:
        self._first = at if self._first is None else min(self._first, at)
        self._last = at if self._last is None else max(self._last, at)

    def _scored(self, batch: Sequence[Post]) -> Iterator[ScoredMention]:
        """Yield the posts with the sentiment that they came with, or else the model's."""
        unknown = [post for post in batch if _is_asked(post)]
        found = iter(self._model().score([post.text for post in unknown]) if unknown else ())
        for post in batch:
            if _is_asked(post):
                scores = next(found)
                negative, positive = scores.negative, scores.positive
            else:
                negative = float(post.sentiment is Sentiment.NEGATIVE)
                positive = float(post.sentiment is Sentiment.POSITIVE)
            yield posts.scored(post, negative, positive, self._organisations.get(post.institution, ""))

    def _model(self) -> Scorer:
        """Return the model, loaded when the first text asks for it."""
        if self._scorer is None:
            self._scorer = configured_scorer(from_environment())
        return self._scorer


def _is_asked(post: Post) -> bool:
    """Tell whether the model has to say what a post is: not of the institution's own words."""
    return post.sentiment is None and bool(post.text) and not post.own and post.kind is not Kind.DELETION


def _posts(file: Path, stream: IO[str], known: _Known | None) -> Iterator[_Line]:
    name, table = name_of(file), is_table(file)
    for number, row in rows(stream, file):
        try:
            post = posts.parse(row, table=table)
            if known is not None:
                known.check(post.institution)
        except RowError as fault:
            raise InputError(f"{name}:{number}: {fault}") from None
        yield _Line(post, name, number)


def _holds_counts(file: Path) -> bool:
    if not is_table(file):
        return False
    with opened(file) as stream:
        return set(next(csv.reader(stream), ())) >= COLUMNS


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
