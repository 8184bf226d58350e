"""One page that shows a backtest: inline SVG, no script, nothing from the network."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.messages.records import Reason, ReasonCode
from services.messages.vocabulary import StormState
from services.sentiment.backtest.steps import Step, Summary
from services.sentiment.backtest.timeline import Timeline
from services.sentiment.storm.baseline import DAY_S
from services.sentiment.storm.window import HOUR_S

_ZONE = ZoneInfo("Europe/Amsterdam")  # Brussels keeps the same time
WIDTH, LEFT, RIGHT = 1120.0, 62.0, 12.0
LABEL_ROWS, ROW = 3, 18.0  # above the chart, for the incidents' beginnings
HEIGHT, QUIET_HEIGHT = 170.0, 80.0  # of the chart itself, with and without incidents
LETTER = 6.1  # width of an average one in a label
LEAST_BAND = 2.0  # width from which a colour is seen
TICK_GAP = 78.0  # least distance between two dates
TICK_DAYS = (1, 2, 7, 14, 28, 91, 182, 364)
HOURLY_DAYS = 2.5  # up to which the axis shows hours
LONGEST_ID = 34

_STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")

_STATES = (StormState.WATCH, StormState.RISING, StormState.STORM, StormState.EASING)
_WHY = {
    ReasonCode.BURST: "far more than expected",
    ReasonCode.BREADTH: "many different people",
    ReasonCode.GROWTH: "growing",
    ReasonCode.COPIES: "copies and reshares",
    ReasonCode.ONE_AUTHOR: "one author wrote most of it",
    ReasonCode.ONE_TEXT: "one text, copied",
    ReasonCode.HAPPY_CROWD: "a happy crowd",
    ReasonCode.SLOWING: "slowing down",
    ReasonCode.QUIET: "quiet again",
    ReasonCode.SEEN_LATE: "seen late",
}


_HEADS = ("#", "began", "first post", "steps", "negative", "authors", "why")
_NUMBERS = ("#", "counted", "negative", "authors")


class _Episode(Struct, frozen=True):
    """An incident with all its steps, and its number on the chart."""

    number: int
    steps: tuple[Step, ...]

    @property
    def onset(self) -> datetime:
        """When its first post was written."""
        return self.steps[0].onset

    @property
    def opening(self) -> str:
        """The first post that it rests on; empty where only counts are known."""
        return self.steps[0].evidence[0] if self.steps[0].evidence else ""

    @property
    def counted(self) -> bool:
        """Whether only counts are known."""
        return self.steps[0].authors is None

    @property
    def worst(self) -> int:
        """How high on the ladder it came."""
        ranks = {StormState.WATCH: 1, StormState.RISING: 2, StormState.STORM: 3}
        return max(ranks.get(step.state, 0) for step in self.steps)


class _Scale:
    """Where a moment and a number stand in a chart."""

    def __init__(self, first: float, last: float, most: float, incidents: int) -> None:
        self.first, self.last = first, last
        self.most = _nice(most)
        self.top = ROW * min(incidents, LABEL_ROWS) + 10
        self.height = HEIGHT if incidents else QUIET_HEIGHT
        self.bottom = self.top + self.height

    def x(self, at: float) -> float:
        """Return the place of a moment."""
        at = min(max(at, self.first), self.last)
        return LEFT + (at - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return the height of a number."""
        return self.bottom - value / self.most * self.height


def page(timelines: Mapping[str, Timeline], steps: Sequence[Step], summary: Summary) -> str:
    """Return the page: those with the worst incidents first."""
    episodes = _episodes(steps)
    names = sorted(
        timelines,
        key=lambda name: (
            -max((episode.worst for episode in episodes.get(name, ())), default=0),
            -len(episodes.get(name, ())),
            name,
        ),
    )
    first = min((line.first * line.seconds for line in timelines.values()), default=0)
    last = max(((line.last + 1) * line.seconds for line in timelines.values()), default=HOUR_S)
    cards = "\n".join(_card(name, timelines[name], episodes.get(name, []), first, last) for name in names)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Stormwacht backtest</title><style>\n{_STYLE}</style></head>\n<body>\n"
        f"<h1>Stormwacht backtest</h1>\n{_intro(summary)}\n{_legend()}\n{cards}\n</body>\n</html>\n"
    )


def _episodes(steps: Iterable[Step]) -> dict[str, list[_Episode]]:
    of: dict[str, dict[str, list[Step]]] = {}
    for step in steps:
        of.setdefault(step.institution, {}).setdefault(step.id, []).append(step)
    return {
        name: [_Episode(number, tuple(found)) for number, found in enumerate(some.values(), 1)]
        for name, some in of.items()
    }


def _intro(summary: Summary) -> str:
    span = f" {_day(summary.first)} to {_day(summary.last)}." if summary.first and summary.last else ""
    return f'<p class="soft">{summary.words()}.{span} Times are local to the Netherlands and Flanders.</p>'


def _legend() -> str:
    kinds = ("mentions", "negative", *_STATES)
    return (
        '<p class="legend">'
        + "".join(f'<span><i class="{kind}"></i>{kind}</span>' for kind in kinds)
        + "</p>"
    )


def _card(name: str, line: Timeline, episodes: Sequence[_Episode], first: float, last: float) -> str:
    mentions = sum(found[0] for found in line.bins.values())
    negative = sum(found[1] for found in line.bins.values())
    known = f", {negative:,} negative" if negative else ""
    return (
        f'<section><h2>{escape(name)}</h2><div class="soft">{mentions:,.0f} mentions{known}; '
        f"per {_width(line.seconds)}</div>\n"
        f"{_chart(name, line, episodes, first, last)}\n{_table(episodes)}</section>"
    )


def _chart(name: str, line: Timeline, episodes: Sequence[_Episode], first: float, last: float) -> str:
    scale = _Scale(first, last, max((found[0] for found in line.bins.values()), default=1.0), len(episodes))
    parts = [
        f'<svg viewBox="0 0 {WIDTH:g} {scale.bottom + 24:g}" role="img" aria-label="{escape(name)}">',
        *(_band(scale, episode) for episode in episodes),
        *_grid(scale),
        f'<path class="mentions" d="{_area(scale, line, 0)}"/>',
        f'<path class="negative" d="{_area(scale, line, 1)}"/>',
        *_ticks(scale),
        *_labels(scale, episodes),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


def _area(scale: _Scale, line: Timeline, which: int) -> str:
    """Return the outline of the filled bins, each run of them a shape."""
    path: list[str] = []
    before: int | None = None
    for number in sorted(line.bins):
        value = line.bins[number][which]
        if not value:
            continue
        if before is None or number != before + 1:
            path.append(f"{_down(before, scale)}M{_f(scale.x(number * line.seconds))} {_f(scale.bottom)}")
        path.append(f"V{_f(scale.y(value))}H{_f(scale.x((number + 1) * line.seconds))}")
        before = number
    return "".join(path) + _down(before, scale)


def _down(before: int | None, scale: _Scale) -> str:
    return "" if before is None else f"V{_f(scale.bottom)}Z"


def _band(scale: _Scale, episode: _Episode) -> str:
    """Return the colours of an incident's states, from each step to the next."""
    ends = [*(step.at.timestamp() for step in episode.steps[1:]), scale.last]
    parts = []
    for step, end in zip(episode.steps, ends, strict=True):
        if step.state is StormState.CLOSED:
            continue
        x = scale.x(step.at.timestamp())
        width = max(scale.x(end) - x, LEAST_BAND)
        parts.append(
            f'<rect class="band {step.state}" x="{_f(x)}" y="{scale.top:g}" width="{_f(width)}"'
            f' height="{scale.height:g}">'
            f"<title>{step.state} from {_moment(step.at)}</title></rect>"
        )
    return "".join(parts)


def _grid(scale: _Scale) -> list[str]:
    parts = []
    for value in (0.0, scale.most / 2, scale.most):
        y = scale.y(value)
        parts.append(
            f'<line class="grid" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{_f(y)}" y2="{_f(y)}"/>'
            f'<text x="{LEFT - 8:g}" y="{_f(y + 4)}" text-anchor="end">{value:,g}</text>'
        )
    return parts


def _ticks(scale: _Scale) -> list[str]:
    parts, low = [], scale.bottom
    for at, text in _dates(scale.first, scale.last):
        x = scale.x(at)
        if LEFT < x < WIDTH - RIGHT - LETTER * len(text) / 2:
            parts.append(
                f'<line class="grid" x1="{_f(x)}" x2="{_f(x)}" y1="{low:g}" y2="{low + 5:g}"/>'
                f'<text x="{_f(x)}" y="{low + 18:g}" text-anchor="middle">{text}</text>'
            )
    return parts


def _dates(first: float, last: float) -> list[tuple[float, str]]:
    """Return moments for the axis, far enough apart: midnights, or hours in a short time."""
    days = (last - first) / DAY_S
    if days <= HOURLY_DAYS:
        start = int(first // HOUR_S) + 1
        hours = (
            datetime.fromtimestamp(hour * HOUR_S, _ZONE) for hour in range(start, int(last // HOUR_S) + 1)
        )
        return [(at.timestamp(), f"{at:%a %H:%M}") for at in hours if at.hour % 6 == 0]
    most = (WIDTH - LEFT - RIGHT) / TICK_GAP
    every = next((some for some in TICK_DAYS if days / some <= most), TICK_DAYS[-1])
    start_day = datetime.fromtimestamp(first, _ZONE).date()
    # Weeks begin on a Monday.
    offset = -start_day.weekday() % 7 if every % 7 == 0 else 0
    found: list[tuple[float, str]] = []
    day = start_day + timedelta(days=offset)
    while (at := datetime(day.year, day.month, day.day, tzinfo=_ZONE).timestamp()) < last:
        found.append((at, _date(day, days)))
        day += timedelta(days=every)
    return found


def _date(day: date, days: float) -> str:
    return f"{day:%a} {day.day} {day:%b}" if days < 2 * 31 else f"{day.day} {day:%b %y}"


def _labels(scale: _Scale, episodes: Sequence[_Episode]) -> list[str]:
    """Return the beginnings: a number, and in words where there is room for them."""
    free = [LEFT] * LABEL_ROWS
    lines, parts = [], []
    for episode in episodes:
        x = scale.x(episode.onset.timestamp())
        opening = f" · {_short(episode.opening)}" if episode.opening else ""
        words = f"{_moment(episode.onset)}{opening}"
        width = LETTER * len(words) + 14
        left = x + width > WIDTH - RIGHT  # written to the left of its line
        start = x - width if left else x - 8
        row = next((row for row in range(LABEL_ROWS) if free[row] <= start), None)
        if row is None:
            row, words, start = min(range(LABEL_ROWS), key=lambda row: free[row]), "", x - 8
            width = 16
        free[row] = max(free[row], (x + 10) if left else start + width + 6)
        y = ROW * row + 12
        lines.append(f'<line class="onset" x1="{_f(x)}" x2="{_f(x)}" y1="{y + 7:g}" y2="{scale.top:g}"/>')
        parts.append(
            f'<circle class="disc" cx="{_f(x)}" cy="{y:g}" r="7.5"/>'
            f'<text class="number" x="{_f(x)}" y="{y + 3.7:g}">{episode.number}</text>'
        )
        if words:
            anchor, at = ("end", x - 12) if left else ("start", x + 12)
            parts.append(
                f'<text class="label" x="{_f(at)}" y="{y + 4:g}" text-anchor="{anchor}">'
                f"{escape(words)}</text>"
            )
    return [*lines, *parts]  # words stand on top of lines


def _table(episodes: Sequence[_Episode]) -> str:
    if not episodes:
        return '<div class="soft">No incidents.</div>'
    counted = all(episode.counted for episode in episodes)
    heads = ("#", "began", "steps", "counted", "why") if counted else _HEADS
    head = "".join(f'<th class="{"n" if name in _NUMBERS else ""}">{name}</th>' for name in heads)
    rows = "\n".join(f"<tr>{''.join(_cells(episode, heads))}</tr>" for episode in episodes)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"


def _cells(episode: _Episode, heads: Iterable[str]) -> Iterator[str]:
    most = max(episode.steps, key=lambda step: step.n)
    pills = (
        f'<span class="state {step.state}">{step.state} {_moment(step.at)}</span>' for step in episode.steps
    )
    opening = escape(episode.opening)
    cells = {
        "#": str(episode.number),
        "began": _moment(episode.onset),
        "first post": f'<code title="{opening}">{escape(_short(episode.opening))}</code>',
        "steps": " ".join(pills),
        "counted": f"{most.n:,}",
        "negative": f"{most.n:,}",
        "authors": f"{most.authors or 0:,}",
        "why": _why(episode.steps[0].reasons),
    }
    for name in heads:
        yield f'<td class="{"n" if name in _NUMBERS else ""}">{cells[name]}</td>'


def _why(reasons: Iterable[Reason]) -> str:
    return "; ".join(_WHY[reason.code] for reason in reasons)


def _nice(most: float) -> float:
    """Return a round number of at least this much."""
    size = 1.0
    while size * 10 < most:
        size *= 10
    return next(size * step for step in (1, 2, 4, 6, 8, 10) if size * step >= most)


def _width(seconds: int) -> str:
    hours = seconds // HOUR_S
    return "hour" if hours == 1 else f"{hours} hours"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_ID else f"{name[: LONGEST_ID - 1]}…"


def _day(at: datetime) -> str:
    local = at.astimezone(_ZONE)
    return f"{local.day} {local:%B %Y}"


def _moment(at: datetime) -> str:
    local = at.astimezone(_ZONE)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _f(value: float) -> str:
    return f"{value:.1f}"
