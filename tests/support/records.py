"""Records to test with."""

from datetime import UTC, datetime

from services.messages.fingerprint import fingerprint
from services.messages.records import Mention, ScoredMention
from services.messages.vocabulary import Channel, Kind, Mark, Sentiment

NOW = datetime(2026, 10, 7, 15, 0, tzinfo=UTC)


def mention(
    number: int,
    at: datetime = NOW,
    *,
    text: str | None = None,
    author: str | None = None,
    institutions: tuple[str, ...] = ("vennehart",),
    kind: Kind = Kind.MENTION,
    marks: tuple[Mark, ...] = (),
    revision: int = 0,
    backfill: bool = False,
) -> Mention:
    """Return a mention by its own author with a text of its own, unless told otherwise."""
    words = text or f"onderwerp {number} " + " ".join(f"w{number}x{i}" for i in range(9))
    return Mention(
        post=f"p{number:05}",
        revision=revision,
        institutions=institutions,
        channel=Channel.BLUESKY,
        source="test",
        kind=kind,
        marks=marks,
        author=author or f"a{number}",
        text=words,
        created_at=at,
        received_at=at,
        event_time=at,
        fingerprint=fingerprint(words),
        backfill=backfill,
    )


def scored(
    of: Mention, label: Sentiment = Sentiment.NEGATIVE, institution: str = "vennehart"
) -> ScoredMention:
    """Return a mention with a certain score."""
    share = {label: 1.0}
    return ScoredMention(
        institution=institution,
        mention=of,
        negative=share.get(Sentiment.NEGATIVE, 0.0),
        neutral=share.get(Sentiment.NEUTRAL, 0.0),
        positive=share.get(Sentiment.POSITIVE, 0.0),
        label=label,
    )
