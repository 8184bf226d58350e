"""Every topic: its name, its key, its policy. No other file spells a topic's name."""

from dataclasses import dataclass
from datetime import timedelta

from services.messages.records import (
    Correction,
    Cursor,
    DeadLetter,
    Incident,
    Mention,
    Record,
    ScoredMention,
    Tick,
)

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and how long it keeps what it holds; `retention` None keeps it until compaction."""

    name: str
    holds: type[Record] | None
    compacted: bool = False
    retention: timedelta | None = None
    partitions: int | None = None  # None: the installation's one setting

    def config(self, min_insync: int) -> dict[str, str]:
        """Return the Kafka settings of this topic."""
        policy = ["compact"] if self.compacted else []
        policy += ["delete"] if self.retention or not self.compacted else []
        config = {"cleanup.policy": ",".join(policy), "min.insync.replicas": str(min_insync)}
        # An open segment is neither compacted nor deleted, so it may not stay open longer than a day.
        config["segment.ms"] = _ms(min(DAY, self.retention) if self.retention else DAY)
        if self.compacted:
            config["max.compaction.lag.ms"] = _ms(DAY)
        if self.retention:
            config["retention.ms"] = _ms(self.retention)
        return config


def _ms(span: timedelta) -> str:
    return str(int(span.total_seconds() * 1000))


class Topics:
    """Topics and consumer groups of one installation; `prefix` keeps installations on a cluster apart."""

    def __init__(self, prefix: str = "stormwacht") -> None:
        self.prefix = prefix
        self.score_group = f"{prefix}-score"  # also the Faust app id
        self.watch_group = f"{prefix}-watch"  # also the Faust app id
        self.alerts_group = f"{prefix}-alerts"

        self.mentions = Topic(f"{prefix}.mentions", Mention, compacted=True, retention=30 * DAY)
        self.scored = Topic(f"{prefix}.scored", ScoredMention, compacted=True, retention=30 * DAY)
        self.incidents = Topic(f"{prefix}.incidents", Incident, retention=365 * DAY)
        # As long as incidents, and not compacted: of each it shows who ruled what, and when.
        self.corrections = Topic(f"{prefix}.corrections", Correction, retention=365 * DAY)
        self.urgent = Topic(f"{prefix}.urgent", None, retention=7 * DAY)
        self.ticks = Topic(f"{prefix}.ticks", Tick, retention=DAY)
        self.cursors = Topic(f"{prefix}.cursors", Cursor, compacted=True, partitions=1)
        self.deadletters = Topic(f"{prefix}.deadletters", DeadLetter, retention=30 * DAY, partitions=1)

        # Faust would create its table's changelog itself, unreplicated; the name is its own.
        self.detectors = Topic(f"{self.watch_group}-detectors-changelog", None, compacted=True)

    def all(self) -> list[Topic]:
        """Return every topic that has to exist before a service starts."""
        return [
            self.mentions,
            self.scored,
            self.incidents,
            self.corrections,
            self.urgent,
            self.ticks,
            self.cursors,
            self.deadletters,
            self.detectors,
        ]


def scored_key(institution: str, post: str) -> str:
    """Return the compaction key of a scored mention.

    Its partition is chosen by the institution alone, or by the organisation that this is a part of.
    """
    return f"{institution}/{post}"
