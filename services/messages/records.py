"""The records that cross Kafka: frozen, versioned, and free of handles and raw links.

All times are aware datetimes in UTC. A reader ignores fields it does not know, so a field may be added
without a new version; a field that changes meaning needs a new `SCHEMA_VERSION` and a golden file.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from services.messages.vocabulary import Channel, Kind, Mark, Ruling, Sentiment, StormState, Theme

SCHEMA_VERSION = 1


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of everything on a topic."""

    # By factory, since a plain default would be left out, and a later reader would take it for its own.
    schema_version: int = field(default_factory=lambda: SCHEMA_VERSION)


class Mention(Record, frozen=True, kw_only=True):
    """One revision of one public post, after the privacy gate.

    `post`, `author`, `in_reply_to` and `thread` are keyed hashes; `link` is encrypted; `text` is redacted;
    `organisations` names the organisation of each of the institutions that is a part of one;
    `stars` is on a scale of five; `reach` counts followers or views as the channel reports them.
    `event_time` is `created_at`, clamped to `received_at`. `backfill` marks items that feed figures and
    baselines but never alerts.
    """

    post: str
    revision: int = 0
    institutions: tuple[str, ...]
    organisations: dict[str, str] = {}
    channel: Channel
    source: str
    kind: Kind
    marks: tuple[Mark, ...] = ()
    author: str
    text: str
    link: str = ""
    lang: str = "nl"
    created_at: datetime
    received_at: datetime
    event_time: datetime
    in_reply_to: str | None = None
    thread: str | None = None
    reach: int | None = None
    stars: float | None = None
    fingerprint: bytes = b""
    backfill: bool = False

    @property
    def own(self) -> bool:
        """Written by one of the institution's own accounts."""
        return self.kind in (Kind.OWN_POST, Kind.OWN_REPLY)


class ScoredMention(Record, frozen=True, kw_only=True):
    """What the model made of a mention, for one of the institutions it concerns.

    `negative`, `neutral` and `positive` are calibrated probabilities that sum to one. `organisation` is what
    the institution is a part of; empty when it is no part.
    """

    institution: str
    organisation: str = ""
    mention: Mention
    negative: float
    neutral: float
    positive: float
    label: Sentiment
    question: bool = False
    complaint: bool = False
    acute_risk: bool = False
    themes: tuple[Theme, ...] = ()
    model: str = ""

    @property
    def watched_as(self) -> str:
        """Under which institution it is watched: parts of one organisation together, in one partition."""
        return self.organisation or self.institution


class ReasonCode(StrEnum):
    """Why the detector took a step, or did not take one."""

    BURST = "burst"
    BREADTH = "breadth"
    GROWTH = "growth"
    COPIES = "copies"
    ONE_AUTHOR = "one_author"
    ONE_TEXT = "one_text"
    HAPPY_CROWD = "happy_crowd"
    SLOWING = "slowing"
    QUIET = "quiet"
    SEEN_LATE = "seen_late"
    SPREAD = "spread"
    SAID_NO_STORM = "said_no_storm"
    SAID_STORM = "said_storm"
    FELL_SILENT = "fell_silent"
    HEARD_AGAIN = "heard_again"


class Reason(Struct, frozen=True):
    """One reason in numbers; the words are made where they are shown."""

    code: ReasonCode
    values: dict[str, float] = {}


class Incident(Record, frozen=True, kw_only=True):
    """One step of an incident on the ladder of `StormState`.

    `id` is the institution and the opening post, so a repeated decision repeats the id; `seq` counts the
    steps from 0. `at` is the clock of the decision, `event_time` that of the newest mention it rests on,
    `onset` that of the first one. `n` counts negative mentions since onset, `authors` their distinct authors.
    `locations` is empty for an institution without parts. Otherwise it names whom the step concerns, with
    their negative mentions since onset, those of a part within the last twelve hours: parts, and the whole
    where that stands out itself.

    Silence is an incident too, which is no storm: it goes from `watch` to `closed`, with the reasons
    `fell_silent` and `heard_again`, beside any other.
    """

    id: str
    seq: int
    institution: str
    state: StormState
    at: datetime
    event_time: datetime
    onset: datetime
    n: int
    authors: int
    reasons: tuple[Reason, ...] = ()
    evidence: tuple[str, ...] = ()
    locations: dict[str, int] = {}

    @property
    def silence(self) -> bool:
        """Whether it is about too few mentions, instead of too many."""
        return any(reason.code in (ReasonCode.FELL_SILENT, ReasonCode.HEARD_AGAIN) for reason in self.reasons)

    @property
    def concerns(self) -> tuple[str, ...]:
        """Whom it concerns: the whole first, then the parts with the most negative mentions."""
        named = sorted(self.locations, key=lambda n: (n != self.institution, -self.locations[n], n))
        return tuple(named) or (self.institution,)


class Correction(Record, frozen=True, kw_only=True):
    """What somebody of the staff says of a running incident; of two about the same one the later holds."""

    incident: str
    ruling: Ruling
    by: str
    at: datetime

    @property
    def institution(self) -> str:
        """Whose incident it is, by the incident's id; in its partition the correction is read."""
        return self.incident.partition("/")[0]


class Stage(StrEnum):
    """How far down the pipeline everything up to a tick's `now` has come."""

    SCORED = "scored"
    WATCHED = "watched"
    TOLD = "told"


class Tick(Record, frozen=True, kw_only=True):
    """The clock of one partition of `scored`, handed on from stage to stage.

    It may be acted upon once every record of that partition below `scored_offset`, every correction below
    `corrections_offset`, and every incident of it below `incidents_offset`, has been applied; so a replay of
    the same log takes the same decisions.
    """

    stage: Stage
    partition: int
    now: datetime
    scored_offset: int
    incidents_offset: int = 0
    corrections_offset: int = 0


class Cursor(Record, frozen=True, kw_only=True):
    """Where a source resumes, and how it is doing. Counts are of the source's whole life."""

    source: str
    position: str
    published: int = 0
    unmatched: int = 0
    dead: int = 0
    last_item: datetime | None = None
    last_error: str | None = None
    since: datetime
    finished: bool = False


class DeadLetter(Record, frozen=True, kw_only=True):
    """Something that could not be processed: where it was and why, never what it said."""

    source: str
    stage: str
    reason: str
    position: str
    length: int
    sha256: str
    at: datetime
