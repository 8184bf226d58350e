"""One item from outside to one mention, or to the reason why there is none. Pure: time and keys come in.

Match, then pseudonymise and redact: what leaves here holds no handle, no native id and no open link.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from services.ingest.handles import normalise
from services.ingest.matching.marks import marks
from services.ingest.matching.matcher import Match, Matcher, Reason, Why
from services.ingest.memory import ThreadMemory, Tracked
from services.ingest.privacy import Masked, redact
from services.ingest.sources.post import PostError, PostFault, RawPost, begins, parse_post, validate
from services.messages.fingerprint import fingerprint
from services.messages.identity import Keyring
from services.messages.records import Mention
from services.messages.vocabulary import Channel, Kind

LATE = timedelta(hours=24)  # what is seen later than this feeds figures only
MAX_TEXT_BYTES = 700_000  # masking makes a text longer, and Kafka takes a megabyte
_STARS = 5


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of an item, the institution it is bound to, and whether recorded time is the clock."""

    source: str
    bound: str | None = None
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an item: a mention, a fault, or neither when it is about no institution."""

    mention: Mention | None = None
    fault: PostError | None = None
    created_at: datetime | None = None
    reasons: tuple[Reason, ...] = ()
    masked: Mapping[Masked, int] = field(default_factory=dict)


class _Times(NamedTuple):
    created_at: datetime
    received_at: datetime
    event_time: datetime
    backfill: bool


class Processor:
    """Holds what the step needs beside its item; only the thread memory changes."""

    def __init__(self, matcher: Matcher, keyring: Keyring, memory: ThreadMemory) -> None:
        self._matcher = matcher
        self._keyring = keyring
        self._memory = memory

    def process(self, raw: bytes | RawPost, origin: Origin, now: datetime) -> Result:
        """Return what becomes of one item that arrived at `now`."""
        clock = None if origin.replay else now
        try:
            if isinstance(raw, RawPost):
                validate(raw, clock)
                post = raw
            else:
                post = parse_post(raw, clock)
        except PostError as fault:
            return Result(fault=fault)
        return self._place(post, origin, times(post, now, replay=origin.replay))

    def _place(self, post: RawPost, origin: Origin, moments: _Times) -> Result:
        """Decide whom the post is about, and build the mention."""
        identity = self._identity(post.channel, post.id)
        known = self._memory.get(identity)
        near = [
            tracked
            for native in (post.in_reply_to, post.thread, post.reshare_of)
            if (tracked := self._memory.get(self._identity(post.channel, native)))
        ]
        match = self._matcher.match(post.text, post.channel, post.author, origin.bound)
        institutions, reasons = self._institutions(match, [known, *near] if known else near)
        if not institutions:
            return Result(created_at=moments.created_at, reasons=reasons)
        gone = post.kind == "deletion"
        text, masked = ("", {}) if gone else redact(post.text, self._matcher.keep(post.channel))
        if len(text.encode()) > MAX_TEXT_BYTES:
            fault = PostError(PostFault.TOO_LARGE, f"text: larger than {MAX_TEXT_BYTES} bytes once masked")
            return Result(fault=fault, created_at=moments.created_at)
        parent = self._memory.get(self._identity(post.channel, post.in_reply_to))
        addressed = match.addressed or bool(parent and parent.own and not match.own)
        mention = Mention(
            post=identity or "",
            revision=_next_revision(post, known) if gone else post.revision,
            institutions=institutions,
            organisations=self._matcher.organisations(institutions),
            channel=post.channel,
            source=origin.source,
            kind=_kind(post, match),
            marks=() if gone else marks(post, addressed=addressed),
            author=self._author(post),
            text=text,
            link=self._keyring.seal(post.link or ""),
            lang=post.lang or "nl",
            created_at=moments.created_at,
            received_at=moments.received_at,
            event_time=moments.event_time,
            in_reply_to=self._identity(post.channel, post.in_reply_to),
            thread=self._identity(post.channel, post.thread),
            reach=post.reach,
            stars=None if post.stars is None else post.stars * _STARS / post.stars_of,
            fingerprint=fingerprint(text),
            backfill=moments.backfill,
        )
        self._memory.note(mention)
        return Result(mention, created_at=moments.created_at, reasons=reasons, masked=masked)

    def _institutions(self, match: Match, near: list[Tracked]) -> tuple[tuple[str, ...], tuple[Reason, ...]]:
        """Add the institutions of the post itself, seen before, and of those that it reacts to.

        An own account answers for its family alone: in a thread about another institution it is a guest.
        """
        inherited = {name for tracked in near for name in tracked.institutions}
        if match.own:
            related = self._matcher.related
            inherited = {name for name in inherited if any(related(name, owner) for owner in match.own)}
        names = self._matcher.most_specific({*match.institutions, *inherited})
        added = tuple(Reason(name, Why.THREAD) for name in names if name not in match.institutions)
        return names, match.reasons + added

    def _identity(self, channel: Channel, native: str | None) -> str | None:
        return self._keyring.pseudonym("post", channel, native) if native else None

    def _author(self, post: RawPost) -> str:
        """Return the author's pseudonym; empty for a deletion that does not tell."""
        name = normalise(post.author)
        return self._keyring.pseudonym("author", post.channel, name) if name else ""


def times(post: RawPost, now: datetime, *, replay: bool) -> _Times:
    """Return the moments of a mention in UTC.

    A post whose channel tells only the day happened, as far as we know, when it was received; one received
    more than a day after its day ended happened at that day's end, so that an import keeps its history.
    """
    created = latest = begins(post.created_at)
    exact = isinstance(post.created_at, datetime)
    if not exact:
        latest = begins(post.created_at + timedelta(days=1)) - timedelta(seconds=1)
    received = (post.received_at or created).astimezone(UTC) if replay else now
    backfill = received - latest > LATE
    event_time = min(latest, received) if exact or backfill else received
    return _Times(created, received, event_time, backfill)


def _kind(post: RawPost, match: Match) -> Kind:
    if post.kind == "deletion" or not match.own:
        return Kind(post.kind)
    return Kind.OWN_REPLY if post.in_reply_to or post.kind == "comment" else Kind.OWN_POST


def _next_revision(post: RawPost, known: Tracked | None) -> int:
    """Return the revision of a deletion: above all that is known, and the same when it is repeated."""
    if known is None:
        return max(post.revision, 1)
    return max(post.revision, known.revision if known.deleted else known.revision + 1)
