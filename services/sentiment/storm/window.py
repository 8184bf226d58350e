"""The last day of an institution's mentions, as far as the detector needs them: no text, no links."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from services.messages.fingerprint import near_duplicate
from services.messages.records import ScoredMention
from services.messages.vocabulary import Kind, Mark, Sentiment

SPAN = timedelta(hours=24)  # what is younger is judged; what is older has become baseline
MOST = 400  # sightings kept; in a storm the oldest leave early
NEGATIVE_FROM = 0.6  # probability: one that is barely negative is no voice in a storm
_TEXTS = 64  # different texts remembered to recognise copies by


class Sighting(Struct, array_like=True):
    """One revision of one post: when, by whom, which text, and what it counts for.

    `voice` tells a reaction from an own post, an advertisement, a deletion or a backfilled item; `text` is
    the same number for copies of one text, and 0 until the post is in the window.
    """

    at: datetime
    post: str
    revision: int
    author: str
    voice: bool
    negative: bool
    positive: bool
    reshare: bool
    text: int = 0
    fingerprint: bytes = b""


def sighting(scored: ScoredMention) -> Sighting:
    """Return what the detector needs of a scored mention."""
    mention = scored.mention
    marked = Mark.VACANCY in mention.marks or Mark.AUTOMATIC in mention.marks
    return Sighting(
        at=mention.event_time,
        post=mention.post,
        revision=mention.revision,
        author=mention.author,
        voice=not (mention.own or mention.backfill or marked or mention.kind is Kind.DELETION),
        negative=scored.negative >= NEGATIVE_FROM,
        positive=scored.label is Sentiment.POSITIVE,
        reshare=Mark.RESHARE in mention.marks,
        fingerprint=mention.fingerprint,
    )


class Text(Struct, array_like=True):
    """A text that copies are recognised by."""

    number: int
    fingerprint: bytes


class Counts(Struct, frozen=True):
    """What a span of time held. Reshares count as volume, never as voices."""

    mentions: int  # everything, reshares included
    negative: int  # negative posts, reshares left out
    positive: int
    reshares: int
    authors: int  # different authors of negative posts
    texts: int  # different texts among negative posts
    top_author: int  # negative posts by the busiest author


class Window(Struct):
    """Sightings in order of time, with the texts to compare the next one to."""

    sightings: list[Sighting] = []
    texts: list[Text] = []
    next_text: int = 0

    def add(self, seen: Sighting) -> None:
        """Take a post in, at its place in time."""
        seen.text, seen.fingerprint = self._number(seen.fingerprint), b""
        place = len(self.sightings)
        while place and (self.sightings[place - 1].at, self.sightings[place - 1].post) > (seen.at, seen.post):
            place -= 1
        self.sightings.insert(place, seen)
        del self.sightings[:-MOST]

    def holds(self, post: str) -> bool:
        """Tell whether a post is in the window."""
        return any(seen.post == post for seen in self.sightings)

    def drop(self, post: str) -> None:
        """Forget a post: it was deleted, or a new revision replaces it."""
        self.sightings = [seen for seen in self.sightings if seen.post != post]

    def expire(self, now: datetime) -> list[Sighting]:
        """Remove and return what is older than `SPAN`."""
        keep = 0
        while keep < len(self.sightings) and self.sightings[keep].at <= now - SPAN:
            keep += 1
        gone, self.sightings = self.sightings[:keep], self.sightings[keep:]
        return gone

    def between(self, start: datetime, end: datetime) -> list[Sighting]:
        """Return the sightings after `start`, up to and including `end`."""
        return [seen for seen in self.sightings if start < seen.at <= end]

    def _number(self, fingerprint: bytes) -> int:
        """Return the number of the text that this is a copy of, or a new one."""
        for text in reversed(self.texts):
            if near_duplicate(text.fingerprint, fingerprint):
                return text.number
        self.next_text += 1
        self.texts = [*self.texts[1 - _TEXTS :], Text(self.next_text, fingerprint)]
        return self.next_text


def count(sightings: Iterable[Sighting]) -> Counts:
    """Count what matters about some sightings."""
    mentions = negative = positive = reshares = 0
    by_author: dict[str, int] = {}
    texts: set[int] = set()
    for seen in sightings:
        mentions += 1
        if seen.reshare:
            reshares += 1
            continue
        positive += seen.positive
        if seen.negative:
            negative += 1
            by_author[seen.author] = by_author.get(seen.author, 0) + 1
            texts.add(seen.text)
    return Counts(
        mentions=mentions,
        negative=negative,
        positive=positive,
        reshares=reshares,
        authors=len(by_author),
        texts=len(texts),
        top_author=max(by_author.values(), default=0),
    )
