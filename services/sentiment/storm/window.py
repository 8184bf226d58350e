"""What an institution heard in the last hours, as far as the detector needs it: no text, no links.

Of negative posts each is kept, so that an edit, a deletion or a copy is recognised; of the others only
numbers per five minutes. Every look back has running counts, so that a post costs the same in a storm.
"""

import sys
from bisect import bisect_left, insort
from zlib import crc32

from msgspec import Struct

from services.messages.fingerprint import near_duplicate
from services.messages.records import ScoredMention
from services.messages.vocabulary import Kind, Mark, Sentiment

HOUR_S = 3600
SPANS_S = (HOUR_S // 4, HOUR_S, 4 * HOUR_S, 12 * HOUR_S)
"""The look backs: a flash shows within minutes, a slow burn only over hours; each is judged by itself."""
BUCKET_S = 300
NEGATIVE_FROM = 0.6  # probability: one that is barely negative is no voice in a storm
MOST_VOICES = 500  # negative posts kept; in a great storm the oldest leave early
MOST_OTHERS = 200  # other posts of which a revision is recognised
MOST_NAMED = 40  # negative posts of which the id itself is kept, for evidence
MOST_ENDED = 100
MOST_TEXTS = 24  # different texts that a copy is recognised by


class Sighting(Struct, array_like=True):
    """One revision of one post: when (seconds since the epoch), by whom, and what it counts for.

    `voice` tells a reaction from an own post, an advertisement, a deletion or a backfilled item.
    """

    at: int
    post: str
    revision: int
    author: int
    voice: bool
    negative: bool
    positive: bool
    reshare: bool
    fingerprint: bytes = b""

    @classmethod
    def erased(cls, post: str) -> "Sighting":
        """Return the end of a post: later than any revision, and due at any moment."""
        return cls(0, post, sys.maxsize, 0, False, False, False, False)


def sighting(scored: ScoredMention) -> Sighting:
    """Return what the detector needs of a scored mention."""
    mention = scored.mention
    marked = Mark.VACANCY in mention.marks or Mark.AUTOMATIC in mention.marks
    return Sighting(
        at=int(mention.event_time.timestamp()),
        post=mention.post,
        revision=mention.revision,
        author=short(mention.author),
        voice=not (mention.own or mention.backfill or marked or mention.kind is Kind.DELETION),
        negative=scored.negative >= NEGATIVE_FROM,
        positive=scored.label is Sentiment.POSITIVE,
        reshare=Mark.RESHARE in mention.marks,
        fingerprint=mention.fingerprint,
    )


def short(name: str) -> int:
    """Return a name as 32 bits; among 700 names two are the same once in 17,000 windows."""
    return crc32(name.encode())


class Voice(Struct, array_like=True):
    """A negative post that is no reshare; `text` is the same number for copies of one text."""

    at: int
    post: int
    author: int
    text: int
    revision: int


class Bucket(Struct, array_like=True):
    """How much came in five minutes."""

    start: int
    mentions: int = 0
    positive: int = 0
    reshares: int = 0


class Text(Struct, array_like=True):
    """A text that copies are recognised by."""

    number: int
    fingerprint: bytes


class Memory(Struct):
    """What is stored of a window, each list in order of time."""

    voices: list[Voice] = []
    buckets: list[Bucket] = []
    others: dict[int, int] = {}  # posts that are no voices, and their revisions
    ended: dict[int, int] = {}  # deleted posts and the revision that ended them
    named: dict[int, str] = {}  # ids of the newest voices
    texts: list[Text] = []
    next_text: int = 0


class Counts(Struct, frozen=True):
    """What a look back held. Reshares count as mentions, never as voices."""

    mentions: int = 0
    negative: int = 0  # negative posts, reshares left out
    positive: int = 0
    reshares: int = 0
    authors: int = 0  # different authors of negative posts
    texts: int = 0  # different texts among them
    top_author: int = 0  # negative posts by the busiest author

    @property
    def voices(self) -> int:
        """The independent ones: neither one author's posts nor one text's copies count twice."""
        return min(self.authors, self.texts)


class Look:
    """Running counts of one look back: of the voices after `since`, and of the buckets that reach past it."""

    def __init__(self) -> None:
        self.since = 0
        self.voice = 0  # index of its oldest voice
        self.bucket = 0  # index of its oldest bucket
        self.authors: dict[int, int] = {}
        self.texts: dict[int, int] = {}
        self.mentions = self.positive = self.reshares = 0

    def add(self, voice: Voice) -> None:
        """Count a voice."""
        self.authors[voice.author] = self.authors.get(voice.author, 0) + 1
        self.texts[voice.text] = self.texts.get(voice.text, 0) + 1

    def add_bucket(self, bucket: Bucket, sign: int) -> None:
        """Count what a bucket holds, or count it no more."""
        self.mentions += sign * bucket.mentions
        self.positive += sign * bucket.positive
        self.reshares += sign * bucket.reshares

    def advance(self, since: int, memory: Memory) -> None:
        """Let go of what is not after `since`."""
        self.since = since
        voices, buckets = memory.voices, memory.buckets
        while self.voice < len(voices) and voices[self.voice].at <= since:
            self._drop(voices[self.voice])
        while self.bucket < len(buckets) and buckets[self.bucket].start + BUCKET_S <= since:
            self._drop_bucket(buckets[self.bucket])

    def let_go(self, voices: list[Voice], buckets: list[Bucket]) -> None:
        """Count these no more, which are the oldest of the memory and about to leave it."""
        for voice in voices[self.voice :]:
            self._drop(voice)
        for bucket in buckets[self.bucket :]:
            self._drop_bucket(bucket)
        self.voice -= len(voices)
        self.bucket -= len(buckets)

    def _drop(self, voice: Voice) -> None:
        self.voice += 1
        for counter, key in ((self.authors, voice.author), (self.texts, voice.text)):
            left = counter[key] - 1
            if left:
                counter[key] = left
            else:
                del counter[key]

    def _drop_bucket(self, bucket: Bucket) -> None:
        self.bucket += 1
        self.add_bucket(bucket, -1)

    def counts(self, memory: Memory) -> Counts:
        """Return the counts."""
        return Counts(
            mentions=self.mentions,
            negative=len(memory.voices) - self.voice,
            positive=self.positive,
            reshares=self.reshares,
            authors=len(self.authors),
            texts=len(self.texts),
            top_author=max(self.authors.values(), default=0),
        )


class Window:
    """A memory with the running counts of its look backs, which follow from it."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._revisions = {voice.post: voice.revision for voice in memory.voices}
        self._looks = [Look() for _ in SPANS_S]
        self._stale = True

    def knows(self, seen: Sighting) -> bool:
        """Tell whether this revision of a post, or a later one, was taken in before."""
        post = short(seen.post)
        memory = self.memory
        known = max(self._revisions.get(post, -1), memory.others.get(post, -1), memory.ended.get(post, -1))
        return seen.revision <= known

    def put(self, seen: Sighting) -> bool:
        """Take a revision of a post in at its place in time, or its end; return whether it is a new voice."""
        post = short(seen.post)
        memory = self.memory
        was_voice = self._remove(post)
        was_other = memory.others.pop(post, None) is not None
        if not seen.voice:
            if seen.revision:
                memory.ended[post] = seen.revision
                _forget_oldest(memory.ended, MOST_ENDED)
            return False
        if not (was_voice or was_other):
            self._tally(seen)
        if seen.negative and not seen.reshare:
            self._insert(Voice(seen.at, post, seen.author, self._number(seen.fingerprint), seen.revision))
            memory.named[post] = seen.post
            _forget_oldest(memory.named, MOST_NAMED)
            return not was_voice
        memory.others[post] = seen.revision
        _forget_oldest(memory.others, MOST_OTHERS)
        return False

    def counts(self, now: int, not_before: int) -> list[Counts]:
        """Return what each look back from `now` holds of the time after `not_before`."""
        memory = self.memory
        since = [max(now - span, not_before) for span in SPANS_S]
        if self._stale or any(start < look.since for start, look in zip(since, self._looks, strict=True)):
            self._looks = [Look() for _ in SPANS_S]
            for look in self._looks:
                for voice in memory.voices:
                    look.add(voice)
                for bucket in memory.buckets:
                    look.add_bucket(bucket, 1)
            self._stale = False
        found = []
        for start, look in zip(since, self._looks, strict=True):
            look.advance(start, memory)
            found.append(look.counts(memory))
        return found

    def expire(self, before: int) -> None:
        """Let go of what is older than the longest look back from now on can see."""
        memory = self.memory
        gone = bisect_left(memory.voices, before, key=lambda voice: voice.at)
        old = sum(bucket.start + BUCKET_S <= before for bucket in memory.buckets)
        if gone or old:
            self._let_go(gone, old)

    def named(self, since: int) -> list[str]:
        """Return the ids of the newest voices from `since` on, in order of time."""
        named = self.memory.named
        return [
            named[voice.post] for voice in self.memory.voices if voice.at >= since and voice.post in named
        ]

    def _let_go(self, voices: int, buckets: int) -> None:
        """Remove the oldest, and keep the look backs in step."""
        memory = self.memory
        for voice in memory.voices[:voices]:
            self._revisions.pop(voice.post, None)
            memory.named.pop(voice.post, None)
        if not self._stale:
            for look in self._looks:
                look.let_go(memory.voices[:voices], memory.buckets[:buckets])
        del memory.voices[:voices], memory.buckets[:buckets]

    def _insert(self, voice: Voice) -> None:
        voices = self.memory.voices
        if voices and voice.at < voices[-1].at:
            insort(voices, voice, key=lambda other: other.at)
            self._stale = True
        else:
            voices.append(voice)
            for look in self._looks:
                look.add(voice)
        self._revisions[voice.post] = voice.revision
        if len(voices) > MOST_VOICES:
            self._let_go(len(voices) - MOST_VOICES, 0)

    def _remove(self, post: int) -> bool:
        if self._revisions.pop(post, None) is None:
            return False
        self.memory.voices = [voice for voice in self.memory.voices if voice.post != post]
        self.memory.named.pop(post, None)
        self._stale = True
        return True

    def _tally(self, seen: Sighting) -> None:
        start = seen.at - seen.at % BUCKET_S
        buckets = self.memory.buckets
        if not buckets or buckets[-1].start < start:
            buckets.append(Bucket(start))
            place = len(buckets) - 1
        else:
            place = bisect_left(buckets, start, key=lambda bucket: bucket.start)
            if buckets[place].start != start:
                buckets.insert(place, Bucket(start))
                self._stale = True
        one = Bucket(start, 1, int(seen.positive and not seen.reshare), int(seen.reshare))
        bucket = buckets[place]
        bucket.mentions += 1
        bucket.positive += one.positive
        bucket.reshares += one.reshares
        for look in self._looks:
            if place >= look.bucket:
                look.add_bucket(one, 1)

    def _number(self, fingerprint: bytes) -> int:
        """Return the number of the text that this is a copy of, or a new one."""
        memory = self.memory
        for text in reversed(memory.texts):
            if near_duplicate(text.fingerprint, fingerprint):
                return text.number
        memory.next_text += 1
        memory.texts.append(Text(memory.next_text, fingerprint))
        del memory.texts[:-MOST_TEXTS]
        return memory.next_text


def _forget_oldest(kept: dict[int, int] | dict[int, str], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
