"""The card as values: every claim with the ids of its posts, and of what they say no more than terms."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from services.messages.records import ScoredMention
from services.messages.vocabulary import Channel, Kind, Theme

MOST_POSTS = 20  # ids that one claim names


class Claim(Struct, frozen=True, kw_only=True):
    """Something that is so; `posts` are the ids that it rests on, of many the first `MOST_POSTS`."""

    posts: tuple[str, ...]


class First(Claim, frozen=True, kw_only=True):
    """The first negative post since the onset."""

    at: datetime
    channel: Channel


class MostShared(Claim, frozen=True, kw_only=True):
    """The post that was passed on most: by copies of its text, by reshares, and replies below any of them."""

    post: str
    copies: int
    reshares: int
    replies: int


class Term(Claim, frozen=True, kw_only=True):
    """A word or two that far more people use than usual; `score` in standard errors, `usual` in authors."""

    term: str
    authors: int
    usual: int
    score: float


class ThemeShare(Claim, frozen=True, kw_only=True):
    """How many of the negative posts are about a theme; a post may have several."""

    theme: Theme
    n: int
    share: float


class OnChannel(Claim, frozen=True, kw_only=True):
    """How many negative posts a channel has, and when it had its first."""

    channel: Channel
    n: int
    first: datetime


class Authors(Claim, frozen=True, kw_only=True):
    """How many different authors wrote the `of` negative posts; each is named by its first post."""

    n: int
    of: int


class Copies(Claim, frozen=True, kw_only=True):
    """How many posts say what another said before, and how many pass one on."""

    copies: int
    reshares: int


class Hour(Struct, frozen=True):
    """Negative posts and their authors in an hour, counted from the onset; the last may not be over."""

    start: datetime
    posts: int
    authors: int


class Growth(Claim, frozen=True, kw_only=True):
    """The course by the hour, and the last `span` hours beside the `span` before; rests on the last.

    `span` is an hour, or half the age of a younger storm. `factor` is smoothed and bounded.
    """

    hours: tuple[Hour, ...]
    span: float
    last: int
    before: int
    factor: float


class Forecast(Claim, frozen=True, kw_only=True):
    """How many negative posts the next hour brings if it goes on like this: as likely more as fewer.

    `low` to `high` should hold 8 times in 10.
    """

    expected: int
    low: int
    high: int


class EarlierStorm(Claim, frozen=True, kw_only=True):
    """A storm that is over; `hours` from onset to end.

    `peak` (authors in an hour) and `authors_then` (at the age of this storm) are the most that its steps
    tell, so at least that many.
    """

    incident: str
    onset: datetime
    hours: float
    authors: int
    peak: int
    authors_then: int


class Comparison(Claim, frozen=True, kw_only=True):
    """The storm in the terms of the earlier ones, the newest of them first; rests on its busiest hour."""

    hours: float
    authors: int
    peak: int
    earlier: tuple[EarlierStorm, ...]


class OwnTrigger(Claim, frozen=True, kw_only=True):
    """The institution's own post below which `under` of the first `of` negative posts stand."""

    post: str
    kind: Kind
    at: datetime
    under: int
    of: int


class Press(Claim, frozen=True, kw_only=True):
    """Posts from news sites and wires, and posts with the theme press and politics; not who wrote them."""

    news: int
    theme: int
    first: datetime


class Asked(Claim, frozen=True, kw_only=True):
    """Questions that share a lifted term, or the same text when `term` is empty."""

    term: str
    n: int
    authors: int


class Wordless(Claim, frozen=True, kw_only=True):
    """How many posts have no words, such as a picture or a film: nobody knows how negative they are."""

    n: int


class Trouble(StrEnum):
    """Why a source does not show all that is said."""

    FAILING = "failing"
    NEVER = "never"
    BEHIND = "behind"


class Troubled(Struct, frozen=True, kw_only=True):
    """A source and what is wrong with it.

    `since` is when a failing one began to fail, when one that never gave anything began to be read (None
    where it did not), and when the newest post was written that one which is behind has given.
    """

    source: str
    trouble: Trouble
    since: datetime | None


class Unseen(Claim, frozen=True, kw_only=True):
    """What the other claims cannot know.

    `sources` gave nothing about the institution in weeks; `troubled` are failing or behind; of `channels`
    nothing is read at all; `posts` are those that were deleted since.
    """

    sources: tuple[str, ...]
    deleted: int
    troubled: tuple[Troubled, ...] = ()
    channels: tuple[Channel, ...] = ()
    wordless: Wordless | None = None


class Card(Struct, frozen=True, kw_only=True):
    """What is known of an incident at `at`; what nothing can be said of is None or empty."""

    incident: str
    at: datetime
    first: First | None
    most_shared: MostShared | None
    terms: tuple[Term, ...]
    themes: tuple[ThemeShare, ...]
    channels: tuple[OnChannel, ...]
    authors: Authors | None
    copies: Copies | None
    growth: Growth | None
    forecast: Forecast | None
    comparison: Comparison | None
    trigger: OwnTrigger | None
    press: Press | None
    questions: tuple[Asked, ...]
    unseen: Unseen


def ids(posts: Iterable[ScoredMention]) -> tuple[str, ...]:
    """Return the ids that a claim names of its posts."""
    return tuple(dict.fromkeys(one.mention.post for one in posts))[:MOST_POSTS]
