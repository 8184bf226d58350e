"""What a storm card cannot know, as far as the sources tell: which give nothing, and where none reads."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from services.alerts.stormcard.card import Trouble, Troubled
from services.messages.records import Cursor, ScoredMention
from services.messages.vocabulary import Channel

MOST_TROUBLED = 10
BEHIND = timedelta(
    hours=1
)  # the newest post of a source that is at work is hardly older while a storm goes on
_RANK = (Trouble.FAILING, Trouble.NEVER, Trouble.BEHIND)


class Source(Struct, frozen=True, kw_only=True):
    """A source that may bring posts about the institution, as it stood when the card was asked for.

    `channels` are those that it has ever brought posts of, whoever they were about; `cursor` is its newest
    record, None when it has none yet.
    """

    id: str
    channels: frozenset[Channel] = frozenset()
    cursor: Cursor | None = None


def troubled(
    sources: Iterable[Source], posts: Iterable[ScoredMention], now: datetime
) -> tuple[Troubled, ...]:
    """Return what is wrong with sources, the worst first, and of those the ones that usually bring most.

    A file that was read to its end owes nothing.
    """
    brought = Counter(one.mention.source for one in posts)
    found = [one for source in sources if (one := _trouble(source, now))]
    found.sort(key=lambda one: (_RANK.index(one.trouble), -brought[one.source], one.source))
    return tuple(found[:MOST_TROUBLED])


def _trouble(source: Source, now: datetime) -> Troubled | None:
    cursor = source.cursor
    if cursor is None:
        return Troubled(source=source.id, trouble=Trouble.NEVER, since=None)
    if cursor.finished:
        return None
    if cursor.last_error is not None:
        return Troubled(source=source.id, trouble=Trouble.FAILING, since=cursor.since)
    if cursor.last_item is None:
        return Troubled(source=source.id, trouble=Trouble.NEVER, since=cursor.since)
    if now - cursor.last_item > BEHIND:
        return Troubled(source=source.id, trouble=Trouble.BEHIND, since=cursor.last_item)
    return None


def unread(sources: Collection[Source], posts: Sequence[ScoredMention]) -> tuple[Channel, ...]:
    """Return the channels that nothing has ever come from; none where nothing is known of the sources."""
    if not sources:
        return ()
    read = {one.mention.channel for one in posts}.union(*(source.channels for source in sources))
    return tuple(channel for channel in Channel if channel not in read and channel is not Channel.OTHER)
