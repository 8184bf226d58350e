"""The last day of an institution's mentions, as far as the detector needs them: no text, no links."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

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

    @classmethod
    def erased(cls, post: str) -> "Sighting":
        """Return the end of a post: later than any revision, and due at any moment."""
        return cls(datetime.fromtimestamp(0, UTC), post, sys.maxsize, "", False, False, False, False)


class Hour(Struct, array_like=True):
    """What one hour held, kept until it becomes baseline."""

    start: datetime
    voices: int = 0  # different authors of negative posts
    mentions: int = 0


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
    """Sightings in order of time, with the texts to compare the next one to, and tallies by the hour."""

    sightings: list[Sighting] = []
    texts: list[Text] = []
    next_text: int = 0
    hours: list[Hour] = []
    ended: dict[str, int] = {}  # deleted posts and the revision that ended them
    begun: bool = False  # an hour with something in it has been finished

    def replaces(self, seen: Sighting) -> bool:
        """Tell whether a revision is news: a post counts once, and its highest revision wins."""
        if seen.revision <= self.ended.get(seen.post, -1):
            return False
        return all(known.revision < seen.revision for known in self.sightings if known.post == seen.post)

    def put(self, seen: Sighting) -> bool:
        """Take a revision of a post in at its place in time, or its end; return whether the post is new."""
        others = [known for known in self.sightings if known.post != seen.post]
        new = len(others) == len(self.sightings)
        self.sightings = others
        if not seen.voice:
            if seen.revision:
                self.ended[seen.post] = seen.revision
                self.ended = dict(list(self.ended.items())[-MOST:])
            return False
        if new:
            self._tally(seen)
        seen.text, seen.fingerprint = self._number(seen.fingerprint), b""
        place = len(self.sightings)
        while place and (self.sightings[place - 1].at, self.sightings[place - 1].post) > (seen.at, seen.post):
            place -= 1
        self.sightings.insert(place, seen)
        del self.sightings[:-MOST]
        return new

    def _tally(self, seen: Sighting) -> None:
        start = seen.at.replace(minute=0, second=0, microsecond=0)
        place = len(self.hours)
        while place and self.hours[place - 1].start > start:
            place -= 1
        if not place or self.hours[place - 1].start != start:
            self.hours.insert(place, Hour(start))
            place += 1
        hour = self.hours[place - 1]
        hour.mentions += 1
        if seen.negative and not seen.reshare:
            known = any(
                other.author == seen.author and other.negative
                for other in self.sightings
                if start <= other.at < start + timedelta(hours=1)
            )
            hour.voices += not known

    def finish(self, start: datetime) -> Hour | None:
        """Remove what is older than the end of the hour at `start`, and return that hour's tally.

        None before the first hour that has one: nothing is known of the time before.
        """
        end = start + timedelta(hours=1)
        self.sightings = [seen for seen in self.sightings if seen.at >= end]
        past = [hour for hour in self.hours if hour.start <= start]
        self.hours = self.hours[len(past) :]
        if past:
            self.begun = True
            # An hour that was filled in late is learned with the next one.
            return Hour(start, sum(hour.voices for hour in past), sum(hour.mentions for hour in past))
        return Hour(start) if self.begun else None

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
