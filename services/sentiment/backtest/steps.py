"""What a backtest writes: a line per step, and one that sums up."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from services.messages.records import Incident, Reason
from services.messages.vocabulary import StormState


class Step(Struct, frozen=True, kw_only=True, tag_field="type", tag="incident"):
    """A step of an incident; one of a series of counts knows no authors, and has a `score` when it begins."""

    institution: str
    state: StormState
    event_time: datetime
    at: datetime
    onset: datetime
    n: int
    authors: int | None
    reasons: tuple[Reason, ...]
    evidence: tuple[str, ...] = ()
    locations: dict[str, int] | UnsetType = UNSET
    id: str
    seq: int
    score: float | UnsetType = UNSET


class Summary(Struct, frozen=True, kw_only=True, tag_field="type", tag="summary"):
    """The last line. `skipped` are posts that are no reaction: own ones, advertisements, deletions."""

    posts: int
    negative: int
    skipped: int
    institutions: int
    counts: int
    series: int
    incidents: int
    storms: int
    open: int
    first: datetime | None
    last: datetime | None

    def words(self) -> str:
        """Return it as a line for people."""
        read = []
        if self.posts or not self.series:
            read.append(f"{self.posts:,} posts about {self.institutions:,} institutions")
        if self.series:
            read.append(f"{self.counts:,} counts in {self.series:,} series")
        return (
            f"{' and '.join(read)}: {self.incidents:,} incidents, {self.storms:,} of them storms, "
            f"{self.open:,} still open at the end"
        )


def step_of(incident: Incident) -> Step:
    """Return the line of a detector's step."""
    return Step(
        institution=incident.institution,
        state=incident.state,
        event_time=incident.event_time,
        at=incident.at,
        onset=incident.onset,
        n=incident.n,
        authors=incident.authors,
        reasons=incident.reasons,
        evidence=incident.evidence,
        locations=incident.locations or UNSET,
        id=incident.id,
        seq=incident.seq,
    )
