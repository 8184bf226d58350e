"""From counts to a state with its reasons: several look backs, confirmation, hysteresis."""

from datetime import timedelta

from msgspec import Struct

from services.messages.records import Reason, ReasonCode
from services.messages.vocabulary import StormState
from services.sentiment.storm.evidence import share_evidence
from services.sentiment.storm.window import Counts

RANK = {StormState.WATCH: 0, StormState.RISING: 1, StormState.STORM: 2}
EVIDENCE = {StormState.WATCH: 4.0, StormState.RISING: 5.5, StormState.STORM: 8.5}  # nats
MIN_VOICES = {StormState.RISING: 4, StormState.STORM: 6}
MIN_SHARE = 0.35  # negative among the posts that would not have come on an ordinary day
TALK_SHARE = 0.2  # negative, as a model reads it, where people talk about an institution without anger
ANGER = 2.0  # nats by which more of a crowd than that must be negative
MIN_BURST = 6  # negative posts from which one busy author or one copied text is worth a word
MIN_CROWD = 15  # mentions from which a happy crowd is worth a word
GROWING = 1.5  # pace of the last quarter against that of the last hour
EASED = 0.25  # share of its peak below which a storm eases
REKINDLED = 0.5  # share of its peak from which an easing storm is one again
DWELL = timedelta(minutes=30)  # least time before a step down, or back up
QUIET_HOURS = 4.0  # weighted by the daily rhythm, so that a night does not end what the morning goes on with


class Horizon(Struct, frozen=True):
    """What one look back over `hours` saw, against what was expected; evidence in nats."""

    hours: float
    counts: Counts
    expected: float  # voices
    expected_mentions: float
    evidence: float  # of the voices
    burst: float  # of the negative posts, whoever wrote them
    volume: float  # of all mentions

    @property
    def extra_negative(self) -> float:
        """Negative posts that would not have come on an ordinary day."""
        return max(0.0, self.counts.negative - self.expected)

    @property
    def extra(self) -> float:
        """All posts, reshares left out, that would not have come on an ordinary day."""
        counts = self.counts
        return max(counts.mentions - counts.reshares - self.expected_mentions, self.extra_negative)

    @property
    def share(self) -> float:
        """Negative among what would not have come on an ordinary day."""
        return self.extra_negative / self.extra if self.extra > 0 else 0.0

    @property
    def anger(self) -> float:
        """How strongly that share speaks against mere talk, in nats."""
        return share_evidence(self.extra_negative, self.extra, TALK_SHARE)


class Verdict(Struct, frozen=True):
    """How high on the ladder the evidence reaches, and why; None when nothing is unusual."""

    state: StormState | None
    reasons: tuple[Reason, ...]
    horizon: float  # hours of the look back that the verdict rests on


class Strength(Struct, frozen=True):
    """Voices of the last hour and of the last four."""

    hour: int = 0
    four: int = 0

    def highest(self, other: "Strength") -> "Strength":
        """Return the higher of both, each by itself."""
        return Strength(max(self.hour, other.hour), max(self.four, other.four))

    def share_of(self, peak: "Strength") -> float:
        """Return how much of the peak is left; by the hour for a flash, by four hours for a slow burn."""
        if peak.hour >= MIN_VOICES[StormState.RISING]:
            return self.hour / peak.hour
        return self.four / peak.four if peak.four else 0.0


def worth_a_look(voices: int, mentions: int) -> bool:
    """Tell whether so many in twelve hours could be anything; most institutions are silent most days."""
    return voices >= MIN_VOICES[StormState.RISING] or mentions >= MIN_CROWD


def strength(horizons: list[Horizon]) -> Strength:
    """Return how strong it is now."""
    return Strength(horizons[1].counts.voices, horizons[2].counts.voices)


def judge(horizons: list[Horizon]) -> Verdict:
    """Return the highest state that any look back supports."""
    for state in (StormState.STORM, StormState.RISING):
        for horizon in horizons:
            if _supports(state, horizon):
                return Verdict(state, _reasons(horizon, horizons), horizon.hours)
    return _said_not_called(horizons)


def unusual(horizons: list[Horizon]) -> bool:
    """Tell whether the last hour is still out of the ordinary, in voices, posts or volume."""
    limit = EVIDENCE[StormState.WATCH]
    return any(max(look.evidence, look.burst, look.volume) >= limit for look in horizons if look.hours <= 1)


def next_state(
    state: StormState,
    verdict: Verdict,
    *,
    now_strength: Strength,
    peak: Strength,
    since_step: timedelta,
    quiet_hours: float,
) -> tuple[StormState, tuple[Reason, ...]]:
    """Return where an open incident stands and why; it climbs at once and comes down slowly."""
    left = now_strength.share_of(peak)
    if state is StormState.EASING:
        flares = now_strength.hour >= MIN_VOICES[StormState.RISING] and left >= REKINDLED
        if flares and since_step >= DWELL and verdict.state in (StormState.RISING, StormState.STORM):
            return verdict.state, verdict.reasons
    elif verdict.state and RANK[verdict.state] > RANK[state]:
        return verdict.state, verdict.reasons
    elif state is not StormState.WATCH and left <= EASED and since_step >= DWELL:
        values = {"last_hour": float(now_strength.hour), "peak_hour": float(peak.hour)}
        return StormState.EASING, (Reason(ReasonCode.SLOWING, values),)
    if quiet_hours >= QUIET_HOURS and since_step >= DWELL:
        return StormState.CLOSED, (Reason(ReasonCode.QUIET, {"hours": round(quiet_hours, 1)}),)
    return state, ()


def _supports(state: StormState, horizon: Horizon) -> bool:
    """A state needs evidence, independent voices, and a crowd that is not mostly content or indifferent."""
    return (
        horizon.counts.voices >= MIN_VOICES[state]
        and horizon.evidence >= EVIDENCE[state]
        and horizon.share >= MIN_SHARE
        and horizon.anger >= ANGER
    )


def _said_not_called(horizons: list[Horizon]) -> Verdict:
    """Name what looks like a storm by volume and is none."""
    limit = EVIDENCE[StormState.WATCH]
    for horizon in horizons:
        counts = horizon.counts
        if counts.negative >= MIN_BURST and horizon.burst >= limit:
            code = None
            if counts.top_author > counts.negative / 2:
                code = ReasonCode.ONE_AUTHOR
            elif counts.texts <= counts.negative / 2:
                code = ReasonCode.ONE_TEXT
            if code:
                return Verdict(StormState.WATCH, (Reason(code, _values(horizon)),), horizon.hours)
        happy = counts.positive > 2 * counts.negative
        if counts.mentions >= MIN_CROWD and happy and horizon.volume >= EVIDENCE[StormState.STORM]:
            reason = Reason(ReasonCode.HAPPY_CROWD, _values(horizon))
            return Verdict(StormState.WATCH, (reason,), horizon.hours)
    return Verdict(None, (), 0.0)


def _reasons(horizon: Horizon, horizons: list[Horizon]) -> tuple[Reason, ...]:
    counts = horizon.counts
    burst = {
        "authors": float(counts.authors),
        "hours": horizon.hours,
        "expected": round(horizon.expected, 3),
        "evidence": round(horizon.evidence, 1),
    }
    breadth = {
        "authors": float(counts.authors),
        "negative": float(counts.negative),
        "texts": float(counts.texts),
    }
    reasons = [Reason(ReasonCode.BURST, burst), Reason(ReasonCode.BREADTH, breadth)]
    if counts.reshares or counts.texts < counts.negative:
        copies = {"copies": float(counts.negative - counts.texts), "reshares": float(counts.reshares)}
        reasons.append(Reason(ReasonCode.COPIES, copies))
    quarter, hour = horizons[0], horizons[1]
    per_hour = quarter.counts.voices * 4
    if per_hour > GROWING * hour.counts.voices > 0:
        values = {"per_hour_now": float(per_hour), "last_hour": float(hour.counts.voices)}
        reasons.append(Reason(ReasonCode.GROWTH, values))
    return tuple(reasons)


def _values(horizon: Horizon) -> dict[str, float]:
    counts = horizon.counts
    return {
        "hours": horizon.hours, "mentions": counts.mentions, "negative": counts.negative,
        "positive": counts.positive, "authors": counts.authors, "texts": counts.texts,
        "top_author": counts.top_author,
    }  # fmt: skip
