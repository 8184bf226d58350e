"""The detector's promises: what it calls, what it names without calling, and that order does not matter."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.messages.records import Incident, ReasonCode, ScoredMention
from services.messages.vocabulary import Kind, Mark, Sentiment, Size, StormState
from services.sentiment.storm.baseline import Rhythm
from services.sentiment.storm.detector import Detector, StateError, dump, load
from services.sentiment.storm.window import short
from tests.support import records

START = datetime(2026, 10, 5, 0, 0, tzinfo=UTC)
END = 1 << 40


def scored(number: int, at: datetime, *, label: Sentiment = Sentiment.NEGATIVE, **how: Any) -> ScoredMention:
    return records.scored(records.mention(number, at, **how), label)


def quiet_days(days: int = 3) -> list[ScoredMention]:
    """Return a normal life: five mentions a day, one of them negative."""
    labels = [
        Sentiment.NEGATIVE,
        Sentiment.POSITIVE,
        Sentiment.NEUTRAL,
        Sentiment.NEUTRAL,
        Sentiment.POSITIVE,
    ]
    return [
        scored(day * 10 + i, START + timedelta(days=day, hours=8 + 2 * i), label=label)
        for day in range(days)
        for i, label in enumerate(labels)
    ]


def burst(count: int, minutes: float, at: datetime, first: int = 1000, **how: Any) -> list[ScoredMention]:
    return [scored(first + i, at + timedelta(minutes=minutes * i / count), **how) for i in range(count)]


def replay(mentions: list[ScoredMention], *, every: int = 1, until: datetime | None = None) -> list[Incident]:
    """Apply in the order given, then tick through the whole time."""
    detector = Detector.fresh("vennehart", Size.MEDIUM)
    for offset, mention in enumerate(mentions):
        detector.apply(offset, mention)
    steps: list[Incident] = []
    now = START
    while now < (until or START + timedelta(days=5)):
        now += timedelta(minutes=every)
        steps += detector.tick(now, END)
    return steps


STORM_AT = START + timedelta(days=3, hours=15)


def test_quiet_days_say_nothing() -> None:
    assert replay(quiet_days()) == []


def test_many_different_voices_are_a_storm_within_minutes() -> None:
    steps = replay(quiet_days() + burst(60, 60, STORM_AT))

    storm = next(step for step in steps if step.state is StormState.STORM)
    assert storm.at - STORM_AT <= timedelta(minutes=15)
    assert storm.reasons[0].code is ReasonCode.BURST
    assert storm.onset == STORM_AT
    assert steps[0].id == "vennehart/p01000"


def test_a_storm_eases_and_closes_and_its_steps_are_numbered() -> None:
    steps = replay(quiet_days() + burst(60, 60, STORM_AT))

    assert [step.seq for step in steps] == list(range(len(steps)))
    assert [step.state for step in steps][-2:] == [StormState.EASING, StormState.CLOSED]
    assert steps[-1].n == 60


def test_one_angry_man_is_named_and_not_called_a_storm() -> None:
    steps = replay(quiet_days() + burst(38, 240, STORM_AT, author="ronnie"))

    assert {step.state for step in steps} == {StormState.WATCH, StormState.CLOSED}
    assert steps[0].reasons[0].code is ReasonCode.ONE_AUTHOR


def test_one_text_copied_is_named_and_not_called_a_storm() -> None:
    steps = replay(
        quiet_days() + burst(80, 60, STORM_AT, text="Schande dat dit zo moet, deel dit bericht overal")
    )

    assert {step.state for step in steps} == {StormState.WATCH, StormState.CLOSED}
    assert steps[0].reasons[0].code is ReasonCode.ONE_TEXT


def test_a_happy_crowd_is_named_and_not_called_a_storm() -> None:
    crowd = burst(60, 120, STORM_AT, label=Sentiment.POSITIVE)
    misread = burst(5, 120, STORM_AT, first=2000)
    steps = replay(sorted(quiet_days() + crowd + misread, key=lambda s: s.mention.event_time))

    assert {step.state for step in steps} == {StormState.WATCH, StormState.CLOSED}
    assert steps[0].reasons[0].code is ReasonCode.HAPPY_CROWD


@pytest.mark.parametrize(("others", "called"), [(11, False), (4, True)])
def test_a_crowd_that_talks_is_no_storm_though_a_third_is_read_as_negative(
    others: int, *, called: bool
) -> None:
    crowd = burst(others, 60, STORM_AT, label=Sentiment.NEUTRAL) + burst(7, 60, STORM_AT, first=2000)
    steps = replay(sorted(quiet_days() + crowd, key=lambda s: s.mention.event_time))

    assert (StormState.STORM in {step.state for step in steps}) is called


@pytest.mark.parametrize(
    "how",
    [
        {"kind": Kind.OWN_POST},
        {"marks": (Mark.RESHARE,)},
        {"marks": (Mark.VACANCY,)},
        {"backfill": True},
        {"label": Sentiment.NEUTRAL},
    ],
)
def test_what_is_no_negative_voice_is_no_storm(how: dict[str, Any]) -> None:
    steps = replay(quiet_days() + burst(60, 60, STORM_AT, **how))

    assert {StormState.RISING, StormState.STORM}.isdisjoint(step.state for step in steps)


def test_the_order_of_arrival_does_not_matter() -> None:
    mentions = quiet_days() + burst(60, 60, STORM_AT)
    shuffled = mentions.copy()
    random.Random(7).shuffle(shuffled)

    assert replay(shuffled) == replay(mentions)


def test_a_repeated_record_or_tick_changes_nothing() -> None:
    detector = Detector.fresh("vennehart", Size.MEDIUM)
    for offset, mention in enumerate(quiet_days() + burst(60, 60, STORM_AT)):
        assert detector.apply(offset, mention)
        assert not detector.apply(offset, mention)
    now = STORM_AT + timedelta(hours=1)
    first = detector.tick(now, END)
    state = dump(detector)

    assert first
    assert detector.tick(now, END) == []
    assert dump(detector) == state


def test_a_post_counts_once_and_its_last_revision_wins() -> None:
    same = [scored(1, STORM_AT + timedelta(minutes=i), revision=i) for i in range(30)]
    deleted = [scored(1, STORM_AT, revision=99, kind=Kind.DELETION)]

    assert replay(quiet_days() + same) == []
    assert replay(quiet_days() + same + deleted) == []


def test_a_restart_at_any_tick_takes_the_same_decisions() -> None:
    mentions = quiet_days() + burst(60, 60, STORM_AT)
    whole = replay(mentions, every=10)
    detector = Detector.fresh("vennehart", Size.MEDIUM)
    for offset, mention in enumerate(mentions):
        detector.apply(offset, mention)
    steps: list[Incident] = []
    now = START
    while now < START + timedelta(days=5):
        now += timedelta(minutes=10)
        steps += detector.tick(now, END)
        detector = load(dump(detector))

    assert steps == whole


def test_state_that_is_written_only_when_something_happened_takes_the_same_decisions() -> None:
    """The watch app does not write an institution at every tick; what it skips must be learned again."""
    mentions = quiet_days() + burst(60, 60, STORM_AT)
    whole = replay(mentions, every=10)
    detector = Detector.fresh("vennehart", Size.MEDIUM)
    for offset, mention in enumerate(mentions):
        detector.apply(offset, mention)
    stored = dump(detector)
    steps: list[Incident] = []
    now = START
    while now < START + timedelta(days=5):
        now += timedelta(minutes=10)
        before = detector.incident is not None
        steps += detector.tick(now, END)
        if before or detector.incident is not None:
            stored = dump(detector)
        else:
            detector = load(stored)

    assert steps == whole


def test_a_tick_waits_for_nothing_beyond_its_offset() -> None:
    detector = Detector.fresh("vennehart", Size.MEDIUM)
    for offset, mention in enumerate(burst(40, 20, STORM_AT)):
        detector.apply(offset, mention)

    assert detector.tick(STORM_AT + timedelta(hours=1), 3) == []
    steps = detector.tick(STORM_AT + timedelta(hours=1, minutes=1), END)
    assert [step.state for step in steps] == [StormState.STORM]


def live(
    posts: list[tuple[timedelta, ScoredMention]], *, days: float, size: Size = Size.MEDIUM
) -> tuple[list[Incident], Detector]:
    """Let posts arrive some time after they were written, and tick every minute."""
    detector = Detector.fresh("vennehart", size)
    queue = sorted(posts, key=lambda p: p[1].mention.event_time + p[0])
    steps: list[Incident] = []
    now, offset = START, 0
    while now < START + timedelta(days=days):
        now += timedelta(minutes=1)
        while offset < len(queue) and queue[offset][1].mention.event_time + queue[offset][0] <= now:
            detector.apply(offset, queue[offset][1])
            offset += 1
        steps += detector.tick(now, END)
    return steps, detector


def test_what_arrives_late_is_said_to_be_late_and_does_not_flap() -> None:
    late = [
        (timedelta(hours=3) - i * timedelta(minutes=5), scored(i, STORM_AT + i * timedelta(minutes=5)))
        for i in range(12)
    ]
    steps, _ = live(late, days=5)

    assert [step.state for step in steps] == [StormState.STORM, StormState.EASING, StormState.CLOSED]
    assert ReasonCode.SEEN_LATE in [reason.code for reason in steps[0].reasons]


def test_an_incident_counts_on_while_posts_arrive_behind_the_clock() -> None:
    posts = [(timedelta(seconds=90), found) for found in burst(200, 180, STORM_AT)]
    steps, _ = live(posts, days=5)

    assert steps[-1].n == 200
    assert steps[-1].authors == pytest.approx(200, abs=3)


def test_a_storm_does_not_hide_the_next_one() -> None:
    first, second = burst(200, 240, STORM_AT), burst(20, 60, STORM_AT + timedelta(days=2), first=5000)
    steps, detector = live([(timedelta(0), found) for found in quiet_days(6) + first + second], days=7)

    assert len({step.id for step in steps if step.state is StormState.STORM}) == 2
    assert detector.state.negative.expected(24) < 3  # one a day is normal; the storm had 200


def test_the_baseline_of_a_busy_institution_is_learned() -> None:
    every = timedelta(minutes=2)
    posts = [
        (
            timedelta(0),
            scored(n, START + n * every, label=Sentiment.NEUTRAL if n % 100 else Sentiment.NEGATIVE),
        )
        for n in range(5 * 720)
    ]
    _, detector = live(posts, days=5, size=Size.LARGE)

    assert 500 < detector.state.volume.expected(24) < 1000
    assert 4 < detector.state.negative.expected(24) < 11


def test_the_rhythm_bends_as_far_as_the_hours_of_an_institution_do() -> None:
    rhythm, night = Rhythm.fresh(), int(START.timestamp()) // 3600
    usual = rhythm.weight(night)
    for _ in range(50):
        rhythm.learn(night, seen=16, expected=4)

    assert rhythm.weight(night) / usual == pytest.approx(4, rel=0.1)


def test_a_lasting_rise_becomes_the_new_normal() -> None:
    times = [START + timedelta(days=day, hours=7 + n / 2.5) for day in range(14) for n in range(35)]
    posts = [(timedelta(0), scored(n, at)) for n, at in enumerate(times)]
    steps, detector = live(posts, days=14)

    assert steps
    assert detector.incident is None
    assert max(step.at for step in steps) < START + timedelta(days=9)


def test_one_old_first_mention_is_no_history_of_silence() -> None:
    old = scored(1, START - timedelta(days=3000), backfill=True)
    detector = Detector.fresh("vennehart", Size.LARGE)
    before = detector.state.negative.expected(24)
    detector.apply(0, old)
    detector.tick(START, END)

    assert detector.state.negative.expected(24) == before


def test_a_lower_revision_never_replaces_a_higher_one_nor_brings_a_post_back() -> None:
    detector = Detector.fresh("vennehart", Size.MEDIUM)
    order = [
        scored(1, STORM_AT, revision=2, label=Sentiment.NEUTRAL),
        scored(1, STORM_AT, revision=1),
        scored(2, STORM_AT, kind=Kind.DELETION, revision=1),
        scored(2, STORM_AT),
    ]
    for offset, found in enumerate(order):
        detector.apply(offset, found)
        detector.tick(STORM_AT + timedelta(minutes=offset), END)

    memory = detector.state.memory
    assert memory.voices == []
    assert memory.others == {short("p00001"): 2}


def test_an_erased_post_leaves_nothing_behind() -> None:
    detector = Detector.fresh("vennehart", Size.MEDIUM)
    for offset, found in enumerate(burst(20, 20, STORM_AT)):
        detector.apply(offset, found)
    detector.tick(STORM_AT + timedelta(minutes=20), END)
    detector.forget(20, "p01003")
    detector.tick(STORM_AT + timedelta(minutes=21), END)

    assert detector.incident is not None
    assert "p01003" not in detector.incident.evidence
    assert "p01003" not in detector.state.memory.named.values()
    assert len(detector.state.memory.voices) == 19


def test_a_state_of_another_version_is_refused() -> None:
    with pytest.raises(StateError, match="version 99"):
        load(bytes([99]) + dump(Detector.fresh("vennehart", Size.SMALL))[1:])


def test_the_state_of_a_big_storm_stays_bounded() -> None:
    detector = Detector.fresh("vennehart", Size.LARGE)
    for offset, mention in enumerate(burst(5000, 600, STORM_AT)):
        detector.apply(offset, mention)
    detector.tick(STORM_AT + timedelta(hours=10), END)

    assert len(dump(detector)) < 20_000
